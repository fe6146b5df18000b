/** Positions of file sources in the store. Reading is at once, from what was loaded at the start; writing is gathered. */
import type { OffsetStore, Position } from '../sources/tail/offsets.ts';
import type { Store } from '../store/store.ts';

const PREFIX = 'tail ';
const SAVE_MS = 200;

export interface StoredOffsets {
  for(source: string): OffsetStore;
  /** Writes what waits. */
  flush(): Promise<void>;
}

export async function storedOffsets(
  store: Pick<Store, 'positions'>,
  write: (positions: ReadonlyMap<string, string>) => Promise<unknown>,
): Promise<StoredOffsets> {
  const known = await store.positions();
  const waiting = new Map<string, string>();
  let timer: NodeJS.Timeout | null = null;
  let writing: Promise<void> = Promise.resolve();

  const flush = (): Promise<void> => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    if (waiting.size === 0) return writing;
    const positions = new Map(waiting);
    waiting.clear();
    writing = writing.then(async () => void (await write(positions)));
    return writing;
  };

  return {
    flush,
    for: source => {
      const prefix = `${PREFIX}${source} `;
      return {
        load: () => {
          const entries = new Map<string, Position>();
          for (const [key, text] of known) {
            if (key.startsWith(prefix)) entries.set(key.slice(prefix.length), JSON.parse(text) as Position);
          }
          return entries;
        },
        save: entries => {
          let isNew = false;
          for (const [key, position] of entries) {
            const text = JSON.stringify(position);
            isNew ||= !known.has(prefix + key);
            known.set(prefix + key, text);
            waiting.set(prefix + key, text);
          }
          // A file that nobody knows would be lost by a rotation; a position that is a moment old only repeats itself.
          if (isNew) void flush();
          else timer ??= setTimeout(flush, SAVE_MS);
        },
      };
    },
  };
}

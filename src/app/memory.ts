/**
 * What rules have learned and counted, kept over restarts beyond what the recorder's log brings back: written now and then, when
 * everything that came of the same events is stored, so that after a crash nothing counts as seen whose alert was lost.
 */
import type { Engine } from '../engine.ts';
import type { Micros } from '../model/time.ts';
import type { Store } from '../store/store.ts';

const EVERY_MS = 30_000;

export class MemoryKeeper {
  readonly #engine: Engine;
  readonly #relived: Micros;
  readonly #write: (texts: ReadonlyMap<string, string>) => Promise<void>;
  readonly #now: () => number;
  #next: number;

  /** `relived`: event time that a restart lives through again. */
  constructor(
    engine: Engine,
    relived: Micros,
    write: (texts: ReadonlyMap<string, string>) => Promise<void>,
    now: () => number = Date.now,
  ) {
    this.#engine = engine;
    this.#relived = relived;
    this.#write = write;
    this.#now = now;
    this.#next = now() + EVERY_MS;
  }

  /** For `Pipeline`: writes what was known at the time of this call; null while there is nothing to write. `always`: it is time. */
  checkpoint(always = false): (() => Promise<void>) | null {
    const now = this.#now();
    if (!always && now < this.#next) return null;
    this.#next = now + EVERY_MS;
    const texts = this.#engine.memory(this.#relived);
    return texts.size === 0 ? null : () => this.#write(texts);
  }
}

/** What was written for the rules at work. */
export async function storedMemory(engine: Engine, store: Pick<Store, 'state'>): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>();
  for (const name of engine.memoryNames()) {
    const text = await store.state(name);
    if (text !== null && text !== '') texts.set(name, text);
  }
  return texts;
}

/** How far each followed file was read, and how that file is known again after it was renamed or compressed. */
import type { Micros } from '../../model/time.ts';

export interface Position {
  /** `<device>:<inode>` of the file. Renaming keeps it; compressing and copying do not. */
  readonly inode: string;
  /** Hash of the first bytes of its text: 1,024, or as many as `offset`. */
  readonly head: string;
  /**
   * Hash of the up to 1,024 bytes before `offset`. The head alone is not enough: a line of 9 kB begins with the process, so that
   * two files can begin alike; its end holds the time.
   */
  readonly before: string;
  /** Bytes of text that were processed. */
  readonly offset: number;
  /** Where the file lay, for people. */
  readonly path: string;
  /** Event time of the newest event before it, micros: where a gap begins when what follows is gone. Absent when not known. */
  readonly time?: Micros;
}

/** Where positions are kept between runs. Keys are the paths that are followed. */
export interface OffsetStore {
  load(): ReadonlyMap<string, Position>;
  /** Replaces the entries of these keys, and keeps the others. */
  save(entries: ReadonlyMap<string, Position>): void;
}

/** Positions in memory: for tests, and for programs that keep nothing. */
export function memoryOffsets(): OffsetStore {
  const entries = new Map<string, Position>();
  return {
    load: () => new Map(entries),
    save: changed => {
      for (const [key, position] of changed) entries.set(key, position);
    },
  };
}

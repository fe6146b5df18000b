/** How far each file was read, and how a file is known again after it was renamed. */

/** What a file is, however it is named: renaming keeps the inode, compressing keeps the first bytes. */
export interface Position {
  /** `<device>:<inode>` of the file when it was last seen uncompressed. */
  readonly inode: string;
  /** Hash of the first bytes of its text, and how many they were: at most 1,024. */
  readonly fingerprint: string;
  readonly fingerprintBytes: number;
  /** Bytes of text that were processed. */
  readonly offset: number;
  /** Its path when it was last seen, for people. */
  readonly path: string;
}

/** Where positions are kept between runs, by a key that the tail source makes. */
export interface OffsetStore {
  load(): ReadonlyMap<string, Position>;
  /** Replaces all entries. */
  save(entries: ReadonlyMap<string, Position>): void;
}

/** Positions in memory: for tests. */
export function memoryOffsets(): OffsetStore {
  let entries: ReadonlyMap<string, Position> = new Map();
  return {
    load: () => entries,
    save: next => {
      entries = new Map(next);
    },
  };
}

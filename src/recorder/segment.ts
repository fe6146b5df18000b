/**
 * Names of the recorder's files, which say what is in them and sort by age:
 * `<first>.ndjson` is being written; `<first>-<count>-<from>-<to>.ndjson.gz` is sealed, and the same name with `.index.gz` says
 * what is in each of its blocks; `base-<first>.ndjson.gz` holds the exec records of processes that outlived the segments before
 * `<first>`, which are gone; `window-<first>.ndjson.gz` those that a restart needs from before `<first>`, where it begins.
 */
import type { Micros } from '../model/time.ts';
import type { BlockBuilder } from './blocks.ts';

/** A run of events that follow each other: `count` of them, the first with number `first`. */
export interface Segment {
  readonly first: number;
  count: number;
  /** The newest event time so far, before this segment's first event (0: not known) and after its last. Micros. */
  from: Micros;
  to: Micros;
  /** Bytes on the disk. */
  bytes: number;
  /** File name; changes when it is sealed. */
  name: string;
  /** What is in it, until it is sealed. */
  growing: BlockBuilder | null;
}

const DIGITS = 16;
const PLAIN = /^(\d{16})\.ndjson$/;
const SEALED = /^(\d{16})-(\d+)-(\d+)-(\d+)\.ndjson\.gz$/;
const BASE = /^base-(\d{16})\.ndjson\.gz$/;
const WINDOW = /^window-(\d{16})\.ndjson\.gz$/;
const INDEX = /\.index\.gz$/;

const padded = (n: number): string => String(n).padStart(DIGITS, '0');

export const plainName = (first: number): string => `${padded(first)}.ndjson`;
export const baseName = (first: number): string => `base-${padded(first)}.ndjson.gz`;
export const windowName = (first: number): string => `window-${padded(first)}.ndjson.gz`;
/** Of the index beside a sealed file. */
export const indexName = (name: string): string => name.replace(/\.ndjson\.gz$/, '.index.gz');
export const sealedName = ({ first, count, from, to }: Pick<Segment, 'first' | 'count' | 'from' | 'to'>): string =>
  `${padded(first)}-${count}-${from}-${to}.ndjson.gz`;
export const isSealed = (segment: Pick<Segment, 'name'>): boolean => segment.name.endsWith('.gz');

export interface Found {
  readonly sealed: Segment[];
  /** First numbers of segments that a run left unsealed. */
  readonly plain: number[];
  /** First numbers of bases. */
  readonly bases: number[];
  /** First numbers of windows. */
  readonly windows: number[];
  /** Names of indexes. */
  readonly indexes: string[];
  /** Half-written files. */
  readonly leftovers: string[];
}

/** What a folder's file names say, oldest first; other names are passed over. */
export function readNames(names: readonly string[]): Found {
  const found: Found = { sealed: [], plain: [], bases: [], windows: [], indexes: [], leftovers: [] };
  for (const name of [...names].sort()) {
    const plain = PLAIN.exec(name);
    const sealed = SEALED.exec(name);
    const base = BASE.exec(name);
    const window = WINDOW.exec(name);
    if (plain !== null) found.plain.push(Number(plain[1]));
    else if (base !== null) found.bases.push(Number(base[1]));
    else if (window !== null) found.windows.push(Number(window[1]));
    else if (INDEX.test(name)) found.indexes.push(name);
    else if (sealed !== null) {
      const [first = 0, count = 0, from = 0, to = 0] = sealed.slice(1).map(Number);
      found.sealed.push({ first, count, from, to, bytes: 0, name, growing: null });
    } else if (name.endsWith('.tmp')) found.leftovers.push(name);
  }
  return found;
}

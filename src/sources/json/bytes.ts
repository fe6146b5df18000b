/** Small readers over bytes that the fast paths share. */
import { isObject, type Json } from './values.ts';

export const QUOTE = 0x22;
export const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const ZERO = 0x30;
const NINE = 0x39;

/** Digits of a 32-bit number at most. */
const DIGITS_MAX = 10;

export function startsWith(bytes: Buffer, at: number, prefix: Buffer): boolean {
  for (let i = 0; i < prefix.length; i++) if (bytes[at + i] !== prefix[i]) return false;
  return true;
}

/** The first place of `needle` that lies wholly in `bytes[from, limit)`, or -1. */
export function indexWithin(bytes: Buffer, needle: Buffer, from: number, limit: number): number {
  // A view, because a search has no end of its own and would run through the rest of the chunk.
  const at = bytes.subarray(from, limit).indexOf(needle);
  return at < 0 ? -1 : from + at;
}

/** Where the JSON number of digits at `at` ends; -1 when there is none. */
export function digitsEnd(bytes: Buffer, at: number): number {
  let end = at;
  for (let byte = bytes[end]; byte !== undefined && byte >= ZERO && byte <= NINE; byte = bytes[end]) end++;
  if (end === at || end - at > DIGITS_MAX) return -1;
  return bytes[at] === ZERO && end - at > 1 ? -1 : end;
}

export function digits(bytes: Buffer, start: number, end: number): number {
  let value = 0;
  for (let i = start; i < end; i++) value = value * 10 + (bytes[i] as number) - ZERO;
  return value;
}

/** Where the string ends that begins at `at`, after its quote, when it is plain ASCII without escapes; else -1. */
export function plainStringEnd(bytes: Buffer, at: number, bytesMax: number): number {
  const limit = at + bytesMax;
  for (let i = at; i <= limit; i++) {
    const byte = bytes[i];
    if (byte === QUOTE) return i;
    if (byte === undefined || byte < 0x20 || byte === BACKSLASH || byte > 0x7e) return -1;
  }
  return -1;
}

/** The JSON object that `text` is, else null. */
export function parseObject(text: string): Json | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

/** Distances that a landmark was found at, tried before a search. */
const DISTANCES_MAX = 4;

/**
 * A key that lies at one of a few distances in most lines. A guess that is wrong costs a comparison of a few bytes; one that
 * hits a place other than the first gives pieces that fail to parse.
 */
export class Landmark {
  readonly #key: Buffer;
  readonly #distances = new Int32Array(DISTANCES_MAX);
  #next = 0;

  constructor(key: string) {
    this.#key = Buffer.from(key);
  }

  get length(): number {
    return this.#key.length;
  }

  /** Where the key stands in `bytes[from, limit)`, or -1. */
  find(bytes: Buffer, from: number, limit: number): number {
    const key = this.#key;
    const last = limit - key.length;
    for (let i = 0; i < DISTANCES_MAX; i++) {
      const distance = this.#distances[i] as number;
      const at = from + distance;
      if (distance > 0 && at <= last && startsWith(bytes, at, key)) return at;
    }
    const at = indexWithin(bytes, key, from, limit);
    if (at > from) {
      this.#distances[this.#next] = at - from;
      this.#next = (this.#next + 1) % DISTANCES_MAX;
    }
    return at;
  }
}

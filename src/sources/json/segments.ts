/**
 * Pieces of lines that repeat byte for byte, each with what it was decoded to. A piece is found by a hash of a sample of its
 * bytes and proven by comparing them all. A fixed number of slots bounds it; a newcomer takes the older of two slots.
 */

/** Longer pieces are not kept. */
const SEGMENT_BYTES_MAX = 8_192;
/** Bytes of a piece that are hashed, about. */
const SAMPLES = 40;

interface Segment<T> {
  readonly hash: number;
  readonly bytes: Buffer;
  readonly value: T;
}

export interface SegmentOptions {
  /** A power of two. */
  readonly slots: number;
  /** Keep a piece only when it comes the second time: for pieces of which many are unique. */
  readonly onSecondSight: boolean;
}

export class SegmentCache<T> {
  readonly #slots: (Segment<T> | undefined)[];
  readonly #seen: Int32Array | null;
  readonly #mask: number;
  evicted = 0;

  constructor({ slots, onSecondSight }: SegmentOptions) {
    this.#slots = new Array(slots).fill(undefined);
    this.#mask = slots - 1;
    this.#seen = onSecondSight ? new Int32Array(slots) : null;
  }

  /** What `bytes[start, end)` means: as remembered, or decoded now. Null, which is not kept, when it cannot be decoded. */
  get(bytes: Buffer, start: number, end: number, decode: (text: string) => T | null): T | null {
    const hash = sampleHash(bytes, start, end);
    const at = hash & this.#mask;
    const first = this.#slots[at];
    if (first !== undefined && fits(first, hash, bytes, start, end)) return first.value;
    const second = this.#slots[at ^ 1];
    if (second !== undefined && fits(second, hash, bytes, start, end)) return second.value;
    const value = decode(bytes.toString('utf8', start, end));
    if (value !== null && end - start <= SEGMENT_BYTES_MAX && this.#admit(hash, at)) {
      if (second !== undefined) this.evicted++;
      this.#slots[at ^ 1] = first;
      this.#slots[at] = { hash, bytes: Buffer.from(bytes.subarray(start, end)), value };
    }
    return value;
  }

  clear(): void {
    this.#slots.fill(undefined);
  }

  #admit(hash: number, at: number): boolean {
    if (this.#seen === null || this.#seen[at] === hash) return true;
    this.#seen[at] = hash;
    return false;
  }
}

function fits<T>(segment: Segment<T>, hash: number, bytes: Buffer, start: number, end: number): boolean {
  if (segment.hash !== hash || segment.bytes.length !== end - start) return false;
  return bytes.compare(segment.bytes, 0, segment.bytes.length, start, end) === 0;
}

function sampleHash(bytes: Buffer, start: number, end: number): number {
  const length = end - start;
  const step = 1 + Math.floor(length / SAMPLES);
  let hash = length;
  // From the end, where pieces that begin alike differ.
  for (let i = end - 1; i >= start; i -= step) hash = (Math.imul(hash, 31) + (bytes[i] as number)) | 0;
  return hash ^ (hash >>> 15);
}

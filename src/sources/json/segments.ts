/**
 * Pieces of lines that repeat byte for byte, each with what it was decoded to. A piece is found by a hash of a sample of its
 * bytes and proven by comparing them all. A fixed number of slots bounds it; a newcomer takes the place of the oldest of four.
 */

/** Longer pieces are not kept. */
const SEGMENT_BYTES_MAX = 8_192;
/** Words of a piece that are hashed, at most about. */
const SAMPLES = 48;
const WORD_BYTES = 4;
/** Pieces that share a place: those that differ only where the sample does not look. */
const WAYS = 4;

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
  #viewed: Buffer | null = null;
  /** Of the buffer that was read last: words are read from it four times faster than bytes. */
  #view: DataView = new DataView(new ArrayBuffer(0));
  evicted = 0;

  constructor({ slots, onSecondSight }: SegmentOptions) {
    this.#slots = new Array(slots).fill(undefined);
    this.#mask = slots / WAYS - 1;
    this.#seen = onSecondSight ? new Int32Array(slots) : null;
  }

  /** What `bytes[start, end)` means: as remembered, or decoded now. Null, which is not kept, when it cannot be decoded. */
  get(bytes: Buffer, start: number, end: number, decode: (text: string) => T | null): T | null {
    const hash = this.#sampleHash(bytes, start, end);
    const set = (hash & this.#mask) * WAYS;
    for (let i = set; i < set + WAYS; i++) {
      const segment = this.#slots[i];
      if (segment !== undefined && fits(segment, hash, bytes, start, end)) return segment.value;
    }
    const value = decode(bytes.toString('utf8', start, end));
    if (value !== null && end - start <= SEGMENT_BYTES_MAX && this.#admit(hash)) {
      if (this.#slots[set + WAYS - 1] !== undefined) this.evicted++;
      for (let i = set + WAYS - 1; i > set; i--) this.#slots[i] = this.#slots[i - 1];
      this.#slots[set] = { hash, bytes: Buffer.from(bytes.subarray(start, end)), value };
    }
    return value;
  }

  clear(): void {
    this.#slots.fill(undefined);
  }

  /** A hash of words spread over the piece, from its end: pieces that begin alike differ there. */
  #sampleHash(bytes: Buffer, start: number, end: number): number {
    if (bytes !== this.#viewed) {
      this.#viewed = bytes;
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    }
    const length = end - start;
    const step = Math.max(WORD_BYTES, Math.floor(length / SAMPLES));
    let hash = length;
    for (let at = end - WORD_BYTES; at >= start; at -= step) {
      hash = (Math.imul(hash, 31) + this.#view.getInt32(at, true)) | 0;
    }
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
    return hash ^ (hash >>> 13);
  }

  #admit(hash: number): boolean {
    const at = hash & this.#mask;
    if (this.#seen === null || this.#seen[at] === hash) return true;
    this.#seen[at] = hash;
    return false;
  }
}

function fits<T>(segment: Segment<T>, hash: number, bytes: Buffer, start: number, end: number): boolean {
  if (segment.hash !== hash || segment.bytes.length !== end - start) return false;
  return bytes.compare(segment.bytes, 0, segment.bytes.length, start, end) === 0;
}

/** A cursor over protobuf's wire format. Bounds are checked at every step: what is cut or malformed throws `WireError`. */
import { type Instant, MICROS_PER_SECOND } from '../../model/time.ts';

/** Bytes that are no protobuf message: cut in the middle, or never one. */
export class WireError extends Error {
  override name = 'WireError';
}

export const VARINT = 0;
export const FIXED64 = 1;
export const BYTES = 2;
export const FIXED32 = 5;

const TWO_POW_21 = 2_097_152;
const TWO_POW_32 = 4_294_967_296;

/** The upper half of the varint read last. */
let high = 0;

function big(upper: number, lower: number): bigint {
  return (BigInt(upper) << 32n) | BigInt(lower);
}

/** Node's own slicing into strings, without the checks of `toString` that cost more than the work on short text. */
interface Slices {
  utf8Slice(start: number, end: number): string;
  latin1Slice(start: number, end: number): string;
}

export class Reader {
  readonly bytes: Buffer & Slices;
  pos: number;
  /** Where the message being read ends; at most `bytes.length`. */
  end: number;

  constructor(bytes: Buffer, pos = 0, end = bytes.length) {
    this.bytes = bytes as Buffer & Slices;
    this.pos = pos;
    this.end = end;
  }

  /** Tags, lengths, enums and 32-bit integers: the low 32 bits of a varint, unsigned. */
  uint32(): number {
    const bytes = this.bytes;
    let pos = this.pos;
    let byte = pos < this.end ? (bytes[pos++] as number) : this.#cut();
    let value = byte & 0x7f;
    for (let shift = 7; byte >= 0x80; shift += 7) {
      if (pos >= this.end || shift > 63) this.#cut();
      byte = bytes[pos++] as number;
      if (shift < 32) value |= (byte & 0x7f) << shift;
    }
    this.pos = pos;
    return value >>> 0;
  }

  int32(): number {
    return this.uint32() | 0;
  }

  bool(): boolean {
    return this.uint64() !== 0;
  }

  /** An unsigned 64-bit integer as a double: exact up to 2^53. */
  uint64(): number {
    const low = this.#halves();
    return high * TWO_POW_32 + low;
  }

  /** Signed, as a double: seconds of timestamps. */
  int64(): number {
    const low = this.#halves();
    return (high | 0) * TWO_POW_32 + low;
  }

  uint64Text(): string {
    const low = this.#halves();
    return high < TWO_POW_21 ? String(high * TWO_POW_32 + low) : String(big(high, low));
  }

  int64Text(): string {
    const low = this.#halves();
    return high < TWO_POW_21 ? String(high * TWO_POW_32 + low) : String(BigInt.asIntN(64, big(high, low)));
  }

  sint32(): number {
    const n = this.uint32();
    return (n >>> 1) ^ -(n & 1);
  }

  sint64Text(): string {
    const low = this.#halves();
    const n = big(high, low);
    return String((n >> 1n) ^ -(n & 1n));
  }

  fixed32(): number {
    const at = this.#take(4);
    return this.bytes.readUInt32LE(at);
  }

  fixed64(): bigint {
    return this.bytes.readBigUInt64LE(this.#take(8));
  }

  float(): number {
    return this.bytes.readFloatLE(this.#take(4));
  }

  double(): number {
    return this.bytes.readDoubleLE(this.#take(8));
  }

  /** Reads a length and gives where that many bytes end; the cursor stands at their start. */
  length(): number {
    const length = this.uint32();
    const end = this.pos + length;
    if (end > this.end) this.#cut();
    return end;
  }

  /** Narrows the reader to a message that ends at `end`; gives the end to restore afterwards. */
  enter(end: number): number {
    const outer = this.end;
    this.end = end;
    return outer;
  }

  /** Text; bytes that are not UTF-8 become U+FFFD. */
  string(): string {
    const end = this.length();
    const text = end === this.pos ? '' : this.bytes.utf8Slice(this.pos, end);
    this.pos = end;
    return text;
  }

  /** Like `string`, for text of one byte a character: base64, addresses. */
  latin1(): string {
    const end = this.length();
    const text = this.bytes.latin1Slice(this.pos, end);
    this.pos = end;
    return text;
  }

  /** Like `string`, for a field that nearly always holds what it held the last time. */
  repeatedString(memo: TextMemo): string {
    const end = this.length();
    const { bytes } = memo;
    if (bytes.length === end - this.pos) {
      let i = 0;
      while (i < bytes.length && bytes[i] === this.bytes[this.pos + i]) i++;
      if (i === bytes.length) {
        this.pos = end;
        return memo.text;
      }
    }
    memo.bytes = Buffer.from(this.bytes.subarray(this.pos, end));
    memo.text = this.bytes.utf8Slice(this.pos, end);
    this.pos = end;
    return memo.text;
  }

  /** Passes over a field's value. */
  skip(wireType: number): void {
    if (wireType === VARINT) {
      const { bytes, end } = this;
      let pos = this.pos;
      while (pos < end && (bytes[pos] as number) >= 0x80) pos++;
      if (pos >= end || pos - this.pos > 9) this.#cut();
      this.pos = pos + 1;
    } else if (wireType === BYTES) this.pos = this.length();
    else if (wireType === FIXED64) this.#take(8);
    else if (wireType === FIXED32) this.#take(4);
    else throw new WireError(`wire type ${wireType} at byte ${this.pos}`);
  }

  /** A varint's low 32 bits; its high 32 bits go to `high`. */
  #halves(): number {
    const { bytes, end } = this;
    let pos = this.pos;
    let low = 0;
    let upper = 0;
    for (let shift = 0; ; shift += 7) {
      if (pos >= end || shift > 63) this.#cut();
      const byte = bytes[pos++] as number;
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        upper = bits >>> 4;
      } else upper |= bits << (shift - 32);
      if (byte < 0x80) break;
    }
    this.pos = pos;
    high = upper >>> 0;
    return low >>> 0;
  }

  #take(count: number): number {
    const at = this.pos;
    if (at + count > this.end) this.#cut();
    this.pos = at + count;
    return at;
  }

  #cut(): never {
    throw new WireError(`cut at byte ${this.pos} of ${this.end}`);
  }
}

/** The last value of a field that rarely changes. */
export interface TextMemo {
  bytes: Buffer;
  text: string;
}

export function newTextMemo(): TextMemo {
  return { bytes: Buffer.alloc(0), text: '' };
}

/** Seconds and nanoseconds of a timestamp or duration, as read. Reused: copy what you keep. */
export const stamp = { seconds: 0, nanos: 0 };

/** Reads a Timestamp or Duration of `end - pos` bytes into `stamp`. */
export function readStamp(reader: Reader, end: number): void {
  stamp.seconds = 0;
  stamp.nanos = 0;
  const outer = reader.enter(end);
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === 0x08) stamp.seconds = reader.int64();
    else if (tag === 0x10) stamp.nanos = reader.int32();
    else reader.skip(tag & 7);
  }
  reader.end = outer;
}

/** Reads a Timestamp of `end - pos` bytes. */
export function readInstant(reader: Reader, end: number): Instant {
  readStamp(reader, end);
  const micros = Math.floor(stamp.nanos / 1_000);
  return { time: stamp.seconds * MICROS_PER_SECOND + micros, ns: stamp.nanos - micros * 1_000 };
}

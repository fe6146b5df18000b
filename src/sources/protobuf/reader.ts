/** A cursor over protobuf's wire format. Bounds are checked at every step: what is cut or malformed throws `WireError`. */

/** Bytes that are no protobuf message: cut in the middle, or never one. */
export class WireError extends Error {
  override name = 'WireError';
}

export const VARINT = 0;
export const FIXED64 = 1;
export const BYTES = 2;
export const FIXED32 = 5;

export class Reader {
  readonly bytes: Buffer;
  pos: number;
  /** Where the message being read ends; at most `bytes.length`. */
  end: number;

  constructor(bytes: Buffer, pos = 0, end = bytes.length) {
    this.bytes = bytes;
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
    return this.#varint() !== 0n;
  }

  /** An unsigned 64-bit integer as a double: exact up to 2^53. */
  uint64(): number {
    const start = this.pos;
    const low = this.uint32();
    // Five bytes or fewer with nothing above bit 31: the usual case.
    if (this.pos - start < 5) return low;
    this.pos = start;
    return Number(this.#varint());
  }

  uint64Text(): string {
    return this.#varint().toString();
  }

  int64Text(): string {
    return BigInt.asIntN(64, this.#varint()).toString();
  }

  /** Signed, as a double: seconds of timestamps. */
  int64(): number {
    const start = this.pos;
    const low = this.uint32();
    if (this.pos - start < 5) return low;
    this.pos = start;
    return Number(BigInt.asIntN(64, this.#varint()));
  }

  sint32(): number {
    const n = this.uint32();
    return (n >>> 1) ^ -(n & 1);
  }

  sint64Text(): string {
    const n = this.#varint();
    return ((n >> 1n) ^ -(n & 1n)).toString();
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

  /** Text; bytes that are not UTF-8 become U+FFFD. */
  string(): string {
    const end = this.length();
    const text = end === this.pos ? '' : this.bytes.toString('utf8', this.pos, end);
    this.pos = end;
    return text;
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

  #varint(): bigint {
    const start = this.pos;
    this.skip(VARINT);
    let value = 0n;
    for (let at = this.pos - 1; at >= start; at--) value = (value << 7n) | BigInt((this.bytes[at] as number) & 0x7f);
    return BigInt.asUintN(64, value);
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

/** Seconds and nanoseconds of a timestamp or duration, as read. Reused: copy what you keep. */
export const stamp = { seconds: 0, nanos: 0 };

/** Reads a Timestamp or Duration of `end - pos` bytes into `stamp`. */
export function readStamp(reader: Reader, end: number): void {
  stamp.seconds = 0;
  stamp.nanos = 0;
  const outer = reader.end;
  reader.end = end;
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === 0x08) stamp.seconds = reader.int64();
    else if (tag === 0x10) stamp.nanos = reader.int32();
    else reader.skip(tag & 7);
  }
  reader.end = outer;
}

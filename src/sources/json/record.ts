/** The line of bytes that an event was decoded from. */
import type { RawRecord } from '../../model/event.ts';

export class LineRecord implements RawRecord {
  readonly #bytes: Buffer;
  readonly #start: number;
  readonly #end: number;

  constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
  }

  line(): string {
    return this.#bytes.toString('utf8', this.#start, this.#end);
  }

  bytes(): Uint8Array {
    return this.#bytes.subarray(this.#start, this.#end);
  }

  detach(): RawRecord {
    if (this.#start === 0 && this.#end === this.#bytes.length) return this;
    return new LineRecord(Buffer.from(this.#bytes.subarray(this.#start, this.#end)), 0, this.#end - this.#start);
  }
}

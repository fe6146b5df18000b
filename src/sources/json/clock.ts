/** RFC 3339 times read from bytes: the minute is parsed once, seconds and fraction are added. */
import { type Instant, MICROS_PER_SECOND, parseInstant } from '../../model/time.ts';

/** `2026-01-01T00:00` */
const MINUTE_BYTES = 16;
const ZERO = 0x30;

export class ByteClock {
  readonly #minute = Buffer.alloc(MINUTE_BYTES);
  #minuteTime = 0;

  /** The instant in `bytes[start, end)`, or null when it is not of the form that the sensors print: the caller parses it. */
  read(bytes: Buffer, start: number, end: number): Instant | null {
    const length = end - start;
    if (length < MINUTE_BYTES + 4 || length > MINUTE_BYTES + 14) return null;
    for (let i = 0; i < MINUTE_BYTES; i++) {
      if (bytes[start + i] !== this.#minute[i]) {
        if (!this.#learn(bytes, start)) return null;
        break;
      }
    }
    const at = start + MINUTE_BYTES;
    if (bytes[at] !== 0x3a || bytes[end - 1] !== 0x5a) return null;
    const tens = (bytes[at + 1] as number) - ZERO;
    const ones = (bytes[at + 2] as number) - ZERO;
    if (tens < 0 || tens > 9 || ones < 0 || ones > 9) return null;
    let nanos = 0;
    if (end - 1 > at + 3) {
      if (bytes[at + 3] !== 0x2e || end - 1 === at + 4) return null;
      for (let i = at + 4; i < at + 13; i++) {
        const digit = i < end - 1 ? (bytes[i] as number) - ZERO : 0;
        if (digit < 0 || digit > 9) return null;
        nanos = nanos * 10 + digit;
      }
    }
    const micros = Math.floor(nanos / 1_000);
    return { time: this.#minuteTime + (tens * 10 + ones) * MICROS_PER_SECOND + micros, ns: nanos - micros * 1_000 };
  }

  #learn(bytes: Buffer, start: number): boolean {
    const minute = bytes.subarray(start, start + MINUTE_BYTES);
    const instant = parseInstant(`${minute.toString('latin1')}:00Z`);
    if (instant === null) return false;
    this.#minute.set(minute);
    this.#minuteTime = instant.time;
    return true;
  }
}

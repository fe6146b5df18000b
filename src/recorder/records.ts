/** Events as lines of the log, and lines of the log as events. */
import type { Event } from '../model/event.ts';
import { lineRanges } from './files.ts';

const NEWLINE = 0x0a;
const PART_EVENTS_MAX = 512;
const BUFFER_BYTES_STEP = 1024 * 1024;
const BUFFERS_FREE_MAX = 4;

export interface LineDecoder {
  decode(bytes: Buffer, start: number, end: number): Event | object | null;
}

export interface Recorded {
  /** Its number in the log, from 1 on; below 0 for exec records that were carried over from before the window. */
  readonly seq: number;
  readonly event: Event;
}

export function asEvent(value: Event | object | null): Event | null {
  return value !== null && 'kind' in value ? (value as Event) : null;
}

/** In parts of at most `PART_EVENTS_MAX`. `first`: the number of the first line; those from `end` on are not given. */
export function* decoded(text: Buffer, decoder: LineDecoder, first: number, end: number): Generator<Recorded[]> {
  let part: Recorded[] = [];
  let seq = first;
  for (const [start, stop] of lineRanges(text)) {
    if (seq >= end) break;
    const event = asEvent(decoder.decode(text, start, stop));
    if (event !== null) part.push({ seq, event });
    seq++;
    if (part.length < PART_EVENTS_MAX) continue;
    yield part;
    part = [];
  }
  if (part.length > 0) yield part;
}

/**
 * Memory for groups of lines, used again and again: touching fresh pages costs several times what the copy does. What `lines`
 * gives is given back with `release` once it is written.
 */
export class LineBuffers {
  readonly #free: Buffer[] = [];

  /** The events' records, a line each, as one piece, and the bytes of each line. */
  lines(events: readonly Event[]): { readonly bytes: Buffer; readonly sizes: Uint32Array } {
    const parts: Uint8Array[] = [];
    const sizes = new Uint32Array(events.length);
    let length = 0;
    for (const { raw } of events) {
      const bytes = raw.bytes?.() ?? Buffer.from(raw.line());
      sizes[parts.length] = bytes.length + 1;
      parts.push(bytes);
      length += bytes.length + 1;
    }
    const free = this.#free.findIndex(buffer => buffer.length >= length);
    const whole =
      free >= 0
        ? (this.#free.splice(free, 1)[0] as Buffer)
        : Buffer.allocUnsafeSlow(Math.ceil(length / BUFFER_BYTES_STEP) * BUFFER_BYTES_STEP);
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
      whole[at++] = NEWLINE;
    }
    return { bytes: whole.subarray(0, length), sizes };
  }

  release(lines: Buffer): void {
    if (this.#free.length < BUFFERS_FREE_MAX) this.#free.push(Buffer.from(lines.buffer));
  }
}

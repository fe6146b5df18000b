/** Events as lines of the log, and lines of the log as events. */
import type { Event } from '../model/event.ts';
import { lineRanges } from './files.ts';

const NEWLINE = 0x0a;
const PART_EVENTS_MAX = 512;

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

/** The events' records, a line each, as one piece. */
export function linesOf(events: readonly Event[]): Buffer {
  const parts: Uint8Array[] = [];
  let length = 0;
  for (const { raw } of events) {
    const bytes = raw.bytes?.() ?? Buffer.from(raw.line());
    parts.push(bytes);
    length += bytes.length + 1;
  }
  const out = Buffer.allocUnsafe(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
    out[at++] = NEWLINE;
  }
  return out;
}

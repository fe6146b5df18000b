/** One line of an export → its event, by the JSON decoder, as the measure for the others. */
import type { Event } from '../../../src/model/event.ts';
import type { JsonDecoder } from '../../../src/sources/json/decoder.ts';

export function fromJson(decoder: JsonDecoder, line: string): Event | null {
  const bytes = Buffer.from(line);
  const event = decoder.decode(bytes, 0, bytes.length);
  if (event !== null && !('kind' in event)) throw new Error(`malformed: ${line.slice(0, 200)}`);
  return event;
}

/** An event without the record it came from, which differs between decoders. */
export function withoutRaw(event: Event | null): unknown {
  return event === null ? null : { ...event, raw: null };
}

/** The decoder of Tetragon's protobuf against the decoder of its JSON: the same recordings must give the same events. */
import { describe, expect, it } from 'vitest';
import type { Event } from '../../../src/model/event.ts';
import { Interned } from '../../../src/sources/intern.ts';
import { JsonDecoder, Malformed } from '../../../src/sources/json/decoder.ts';
import { WireError } from '../../../src/sources/protobuf/reader.ts';
import { TetragonDecoder } from '../../../src/sources/protobuf/tetragon.ts';
import { lines, recordings } from '../../support/grpc/captures.ts';
import { encode } from '../../support/grpc/encode.ts';

const TYPE = 'tetragon.GetEventsResponse';

function fromJson(decoder: JsonDecoder, line: string): Event | null {
  const bytes = Buffer.from(line);
  const event = decoder.decode(bytes, 0, bytes.length);
  if (event instanceof Malformed) throw new Error(event.reason);
  return event;
}

const withoutRaw = (event: Event | null): unknown => (event === null ? null : { ...event, raw: null });

describe('a recording encoded as protobuf', () => {
  it.each(recordings('tetragon'))('%s gives the events that its lines give', path => {
    const json = new JsonDecoder();
    const protobuf = new TetragonDecoder('', new Interned());
    for (const line of lines(path)) {
      const bytes = encode(TYPE, JSON.parse(line));
      const event = protobuf.decode(bytes);
      expect(withoutRaw(event)).toEqual(withoutRaw(fromJson(json, line)));
      if (event !== null) expect(JSON.parse(event.raw.line())).toEqual(JSON.parse(line));
    }
    expect(protobuf.unknownKinds).toBe(0);
  });
});

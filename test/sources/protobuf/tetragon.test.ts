/** The decoder of Tetragon's protobuf against the decoder of its JSON: the same recordings must give the same events. */
import { describe, expect, it } from 'vitest';
import { Interned } from '../../../src/sources/intern.ts';
import { JsonDecoder } from '../../../src/sources/json/decoder.ts';
import { TetragonDecoder } from '../../../src/sources/protobuf/tetragon.ts';
import { lines, recordings } from '../../support/grpc/captures.ts';
import { encode } from '../../support/grpc/encode.ts';
import { fromJson, withoutRaw } from '../../support/grpc/json.ts';

const TYPE = 'tetragon.GetEventsResponse';

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

  it.each(recordings('tetragon'))('%s tells about relatives again what was taken back', path => {
    const json = new JsonDecoder();
    const protobuf = new TetragonDecoder('', new Interned());
    for (const line of lines(path)) {
      const bytes = encode(TYPE, JSON.parse(line));
      for (const [decoder, decode] of [
        [json, () => fromJson(json, line)],
        [protobuf, () => protobuf.decode(bytes)],
      ] as const) {
        const told = decode();
        if (told === null || !('process' in told) || (told.parent === null && told.ancestors.length === 0)) continue;
        expect(decode()).toMatchObject({ parent: null, ancestors: [] });
        decoder.takeBack(told);
        expect(decode()).toMatchObject({ process: told.process, parent: told.parent, ancestors: told.ancestors });
      }
    }
  });
});

/** The decoder of Hubble's protobuf against the decoder of its JSON: the same recordings must give the same events. */
import { describe, expect, it } from 'vitest';
import { Interned } from '../../../src/sources/intern.ts';
import { JsonDecoder } from '../../../src/sources/json/decoder.ts';
import { HubbleDecoder } from '../../../src/sources/protobuf/hubble.ts';
import { lines, recordings } from '../../support/grpc/captures.ts';
import { encode } from '../../support/grpc/encode.ts';
import { fromJson, withoutRaw } from '../../support/grpc/json.ts';

const TYPE = 'observer.GetFlowsResponse';

describe('a recording encoded as protobuf', () => {
  it.each(recordings('hubble'))('%s gives the events that its lines give', path => {
    const json = new JsonDecoder();
    const protobuf = new HubbleDecoder('', new Interned());
    for (const line of lines(path)) {
      const bytes = encode(TYPE, JSON.parse(line));
      const event = protobuf.decode(bytes);
      expect(withoutRaw(event)).toEqual(withoutRaw(fromJson(json, line)));
      if (event !== null) expect(JSON.parse(event.raw.line())).toEqual(JSON.parse(line));
    }
    expect(protobuf.unknownKinds).toBe(0);
  });
});

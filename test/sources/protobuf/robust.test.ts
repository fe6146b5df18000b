/** Bytes that are cut, changed or newer than this version; and the rarer rules of the export's JSON. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ProcessEvent } from '../../../src/model/event.ts';
import { Interned } from '../../../src/sources/intern.ts';
import { exportJson } from '../../../src/sources/protobuf/export-json.ts';
import { HubbleDecoder } from '../../../src/sources/protobuf/hubble.ts';
import { WireError } from '../../../src/sources/protobuf/reader.ts';
import { messageSpec } from '../../../src/sources/protobuf/schema.ts';
import { TetragonDecoder } from '../../../src/sources/protobuf/tetragon.ts';
import { lines } from '../../support/grpc/captures.ts';
import { encode } from '../../support/grpc/encode.ts';

const SENSORS = [
  { sensor: 'tetragon', type: 'tetragon.GetEventsResponse', make: () => new TetragonDecoder('', new Interned()) },
  { sensor: 'hubble', type: 'observer.GetFlowsResponse', make: () => new HubbleDecoder('', new Interned()) },
] as const;

describe.each(SENSORS)('$sensor messages that are cut or changed', ({ sensor, type, make }) => {
  const messages = lines(`lateral-movement/${sensor}.jsonl.gz`)
    .filter((_, i) => i % 20 === 0)
    .map(line => encode(type, JSON.parse(line)));
  const decoder = make();

  it('are an event or a WireError, and never another error', () => {
    const attempt = (bytes: Buffer): void => {
      try {
        decoder.decode(bytes)?.raw.line();
      } catch (error) {
        expect(error).toBeInstanceOf(WireError);
      }
    };
    fc.assert(
      fc.property(fc.constantFrom(...messages), fc.nat(), fc.nat(), fc.nat(255), (message, cut, at, byte) => {
        attempt(message.subarray(0, cut % (message.length + 1)));
        const changed = Buffer.from(message);
        changed[at % changed.length] = byte;
        attempt(changed);
      }),
      { numRuns: 2_000 },
    );
  });

  it('leave the decoder as it was: the whole message still gives its event', () => {
    const fresh = make();
    for (const message of messages) {
      expect({ ...decoder.decode(message), raw: 0, parent: 0, ancestors: 0 }).toEqual({
        ...fresh.decode(message),
        raw: 0,
        parent: 0,
        ancestors: 0,
      });
    }
  });
});

describe('a process block', () => {
  const event = (process: object) =>
    encode('tetragon.GetEventsResponse', {
      process_kprobe: { process: { exec_id: 'aWQ=', binary: '/bin/sh', ...process }, function_name: 'f' },
      node_name: 'n',
      time: '2026-01-01T00:00:00Z',
    });
  const facts = (decoder: TetragonDecoder, bytes: Buffer) => (decoder.decode(bytes) as ProcessEvent).process;

  it.each([
    [
      { refcnt: 1, tid: 7 },
      { refcnt: 2, tid: 8 },
    ],
    [
      { refcnt: 1, tid: 7 },
      { refcnt: 300, tid: 70_000 },
    ],
    [{ refcnt: 1, tid: 7 }, {}],
  ])('is the same object while only refcnt and tid change: %j %j', (before, after) => {
    const decoder = new TetragonDecoder('', new Interned());
    expect(facts(decoder, event(after))).toBe(facts(decoder, event(before)));
  });

  it('is another object when anything else changes, also of the same length', () => {
    const decoder = new TetragonDecoder('', new Interned());
    const first = facts(decoder, event({ pid: 1, refcnt: 1 }));
    const second = facts(decoder, event({ pid: 2, refcnt: 1 }));
    expect(second).not.toBe(first);
    expect([first.pid, second.pid]).toEqual([1, 2]);
  });

  it('may hold bytes that are not UTF-8', () => {
    const bytes = event({ arguments: 'XYZ' });
    bytes[bytes.indexOf('XYZ')] = 0xff;
    const decoded = new TetragonDecoder('', new Interned()).decode(bytes) as ProcessEvent;
    expect(decoded.process.arguments).toBe('\ufffdYZ');
  });
});

describe('the JSON of the export', () => {
  const roundTrip = (type: string, json: unknown) => exportJson(messageSpec(type), encode(type, json));

  it.each([
    [
      'observer.GetFlowsRequest',
      { field_mask: 'time,sourceNames', extensions: { '@type': 'type.googleapis.com/flow.Service', name: 'a' } },
    ],
    [
      'tetragon.GetEventsRequest',
      { aggregation_options: { window_size: '1.500s', channel_buffer_size: '18446744073709551615' } },
    ],
    ['tetragon.KprobeArgument', { int_arg: 0 }],
    ['tetragon.KprobeArgument', { long_arg: '-9223372036854775808', label: 'x' }],
    ['tetragon.KprobeArgument', { bytes_arg: '/+8=' }],
    ['tetragon.TracingPolicyStatus', { stats: {} }],
    ['tetragon.ConfigureTracingPolicyRequest', { enable: false }],
    ['tetragon.Process', { uid: 0, in_init_tree: false, auid: 4_294_967_295 }],
    ['tetragon.ProcessInternal', { refcnt_ops: { 'process++': 3, __proto__x: -1 } }],
    [
      'flow.LostEvent',
      { num_events_lost: '1', cpu: 0, first: '2026-01-01T00:00:00.120Z', last: '1969-12-31T23:59:59.000001Z' },
    ],
    ['observer.ServerStatusResponse', { flows_rate: 1.5, num_connected_nodes: 0 }],
  ])('of %s %j is kept', (type, json) => {
    expect(roundTrip(type, json)).toEqual(json);
  });

  it('prints unknown enum values as numbers and passes over unknown fields', () => {
    const known = encode('flow.Flow', { uuid: 'u' });
    const newer = Buffer.concat([known, Buffer.from([0x10, 0x63, 0xf8, 0x3f, 0x01])]);
    expect(exportJson(messageSpec('flow.Flow'), newer)).toEqual({ uuid: 'u', verdict: 99 });
    const response = Buffer.concat([
      encode('observer.GetFlowsResponse', { node_name: 'n', time: '2026-01-01T00:00:00Z' }),
      Buffer.from([0x0a, newer.length]),
      newer,
    ]);
    expect(new HubbleDecoder('', new Interned()).decode(response)).toMatchObject({ verdict: '99', uuid: 'u' });
  });

  it('takes a label named __proto__ for a label', () => {
    const pod = exportJson(
      messageSpec('tetragon.Pod'),
      Buffer.from([0x2a, 14, 0x0a, 9, ...Buffer.from('__proto__'), 0x12, 1, 0x78]),
    );
    expect(Object.entries(pod.pod_labels as object)).toEqual([['__proto__', 'x']]);
  });

  it('of a detached record is that of the record', () => {
    const bytes = encode('observer.GetFlowsResponse', {
      flow: { uuid: 'u' },
      node_name: 'n',
      time: '2026-01-01T00:00:00Z',
    });
    const chunk = Buffer.concat([Buffer.alloc(100), bytes, Buffer.alloc(100)]);
    const event = new HubbleDecoder('', new Interned()).decode(chunk.subarray(100, 100 + bytes.length));
    const kept = event?.raw.detach();
    const line = event?.raw.line();
    chunk.fill(0);
    expect(kept?.line()).toBe(line);
  });
});

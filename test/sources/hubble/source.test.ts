/** The Hubble source against a server that misbehaves on purpose. */
import grpc from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import type { FlowEvent, StreamFact } from '../../../src/model/event.ts';
import { type HubbleSourceOptions, hubbleSource } from '../../../src/sources/hubble/source.ts';
import { JsonDecoder } from '../../../src/sources/json/decoder.ts';
import { lines } from '../../support/grpc/captures.ts';
import { Collector, TestQuarantine } from '../../support/grpc/collector.ts';
import { encode } from '../../support/grpc/encode.ts';
import { fromJson, withoutRaw } from '../../support/grpc/json.ts';
import { FaultyProxy } from '../../support/grpc/proxy.ts';
import { certFile, type ServerOptions, TestServer } from '../../support/grpc/server.ts';

const recorded = lines('lateral-movement/hubble.jsonl.gz');
const encoded = (line: unknown): Buffer => encode('observer.GetFlowsResponse', line);
const messages = recorded.map(line => encoded(JSON.parse(line)));
const times = recorded.map(line => Date.parse(JSON.parse(line).time));
const QUICK = { staleMsMax: 60_000, backoffMsMin: 1, backoffMsMax: 5 };

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

async function serve(options: ServerOptions): Promise<TestServer> {
  const server = await TestServer.start('hubble', options);
  cleanups.push(() => server.stop());
  return server;
}

function listen(address: string, options: Partial<HubbleSourceOptions> = {}) {
  const quarantine = new TestQuarantine();
  const source = hubbleSource({ name: 'relay', address, quarantine, times: QUICK, ...options });
  const collector = new Collector(source);
  cleanups.push(() => collector.stop());
  return { source, quarantine, collector };
}

/** Index of the first recorded flow at or after a request's `since`. */
function startOf(request: Record<string, unknown>): number {
  const since = request.since as { seconds: number; nanos?: number } | undefined;
  if (since === undefined) return 0;
  const ms = since.seconds * 1_000 + Math.floor((since.nanos ?? 0) / 1_000_000);
  const found = times.findIndex(time => time >= ms);
  return found < 0 ? times.length : found;
}

const uuids = (collector: Collector): string[] => (collector.ofKind('flow') as FlowEvent[]).map(flow => flow.uuid);
const recordedUuids = recorded.map(line => JSON.parse(line).flow.uuid as string);

describe('a healthy stream', () => {
  it('asks to follow new flows and gives what the recording gives', async () => {
    const requests: unknown[] = [];
    const server = await serve({
      metadata: { 'hubble-server-version': 'v1.19.7' },
      script: async stream => {
        requests.push(stream.request);
        for (const message of messages) await stream.send(message);
      },
    });
    const { source, collector } = listen(server.address);
    await collector.until(() => collector.events.length === messages.length);
    const json = new JsonDecoder({ source: 'relay' });
    expect(collector.events.map(withoutRaw)).toEqual(recorded.map(line => withoutRaw(fromJson(json, line))));
    expect(requests).toEqual([{ follow: true }]);
    expect(source.status()).toMatchObject({
      state: 'connected',
      type: 'hubble',
      counters: { events: messages.length },
    });
    expect(source.status().detail).toContain('v1.19.7');
    expect(collector.events.every(event => !event.node.includes('/'))).toBe(true);
  });

  it('may begin in the past', async () => {
    const requests: unknown[] = [];
    const server = await serve({
      script: async stream => {
        requests.push(stream.request);
        await stream.send(messages[0] as Buffer);
      },
    });
    const { collector } = listen(server.address, { since: () => 1_700_000_000_500_000 });
    await collector.until(() => collector.events.length === 1);
    expect(requests).toEqual([{ follow: true, since: { seconds: 1_700_000_000, nanos: 500_000_000 } }]);
  });

  it('tells what the relay says about its nodes', async () => {
    const status = {
      node_status: { state_change: 'NODE_UNAVAILABLE', node_names: ['lab/a', 'lab/b'], message: 'dial failed' },
      node_name: 'relay',
      time: '2026-01-01T00:00:00Z',
    };
    const server = await serve({ script: stream => stream.send(encoded(status)) });
    const { collector } = listen(server.address);
    await collector.until(() => collector.events.length === 1);
    expect(collector.events[0]).toMatchObject({
      kind: 'node_status',
      reason: 'NODE_UNAVAILABLE',
      nodeNames: ['lab/a', 'lab/b'],
    });
  });
});

describe('duplicates and disorder', () => {
  it('passes on each flow once, in the order of arrival, known by uuid', async () => {
    const order = messages.flatMap((message, i) =>
      i % 7 === 0 ? [message, messages[i - (i % 2)] as Buffer] : [message],
    );
    const server = await serve({
      script: async stream => {
        for (const message of order) await stream.send(message);
        await stream.send(encoded({ lost_events: { source: 'HUBBLE_RING_BUFFER' }, time: '2026-01-01T00:00:00Z' }));
      },
    });
    const { source, collector } = listen(server.address);
    await collector.until(() => collector.ofKind('lost_events').length === 1);
    expect(uuids(collector)).toEqual(recordedUuids);
    const { counters } = source.status();
    expect(counters.duplicates).toBe(order.length - messages.length);
    expect(counters.events + counters.duplicates).toBe(order.length + 1);
  });

  it('knows flows without a uuid by their content', async () => {
    const bare = recorded.slice(0, 50).map(line => {
      const json = JSON.parse(line);
      delete json.flow.uuid;
      return encoded(json);
    });
    const server = await serve({
      script: async stream => {
        for (const message of [...bare, ...bare]) await stream.send(message);
      },
    });
    const { source, collector } = listen(server.address);
    await collector.until(() => source.status().counters.duplicates === 50);
    expect(collector.events).toHaveLength(50);
  });

  it('takes flows in reverse order as they come', async () => {
    const server = await serve({
      script: async stream => {
        for (const message of messages.slice(0, 100).reverse()) await stream.send(message);
      },
    });
    const { collector } = listen(server.address);
    await collector.until(() => collector.events.length === 100);
    expect(uuids(collector)).toEqual(recordedUuids.slice(0, 100).reverse());
  });
});

describe('a stream that breaks', () => {
  it('is asked again from shortly before its newest flow: nothing lost, nothing twice, no gap', async () => {
    const server = await serve({
      script: async stream => {
        const from = startOf(stream.request);
        for (const message of messages.slice(from, (stream.index + 1) * 200)) await stream.send(message);
        if (stream.index < 2) stream.fail(grpc.status.UNAVAILABLE, 'relay restarts');
        else for (const message of messages.slice(Math.max(from, 600))) await stream.send(message);
      },
    });
    const { source, collector } = listen(server.address);
    await collector.until(() => uuids(collector).length === messages.length);
    expect(uuids(collector)).toEqual(recordedUuids);
    expect(collector.ofKind('lost_events')).toEqual([]);
    expect(source.status().counters.reconnects).toBe(2);
    expect(source.status().counters.duplicates).toBeGreaterThan(0);
  });

  it('reports a gap when the ring no longer holds what was seen last', async () => {
    const server = await serve({
      script: async stream => {
        if (stream.index === 0) {
          for (const message of messages.slice(0, 100)) await stream.send(message);
          stream.end();
        } else for (const message of messages.slice(300)) await stream.send(message);
      },
    });
    const { collector } = listen(server.address);
    await collector.until(() => uuids(collector).length === messages.length - 200);
    const gaps = collector.ofKind('lost_events') as StreamFact[];
    const seen = new Set(uuids(collector));
    const json = new JsonDecoder();
    const lost = recorded.map(line => fromJson(json, line) as FlowEvent).filter(flow => !seen.has(flow.uuid));
    expect(lost).toHaveLength(200);
    expect(gaps).toHaveLength(1);
    expect(gaps[0]).toMatchObject({ reason: 'SPOOR_RECONNECT', node: 'worker-1', cluster: 'lab' });
    const { from, to } = gaps[0] as StreamFact;
    expect(lost.filter(flow => flow.time < from || flow.time > to)).toEqual([]);
  });

  it('by a reset in the middle of a message gives every flow in the end', async () => {
    const server = await serve({
      script: async stream => {
        for (const message of messages.slice(startOf(stream.request))) await stream.send(message);
      },
    });
    const proxy = await FaultyProxy.start(server.port);
    cleanups.push(() => proxy.stop());
    proxy.cutAfterBytes = 60_000;
    const { source, collector } = listen(proxy.address);
    await collector.until(() => source.status().counters.reconnects >= 2);
    proxy.cutAfterBytes = Number.POSITIVE_INFINITY;
    await collector.until(() => uuids(collector).length === messages.length);
    expect(uuids(collector)).toEqual(recordedUuids);
    expect(source.status().counters.malformed).toBe(0);
  });

  it('that stalls is left for a new one', async () => {
    const server = await serve({ script: stream => stream.send(messages[stream.index] as Buffer) });
    const { source, collector } = listen(server.address, { times: { ...QUICK, staleMsMax: 50 } });
    await collector.until(() => uuids(collector).length >= 3);
    expect(source.status().counters.reconnects).toBeGreaterThanOrEqual(2);
  });
});

describe('lost events', () => {
  const lost = (node: string, count: number, second: number): Buffer =>
    encoded({
      lost_events: {
        source: 'OBSERVER_EVENTS_QUEUE',
        num_events_lost: String(count),
        last: `2026-01-01T00:00:${second}Z`,
      },
      node_name: `lab/${node}`,
      time: `2026-01-01T00:00:${second}Z`,
    });

  it('come in floods, and go on as one fact a second for each node, all counted', async () => {
    const ticks: (() => void)[] = [];
    const clock = {
      now: () => 0,
      random: () => 0,
      after: (ms: number, run: () => void) => {
        if (ms === 1_000) ticks.push(run);
        return () => {};
      },
    };
    const server = await serve({
      script: async stream => {
        for (let i = 0; i < 3_000; i++) {
          await stream.send(lost('a', 2, 10 + (i % 40)));
          if (i % 3 === 0) await stream.send(lost('b', 1, 10));
        }
      },
    });
    const { source, collector } = listen(server.address, { clock });
    await collector.until(() => source.status().counters.lost === 7_000);
    await collector.until(() => collector.events.length === 2);
    ticks.shift()?.();
    await collector.until(() => collector.events.length === 4);
    const facts = collector.events as StreamFact[];
    expect(facts.reduce((sum, fact) => sum + fact.count, 0)).toBe(7_000);
    expect(facts[2]).toMatchObject({
      kind: 'lost_events',
      reason: 'OBSERVER_EVENTS_QUEUE',
      node: 'a',
      cluster: 'lab',
      count: 5_998,
    });
    expect(facts[2]?.from).toBeLessThan(facts[2]?.to as number);
    for (const fact of facts) {
      expect(withoutRaw(fromJson(new JsonDecoder({ source: 'relay' }), fact.raw.line()))).toEqual(withoutRaw(fact));
    }
    // Nothing came since: two more ticks end the waiting.
    ticks.shift()?.();
    expect(ticks).toEqual([]);
    expect(collector.events).toHaveLength(4);
  });
});

describe('bad messages', () => {
  it('are quarantined and counted, and the stream goes on', async () => {
    const untimed = encoded({ flow: { verdict: 'DROPPED' } });
    const broken = [(messages[3] as Buffer).subarray(0, 77), untimed, Buffer.from('garbage')];
    const server = await serve({
      script: async stream => {
        for (const message of [...broken, messages[0] as Buffer]) await stream.send(message);
      },
    });
    const { source, collector, quarantine } = listen(server.address);
    await collector.until(() => collector.events.length === 1);
    expect(source.status().counters).toMatchObject({ malformed: 3, reconnects: 0 });
    expect(quarantine.entries.map(entry => Buffer.from(entry.bytes))).toEqual(broken);
  });
});

describe('an endless stream', () => {
  it('is read no faster than its consumer', async () => {
    let sent = 0;
    const server = await serve({
      script: async stream => {
        while (!stream.closed) {
          await stream.send(lines0(sent++));
        }
      },
    });
    const { collector } = listen(server.address);
    collector.finish = false;
    await collector.until(() => collector.batches.length >= 4);
    let before = -1;
    for (let same = 0; same < 200; ) {
      await new Promise(resolve => setImmediate(resolve));
      same = sent === before ? same + 1 : 0;
      before = sent;
    }
    expect(collector.batches).toHaveLength(4);
    collector.finish = true;
    for (const batch of collector.batches) batch.done();
    await collector.until(() => sent > before + 1_000);
  });
});

/** A flow of its own for each number, endlessly. */
function lines0(n: number): Buffer {
  return encoded({ flow: { uuid: `flow-${n}`, time: '2026-01-01T00:00:00Z', Summary: 'x'.repeat(2_000) } });
}

describe('TLS', () => {
  it.each(['tls', ''])('with a name for the server and a certificate of the client (%s)', async prefix => {
    const server = await serve({ tls: 'mutual', script: stream => stream.send(messages[0] as Buffer) });
    const tls = {
      caFile: certFile('ca.pem'),
      certFile: certFile('client.pem'),
      keyFile: certFile('client-key.pem'),
      serverName: 'ui.hubble-relay.cilium.io',
    };
    const { collector } = listen(prefix === '' ? server.address : `tls://${server.address}`, { tls });
    await collector.until(() => collector.events.length === 1);
  });

  it('is refused from a server that nobody vouches for', async () => {
    const server = await serve({ tls: 'server', script: stream => stream.send(messages[0] as Buffer) });
    const { source, collector } = listen(`tls://localhost:${server.port}`);
    await collector.until(() => source.status().state === 'waiting');
    expect(collector.events).toEqual([]);
  });
});

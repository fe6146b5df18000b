/** The Tetragon source against a server that misbehaves on purpose. */
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import grpc from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import type { ProcessEvent, StreamFact } from '../../../src/model/event.ts';
import { JsonDecoder } from '../../../src/sources/json/decoder.ts';
import { type TetragonSourceOptions, tetragonSource } from '../../../src/sources/tetragon/source.ts';
import { lines } from '../../support/grpc/captures.ts';
import { Collector, TestQuarantine } from '../../support/grpc/collector.ts';
import { encode } from '../../support/grpc/encode.ts';
import { fromJson, withoutRaw } from '../../support/grpc/json.ts';
import { FaultyProxy } from '../../support/grpc/proxy.ts';
import { certFile, type ServerOptions, TestServer } from '../../support/grpc/server.ts';

/** Without the agent's own boot scan, whose times lie far back. */
const recorded = lines('lateral-movement/tetragon.jsonl.gz').filter(line => {
  const [body] = Object.values(JSON.parse(line)) as { process?: { flags?: string } }[];
  return body?.process?.flags?.includes('procFS') !== true;
});
const messages = recorded.map(line => encode('tetragon.GetEventsResponse', JSON.parse(line)));
const QUICK = { staleMsMax: 60_000, backoffMsMin: 1, backoffMsMax: 5 };

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

async function serve(options: ServerOptions): Promise<TestServer> {
  const server = await TestServer.start('tetragon', options);
  cleanups.push(() => server.stop());
  return server;
}

async function proxied(server: TestServer): Promise<FaultyProxy> {
  const proxy = await FaultyProxy.start(server.port);
  cleanups.push(() => proxy.stop());
  return proxy;
}

function listen(address: string, options: Partial<TetragonSourceOptions> = {}) {
  const quarantine = new TestQuarantine();
  const source = tetragonSource({ name: 'nodes', address, quarantine, times: QUICK, ...options });
  const collector = new Collector(source);
  cleanups.push(() => collector.stop());
  return { source, quarantine, collector };
}

/** Raw lines of events that came from the server. */
function received(collector: Collector): unknown[] {
  return collector.events.filter(event => event.kind !== 'lost_events').map(event => JSON.parse(event.raw.line()));
}

const asSent = (from: number, to: number): unknown[] => recorded.slice(from, to).map(line => JSON.parse(line));

describe('a healthy stream', () => {
  it('gives the events that the recording gives, in order', async () => {
    const server = await serve({
      script: async stream => {
        for (const message of messages) await stream.send(message);
      },
    });
    const { source, collector } = listen(server.address);
    await collector.until(() => collector.events.length === messages.length);
    const json = new JsonDecoder({ source: 'nodes' });
    expect(collector.events.map(withoutRaw)).toEqual(recorded.map(line => withoutRaw(fromJson(json, line))));
    const status = source.status();
    expect(status).toMatchObject({
      state: 'connected',
      type: 'tetragon',
      counters: { lost: 0, malformed: 0, reconnects: 0 },
    });
    expect(status.counters.events).toBe(messages.length);
    expect(status.counters.bytes).toBe(messages.reduce((sum, message) => sum + message.length, 0));
    expect(status.newest).toBe(Math.max(...collector.events.map(event => event.time)));
  });

  it('listens on a unix socket', async () => {
    const path = join(tmpdir(), `spoor-test-${process.pid}.sock`);
    cleanups.push(() => rmSync(path, { force: true }));
    await serve({ at: `unix:${path}`, script: stream => stream.send(messages[0] as Buffer) });
    const { collector } = listen(`unix://${path}`);
    await collector.until(() => collector.events.length === 1);
  });

  it('takes events of kinds that it does not know without harm', async () => {
    const server = await serve({
      script: async stream => {
        await stream.send(Buffer.from([0xa2, 0x06, 0x02, 0x08, 0x01]));
        await stream.send(messages[0] as Buffer);
      },
    });
    const { source, collector } = listen(server.address);
    await collector.until(() => collector.events.length === 1);
    expect(source.status().counters).toMatchObject({ unknownKinds: 1, malformed: 0 });
  });

  it('counts what rate limits dropped', async () => {
    const limit = {
      rate_limit_info: { number_of_dropped_process_events: '17' },
      node_name: 'n',
      time: '2026-01-01T00:00:00Z',
    };
    const throttle = {
      process_throttle: { type: 'THROTTLE_START', cgroup: '/k' },
      node_name: 'n',
      time: '2026-01-01T00:00:00Z',
    };
    const server = await serve({
      script: async stream => {
        for (const one of [limit, throttle]) await stream.send(encode('tetragon.GetEventsResponse', one));
      },
    });
    const { source, collector } = listen(server.address);
    await collector.until(() => collector.events.length === 2);
    expect(collector.events).toMatchObject([
      { kind: 'rate_limit', count: 17 },
      { kind: 'throttle', reason: 'THROTTLE_START', cgroup: '/k' },
    ]);
    expect(source.status().counters.lost).toBe(17);
  });
});

describe('a broken message', () => {
  it('is quarantined and counted, and the stream goes on', async () => {
    const half = (messages[1] as Buffer).subarray(0, 100);
    const server = await serve({
      script: async stream => {
        for (const message of [messages[0] as Buffer, half, messages[2] as Buffer]) await stream.send(message);
      },
    });
    const { source, collector, quarantine } = listen(server.address);
    await collector.until(() => collector.events.length === 2);
    expect(received(collector)).toEqual([...asSent(0, 1), ...asSent(2, 3)]);
    expect(source.status().counters).toMatchObject({ malformed: 1, reconnects: 0 });
    expect(quarantine.entries).toMatchObject([{ source: 'nodes', place: server.address }]);
    expect(Buffer.from(quarantine.entries[0]?.bytes ?? '')).toEqual(half);
  });
});

/** Sends from where the last stream stopped, and ends each stream in the way given, after `count` messages. */
function inParts(count: number, end: (stream: Parameters<ServerOptions['script']>[0]) => void): ServerOptions {
  return {
    script: async stream => {
      const from = stream.index * count;
      for (const message of messages.slice(from, from + count)) await stream.send(message);
      if (from + count < messages.length) end(stream);
    },
  };
}

describe('a stream that breaks', () => {
  it.each([
    [
      'with an error',
      (stream: { fail: (code: number, details: string) => void }) => stream.fail(grpc.status.UNAVAILABLE, 'restart'),
    ],
    ['by its end', (stream: { end: () => void }) => stream.end()],
  ])('%s is opened again, and each reconnect reports its gap', async (_how, end) => {
    const server = await serve(inParts(100, end));
    const { source, collector } = listen(server.address);
    const gaps = Math.ceil(messages.length / 100) - 1;
    await collector.until(() => collector.events.length === messages.length + gaps);
    expect(received(collector)).toEqual(asSent(0, messages.length));
    expect(collector.ofKind('lost_events')).toHaveLength(gaps);
    expect(source.status().counters.reconnects).toBe(gaps);
  });

  it('reports the gap from the last event to the next, in the shape of a lost_events record', async () => {
    const server = await serve(inParts(100, stream => stream.end()));
    const { collector } = listen(server.address);
    await collector.until(() => collector.events.length > 101);
    const gap = collector.events[100] as StreamFact;
    const before = Math.max(...collector.events.slice(0, 100).map(event => event.time));
    const after = collector.events[101] as ProcessEvent;
    expect(gap).toMatchObject({
      kind: 'lost_events',
      reason: 'SPOOR_RECONNECT',
      count: 0,
      from: before,
      node: 'worker-1',
    });
    expect(gap.to).toBe(Math.max(before, after.time));
    const again = fromJson(new JsonDecoder({ source: 'nodes' }), gap.raw.line());
    expect(withoutRaw(again)).toEqual(withoutRaw(gap));
  });

  it('in the middle of a message loses nothing but that message, which lies in the gap', async () => {
    let sent = 0;
    const server = await serve({
      script: async stream => {
        while (sent < messages.length && !stream.closed) await stream.send(messages[sent++] as Buffer);
      },
    });
    const proxy = await proxied(server);
    proxy.cutAfterBytes = 50_000;
    const { source, collector } = listen(proxy.address);
    await collector.until(() => source.status().counters.reconnects >= 1);
    proxy.cutAfterBytes = Number.POSITIVE_INFINITY;
    const last = asSent(messages.length - 1, messages.length)[0];
    await collector.until(() => JSON.stringify(received(collector).at(-1)) === JSON.stringify(last));
    const got = new Set(received(collector).map(line => JSON.stringify(line)));
    const gaps = collector.ofKind('lost_events') as StreamFact[];
    const json = new JsonDecoder();
    const unaccounted = recorded.filter(line => {
      const { time } = fromJson(json, line) as ProcessEvent;
      return !got.has(JSON.stringify(JSON.parse(line))) && !gaps.some(gap => gap.from <= time && time <= gap.to);
    });
    expect(unaccounted).toEqual([]);
    expect(source.status().counters.malformed).toBe(0);
  });

  it('waits longer after each failure, with jitter, and starts over after a success', async () => {
    const waits: number[] = [];
    let up = false;
    const server = await serve({ script: async stream => (up ? stream.send(messages[0] as Buffer) : stream.end()) });
    const clock = {
      now: () => 0,
      random: () => 0.5,
      after: (ms: number, run: () => void) => {
        if (ms < 60_000) {
          waits.push(ms);
          if (waits.length === 6) up = true;
          setImmediate(run);
        }
        return () => {};
      },
    };
    const { collector } = listen(server.address, {
      clock,
      times: { staleMsMax: 60_000, backoffMsMin: 100, backoffMsMax: 1_000 },
    });
    await collector.until(() => collector.events.length > 0);
    expect(waits).toEqual([75, 150, 300, 600, 750, 750]);
  });
});

describe('a silent server', () => {
  it('that stalls in the middle is left for a new stream', async () => {
    const server = await serve({
      script: async stream => {
        await stream.send(messages[stream.index] as Buffer);
      },
    });
    const { source, collector } = listen(server.address, { times: { ...QUICK, staleMsMax: 50 } });
    await collector.until(() => received(collector).length >= 3);
    expect(source.status().counters.reconnects).toBeGreaterThanOrEqual(2);
    expect(collector.ofKind('lost_events').length).toBeGreaterThanOrEqual(2);
  });

  it('that accepts and never answers is tried again until it does', async () => {
    const server = await serve({ script: stream => stream.send(messages[0] as Buffer) });
    const proxy = await proxied(server);
    proxy.mute = true;
    const { source, collector } = listen(proxy.address, { times: { ...QUICK, staleMsMax: 50 } });
    await collector.until(() => proxy.connections >= 3);
    expect(source.status().state).not.toBe('connected');
    proxy.mute = false;
    await collector.until(() => collector.events.length >= 1);
  });

  it('does not hold up the stream by a process cache that never comes', async () => {
    const server = await serve({ debug: () => 'hang', script: stream => stream.send(messages[0] as Buffer) });
    const clock = { now: () => 0, random: () => 0.5, after: () => () => {} };
    const { collector } = listen(server.address, { clock, bootstrapMs: 20 });
    await collector.until(() => collector.events.length === 1);
  });
});

describe('a slow consumer', () => {
  it('makes the source stop reading, and nothing is lost', async () => {
    let sent = 0;
    const total = 12_000;
    const message = messages[10] as Buffer;
    const server = await serve({
      script: async stream => {
        while (sent < total && !stream.closed) {
          await stream.send(message);
          sent++;
        }
      },
    });
    const { source, collector } = listen(server.address);
    collector.finish = false;
    await collector.until(() => collector.batches.length >= 4);
    let before = -1;
    // The server stalls once the windows between are full: its count stops rising over many turns of the loop.
    for (let same = 0; same < 200; ) {
      await new Promise(resolve => setImmediate(resolve));
      same = sent === before ? same + 1 : 0;
      before = sent;
    }
    expect(collector.batches.length).toBe(4);
    expect(sent).toBeLessThan(total);
    collector.finish = true;
    for (const batch of collector.batches) {
      batch.done();
      batch.done();
    }
    await collector.until(() => collector.events.length === total);
    expect(source.status().counters).toMatchObject({ events: total, lost: 0, reconnects: 0 });
  });
});

describe('the process cache', () => {
  const execs = recorded.filter(line => line.startsWith('{"process_exec"')).map(line => JSON.parse(line));
  const reply = (processes: unknown[]): Buffer =>
    encode('tetragon.GetDebugResponse', {
      flag: 'CONFIG_FLAG_DUMP_PROCESS_CACHE',
      processes: { processes: processes.map(process => ({ process, color: 'inUse' })) },
    });

  it('comes first, as a boot scan', async () => {
    const cached = execs.slice(0, 5).map(line => line.process_exec.process);
    const server = await serve({ debug: () => reply(cached), script: stream => stream.send(messages[50] as Buffer) });
    const { source, collector } = listen(server.address);
    await collector.until(() => collector.events.length === 6);
    const scanned = collector.events.slice(0, 5) as ProcessEvent[];
    expect(scanned.map(event => event.process.execId)).toEqual(cached.map(process => process.exec_id));
    for (const [i, event] of scanned.entries()) {
      expect(event.kind).toBe('process_exec');
      expect(event.process.flags.split(' ')).toContain('procFS');
      expect(event.time).toBe(event.process.startTime);
      expect(event.node).toBe(execs[i].node_name);
      expect(withoutRaw(fromJson(new JsonDecoder({ source: 'nodes' }), event.raw.line()))).toEqual(withoutRaw(event));
    }
    expect(source.status().state).toBe('connected');
  });

  it.each([grpc.status.UNIMPLEMENTED, grpc.status.PERMISSION_DENIED])('may be refused with %i', async code => {
    const server = await serve({ debug: () => code, script: stream => stream.send(messages[0] as Buffer) });
    const { source, collector } = listen(server.address);
    await collector.until(() => collector.events.length === 1);
    expect(source.status().detail).toMatch(/process cache not given 1 times: .*not here/);
  });

  it('after a reconnect tells only of what is new, and what started in the gap as an exec', async () => {
    const first = execs[0].process_exec.process;
    const late = execs.at(-1).process_exec.process;
    const old = {
      ...first,
      exec_id: Buffer.from('worker-1:1:1').toString('base64'),
      start_time: '2020-01-01T00:00:00Z',
    };
    const replies = [reply([first]), reply([first, late, old])];
    let call = 0;
    const server = await serve({
      debug: () => replies[Math.min(call++, 1)] as Buffer,
      script: async stream => {
        await stream.send(messages[stream.index] as Buffer);
        if (stream.index === 0) stream.end();
      },
    });
    const { collector } = listen(server.address);
    await collector.until(() => received(collector).length === 5);
    const execEvents = collector.ofKind('process_exec') as ProcessEvent[];
    const flagsOf = (id: string) => execEvents.filter(e => e.process.execId === id).map(e => e.process.flags);
    expect(flagsOf(late.exec_id)).toEqual([late.flags]);
    expect(flagsOf(old.exec_id)).toEqual([`${old.flags} procFS`]);
    expect(flagsOf(first.exec_id).filter(flags => flags.includes('procFS'))).toHaveLength(1);
  });

  it('that is broken is quarantined', async () => {
    const server = await serve({
      debug: () => reply([execs[0].process_exec.process]).subarray(0, 60),
      script: stream => stream.send(messages[0] as Buffer),
    });
    const { source, collector, quarantine } = listen(server.address);
    await collector.until(() => collector.events.length === 1);
    expect(source.status().counters.malformed).toBe(1);
    expect(quarantine.entries).toHaveLength(1);
  });
});

describe('a DNS name', () => {
  it('is one agent at each address, which come and go', async () => {
    const a = await serve({ script: stream => stream.send(messages[0] as Buffer) });
    const resolved = [['127.0.0.1'], ['127.0.0.1', '127.0.0.2'], ['127.0.0.2']];
    let asked = 0;
    const { source, collector } = listen(`dns:///agents.test:${a.port}`, {
      resolveMs: 5,
      resolve: async host => {
        expect(host).toBe('agents.test');
        return resolved[Math.min(asked++, resolved.length - 1)] as string[];
      },
    });
    await collector.until(() => asked >= 3 && source.status().detail.includes('of 1 agents'));
    await collector.until(() => collector.events.length >= 1);
    expect(source.status().detail).toContain('agents.test');
  });

  it('that cannot be resolved is tried again', async () => {
    const server = await serve({ script: stream => stream.send(messages[0] as Buffer) });
    let asked = 0;
    const { source, collector } = listen(`dns:///agents.test:${server.port}`, {
      resolveMs: 5,
      resolve: async () => {
        if (asked++ < 2) throw new Error('getaddrinfo ENOTFOUND');
        return ['127.0.0.1'];
      },
    });
    await collector.until(() => source.status().detail.includes('ENOTFOUND'));
    expect(source.status().state).toBe('waiting');
    await collector.until(() => collector.events.length === 1);
  });
});

describe('TLS', () => {
  const client = { certFile: certFile('client.pem'), keyFile: certFile('client-key.pem') };
  const trusted = { caFile: certFile('ca.pem'), serverName: 'any.tetragon-grpc.cilium.io' };

  it.each([
    ['server', trusted],
    ['mutual', { ...trusted, ...client }],
  ] as const)('%s', async (mode, tls) => {
    const server = await serve({ tls: mode, script: stream => stream.send(messages[0] as Buffer) });
    const { collector } = listen(server.address, { tls });
    await collector.until(() => collector.events.length === 1);
  });

  it.each([
    ['an unknown authority', 'server', { ...trusted, caFile: certFile('other-ca.pem') }],
    ['a wrong name', 'server', { ...trusted, serverName: 'other.example' }],
    ['no client certificate', 'mutual', trusted],
    ['a file that is not there', 'server', { ...trusted, caFile: certFile('none.pem') }],
  ] as const)('with %s waits and says so', async (_what, mode, tls) => {
    const server = await serve({ tls: mode, script: stream => stream.send(messages[0] as Buffer) });
    const { source, collector } = listen(server.address, { tls });
    await collector.until(() => source.status().state === 'waiting');
    expect(source.status().detail).toContain(server.address);
    expect(source.status().detail).not.toContain('BEGIN');
    expect(collector.events).toEqual([]);
  });
});

describe('an address', () => {
  it.each(['', 'nowhere', 'host:0', 'host:99999', 'http://host:1', 'dns:///name', 'unix://relative', 'a b:1'])(
    '%j is an error at once',
    address => {
      const { source, collector } = listen(address);
      expect(collector.error).toBeInstanceOf(Error);
      expect(source.status().state).toBe('failed');
    },
  );
});

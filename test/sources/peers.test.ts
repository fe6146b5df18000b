/**
 * The live sources against servers made of Hubble's and Tetragon's own code. Runs where `PEERS` names the folder of the built
 * programs and the shared folder with packet captures is there.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { FlowEvent, ProcessEvent, StreamFact } from '../../src/model/event.ts';
import { hubbleSource } from '../../src/sources/hubble/source.ts';
import { tetragonSource } from '../../src/sources/tetragon/source.ts';
import { lines } from '../support/grpc/captures.ts';
import { Collector, TestQuarantine } from '../support/grpc/collector.ts';
import { certFile } from '../support/grpc/server.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const shared = resolve(root, process.env.SPOOR_SHARED ?? '../shared');
const peers = process.env.PEERS ?? '';
const present = peers !== '' && existsSync(join(peers, 'tetragon-replay')) && existsSync(join(shared, 'peers/pcap'));

const recorded = lines('lateral-movement/tetragon.jsonl.gz');
const QUICK = { backoffMsMin: 50, backoffMsMax: 200 };
const SERVER_TLS = ['--tls-cert', certFile('server.pem'), '--tls-key', certFile('server-key.pem')];
const MUTUAL_TLS = [...SERVER_TLS, '--client-ca', certFile('ca.pem')];

function clientTls(domain: string, mutual: boolean) {
  const files = mutual ? { certFile: certFile('client.pem'), keyFile: certFile('client-key.pem') } : {};
  return { caFile: certFile('ca.pem'), serverName: `any.${domain}`, ...files };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as { port: number };
  await new Promise(done => server.close(done));
  return port;
}

describe.skipIf(!present)('real servers', { timeout: 60_000 }, () => {
  let folder = '';
  const running: ChildProcess[] = [];
  const collectors: Collector[] = [];

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'spoor-peers-'));
    writeFileSync(join(folder, 'tetragon.jsonl'), `${recorded.join('\n')}\n`);
    for (const file of readdirSync(join(shared, 'peers/pcap'))) {
      const bytes = readFileSync(join(shared, 'peers/pcap', file));
      writeFileSync(join(folder, file.replace(/\.gz$/, '')), file.endsWith('.gz') ? gunzipSync(bytes) : bytes);
    }
  });
  afterEach(() => {
    for (const collector of collectors.splice(0)) collector.stop();
    for (const child of running.splice(0)) child.kill('SIGKILL');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function start(program: string, args: string[]): ChildProcess {
    const child = spawn(join(peers, program), args, { stdio: 'ignore' });
    running.push(child);
    return child;
  }

  const replay = (address: string, ...args: string[]): ChildProcess =>
    start('tetragon-replay', ['-in', join(folder, 'tetragon.jsonl'), '-serve', address, ...args]);

  const harness = (address: string, ...args: string[]): ChildProcess =>
    start('hubble-harness', [
      ...['--pods', join(folder, 'pods.json'), '--pcap-dir', folder, '--serve', address],
      ...['--world', join(shared, 'peers/examples/world-lab.json'), ...args],
    ]);

  function collect(type: typeof tetragonSource | typeof hubbleSource, address: string, options = {}) {
    const source = type({ name: 'peer', address, quarantine: new TestQuarantine(), times: QUICK, ...options });
    const collector = new Collector(source);
    collectors.push(collector);
    return { source, collector };
  }

  const flows = (collector: Collector) => collector.ofKind('flow') as FlowEvent[];
  const gaps = (collector: Collector) =>
    (collector.ofKind('lost_events') as StreamFact[]).filter(fact => fact.reason === 'SPOOR_RECONNECT');

  describe('Tetragon', () => {
    it.each([
      ['plaintext', [], undefined],
      ['TLS', SERVER_TLS, clientTls('tetragon-grpc.cilium.io', false)],
      ['mutual TLS', MUTUAL_TLS, clientTls('tetragon-grpc.cilium.io', true)],
    ])('gives every event of the file over %s, after the process cache', async (_how, args, tls) => {
      const address = `127.0.0.1:${await freePort()}`;
      replay(address, ...args);
      const { source, collector } = collect(tetragonSource, address, tls === undefined ? {} : { tls });
      const last = JSON.stringify(JSON.parse(recorded.at(-1) as string).time);
      await collector.until(() => collector.events.at(-1)?.raw.line().includes(last) === true);
      const got = new Set(collector.events.map(event => canonical(event.raw.line())));
      expect(recorded.filter(line => !got.has(canonical(line)))).toEqual([]);
      const first = collector.events[0] as ProcessEvent;
      expect(first.process.flags).toContain('procFS');
      expect(source.status().counters).toMatchObject({ malformed: 0, unknownKinds: 0, lost: 0 });
    });

    it('listens on a unix socket', async () => {
      const address = `unix://${join(folder, 'tetragon.sock')}`;
      replay(address);
      const { collector } = collect(tetragonSource, address);
      await collector.until(() => collector.events.length >= recorded.length);
    });

    it('reports a gap when the agent is killed and starts again', async () => {
      const address = `127.0.0.1:${await freePort()}`;
      const args = ['-rate', '200', '-loop', '0', '-fresh'];
      const first = replay(address, ...args);
      const { source, collector } = collect(tetragonSource, address);
      await collector.until(() => collector.events.length > recorded.length);
      first.kill('SIGKILL');
      await collector.until(() => source.status().state === 'waiting');
      replay(address, ...args);
      await collector.until(() => gaps(collector).length === 1);
      expect(source.status().counters.reconnects).toBeGreaterThan(0);
    });
  });

  describe('Hubble', () => {
    it.each([
      ['plaintext', [], undefined],
      ['mutual TLS', MUTUAL_TLS, clientTls('hubble-relay.cilium.io', true)],
    ])('gives flows over %s', async (_how, args, tls) => {
      const address = `127.0.0.1:${await freePort()}`;
      harness(address, '--replay-speed', '0', '--wait-clients', '1', '--ring', '65535', ...args);
      const { source, collector } = collect(hubbleSource, address, tls === undefined ? {} : { tls });
      await collector.until(() => flows(collector).length > 2_000);
      expect(source.status().counters).toMatchObject({ malformed: 0, unknownKinds: 0, duplicates: 0, lost: 0 });
      expect(new Set(flows(collector).map(flow => flow.node))).toEqual(new Set(['worker-1']));
      expect(source.status().detail).toContain('1.19.7');
    });

    it('counts what a small ring loses', async () => {
      const address = `127.0.0.1:${await freePort()}`;
      const pace = ['--rate', '30000', '--loop', '0', '--lost-interval', '50ms'];
      harness(address, '--ring', '15', '--wait-clients', '1', ...pace);
      const { source, collector } = collect(hubbleSource, address);
      await collector.until(() => source.status().counters.lost > 0 && collector.ofKind('lost_events').length > 0);
      const told = (collector.ofKind('lost_events') as StreamFact[]).reduce((sum, fact) => sum + fact.count, 0);
      expect(told).toBeLessThanOrEqual(source.status().counters.lost);
      expect(told).toBeGreaterThan(0);
    });

    it('fed as in an agent, with a short queue, is read without harm', async () => {
      const address = `127.0.0.1:${await freePort()}`;
      harness(address, '--as-agent', '--queue', '64', '--wait-clients', '1', '--replay-speed', '0', '--loop', '40');
      const { source, collector } = collect(hubbleSource, address);
      await collector.until(() => flows(collector).length > 500);
      expect(source.status().counters.malformed).toBe(0);
    });

    it('reports a gap when the server is killed and its ring is gone', async () => {
      const address = `127.0.0.1:${await freePort()}`;
      const args = ['--rate', '200', '--loop', '0', '--fresh'];
      const first = harness(address, ...args, '--seed', '1');
      const { source, collector } = collect(hubbleSource, address);
      await collector.until(() => flows(collector).length > 100);
      first.kill('SIGKILL');
      await collector.until(() => source.status().state === 'waiting');
      harness(address, ...args, '--seed', '2');
      await collector.until(() => gaps(collector).length === 1);
      const [gap] = gaps(collector);
      expect(gap?.to).toBeGreaterThan(gap?.from as number);
    });
  });
});

/** One spelling of a line, whatever the order of its keys. */
function canonical(line: string): string {
  const sorted = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(sorted);
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
  };
  return JSON.stringify(sorted(JSON.parse(line)));
}

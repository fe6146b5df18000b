import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EventView } from '../../src/api/event-view.ts';
import type { EventsPort } from '../../src/api/events-port.ts';
import { EventTail } from '../../src/app/event-tail.ts';
import { eventsPort } from '../../src/app/events.ts';
import { podAt } from '../../src/app/past-pod.ts';
import { Context } from '../../src/context/context.ts';
import type { Observation } from '../../src/model/observation.ts';
import { formatInstant } from '../../src/model/time.ts';
import { FlightRecorder } from '../../src/recorder/recorder.ts';
import { JsonDecoder } from '../../src/sources/json/decoder.ts';
import { eventsOf, merged } from '../context/recordings.ts';
import { follow } from './stream-support.ts';
import { type Harness, startApi } from './support.ts';

describe('the joined stream by HTTP', () => {
  let api: Harness;
  let recorder: FlightRecorder;
  let port: EventsPort;
  const tail = new EventTail(error => {
    throw error;
  });
  const folder = mkdtempSync(join(tmpdir(), 'spoor-events-'));
  const events = merged(eventsOf('lateral-movement', 'tetragon'), eventsOf('lateral-movement', 'hubble'));
  const context = new Context();
  /** What the engine made of each event, when it happened. */
  const told: { time: string; kind: string; pods: string[]; process: string | null; attribution: string | null }[] = [];

  beforeAll(async () => {
    recorder = await FlightRecorder.open({
      path: folder,
      keep: 1e15,
      bytesMax: 1e9,
      decoder: () => new JsonDecoder({ source: 'recorder' }),
      isKnown: () => true,
      onProblem: message => {
        throw new Error(message);
      },
      segmentBytesMax: 600_000,
    });
    for (let at = 0; at < events.length; at += 100) await recorder.append(events.slice(at, at + 100)).safe;
    for (const event of events) {
      const { process, pod, attribution } = context.observe(event);
      const ends = event.kind === 'flow' ? [event.sourceEndpoint, event.destinationEndpoint] : [];
      told.push({
        time: formatInstant(event.time, event.ns),
        kind: event.kind,
        pods: [
          ...(pod === null ? [] : [`${pod.namespace}/${pod.name}`]),
          ...ends.flatMap(end => (end === null || end.podName === '' ? [] : [`${end.namespace}/${end.podName}`])),
        ],
        process: process?.execId ?? null,
        attribution,
      });
    }
    port = eventsPort(recorder, tail);
    api = await startApi({
      deps: {
        live: context,
        events: port,
        recording: {
          capture: async () => null,
          podAt: (namespace, name, at) => podAt(recorder, namespace, name, at),
        },
      },
    });
  });
  afterAll(async () => {
    await api.close();
    await recorder.close();
    rmSync(folder, { recursive: true });
  });

  const all = async (query: string, token?: string): Promise<EventView[]> => {
    const items: EventView[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const more: string = cursor === '' ? '' : `&cursor=${cursor}`;
      const { json, status } = await api.get(
        `/api/v1/events?limit=500&${query}${more}`,
        token === undefined ? {} : { token },
      );
      expect(status, JSON.stringify(json)).toBe(200);
      items.push(...json.items);
      cursor = json.next;
    }
    return items;
  };
  const keysOf = (items: readonly { time: string; kind: string }[]): string[] =>
    items.map(({ time, kind }) => `${time} ${kind}`);
  const victim = (): string => {
    const counts = new Map<string, number>();
    for (const { pods } of told) for (const pod of new Set(pods)) counts.set(pod, (counts.get(pod) ?? 0) + 1);
    return [...counts].filter(([pod]) => pod.startsWith('tenant-jobs/')).sort((a, b) => b[1] - a[1])[0]?.[0] ?? '';
  };

  it('gives everything that was recorded, newest first, over pages and segments', async () => {
    expect(readdirSync(folder).length).toBeGreaterThan(4);
    const items = await all('');
    expect(keysOf(items)).toEqual(keysOf([...told].reverse()));
    expect(new Set(items.map(({ id }) => id)).size).toBe(items.length);
  });

  it('finds by pod, namespace, kind and time what a look at everything finds', async () => {
    const pod = victim();
    const [namespace = ''] = pod.split('/');
    const since = told[Math.floor(told.length / 3)]?.time ?? '';
    const until = told[Math.floor(told.length / 2)]?.time ?? '';
    const expected = (fits: (each: (typeof told)[number]) => boolean): string[] => keysOf(told.filter(fits)).reverse();
    expect(keysOf(await all(`pod=${pod}`))).toEqual(expected(({ pods }) => pods.includes(pod)));
    expect(keysOf(await all(`namespace=${namespace}`))).toEqual(
      expected(({ pods }) => pods.some(each => each.startsWith(`${namespace}/`))),
    );
    expect(keysOf(await all('kind=process_exec,process_exit'))).toEqual(
      expected(({ kind }) => kind === 'process_exec' || kind === 'process_exit'),
    );
    const inTime = (time: string): boolean => time >= since && time < until;
    expect(keysOf(await all(`since=${since}&until=${until}&pod=${pod}`))).toEqual(
      expected(({ time, pods }) => inTime(time) && pods.includes(pod)),
    );
  });

  it('knows again whose flows they were', async () => {
    const items = await all('kind=flow');
    const flows = told.filter(({ kind }) => kind === 'flow').reverse();
    const same = items.filter((item, at) => item.process?.exec_id === (flows[at]?.process ?? undefined));
    expect(flows.filter(({ process }) => process !== null).length).toBeGreaterThan(50);
    // Connections that were opened long before the part that is read again are known by their pod alone.
    expect(same.length / items.length).toBeGreaterThan(0.95);
  });

  it('finds a process with its flows', async () => {
    const shell = told.find(
      ({ kind, process, attribution }) => kind === 'flow' && process !== null && attribution === 'socket',
    );
    const items = await all(`exec_id=${encodeURIComponent(shell?.process ?? '')}`);
    expect(new Set(items.map(({ process }) => process?.exec_id))).toEqual(new Set([shell?.process]));
    expect(items.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['flow', 'process_exec']));
  });

  it('takes filters in the language of rules, and says what is wrong with one', async () => {
    const netcats = await all(
      `filter=${encodeURIComponent('process.binary|endswith=/nc.traditional')}&kind=process_exec`,
    );
    expect(netcats.length).toBeGreaterThan(0);
    for (const { process, what, fields, raw } of netcats) {
      expect(process?.binary).toMatch(/nc\.traditional$/);
      expect(what).toContain('nc');
      expect(fields['process.binary']).toBe(process?.binary);
      expect(JSON.stringify(raw)).toContain('nc.traditional');
    }
    const either = await all('filter=dns.query|exists%3Dtrue&filter=flow.verdict%3DFORWARDED');
    expect(either.length).toBeGreaterThan(0);
    const others = await all(`filter=${encodeURIComponent('flow.verdict!=FORWARDED')}&kind=flow`);
    expect(others.every(({ fields }) => fields['flow.verdict'] !== 'FORWARDED')).toBe(true);
    const { status, json } = await api.get(
      `/api/v1/events?filter=${encodeURIComponent('process.binry=/bin/sh')}&filter=nothing&filter=${encodeURIComponent('process.pid|gt=many')}`,
    );
    expect(status).toBe(400);
    expect(json.errors.map(({ field }: { field: string }) => field).sort()).toEqual([
      'filter.0',
      'filter.1',
      'filter.2',
    ]);
    expect(JSON.stringify(json.errors)).toContain('did you mean process.binary');
  });

  it('lists the catalogue', async () => {
    const { json } = await api.get('/api/v1/fields');
    expect(json.items.map(({ name }: { name: string }) => name)).toEqual(
      expect.arrayContaining(['process.binary', 'pod.name', 'dns.query']),
    );
    expect(json.modifiers).toContain('endswith');
  });

  it('shows a token of some namespaces nothing of the others', async () => {
    await api.store.tokens.create({ name: 'admin', scopes: ['admin'], namespaces: null, expires_at: null });
    const { secret } = await api.store.tokens.create({
      name: 'jobs',
      scopes: ['read'],
      namespaces: ['tenant-jobs'],
      expires_at: null,
    });
    const items = await all('', secret);
    expect(items.length).toBeGreaterThan(100);
    for (const { kind, pod, process, fields } of items) {
      expect(kind).toMatch(/^(process_|flow)/);
      expect(pod ?? 'tenant-jobs/').toMatch(/^tenant-jobs\//);
      if (process !== null) expect(fields['pod.namespace']).toBe('tenant-jobs');
    }
    const visible = told.filter(
      ({ kind, pods }) =>
        pods.some(pod => pod.startsWith('tenant-jobs/')) && (kind === 'flow' || pods[0]?.startsWith('tenant-jobs/')),
    );
    expect(keysOf(items)).toEqual(keysOf(visible).reverse());
    const other = told.find(({ pods }) => pods.some(pod => !pod.startsWith('tenant-jobs/')));
    const name = other?.pods.find(pod => !pod.startsWith('tenant-jobs/')) ?? '';
    expect((await api.get(`/api/v1/events?pod=${name}`, { token: secret })).status).toBe(404);
    expect((await api.get(`/api/v1/events?namespace=${name.split('/')[0]}`, { token: secret })).status).toBe(404);
    const past = `/api/v1/pods/${name}/tree?at=${told.at(-1)?.time}`;
    expect((await api.get(past, { token: secret })).status).toBe(404);
    for (const token of (await api.store.tokens.list()).map(({ id }) => id)) await api.store.tokens.revoke(token);
  });

  it('rebuilds a pod as it was', async () => {
    const pod = victim();
    const own = told.filter(({ pods, kind }) => pods.includes(pod) && kind.startsWith('process_'));
    const at = own[Math.floor(own.length / 2)]?.time ?? '';
    const then = new Context();
    for (const [i, event] of events.entries()) {
      if ((told[i]?.time ?? '') > at) break;
      then.observe(event);
    }
    const [namespace = '', name = ''] = pod.split('/');
    const { json } = await api.get(`/api/v1/pods/${pod}/tree?at=${at}`);
    const inPod = json.processes.filter((process: { pod: string | null }) => process.pod === pod);
    expect(inPod.map((process: { exec_id: string }) => process.exec_id).sort()).toEqual(
      then
        .pod(namespace, name)
        ?.processes()
        .map(process => process.execId)
        .sort(),
    );
    expect(json.past).toMatchObject({ is_whole: true });
    const later = (await api.get(`/api/v1/pods/${pod}/tree?at=${told.at(-1)?.time}`)).json;
    expect(later.processes.length).toBeGreaterThan(json.processes.length);
    const hosts = (tree: { processes: { pod: string | null; binary: string }[] }) =>
      tree.processes.filter(process => process.pod === null && process.binary !== '').length;
    expect(hosts(later)).toBeGreaterThan(0);
    expect((await api.get(`/api/v1/pods/${pod}/tree?at=2001-01-01T00:00:00Z`)).status).toBe(404);
    expect((await api.get('/api/v1/pods/tenant-jobs/no-such-pod/tree?at=2100-01-01T00:00:00Z')).status).toBe(404);
  });

  it('tells of events as they happen, and of those that were too many', async () => {
    const client = await follow(`${api.url}/api/v1/events/tail?kind=process_exec`);
    const live = new Context();
    const seen: Observation[] = events.map(event => live.observe(event));
    for (const observation of seen) tail.tell(observation);
    const execs = told.filter(({ kind }) => kind === 'process_exec').length;
    const count = (): number =>
      client.events.reduce((sum, { type, data }) => sum + (type === 'dropped' ? data.count : 1), 0);
    await client.until(() => count() === execs);
    expect(client.events.every(({ type, data }) => type === 'dropped' || data.kind === 'process_exec')).toBe(true);
    expect(client.events.some(({ type }) => type === 'dropped')).toBe(true);
    client.close();
  });

  it('follows nobody whose filter is wrong', async () => {
    expect((await api.get('/api/v1/events/tail?filter=x')).status).toBe(400);
    expect((await api.get('/api/v1/events/tail?kind=nonsense')).status).toBe(400);
  });
});

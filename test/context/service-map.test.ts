import { describe, expect, it } from 'vitest';
import { Context, type ContextOptions } from '../../src/context/context.ts';
import type { Connection } from '../../src/model/connection.ts';
import type { FlowEvent } from '../../src/model/event.ts';
import { MAP_WINDOWS, type MapCounts, type MapEdge, noCounts } from '../../src/model/service-map.ts';
import { endpoint, execEvent, flowEvent, kprobeEvent, podFacts, processFacts, sockArg } from '../support/events.ts';
import { eventsOf, merged, recordings } from './recordings.ts';

const keep = (options: ContextOptions = {}): Context => new Context({ serviceMap: true, ...options });
const edgesOf = (context: Context): MapEdge[] => [...(context.serviceMap?.edges() ?? [])];
const nameOf = ({ kind, namespace, name }: MapEdge['client']): string => `${kind} ${namespace}/${name}`;
const textOf = (edge: MapEdge): string =>
  `${nameOf(edge.client)} > ${nameOf(edge.server)} ${edge.protocol} ${edge.port} c${edge.connections} f${edge.flows}`;
const only = (context: Context): MapEdge => {
  const edges = edgesOf(context);
  expect(edges).toHaveLength(1);
  return edges[0] as MapEdge;
};
const owned = (pod: string, workload: string) => ({
  ...endpoint(pod),
  workloads: [{ name: workload, kind: 'Deployment' }],
});
/** From a pod to an address of the world. */
const out = (pod: string, port: number, ip: string, at = 0, more: Partial<FlowEvent> = {}): FlowEvent =>
  flowEvent(`tcp 10.0.0.9:${port} > ${ip}:443`, { at, from: pod, to: 'reserved:world', ...more });

const within = (edge: MapEdge, minutes: 1 | 5 | 60, now: number): MapCounts => {
  const sums = MAP_WINDOWS.map(noCounts);
  edge.addRecent(now, sums);
  return sums[MAP_WINDOWS.indexOf(minutes)] as MapCounts;
};
const isLocal = ({ client, server }: Connection): boolean => server.ip.startsWith('127.') || client.ip === server.ip;

describe('the service map', () => {
  it('adds the connections of a workload’s pods up to one edge', () => {
    const context = keep();
    for (const [n, pod] of ['web-1', 'web-2', 'web-1'].entries()) {
      const flow = flowEvent(`tcp 10.0.0.${n}:${1_000 + n} > 10.0.1.1:5432`, { at: n });
      context.observe({
        ...flow,
        sourceEndpoint: owned(`shop/${pod}`, 'web'),
        destinationEndpoint: owned('data/db-0', 'db'),
      });
    }
    const edge = only(context);
    expect(textOf(edge)).toBe('workload shop/web > workload data/db TCP 5432 c3 f3');
    expect(edge.client).toMatchObject({ workloadKind: 'Deployment', pods: ['web-1', 'web-2'] });
  });

  it('counts a connection where it belongs once more is known of it', () => {
    const context = keep();
    const pod = 'shop/web-1';
    context.observe(out(pod, 1_000, '198.51.100.7', 0));
    context.observe(out(pod, 1_000, '198.51.100.7', 1));
    expect(textOf(only(context))).toBe('pod shop/web-1 > address /198.51.100.7 TCP 443 c1 f2');
    context.observe(
      flowEvent('udp 10.96.0.10:53 > 10.0.0.9:5000', {
        at: 2,
        from: null,
        to: pod,
        isReply: true,
        dns: { query: 'files.example.org', ips: ['198.51.100.7'] },
      }),
    );
    context.observe(out(pod, 1_000, '198.51.100.7', 3, { verdict: 'DROPPED', dropReason: 'POLICY_DENIED' }));
    expect(edgesOf(context).map(textOf)).toEqual([
      'pod shop/web-1 > address /10.96.0.10 UDP 53 c1 f1',
      'pod shop/web-1 > name /files.example.org TCP 443 c1 f3',
    ]);
    const [dns, named] = edgesOf(context) as [MapEdge, MapEdge];
    expect(dns.l7).toBe('DNS');
    expect(named.verdicts.slice(0, 2)).toEqual([2, 1]);
    expect(named.dropReason).toBe('POLICY_DENIED');
    expect(within(named, 1, context.serviceMap?.now ?? 0)).toEqual({ connections: 1, flows: 3, dropped: 1 });
  });

  it('keeps to one name of several, in whatever order they are listed', () => {
    const context = keep();
    for (const names of [['a.example', 'b.example'], ['b.example', 'a.example'], ['b.example']])
      context.observe(out('shop/web-1', 1_000, '198.51.100.7', 0, { destinationNames: names }));
    expect(edgesOf(context).map(textOf)).toEqual(['pod shop/web-1 > name /b.example TCP 443 c1 f3']);
  });

  it('names the processes at both ends, a few of them', () => {
    const context = keep();
    for (let n = 0; n < 10; n++) {
      const process = processFacts(`p${n}`, { pid: n + 1, binary: `/usr/bin/tool-${n}`, pod: podFacts('shop/web-1') });
      context.observe(execEvent(process));
      context.observe(
        kprobeEvent(process, 'tcp_connect', [sockArg(`tcp 10.0.0.9:${2_000 + n} > 198.51.100.7:443`)], { at: n }),
      );
      context.observe(out('shop/web-1', 2_000 + n, '198.51.100.7', n));
    }
    const edge = only(context);
    expect(edge.processes).toEqual(Array.from({ length: 8 }, (_, n) => `tool-${n}`));
    expect(edge.hasMoreProcesses).toBe(true);
    expect(edge.connections).toBe(10);
  });

  it('tells rates over windows of event time', () => {
    const context = keep();
    // Ten flows a minute for two hours, then none.
    for (let second = 0; second < 7_200; second += 6) context.observe(out('shop/web-1', 1_000, '198.51.100.7', second));
    const edge = only(context);
    const now = context.serviceMap?.now ?? 0;
    expect(edge.flows).toBe(1_200);
    for (const minutes of MAP_WINDOWS)
      expect(Math.abs(within(edge, minutes, now).flows / minutes - 10)).toBeLessThan(1);
    const later = (minutes: number): number => now + minutes * 60e6;
    expect(within(edge, 1, later(3)).flows).toBe(0);
    expect(within(edge, 60, later(30)).flows).toBeCloseTo(300, -1);
    expect(within(edge, 60, later(600)).flows).toBe(0);
    // What comes late by hours counts, but in no window.
    context.observe(out('shop/web-1', 1_000, '198.51.100.7', 60));
    expect(edge.flows).toBe(1_201);
    expect(within(edge, 60, now).flows / 60).toBeCloseTo(10, 0);
  });

  it('knows a workload that talks to itself by one node', () => {
    const context = keep();
    const flow = flowEvent('tcp 10.0.0.1:1000 > 10.0.0.2:9300', {});
    const ends = { sourceEndpoint: owned('data/es-0', 'es'), destinationEndpoint: owned('data/es-1', 'es') };
    context.observe({ ...flow, ...ends });
    const { client, server } = only(context);
    expect(server).toBe(client);
  });

  it('leaves out what a pod says to itself', () => {
    const context = keep();
    context.observe(flowEvent('tcp 127.0.0.1:1000 > 127.0.0.1:80', { from: 'shop/web-1', to: 'shop/web-1' }));
    expect(edgesOf(context)).toEqual([]);
  });

  it('keeps a flood within its workload and its namespace', () => {
    const context = keep({
      mapEdgesMax: 1_000,
      mapEdgesPerNamespaceMax: 300,
      mapEdgesPerNodeMax: 100,
      mapAddressesPerNodeMax: 20,
    });
    context.observe(out('calm/app', 1, '198.51.100.7', 0));
    context.observe(out('hot/quiet', 1, '198.51.100.7', 0));
    // A scan of addresses, one of ports, and pods that come and go.
    for (let n = 0; n < 500; n++) context.observe(out('hot/scanner', 1 + n, `203.0.113.${n % 250}`, 1 + n));
    const scan = edgesOf(context).filter(({ client }) => client.name === 'scanner');
    expect(scan).toHaveLength(21);
    expect(scan.find(({ server }) => server.kind === 'addresses')?.connections).toBe(460);
    expect(context.serviceMap?.stats()).toMatchObject({ gathered: 460, evicted: 0 });
    for (let n = 0; n < 2_000; n++)
      context.observe(
        flowEvent(`tcp 10.0.0.9:40000 > 10.0.0.8:${1 + n}`, { at: 500 + n, from: 'hot/ports', to: 'hot/target' }),
      );
    for (let n = 0; n < 2_000; n++) context.observe(out(`hot/job-${n}`, 1, '198.51.100.7', 3_000 + n));
    const edges = edgesOf(context);
    const { edges: count, evicted } = context.serviceMap?.stats() ?? { edges: 0, evicted: 0 };
    expect(edges.map(textOf)).toContain('pod calm/app > address /198.51.100.7 TCP 443 c1 f1');
    expect(count).toBe(edges.length);
    expect(edges.filter(({ client }) => client.namespace === 'hot').length).toBeLessThanOrEqual(300);
    const of = (pod: string): MapEdge[] => edges.filter(({ client }) => client.name === pod);
    expect(of('ports').length).toBeLessThanOrEqual(100);
    expect(evicted).toBeGreaterThan(3_000);
  });

  it('evicts from the fullest namespace when all of them are too many', () => {
    const context = keep({ mapEdgesMax: 200, mapEdgesPerNamespaceMax: 1_000 });
    for (let n = 0; n < 40; n++) context.observe(out(`calm/app-${n}`, 1, '198.51.100.7', n));
    for (let n = 0; n < 3_000; n++) context.observe(out(`hot/job-${n}`, 1, '198.51.100.7', 100 + n));
    const edges = edgesOf(context);
    expect(edges.length).toBeLessThanOrEqual(200);
    expect(edges.filter(({ client }) => client.namespace === 'calm')).toHaveLength(40);
    expect(edges.map(({ client }) => client.name)).toContain('job-2999');
  });

  it.each(recordings())('holds its books with almost no room, through $name', ({ tetragon, hubble }) => {
    const context = keep({
      mapEdgesMax: 6,
      mapEdgesPerNamespaceMax: 4,
      mapEdgesPerNodeMax: 3,
      mapAddressesPerNodeMax: 1,
    });
    for (const event of merged(eventsOf(tetragon, 'tetragon'), eventsOf(hubble, 'hubble'))) {
      context.observe(event);
      expect(context.serviceMap?.stats().edges).toBeLessThanOrEqual(6);
    }
    const edges = edgesOf(context);
    const ends = edges.flatMap(({ client, server }) => [client, server]);
    expect(context.serviceMap?.stats().nodes).toBe(new Set(ends).size);
    expect(new Set(ends.map(({ id }) => id)).size).toBe(new Set(ends).size);
    for (const edge of edges) {
      expect(edge.connections).toBeGreaterThan(0);
      expect(edge.verdicts.reduce((sum, each) => sum + each, 0)).toBe(edge.flows);
    }
  });

  it.each(recordings())('counts every flow of $name once', ({ tetragon, hubble }) => {
    const context = keep();
    let flows = 0;
    for (const event of merged(eventsOf(tetragon, 'tetragon'), eventsOf(hubble, 'hubble'))) {
      const { connection } = context.observe(event);
      if (event.kind === 'flow' && connection !== null && !isLocal(connection)) flows++;
    }
    const edges = edgesOf(context);
    expect(edges.reduce((sum, edge) => sum + edge.flows, 0)).toBe(flows);
    for (const edge of edges) {
      expect(edge.verdicts.reduce((sum, each) => sum + each, 0)).toBe(edge.flows);
      expect(edge.connections).toBeGreaterThan(0);
    }
    const known = [...context.connections()].filter(connection => !isLocal(connection)).length;
    expect(edges.reduce((sum, edge) => sum + edge.connections, 0)).toBe(known);
    // Every pod that spoke is found at a node.
    const pods = new Set(edges.flatMap(({ client, server }) => [...client.pods, ...server.pods]));
    for (const { client } of context.connections())
      if (client.endpoint !== null && client.endpoint.podName !== '') expect(pods).toContain(client.endpoint.podName);
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MapView } from '../../src/api/map.ts';
import { Context } from '../../src/context/context.ts';
import { flowEvent } from '../support/events.ts';
import { type Harness, liveContext, startApi } from './support.ts';

const namesOf = ({ nodes }: MapView): string[] => nodes.map(({ kind, name }) => `${kind} ${name}`);
const read = async (api: Harness, query = '', token?: string): Promise<MapView> =>
  (await api.get(`/api/v1/map${query}`, token === undefined ? {} : { token })).json;

describe('the service map of a recorded break-in', () => {
  let api: Harness;
  beforeAll(async () => {
    api = await startApi({ deps: { live: liveContext(), serviceMap: liveContext().serviceMap } });
  });
  afterAll(() => api.close());

  it('shows workloads and outside names with what they said', async () => {
    const map = await read(api);
    expect(map.omitted_edges).toBe(0);
    expect(map.total).toEqual({ nodes: map.nodes.length, edges: map.edges.length });
    const crawler = map.nodes.find(({ kind, name }) => kind === 'workload' && name === 'crawler');
    expect(crawler).toMatchObject({ namespace: 'tenant-jobs', count: 1 });
    expect(crawler?.pods).toContain('tenant-jobs/crawler-556db57cd7-tkvfd');
    const shell = map.edges.find(({ from, port }) => from === crawler?.id && port === 4444);
    expect(shell).toMatchObject({ protocol: 'TCP', to: 'address://198.51.100.66', ports: 1 });
    expect(shell?.processes).toContain('nc.traditional');
    const upload = map.edges.find(({ to }) => to.endsWith('exfil-bucket.s3.amazonaws.com'));
    expect(upload?.processes).toContain('curl');
    expect(map.edges.some(({ l7 }) => l7.includes('DNS'))).toBe(true);
    for (const { flows, verdicts } of map.edges)
      expect(Object.values(verdicts).reduce((sum, each) => sum + each, 0)).toBe(flows);
  });

  it('filters by namespace, text and verdict', async () => {
    const all = await read(api);
    const ids = new Map(all.nodes.map(node => [node.id, node]));
    const own = await read(api, '?namespace=tenant-jobs');
    expect(own.edges.length).toBeGreaterThan(0);
    expect(own.edges.length).toBeLessThan(all.edges.length);
    for (const { from, to } of own.edges)
      expect([ids.get(from)?.namespace, ids.get(to)?.namespace]).toContain('tenant-jobs');
    const shell = await read(api, '?q=NC.trad');
    expect(shell.edges.map(({ port }) => port)).toContain(4444);
    expect((await read(api, '?q=:4444')).edges).toHaveLength(1);
    expect((await read(api, '?verdict=AUDIT')).edges).toEqual([]);
    expect((await api.get('/api/v1/map?verdict=NICE')).status).toBe(400);
    expect((await api.get('/api/v1/map?limit=0')).status).toBe(400);
  });

  it('answers 304 while nothing changed', async () => {
    const first = await api.get('/api/v1/map');
    const etag = first.headers.get('etag') ?? '';
    expect(etag).toMatch(/^W\/".+"$/);
    const again = await api.get('/api/v1/map', { headers: { 'if-none-match': etag } });
    expect([again.status, again.text]).toEqual([304, '']);
  });

  it('shows a token of some namespaces their edges alone, and of others no more than the name', async () => {
    await api.store.tokens.create({ name: 'admin', scopes: ['admin'], namespaces: null, expires_at: null });
    const token = async (namespace: string): Promise<string> => {
      const spec = { name: namespace, scopes: ['read'], namespaces: [namespace], expires_at: null } as const;
      return (await api.store.tokens.create(spec)).secret;
    };
    const own = await token('tenant-jobs');
    const map = await read(api, '', own);
    const ids = new Map(map.nodes.map(node => [node.id, node]));
    expect(map.edges.length).toBeGreaterThan(0);
    for (const { from, to, processes, server_processes } of map.edges) {
      const [client, server] = [ids.get(from)?.namespace, ids.get(to)?.namespace];
      expect([client, server]).toContain('tenant-jobs');
      if (client !== 'tenant-jobs') expect(processes).toEqual([]);
      if (server !== 'tenant-jobs') expect(server_processes).toEqual([]);
    }
    for (const { namespace, pods } of map.nodes) if (namespace !== 'tenant-jobs') expect(pods).toEqual([]);
    const { headers } = await api.get('/api/v1/map', { token: own });
    expect(headers.get('etag')).toBeNull();
    expect(await read(api, '', await token('elsewhere'))).toMatchObject({ nodes: [], edges: [], namespaces: [] });
    expect((await api.get('/api/v1/map')).status).toBe(401);
  });
});

describe('a service map of more than can be looked at', () => {
  let api: Harness;
  const context = new Context({ serviceMap: true });
  for (let n = 0; n < 2_000; n++) {
    const namespace = `team-${n % 20}`;
    context.observe(
      flowEvent(`tcp 10.1.${n >> 8}.${n & 255}:40000 > 10.2.0.${n % 20}:8080`, {
        at: n,
        from: `${namespace}/app-${n}`,
        to: `team-${(n + 1) % 20}/api`,
      }),
    );
  }
  for (let n = 0; n < 30; n++)
    context.observe(
      flowEvent(`tcp 10.1.0.0:${50_000 + n} > 203.0.113.${n}:443`, {
        at: 2_000 + n,
        from: 'team-0/app-0',
        to: 'reserved:world',
        verdict: n === 7 ? 'DROPPED' : 'FORWARDED',
      }),
    );
  for (let n = 0; n < 40; n++)
    context.observe(
      flowEvent(`tcp 10.1.0.0:${60_000 + n} > 10.2.0.1:${9_000 + n}`, {
        at: 3_000,
        from: 'team-0/app-0',
        to: 'team-1/api',
      }),
    );
  beforeAll(async () => {
    api = await startApi({ deps: { serviceMap: context.serviceMap } });
  });
  afterAll(() => api.close());

  it('folds outside addresses of one workload, then namespaces, and counts what is folded', async () => {
    const map = await read(api);
    expect(map.nodes.length).toBeLessThanOrEqual(200);
    expect(map.total.nodes).toBeGreaterThan(2_000);
    expect(map.nodes.find(({ kind }) => kind === 'addresses')).toMatchObject({ count: 30 });
    const folded = map.nodes.filter(({ kind }) => kind === 'namespace');
    expect(folded.length).toBeGreaterThan(10);
    const shown = map.nodes.reduce((sum, { count }) => sum + (count ?? 0), 0);
    expect(shown).toBe(map.total.nodes);
    // Nothing of what was counted is lost by folding.
    expect(map.edges.reduce((sum, { connections }) => sum + connections, 0)).toBe(2_070);
    expect(map.edges.reduce((sum, { verdicts }) => sum + (verdicts.DROPPED ?? 0), 0)).toBe(1);
  });

  it('unfolds what is asked for', async () => {
    const folded = (await read(api, '?namespace=team-0')).nodes.find(({ kind }) => kind === 'addresses');
    const map = await read(api, `?namespace=team-0&limit=1000&unfold=${encodeURIComponent(folded?.id ?? '')}`);
    expect(namesOf(map).filter(name => name.startsWith('address 203.'))).toHaveLength(30);
    const team = await read(api, `?limit=300&unfold=${encodeURIComponent('namespace:team-3')}`);
    expect(team.nodes.filter(({ namespace, kind }) => namespace === 'team-3' && kind === 'pod')).toHaveLength(101);
  });

  it('tells many ports between two as one', async () => {
    const map = await read(api, '?q=app-0&namespace=team-0&limit=1000');
    expect(map.edges.find(({ port }) => port === null)).toMatchObject({ ports: 41, connections: 41 });
  });

  it('stays bounded where even that is too much', async () => {
    const map = await read(api, '?limit=10&namespace=team-0');
    expect(map.nodes.length).toBeLessThanOrEqual(10);
    expect(map.nodes.find(({ kind }) => kind === 'others')?.count).toBeGreaterThan(50);
    expect(map.edges.length).toBeLessThanOrEqual(40);
  });
});

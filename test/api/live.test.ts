import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ConnectionView, NamedConnectionView, TreeProcess } from '../../src/api/views.ts';
import { type Harness, liveContext, liveProcess, startApi } from './support.ts';

describe('what the engine knows', () => {
  let api: Harness;
  const netcat = liveProcess('nc.traditional');
  const namespace = netcat.pod?.namespace ?? '';
  const pod = netcat.pod?.name ?? '';

  beforeAll(async () => {
    api = await startApi({ deps: { live: liveContext() } });
  });
  afterAll(() => api.close());

  const flows = async (query: string): Promise<ConnectionView[]> =>
    (await api.get(`/api/v1/flows?limit=1000&${query}`)).json.items;

  it('answers a process with its ancestors, children and connections', async () => {
    const { json, status } = await api.get(`/api/v1/processes/${encodeURIComponent(netcat.execId)}`);
    expect(status).toBe(200);
    expect(json.process).toMatchObject({
      exec_id: netcat.execId,
      binary: netcat.facts.binary,
      pod: `${namespace}/${pod}`,
    });
    expect(json.ancestors[0].exec_id).toBe(netcat.parent?.execId);
    expect(json.children.map((child: TreeProcess) => child.exec_id).sort()).toEqual(
      [...netcat.children].map(child => child.execId).sort(),
    );
    expect(json.process.connections).toHaveLength(netcat.connections.length);
  });

  it('names the process of a connection', async () => {
    const answer = await api.get(`/api/v1/flows?exec_id=${encodeURIComponent(netcat.execId)}`);
    expect(answer.json.items.length).toBeGreaterThan(0);
    for (const { process } of answer.json.items)
      expect(process).toEqual({ pid: netcat.facts.pid, binary: netcat.facts.binary });
  });

  it('says 404 for processes and pods that it does not know', async () => {
    expect((await api.get('/api/v1/processes/bm9ib2R5')).status).toBe(404);
    expect((await api.get('/api/v1/processes/%00')).status).toBe(400);
    expect((await api.get('/api/v1/pods/nowhere/nobody/tree')).status).toBe(404);
    expect((await api.get('/api/v1/pods/UPPER/..%2f/tree')).status).toBe(400);
  });

  it('draws a pod whole', async () => {
    const { json } = await api.get(`/api/v1/pods/${namespace}/${pod}/tree`);
    const own = json.processes.filter((node: TreeProcess) => node.pod === `${namespace}/${pod}`);
    const known = liveContext().pod(namespace, pod)?.processes() ?? [];
    expect(own).toHaveLength(known.length);
    expect(json.omitted).toBe(0);
  });

  it('names no process of ours behind an address outside', async () => {
    const outside = (await flows('')).filter(({ destination }) => destination.kind === 'world');
    expect(outside.length).toBeGreaterThan(0);
    expect(outside.filter(({ server_exec_id }) => server_exec_id !== null)).toEqual([]);
  });

  it('lists connections, latest first, by every filter', async () => {
    const all = await flows('');
    expect(all.length).toBeGreaterThan(10);
    const seen = all.map(flow => flow.last_seen);
    expect(seen).toEqual([...seen].sort().reverse());
    const mine = await flows(`exec_id=${encodeURIComponent(netcat.execId)}`);
    expect(mine.length).toBe(netcat.connections.length);
    const first = mine[0] as ConnectionView;
    for (const query of [
      `to=${first.destination.ip}`,
      `port=${first.destination.port}`,
      `attribution=${first.attribution}`,
      `namespace=${namespace}`,
      `pod=${pod}`,
      `since=${first.last_seen}`,
    ]) {
      const found = await flows(query);
      expect(
        found.map(flow => flow.id),
        query,
      ).toContain(first.id);
      expect(found.length, query).toBeLessThan(all.length);
    }
    expect(await flows('until=2000-01-01T00:00:00Z')).toEqual([]);
    expect(await flows('verdict=AUDIT')).toEqual([]);
    const limited = (await api.get('/api/v1/flows?limit=2')).json;
    expect(limited.items).toEqual(all.slice(0, 2));
    expect(limited.total).toBe(all.length);
  });

  it('shows a token of some namespaces nothing of the others', async () => {
    await api.store.tokens.create({ name: 'admin', scopes: ['admin'], namespaces: null, expires_at: null });
    const reader = await api.store.tokens.create({
      name: 'own',
      scopes: ['read'],
      namespaces: [namespace],
      expires_at: null,
    });
    const stranger = await api.store.tokens.create({
      name: 'stranger',
      scopes: ['read'],
      namespaces: ['elsewhere'],
      expires_at: null,
    });
    const paths = [`/api/v1/processes/${encodeURIComponent(netcat.execId)}`, `/api/v1/pods/${namespace}/${pod}/tree`];
    for (const path of paths) {
      expect((await api.get(path, { token: reader.secret })).status).toBe(200);
      expect((await api.get(path, { token: stranger.secret })).status).toBe(404);
    }
    expect((await api.get('/api/v1/flows', { token: stranger.secret })).json).toEqual({ items: [], total: 0 });
    const own = (await api.get('/api/v1/flows?limit=1000', { token: reader.secret })).json
      .items as NamedConnectionView[];
    expect(own.length).toBeGreaterThan(0);
    for (const flow of own) {
      expect(`${flow.source.pod} ${flow.destination.pod}`).toContain(`${namespace}/`);
      for (const id of [flow.exec_id, flow.server_exec_id]) {
        if (id !== null) expect(liveContext().process(id)?.pod?.namespace).toBe(namespace);
      }
      // What they are called is told with who they are.
      expect(flow.process === null).toBe(flow.exec_id === null);
      expect(flow.server_process === null).toBe(flow.server_exec_id === null);
    }
  });
});

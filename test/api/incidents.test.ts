import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TreeProcess } from '../../src/api/views.ts';
import { ancestorsOf } from '../../src/model/process.ts';
import {
  asAlertProcess,
  commitAlert,
  type Harness,
  hexId,
  liveContext,
  liveProcess,
  makeAlert,
  makeIncident,
  startApi,
  storedProcess,
} from './support.ts';

const path = (n: number, rest = ''): string => `/api/v1/incidents/${hexId(n, 'b')}${rest}`;

describe('incidents', () => {
  let api: Harness;

  beforeAll(async () => {
    api = await startApi({ deps: { live: liveContext() } });
    await commitAlert(api.store, makeAlert(1, { incident: hexId(1, 'b') }), makeIncident(1));
    await commitAlert(api.store, makeAlert(2, { incident: hexId(1, 'b') }), makeIncident(1, { alert_count: 2 }));
    await commitAlert(
      api.store,
      makeAlert(3, { incident: hexId(2, 'b'), level: 'low' }),
      makeIncident(2, { level: 'low', last_seen: '2026-01-01T01:00:00.000000000Z' }),
    );
  });
  afterAll(() => api.close());

  it('lists the latest activity first, and filters', async () => {
    const ids = async (query: string): Promise<string[]> =>
      (await api.get(`/api/v1/incidents${query}`)).json.items.map((item: { id: string }) => item.id);
    expect(await ids('')).toEqual([hexId(2, 'b'), hexId(1, 'b')]);
    expect(await ids('?level=high')).toEqual([hexId(1, 'b')]);
    expect(await ids('?state=resolved')).toEqual([]);
    expect(await ids('?since=2026-01-01T00:30:00Z')).toEqual([hexId(2, 'b')]);
    expect((await api.get(path(1))).json).toMatchObject({ id: hexId(1, 'b'), alert_count: 2 });
    for (const rest of ['', '/tree', '/timeline', '/capture']) expect((await api.get(path(9, rest))).status).toBe(404);
  });

  it('filters by pod, with its namespace or without', async () => {
    const count = async (pod: string): Promise<number> =>
      (await api.get(`/api/v1/incidents?pod=${pod}`)).json.items.length;
    expect(await count('shop/web-1')).toBe(2);
    expect(await count('web-1')).toBe(2);
    expect(await count('bank/web-1')).toBe(0);
    expect(await count('shop/web')).toBe(0);
    expect((await api.get('/api/v1/incidents?pod=%2Fweb-1')).json.errors[0]).toMatchObject({ field: 'pod' });
  });

  it('is found by the beginning of its id wherever that leads to one alone', async () => {
    const fresh = await startApi();
    try {
      const [one, two] = ['feed0123456789', 'feed01ffffffff'] as const;
      for (const [n, id] of [one, two].entries()) {
        await commitAlert(fresh.store, makeAlert(n, { incident: id }), { ...makeIncident(n), id });
      }
      for (const rest of ['', '/tree', '/timeline', '/capture']) {
        expect((await fresh.get(`/api/v1/incidents/feed0123${rest}`)).status, rest).toBe(200);
        const several = await fresh.get(`/api/v1/incidents/feed01${rest}`);
        expect(several.status, rest).toBe(400);
        expect(several.json.errors).toEqual([
          { in: 'path', field: 'id', message: `is the beginning of several ids: ${one}, ${two}` },
        ]);
        expect((await fresh.get(`/api/v1/incidents/feed0${rest}`)).status, rest).toBe(404);
      }
      expect((await fresh.post('/api/v1/incidents/feed01f/resolve')).json).toMatchObject({
        id: two,
        state: 'resolved',
      });
      expect((await fresh.post('/api/v1/incidents/feed01/resolve')).status).toBe(400);
      expect((await fresh.get(`/api/v1/incidents/${one}`)).json.state).toBe('open');
      // What others see is no candidate.
      await fresh.store.tokens.create({ name: 'a', scopes: ['admin'], namespaces: null, expires_at: null });
      const spec = { name: 'b', scopes: ['read'], namespaces: ['bank'], expires_at: null } as const;
      const { secret: token } = await fresh.store.tokens.create(spec);
      expect((await fresh.get('/api/v1/incidents/feed01', { token })).status).toBe(404);
    } finally {
      await fresh.close();
    }
  });

  it('remembers who acknowledged and resolved it, and why', async () => {
    const acknowledged = await api.post(path(2, '/acknowledge'), { reason: 'looking' });
    const changed = { by: 'anonymous', at: expect.stringMatching(/^\d{4}-.*Z$/), reason: 'looking' };
    expect(acknowledged.json).toMatchObject({ state: 'acknowledged', changed });
    expect((await api.get(path(2))).json.changed).toEqual(acknowledged.json.changed);
    expect((await api.get(path(1))).json).not.toHaveProperty('changed');
    // No body at all is fine too.
    expect((await api.post(path(2, '/resolve'))).json.state).toBe('resolved');
    expect((await api.post(path(2, '/reopen'))).json.state).toBe('open');
    expect((await api.post(path(9, '/resolve'))).status).toBe(404);
    expect((await api.post(path(2, '/resolve'), { reason: 1 })).json.errors[0]).toMatchObject({
      in: 'body',
      field: 'reason',
    });
    const { items } = (await api.get(path(2, '/timeline'))).json;
    const actions = items.filter((item: { type: string }) => item.type === 'action');
    expect(actions.map((item: { action: string }) => item.action)).toEqual([
      'incident.acknowledge',
      'incident.resolve',
      'incident.reopen',
    ]);
    expect(actions[0]).toMatchObject({ actor: 'anonymous', reason: 'looking' });
  });

  it('refuses to acknowledge what is resolved, and says what to do', async () => {
    await api.post(path(2, '/resolve'));
    const refused = await api.post(path(2, '/acknowledge'));
    expect(refused.status).toBe(409);
    expect(refused.json.detail).toBe('the incident is resolved: reopen it first');
    expect((await api.get(path(2))).json.state).toBe('resolved');
    await api.post(path(2, '/reopen'));
    expect((await api.post(path(2, '/acknowledge'))).json.state).toBe('acknowledged');
  });

  it('tells events before the alerts that they caused, in time order', async () => {
    const { items } = (await api.get(path(1, '/timeline'))).json;
    expect(items.map((item: { type: string }) => item.type)).toEqual(['event', 'alert', 'event', 'alert']);
    expect(items[0]).toMatchObject({ kind: 'process_exec', exec_id: 'ZXhlYzox', summary: '/usr/bin/nc -e /bin/sh' });
    const times = items.map((item: { time: string }) => item.time);
    expect(times).toEqual([...times].sort());
  });

  it('exports its evidence as a capture, plain and compressed', async () => {
    const plain = await api.get(path(1, '/capture'));
    expect(plain.headers.get('content-type')).toContain('application/x-ndjson');
    expect(plain.headers.get('content-disposition')).toBe(`attachment; filename="incident-${hexId(1, 'b')}.jsonl"`);
    const lines = plain.text.trimEnd().split('\n');
    expect(lines.map(line => JSON.parse(line))).toEqual([1, 2].map(n => makeAlert(n).evidence[0]?.raw));
    const response = await fetch(`${api.url}${path(1, '/capture?format=jsonl.gz')}`);
    expect(gunzipSync(new Uint8Array(await response.arrayBuffer())).toString()).toBe(plain.text);
  });

  it('draws the tree from alerts alone when the engine has forgotten', async () => {
    const { json } = await api.get(path(1, '/tree'));
    expect(json.processes.map((node: TreeProcess) => [node.exec_id, node.depth, node.known])).toEqual([
      ['cGFyZW50', 0, 'stored'],
      ['ZXhlYzox', 1, 'stored'],
    ]);
    const [shell, netcat] = json.processes;
    expect(netcat).toMatchObject({ parent_exec_id: 'cGFyZW50', pod: 'shop/web-1', alerts: [hexId(2), hexId(1)] });
    expect(shell.pod).toBe('shop/web-1');
    expect(netcat.connections).toHaveLength(1);
    expect(netcat.connections[0].destination).toMatchObject({ ip: '198.51.100.66', names: ['evil.example'] });
  });

  it('draws it from the engine when that knows more', async () => {
    const netcat = liveProcess('nc.traditional');
    const chain = ancestorsOf(netcat);
    const alert = makeAlert(30, {
      incident: hexId(3, 'b'),
      process: asAlertProcess(netcat),
      ancestors: chain.map(asAlertProcess),
    });
    await commitAlert(api.store, { ...alert, evidence: [], flows: [] }, makeIncident(3));
    const { json } = await api.get(path(3, '/tree'));
    const nodes: TreeProcess[] = json.processes;
    const node = nodes.find(each => each.exec_id === netcat.execId);
    expect(node).toMatchObject({ known: 'live', alerts: [alert.id], pid: netcat.facts.pid });
    expect(node?.connections.length).toBe(netcat.connections.length);
    expect(netcat.connections.length).toBeGreaterThan(0);
    // Its children were in no alert.
    for (const child of netcat.children) expect(nodes.map(each => each.exec_id)).toContain(child.execId);
    // Parents stand before their children, one level above.
    const at = new Map(nodes.map((each, n) => [each.exec_id, n]));
    for (const [n, each] of nodes.entries()) {
      const above = [each.replaces, each.parent_exec_id].find(id => id !== null && at.has(id));
      if (above === undefined || above === null) expect(each.depth).toBe(0);
      else {
        expect(at.get(above)).toBeLessThan(n);
        expect(nodes[at.get(above) as number]?.depth).toBe(each.depth - 1);
      }
    }
  });

  it('shows every process of ancestry that goes in a circle, once', async () => {
    const a = { ...storedProcess('QQ=='), binary: '/a' };
    const b = { ...storedProcess('Qg=='), binary: '/b' };
    await commitAlert(
      api.store,
      { ...makeAlert(40, { incident: hexId(4, 'b'), process: a, ancestors: [b, a] }), evidence: [] },
      makeIncident(4),
    );
    const { json } = await api.get(path(4, '/tree'));
    expect(json.processes.map((node: TreeProcess) => node.binary).sort()).toEqual(['/a', '/b']);
  });

  it('follows a merged incident to the one that took it in, and keeps it from changing', async () => {
    const merged = makeIncident(6, { state: 'merged', merged_into: hexId(1, 'b') });
    await commitAlert(api.store, makeAlert(60, { incident: hexId(6, 'b') }), makeIncident(6));
    await api.store.commit({
      entries: [
        {
          change: {
            type: 'new',
            alert: makeAlert(61, { incident: hexId(1, 'b') }),
            incident: makeIncident(1),
            attached: [],
            merged: [merged],
          },
          targets: [],
        },
      ],
    });
    expect((await api.get(path(6))).json).toMatchObject({ state: 'merged', merged_into: hexId(1, 'b') });
    expect((await api.get(path(6, '/capture'))).text).toBe((await api.get(path(1, '/capture'))).text);
    expect((await api.post(path(6, '/resolve'))).status).toBe(409);
  });
});

describe('an incident that is too large', () => {
  it('says how much it leaves out, and keeps what fired', async () => {
    const netcat = liveProcess('nc.traditional');
    const api = await startApi({ deps: { live: liveContext() }, limits: { treeProcessesMax: 3 } });
    await commitAlert(
      api.store,
      makeAlert(1, {
        incident: hexId(1, 'b'),
        process: asAlertProcess(netcat),
        ancestors: ancestorsOf(netcat).map(asAlertProcess),
      }),
      makeIncident(1),
    );
    const { json } = await api.get(path(1, '/tree'));
    expect(json.processes).toHaveLength(3);
    expect(json.omitted).toBeGreaterThan(0);
    expect(json.processes.map((node: TreeProcess) => node.exec_id)).toContain(netcat.execId);
    await api.close();
  });
});

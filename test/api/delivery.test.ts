import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SinkRecord } from '../../src/api/deps.ts';
import { commitAlert, type Harness, hexId, makeAlert, makeIncident, startApi } from './support.ts';

const sink = (name: string, type = 'webhook'): SinkRecord => ({
  name,
  type,
  state: 'ok',
  detail: '202 Accepted',
  lastSuccessMs: 5,
  lastFailureMs: null,
});

const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

describe('delivery', () => {
  let api: Harness;
  let tested: string[];
  let sinks: SinkRecord[];
  let changes: number;

  beforeEach(async () => {
    tested = [];
    changes = 0;
    sinks = [sink('soc', 'slack'), sink('pager', 'pagerduty')];
    api = await startApi({
      deps: {
        sinks: {
          list: () => sinks,
          test: async name => {
            tested.push(name);
            return { outcome: 'delivered', detail: '202 Accepted' };
          },
        },
        webhooksChanged: () => {
          changes++;
        },
      },
    });
  });
  afterEach(() => api.close());

  const lose = async (sinkName: string): Promise<void> => {
    const leased = await api.store.outbox.lease(sinkName, 10, 60_000);
    await api.store.outbox.dead(
      leased.map(each => each.id),
      '400 Bad Request',
    );
  };

  it('lists sinks with what waits for them', async () => {
    await commitAlert(api.store, makeAlert(1), makeIncident(0), 'soc');
    await commitAlert(api.store, makeAlert(2), makeIncident(0), 'soc');
    const { items } = (await api.get('/api/v1/sinks')).json;
    expect(items).toMatchObject([
      { name: 'soc', type: 'slack', state: 'ok', detail: '202 Accepted', deliveries: { pending: 2, dead: 0 } },
      { name: 'pager', deliveries: { pending: 0, oldest_pending: null } },
    ]);
    expect(items[0].deliveries.oldest_pending).toMatch(RFC3339);
    expect(items[0].last_success_at).toBe('1970-01-01T00:00:00.005Z');
  });

  it('tests a sink once, with an audit row', async () => {
    const answer = await api.post('/api/v1/sinks/soc/test');
    expect(answer.json).toEqual({ outcome: 'delivered', detail: '202 Accepted' });
    expect(tested).toEqual(['soc']);
    expect((await api.get('/api/v1/audit')).json.items).toMatchObject([{ action: 'sink.test', target: 'soc' }]);
    expect((await api.post('/api/v1/sinks/nobody/test')).status).toBe(404);
    expect((await api.post('/api/v1/sinks/..%2f..%2fetc/test')).status).toBe(400);
    expect(tested).toEqual(['soc']);
  });

  it('lists deliveries by state, sink, alert and incident, and replays the dead', async () => {
    await commitAlert(api.store, makeAlert(1), makeIncident(0), 'soc');
    await lose('soc');
    await commitAlert(api.store, makeAlert(2), makeIncident(0), 'soc');
    const dead = (await api.get('/api/v1/deliveries?state=dead')).json.items;
    expect(dead).toMatchObject([
      { sink: 'soc', state: 'dead', alert_id: hexId(1), attempts: 1, error: '400 Bad Request' },
    ]);
    for (const [query, count] of [
      ['', 2],
      ['?state=dead,pending', 2],
      ['?sink=pager', 0],
      [`?alert=${hexId(2)}`, 1],
      [`?incident=${hexId(0, 'b')}`, 2],
      ['?limit=1', 1],
    ] as const) {
      expect((await api.get(`/api/v1/deliveries${query}`)).json.items, query).toHaveLength(count);
    }
    expect((await api.get('/api/v1/deliveries?state=lost')).json.errors[0].field).toBe('state.0');

    const replay = `/api/v1/deliveries/${dead[0].id}/replay`;
    expect((await api.post(replay)).json).toEqual({ replayed: 1 });
    expect((await api.get('/api/v1/deliveries?state=dead')).json.items).toEqual([]);
    const waiting = await api.post(replay);
    expect(waiting.status).toBe(409);
    expect(waiting.json.detail).toContain('this delivery is pending');
    await lose('soc');
    expect((await api.post(replay, { sink: 'pager' })).status).toBe(202);
    expect((await api.get('/api/v1/deliveries?sink=pager')).json.items).toHaveLength(1);
    expect((await api.post(replay, { sink: 'nobody' })).status).toBe(404);
    for (const id of ['0', 'abc', '-1', '1.5', '0x10', '1e3', '%20', '99999999999999999999']) {
      const answer = await api.post(`/api/v1/deliveries/${id}/replay`);
      expect(answer.status, id).toBe(400);
      expect(answer.json.errors).toEqual([
        { in: 'path', field: 'id', message: expect.stringMatching(/^expected the number of a delivery/) },
      ]);
    }
    expect((await api.post('/api/v1/deliveries/99999/replay')).status).toBe(404);
  });

  it('replays all dead letters of a sink, oldest first, also to another sink', async () => {
    for (let n = 1; n <= 3; n++) await commitAlert(api.store, makeAlert(n), makeIncident(0), 'soc');
    await commitAlert(api.store, makeAlert(4, { namespace: 'bank' }), makeIncident(1), 'soc');
    await lose('soc');
    expect((await api.post('/api/v1/sinks/pager/replay')).json).toEqual({ replayed: 0, more: false });
    expect((await api.post('/api/v1/sinks/soc/replay', { sink: 'pager' })).json).toEqual({ replayed: 4, more: false });
    const copies = await api.store.outbox.lease('pager', 10, 60_000);
    expect(copies.map(({ key }) => key)).toEqual([1, 2, 3, 4].map(n => hexId(n)));
    expect((await api.post('/api/v1/sinks/nobody/replay')).status).toBe(404);
    expect((await api.post('/api/v1/sinks/soc/replay', { sink: 'nobody' })).status).toBe(404);
    // A sink that was taken out of the configuration: its letters can go to another.
    await commitAlert(api.store, makeAlert(5), makeIncident(0), 'gone');
    await lose('gone');
    expect((await api.post('/api/v1/sinks/gone/replay')).status).toBe(404);
    expect((await api.post('/api/v1/sinks/gone/replay', { sink: 'pager' })).json).toEqual({ replayed: 1, more: false });
    expect((await api.post('/api/v1/sinks/soc/replay')).json).toEqual({ replayed: 4, more: false });
    expect((await api.get('/api/v1/deliveries?state=dead')).json.items).toMatchObject([{ sink: 'gone' }]);
    const audit = (await api.get('/api/v1/audit?target=soc')).json.items;
    expect(audit[0]).toMatchObject({ action: 'sink.replay', detail: '4 dead letters' });
  });

  it('tells every time as RFC 3339', async () => {
    await commitAlert(api.store, makeAlert(1), makeIncident(0), 'soc');
    await api.post('/api/v1/webhooks', { url: 'https://example.org/' });
    const expires = '2099-01-01T00:00:00.000Z';
    const body = { name: 'a', scopes: ['admin'], expires_at: '2099-01-01T01:00:00+01:00' };
    const { token, secret } = (await api.post('/api/v1/tokens', body)).json;
    expect(token).toMatchObject({ created_at: expect.stringMatching(RFC3339), expires_at: expires });
    for (const path of ['sinks', 'deliveries', 'webhooks', 'tokens', 'audit']) {
      const { items } = (await api.get(`/api/v1/${path}`, { token: secret })).json;
      expect(items.length, path).toBeGreaterThan(0);
      const times = items
        .flatMap((item: object) => Object.entries(item))
        .filter(([key]: [string]) => /(^|_)at$/.test(key));
      expect(times.length, path).toBeGreaterThan(0);
      for (const [key, value] of times) if (value !== null) expect(value, `${path}: ${key}`).toMatch(RFC3339);
    }
    for (const bad of [1, '2099', 'tomorrow', '2020-01-01T00:00:00Z']) {
      const answer = await api.post('/api/v1/tokens', { ...body, expires_at: bad }, { token: secret });
      expect(answer.json.errors, String(bad)).toMatchObject([{ in: 'body', field: 'expires_at' }]);
    }
  });

  it('keeps webhooks: made, read, changed, rotated, deleted; the secret shown once', async () => {
    const made = await api.post('/api/v1/webhooks', {
      url: 'https://example.org/hook',
      levels: ['high'],
      description: 'mine',
    });
    expect(made.status).toBe(201);
    expect(made.json.secret).toMatch(/^whsec_/);
    const { id } = made.json.webhook;
    const path = `/api/v1/webhooks/${id}`;
    const list = await api.get('/api/v1/webhooks');
    expect(list.json.items).toEqual([made.json.webhook]);
    expect(list.text + (await api.get(path)).text).not.toContain(made.json.secret);
    const changed = await api.call('PATCH', path, {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ enabled: false, rules: ['r1'] }),
    });
    expect(changed.json).toMatchObject({ id, enabled: false, rules: ['r1'], levels: ['high'], description: 'mine' });
    const rotated = await api.post(`${path}/rotate`, { overlap_ms: 1_000 });
    expect(rotated.json.secret).toMatch(/^whsec_/);
    expect(rotated.json.secret).not.toBe(made.json.secret);
    expect((await api.post(`${path}/rotate`, { overlap_ms: -1 })).status).toBe(400);
    expect((await api.call('DELETE', path)).status).toBe(204);
    for (const answer of [await api.get(path), await api.call('DELETE', path), await api.post(`${path}/rotate`)]) {
      expect(answer.status).toBe(404);
    }
    expect(changes).toBe(4);
    const actions = (await api.get(`/api/v1/audit?target=${id}`)).json.items.map(
      (item: { action: string }) => item.action,
    );
    expect(actions).toEqual(['webhook.delete', 'webhook.rotate', 'webhook.update', 'webhook.create']);
    expect(api.logged.join('')).not.toContain('whsec_');
  });

  it.each([
    [{}, 'url'],
    [{ url: 'ftp://example.org' }, 'url'],
    [{ url: 'javascript:alert(1)' }, 'url'],
    [{ url: 'https://user:secret@example.org/' }, 'url'],
    [{ url: 'not a url' }, 'url'],
    [{ url: 'https:example.org' }, 'url'],
    [{ url: ' https://example.org/' }, 'url'],
    [{ url: 'https://example.org/\r\nx: y' }, 'url'],
    [{ url: 'https://example.org/\u0000' }, 'url'],
    [{ url: 'https://example.org/\u202e' }, 'url'],
    [{ url: `https://example.org/${'é'.repeat(1_000)}` }, 'url'],
    [{ url: 'https://example.org/', levels: ['loud'] }, 'levels.0'],
    [{ url: 'https://example.org/', namespaces: [] }, 'namespaces'],
    [{ url: 'https://example.org/', secret: 'mine' }, 'secret'],
    [{ url: 'https://example.org/', description: 'x'.repeat(1_001) }, 'description'],
  ])('refuses the webhook %o and names the field', async (body, field) => {
    const answer = await api.post('/api/v1/webhooks', body);
    expect(answer.status).toBe(400);
    expect(answer.json.errors[0]).toMatchObject({ in: 'body', field });
    expect(answer.text).not.toContain('secret@');
  });

  it.each([
    'http://127.0.0.1/',
    'http://127.1:9000/hook',
    'http://2130706433/',
    'http://0x7f000001/',
    'http://0177.0.0.1/',
    'http://0x7f.0.0x1/',
    'http://①②⑦.⓪.⓪.①/',
    'http://127.0.0.1./',
    'http://%31%32%37.0.0.1/',
    'http://0.0.0.0/',
    'http://10.96.0.1/',
    'https://172.16.0.1/',
    'https://192.168.1.1/',
    'http://169.254.169.254/latest/meta-data/',
    'http://0xa9fea9fe/',
    'http://100.100.100.200/',
    'http://168.63.129.16/',
    'http://[::1]/',
    'http://[::]/',
    'http://[fe80::1]/',
    'http://[fd00:ec2::254]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::ffff:a9fe:a9fe]/',
    'http://[64:ff9b::10.0.0.1]/',
    'http://[2002:7f00:1::]/',
    'http://localhost/',
    'http://LOCALHOST.:8080/',
    'http://api.localhost/',
  ])('refuses a webhook to %s, new or changed, and names the field', async url => {
    const made = await api.post('/api/v1/webhooks', { url: 'https://example.org/hook' });
    const path = `/api/v1/webhooks/${made.json.webhook.id}`;
    const headers = { 'content-type': 'application/json' };
    for (const answer of [
      await api.post('/api/v1/webhooks', { url }),
      await api.call('PATCH', path, { headers, body: JSON.stringify({ url }) }),
    ]) {
      expect(answer.status).toBe(400);
      expect(answer.json.errors).toMatchObject([
        { in: 'body', field: 'url', message: expect.stringMatching(/public address/) },
      ]);
    }
    expect((await api.get('/api/v1/webhooks')).json.items).toEqual([made.json.webhook]);
    expect(changes).toBe(1);
  });

  it('keeps a webhook as it will be called', async () => {
    for (const [url, kept] of [
      ['HTTPS://Hooks.EXAMPLE.org', 'https://hooks.example.org/'],
      ['https://exаmple.org/a b'.replace(' ', '%20'), 'https://xn--exmple-4nf.org/a%20b'],
      ['http://0x08080808/', 'http://8.8.8.8/'],
    ] as const) {
      expect((await api.post('/api/v1/webhooks', { url })).json.webhook.url).toBe(kept);
    }
  });

  it('takes webhooks to public addresses and to names', async () => {
    for (const url of ['https://8.8.8.8/x', 'http://[2606:4700::1111]:8443/', 'https://hooks.example.org/localhost']) {
      expect((await api.post('/api/v1/webhooks', { url })).status, url).toBe(201);
    }
  });

  it('keeps callers of some namespaces to their own webhooks and sinks', async () => {
    await api.store.tokens.create({ name: 'a', scopes: ['admin'], namespaces: null, expires_at: null });
    const { secret: token } = await api.store.tokens.create({
      name: 's',
      scopes: ['write'],
      namespaces: ['shop'],
      expires_at: null,
    });
    const url = 'https://example.org/hook';
    expect((await api.post('/api/v1/webhooks', { url, namespaces: ['bank'] }, { token })).status).toBe(403);
    const other = await api.store.webhooks.create(
      { url, description: '', levels: [], rules: [], namespaces: ['bank'] },
      null,
    );
    const made = await api.post('/api/v1/webhooks', { url }, { token });
    expect(made.json.webhook.namespaces).toEqual(['shop']);
    const own = `webhook:${made.json.webhook.id}`;
    sinks.push(sink(own), sink(`webhook:${other.webhook.id}`));
    expect((await api.get('/api/v1/webhooks', { token })).json.items).toHaveLength(1);
    expect((await api.get(`/api/v1/webhooks/${other.webhook.id}`, { token })).status).toBe(404);
    const patch = await api.call('PATCH', `/api/v1/webhooks/${made.json.webhook.id}`, {
      token,
      headers: { 'content-type': 'application/json' },
      body: '{"namespaces":null}',
    });
    expect(patch.json.namespaces).toEqual(['shop']);
    expect((await api.get('/api/v1/sinks', { token })).json.items.map((item: SinkRecord) => item.name)).toEqual([own]);
    expect((await api.post('/api/v1/sinks/soc/test', {}, { token })).status).toBe(404);
    expect((await api.post(`/api/v1/sinks/${own}/test`, {}, { token })).status).toBe(200);
    // Nor are the deliveries of others theirs to see or to send.
    await commitAlert(api.store, makeAlert(1, { namespace: 'bank' }), makeIncident(0, { namespace: 'bank' }), 'soc');
    await lose('soc');
    expect((await api.get('/api/v1/deliveries', { token })).json.items).toEqual([]);
    const id = (await api.store.outbox.list({}, null)).items[0]?.id;
    expect((await api.post(`/api/v1/deliveries/${id}/replay`, { sink: own }, { token })).status).toBe(404);
    expect(tested).toEqual([own]);
  });
});

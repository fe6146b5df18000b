import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HOSTILE } from '../support/hostile.ts';
import { commitAlert, type Harness, hexId, makeAlert, makeIncident, startApi } from './support.ts';

const utf8 = (text: string): string => Buffer.from(text).toString();

describe('alerts', () => {
  let api: Harness;

  beforeAll(async () => {
    api = await startApi();
    for (let n = 0; n < 25; n++) {
      const options = { level: n % 5 === 0 ? 'critical' : 'high', namespace: n % 2 === 0 ? 'shop' : 'bank' } as const;
      await commitAlert(api.store, makeAlert(n, options), makeIncident(0, { alert_count: n + 1 }));
    }
  });
  afterAll(() => api.close());

  const ids = (answer: { json: { items: { id: string }[] } }): string[] => answer.json.items.map(item => item.id);

  it('lists newest first, page by page, each once', async () => {
    const seen: string[] = [];
    let path = '/api/v1/alerts?limit=10';
    for (let pages = 0; pages < 10; pages++) {
      const answer = await api.get(path);
      expect(answer.status).toBe(200);
      seen.push(...ids(answer));
      if (answer.json.next === null) break;
      path = `/api/v1/alerts?limit=10&cursor=${encodeURIComponent(answer.json.next)}`;
    }
    expect(seen).toEqual(Array.from({ length: 25 }, (_, n) => hexId(24 - n)));
  });

  it('leaves evidence to the single alert', async () => {
    const list = await api.get('/api/v1/alerts?limit=1');
    expect(list.json.items[0].evidence).toEqual([]);
    const one = await api.get(`/api/v1/alerts/${hexId(24)}`);
    expect(one.json).toEqual({ ...makeAlert(24, { level: 'high' }), incident_id: hexId(0, 'b') });
  });

  it.each([
    ['level=critical', 5],
    ['level=critical,low', 5],
    ['level=critical&level=high', 25],
    ['namespace=bank', 12],
    ['namespace=bank&level=critical', 2],
    ['pod=web-1', 25],
    ['pod=web-2', 0],
    ['pod=shop/web-1', 13],
    ['pod=shop/web-1&namespace=bank', 0],
    ['pod=web/shop', 0],
    ['rule=r1', 25],
    ['rule=Reverse+shell+by+netcat', 25],
    ['rule=r2', 0],
    [`incident=${hexId(0, 'b')}`, 25],
    ['state=open', 25],
    ['state=resolved', 0],
    ['since=2026-01-01T00:00:20Z', 5],
    ['until=2026-01-01T00:00:20Z', 20],
    ['since=2026-01-01T01:00:20%2B01:00&until=2026-01-01T00:00:21Z', 1],
  ])('filters by %s', async (query, count) => {
    expect(ids(await api.get(`/api/v1/alerts?${query}`))).toHaveLength(count);
  });

  it.each([
    ['level=loud', 'level.0'],
    ['since=yesterday', 'since'],
    ['limit=0', 'limit'],
    ['limit=1001', 'limit'],
    ['limit=ten', 'limit'],
    ['namespace=../etc', 'namespace'],
    ['pod=../etc', 'pod'],
    ['pod=shop/', 'pod'],
    ['pod=a/b/c', 'pod'],
    ['limit=0x10', 'limit'],
    ['limit=', 'limit'],
    ['limit=1e2', 'limit'],
    ['nonsense=1', 'nonsense'],
    ['cursor=%00%ff', 'cursor'],
    ['cursor=abc', 'cursor'],
    ['since=2026-01-01T00:00:00Z&since=2026-01-01T00:00:00Z', 'since'],
  ])('refuses %s and names the field', async (query, field) => {
    const answer = await api.get(`/api/v1/alerts?${query}`);
    expect(answer.status).toBe(400);
    expect(answer.json.type).toBe('urn:spoor:problem:invalid-request');
    expect(answer.json.errors.map((error: { in: string; field: string }) => [error.in, error.field])).toContainEqual([
      'query',
      field,
    ]);
  });

  it('names every mistake at once', async () => {
    const answer = await api.get('/api/v1/alerts?level=loud&limit=0&since=x');
    expect(answer.json.errors).toHaveLength(3);
  });

  it('says 404 for an unknown alert and 400 for what is no id', async () => {
    expect((await api.get(`/api/v1/alerts/${hexId(99)}`)).status).toBe(404);
    expect((await api.get('/api/v1/alerts/..%2f..%2fetc%2fpasswd')).status).toBe(400);
    expect((await api.get(`/api/v1/alerts/${'a'.repeat(2_000)}`)).status).toBeGreaterThanOrEqual(400);
  });

  it('finds an alert by the beginning of its id', async () => {
    const alert = { ...makeAlert(2_000), id: 'c0ffee00000000000000000000000001' };
    await commitAlert(api.store, alert, makeIncident(0));
    expect((await api.get('/api/v1/alerts/c0ffee')).json.id).toBe(alert.id);
    expect((await api.get('/api/v1/alerts/c0ffe')).status).toBe(404);
    const several = await api.get(`/api/v1/alerts/${hexId(0).slice(0, 12)}`);
    expect(several.status).toBe(400);
    expect(several.json.errors[0].message).toBe(
      `is the beginning of several ids: ${[0, 1, 2, 3, 4].map(n => hexId(n)).join(', ')} and more`,
    );
  });

  it('gives hostile strings back as they are, as JSON that no browser takes for a page', async () => {
    for (const [n, { name, text }] of HOSTILE.entries()) {
      const alert = makeAlert(1_000 + n, { text });
      await commitAlert(api.store, alert, makeIncident(0));
      const answer = await api.get(`/api/v1/alerts/${alert.id}`);
      // Lone surrogates cannot be sent as UTF-8; everything else arrives whole.
      expect(utf8(answer.json.message), name).toBe(utf8(`nc ${text}`));
      expect(answer.headers.get('content-type')).toContain('application/json');
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    }
  });
});

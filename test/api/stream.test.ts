import { get, type IncomingMessage } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { type Follower, follow } from './stream-support.ts';
import { commitAlert, type Harness, type HarnessOptions, hexId, makeAlert, makeIncident, startApi } from './support.ts';

describe('the event stream', () => {
  let api: Harness;
  const followers: Follower[] = [];
  const open = async (options?: HarnessOptions): Promise<void> => {
    api = await startApi(options);
  };
  const listen = async (headers: Record<string, string> = {}, path = '/api/v1/stream'): Promise<Follower> => {
    const follower = await follow(`${api.url}${path}`, headers);
    followers.push(follower);
    return follower;
  };
  const fire = (n: number, namespace = 'shop'): Promise<void> =>
    commitAlert(
      api.store,
      makeAlert(n, { namespace, incident: hexId(0, namespace === 'shop' ? 'b' : 'c') }),
      makeIncident(0, { id: hexId(0, namespace === 'shop' ? 'b' : 'c'), namespace, pods: [`${namespace}/web-1`] }),
    );
  const alertIds = (follower: Follower): string[] =>
    follower.events.filter(event => event.type === 'alert').map(event => event.data.alert.id);

  afterEach(async () => {
    for (const follower of followers.splice(0)) follower.close();
    await api.close();
  });

  it('tells what happens from now on', async () => {
    await open();
    await fire(1);
    const follower = await listen();
    expect(follower.response.headers['content-type']).toBe('text/event-stream; charset=utf-8');
    expect(follower.response.headers['content-security-policy']).toContain("default-src 'none'");
    await fire(2);
    await fire(3);
    await follower.until(() => alertIds(follower).length === 2);
    expect(alertIds(follower)).toEqual([hexId(2), hexId(3)]);
    await api.store.setIncidentState(hexId(0, 'b'), 'acknowledged', { actor: 'me', reason: '' }, null);
    await follower.until(() =>
      follower.events.some(event => event.type === 'incident' && event.data.incident.state === 'acknowledged'),
    );
  });

  it('resumes after Last-Event-ID without a hole or a repetition, over any number of breaks', async () => {
    await open({ limits: { streamBatchEntriesMax: 3 } });
    const heard: string[] = [];
    let last = '0';
    for (let round = 0; round < 5; round++) {
      for (let n = 0; n < 7; n++) await fire(1 + round * 7 + n);
      const follower = await listen({ 'last-event-id': last });
      await follower.until(() => alertIds(follower).length >= 4);
      follower.close();
      heard.push(...alertIds(follower));
      last = follower.events.at(-1)?.id ?? last;
    }
    const rest = await listen({ 'last-event-id': last });
    await rest.until(() => heard.length + alertIds(rest).length === 35);
    heard.push(...alertIds(rest));
    expect(heard).toEqual(Array.from({ length: 35 }, (_, n) => hexId(n + 1)));
  });

  it('starts where `since` says', async () => {
    await open();
    await fire(1);
    const follower = await listen({}, '/api/v1/stream?since=0');
    await follower.until(() => alertIds(follower).length === 1);
  });

  it('goes on at the head when the id is of another database, and says so', async () => {
    await open();
    await fire(1);
    const follower = await listen({ 'last-event-id': '4711' });
    await follower.until(() => follower.events.length === 1);
    expect(follower.events[0]?.type).toBe('missed');
    await fire(2);
    await follower.until(() => alertIds(follower).length > 0);
    expect(alertIds(follower)).toEqual([hexId(2)]);
  });

  it('refuses what is no id', async () => {
    await open();
    const answer = await api.get('/api/v1/stream', { headers: { 'last-event-id': 'x' } });
    expect(answer.json.errors).toEqual([{ in: 'header', field: 'last-event-id', message: expect.any(String) }]);
  });

  it('keeps quiet clients alive, and moves them past what their scope hides', async () => {
    await open({ limits: { streamHeartbeatMs: 20 } });
    await api.store.tokens.create({ name: 'a', scopes: ['admin'], namespaces: null, expires_at: null });
    const { secret } = await api.store.tokens.create({
      name: 's',
      scopes: ['read'],
      namespaces: ['shop'],
      expires_at: null,
    });
    const follower = await listen({ authorization: `Bearer ${secret}` });
    await fire(1, 'bank');
    await follower.until(
      () => follower.text.includes(`: heartbeat\nid: ${follower.lastId}\n`) && Number(follower.lastId) > 0,
    );
    await fire(2);
    await follower.until(() => alertIds(follower).length === 1);
    expect(alertIds(follower)).toEqual([hexId(2)]);
    expect(follower.text).not.toContain('bank');
  });

  it('ends when its token is revoked', async () => {
    await open({ limits: { streamHeartbeatMs: 20 } });
    await api.store.tokens.create({ name: 'a', scopes: ['admin'], namespaces: null, expires_at: null });
    const { token, secret } = await api.store.tokens.create({
      name: 'r',
      scopes: ['read'],
      namespaces: null,
      expires_at: null,
    });
    const follower = await listen({ authorization: `Bearer ${secret}` });
    await api.store.tokens.revoke(token.id);
    await follower.ended;
    expect(follower.events.at(-1)).toMatchObject({ type: 'close', data: { reason: 'unauthenticated' } });
  });

  it('drops a client that does not read, with the reason, and disturbs nobody else', async () => {
    await open({ limits: { streamStallMsMax: 1_000, streamBatchEntriesMax: 10 } });
    const slow = await listen();
    slow.response.pause();
    const quick = await listen();
    // More than any socket buffers.
    const text = 'x'.repeat(500_000);
    for (let n = 0; n < 40; n++) await commitAlert(api.store, makeAlert(n, { text }), makeIncident(0));
    await quick.until(() => alertIds(quick).length === 40);
    await quick.until(() => api.logged.some(line => line.includes('"reason":"slow"')));
    slow.response.resume();
    await slow.ended;
    expect((await api.get('/metrics')).text).toContain('spoor_stream_clients_dropped_total{reason="slow"} 1');
    // What it missed is there when it comes back.
    const again = await listen({ 'last-event-id': slow.lastId });
    await again.until(() => new Set([...alertIds(slow), ...alertIds(again)]).size === 40);
  });

  it('takes so many clients and no more, and takes others when some have gone', async () => {
    await open({ limits: { streamClientsMax: 2 } });
    const first = await listen();
    await listen();
    expect((await api.get('/api/v1/stream')).status).toBe(503);
    first.close();
    for (;;) {
      const status = await new Promise<number>(resolve => {
        get(`${api.url}/api/v1/stream`, (response: IncomingMessage) => {
          resolve(response.statusCode ?? 0);
          response.destroy();
        });
      });
      if (status === 200) break;
    }
  });

  it('does not answer HEAD without an end', async () => {
    await open();
    const response = await fetch(`${api.url}/api/v1/stream`, { method: 'HEAD' });
    expect(response.status).toBe(405);
  });

  it('says goodbye when the server stops, which does not wait for it', async () => {
    await open();
    const follower = await listen();
    await api.api.close();
    await follower.ended;
    expect(follower.events.at(-1)).toMatchObject({ type: 'close', data: { reason: 'shutdown' } });
  });

  it('keeps hostile text inside its line', async () => {
    await open();
    const follower = await listen();
    const text = 'x\n\nevent: close\ndata: {"reason":"forged"}\r\n\r\nid: 99999\u2028\u0085';
    await commitAlert(api.store, makeAlert(1, { text }), makeIncident(0));
    await follower.until(() => alertIds(follower).length === 1);
    expect(follower.events.some(event => event.type === 'close')).toBe(false);
    expect(follower.events.find(event => event.type === 'alert')?.data.alert.message).toBe(`nc ${text}`);
  });
});

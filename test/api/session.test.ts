/** Sign-in of the web page: a cookie that stands for a token, and for nothing else. */
import { afterEach, describe, expect, it } from 'vitest';
import { type Harness, startApi } from './support.ts';

const ADMIN = 'an-admin-token-of-the-test';
let api: Harness;
afterEach(() => api.close());

async function signIn(token = ADMIN, headers: Record<string, string> = {}) {
  const answer = await api.post('/api/v1/session', { token }, { headers });
  const cookie = answer.headers.get('set-cookie') ?? '';
  return { status: answer.status, cookie, headers: { cookie: cookie.split(';')[0] ?? '' } };
}

describe('a session', () => {
  it('stands for its token, by a cookie that no script reads and no other site sends', async () => {
    api = await startApi({ config: { adminToken: () => ADMIN } });
    expect((await api.get('/api/v1/incidents')).status).toBe(401);
    const { status, cookie, headers } = await signIn();
    expect(status).toBe(204);
    expect(cookie).toMatch(/^spoor_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=43200$/);
    expect(cookie).not.toContain(ADMIN);
    expect((await api.get('/api/v1/incidents', { headers })).status).toBe(200);
    expect((await api.get('/api/v1/session', { headers })).json).toEqual({
      name: 'admin',
      signed_in: true,
      namespaces: null,
    });
  });

  it('is not had by a wrong token, and ends when it is told to', async () => {
    api = await startApi({ config: { adminToken: () => ADMIN } });
    expect(await signIn('a-wrong-token-of-the-test')).toMatchObject({ status: 401, cookie: '' });
    const { headers } = await signIn();
    expect((await api.call('DELETE', '/api/v1/session', { headers })).status).toBe(204);
    expect((await api.get('/api/v1/incidents', { headers })).status).toBe(401);
    expect((await api.get('/api/v1/incidents', { headers: { cookie: 'spoor_session=; a=b' } })).status).toBe(401);
  });

  it('may no more than its token, and ends with it', async () => {
    api = await startApi({ config: { adminToken: () => ADMIN } });
    const spec = { name: 'reader', scopes: ['read'] as const, namespaces: null, expires_at: null };
    const { token, secret } = await api.store.tokens.create(spec);
    const { headers } = await signIn(secret);
    expect((await api.get('/api/v1/incidents', { headers })).status).toBe(200);
    expect((await api.get('/api/v1/tokens', { headers })).status).toBe(403);
    await api.store.tokens.revoke(token.id);
    expect((await api.get('/api/v1/incidents', { headers })).status).toBe(401);
  });

  it('changes nothing for pages of other sites', async () => {
    api = await startApi({ config: { adminToken: () => ADMIN } });
    const { headers } = await signIn();
    const foreign = { ...headers, origin: 'https://evil.example', 'content-type': 'application/json' };
    const answer = await api.post('/api/v1/incidents/b0/acknowledge', {}, { headers: foreign });
    expect([answer.status, answer.json.type]).toEqual([403, expect.stringContaining('cross-site')]);
    expect((await signIn(ADMIN, { origin: 'https://evil.example' })).status).toBe(403);
  });

  it('never goes without TLS where the page is reached by TLS', async () => {
    api = await startApi({ config: { adminToken: () => ADMIN, publicUrl: 'https://spoor.example.org' } });
    expect((await signIn()).cookie).toContain('; Secure');
  });
});

import { readFileSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { get as httpsGet } from 'node:https';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { isLoopback } from '../../src/api/browser-guard.ts';
import type { TokenScope } from '../../src/api/deps.ts';
import { commitAlert, type Harness, hexId, makeAlert, makeIncident, RULES, STATUS, startApi } from './support.ts';

const ADMIN = { name: 'admin', scopes: ['admin'], namespaces: null, expires_at: null } as const;

/** A request with headers that fetch would not let through. */
function raw(url: string, headers: Record<string, string>, method = 'GET'): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { method, headers }, response => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', chunk => {
        body += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    request.on('error', reject);
    request.end();
  });
}

/** What a server answers to these bytes until it closes the connection. */
function bytes(url: string, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname, () => socket.write(text));
    let answer = '';
    socket.setEncoding('utf8');
    socket.on('data', chunk => {
      answer += chunk;
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(answer));
  });
}

describe('listening', () => {
  it.each(['0.0.0.0', '::', '10.1.2.3', 'spoor.example'])(
    'refuses %s without tokens, and says what to do',
    async host => {
      await expect(startApi({ config: { host } })).rejects.toThrow(
        /refusing to listen on .* without tokens.*admin_token_file/,
      );
    },
  );

  it('opens to others with a token, and never without asking for one again', async () => {
    let token: string | null = 'configured-admin';
    const api = await startApi({ config: { host: '0.0.0.0', adminToken: () => token } });
    const port = new URL(api.url).port;
    const answer = (authorization?: string): Promise<{ status: number }> =>
      raw(`http://127.0.0.1:${port}/api/v1/alerts`, authorization === undefined ? {} : { authorization });
    expect((await answer()).status).toBe(401);
    expect((await answer('Bearer configured-admin')).status).toBe(200);
    token = null;
    expect((await answer()).status).toBe(401);
    expect((await answer('Bearer configured-admin')).status).toBe(401);
    await api.close();
  });

  it.each(['', 'short', 'has spaces in the middle of it', 'line\nbreak-line-break'])(
    'refuses the configured token %j, which could be guessed or never be sent',
    async token => {
      await expect(startApi({ config: { host: '0.0.0.0', adminToken: () => token } })).rejects.toThrow(
        /admin token has to be/,
      );
    },
  );

  it('knows loopback addresses from others', () => {
    for (const host of ['127.0.0.1', '127.8.9.1', '::1', '[::1]', 'localhost', 'LOCALHOST'])
      expect(isLoopback(host)).toBe(true);
    for (const host of [
      '0.0.0.0',
      '::',
      '128.0.0.1',
      '127.0.0.1.evil.example',
      'localhost.evil.example',
      '127.1',
      '',
    ]) {
      expect(isLoopback(host)).toBe(false);
    }
  });
});

describe('TLS', () => {
  it('is spoken when there is a certificate, and asked for from then on', async () => {
    const pem = (name: string): string =>
      readFileSync(new URL(`../support/grpc/certs/${name}.pem`, import.meta.url), 'utf8');
    const api = await startApi({ config: { tls: { cert: pem('server'), key: pem('server-key') } } });
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = httpsGet(`${api.url}/health`, { rejectUnauthorized: false, agent: false }, resolve);
      request.on('error', reject);
    });
    answer.resume();
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['strict-transport-security']).toContain('max-age=');
    await api.close();
  });
});

describe('tokens and scopes', () => {
  let api: Harness;
  const secrets = {} as Record<TokenScope, string>;

  beforeAll(async () => {
    // Each route is asked without a token.
    api = await startApi({ limits: { refusalsPerMinuteMax: 1_000 } });
    await api.store.tokens.create(ADMIN);
    for (const scope of ['read', 'write', 'ingest', 'admin'] as const) {
      const { secret } = await api.store.tokens.create({
        name: scope,
        scopes: [scope],
        namespaces: null,
        expires_at: null,
      });
      secrets[scope] = secret;
    }
  });
  afterAll(() => api.close());

  const allowed: Record<TokenScope, readonly TokenScope[]> = {
    read: ['read', 'write', 'admin'],
    write: ['write', 'admin'],
    ingest: ['ingest', 'admin'],
    admin: ['admin'],
  };

  it('lets every route in with its scope alone', async () => {
    for (const route of api.api.routes) {
      if (route.scope === null) continue;
      const path = route.path.replace(/:\w+/g, 'x');
      const where = `${route.method} ${path}`;
      const none = await api.call(route.method, path);
      expect(none.status, where).toBe(401);
      expect(none.headers.get('www-authenticate'), where).toBe('Bearer realm="spoor"');
      for (const scope of Object.keys(secrets) as TokenScope[]) {
        if (allowed[route.scope].includes(scope)) continue;
        const answer = await api.call(route.method, path, { token: secrets[scope] });
        expect(answer.status, `${where} as ${scope}`).toBe(403);
        expect(answer.headers.get('www-authenticate')).toContain(`scope="${route.scope}"`);
      }
    }
  });

  it('asks for a token for HEAD as well', async () => {
    const url = `${api.url}/api/v1/alerts`;
    expect((await fetch(url, { method: 'HEAD' })).status).toBe(401);
    const authorization = `Bearer ${secrets.read}`;
    expect((await fetch(url, { method: 'HEAD', headers: { authorization } })).status).toBe(200);
  });

  it('lets nobody keep what it answers', async () => {
    for (const token of [secrets.read, 'wrong']) {
      expect((await api.get('/api/v1/alerts', { token })).headers.get('cache-control')).toBe('no-store');
    }
  });

  it('keeps probes and the contract open', async () => {
    for (const path of ['/', '/health', '/ready', '/api/v1/openapi.json', '/docs', '/docs/style.css']) {
      expect((await api.get(path)).status, path).toBe(200);
    }
  });

  it.each([
    ['Basic YTpi', 'another scheme'],
    ['Bearer ', 'an empty token'],
    ['Bearer spoor_wrong', 'an unknown token'],
    [`Bearer ${'a'.repeat(5_000)}`, 'a token that is too long'],
    ['Bearer a b', 'two tokens'],
    ["Bearer ' OR 1=1 --", 'what is no token'],
  ])('refuses %s', async authorization => {
    const answer = await api.get('/api/v1/alerts', { headers: { authorization } });
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"');
  });

  it('refuses expired and revoked tokens', async () => {
    const expired = await api.store.tokens.create({ name: 'old', scopes: ['read'], namespaces: null, expires_at: 1 });
    expect((await api.get('/api/v1/alerts', { token: expired.secret })).status).toBe(401);
    const revoked = await api.store.tokens.create({
      name: 'gone',
      scopes: ['read'],
      namespaces: null,
      expires_at: null,
    });
    expect((await api.get('/api/v1/alerts', { token: revoked.secret })).status).toBe(200);
    expect((await api.call('DELETE', `/api/v1/tokens/${revoked.token.id}`, { token: secrets.admin })).status).toBe(204);
    expect((await api.get('/api/v1/alerts', { token: revoked.secret })).status).toBe(401);
  });

  it('shows a token of some namespaces those alone', async () => {
    await commitAlert(api.store, makeAlert(1, { namespace: 'shop', incident: hexId(1, 'b') }), makeIncident(1));
    await commitAlert(
      api.store,
      makeAlert(2, { namespace: 'bank', incident: hexId(2, 'b') }),
      makeIncident(2, { namespace: 'bank', pods: ['bank/web-1'] }),
    );
    await commitAlert(api.store, makeAlert(3, { namespace: null, incident: '' }), null);
    const shop = await api.store.tokens.create({
      name: 's',
      scopes: ['write'],
      namespaces: ['shop'],
      expires_at: null,
    });
    const token = shop.secret;
    const list = await api.get('/api/v1/alerts', { token });
    expect(list.json.items.map((item: { id: string }) => item.id)).toEqual([hexId(1)]);
    expect((await api.get(`/api/v1/alerts/${hexId(2)}`, { token })).status).toBe(404);
    expect((await api.get(`/api/v1/alerts/${hexId(3)}`, { token })).status).toBe(404);
    expect((await api.get('/api/v1/incidents', { token })).json.items).toHaveLength(1);
    for (const rest of ['', '/tree', '/timeline', '/capture']) {
      expect((await api.get(`/api/v1/incidents/${hexId(2, 'b')}${rest}`, { token })).status, rest).toBe(404);
    }
    expect((await api.post(`/api/v1/incidents/${hexId(2, 'b')}/resolve`, {}, { token })).status).toBe(404);
    expect((await api.get(`/api/v1/incidents/${hexId(2, 'b')}`, { token: secrets.read })).json.state).toBe('open');
  });

  it('tells a token of some namespaces no numbers of all', async () => {
    const { secret: token } = await api.store.tokens.create({
      name: 'scoped',
      scopes: ['write'],
      namespaces: ['shop'],
      expires_at: null,
    });
    const metrics = await api.get('/metrics', { token });
    expect(metrics.status).toBe(403);
    expect(metrics.json.detail).toContain('not limited to namespaces');
    expect(metrics.text).not.toContain('spoor_');
    expect((await api.get('/metrics', { token: secrets.read })).status).toBe(200);
    const status = (await api.get('/api/v1/status', { token })).json;
    expect(status).toEqual({
      version: STATUS.version,
      started: STATUS.started,
      sources: [{ name: 'relay', type: 'hubble', state: 'connected', detail: 'hubble-relay:443' }],
      watermark: STATUS.watermark,
      rules: { loaded: 2, errors: 1, last_reload: null },
      store: { ok: true, detail: '' },
      ready: true,
      unready: [],
    });
    const rules = (await api.get('/api/v1/rules', { token })).json.items;
    expect(rules).toHaveLength(RULES.length);
    for (const rule of rules) {
      expect(Object.values(rule).filter(value => typeof value === 'number')).toEqual([rule.line]);
    }
    const at = STATUS.started;
    const gap = { source: 'relay', node: 'node-1', from: at, to: at, count: 7, reason: 'ring buffer full' };
    await api.store.commit({ entries: [], gaps: [gap] });
    expect((await api.get('/api/v1/gaps', { token: secrets.read })).json.items).toEqual([gap]);
    expect((await api.get('/api/v1/gaps', { token })).json.items).toEqual([{ ...gap, count: 0 }]);
    const { paths } = (await api.get('/api/v1/openapi.json')).json;
    expect(paths['/metrics'].get.description).toContain('limited to namespaces');
    expect(JSON.stringify(paths['/api/v1/status'].get)).toContain('LimitedStatus');
  });

  it('never lets what is limited to namespaces administer or ingest', async () => {
    const limited = await api.store.tokens.create({
      name: 'limited',
      scopes: ['admin', 'ingest'],
      namespaces: ['shop'],
      expires_at: null,
    });
    expect((await api.get('/api/v1/tokens', { token: limited.secret })).status).toBe(403);
    expect((await api.post('/api/v1/ingest', {}, { token: limited.secret })).status).toBe(403);
    for (const scopes of [['admin'], ['ingest', 'read']]) {
      const answer = await api.post(
        '/api/v1/tokens',
        { name: 'x', scopes, namespaces: ['shop'] },
        { token: secrets.admin },
      );
      expect(answer.json.errors[0]).toMatchObject({ in: 'body', field: 'namespaces' });
    }
  });

  it('never logs a token, wherever it stands', async () => {
    const secret = 'spoor_very-secret-0123456789';
    await api.get(`/api/v1/alerts?token=${secret}`, { token: secret });
    await api.get(`/api/v1/${secret}`, { headers: { 'x-token': secret } });
    await api.post('/api/v1/tokens', { name: secret }, { token: secrets.admin });
    expect(api.logged.length).toBeGreaterThan(0);
    expect(api.logged.join('\n')).not.toContain('very-secret');
    for (const known of Object.values(secrets)) expect(api.logged.join('\n')).not.toContain(known);
  });
});

describe('the first and the last token', () => {
  it('has to leave somebody who can administer', async () => {
    const api = await startApi();
    const early = await api.post('/api/v1/tokens', { name: 'reader', scopes: ['read'] });
    expect(early.json).toMatchObject({ status: 409, type: 'urn:spoor:problem:admin-first' });
    const first = await api.post('/api/v1/tokens', { name: 'root', scopes: ['admin'] });
    expect(first.status).toBe(201);
    const { secret, token } = first.json;
    // From now on, nothing goes without.
    expect((await api.get('/api/v1/alerts')).status).toBe(401);
    expect((await api.get('/api/v1/tokens', { token: secret })).json.items).toMatchObject([
      { id: token.id, name: 'root' },
    ]);
    expect((await api.get('/api/v1/tokens', { token: secret })).text).not.toContain(secret);
    const last = await api.call('DELETE', `/api/v1/tokens/${token.id}`, { token: secret });
    expect(last.json.type).toBe('urn:spoor:problem:last-admin');
    const second = await api.post('/api/v1/tokens', { name: 'root 2', scopes: ['admin'] }, { token: secret });
    expect((await api.call('DELETE', `/api/v1/tokens/${token.id}`, { token: secret })).status).toBe(204);
    expect((await api.call('DELETE', `/api/v1/tokens/${token.id}`, { token: second.json.secret })).status).toBe(404);
    const audit = await api.get('/api/v1/audit', { token: second.json.secret });
    expect(audit.json.items.map((item: { actor: string; action: string }) => [item.actor, item.action])).toEqual([
      ['root', 'token.revoke'],
      ['root', 'token.create'],
      ['anonymous', 'token.create'],
    ]);
    await api.close();
  });
});

describe('browsers', () => {
  let api: Harness;
  beforeAll(async () => {
    api = await startApi({ config: { publicUrl: 'https://spoor.example' } });
  });
  afterAll(() => api.close());

  it.each([
    'evil.example',
    'evil.example:8787',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '169.254.169.254',
    'a b',
  ])('of the host %s are turned away: DNS rebinding', async host => {
    const answer = await raw(`${api.url}/api/v1/alerts`, { host });
    expect(answer.status).toBe(421);
    expect(answer.body).not.toContain('items');
  });

  it.each(['localhost', 'localhost:1', '127.0.0.1', '[::1]:8787', 'spoor.example'])(
    'of the host %s are served',
    async host => {
      expect((await raw(`${api.url}/api/v1/alerts`, { host })).status).toBe(200);
    },
  );

  const change = (headers: Record<string, string>): Promise<{ status: number }> =>
    api.post('/api/v1/tokens', { name: '', scopes: [] }, { headers });

  it.each([
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: 'http://127.0.0.1:1' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { origin: 'http://spoor.example.evil.example' },
  ])('with %o change nothing', async headers => {
    expect((await change(headers as Record<string, string>)).status).toBe(403);
  });

  it('of the own pages change things', async () => {
    for (const headers of [
      { origin: api.url },
      { origin: 'https://spoor.example' },
      { 'sec-fetch-site': 'same-origin' },
    ]) {
      expect((await change(headers as Record<string, string>)).status).toBe(400);
    }
  });

  it('of other pages read nothing: no answer allows another origin', async () => {
    const answer = await api.get('/api/v1/alerts', { headers: { origin: 'https://evil.example' } });
    expect([...answer.headers.keys()].filter(name => name.startsWith('access-control'))).toEqual([]);
    expect(answer.headers.get('cross-origin-resource-policy')).toBe('same-origin');
    expect((await api.call('OPTIONS', '/api/v1/tokens')).status).toBe(405);
  });

  it('get a policy under which no script runs', async () => {
    for (const path of ['/docs', '/api/v1/alerts', '/nowhere', '/metrics']) {
      const { headers } = await api.get(path);
      expect(headers.get('content-security-policy'), path).toBe(
        "default-src 'none';style-src 'self';base-uri 'none';form-action 'none';frame-ancestors 'none'",
      );
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('x-powered-by')).toBeNull();
      expect(headers.get('server')).toBeNull();
    }
    const page = await api.get('/docs');
    expect(page.text).not.toMatch(/<script|style=|javascript:|https?:\/\//i);
  });
});

describe('what is no request', () => {
  let api: Harness;
  beforeAll(async () => {
    api = await startApi();
  });
  afterAll(() => api.close());

  it.each([
    '/../../etc/passwd',
    '/docs/../../etc/passwd',
    '/docs/..%2f..%2fetc/passwd',
    '/api/v1/alerts/%2e%2e%2f%2e%2e',
    '/api/v1/alerts/%',
    '/api/v1/alerts/%c0%ae',
    '//evil.example/',
    '/%00',
  ])('finds nothing at %s', async path => {
    const answer = await bytes(api.url, `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect(answer).toContain('application/problem+json');
    expect(answer).not.toContain('root:');
  });

  it.each([
    ['no HTTP', 'hello\r\n\r\n', 400],
    ['headers without end', `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`, 431],
    [
      'two lengths',
      'POST /api/v1/webhooks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
      400,
    ],
    [
      'a length and chunks',
      'POST /api/v1/webhooks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
  ])('answers %s and closes', async (_, text, status) => {
    const answer = await bytes(api.url, text);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(answer).toContain('urn:spoor:problem:');
  });
});

describe('abuse', () => {
  let api: Harness | null = null;
  afterEach(async () => {
    await api?.close();
    api = null;
  });

  it('limits requests of one caller, and says when to come back', async () => {
    api = await startApi({ limits: { requestsPerMinuteMax: 3 } });
    for (let n = 0; n < 3; n++) expect((await api.get('/api/v1/alerts')).status).toBe(200);
    const answer = await api.get('/api/v1/alerts');
    expect(answer.status).toBe(429);
    expect(answer.json.type).toBe('urn:spoor:problem:rate-limited');
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    for (let n = 0; n < 10; n++) expect((await api.get('/health')).status).toBe(200);
  });

  it('counts each token by itself', async () => {
    api = await startApi({ limits: { requestsPerMinuteMax: 2 } });
    const a = await api.store.tokens.create(ADMIN);
    const b = await api.store.tokens.create({ ...ADMIN, name: 'b' });
    for (let n = 0; n < 2; n++) await api.get('/api/v1/alerts', { token: a.secret });
    expect((await api.get('/api/v1/alerts', { token: a.secret })).status).toBe(429);
    expect((await api.get('/api/v1/alerts', { token: b.secret })).status).toBe(200);
  });

  it('slows down those who guess tokens, not those who have one', async () => {
    api = await startApi({ limits: { refusalsPerMinuteMax: 3 } });
    const { secret } = await api.store.tokens.create(ADMIN);
    const statuses: number[] = [];
    for (let n = 0; n < 5; n++) statuses.push((await api.get('/api/v1/alerts', { token: `guess-${n}` })).status);
    expect(statuses).toEqual([401, 401, 401, 429, 429]);
    expect((await api.get('/api/v1/alerts', { token: secret })).status).toBe(200);
  });

  it('refuses bodies that are too large, not JSON, or poisonous', async () => {
    api = await startApi();
    expect((await api.post('/api/v1/webhooks', { url: 'x'.repeat(70_000) })).status).toBe(413);
    const json = { 'content-type': 'application/json' };
    expect((await api.call('POST', '/api/v1/webhooks', { headers: json, body: '{' })).json.type).toContain(
      'invalid-json',
    );
    expect((await api.call('POST', '/api/v1/webhooks', { headers: json, body: '' })).status).toBe(400);
    expect((await api.call('POST', '/api/v1/webhooks', { headers: json, body: 'null' })).status).toBe(400);
    expect((await api.call('POST', '/api/v1/webhooks', { headers: json, body: '{"__proto__":{"x":1}}' })).status).toBe(
      400,
    );
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    expect((await api.call('POST', '/api/v1/webhooks', { headers: form, body: 'url=x' })).status).toBe(415);
  });

  it('takes no body that a page could send across origins unasked', async () => {
    api = await startApi();
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
      const answer = await api.call('POST', '/api/v1/webhooks', {
        headers: { 'content-type': type },
        body: '{"url":"https://example.org/"}',
      });
      expect(answer.status, type).toBe(415);
    }
  });

  it('ends requests that trickle in', async () => {
    api = await startApi({ limits: { requestMsMax: 100 } });
    const answer = await bytes(
      api.url,
      'POST /api/v1/webhooks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('tells nobody what broke inside', async () => {
    api = await startApi({
      deps: {
        rules: () => {
          throw new Error('secret detail at /srv/spoor/rules.ts:12');
        },
      },
    });
    const answer = await api.get('/api/v1/rules');
    expect(answer.status).toBe(500);
    expect(answer.text).not.toMatch(/secret detail|\.ts|at /);
    expect(api.logged.join('\n')).toContain('secret detail');
    expect(api.logged.join('\n')).toContain(answer.json.request_id);
  });
});

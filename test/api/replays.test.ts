/** Scratch replays over the API: sent, played in a helper, read by the routes of a case, bounded, and gone without a trace. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import type { ReplayView } from '../../src/api/contract.ts';
import { Replays } from '../../src/app/scratch/replays.ts';
import { type Harness, type HarnessOptions, startApi } from './support.ts';

const recording = (file: string): Buffer =>
  readFileSync(fileURLToPath(new URL(`../../captures/lateral-movement/${file}`, import.meta.url)));

let api: Harness;
let folder: string;
afterEach(async () => {
  await api.close();
  expect(existsSync(join(folder, 'replays'))).toBe(false);
  rmSync(folder, { recursive: true, force: true });
});

async function start(options: HarnessOptions = {}): Promise<void> {
  folder = mkdtempSync(join(tmpdir(), 'spoor-replays-'));
  api = await startApi({ ...options, replays: { folder: join(folder, 'replays'), ...options.replays } });
}

async function tokenFor(namespaces: string[] | null, scopes = ['write']): Promise<string> {
  const { secret } = await api.store.tokens.create({
    name: 'x',
    scopes: scopes as ['write'],
    namespaces,
    expires_at: null,
  });
  return secret;
}

const upload = (name: string, body: Uint8Array, more = '', token?: string) =>
  api.call('POST', `/api/v1/replays?name=${name}${more}`, {
    body,
    headers: { 'content-type': 'application/octet-stream' },
    ...(token === undefined ? {} : { token }),
  });

async function over(id: string, token?: string): Promise<ReplayView> {
  for (;;) {
    const { json } = await api.get(`/api/v1/replays/${id}`, token === undefined ? {} : { token });
    if (json.state === 'done' || json.state === 'failed') return json;
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}

function form(files: Readonly<Record<string, Uint8Array>>): { body: Uint8Array; headers: Record<string, string> } {
  const boundary = 'spoor-boundary';
  const parts = Object.entries(files).flatMap(([name, bytes]) => [
    Buffer.from(
      `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="${name}"\r\ncontent-type: application/gzip\r\n\r\n`,
    ),
    bytes,
    Buffer.from('\r\n'),
  ]);
  const body = Buffer.concat([...parts, Buffer.from(`--${boundary}--\r\n`)]);
  return { body, headers: { 'content-type': `multipart/form-data; boundary=${boundary}` } };
}

describe('a replay', () => {
  it('plays a recording that ships, by a name of the list alone', async () => {
    await start();
    expect((await api.get('/api/v1/recordings')).json.items).toContain('lateral-movement');
    const { status, json } = await api.post('/api/v1/recordings/lateral-movement/replay');
    expect(status).toBe(201);
    const view = await over(json.id);
    expect(view).toMatchObject({ state: 'done', input: 'lateral-movement', result: { quarantined: [] } });
    const { items } = (await api.get(`/api/v1/replays/${view.id}/incidents`)).json;
    expect(items).toHaveLength(1);
    for (const name of ['..', '%2e%2e%2fdocs', 'none']) {
      expect((await api.post(`/api/v1/recordings/${name}/replay`)).status).toBe(404);
    }
  });

  it('plays what a form sends, and answers as the API does for what is live', async () => {
    await start();
    const { status, json } = await api.call('POST', '/api/v1/replays', {
      ...form({ 'tetragon.jsonl.gz': recording('tetragon.jsonl.gz'), 'hubble.jsonl.gz': recording('hubble.jsonl.gz') }),
    });
    expect(status).toBe(201);
    expect(json.files.map(({ name }: { name: string }) => name)).toEqual(['tetragon.jsonl.gz', 'hubble.jsonl.gz']);
    const view = await over(json.id);
    expect(view).toMatchObject({ state: 'done', error: '', result: { stopped: '', quarantined: [] } });
    expect(view.counts?.events.flow).toBeGreaterThan(100);
    expect(view.result?.pods.map(({ pod }) => pod)).toContain('tenant-jobs/crawler-556db57cd7-tkvfd');

    const base = `/api/v1/replays/${view.id}`;
    const { items } = (await api.get(`${base}/incidents`)).json;
    expect(items).toHaveLength(view.result?.incidents ?? -1);
    const worst = items.find(({ title }: { title: string }) => title.includes('opened a shell'));
    const alerts = (await api.get(`${base}/alerts?incident=${worst.id}`)).json.items;
    const alert = (await api.get(`${base}/alerts/${alerts[0].id}`)).json;
    expect(alert.evidence.length).toBeGreaterThan(0);
    const picture = (await api.get(`${base}/incidents/${worst.id}/picture`)).json;
    expect(JSON.stringify(picture)).toContain('nc.traditional');
    expect((await api.get(`${base}/pods/tenant-jobs/crawler-556db57cd7-tkvfd/picture`)).status).toBe(200);
    expect((await api.get(`${base}/alerts/${alert.id}/why`)).status).toBe(200);
    // Nothing of it is live.
    expect((await api.get('/api/v1/alerts')).json.items).toEqual([]);
    expect((await api.get('/api/v1/incidents')).json.items).toEqual([]);

    expect((await api.call('DELETE', base)).status).toBe(204);
    expect((await api.get(`${base}/incidents`)).status).toBe(404);
    expect(readdirSync(join(folder, 'replays'))).toEqual([]);
  });

  it('takes a file in pieces, says where to go on, and tells its progress as events', async () => {
    await start();
    const bytes = recording('tetragon.jsonl.gz');
    const { json } = await api.call('POST', '/api/v1/replays?start=false');
    expect(json.state).toBe('receiving');
    const files = `/api/v1/replays/${json.id}/files?name=a.gz`;
    const half = Math.floor(bytes.length / 2);
    const headers = { 'content-type': 'application/octet-stream' };
    expect((await api.call('POST', files, { body: bytes.subarray(0, half), headers })).status).toBe(200);
    const wrong = await api.call('POST', `${files}&offset=3`, { body: bytes.subarray(3), headers });
    expect(wrong.status).toBe(409);
    expect(wrong.json.detail).toContain(`offset=${half}`);
    expect(
      (await api.call('POST', `${files}&offset=${half}`, { body: bytes.subarray(half), headers })).json.files,
    ).toEqual([{ name: 'a.gz', bytes: bytes.length }]);
    const stream = await fetch(`${api.url}/api/v1/replays/${json.id}/stream`);
    expect(stream.headers.get('content-type')).toContain('text/event-stream');
    expect((await api.post(`/api/v1/replays/${json.id}/start`, {})).status).toBe(202);
    const text = await stream.text();
    expect(text).toContain('"state":"playing"');
    expect(text).toContain('"state":"done"');
    expect(text.trimEnd().endsWith('event: end\ndata: {}')).toBe(true);
  });

  it('names malformed lines by file and line, plays around them, and never takes a name for a path', async () => {
    await start();
    const lines = gunzipSync(recording('tetragon.jsonl.gz')).toString().split('\n').slice(0, 20);
    lines.splice(3, 0, '{"broken', '<script>alert(1)</script>');
    const { json } = await upload('..%2F..%2Fevil.jsonl', Buffer.from(lines.join('\n')));
    const view = await over(json.id);
    expect(view).toMatchObject({ state: 'done', counts: { malformed: 2 } });
    expect(view.result?.quarantined.map(({ place }) => place)).toEqual(['../../evil.jsonl:4', '../../evil.jsonl:5']);
    expect(readdirSync(join(folder, 'replays', json.id)).sort()).toContain('upload-0');
  });

  it('stops at what inflates too far, and says so', async () => {
    await start({ replays: { limits: { bytesInflatedMax: 8 * 2 ** 20 } } });
    const bomb = gzipSync(Buffer.alloc(256 * 2 ** 20, 'a'));
    const { json } = await upload('bomb.gz', bomb);
    const view = await over(json.id);
    expect(view.state).toBe('done');
    expect(view.result?.stopped).toMatch(/inflated; what follows was not played/);
    expect(view.counts?.bytes).toBeLessThan(256 * 2 ** 20);
  });

  it('stops at too many events', async () => {
    await start({ replays: { limits: { eventsMax: 1 } } });
    const many = gunzipSync(recording('tetragon.jsonl.gz')).toString().repeat(20);
    const { json } = await upload('many.jsonl', Buffer.from(many));
    expect((await over(json.id)).result?.stopped ?? '').toMatch(/more than 1 events/);
  });

  it('fails with advice when its helper needs more memory than it may have', async () => {
    await start({ replays: { limits: { heapMbMax: 24 } } });
    const { json } = await upload('x.gz', recording('tetragon.jsonl.gz'));
    const view = await over(json.id);
    expect(view.state).toBe('failed');
    expect(view.error).toMatch(/memory|ended/);
    expect((await api.get(`/api/v1/replays/${json.id}/incidents`)).status).toBe(409);
  });

  it('refuses what is too large, and forgets it', async () => {
    await start({ replays: { limits: { uploadBytesMax: 1_000 } } });
    const refused = await upload('x', Buffer.alloc(5_000, '\n'));
    expect(refused.status).toBe(413);
    expect(refused.json.detail).toContain('gzip');
    expect((await api.get('/api/v1/replays')).json.items).toEqual([]);
    const broken = await api.call('POST', '/api/v1/replays', {
      body: Buffer.from('--x\r\nnonsense'),
      headers: { 'content-type': 'multipart/form-data; boundary=x' },
    });
    expect(broken.status).toBe(400);
    expect((await upload('x', Buffer.alloc(0))).status).toBe(409);
  });

  it('is its owner’s alone, and an administrator’s', async () => {
    await start();
    const [mine, other, admin, reader] = await Promise.all([
      tokenFor(['shop']),
      tokenFor(['shop']),
      tokenFor(null, ['admin']),
      tokenFor(null, ['read']),
    ]);
    expect((await upload('x', Buffer.from('{}'), '', reader)).status).toBe(403);
    const { json } = await upload('x.gz', recording('hubble.jsonl.gz'), '', mine);
    await over(json.id, mine);
    const base = `/api/v1/replays/${json.id}`;
    for (const path of [base, `${base}/incidents`, `${base}/stream`, `${base}/pods/a/b/picture`])
      for (const token of [other, reader]) expect((await api.get(path, { token })).status, path).toBe(404);
    expect((await api.call('DELETE', base, { token: other })).status).toBe(404);
    expect((await api.get('/api/v1/replays', { token: other })).json.items).toEqual([]);
    expect((await api.get(base, { token: admin })).status).toBe(200);
    expect((await api.get(`${base}/incidents`, { token: mine })).status).toBe(200);
    expect((await api.call('DELETE', base, { token: admin })).status).toBe(204);
  });

  it('gives way to newer ones of its owner, and is refused where others have all the room', async () => {
    await start({ replays: { limits: { uploadsPerOwnerMax: 1, keptMax: 2 } } });
    const [a, b, c] = await Promise.all([tokenFor(null), tokenFor(null), tokenFor(null)]);
    const waiting = (token: string) => api.call('POST', '/api/v1/replays?start=false', { token });
    const first = (await upload('x', Buffer.from('{}\n'), '', a)).json;
    await over(first.id, a);
    const second = await upload('x', Buffer.from('{}\n'), '', a);
    expect(second.status).toBe(201);
    expect((await api.get(`/api/v1/replays/${first.id}`, { token: a })).status).toBe(404);
    expect((await waiting(b)).status).toBe(201);
    const own = await waiting(b);
    expect(own.status).toBe(429);
    expect(own.json.detail).toContain('DELETE');
    const refused = await waiting(c);
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).not.toBeNull();
  });

  it('can be deleted while it is played', async () => {
    await start();
    const many = gunzipSync(recording('tetragon.jsonl.gz')).toString().repeat(20);
    const { json } = await upload('many.jsonl', Buffer.from(many));
    expect((await api.call('DELETE', `/api/v1/replays/${json.id}`)).status).toBe(204);
    expect((await api.get(`/api/v1/replays/${json.id}`)).status).toBe(404);
    expect(readdirSync(join(folder, 'replays'))).toEqual([]);
  });

  it('removes at the start what a killed program left', async () => {
    await start();
    const left = join(folder, 'left');
    mkdirSync(join(left, 'abc'), { recursive: true });
    writeFileSync(join(left, 'abc', 'upload-0'), 'x');
    const again = new Replays({
      folder: left,
      recorded: null,
      rules: { paths: [], defaults: false, disable: [] },
      alerting: { suppress: 300_000_000, incidentWindow: 1_800_000_000 },
      log: () => {},
    });
    expect(existsSync(left)).toBe(false);
    await again.close();
  });
});

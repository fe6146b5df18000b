import { deflateSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import type { IngestPort, IngestResult } from '../../src/api/deps.ts';
import { type Harness, startApi } from './support.ts';

/** Takes note of what it was offered. */
class Taker implements IngestPort {
  readonly bodies: Buffer[] = [];
  full = false;
  result: IngestResult = { accepted: 2, malformed: 1, unknown: 0, errors: [{ line: 3, reason: 'not JSON' }] };

  async offer(body: Uint8Array): Promise<IngestResult | 'full'> {
    if (this.full) return 'full';
    this.bodies.push(Buffer.from(body));
    return this.result;
  }
}

const PATH = '/api/v1/ingest';
const LINES = '{"flow":{}}\n{"process_exec":{}}\nbroken\n';

describe('ingest', () => {
  let api: Harness;
  const start = async (taker: IngestPort | null, limits = {}): Promise<void> => {
    api = await startApi({ deps: { ingest: taker }, limits });
  };
  const send = (body: string | Uint8Array, headers: Record<string, string> = {}) =>
    api.call('POST', PATH, { body, headers });
  afterEach(() => api.close());

  it.each(['application/x-ndjson', 'application/json', 'application/x-www-form-urlencoded', 'text/plain', 'x/y; z=1'])(
    'takes bytes as they are, called %s',
    async type => {
      const taker = new Taker();
      await start(taker);
      const answer = await send(LINES, { 'content-type': type });
      expect(answer.status).toBe(200);
      expect(answer.json).toEqual({ accepted: 2, malformed: 1, unknown: 0, errors: [{ line: 3, reason: 'not JSON' }] });
      expect(taker.bodies).toEqual([Buffer.from(LINES)]);
    },
  );

  it('takes bytes without any name, and invalid UTF-8 unchanged', async () => {
    const taker = new Taker();
    await start(taker);
    const body = new Uint8Array([0x7b, 0xff, 0x00, 0x7d]);
    expect((await send(body)).status).toBe(200);
    expect(taker.bodies).toEqual([Buffer.from(body)]);
  });

  it('inflates gzip, in several members too, and deflate', async () => {
    const taker = new Taker();
    await start(taker);
    await send(gzipSync(LINES), { 'content-encoding': 'gzip' });
    await send(Buffer.concat([gzipSync(LINES), gzipSync(LINES)]), { 'content-encoding': 'GZIP' });
    await send(deflateSync(LINES), { 'content-encoding': 'deflate' });
    expect(taker.bodies.map(String)).toEqual([LINES, LINES + LINES, LINES]);
  });

  it('is not blown up by a small body that inflates to a large one', async () => {
    const taker = new Taker();
    await start(taker, { ingestInflatedBytesMax: 1_000_000 });
    const answer = await send(gzipSync(Buffer.alloc(50_000_000)), { 'content-encoding': 'gzip' });
    expect(answer.status).toBe(413);
    expect(taker.bodies).toEqual([]);
  });

  it('refuses what is too large, not what it says, or in another encoding', async () => {
    await start(new Taker(), { ingestBodyBytesMax: 1_000 });
    expect((await send('x'.repeat(1_001))).status).toBe(413);
    expect((await send('not gzip', { 'content-encoding': 'gzip' })).status).toBe(400);
    expect((await send(gzipSync(LINES).subarray(0, 20), { 'content-encoding': 'gzip' })).status).toBe(400);
    for (const encoding of ['br', 'gzip, gzip', 'constructor', '__proto__']) {
      const answer = await send('x', { 'content-encoding': encoding });
      expect(answer.status, encoding).toBe(415);
      expect(answer.headers.get('accept-encoding')).toBe('gzip, deflate');
    }
  });

  it('pushes back while the pipeline is full', async () => {
    const taker = new Taker();
    taker.full = true;
    await start(taker);
    const answer = await send(LINES);
    expect(answer.status).toBe(429);
    expect(answer.headers.get('retry-after')).toBe('1');
    taker.full = false;
    expect((await send(LINES)).status).toBe(200);
  });

  it('works on so many bodies at once and no more', async () => {
    let release = (): void => {};
    const held = new Promise<void>(resolve => {
      release = resolve;
    });
    let working = 0;
    await start(
      {
        async offer() {
          working++;
          await held;
          return { accepted: 0, malformed: 0, unknown: 0, errors: [] };
        },
      },
      { ingestConcurrentMax: 2 },
    );
    const first = [send('a'), send('b')];
    while (working < 2) await new Promise(resolve => setImmediate(resolve));
    expect((await send('c')).status).toBe(429);
    release();
    expect((await Promise.all(first)).map(answer => answer.status)).toEqual([200, 200]);
    expect((await send('d')).status).toBe(200);
  });

  it('shows the first mistakes only', async () => {
    const taker = new Taker();
    const errors = Array.from({ length: 500 }, (_, n) => ({ line: n + 1, reason: 'not JSON' }));
    taker.result = { accepted: 0, malformed: 500, unknown: 0, errors };
    await start(taker);
    const { json } = await send(LINES);
    expect(json.malformed).toBe(500);
    expect(json.errors).toEqual(errors.slice(0, 20));
  });

  it('says so when nothing takes events', async () => {
    await start(null);
    expect((await send(LINES)).json.type).toBe('urn:spoor:problem:no-ingest-source');
  });
});

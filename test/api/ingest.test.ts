import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { deflateSync, gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import type { IngestPort, IngestResult } from '../../src/api/deps.ts';
import { ingestSource } from '../../src/sources/ingest/source.ts';
import { type Harness, startApi } from './support.ts';

/** Takes note of what it was offered. */
class Taker implements IngestPort {
  readonly bodies: Buffer[] = [];
  full = false;

  async offer(body: AsyncIterable<Uint8Array>): Promise<IngestResult | 'full'> {
    if (this.full) return 'full';
    const pieces: Uint8Array[] = [];
    for await (const piece of body) pieces.push(piece);
    this.bodies.push(Buffer.concat(pieces));
    return { accepted: 2, malformed: 1, unknown: 0, ahead: 0 };
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
      expect(answer.json).toMatchObject({ accepted: 2, malformed: 1, unknown: 0, ahead: 0 });
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
          return { accepted: 0, malformed: 0, unknown: 0, ahead: 0 };
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

  it('receives so many bodies at once and no more', async () => {
    await start(new Taker(), { ingestReceivedMax: 1 });
    const slow = connect(Number(new URL(api.url).port), '127.0.0.1');
    slow.write(`POST ${PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{`);
    while ((await send('x')).status !== 429);
    slow.destroy();
    while ((await send('x')).status !== 200);
  });

  it('takes a large body whole, in order', async () => {
    const taker = new Taker();
    await start(taker);
    const body = randomBytes(3_000_001);
    expect((await send(body)).status).toBe(200);
    expect(taker.bodies[0]?.equals(body)).toBe(true);
  });

  it('says so when nothing takes events', async () => {
    await start(null);
    expect((await send(LINES)).json.type).toBe('urn:spoor:problem:no-ingest-source');
  });
});

describe('ingest into the source', () => {
  it('accounts for every line of a recording, and quarantines what is none under the request', async () => {
    const quarantined: { place: string }[] = [];
    const source = ingestSource({ quarantine: { put: entry => quarantined.push(entry) } });
    let events = 0;
    const subscription = source.batches().subscribe(batch => {
      events += batch.events.length;
      batch.done();
    });
    const api = await startApi({ deps: { ingest: source } });
    const recording = gunzipSync(
      readFileSync(new URL('../../captures/lateral-movement/tetragon.jsonl.gz', import.meta.url)),
    );
    const lines = recording.toString().trimEnd().split('\n').length;
    const body = gzipSync(Buffer.concat([recording, Buffer.from('{"broken":\n')]));
    const answer = await api.call('POST', PATH, { body, headers: { 'content-encoding': 'gzip' } });
    expect(answer.json).toMatchObject({ accepted: lines, malformed: 1, unknown: 0, ahead: 0 });
    while (events < lines) await new Promise(resolve => setImmediate(resolve));
    expect(events).toBe(lines);
    expect(quarantined.map(entry => entry.place)).toEqual([`request ${answer.json.request_id}:${lines + 1}`]);
    const array = `[${recording.toString().trimEnd().split('\n').slice(0, 10).join(',')}]`;
    expect((await api.call('POST', PATH, { body: array })).json).toMatchObject({ accepted: 10, malformed: 0 });
    subscription.unsubscribe();
    // Nobody reads it any more.
    expect((await api.call('POST', PATH, { body: array })).status).toBe(429);
    await api.close();
  });
});

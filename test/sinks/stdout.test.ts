import { PassThrough, Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { linesOf } from '../../src/sinks/lines.ts';
import { createStdout } from '../../src/sinks/stdout.ts';
import { HOSTILE } from '../support/hostile.ts';
import { aDelivery, hostileDelivery, STEERS } from './support.ts';

const signal = AbortSignal.timeout(60_000);

describe('the stdout sink', () => {
  it('writes one line an alert', async () => {
    const stdout = new PassThrough();
    const delivery = aDelivery();
    expect(await createStdout('out', { stdout }).send(delivery, signal)).toMatchObject({ outcome: 'delivered' });
    expect(JSON.parse(String(stdout.read()))).toEqual(delivery.alerts[0]);
  });

  it('waits for a reader that stalls, and delivers when it reads on', async () => {
    let release = (): void => {};
    const stdout = new Writable({
      write: (_chunk, _encoding, done) => {
        release = done;
      },
    });
    let settled = false;
    const sink = createStdout('out', { stdout });
    const sent = sink.send(aDelivery(), signal).finally(() => {
      settled = true;
    });
    await new Promise(resolve => setImmediate(resolve));
    expect(settled).toBe(false);
    // Nothing piles up behind it: what was given up on meanwhile is not written.
    const late = sink.send(aDelivery(), AbortSignal.abort());
    expect(stdout.writableLength).toBe(Buffer.byteLength(linesOf(aDelivery())));
    release();
    expect(await late).toMatchObject({ outcome: 'retry' });
    expect(await sent).toMatchObject({ outcome: 'delivered' });
  });

  it('retries when nobody reads any more', async () => {
    const stdout = new Writable({
      write: (_chunk, _encoding, done) => done(Object.assign(new Error('x'), { code: 'EPIPE' })),
    });
    stdout.on('error', () => {});
    const sink = createStdout('out', { stdout });
    expect(await sink.send(aDelivery(), signal)).toEqual({ outcome: 'retry', detail: 'EPIPE' });
    expect(await sink.send(aDelivery(), signal)).toMatchObject({ outcome: 'retry' });
  });

  it.each(HOSTILE)('lets hostile text not act on a terminal: $name', async ({ text }) => {
    const stdout = new PassThrough({ highWaterMark: 100 * 1024 * 1024 });
    await createStdout('out', { stdout }).send(hostileDelivery(text), signal);
    const written = String(stdout.read());
    expect(STEERS.test(written)).toBe(false);
    expect(JSON.parse(written).message).toBe(text);
  });
});

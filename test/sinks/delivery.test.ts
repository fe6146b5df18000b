import { describe, expect, it } from 'vitest';
import { backoffMs, DELIVERY_LIMITS, DeliveryLoop, type DeliverySettings } from '../../src/sinks/delivery.ts';
import type { Delivery, SendResult, Sink } from '../../src/sinks/sink.ts';
import { MemoryOutbox, settle, TestClock } from './support.ts';

type Answer = (delivery: Delivery, signal: AbortSignal) => Promise<SendResult> | SendResult;
const ok: SendResult = { outcome: 'delivered', detail: 'ok' };
const again: SendResult = { outcome: 'retry', detail: 'busy' };

function setup(
  answer: Answer,
  settings: Partial<DeliverySettings> = {},
  name = 'one',
  shared?: { clock: TestClock; outbox: MemoryOutbox },
) {
  const clock = shared?.clock ?? new TestClock();
  const outbox = shared?.outbox ?? new MemoryOutbox(clock);
  const sent: Delivery[] = [];
  const times: number[] = [];
  const disabled: string[] = [];
  let closed = 0;
  const sink: Sink = {
    name,
    type: 'stdout',
    send: async (delivery, signal) => {
      sent.push(delivery);
      times.push(clock.now());
      return answer(delivery, signal);
    },
    close: async () => {
      closed += 1;
    },
  };
  const loop = new DeliveryLoop(
    sink,
    { timeoutMs: 10_000, concurrency: 2, ratePerSecond: 100, attemptsMax: 5, ...settings },
    { outbox, clock, random: () => 0.5, onDisabled: sinkName => disabled.push(sinkName), log: () => {} },
  );
  return { clock, outbox, sent, times, disabled, loop, closed: () => closed };
}

const hang: Answer = () => new Promise(() => {});

describe('the delivery loop', () => {
  it('delivers what is due and what comes later', async () => {
    const { outbox, loop, clock, sent } = setup(() => ok);
    outbox.add('one');
    loop.start();
    await clock.advance(10);
    expect(outbox.rows.map(r => r.state)).toEqual(['delivered']);
    outbox.add('one');
    loop.wake();
    await clock.advance(10);
    expect(sent.map(d => d.id)).toEqual(['key-1', 'key-2']);
    expect(loop.status()).toMatchObject({ state: 'ok', detail: 'ok', counters: { attempts: 2, delivered: 2 } });
  });

  it('retries with growing delays under one key until the budget is spent', async () => {
    const { outbox, loop, clock, sent, times } = setup(() => again);
    outbox.add('one');
    loop.start();
    await clock.advance(600_000);
    expect(sent.map(d => [d.id, d.attempt])).toEqual([1, 2, 3, 4, 5].map(n => ['key-1', n]));
    const gaps = times.slice(1).map((t, i) => t - (times[i] as number));
    expect(gaps).toEqual([...gaps].sort((a, b) => a - b));
    expect(outbox.rows[0]).toMatchObject({ state: 'dead', error: 'gave up after 5 attempts: busy' });
    expect(loop.status().counters).toMatchObject({ attempts: 5, retried: 4, dead: 1, delivered: 0 });
  });

  it('has jittered backoff within its limits', () => {
    for (let attempts = 0; attempts < 200; attempts += 1) {
      for (const random of [0, 0.3, 0.999]) {
        const ms = backoffMs(attempts, random);
        expect(ms).toBeGreaterThanOrEqual(DELIVERY_LIMITS.backoffMsMin);
        expect(ms).toBeLessThanOrEqual(DELIVERY_LIMITS.backoffMsMax);
      }
    }
    expect(backoffMs(3, 0.25)).not.toBe(backoffMs(3, 0.75));
  });

  it('leaves the whole sink alone for as long as it asks', async () => {
    let first = true;
    const { outbox, loop, clock, sent } = setup(() => {
      const answer = first ? { ...again, retryAfterMs: 60_000 } : ok;
      first = false;
      return answer;
    });
    outbox.add('one');
    loop.start();
    await clock.advance(1);
    outbox.add('one');
    loop.wake();
    await clock.advance(59_000);
    expect(sent).toHaveLength(1);
    expect(loop.status().state).toBe('failing');
    await clock.advance(5_000);
    expect(outbox.rows.map(r => r.state)).toEqual(['delivered', 'delivered']);
  });

  it('is idle until the first attempt, failing from the first failure on, and ok from the next success on', async () => {
    const answers: SendResult[] = [again, { outcome: 'drop', detail: 'HTTP 400' }, ok];
    const { outbox, loop, clock } = setup(() => answers.shift() ?? ok);
    loop.start();
    await clock.advance(10);
    expect(loop.status()).toMatchObject({ state: 'idle', detail: '' });
    outbox.add('one');
    loop.wake();
    await clock.advance(10);
    expect(loop.status()).toMatchObject({ state: 'failing', detail: 'busy' });
    await clock.advance(60_000);
    expect(loop.status()).toMatchObject({ state: 'failing', detail: 'HTTP 400' });
    outbox.add('one');
    loop.wake();
    await clock.advance(10);
    expect(loop.status()).toMatchObject({ state: 'ok', detail: 'ok' });
  });

  it('makes a refused delivery a dead letter at once, and goes on', async () => {
    const { outbox, loop, clock } = setup(d => (d.id === 'key-1' ? { outcome: 'drop', detail: 'HTTP 400' } : ok));
    outbox.add('one');
    outbox.add('one');
    loop.start();
    await clock.advance(100);
    expect(outbox.rows.map(r => [r.state, r.error])).toEqual([
      ['dead', 'HTTP 400'],
      ['delivered', ''],
    ]);
  });

  it('stops for good when the receiver is gone, and says so once', async () => {
    const { outbox, loop, clock, sent, disabled } = setup(() => ({ outcome: 'disable', detail: 'HTTP 410' }), {
      concurrency: 1,
    });
    outbox.add('one');
    outbox.add('one');
    loop.start();
    await clock.advance(600_000);
    expect(sent).toHaveLength(1);
    expect(disabled).toEqual(['one']);
    expect(loop.status().state).toBe('disabled');
    expect(outbox.rows.map(r => r.state)).toEqual(['dead', 'pending']);
  });

  it('cuts off an attempt that outlives the timeout, even when the sink ignores it', async () => {
    const { outbox, loop, clock } = setup(hang, { attemptsMax: 1 });
    outbox.add('one');
    loop.start();
    await clock.advance(9_999);
    expect(outbox.rows[0]?.state).toBe('leased');
    await clock.advance(2);
    expect(outbox.rows[0]).toMatchObject({ state: 'dead', error: 'gave up after 1 attempts: timed out' });
    expect(loop.status().counters.timeouts).toBe(1);
  });

  it('takes a throw for a retry, and does not repeat its words', async () => {
    const { outbox, loop, clock } = setup(() => Promise.reject(new Error('https://user:secret@host')), {
      attemptsMax: 1,
    });
    outbox.add('one');
    loop.start();
    await clock.advance(10);
    expect(outbox.rows[0]?.state).toBe('dead');
    expect(outbox.rows[0]?.error).not.toContain('secret');
  });

  it('keeps to its rate and concurrency', async () => {
    let now = 0;
    let most = 0;
    const { outbox, loop, clock, times } = setup(
      async (_, signal) => {
        now += 1;
        most = Math.max(most, now);
        await new Promise<void>(resolve => clock.after(700, resolve));
        now -= 1;
        expect(signal.aborted).toBe(false);
        return ok;
      },
      { ratePerSecond: 4, concurrency: 2 },
    );
    for (let i = 0; i < 10; i += 1) outbox.add('one');
    loop.start();
    await clock.advance(20_000);
    expect(outbox.rows.every(r => r.state === 'delivered')).toBe(true);
    expect(most).toBe(2);
    for (let i = 1; i < times.length; i += 1)
      expect((times[i] as number) - (times[i - 1] as number)).toBeGreaterThanOrEqual(249);
  });

  it('tells what belongs to one incident in order, also over retries', async () => {
    let failures = 3;
    const { outbox, loop, clock, sent } = setup(d => (d.id === 'key-1' && failures-- > 0 ? again : ok), {
      concurrency: 4,
    });
    outbox.add('one', { incident_id: 'x' });
    outbox.add('one', { incident_id: 'x', signal: 'incident.resolved', alert: null });
    outbox.add('one', { incident_id: 'y' });
    loop.start();
    await clock.advance(600_000);
    expect(outbox.rows.every(r => r.state === 'delivered')).toBe(true);
    const order = sent.map(d => d.id);
    expect(order.indexOf('key-2')).toBeGreaterThan(order.lastIndexOf('key-1'));
    expect(order.indexOf('key-3')).toBeLessThan(order.indexOf('key-2'));
  });

  it('tells a group in one message, whose key and members stay the same over retries', async () => {
    let failures = 1;
    const { outbox, loop, clock, sent } = setup(() => (failures-- > 0 ? again : ok), { concurrency: 1 });
    outbox.add('one', { group: 'g', incident_id: 'x' });
    outbox.add('one', { group: 'g', incident_id: 'x' });
    loop.start();
    await clock.advance(1);
    outbox.add('one', { group: 'g', incident_id: 'x' });
    await clock.advance(60_000);
    expect(sent.map(d => d.alerts.map(a => a.id))).toEqual([['a1', 'a2'], ['a1', 'a2'], ['a3']]);
    expect(sent[0]?.id).toBe(sent[1]?.id);
    expect(sent[2]?.id).toBe('key-3');
  });

  it('does not spin on a store that has something due, but hands nothing out', async () => {
    const { outbox, loop, clock } = setup(() => ok);
    let asked = 0;
    outbox.add('one');
    outbox.lease = async () => {
      asked += 1;
      return [];
    };
    loop.start();
    await clock.advance(10_000);
    expect(asked).toBeGreaterThan(10);
    expect(asked).toBeLessThan(100);
  });

  it('buries what retention has deleted', async () => {
    const { outbox, loop, clock, sent } = setup(() => ok);
    outbox.add('one', { alert: null });
    loop.start();
    await clock.advance(10);
    expect(sent).toEqual([]);
    expect(outbox.rows[0]?.state).toBe('dead');
  });

  it('marks a delivery once the store can write again, without sending it twice', async () => {
    const { outbox, loop, clock, sent } = setup(() => {
      outbox.broken = true;
      return ok;
    });
    outbox.add('one');
    loop.start();
    await clock.advance(20_000);
    expect(outbox.rows[0]?.state).toBe('leased');
    outbox.broken = false;
    await clock.advance(10_000);
    expect(outbox.rows[0]?.state).toBe('delivered');
    expect(sent).toHaveLength(1);
    expect(loop.status().counters.storeErrors).toBeGreaterThan(0);
  });

  it('is not slowed by another sink that hangs', async () => {
    const slow = setup(hang, {}, 'slow');
    const fast = setup(() => ok, {}, 'fast', slow);
    for (let i = 0; i < 20; i += 1) {
      slow.outbox.add('slow');
      slow.outbox.add('fast');
    }
    slow.loop.start();
    fast.loop.start();
    await slow.clock.advance(1_000);
    expect(fast.sent).toHaveLength(20);
    expect(slow.sent).toHaveLength(2);
  });

  it('finishes what is under way when it stops', async () => {
    const { outbox, loop, clock, closed } = setup(async () => {
      await new Promise<void>(resolve => clock.after(1_000, resolve));
      return ok;
    });
    outbox.add('one');
    loop.start();
    await clock.advance(1);
    const stopped = loop.stop(5_000);
    await clock.advance(2_000);
    await stopped;
    expect(outbox.rows[0]?.state).toBe('delivered');
    expect(closed()).toBe(1);
  });

  it('gives back what it cannot finish when it stops, uncounted', async () => {
    const { outbox, loop, clock, sent } = setup(hang, { concurrency: 1 });
    outbox.add('one');
    outbox.add('one');
    loop.start();
    await clock.advance(1);
    const stopped = loop.stop(5_000);
    await clock.advance(6_000);
    await stopped;
    expect(outbox.rows.map(r => [r.state, r.attempts])).toEqual([
      ['pending', 0],
      ['pending', 0],
    ]);
    loop.wake();
    await settle();
    expect(sent).toHaveLength(1);
  });
});

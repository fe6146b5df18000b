/** The delivery loop over the real outbox: what is committed arrives, also through failures and restarts. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import { afterEach, describe, expect, it } from 'vitest';
import { Sinks, sinkConfig, systemClock } from '../../src/sinks/index.ts';
import { openStore } from '../../src/store/sqlite/open.ts';
import { anAlert, anIncident, type Received, receiver, someDeps } from './support.ts';

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});
const secret = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;

describe('sinks over the SQLite outbox', () => {
  it('deliver every committed alert under its key, and the end of its incident after it', async () => {
    let requests = 0;
    // Fails now and then, and loses some answers after taking the request.
    const target = await receiver((_, response) => {
      requests += 1;
      if (requests % 4 === 1) response.writeHead(503).end();
      else if (requests % 4 === 2) response.socket?.destroy();
      else response.end();
    });
    open.push(target.close);
    const store = await openStore({ path: ':memory:' });
    open.push(() => store.close());
    const config = sinkConfig.parse({ type: 'webhook', url: target.url, secret, allow_private: true, rate: 1_000 });
    const deps = { ...someDeps(), clock: systemClock, random: () => 0.05, onDisabled: () => {}, log: () => {} };
    const sinks = new Sinks({ hook: config }, { ...deps, outbox: store.outbox });
    open.push(() => sinks.stop(0));
    sinks.start();

    const ids = Array.from({ length: 12 }, (_, i) => `a${i}`);
    for (const [i, id] of ids.entries()) {
      const incident_id = `i${i % 3}`;
      const change = {
        type: 'new' as const,
        alert: anAlert({ id, incident_id, key: id }),
        incident: anIncident({ id: incident_id }),
        attached: [],
        merged: [],
      };
      await store.commit({ entries: [{ change, targets: [{ sink: 'hook', group: '', intervalMs: 0 }] }] });
      sinks.wake();
    }
    await store.setIncidentState('i0', 'resolved', { actor: 'me', reason: '' }, null);
    sinks.wake();

    const delivered = async () => (await store.outbox.counts()).get('hook')?.delivered;
    await expect.poll(delivered, { timeout: 20_000 }).toBe(ids.length + 1);
    const bodies = target.received.map(({ body, headers }) => ({ ...JSON.parse(body), key: headers['webhook-id'] }));
    const keysOf = new Map<string, Set<string>>();
    for (const { data, key } of bodies) {
      for (const { id } of data.alerts) keysOf.set(id, (keysOf.get(id) ?? new Set()).add(key));
    }
    expect([...keysOf.keys()].sort()).toEqual([...ids].sort());
    expect([...keysOf.values()].every(keys => keys.size === 1)).toBe(true);
    const told = bodies.filter(({ data }) => data.incident.id === 'i0').map(({ type }) => type);
    expect(told.indexOf('incident.resolved')).toBeGreaterThan(told.lastIndexOf('alert.created'));
  });

  it('send the same bytes again under one key, though the incident grew and the program was started anew', async () => {
    let now = Date.now() - 60_000;
    const target = await receiver((_, response) => response.writeHead(target.received.length === 1 ? 500 : 204).end());
    open.push(target.close);
    const folder = mkdtempSync(join(tmpdir(), 'spoor-sinks-'));
    open.push(async () => rmSync(folder, { recursive: true }));
    const config = sinkConfig.parse({ type: 'webhook', url: target.url, secret, allow_private: true });
    const running = async () => {
      const store = await openStore({ path: join(folder, 'spoor.db') });
      const deps = {
        ...someDeps(),
        now: () => now,
        clock: systemClock,
        random: () => 0,
        onDisabled: () => {},
        log: () => {},
      };
      const sinks = new Sinks({ hook: config }, { ...deps, outbox: store.outbox });
      const found = (id: string, count: number, sink: string[]) =>
        store.commit({
          entries: [
            {
              change: {
                type: 'new',
                alert: anAlert({ id, key: id, incident_id: 'i0' }),
                incident: anIncident({ id: 'i0', alert_count: count }),
                attached: [],
                merged: [],
              },
              targets: sink.map(name => ({ sink: name, group: '', intervalMs: 0 })),
            },
          ],
        });
      return { store, sinks, found };
    };

    const first = await running();
    await first.found('a0', 1, ['hook']);
    first.sinks.start();
    await expect.poll(() => first.sinks.list()[0]?.state, { timeout: 10_000 }).toBe('failing');
    await first.sinks.stop(0);
    await first.found('a1', 2, []);
    await first.store.close();

    now += 30_000;
    const second = await running();
    open.push(() => second.store.close());
    open.push(() => second.sinks.stop(0));
    second.sinks.start();
    await expect.poll(() => second.sinks.list()[0]?.state, { timeout: 10_000 }).toBe('ok');
    const [failed, arrived] = target.received as [Received, Received];
    expect(JSON.parse(arrived.body).data.incident.alert_count).toBe(1);
    expect(arrived.body).toBe(failed.body);
    expect(arrived.headers['webhook-id']).toBe(failed.headers['webhook-id']);
    expect(arrived.headers['webhook-timestamp']).not.toBe(failed.headers['webhook-timestamp']);
    expect(arrived.headers['webhook-signature']).not.toBe(failed.headers['webhook-signature']);
    for (const { body, headers } of [failed, arrived]) expect(new Webhook(secret).verify(body, headers)).toBeTruthy();
  });
});

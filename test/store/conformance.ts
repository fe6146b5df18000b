/** What every store must do, whatever database it stands on. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Delivery, Lease, Store } from '../../src/store/store.ts';
import { entry, instant, makeAlert, makeChange, makeIncident, to } from './changes.ts';

export interface Clock {
  now: number;
}

export function storeConformance(name: string, open: (clock: Clock) => Promise<Store>): void {
  describe(`${name} is a store`, () => {
    const clock: Clock = { now: 0 };
    let store: Store;

    beforeEach(async () => {
      clock.now = 1_000_000;
      store = await open(clock);
    });
    afterEach(() => store.close());

    const all = async (sink: string): Promise<readonly Delivery[]> => (await store.outbox.list({ sink }, null)).items;
    const lease = (sink: string, limit = 10): Promise<Lease[]> => store.outbox.lease(sink, limit, 30_000);

    describe('commit', () => {
      it('stores alert, evidence, incident, deliveries, positions and state together', async () => {
        const one = entry('a1', {}, ['slack', 'pager']);
        const result = await store.commit({
          entries: [one],
          positions: new Map([['file:/x', '42']]),
          state: new Map([['detection', 'snapshot']]),
        });
        expect(result).toMatchObject({ added: 1, known: 0 });
        expect(await store.alert('a1', null)).toEqual(one.change.alert);
        expect(await store.incident('incident-1', null)).toEqual(one.change.incident);
        expect(await store.position('file:/x')).toBe('42');
        expect(await store.positions()).toEqual(new Map([['file:/x', '42']]));
        expect(await store.state('detection')).toBe('snapshot');
        expect((await store.outbox.list({}, null)).items.map(d => d.sink).sort()).toEqual(['pager', 'slack']);
      });

      it('takes an alert that is there already for known: nothing is doubled, nothing goes back', async () => {
        await store.commit({ entries: [entry('a1', {}, ['slack']), entry('a2', { seconds: 5 }, ['slack'])] });
        const seq = await store.stream.head();
        expect(await store.commit({ entries: [entry('a1', {}, ['slack', 'pager'])] })).toEqual({
          added: 0,
          known: 1,
          seq,
        });
        expect((await store.outbox.list({}, null)).items).toHaveLength(2);
        expect((await store.incident('incident-1', null))?.last_seen).toBe(instant(5));
      });

      it('counts up', async () => {
        await store.commit({ entries: [entry('a1', {}, ['slack'])] });
        const counted = { ...makeAlert('a1'), evidence: [], count: 3, last_seen: instant(9) };
        await store.commit({ entries: [{ change: makeChange(counted, { type: 'counted' }), targets: to('slack') }] });
        const alert = await store.alert('a1', null);
        expect(alert).toMatchObject({ count: 3, last_seen: instant(9) });
        expect(alert?.evidence).toHaveLength(1);
        expect(await all('slack')).toHaveLength(1);
      });

      it('moves the alerts of a merged incident, and tells those who were told of it', async () => {
        await store.commit({
          entries: [entry('a1', { incident: 'old' }, ['slack']), entry('b1', { incident: 'new' }, ['pager'])],
        });
        const bridge = makeAlert('c1', { incident: 'old', seconds: 3 });
        const merged = { ...makeIncident('new', []), state: 'merged' as const, merged_into: 'old' };
        await store.commit({ entries: [{ change: makeChange(bridge, { merged: [merged] }), targets: [] }] });
        expect((await store.alerts({ incident: 'old' }, null)).items.map(a => a.id).sort()).toEqual(['a1', 'b1', 'c1']);
        expect(await store.incident('new', null)).toMatchObject({ state: 'merged', merged_into: 'old' });
        expect((await store.incidents({}, null)).items.map(i => i.id)).toEqual(['old']);
        expect((await store.incidents({ states: ['merged'] }, null)).items.map(i => i.id)).toEqual(['new']);
        expect((await all('pager')).map(d => [d.signal, d.incident_id])).toEqual([
          ['incident.merged', 'new'],
          ['alert', 'old'],
        ]);
        expect(await all('slack')).toHaveLength(1);
        await expect(
          store.setIncidentState('new', 'resolved', { actor: 'me', reason: '' }, null),
        ).rejects.toMatchObject({ code: 'merged' });
      });

      it('attaches context alerts to the incident that they led to', async () => {
        await store.commit({ entries: [entry('context', { incident: null, level: 'low' })] });
        const opened = makeChange(makeAlert('a1'), { attached: ['context'] });
        await store.commit({ entries: [{ change: opened, targets: [] }] });
        expect((await store.alert('context', null))?.incident_id).toBe('incident-1');
      });
    });

    describe('queries', () => {
      beforeEach(() =>
        store.commit({
          entries: [
            entry('a1', { seconds: 1, level: 'critical', rule: 'shell', pod: 'shop/web-1', incident: 'i1' }),
            entry('a2', { seconds: 2, level: 'high', rule: 'upload', pod: 'shop/db-1', incident: 'i1' }),
            entry('a3', { seconds: 3, level: 'low', rule: 'upload', pod: 'bank/web-1', incident: null }),
            entry('a4', { seconds: 3, level: 'high', rule: 'escape', pod: null, incident: 'i2' }),
            entry('a5', { seconds: 4, level: 'medium', rule: 'shell', pod: 'bank/web-1', incident: 'i3' }),
          ],
        }),
      );

      it.each([
        ['nothing', {}, 'a5 a4 a3 a2 a1'],
        ['since', { since: instant(3) }, 'a5 a4 a3'],
        ['until', { until: instant(3) }, 'a2 a1'],
        ['levels', { levels: ['critical', 'high'] as const }, 'a4 a2 a1'],
        ['no level at all', { levels: [] }, ''],
        ['rule id', { rule: 'upload' }, 'a3 a2'],
        ['rule title', { rule: 'Title of shell' }, 'a5 a1'],
        ['namespace', { namespace: 'bank' }, 'a5 a3'],
        ['pod', { pod: 'web-1' }, 'a5 a3 a1'],
        ['incident', { incident: 'i1' }, 'a2 a1'],
        ['state', { states: ['open'] as const }, 'a5 a4 a2 a1'],
        [
          'all together',
          { namespace: 'shop', rule: 'shell', levels: ['critical'] as const, states: ['open'] as const },
          'a1',
        ],
        ['a hostile text', { rule: "' OR 1=1 --" }, ''],
      ])('filter alerts by %s', async (_, query, ids) => {
        const { items } = await store.alerts(query, null);
        expect(items.map(a => a.id).join(' ')).toBe(ids);
        expect(items.every(a => a.evidence.length === 0)).toBe(true);
      });

      it('page by cursor, each alert once, whatever comes in between', async () => {
        const seen: string[] = [];
        let cursor: string | undefined;
        do {
          const page = await store.alerts({ limit: 2, cursor }, null);
          seen.push(...page.items.map(a => a.id));
          cursor = page.next ?? undefined;
          await store.commit({ entries: [entry(`later-${seen.length}`, { seconds: 100 + seen.length })] });
        } while (cursor !== undefined);
        expect(seen).toEqual(['a5', 'a4', 'a3', 'a2', 'a1']);
      });

      it.each(['x', 'e30', 'WzEsMl0', '☃'])('refuse the cursor %s', async cursor => {
        await expect(store.alerts({ cursor }, null)).rejects.toMatchObject({ code: 'bad_cursor' });
      });

      it('show to a scope only the alerts of its namespaces, and incidents that lie within it', async () => {
        const ids = async (scope: string[]): Promise<string> =>
          (await store.alerts({}, scope)).items.map(a => a.id).join(' ');
        expect(await ids(['shop'])).toBe('a2 a1');
        expect(await ids(['bank', 'shop'])).toBe('a5 a3 a2 a1');
        expect(await ids([])).toBe('');
        expect(await ids([''])).toBe('');
        expect(await store.alert('a5', ['shop'])).toBeNull();
        expect(await store.alert('a4', ['shop', ''])).toBeNull();
        const incidents = async (scope: string[] | null): Promise<string> =>
          (await store.incidents({}, scope)).items.map(i => i.id).join(' ');
        expect(await incidents(null)).toBe('i3 i2 i1');
        expect(await incidents(['shop'])).toBe('i1');
        await store.commit({ entries: [entry('a6', { pod: 'bank/web-1', incident: 'i1', seconds: 9 })] });
        expect(await incidents(['shop'])).toBe('');
        expect(await incidents(['shop', 'bank'])).toBe('i1 i3');
        expect(await store.incident('i1', ['shop'])).toBeNull();
        expect(await store.incidentEvidence('i1', 10, ['shop'])).toEqual([]);
        expect(await store.setIncidentState('i1', 'resolved', { actor: 'x', reason: '' }, ['shop'])).toBeNull();
        expect((await store.incident('i1', null))?.state).toBe('open');
      });

      it('give the evidence of an incident once and in time order', async () => {
        const raw = { same: 1 };
        await store.commit({
          entries: [
            entry('b2', { incident: 'b', seconds: 9, evidence: [raw, { other: 2 }] }),
            entry('b1', { incident: 'b', seconds: 9, evidence: [raw] }),
            entry('b0', { incident: 'b', seconds: 8, evidence: [raw] }),
          ],
        });
        const evidence = await store.incidentEvidence('b', 10, null);
        expect(evidence.map(e => [e.time, e.raw])).toEqual([
          [instant(8), raw],
          [instant(9), raw],
          [instant(9), { other: 2 }],
        ]);
        expect(await store.incidentEvidence('b', 2, null)).toHaveLength(2);
      });

      it('hand out what the alert stage needs to go on', async () => {
        const counted = { ...makeAlert('a1', { seconds: 1, incident: 'i1' }), count: 2, last_seen: instant(50) };
        await store.commit({ entries: [{ change: makeChange(counted, { type: 'counted' }), targets: [] }] });
        const { alerts, incidents } = await store.recent(instant(4));
        expect(alerts.map(a => a.id)).toEqual(['a1', 'a5']);
        expect(incidents.map(i => i.id).sort()).toEqual(['i1', 'i3']);
      });
    });

    describe('what people do with incidents', () => {
      const me = { actor: 'ada', reason: 'looked at it' };

      it('is kept, audited, and told to the sinks that know of the incident', async () => {
        await store.commit({ entries: [entry('a1', {}, ['slack']), entry('b1', { incident: 'other' }, ['pager'])] });
        clock.now += 5;
        expect(await store.setIncidentState('incident-1', 'acknowledged', me, null)).toMatchObject({
          state: 'acknowledged',
        });
        await store.setIncidentState('incident-1', 'acknowledged', me, null);
        await store.setIncidentState('incident-1', 'resolved', me, null);
        expect((await all('slack')).map(d => d.signal)).toEqual([
          'incident.resolved',
          'incident.acknowledged',
          'alert',
        ]);
        expect(new Set((await all('slack')).map(d => d.key)).size).toBe(3);
        expect(await all('pager')).toHaveLength(1);
        const { items } = await store.auditLog({ target: 'incident-1' });
        expect(items.map(row => [row.actor, row.action, row.detail, row.at])).toEqual([
          ['ada', 'incident.resolve', 'looked at it', 1_000_005],
          ['ada', 'incident.acknowledge', 'looked at it', 1_000_005],
        ]);
        expect(await store.setIncidentState('unknown', 'resolved', me, null)).toBeNull();
      });

      it('outlives later alerts, but a resolved incident opens again', async () => {
        await store.commit({ entries: [entry('a1', {}, ['slack'])] });
        await store.setIncidentState('incident-1', 'acknowledged', me, null);
        await store.commit({ entries: [entry('a2')] });
        expect((await store.incident('incident-1', null))?.state).toBe('acknowledged');
        await store.setIncidentState('incident-1', 'resolved', me, null);
        await store.commit({ entries: [entry('a2')] });
        expect((await store.incident('incident-1', null))?.state).toBe('resolved');
        await store.commit({ entries: [entry('a3')] });
        expect((await store.incident('incident-1', null))?.state).toBe('open');
        expect((await all('slack'))[0]?.signal).toBe('incident.reopened');
        expect((await store.auditLog({})).items[0]).toMatchObject({ actor: 'spoor', action: 'incident.reopen' });
      });
    });

    describe('the outbox', () => {
      beforeEach(() =>
        store.commit({ entries: [entry('a1', {}, ['slack', 'pager']), entry('a2', { seconds: 1 }, ['slack'])] }),
      );

      it('leases what is due, oldest first, to one taker, with what it tells', async () => {
        const [first] = await lease('slack', 1);
        expect(first).toMatchObject({ key: 'a1', sink: 'slack', signal: 'alert', state: 'leased', attempts: 0 });
        expect(first?.alert).toEqual(makeAlert('a1'));
        expect(first?.incident).toMatchObject({ id: 'incident-1' });
        expect((await lease('slack')).map(l => l.key)).toEqual(['a2']);
        expect(await lease('slack')).toEqual([]);
        expect((await lease('pager')).map(l => l.key)).toEqual(['a1']);
      });

      it('gives out again what a dead process had leased, as one more attempt', async () => {
        await lease('slack');
        clock.now += 29_999;
        expect(await lease('slack')).toEqual([]);
        clock.now += 1;
        expect((await lease('slack')).map(l => l.attempts)).toEqual([1, 1]);
      });

      it('retries later, releases at once, buries, and never revives what is settled', async () => {
        const [one, two] = await lease('slack');
        await store.outbox.retry([one!.id], 5_000, 'HTTP 503');
        await store.outbox.release([two!.id], 0);
        expect((await lease('slack')).map(l => [l.key, l.attempts])).toEqual([['a2', 0]]);
        expect(await store.outbox.nextDue('slack')).toBe(clock.now + 5_000);
        clock.now += 5_000;
        expect(await lease('slack')).toMatchObject([{ key: 'a1', attempts: 1, error: 'HTTP 503' }]);
        await store.outbox.dead([one!.id], 'HTTP 400');
        await store.outbox.delivered([two!.id]);
        await store.outbox.retry([one!.id, two!.id], 0, 'late answer');
        expect(await all('slack')).toMatchObject([
          { key: 'a2', state: 'delivered', attempts: 1 },
          { key: 'a1', state: 'dead', attempts: 2, error: 'HTTP 400' },
        ]);
        expect(await store.outbox.nextDue('slack')).toBeNull();
        expect(await store.outbox.counts()).toEqual(
          new Map([
            ['slack', { pending: 0, leased: 0, delivered: 1, dead: 1, oldest: null }],
            ['pager', { pending: 1, leased: 0, delivered: 0, dead: 0, oldest: 1_000_000 }],
          ]),
        );
        expect((await store.outbox.list({ states: ['dead'] }, null)).items.map(d => d.key)).toEqual(['a1']);
      });

      it('keeps what was sent until it has arrived, also for those told together', async () => {
        const ids = (await lease('slack')).map(({ id }) => id);
        const message = { key: 'joined', body: '{"told":2}' };
        await store.outbox.keepMessage(ids, message);
        await store.outbox.retry(ids, 0, 'HTTP 503');
        expect((await lease('slack')).map(l => l.message)).toEqual([message, message]);
        await store.outbox.delivered(ids.slice(0, 1));
        await store.outbox.dead(ids.slice(1), 'HTTP 400');
        await store.outbox.replay(ids, null, null);
        await store.outbox.replay(ids.slice(1), 'archive', null);
        expect((await lease('slack')).map(l => l.message)).toEqual([null, message]);
        expect((await lease('archive')).map(l => l.message)).toEqual([]);
      });

      it('replays dead letters and delivered ones to their own sink or another', async () => {
        const leased = await lease('slack');
        const ids = leased.map(l => l.id);
        expect(await store.outbox.replay(ids, null, null)).toBe(0);
        await store.outbox.dead(ids, 'gone');
        expect(await store.outbox.replay(ids, null, ['elsewhere'])).toBe(0);
        expect(await store.outbox.replay(ids, 'archive', ['shop'])).toBe(2);
        expect(await store.outbox.replay(ids, null, null)).toBe(2);
        expect((await lease('slack')).map(l => [l.key, l.attempts])).toEqual([
          ['a1', 0],
          ['a2', 0],
        ]);
        expect((await lease('archive')).map(l => l.key)).toEqual(['a1', 'a2']);
      });

      it('abandons what waits for sinks that are gone', async () => {
        expect(await store.outbox.abandon(['slack', 'pager'])).toBe(0);
        expect(await store.outbox.abandon(['slack'])).toBe(1);
        expect(await all('pager')).toMatchObject([{ state: 'dead', error: 'there is no sink of this name' }]);
      });

      it('shows to a scope only deliveries of what it may see', async () => {
        await store.commit({ entries: [entry('b1', { pod: 'bank/x', incident: 'b' }, ['slack'])] });
        await store.setIncidentState('b', 'resolved', { actor: 'x', reason: '' }, null);
        const seen = async (scope: string[]): Promise<string[]> =>
          (await store.outbox.list({ sink: 'slack' }, scope)).items.map(d => `${d.signal} ${d.incident_id}`);
        expect(await seen(['bank'])).toEqual(['incident.resolved b', 'alert b']);
        expect(await seen(['shop'])).toEqual(['alert incident-1', 'alert incident-1']);
        expect(await seen([])).toEqual([]);
      });

      it('holds a group together and to its interval', async () => {
        const grouped = (id: string) => ({
          change: makeChange(makeAlert(id)),
          targets: [{ sink: 'mail', group: 'g', intervalMs: 60_000 }],
        });
        await store.commit({ entries: [grouped('g1')] });
        const first = await lease('mail');
        await store.outbox.delivered(first.map(l => l.id));
        clock.now += 10_000;
        await store.commit({ entries: [grouped('g2')] });
        clock.now += 10_000;
        await store.commit({ entries: [grouped('g3')] });
        expect(await lease('mail')).toEqual([]);
        clock.now += 40_000;
        expect((await lease('mail')).map(l => l.key)).toEqual(['g2', 'g3']);
      });
    });

    describe('the stream', () => {
      it('gives what changed after a number, in order, and wakes listeners', async () => {
        const heard: number[] = [];
        const stop = store.stream.subscribe(seq => heard.push(seq));
        await store.commit({ entries: [entry('a1'), entry('a2', { pod: 'bank/x', incident: 'b', seconds: 1 })] });
        const { entries, seq, missed } = await store.stream.since(0, 100, null);
        expect(entries.map(e => `${e.type} ${(e.alert ?? e.incident)?.id}`)).toEqual([
          'alert a1',
          'alert a2',
          'incident incident-1',
          'incident b',
        ]);
        expect([seq, missed, await store.stream.head()]).toEqual([4, false, 4]);
        const scoped = await store.stream.since(0, 100, ['bank']);
        expect(scoped.entries.map(e => e.seq)).toEqual([2, 4]);
        expect((await store.stream.since(2, 1, null)).entries.map(e => e.seq)).toEqual([3]);
        expect(await store.stream.since(99, 10, null)).toEqual({
          entries: [],
          seq: await store.stream.head(),
          missed: true,
        });
        await store.commit({ entries: [], positions: new Map([['x', '1']]) });
        stop();
        await store.commit({ entries: [entry('a3')] });
        expect(heard).toEqual([4]);
      });
    });

    describe('tokens', () => {
      it('open with their secret alone, until they expire or are revoked', async () => {
        expect(await store.tokens.any()).toBe(false);
        const spec = { name: 'ci', scopes: ['read'] as const, namespaces: ['shop'], expires_at: clock.now + 1_000 };
        const { token, secret } = await store.tokens.create(spec);
        expect(await store.tokens.any()).toBe(true);
        expect(await store.tokens.authenticate(secret)).toMatchObject({
          id: token.id,
          name: 'ci',
          namespaces: ['shop'],
        });
        expect((await store.tokens.list())[0]).toMatchObject({ id: token.id, last_used_at: clock.now });
        expect(JSON.stringify(await store.tokens.list())).not.toContain(secret);
        for (const wrong of ['', secret.slice(1), `${secret} `])
          expect(await store.tokens.authenticate(wrong)).toBeNull();
        clock.now += 1_000;
        expect(await store.tokens.authenticate(secret)).toBeNull();
        expect(await store.tokens.revoke(token.id)).toBe(true);
        expect(await store.tokens.revoke(token.id)).toBe(false);
      });
    });

    describe('webhooks', () => {
      const spec = { url: 'https://example.org/x', description: '', levels: [], rules: [], namespaces: ['shop'] };

      it('stay within the scope of whoever asks', async () => {
        const { webhook } = await store.webhooks.create(spec, ['shop', 'bank']);
        for (const namespaces of [null, ['other']]) {
          await expect(store.webhooks.create({ ...spec, namespaces }, ['shop'])).rejects.toMatchObject({
            code: 'out_of_scope',
          });
          await expect(store.webhooks.update(webhook.id, { namespaces }, ['shop'])).rejects.toMatchObject({
            code: 'out_of_scope',
          });
        }
        expect(await store.webhooks.list(['bank'])).toEqual([]);
        expect(await store.webhooks.get(webhook.id, ['bank'])).toBeNull();
        expect(await store.webhooks.delete(webhook.id, ['bank'])).toBe(false);
        expect(await store.webhooks.list(null)).toEqual([webhook]);
        expect(await store.webhooks.update(webhook.id, { url: 'https://example.org/y' }, ['shop'])).toMatchObject({
          url: 'https://example.org/y',
          namespaces: ['shop'],
        });
      });

      it('keep the old secret beside the new one for a while', async () => {
        const { webhook, secret } = await store.webhooks.create(spec, null);
        expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
        const next = await store.webhooks.rotate(webhook.id, 1_000, null);
        expect(await store.webhooks.secrets(webhook.id)).toEqual([next, secret]);
        clock.now += 1_000;
        expect(await store.webhooks.secrets(webhook.id)).toEqual([next]);
        expect(JSON.stringify(await store.webhooks.list(null))).not.toContain('whsec');
      });

      it('are switched off with a reason and on without, and leave dead letters when deleted', async () => {
        const { webhook } = await store.webhooks.create(spec, null);
        await store.webhooks.disable(webhook.id, '410 Gone');
        expect(await store.webhooks.get(webhook.id, null)).toMatchObject({
          enabled: false,
          disabled_reason: '410 Gone',
        });
        expect(await store.webhooks.update(webhook.id, { enabled: true }, null)).toMatchObject({
          enabled: true,
          disabled_reason: '',
        });
        const sink = `webhook:${webhook.id}`;
        await store.commit({ entries: [entry('a1', {}, [sink])] });
        expect(await store.webhooks.delete(webhook.id, null)).toBe(true);
        expect(await all(sink)).toMatchObject([{ state: 'dead' }]);
        expect(await store.webhooks.secrets(webhook.id)).toEqual([]);
      });
    });

    it('keeps a gap once, as large as it has grown', async () => {
      const gap = (count: number, to: number, node = 'n1') => ({
        source: 'hubble',
        node,
        reason: 'r',
        from: instant(1),
        to: instant(to),
        count,
      });
      await store.commit({ entries: [], gaps: [gap(1, 2), gap(5, 3, 'n2')] });
      await store.commit({ entries: [], gaps: [gap(30_000, 9)] });
      expect((await store.gaps({})).items).toEqual([gap(5, 3, 'n2'), gap(30_000, 9)]);
    });

    it('amends an alert that turned out to be incomplete, and tells the stream, once', async () => {
      await store.commit({ entries: [entry('a1', { seconds: 5 }, ['slack'])] });
      const before = await store.stream.head();
      const gaps = [{ source: 'hubble', node: 'n1', reason: 'r', from: instant(1), to: instant(9), count: 3 }];
      const alert = { ...makeAlert('a1'), count: 99, evidence: [], incomplete: true, gaps };
      const change = { type: 'amended' as const, alert, incident: null, attached: [], merged: [] };
      for (let i = 0; i < 2; i++) {
        await store.commit({ entries: [{ change, targets: to('slack') }] });
      }
      expect(await store.alert('a1', null)).toMatchObject({
        incomplete: true,
        gaps,
        count: 1,
        evidence: makeAlert('a1', { seconds: 5 }).evidence,
      });
      const { entries } = await store.stream.since(before, 10, null);
      expect(entries).toMatchObject([{ type: 'alert.amended', alert: { id: 'a1', incomplete: true, gaps } }]);
      expect((await store.outbox.list({}, null)).items).toHaveLength(1);
    });

    it('keeps gaps, newest first', async () => {
      const gap = (n: number) => ({ source: 's', node: 'n', count: n, from: instant(n), to: instant(n), reason: 'r' });
      await store.commit({ entries: [], gaps: [gap(1), gap(2), gap(3)] });
      const page = await store.gaps({ limit: 2 });
      expect(page.items.map(g => g.count)).toEqual([3, 2]);
      expect((await store.gaps({ limit: 2, cursor: page.next ?? '' })).items.map(g => g.count)).toEqual([1]);
      expect((await store.gaps({ since: instant(3) })).items).toEqual([gap(3)]);
    });

    describe('retention', () => {
      const DAY = 86_400_000;

      it('forgets what is too old, but nothing that still has to be told', async () => {
        await store.commit({ entries: [entry('old'), entry('waiting', { incident: 'w' }, ['slack'])] });
        clock.now += 2 * DAY;
        await store.commit({ entries: [entry('young', { incident: 'y' })] });
        expect(await store.prune({ daysMax: 1, bytesMax: 1e9 })).toBe(1);
        expect((await store.alerts({}, null)).items.map(a => a.id).sort()).toEqual(['waiting', 'young']);
        expect(await store.incident('incident-1', null)).toBeNull();
        await store.outbox.delivered((await lease('slack')).map(l => l.id));
        expect(await store.prune({ daysMax: 1, bytesMax: 1e9 })).toBe(1);
        expect(await all('slack')).toEqual([]);
        expect(await store.health()).toMatchObject({ ok: true, alerts: 1, incidents: 1 });
      });

      it('forgets the oldest beyond the size, resolved ones first', async () => {
        const big = [{ text: 'x'.repeat(2_000) }];
        for (let i = 0; i < 10; i++) {
          await store.commit({
            entries: Array.from({ length: 100 }, (_, j) =>
              entry(`a${i}-${j}`, { incident: `i${i}`, seconds: i, evidence: big }),
            ),
          });
        }
        await store.setIncidentState('i7', 'resolved', { actor: 'x', reason: '' }, null);
        const { bytes } = await store.health();
        expect(await store.prune({ daysMax: 30, bytesMax: bytes * 0.8 })).toBeGreaterThan(100);
        expect(await store.incident('i7', null)).toBeNull();
        expect(await store.incident('i0', null)).toBeNull();
        expect((await store.alerts({ incident: 'i9' }, null)).items).toHaveLength(100);
      });
    });
  });
}

/** Losses that become known after an alert make it incomplete all the same. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Alert, AlertChange, Gap } from '../../src/alerts/alert.ts';
import { Alerting } from '../../src/alerts/alerting.ts';
import { LIMITS } from '../../src/model/limits.ts';
import { formatInstant } from '../../src/model/time.ts';
import { at, exec, makeProcess, rule } from '../support/observations.ts';
import { finding } from './findings.ts';

const shell = rule({ level: 'high' });
const process = (n: number) => makeProcess(`p${n}`, { pod: 'a/one' });
const loss = (from: number, to: number, gap: Partial<Gap> = {}) => {
  const period = { from: formatInstant(at(from)), to: formatInstant(at(to)) };
  return { ...period, gap: { source: 'hubble', node: 'node-1', reason: 'r', count: 1, ...period, ...gap } };
};

/** An alert whose evidence lies between two instants. */
function fire(alerting: Alerting, from: number, to: number, n = 0): Alert {
  return alerting.accept(finding(shell, [exec(from, 'x', process(n)), exec(to, 'y', process(n))]), [])[0]!.alert;
}

const ids = (changes: readonly AlertChange[]): string[] => changes.map(({ alert }) => alert.id);

describe('a loss that is reported after an alert', () => {
  it('amends the alerts whose evidence lies in it, and no others', () => {
    const alerting = new Alerting();
    const alerts = [
      [1, 4],
      [2, 10],
      [12, 12],
      [20, 30],
    ].map(([from, to], n) => fire(alerting, from!, to!, n));
    const changes = alerting.amend(loss(5, 15));
    expect(ids(changes)).toEqual([alerts[1]!.id, alerts[2]!.id]);
    expect(changes[0]).toMatchObject({ type: 'amended', incident: null, attached: [], merged: [] });
    expect(changes[0]!.alert).toEqual({
      ...alerts[1],
      evidence: [],
      incomplete: true,
      gaps: [loss(5, 15).gap],
    });
  });

  it('concerns its node, or every node', () => {
    const alerting = new Alerting();
    fire(alerting, 1, 2);
    expect(alerting.amend(loss(1, 2, { node: 'node-2' }))).toEqual([]);
    expect(alerting.amend(loss(1, 2, { node: '' }))).toHaveLength(1);
  });

  it('replaces what an alert says of a gap that has grown, and says nothing where nothing is new', () => {
    const alerting = new Alerting();
    fire(alerting, 1, 20);
    alerting.amend(loss(5, 6));
    expect(alerting.amend(loss(5, 6))).toEqual([]);
    const grown = { ...loss(7, 8), gap: { ...loss(5, 8).gap, count: 900 } };
    expect(alerting.amend(grown)[0]!.alert.gaps).toEqual([grown.gap]);
    expect(alerting.amend(loss(9, 9, { source: 'tetragon' }))[0]!.alert.gaps).toHaveLength(2);
  });

  it('is what an alert says that counts up later', () => {
    const alerting = new Alerting();
    fire(alerting, 1, 2);
    alerting.amend(loss(1, 2));
    const counted = alerting.accept(finding(shell, [exec(60, 'z', process(0))]), [])[0]!;
    expect(counted).toMatchObject({ type: 'counted', alert: { count: 2, incomplete: true, gaps: [loss(1, 2).gap] } });
  });

  it('amends alerts from before a restart too', () => {
    const before = new Alerting();
    const alert = fire(before, 1, 20);
    const after = new Alerting();
    after.restore({ alerts: [{ ...alert, evidence: [] }], incidents: [] });
    expect(ids(after.amend(loss(5, 6)))).toEqual([alert.id]);
  });

  it('changes an alert a bounded number of times, and gives it a bounded number of gaps', () => {
    const alerting = new Alerting();
    fire(alerting, 0, 1_000);
    const changes = Array.from({ length: 500 }, (_, n) => alerting.amend(loss(n, n, { count: n }))).flat();
    expect(changes).toHaveLength(LIMITS.amendmentsPerAlertMax);
    expect(changes.at(-1)!.alert.gaps).toHaveLength(LIMITS.gapsPerAlertMax);
  });

  it('makes every alert incomplete that would have been, had it been known at once', () => {
    const span = fc.tuple(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 20 }));
    fc.assert(
      fc.property(fc.array(span, { maxLength: 12 }), fc.array(span, { maxLength: 5 }), (alerts, gaps) => {
        const losses = gaps.map(([from, length]) => loss(from, from + length));
        const late = new Alerting();
        const found = alerts.map(([from, length], n) => fire(late, from, from + length, n));
        const amended = new Set(losses.flatMap(each => ids(late.amend(each))));
        const known = losses.map(each => each.gap);
        const early = alerts.map(([from, length], n) => {
          const observations = [exec(from, 'x', process(n)), exec(from + length, 'y', process(n))];
          return new Alerting().accept(finding(shell, observations), known)[0]!.alert;
        });
        expect(found.map(({ id }) => amended.has(id))).toEqual(early.map(({ incomplete }) => incomplete));
      }),
    );
  });
});

/** What bounds an incident: alerts, age, and what it costs to add one. */
import { describe, expect, it } from 'vitest';
import type { Alert, AlertChange } from '../../src/alerts/alert.ts';
import { Alerting } from '../../src/alerts/alerting.ts';
import { type IncidentLimits, Incidents } from '../../src/alerts/incidents.ts';
import { LIMITS } from '../../src/model/limits.ts';
import type { Process } from '../../src/model/process.ts';
import { formatInstant } from '../../src/model/time.ts';
import type { Level } from '../../src/rules/rule.ts';
import { at, exec, flow, makeProcess, rule, seconds } from '../support/observations.ts';
import { finding } from './findings.ts';

const DAY = 86_400;
const main = makeProcess('main', { pod: 'a/one' });
const child = (n: number | string): Process => makeProcess(`child-${n}`, { parent: main });

function alerting(limits: Partial<IncidentLimits> = {}): (level: Level, time: number, process: Process) => AlertChange {
  const stage = new Alerting(undefined, { ...LIMITS, ...limits });
  return (level, time, process) =>
    stage.accept(finding(rule({ id: level, level }), [exec(time, 'x', process)]), [])[0]!;
}

describe('a full incident', () => {
  it('takes no new alerts: a new one opens that says which it continues, and takes over its tree, pod and peers', () => {
    const fire = alerting({ alertsPerIncidentMax: 3 });
    const [one, two, three, four, five] = [1, 2, 3, 4, 5].map(n => fire('high', n, child(n)));
    expect(one!.incident).toMatchObject({ continues: '', alert_count: 1 });
    expect([two, three].map(change => change!.incident?.id)).toEqual([one!.incident!.id, one!.incident!.id]);
    expect(four!.incident).toMatchObject({ continues: one!.incident!.id, alert_count: 1, state: 'open' });
    expect(four!.incident!.id).not.toBe(one!.incident!.id);
    expect(four!.merged).toEqual([]);
    expect(five!.incident).toMatchObject({ id: four!.incident!.id, alert_count: 2 });
    const session = fire('high', 6, makeProcess('session', { pod: 'a/one' }));
    expect(session.incident).toMatchObject({ id: four!.incident!.id, alert_count: 3 });
    expect(fire('high', 7, child(7)).incident).toMatchObject({ continues: four!.incident!.id });
  });

  it('is one that is seven days old, however many alerts it has', () => {
    const fire = alerting();
    const ids: string[] = [];
    for (let time = 0; time <= 8 * DAY; time += DAY / 2) ids.push(fire('high', time, child(time)).incident!.id);
    const [first, second] = [...new Set(ids)];
    expect(ids.filter(id => id === first)).toHaveLength(15);
    expect(ids.filter(id => id === second)).toHaveLength(2);
    expect(fire('high', 8 * DAY + 1, child('last')).incident).toMatchObject({ id: second, continues: first });
  });

  it('takes no context either, and what led to the next one goes there', () => {
    const fire = alerting({ alertsPerIncidentMax: 2 });
    for (const n of [1, 2]) fire('high', n, child(n));
    const context = fire('low', 3, child(3));
    expect(context.incident).toBeNull();
    expect(fire('high', 4, child(4))).toMatchObject({ attached: [context.alert.id], incident: { alert_count: 2 } });
  });

  it('is not made by a merge', () => {
    const stage = new Alerting(undefined, { ...LIMITS, alertsPerIncidentMax: 4 });
    const far = makeProcess('far', { pod: 'b/two' });
    const near = rule({ level: 'high' });
    const fire = (time: number, process: Process): AlertChange =>
      stage.accept(finding(near, [exec(time, 'x', process)]), [])[0]!;
    for (const n of [1, 2]) fire(n, child(n));
    for (const n of [3, 4]) fire(n, makeProcess(`far-${n}`, { parent: far }));
    const bridge = finding(near, [flow(5, 'bridge', { process: child('bridge'), to: 'b/two' })]);
    expect(stage.accept(bridge, [])[0]).toMatchObject({ merged: [], incident: { alert_count: 3 } });
  });

  it('stays alive in the one that continues it while its alerts count up', () => {
    const fire = alerting({ alertsPerIncidentMax: 1 });
    const old = child('old');
    fire('high', 1, old);
    const next = fire('high', 2, child('new'));
    const counted = fire('high', 60, old);
    expect(counted).toMatchObject({
      type: 'counted',
      incident: { id: next.incident!.id, last_seen: formatInstant(at(60)) },
    });
  });
});

describe('one more alert of an incident', () => {
  const watched = (alert: Alert, look: () => void): Alert =>
    new Proxy(alert, {
      get: (target, key) => {
        look();
        return target[key as keyof Alert];
      },
    });

  it('costs no more than the hundredth did: no alert is looked at again', () => {
    const incidents = new Incidents(seconds(1800));
    const fire = alerting();
    let looks = 0;
    const costs = Array.from({ length: 3_000 }, (_, n) => {
      const { alert } = fire('high', n, child(n));
      looks = 0;
      incidents.join(watched({ ...alert, incident_id: '' }, () => looks++));
      return looks;
    });
    expect(costs.at(-1)).toBe(costs[100]);
  });

  it('keeps the newest of more process trees than it can know', () => {
    const fire = alerting({ treesPerIncidentMax: 2 });
    const roots = [1, 2, 3].map(n => makeProcess(`root-${n}`, { pod: `a/pod` }));
    const first = roots.map((root, n) => fire('high', n, root))[0]!.incident!.id;
    expect(fire('high', 3 * 3_600, makeProcess('late', { parent: roots[2]! })).incident?.id).toBe(first);
    const forgotten = fire('high', 6 * 3_600, makeProcess('later', { parent: roots[0]! }));
    expect(forgotten.incident?.id).not.toBe(first);
  });
});

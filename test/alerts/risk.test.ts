import { describe, expect, it } from 'vitest';
import type { Alert, AlertChange } from '../../src/alerts/alert.ts';
import { Alerting } from '../../src/alerts/alerting.ts';
import type { Process } from '../../src/model/process.ts';
import type { Finding } from '../../src/rules/finding.ts';
import type { Level, Rule } from '../../src/rules/rule.ts';
import { exec, makeProcess, pod, rule, seconds } from '../support/observations.ts';
import { replayFolder } from '../support/replay.ts';
import { finding } from './findings.ts';

const HALF_LIFE = 3_600;
const options = { suppress: seconds(300), incidentWindow: seconds(1_800) };
const scored = (threshold: number): Alerting =>
  new Alerting({ ...options, risk: { threshold, halfLife: seconds(HALF_LIFE) } });

const sign = (id: string, level: Level = 'low', more: Partial<Rule> = {}): Rule => rule({ id, level, ...more });
const signs = Array.from({ length: 10 }, (_, i) => sign(`sign-${i}`));
const fire = (r: Rule, time: number, process: Process): Finding => finding(r, [exec(time, 'x', process)]);

function feed(alerting: Alerting, findings: readonly Finding[]): AlertChange[] {
  return findings.flatMap(found => alerting.accept(found, []));
}
const risen = (changes: readonly AlertChange[]): Alert[] =>
  changes.filter(change => change.type === 'new' && change.alert.risk !== undefined).map(change => change.alert);

const tree = (name: string) => makeProcess(`main-${name}`, { pod: name, binary: '/usr/bin/node' });
const main = tree('shop/cart-1');
const child = makeProcess('child', { parent: main, binary: '/bin/sh' });

describe('weak signs', () => {
  it('say more together: an incident opens that lists every contribution with rule, time, points and process', () => {
    const alerting = scored(100);
    const changes = feed(
      alerting,
      signs.map((one, i) => fire(one, i * 10, i % 2 === 0 ? main : child)),
    );
    const [alert, ...more] = risen(changes);
    expect(more).toEqual([]);
    expect(alert).toMatchObject({ rule: { level: 'medium' }, risk: { scope: 'process_tree', name: main.execId } });
    // Five signs of 20 points decay a little in 40 seconds: the sixth crosses the threshold.
    expect(alert?.risk?.contributions.map(item => [item.rule.id, item.points, item.process?.exec_id])).toEqual(
      [0, 1, 2, 3, 4, 5].map(i => [`sign-${i}`, 20, i % 2 === 0 ? main.execId : child.execId]),
    );
    expect(alert?.risk?.contributions.map(item => item.time)).toEqual(
      changes
        .filter(({ alert: { risk } }) => risk === undefined)
        .slice(0, 6)
        .map(({ alert: { time } }) => time),
    );
    const opening = changes.find(change => change.alert.id === alert?.id);
    expect(opening?.incident?.level).toBe('medium');
    expect(opening?.attached).toHaveLength(6);
    expect(alert?.risk?.contributions.map(item => item.alert_id).sort()).toEqual([...(opening?.attached ?? [])].sort());
  });

  it('are nothing alone, and one noisy rule alone never crosses, whatever its points', () => {
    const noisy = Array.from({ length: 500 }, (_, i) => fire(sign('noisy', 'low', { risk: 1_000 }), i, main));
    expect(risen(feed(scored(80), noisy))).toEqual([]);
  });

  it('give diminishing returns when one rule repeats, and never more than twice its points', () => {
    const alerting = scored(60.5);
    const changes = feed(alerting, [
      ...Array.from({ length: 50 }, () => fire(signs[0]!, 0, main)),
      fire(sign('other'), 0, main),
      fire(sign('third', 'low', { risk: 1 }), 0, main),
    ]);
    const [alert] = risen(changes);
    expect(alert?.risk?.contributions.map(item => item.points)).toEqual([20, 10, 5, 2.5, 1.3, 0.6, 20, 1]);
    expect(alert?.risk?.score).toBe(61);
  });

  it('decay over event time', () => {
    const three = (gap: number): Finding[] => [0, 1, 2].map(i => fire(signs[i]!, i * gap, main));
    expect(risen(feed(scored(59), three(1)))).toHaveLength(1);
    expect(risen(feed(scored(59), three(HALF_LIFE)))).toEqual([]);
    // 20 / 4 + 20 / 2 + 20
    expect(risen(feed(scored(34.9), three(HALF_LIFE)))).toHaveLength(1);
    expect(risen(feed(scored(35.1), three(HALF_LIFE)))).toEqual([]);
  });

  it('are told once, and again when the score has been below the threshold', () => {
    const round = (start: number): Finding[] => [0, 1, 2, 3].map(i => fire(signs[i]!, start + i, main));
    const alerting = scored(50);
    expect(risen(feed(alerting, round(0)))).toHaveLength(1);
    expect(risen(feed(alerting, round(60)))).toEqual([]);
    expect(risen(feed(alerting, round(4 * HALF_LIFE)))).toHaveLength(1);
  });

  it('of several trees add up in their pod, of several pods in their workload, and attach all of them', () => {
    const others = [1, 2, 3].map(i => makeProcess(`exec-${i}`, { pod: 'shop/cart-1' }));
    const byPod = feed(
      scored(55),
      others.map((process, i) => fire(signs[i]!, i, process)),
    );
    expect(risen(byPod)[0]?.risk).toMatchObject({ scope: 'pod', name: 'shop/cart-1' });
    expect(byPod.at(-1)?.attached).toHaveLength(3);

    const replica = (i: number): Process => {
      const process = tree(`shop/web-${i}`);
      process.pod = { ...pod(`shop/web-${i}`), workload: 'web', workloadKind: 'Deployment' };
      return process;
    };
    const byWorkload = feed(
      scored(55),
      [1, 2, 3].map(i => fire(signs[i]!, i, replica(i))),
    );
    expect(risen(byWorkload)[0]?.risk).toMatchObject({ scope: 'workload', name: 'shop/web' });
    expect(byWorkload.at(-1)?.attached).toHaveLength(3);
  });

  it('of unrelated pods do not add up', () => {
    expect(
      risen(
        feed(
          scored(55),
          [1, 2, 3].map(i => fire(signs[i]!, i, tree(`shop/lone-${i}`))),
        ),
      ),
    ).toEqual([]);
  });

  it('are findings below medium, and those of rules that name their points', () => {
    const count = (make: (i: number) => Rule): number =>
      risen(
        feed(
          scored(25),
          [0, 1, 2].map(i => fire(make(i), i, main)),
        ),
      ).length;
    expect(count(i => sign(`a${i}`, 'informational'))).toBe(1);
    expect(count(i => sign(`b${i}`, 'medium'))).toBe(0);
    expect(count(i => sign(`c${i}`, 'medium', { risk: 15 }))).toBe(1);
    expect(count(i => sign(`d${i}`, 'low', { risk: 0 }))).toBe(0);
  });

  it('are kept through what is lived through again after a restart', () => {
    const alerting = scored(55);
    for (const i of [0, 1]) alerting.relive(fire(signs[i]!, i, main));
    expect(risen(feed(alerting, [fire(signs[2]!, 2, main)]))[0]?.risk?.contributions).toHaveLength(3);
  });

  it('one noisy pod cannot push out what others have collected, and what is dropped is counted', () => {
    const alerting = scored(55);
    feed(alerting, [fire(signs[0]!, 0, main), fire(signs[1]!, 1, main)]);
    const loud = Array.from({ length: 2_000 }, (_, i) =>
      fire(signs[0]!, 2, makeProcess(`loud-${i}`, { pod: 'shop/loud' })),
    );
    feed(alerting, loud);
    expect(alerting.evictedScores).toBeGreaterThan(1_000);
    expect(risen(feed(alerting, [fire(signs[2]!, 3, main)]))[0]?.risk?.name).toBe(main.execId);
  });
});

describe('the recordings', () => {
  it('low signs of the reverse shells add up in one tree', async () => {
    const { alerts } = await replayFolder('captures/reverse-shells');
    const [alert] = alerts.filter(one => one.risk !== undefined);
    expect(alert?.risk?.scope).toBe('process_tree');
    const rules = new Set(alert?.risk?.contributions.map(item => item.rule.title));
    expect(rules.size).toBeGreaterThanOrEqual(3);
    const weak = alerts.filter(one => alert?.risk?.contributions.some(item => item.alert_id === one.id));
    expect(weak.length).toBeGreaterThanOrEqual(3);
    expect(weak.every(one => one.rule.level === 'low' || one.rule.level === 'informational')).toBe(true);
  });

  it('those of ordinary work do not', async () => {
    const { alerts } = await replayFolder('captures/benign');
    expect(alerts.length).toBeGreaterThan(0);
    expect(alerts.filter(one => one.risk !== undefined)).toEqual([]);
  });
});

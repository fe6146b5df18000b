import { describe, expect, it } from 'vitest';
import { Detector } from '../../src/detection/detector.ts';
import type { Observation } from '../../src/model/observation.ts';
import type { Finding } from '../../src/rules/finding.ts';
import type { Rule } from '../../src/rules/rule.ts';
import {
  branch,
  exec,
  flow,
  makeProcess,
  named,
  nameOf,
  rule,
  seconds,
  sequence,
  step,
} from '../support/observations.ts';

const p = makeProcess('p', { pod: 'shop/cart' });
const feed = (detector: Detector, events: readonly Observation[]): Finding[] =>
  events.flatMap(event => [...detector.step(event)]);
const script = (text: string): Observation[] => text.split(' ').map(word => exec(Number(word.slice(1)), word, p));
const triggers = (findings: readonly Finding[]): string[] => findings.map(finding => nameOf(finding.trigger));
const counting = (more: Partial<Rule>): Rule => rule({ branches: [branch(named('a'))], ...more });

describe('single events', () => {
  it('makes one finding an event and rule, with the first branch that matches', () => {
    const any = rule({ branches: [branch(named('a', 'b'), 'one'), branch(named('b', 'c'), 'two')] });
    const findings = feed(new Detector([any]), script('a1 b2 c3 d4'));
    expect(findings.map(finding => [nameOf(finding.trigger), finding.branch])).toEqual([
      ['a1', 'one'],
      ['b2', 'one'],
      ['c3', 'two'],
    ]);
    expect(findings[0]).toMatchObject({ key: 'p', confidence: 'high', matches: 1, rule: any });
  });

  it('lets several rules fire on one event, in their order', () => {
    const rules = [counting({ id: 'one' }), counting({ id: 'two' })];
    expect(feed(new Detector(rules), script('a1')).map(finding => finding.rule.id)).toEqual(['one', 'two']);
  });

  it('has low confidence in a flow that only its pod is known of', () => {
    const detector = new Detector([counting({})]);
    expect(feed(detector, [flow(1, 'a', { pod: 'shop/cart' })])[0]).toMatchObject({
      confidence: 'low',
      key: 'shop/cart',
    });
    expect(feed(detector, [flow(1, 'a', { process: p })])[0]).toMatchObject({ confidence: 'high', key: 'p' });
  });

  it('gives the same empty array when there is nothing', () => {
    const detector = new Detector([counting({})]);
    expect(detector.step(exec(1, 'b', p))).toBe(detector.step(exec(2, 'c', p)));
  });

  it('suppresses and counts exceptions', () => {
    const detector = new Detector([counting({ excepted: observation => nameOf(observation) === 'a1' })]);
    expect(triggers(feed(detector, script('a1 a2')))).toEqual(['a2']);
    expect(detector.stats().totals).toMatchObject({ matched: 2, excepted: 1, findings: 1 });
  });

  it('an excepted event fills no step, but still forbids and forgets', () => {
    const excepted = () => true;
    const spec = sequence([step('a'), step('x', { absent: true }), step('b')], { until: named('u') });
    const only = (name: string): Rule =>
      rule({ sequence: spec, excepted: observation => nameOf(observation).startsWith(name) });
    expect(feed(new Detector([rule({ sequence: spec, excepted })]), script('a1 b2'))).toEqual([]);
    expect(feed(new Detector([only('x')]), script('a1 x2 b3'))).toEqual([]);
    expect(feed(new Detector([only('u')]), script('a1 u2 b3'))).toEqual([]);
  });
});

describe('thresholds', () => {
  const count = (more: object) => ({ gte: 3, distinct: null, by: [], within: seconds(10), ...more });

  it('fires on the edge and re-arms when the condition has been false', () => {
    const detector = new Detector([counting({ count: count({}) })]);
    expect(triggers(feed(detector, script('a0 a1 a2 a3 a4 a20 a21 a22 a23')))).toEqual(['a2', 'a22']);
  });

  it('is over a window that is open at its far end', () => {
    expect(feed(new Detector([counting({ count: count({}) })]), script('a0 a5 a10'))).toEqual([]);
    expect(triggers(feed(new Detector([counting({ count: count({}) })]), script('a0.001 a5 a10')))).toEqual(['a10']);
  });

  it('re-arms when the window emptied between two matches', () => {
    const detector = new Detector([counting({ count: count({ gte: 1 }) })]);
    expect(triggers(feed(detector, script('a0 a1 a5 a16 a26')))).toEqual(['a0', 'a16']);
  });

  it('counts a key each', () => {
    const q = makeProcess('q', { pod: 'shop/web' });
    const detector = new Detector([counting({ count: count({ gte: 2, by: ['pod.name'] }) })]);
    const events = [exec(1, 'a1', p), exec(2, 'a2', q), exec(3, 'a3', null), exec(4, 'a4', p)];
    const [finding, ...more] = feed(detector, events);
    expect(more).toEqual([]);
    expect(finding).toMatchObject({ key: 'cart', matches: 2 });
    expect(finding?.evidence.map(item => nameOf(item.observation))).toEqual(['a1', 'a4']);
  });

  it('counts distinct values by their last occurrence', () => {
    const by = (binary: string) => makeProcess(binary, { binary });
    const detector = new Detector([counting({ count: count({ gte: 2, distinct: 'process.binary' }) })]);
    const id = by('id');
    const findings = feed(detector, [exec(0, 'a0', id), exec(9, 'a9', id), exec(12, 'a12', by('ps'))]);
    expect(triggers(findings)).toEqual(['a12']);
  });

  it('asks for even intervals where jitter is given, and takes what comes within a second as one', () => {
    const beacon = () => new Detector([counting({ count: count({ gte: 5, within: seconds(1_000), jitter: 0.2 }) })]);
    expect(triggers(feed(beacon(), script('a0 a100 a203 a295 a400')))).toEqual(['a400']);
    expect(triggers(feed(beacon(), script('a0 a0.3 a100 a100.2 a203 a295 a400')))).toEqual(['a400']);
    expect(feed(beacon(), script('a0 a10 a203 a215 a400'))).toEqual([]);
    // Uneven at first, then even: five of them in a row decide.
    expect(triggers(feed(beacon(), script('a0 a10 a110 a210 a310 a410')))).toEqual(['a410']);
  });

  it('keeps fewer keys the more matches each may hold', () => {
    const detector = new Detector([counting({ count: count({ gte: 8_000, by: ['process.exec_id'] }) })]);
    feed(
      detector,
      Array.from({ length: 50 }, (_, i) => exec(i / 100, 'a', makeProcess(`p-${i}`, { pod: 'shop/x' }))),
    );
    expect(detector.stats().totals).toMatchObject({ partials: 2, evicted: 48 });
  });

  it('fires once as a late match completes it', () => {
    const detector = new Detector([counting({ count: count({}) })]);
    expect(triggers(feed(detector, script('a5 a6 a4 a7')))).toEqual(['a4']);
  });
});

describe('first seen', () => {
  const firstSeen = { fields: ['process.binary'], by: ['pod.name'], learn: seconds(100) };
  const run = (binary: string, pod: string) => makeProcess(`${binary} ${pod}`, { binary, pod });

  it('fires for a new combination after the learning time, a key each', () => {
    const detector = new Detector([counting({ firstSeen })]);
    const findings = feed(detector, [
      exec(0, 'a0', run('nginx', 'shop/web')),
      exec(50, 'a50', run('sh', 'shop/web')),
      exec(120, 'a120', run('sh', 'shop/web')),
      exec(130, 'a130', run('curl', 'shop/web')),
      exec(131, 'a131', run('curl', 'shop/web')),
      exec(140, 'a140', run('curl', 'shop/new')),
    ]);
    expect(triggers(findings)).toEqual(['a130']);
  });

  it('learns from a boot scan, which begins no watch', () => {
    const detector = new Detector([counting({ firstSeen })]);
    const old = run('nginx', 'shop/web');
    old.facts = { ...old.facts, flags: 'procFS' };
    const findings = feed(detector, [
      exec(-9_999, 'a', old),
      exec(0, 'a0', run('sh', 'shop/web')),
      exec(101, 'a101', run('nginx', 'shop/web')),
      exec(102, 'a102', run('curl', 'shop/web')),
    ]);
    expect(triggers(findings)).toEqual(['a102']);
  });

  it('is bounded, and counts what it forgets', () => {
    const detector = new Detector([counting({ firstSeen: { ...firstSeen, learn: 0 } })], {
      limits: { perRule: 100, perOwner: 5 },
    });
    feed(
      detector,
      Array.from({ length: 20 }, (_, i) => exec(i, 'a', run(`/bin/${i}`, 'shop/web'))),
    );
    // Five combinations, and the key that they are of.
    expect(detector.stats().totals).toMatchObject({ findings: 20, evicted: 15, partials: 6 });
  });
});

describe('rules that fail', () => {
  it('are counted, switched off with their reason, and stop no other', () => {
    const bad = rule({
      id: 'bad',
      branches: [
        branch({
          ...named('a'),
          test: () => {
            throw new Error('cannot read this');
          },
        }),
      ],
    });
    const detector = new Detector([bad, counting({ id: 'good' })]);
    const findings = feed(
      detector,
      Array.from({ length: 30 }, (_, i) => exec(i, 'a', p)),
    );
    expect(findings).toHaveLength(30);
    const { rules, failed } = detector.stats();
    expect(failed).toBe(1);
    expect(rules[0]).toMatchObject({ id: 'bad', failures: 10, error: 'cannot read this' });
  });

  it('includes those that cannot be set up at all', () => {
    const bad = rule({ sequence: sequence([step('x', { absent: true })]) });
    const detector = new Detector([bad, counting({})]);
    expect(feed(detector, script('a1'))).toHaveLength(1);
    expect(detector.stats().rules[0]?.error).toContain('needs a step');
    const long = new Detector([rule({ sequence: sequence([step('a', { runs: 1_000_000 })]) })]);
    expect(long.stats().rules[0]?.error).toContain('200 stages');
  });
});

describe('what rules cost', () => {
  const cheap = counting({ id: 'cheap' });
  let now = 0;
  const slow = rule({
    id: 'slow',
    branches: [
      branch({
        ...named('a'),
        test: () => {
          now += 10;
          return false;
        },
      }),
    ],
  });

  it('is timed rule by rule, on every so many of the events that they look at', () => {
    for (const every of [1, 5]) {
      now = 0;
      const detector = new Detector([cheap, slow], { timing: { clock: () => now, every } });
      feed(
        detector,
        Array.from({ length: 20 }, (_, i) => exec(i, 'a', p)),
      );
      const stats = detector.stats();
      expect(stats.rules.map(({ id, seconds }) => [id, seconds])).toEqual([
        ['cheap', 0],
        ['slow', 0.2],
      ]);
      expect(stats.totals.seconds).toBe(0.2);
    }
  });

  it('changes nothing that is found', () => {
    const rules = [cheap, rule({ sequence: sequence([step('a'), step('b')]) }), slow];
    const events = script('a1 b2 c3 a4 a5 b6');
    const timed = new Detector(rules, { timing: { clock: () => now, every: 2 } });
    expect(feed(timed, events)).toEqual(feed(new Detector(rules), events));
  });
});

describe('reload', () => {
  const spec = sequence([step('a'), step('b')]);

  it('keeps the state of rules whose content is unchanged, and uses the new rule', () => {
    const detector = new Detector([rule({ id: 'r', sequence: spec }), counting({ id: 'gone' })]);
    feed(detector, script('a1'));
    const reloaded = rule({ id: 'r', sequence: spec, file: 'moved.yml' });
    detector.replaceRules([counting({ id: 'new' }), reloaded]);
    const [finding] = feed(detector, script('b2'));
    expect(finding?.rule).toBe(reloaded);
    expect(detector.stats().rules.map(stats => [stats.id, stats.findings])).toEqual([
      ['new', 0],
      ['r', 1],
    ]);
  });

  it('forgets the state of a rule whose content changed', () => {
    const detector = new Detector([rule({ id: 'r', hash: 'one', sequence: spec })]);
    feed(detector, script('a1'));
    detector.replaceRules([rule({ id: 'r', hash: 'two', sequence: spec })]);
    expect(feed(detector, script('b2'))).toEqual([]);
  });
});

describe('bounds', () => {
  const limits = { perRule: 20, perOwner: 5 };
  const process = (id: string, pod: string) => makeProcess(id, { pod });

  it('one pod cannot push out another', () => {
    const detector = new Detector([rule({ sequence: sequence([step('a'), step('b')]) })], { limits });
    const quiet = process('quiet', 'shop/quiet');
    const loud = Array.from({ length: 1_000 }, (_, i) => exec(1 + i / 1_000, 'a', process(`loud-${i}`, 'shop/loud')));
    expect(triggers(feed(detector, [exec(0, 'a', quiet), ...loud, exec(3, 'b3', quiet)]))).toEqual(['b3']);
    expect(detector.stats().totals).toMatchObject({ partials: 5, evicted: 995 });
  });

  it('one noisy pod cannot push out what another has taught a first-seen rule, nor what was counted of it', () => {
    const run = (binary: string, pod: string) => makeProcess(`${binary} ${pod}`, { binary, pod });
    const noise = Array.from({ length: 1_000 }, (_, i) => exec(2 + i / 1_000, 'a', run(`/bin/${i}`, 'shop/loud')));
    const news = counting({ firstSeen: { fields: ['process.binary'], by: ['pod.name'], learn: seconds(1) } });
    const detector = new Detector([news], { limits });
    feed(detector, [exec(0, 'a', run('/bin/known', 'shop/quiet')), ...noise]);
    const told = feed(detector, [
      exec(9, 'a9', run('/bin/known', 'shop/quiet')),
      exec(10, 'a10', run('/bin/new', 'shop/quiet')),
    ]);
    expect(triggers(told)).toEqual(['a10']);
    expect(detector.stats().rules[0]?.evicted).toBe(995);

    const by = ['process.exec_id'];
    const counted = new Detector([counting({ count: { gte: 2, distinct: null, by, within: seconds(60) } })], {
      limits,
    });
    const quiet = run('/bin/known', 'shop/quiet');
    expect(triggers(feed(counted, [exec(0, 'a0', quiet), ...noise, exec(9, 'a9', quiet)]))).toEqual(['a9']);
    expect(counted.stats().rules[0]?.evicted).toBe(995);
  });

  it('keeps to the limit of the whole rule', () => {
    const detector = new Detector([rule({ sequence: sequence([step('a'), step('b')]) })], { limits });
    feed(
      detector,
      Array.from({ length: 100 }, (_, i) => exec(i / 100, 'a', process(`p-${i}`, `shop/pod-${i}`))),
    );
    expect(detector.stats().totals).toMatchObject({ partials: 20, evicted: 80 });
  });

  it('drops what no event can continue without counting it as lost', () => {
    const detector = new Detector([rule({ sequence: sequence([step('a'), step('b')], { within: seconds(1) }) })]);
    feed(detector, [
      ...Array.from({ length: 100 }, (_, i) => exec(i / 1_000, 'a', process(`p-${i}`, 'shop/x'))),
      exec(9, 'c', p),
    ]);
    expect(detector.stats().totals).toMatchObject({ partials: 0, evicted: 0 });
  });
});

import { describe, expect, it } from 'vitest';
import { Detector } from '../../src/detection/detector.ts';
import type { Observation } from '../../src/model/observation.ts';
import type { Finding } from '../../src/rules/finding.ts';
import type { SequenceSpec, SequenceStep } from '../../src/rules/rule.ts';
import { at, exec, flow, makeProcess, named, nameOf, rule, seconds, sequence, step } from '../support/observations.ts';

const p = makeProcess('p', { pod: 'shop/cart' });
const q = makeProcess('q', { pod: 'shop/cart' });

function run(spec: SequenceSpec, events: readonly Observation[], advance?: number): Finding[] {
  const detector = new Detector([rule({ sequence: spec })]);
  const findings = events.flatMap(event => [...detector.step(event)]);
  return advance === undefined ? findings : [...findings, ...detector.advance(at(advance))];
}

const names = (findings: readonly Finding[]): string[] =>
  findings.map(finding => finding.evidence.map(item => nameOf(item.observation)).join(' '));

/** Events `a1 b2`: name and time in seconds, all by p. */
const script = (text: string): Observation[] => text.split(' ').map(word => exec(Number(word.slice(1)), word, p));

const steps = (text: string): SequenceStep[] =>
  text.split(' ').map(word => (word.startsWith('!') ? step(word.slice(1), { absent: true }) : step(word)));

describe('order and keys', () => {
  it('joins steps of one process in order', () => {
    expect(names(run(sequence(steps('a b')), script('b0 a1 c2 b3')))).toEqual(['a1 b3']);
  });

  it('keeps processes apart', () => {
    expect(run(sequence(steps('a b')), [exec(1, 'a1', p), exec(2, 'b2', q)])).toEqual([]);
  });

  it('never joins a null key', () => {
    expect(run(sequence(steps('a b')), [exec(1, 'a1', null), exec(2, 'b2', null)])).toEqual([]);
  });

  it('lets the newest beginning overwrite', () => {
    expect(names(run(sequence(steps('a b')), script('a1 a2 b3 b4')))).toEqual(['a2 b3']);
  });

  it('lets an event end one sequence and begin another, but fill one step of each', () => {
    const spec = sequence([step('x', named('a')), step('y', named('a'))]);
    expect(names(run(spec, script('a1 a2 a3')))).toEqual(['a1 a2', 'a2 a3']);
  });

  it('does not match a c b as a b c', () => {
    expect(run(sequence(steps('a b c')), script('a1 c2 b3'))).toEqual([]);
  });

  it('measures the span from the first event, its end included', () => {
    const spec = sequence(steps('a b c'), { within: seconds(10) });
    expect(names(run(spec, script('a0 b5 c10')))).toEqual(['a0 b5 c10']);
    expect(run(spec, script('a0 b5 c10.000001'))).toEqual([]);
  });

  it('does not let an event that is earlier than its predecessor join', () => {
    expect(run(sequence(steps('a b')), script('a5 b4'))).toEqual([]);
  });

  it('joins by fields, each step by its own', () => {
    const spec = sequence([step('a', { by: ['process.exec_id'] }), step('b', { by: ['parent.exec_id'] })], {
      by: { type: 'fields', fields: ['process.exec_id'] },
    });
    const child = makeProcess('child', { parent: p });
    expect(names(run(spec, [exec(1, 'a1', p), exec(2, 'b2', q), exec(3, 'b3', child)]))).toEqual(['a1 b3']);
  });

  it('joins by pod and by node', () => {
    const elsewhere = makeProcess('r', { pod: 'shop/web' });
    const events = [exec(1, 'a1', p), exec(2, 'b2', elsewhere), exec(3, 'b3', q)];
    expect(names(run(sequence(steps('a b'), { by: { type: 'pod' } }), events))).toEqual(['a1 b3']);
    expect(names(run(sequence(steps('a b'), { by: { type: 'node' } }), events))).toEqual(['a1 b2']);
  });
});

describe('runs, counts, until', () => {
  it('wants a step n times', () => {
    const spec = sequence([step('a'), step('b', { runs: 3 })]);
    expect(run(spec, script('a0 b1 b2'))).toEqual([]);
    const [finding] = run(spec, script('a0 b1 b2 b3'));
    expect(finding?.matches).toBe(4);
    expect(finding?.evidence.map(item => item.step)).toEqual(['a', 'b', 'b', 'b']);
  });

  it('counts distinct values within a step', () => {
    const spec = sequence([step('a', { count: { distinct: 'process.binary', gte: 3 } }), step('b')], {
      by: { type: 'pod' },
    });
    const by = (binary: string) => makeProcess(binary, { binary, pod: 'shop/cart' });
    const some = [exec(1, 'a1', by('id')), exec(2, 'a2', by('id')), exec(3, 'a3', by('ps')), exec(4, 'b4', p)];
    expect(run(spec, some)).toEqual([]);
    const enough = [...some.slice(0, 3), exec(4, 'a4', by('id')), exec(5, 'a5', by('df')), exec(6, 'b6', p)];
    expect(names(run(spec, enough))).toEqual(['a3 a4 a5 b6']);
  });

  it('forgets at until, which itself may begin anew', () => {
    const spec = sequence(steps('a b'), { until: named('u') });
    expect(names(run(spec, script('a1 u2 b3 a4 b5 u6')))).toEqual(['a4 b5']);
    expect(run(sequence(steps('a b'), { until: named('b') }), script('a1 b2'))).toEqual([]);
  });
});

describe('absent steps', () => {
  it('in the middle: must not happen between neighbours', () => {
    const spec = sequence(steps('a !x b'));
    expect(names(run(spec, script('x0 a1 b2')))).toEqual(['a1 b2']);
    expect(run(spec, script('a1 x2 b3'))).toEqual([]);
    expect(names(run(spec, script('a1 x2 a3 b4')))).toEqual(['a3 b4']);
  });

  it('is judged between its neighbours only', () => {
    expect(names(run(sequence(steps('a !x b c')), script('a1 b2 x3 c4')))).toEqual(['a1 b2 c4']);
  });

  it('does not forbid what the same event begins', () => {
    const spec = sequence([step('a'), step('x', { ...named('a'), absent: true }), step('b')]);
    expect(names(run(spec, script('a1 b2')))).toEqual(['a1 b2']);
  });

  it('first: must not have happened within the window before', () => {
    const spec = sequence(steps('!x a b'), { within: seconds(10) });
    expect(names(run(spec, script('a1 b2')))).toEqual(['a1 b2']);
    expect(run(spec, script('x0 a10 b11'))).toEqual([]);
    expect(names(run(spec, script('x0 a10.5 b11')))).toEqual(['a10.5 b11']);
  });

  it('last: decided when the window has passed the watermark', () => {
    const spec = sequence(steps('a b !x'), { within: seconds(10) });
    expect(run(spec, script('a0 b1 c10'))).toEqual([]);
    expect(names(run(spec, script('a0 b1 c10.5')))).toEqual(['a0 b1']);
    expect(run(spec, script('a0 b1 x10 c20'))).toEqual([]);
    expect(names(run(spec, script('a0 b1'), 11))).toEqual(['a0 b1']);
  });

  it('last: a steady stream does not put off the decision', () => {
    const spec = sequence(steps('a !x'), { within: seconds(10) });
    expect(names(run(spec, script('a0 a3 a6 a9 a12')))).toEqual(['a0']);
  });
});

describe('process trees', () => {
  const shell = makeProcess('shell', { parent: p });
  const curl = makeProcess('curl', { parent: shell });
  const spec = sequence(steps('a b'), { by: { type: 'process_tree' } });

  it('accepts the same process and descendants, not parents or siblings', () => {
    expect(names(run(spec, [exec(1, 'a1', p), exec(2, 'b2', curl)]))).toEqual(['a1 b2']);
    expect(names(run(spec, [exec(1, 'a1', p), exec(2, 'b2', p)]))).toEqual(['a1 b2']);
    expect(run(spec, [exec(1, 'a1', shell), exec(2, 'b2', p)])).toEqual([]);
    expect(run(spec, [exec(1, 'a1', q), exec(2, 'b2', curl)])).toEqual([]);
  });

  it('accepts the image that replaced an earlier one', () => {
    const replacement = makeProcess('replacement', { parent: p, replaced: shell });
    expect(names(run(spec, [exec(1, 'a1', shell), exec(2, 'b2', replacement)]))).toEqual(['a1 b2']);
  });

  it('finds one story once, by its nearest beginning', () => {
    const [finding, ...more] = run(spec, [exec(1, 'a1', p), exec(2, 'a2', shell), exec(3, 'b3', curl)]);
    expect(more).toEqual([]);
    expect(finding?.key).toBe('shell');
  });

  it('survives a cycle in the ancestry', () => {
    const loop = makeProcess('loop');
    loop.parent = loop;
    expect(names(run(spec, [exec(1, 'a1', loop), exec(2, 'b2', loop)]))).toEqual(['a1 b2']);
  });
});

describe('flows', () => {
  const spec = sequence(steps('a f'), { fallback: 'pod' });

  it('joins an unattributed flow by pod only where asked, with low confidence', () => {
    const events = [exec(1, 'a1', p), flow(2, 'f2', { pod: 'shop/cart' })];
    const [finding] = run(spec, events);
    expect(finding).toMatchObject({ confidence: 'low', key: 'p' });
    expect(run(sequence(steps('a f')), events)).toEqual([]);
    expect(run(spec, [exec(1, 'a1', p), flow(2, 'f2', { pod: 'shop/web' })])).toEqual([]);
  });

  it('a guess does not use up what the true flow completes, and is made once', () => {
    const pod = 'shop/cart';
    const events = [
      exec(1, 'a1', p),
      flow(2, 'f2', { pod }),
      flow(3, 'f3', { pod }),
      flow(4, 'f4', { process: p, pod }),
    ];
    expect(run(spec, events).map(finding => [nameOf(finding.trigger), finding.confidence])).toEqual([
      ['f2', 'low'],
      ['f4', 'high'],
    ]);
  });

  it('guesses the newest story of the pod, not one that is too old or that took a guess before', () => {
    const within = { fallback: 'pod', within: seconds(20) } as const;
    const unknown = (time: number, name: string) => flow(time, name, { pod: 'shop/cart' });
    // Of two that wait, that of p began its last step later, but too long ago.
    const old = [exec(0, 'a0', p), exec(9, 'a9', q), exec(12, 'a12', q), exec(18, 'a18', p), unknown(22, 'f22')];
    expect(names(run(sequence(steps('a a f'), within), old))).toEqual(['a9 a12 f22']);
    // What began with a flow of nobody took p's event; the next flow of nobody belongs to q.
    const taken = [unknown(1, 'a1'), exec(2, 'a2', q), exec(3, 'b3', p), unknown(4, 'b4'), exec(5, 'c5', q)];
    expect(names(run(sequence(steps('a b c'), within), taken))).toEqual(['a2 b4 c5']);
  });

  it('an attributed flow of another process does not join by pod', () => {
    expect(run(spec, [exec(1, 'a1', p), flow(2, 'f2', { process: q, pod: 'shop/cart' })])).toEqual([]);
  });

  it('an unattributed flow that came first joins a process of its pod', () => {
    const [finding] = run(sequence(steps('f a'), { fallback: 'pod' }), [
      flow(1, 'f1', { pod: 'shop/cart' }),
      exec(2, 'a2', p),
    ]);
    expect(finding?.confidence).toBe('low');
  });

  it('follows connections from pod to pod', () => {
    const inDb = makeProcess('db', { pod: 'shop/db' });
    const inVault = makeProcess('vault', { pod: 'shop/vault' });
    const chain = sequence(steps('f a f b'), { by: { type: 'connection' } });
    const events = [
      flow(1, 'f1', { from: 'shop/cart', to: 'shop/db', pod: 'shop/cart' }),
      exec(2, 'a2', inDb),
      flow(3, 'f3', { from: 'shop/db', to: 'shop/vault', pod: 'shop/vault' }),
      exec(4, 'b4', inVault),
    ];
    expect(names(run(chain, events))).toEqual(['f1 a2 f3 b4']);
    expect(run(chain, [events[0]!, exec(2, 'a2', p), events[2]!, events[3]!])).toEqual([]);
  });
});

describe('what is kept', () => {
  it('detaches records that it keeps', () => {
    const [finding] = run(sequence(steps('a b')), script('a1 b2'));
    expect(finding?.evidence[0]?.observation.event.raw).toMatchObject({ detached: true });
  });

  it('bounds evidence, with every step and the trigger in it', () => {
    const spec = sequence([step('a', { runs: 100 }), step('b')]);
    const [finding] = run(spec, [...Array.from({ length: 100 }, (_, i) => exec(i / 10, 'a', p)), exec(11, 'b', p)]);
    expect(finding?.matches).toBe(101);
    expect(finding?.evidence).toHaveLength(64);
    expect(finding?.evidence.at(-1)?.observation).toMatchObject({ seq: finding?.trigger.seq });
  });
});

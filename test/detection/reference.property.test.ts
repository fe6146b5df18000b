/** Rules over shuffled arrivals against a plain reading of what they mean, over the events in order of time. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Orderer } from '../../src/context/order.ts';
import { Detector } from '../../src/detection/detector.ts';
import type { Event } from '../../src/model/event.ts';
import type { Observation } from '../../src/model/observation.ts';
import type { Process } from '../../src/model/process.ts';
import type { Rule } from '../../src/rules/rule.ts';
import {
  at,
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
import { binaryOf, cwdOf, type Happening, type StoryBy, storiesOf } from '../support/story-reference.ts';

const LATENESS_SECONDS = 2;
const NAMES = ['a', 'b', 'c', 'd'] as const;
type Name = (typeof NAMES)[number];
/** A tree of three in one pod, one that stands alone in it, one elsewhere. */
const root = makeProcess('root', { pod: 'shop/cart', binary: '/bin/x' });
const child = makeProcess('child', { parent: root, binary: '/bin/y' });
const grandchild = makeProcess('grandchild', { parent: child, binary: '/bin/z' });
const PROCESSES: readonly (Process | null)[] = [
  root,
  child,
  grandchild,
  makeProcess('lone', { pod: 'shop/cart', binary: '/bin/x' }),
  makeProcess('other', { pod: 'shop/web', binary: '/bin/y' }),
  null,
];
const FOLDERS = ['/bin/y', '/bin/x', '/bin/z', '/bin/x', '', ''];
for (const [i, process] of PROCESSES.entries())
  if (process !== null) process.facts = { ...process.facts, cwd: FOLDERS[i]! };

function counts(events: readonly Happening[], gte: number, within: number): string[] {
  const found: string[] = [];
  const armed = new Map<string, boolean>();
  for (const [i, event] of events.entries()) {
    const pod = event.pod;
    if (pod === null || event.name !== 'a') continue;
    const past = events.slice(0, i).filter(one => one.pod === pod && one.name === 'a');
    if (past.filter(one => event.time - one.time <= within).length < gte) armed.set(pod, true);
    const isMet = past.filter(one => event.time - one.time < within).length + 1 >= gte;
    if (isMet && armed.get(pod) === true) found.push(event.text);
    armed.set(pod, !isMet);
  }
  return found;
}

function firstSeen(events: readonly Happening[], learn: number): string[] {
  const known = events.filter(({ pod, process }) => pod !== null && process !== null);
  return known
    .filter((event, i) => {
      const past = known.slice(0, i).filter(one => one.pod === event.pod);
      const isNew = !past.some(one => binaryOf(one) === binaryOf(event));
      return isNew && event.time - (past[0] ?? event).time >= learn;
    })
    .map(({ text }) => text);
}

const PODS = ['shop/cart', 'shop/web', 'shop/db', ''] as const;
const anyHappenings = fc.array(
  fc.record({
    gap: fc.integer({ min: 1, max: 2_000 }),
    name: fc.constantFrom(...NAMES),
    process: fc.nat(PROCESSES.length - 1),
    /** Exec, or a connection between two of these pods; '' is outside. */
    ends: fc.option(fc.tuple(fc.constantFrom(...PODS), fc.constantFrom(...PODS))),
    node: fc.constantFrom('n1', 'n2'),
    source: fc.constantFrom('tetragon', 'hubble'),
    delay: fc.integer({ min: 0, max: 999 }),
  }),
  { minLength: 1, maxLength: 50, size: 'max' },
);
type Arrival = typeof anyHappenings extends fc.Arbitrary<(infer T)[]> ? T : never;

const KEYS = { 'process.cwd': cwdOf, 'process.binary': binaryOf };
type Key = keyof typeof KEYS;
const anyKey = fc.constantFrom<Key>('process.cwd', 'process.binary');
const anySteps = fc
  .array(
    fc.record({
      name: fc.constantFrom(...NAMES),
      runs: fc.integer({ min: 1, max: 3 }),
      absent: fc.integer({ min: 0, max: 3 }).map(n => n === 0),
      distinct: fc.option(anyKey, { freq: 1 }),
      key: fc.option(anyKey),
    }),
    { minLength: 1, maxLength: 4 },
  )
  .filter(steps => steps.some(({ absent }) => !absent));

function observed(time: number, text: string, { process: index, ends, node }: Arrival): [Happening, Observation] {
  const process = PROCESSES[index]!;
  const pod = process?.pod ?? null;
  const own = pod === null ? null : `${pod.namespace}/${pod.name}`;
  const name = text.replace(/\d+$/, '');
  if (ends === null) {
    const seen = exec(time, text, process);
    const happening = { time: seconds(time), name, process, pod: own, node, connection: null, text };
    return [happening, { ...seen, event: { ...seen.event, node } as Event }];
  }
  const [from, to] = ends;
  // A flow of nobody is of the pod that it came from.
  const whose = own ?? (from === '' ? null : from);
  const seen = flow(time, text, {
    process,
    ...(whose === null ? {} : { pod: whose }),
    ...(from === '' ? {} : { from }),
    ...(to === '' ? {} : { to }),
  });
  const happening = { time: seconds(time), name, process, pod: whose, node, connection: { from, to }, text };
  return [happening, { ...seen, event: { ...seen.event, node } as Event }];
}

function compare(
  list: readonly Arrival[],
  tested: Rule,
  expected: (events: readonly Happening[]) => string[],
  textOf: (names: readonly string[]) => string,
): void {
  let time = 0;
  const arrivals = list.map((one, i) => {
    time += one.gap / 1_000;
    const [happening, observation] = observed(time, `${one.name}${i}`, one);
    return { happening, observation, source: one.source, arrives: time + (one.delay / 1_000) * LATENESS_SECONDS };
  });
  const byEvent = new Map<Event, Observation>(arrivals.map(({ observation }) => [observation.event, observation]));
  const orderer = new Orderer({ latenessMs: LATENESS_SECONDS * 1_000 });
  const ordered: Event[] = [];
  for (const { observation, source } of [...arrivals].sort((a, b) => a.arrives - b.arrives)) {
    orderer.push(observation.event, source);
    orderer.drain(ordered);
  }
  orderer.drain(ordered, true);
  const detector = new Detector([tested]);
  const findings = ordered.flatMap(event => [...detector.step(byEvent.get(event)!)]);
  findings.push(...detector.advance(at(1_000_000)));
  const found = findings.map(({ evidence, trigger }) =>
    textOf(tested.sequence === null ? [nameOf(trigger)] : evidence.map(({ observation }) => nameOf(observation))),
  );
  expect(found.sort()).toEqual(expected(arrivals.map(({ happening }) => happening)).sort());
}

const joined = (names: readonly string[]): string => names.join(' ');

describe('whatever order events arrive in within the lateness bound', () => {
  it.each<[StoryBy, boolean]>([
    ['process', false],
    ['process_tree', false],
    ['pod', false],
    ['node', false],
    ['connection', false],
    ['cwd', false],
    ['process', true],
    ['process_tree', true],
  ])('sequences by %s mean what they say (fallback: %s)', (by, fallback) => {
    fc.assert(
      fc.property(
        anyHappenings,
        anySteps,
        fc.integer({ min: 1, max: 40 }),
        fc.constantFrom<Name | 'none'>('d', 'none', 'none'),
        (list, steps, within, until) => {
          // Keys of their own make sense where the story is joined by a field.
          const keyOf = (key: Key | null): Key | null => (by === 'cwd' ? key : null);
          const spec = sequence(
            steps.map(({ name, runs, absent, distinct, key }, i) =>
              step(`s${i}`, {
                ...named(name),
                absent,
                ...(distinct === null ? { runs } : { count: { distinct, gte: runs } }),
                by: keyOf(key) === null ? null : [keyOf(key)!],
              }),
            ),
            {
              by: by === 'cwd' ? { type: 'fields', fields: ['process.cwd'] } : { type: by },
              within: seconds(within),
              until: until === 'none' ? null : named(until),
              fallback: fallback ? 'pod' : null,
            },
          );
          const story = {
            by,
            steps: steps.map(one => ({
              ...one,
              distinct: one.distinct === null ? undefined : KEYS[one.distinct],
              key: keyOf(one.key) === null ? undefined : KEYS[keyOf(one.key)!],
            })),
            within: seconds(within),
            until,
            fallback,
          };
          compare(list, rule({ sequence: spec }), events => storiesOf(events, story), joined);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('thresholds do', () => {
    fc.assert(
      fc.property(
        anyHappenings,
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 20 }),
        (list, gte, within) => {
          const count = { gte, distinct: null, by: ['pod.name'], within: seconds(within) };
          compare(
            list,
            rule({ branches: [branch(named('a'))], count }),
            all => counts(all, gte, seconds(within)),
            joined,
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  it('first sights do', () => {
    fc.assert(
      fc.property(anyHappenings, fc.integer({ min: 0, max: 30 }), (list, learn) => {
        const spec = { fields: ['process.binary'], by: ['pod.name'], learn: seconds(learn) };
        const tested = rule({ branches: [branch(named(...NAMES))], firstSeen: spec });
        compare(list, tested, all => firstSeen(all, seconds(learn)), joined);
      }),
      { numRuns: 300 },
    );
  });
});

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
  makeProcess,
  named,
  nameOf,
  rule,
  seconds,
  sequence,
  step,
} from '../support/observations.ts';

const LATENESS_SECONDS = 2;
const NAMES = ['a', 'b', 'c', 'd'] as const;
type Name = (typeof NAMES)[number];
type By = 'process' | 'process_tree' | 'pod';

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

interface Happening {
  readonly time: number;
  readonly name: Name;
  readonly process: Process | null;
  /** `name` and position: what findings are compared by. */
  readonly text: string;
}

interface Step {
  readonly name: Name;
  readonly runs: number;
  readonly absent: boolean;
}

function ancestry(process: Process | null): string[] {
  return process === null ? [] : [process.execId, ...ancestry(process.parent)];
}

const podOf = ({ process }: Happening): string | null => process?.pod?.name ?? null;

/** Keys that an event joins, nearest first, and the one under which it begins. */
function keysOf(by: By, event: Happening): string[] {
  if (by === 'process_tree') return ancestry(event.process);
  const key = by === 'pod' ? podOf(event) : (event.process?.execId ?? null);
  return key === null ? [] : [key];
}

interface Waiting {
  readonly filled: number;
  readonly key: string;
  readonly events: readonly Happening[];
}

function sequences(
  events: readonly Happening[],
  steps: readonly Step[],
  by: By,
  within: number,
  until: Name,
): string[] {
  const wanted: Name[] = [];
  /** Before position i, and at the end, these must not happen. */
  const forbidden: Name[][] = [[]];
  for (const { name, runs, absent } of steps) {
    if (absent) forbidden.at(-1)!.push(name);
    else for (let i = 0; i < runs; i++) forbidden.push([]) && wanted.push(name);
  }
  const found: string[] = [];
  const tell = ({ events: chain }: Waiting): void => void found.push(chain.map(({ text }) => text).join(' '));
  let waiting: Waiting[] = [];
  const inTime = (one: Waiting, time: number): boolean => time - one.events[0]!.time <= within;
  for (const [i, event] of [...events, { time: Number.POSITIVE_INFINITY } as Happening].entries()) {
    // A last absent step is decided when the window has passed.
    for (const one of waiting) if (one.filled === wanted.length && !inTime(one, event.time)) tell(one);
    waiting = waiting.filter(one => inTime(one, event.time));
    const keys = i === events.length ? [] : keysOf(by, event);
    if (event.name === until) waiting = waiting.filter(one => !keys.includes(one.key));
    const next: Waiting[] = [];
    let told = false;
    for (const key of keys) {
      for (const one of waiting.filter(item => item.key === key)) {
        if (one.filled < wanted.length && wanted[one.filled] === event.name) {
          const grown = { filled: one.filled + 1, key, events: [...one.events, event] };
          const isWhole = grown.filled === wanted.length;
          if (isWhole && forbidden.at(-1)!.length === 0) {
            // One event ends one story, that of the nearest beginning.
            if (!told) tell(grown);
            told = true;
          } else next.push(grown);
        } else if (!forbidden[one.filled]!.includes(event.name)) next.push(one);
      }
    }
    next.push(...waiting.filter(one => !keys.includes(one.key)));
    const [own] = keys;
    const isSeen = events
      .slice(0, i)
      .some(
        before =>
          forbidden[0]!.includes(before.name) &&
          event.time - before.time <= within &&
          keysOf(by, before)[0] !== undefined &&
          keys.includes(keysOf(by, before)[0]!),
      );
    if (own !== undefined && event.name === wanted[0] && !isSeen) {
      const begun = { filled: 1, key: own, events: [event] };
      if (wanted.length === 1 && forbidden.at(-1)!.length === 0) {
        if (!told) tell(begun);
      } else next.push(begun);
    }
    // One waits at a place and key: the newest, but what waits for its window to pass is not put off.
    waiting = next.filter(one => {
      const rivals = next.filter(other => other.filled === one.filled && other.key === one.key);
      const oldest = rivals.reduce((a, b) => (b.events.at(-1)!.time < a.events.at(-1)!.time ? b : a));
      const newest = rivals.reduce((a, b) => (b.events.at(-1)!.time > a.events.at(-1)!.time ? b : a));
      return one === (one.filled === wanted.length ? oldest : newest);
    });
  }
  return found;
}

function counts(events: readonly Happening[], gte: number, within: number): string[] {
  const found: string[] = [];
  const armed = new Map<string, boolean>();
  for (const [i, event] of events.entries()) {
    const pod = podOf(event);
    if (pod === null || event.name !== 'a') continue;
    const past = events.slice(0, i).filter(one => podOf(one) === pod && one.name === 'a');
    if (past.filter(one => event.time - one.time <= within).length < gte) armed.set(pod, true);
    const isMet = past.filter(one => event.time - one.time < within).length + 1 >= gte;
    if (isMet && armed.get(pod) === true) found.push(event.text);
    armed.set(pod, !isMet);
  }
  return found;
}

function firstSeen(events: readonly Happening[], learn: number): string[] {
  return events
    .filter((event, i) => {
      const past = events.slice(0, i).filter(one => podOf(one) !== null && podOf(one) === podOf(event));
      const isNew = !past.some(one => one.process!.facts.binary === event.process!.facts.binary);
      return podOf(event) !== null && isNew && event.time - (past[0] ?? event).time >= learn;
    })
    .map(({ text }) => text);
}

const anyHappenings = fc.array(
  fc.record({
    gap: fc.integer({ min: 1, max: 4_000 }),
    name: fc.constantFrom(...NAMES),
    process: fc.nat(PROCESSES.length - 1),
    source: fc.constantFrom('tetragon', 'hubble'),
    delay: fc.integer({ min: 0, max: 999 }),
  }),
  { minLength: 1, maxLength: 50 },
);
const anySteps = fc.array(
  fc.record({
    name: fc.constantFrom(...NAMES),
    runs: fc.integer({ min: 1, max: 2 }),
    absent: fc.boolean(),
  }),
  { minLength: 1, maxLength: 5 },
);

function compare(
  list: typeof anyHappenings extends fc.Arbitrary<infer T> ? T : never,
  tested: Rule,
  expected: (events: readonly Happening[]) => string[],
  textOf: (names: readonly string[]) => string,
): void {
  let time = 0;
  const arrivals = list.map(({ gap, name, process, source, delay }, i) => {
    time += gap / 1_000;
    const happening: Happening = { time: seconds(time), name, process: PROCESSES[process]!, text: `${name}${i}` };
    const observation = exec(time, happening.text, happening.process);
    return { happening, observation, source, arrives: time + (delay / 1_000) * LATENESS_SECONDS };
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
  it.each(['process', 'process_tree', 'pod'] as const)('sequences by %s mean what they say', by => {
    fc.assert(
      fc.property(
        anyHappenings,
        anySteps.filter(steps => steps.some(({ absent }) => !absent)),
        fc.integer({ min: 1, max: 30 }),
        fc.constantFrom<Name | 'none'>('d', 'none'),
        (list, steps, within, until) => {
          const spec = sequence(
            steps.map(({ name, ...more }, i) => step(`s${i}`, { ...named(name), ...more })),
            { by: { type: by }, within: seconds(within), until: until === 'none' ? null : named(until) },
          );
          compare(
            list,
            rule({ sequence: spec }),
            events => sequences(events, steps, by, seconds(within), until as Name),
            joined,
          );
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

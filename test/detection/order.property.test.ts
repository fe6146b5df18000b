import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Orderer } from '../../src/context/order.ts';
import { Detector } from '../../src/detection/detector.ts';
import type { Event } from '../../src/model/event.ts';
import type { Rule, SigmaCorrelation } from '../../src/rules/rule.ts';
import {
  branch,
  correlation,
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
const rules = [
  rule({
    id: 'sequence',
    sequence: sequence([step('a'), step('b', { absent: true }), step('c')], { within: seconds(20) }),
  }),
  rule({ id: 'absence', sequence: sequence([step('b'), step('c', { absent: true })], { within: seconds(5) }) }),
  rule({
    id: 'unheralded',
    sequence: sequence([step('a', { absent: true }), step('b'), step('c')], { within: seconds(6) }),
  }),
  rule({
    id: 'count',
    branches: [branch(named('a', 'c'))],
    count: { gte: 3, distinct: null, by: [], within: seconds(9) },
  }),
  rule({
    id: 'new',
    branches: [branch(named('a', 'b', 'c'))],
    firstSeen: { fields: ['process.exec_id'], by: [], learn: seconds(8) },
  }),
];
const correlated = (more: Partial<SigmaCorrelation>): Rule =>
  rule({ id: `correlated-${more.type}`, correlation: correlation(['a', 'b', 'c'], { timespan: seconds(9), ...more }) });
rules.push(
  correlated({ type: 'event_count', bounds: [{ comparison: 'eq', value: 3 }] }),
  correlated({ type: 'temporal' }),
  correlated({ type: 'temporal_ordered' }),
);
const processes = ['p', 'q', 'r'].map(id => makeProcess(id));

describe('arrival order within the lateness bound', () => {
  it('does not matter', () => {
    const anyEvents = fc.array(
      fc.record({
        gap: fc.integer({ min: 1, max: 3_000 }),
        name: fc.constantFrom('a', 'b', 'c'),
        process: fc.integer({ min: 0, max: 2 }),
        source: fc.constantFrom('tetragon', 'hubble'),
        delay: fc.double({ min: 0, max: 0.999, noNaN: true }),
      }),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(anyEvents, list => {
        let time = 0;
        const arrivals = list.map(({ gap, name, process, source, delay }, i) => {
          time += gap / 1_000;
          const observation = exec(time, `${name}${i}`, processes[process]!);
          return { observation, source, arrives: time + delay * LATENESS_SECONDS };
        });
        const byEvent = new Map(arrivals.map(({ observation }) => [observation.event, observation]));
        const run = (events: readonly Event[]): string[] => {
          const detector = new Detector(rules);
          const findings = events.flatMap(event => [...detector.step(byEvent.get(event)!)]);
          return findings.map(finding => `${finding.rule.id} ${nameOf(finding.trigger)} ${finding.from}`);
        };
        const orderer = new Orderer({ latenessMs: LATENESS_SECONDS * 1_000 });
        const ordered: Event[] = [];
        for (const { observation, source } of [...arrivals].sort((a, b) => a.arrives - b.arrives)) {
          orderer.push(observation.event, source);
          orderer.drain(ordered);
        }
        orderer.drain(ordered, true);
        expect(run(ordered)).toEqual(run(arrivals.map(({ observation }) => observation.event)));
      }),
      { numRuns: 300 },
    );
  });
});

describe('bounds', () => {
  it('hold whatever comes, and what is dropped is counted', () => {
    const limits = { perRule: 12, perOwner: 4 };
    const anyEvents = fc.array(
      fc.record({
        name: fc.constantFrom('a', 'b', 'c', 'd'),
        process: fc.integer({ min: 0, max: 40 }),
        pod: fc.integer({ min: 0, max: 6 }),
      }),
      { maxLength: 200 },
    );
    fc.assert(
      fc.property(anyEvents, list => {
        const all = [
          sequence([step('a'), step('b'), step('c')], { within: seconds(1_000) }),
          sequence([step('d', { absent: true }), step('a'), step('b'), step('c', { absent: true })], {
            within: seconds(1_000),
          }),
        ].map(spec => rule({ sequence: spec }));
        const counted = rule({
          branches: [branch(named('a', 'b'))],
          count: { gte: 4, distinct: null, by: ['process.exec_id'], within: seconds(1_000) },
        });
        const detector = new Detector([...all, counted], { limits });
        for (const [i, { name, process, pod }] of list.entries()) {
          detector.step(exec(i, name, makeProcess(`${pod}-${process}`, { pod: `shop/${pod}` })));
          for (const stats of detector.stats().rules) expect(stats.partials).toBeLessThanOrEqual(2 * limits.perRule);
        }
        const { totals } = detector.stats();
        expect(totals.failures).toBe(0);
      }),
      { numRuns: 100 },
    );
  });
});

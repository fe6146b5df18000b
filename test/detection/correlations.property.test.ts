/** Every type of correlation agrees with a plain reading of its definition: all of the past, looked at anew at every instant. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Detector } from '../../src/detection/detector.ts';
import type { CorrelationBound, CorrelationType, SigmaCorrelation } from '../../src/rules/rule.ts';
import { correlation, exec, makeProcess, nameOf, rule, seconds } from '../support/observations.ts';

interface Item {
  readonly time: number;
  readonly input: number;
  readonly value: number;
}

const NAMES = ['a', 'b', 'c'];

function compare(measure: number, { comparison, value }: CorrelationBound): boolean {
  const tests = { gt: measure > value, gte: measure >= value, lt: measure < value, lte: measure <= value };
  if (comparison === 'eq') return measure === value;
  return comparison === 'neq' ? measure !== value : tests[comparison];
}

function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const rank = (percent / 100) * (sorted.length - 1);
  const low = sorted[Math.floor(rank)] as number;
  return low + ((sorted[Math.ceil(rank)] as number) - low) * (rank - Math.floor(rank));
}

/** Inputs in their own order, each by a different event: the longest such run. */
function longest(items: readonly Item[]): number {
  const best: number[] = [];
  for (const [i, { input }] of items.entries()) {
    const before = items.slice(0, i).flatMap((item, j) => (item.input < input ? [best[j] as number] : []));
    best.push(1 + Math.max(0, ...before));
  }
  return Math.max(0, ...best);
}

function measure(type: CorrelationType, items: readonly Item[], percent: number): number {
  const values = items.map(item => item.value);
  const sum = values.reduce((a, b) => a + b, 0);
  switch (type) {
    case 'event_count':
      return items.length;
    case 'value_count':
      return new Set(values).size;
    case 'temporal':
      return new Set(items.map(item => item.input)).size;
    case 'temporal_ordered':
      return longest(items);
    case 'value_sum':
      return sum;
    case 'value_avg':
      return sum / items.length;
    default:
      return percentile(values, type === 'value_median' ? 50 : percent);
  }
}

/** Positions that fire. */
function oracle(items: readonly Item[], spec: SigmaCorrelation, span: number): number[] {
  const holds = (window: readonly Item[]): boolean =>
    window.length > 0 && spec.bounds.every(bound => compare(measure(spec.type, window, spec.percentile), bound));
  const fired: number[] = [];
  let armed = true;
  for (const [i, { time }] of items.entries()) {
    const past = items.slice(0, i);
    const previous = past.at(-1)?.time ?? Number.NEGATIVE_INFINITY;
    for (const left of past.map(item => item.time + span)) {
      if (left > previous && left < time && !holds(past.filter(item => item.time > left - span))) armed = true;
    }
    const now = holds(items.slice(0, i + 1).filter(item => item.time > time - span));
    if (now && armed) fired.push(i);
    armed = !now;
  }
  return fired;
}

const TYPES: readonly CorrelationType[] = [
  'event_count',
  'value_count',
  'temporal',
  'temporal_ordered',
  'value_sum',
  'value_avg',
  'value_percentile',
  'value_median',
];

describe('a correlation of type', () => {
  it.each(TYPES)('%s agrees with its definition', type => {
    const anyItems = fc.array(
      fc.record({
        gap: fc.integer({ min: 0, max: 4 }),
        input: fc.integer({ min: 0, max: 2 }),
        value: fc.integer({ min: 0, max: 5 }),
      }),
      { maxLength: 50 },
    );
    const anyBounds = fc.array(
      fc.record({
        comparison: fc.constantFrom('gt', 'gte', 'lt', 'lte', 'eq', 'neq'),
        value: fc.integer({ min: 0, max: 6 }),
      }),
      { minLength: 1, maxLength: 2 },
    );
    const valued = type.startsWith('value_');
    fc.assert(
      fc.property(
        anyItems,
        anyBounds,
        fc.integer({ min: 1, max: 12 }),
        fc.constantFrom(0, 25, 90, 100),
        (gaps, bounds, span, percent) => {
          let time = 0;
          const items = gaps.map(({ gap, input, value }) => {
            time += gap;
            return { time, input, value };
          });
          const base = correlation(NAMES, { type, bounds, timespan: seconds(span), percentile: percent });
          const inputs = base.inputs.map(input => (valued ? { ...input, values: ['process.cwd'] } : input));
          const spec = { ...base, inputs };
          const detector = new Detector([rule({ correlation: spec })]);
          const found = items.flatMap((item, i) => {
            const process = makeProcess('p');
            process.facts = { ...process.facts, cwd: String(item.value) };
            const observation = exec(item.time, `${NAMES[item.input]}${i}`, process);
            return detector.step(observation).map(finding => Number(nameOf(finding.trigger).slice(1)));
          });
          expect(found).toEqual(oracle(items, spec, span));
          expect(detector.stats().totals.failures).toBe(0);
        },
      ),
      { numRuns: 400 },
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Detector } from '../../src/detection/detector.ts';
import { branch, exec, makeProcess, named, nameOf, rule, seconds } from '../support/observations.ts';

interface Item {
  readonly time: number;
  readonly value: string;
}

/** Positions that fire, by counting the whole past anew for each match. */
function oracle(items: readonly Item[], gte: number, within: number, distinct: boolean): number[] {
  const size = (list: readonly Item[]): number => (distinct ? new Set(list.map(item => item.value)).size : list.length);
  const fired: number[] = [];
  let armed = true;
  for (const [i, { time }] of items.entries()) {
    const past = items.slice(0, i);
    // The window just before this match had not yet lost what is exactly `within` old.
    if (size(past.filter(item => item.time >= time - within)) < gte) armed = true;
    const isMet = size(items.slice(0, i + 1).filter(item => item.time > time - within)) >= gte;
    if (isMet && armed) fired.push(i);
    armed = !isMet;
  }
  return fired;
}

describe('thresholds', () => {
  it('agree with counting the whole past for each match', () => {
    const anyItems = fc.array(
      fc.record({ gap: fc.integer({ min: 0, max: 4 }), value: fc.constantFrom('x', 'y', 'z') }),
      {
        maxLength: 60,
      },
    );
    fc.assert(
      fc.property(
        anyItems,
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 12 }),
        fc.boolean(),
        (gaps, gte, within, distinct) => {
          let time = 0;
          const items = gaps.map(({ gap, value }) => {
            time += gap;
            return { time, value };
          });
          const count = { gte, distinct: distinct ? 'process.binary' : null, by: [], within: seconds(within) };
          const detector = new Detector([rule({ branches: [branch(named('a'))], count })]);
          const found = items.flatMap((item, i) =>
            detector
              .step(exec(item.time, `a${i}`, makeProcess('p', { binary: item.value })))
              .map(finding => Number(nameOf(finding.trigger).slice(1))),
          );
          expect(found).toEqual(oracle(items, gte, within, distinct));
        },
      ),
      { numRuns: 500 },
    );
  });
});

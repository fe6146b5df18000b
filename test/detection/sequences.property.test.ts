import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Detector } from '../../src/detection/detector.ts';
import { type OracleStep, oracle } from '../support/eql-oracle.ts';
import { exec, makeProcess, named, nameOf, rule, seconds, sequence, step } from '../support/observations.ts';

const NAMES = ['a', 'b', 'c'];
const names = fc.subarray(NAMES, { minLength: 1, maxLength: 2 });
const anyStep = fc.record({
  names,
  runs: fc.integer({ min: 1, max: 3 }),
  absent: fc.boolean(),
}) as fc.Arbitrary<OracleStep>;
/** Absent steps stand between others. */
const anySteps = fc
  .tuple(anyStep, fc.array(anyStep, { maxLength: 3 }), anyStep)
  .map(([first, middle, last]) => [{ ...first, absent: false }, ...middle, { ...last, absent: false }]);
const anyEvents = fc.array(fc.record({ gap: fc.integer({ min: 0, max: 4 }), name: fc.constantFrom(...NAMES) }), {
  minLength: 5,
  maxLength: 40,
});

describe('sequences', () => {
  it('agree with the naive reading of the semantics', () => {
    fc.assert(
      fc.property(
        anySteps,
        anyEvents,
        fc.integer({ min: 0, max: 40 }),
        fc.option(names),
        (steps, gaps, within, until) => {
          let time = 0;
          const events = gaps.map(({ gap, name }) => {
            time += gap;
            return { time, name };
          });
          const spec = sequence(
            steps.map((item, i) => step(`s${i}`, { ...named(...item.names), runs: item.runs, absent: item.absent })),
            { within: seconds(within), until: until === null ? null : named(...until) },
          );
          const detector = new Detector([rule({ sequence: spec })]);
          const process = makeProcess('p');
          const observations = events.map((event, i) => exec(event.time, `${event.name}${i}`, process));
          const found = observations.flatMap(observation =>
            detector
              .step(observation)
              .map(finding => finding.evidence.map(item => Number(nameOf(item.observation).slice(1)))),
          );
          expect(found).toEqual(oracle(events, steps, within, until ?? []));
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('keep keys apart: many processes interleaved give what each gives alone', () => {
    const keyed = fc.array(
      fc.record({
        key: fc.integer({ min: 0, max: 3 }),
        name: fc.constantFrom(...NAMES),
        gap: fc.integer({ min: 0, max: 2 }),
      }),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(keyed, events => {
        const spec = sequence([step('a'), step('b', { absent: true }), step('c', { runs: 2 })], {
          within: seconds(12),
        });
        const processes = [0, 1, 2, 3].map(key => makeProcess(`p${key}`));
        let time = 0;
        const observations = events.map(({ key, name, gap }, i) => {
          time += gap;
          return { key, observation: exec(time, `${name}${i}`, processes[key]!) };
        });
        const run = (some: typeof observations): string[] => {
          const detector = new Detector([rule({ sequence: spec })]);
          return some.flatMap(({ observation }) =>
            detector.step(observation).map(finding => finding.evidence.map(item => nameOf(item.observation)).join(' ')),
          );
        };
        const alone = [0, 1, 2, 3].flatMap(key => run(observations.filter(item => item.key === key)));
        expect(run(observations).sort()).toEqual(alone.sort());
      }),
    );
  });
});

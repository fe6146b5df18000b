import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Automaton, type Pattern } from '../../src/detection/automaton.ts';
import { Detector } from '../../src/detection/detector.ts';
import type { FieldLookup } from '../../src/detection/fields.ts';
import type { Observation } from '../../src/model/observation.ts';
import { baseName } from '../../src/model/process.ts';
import { foldCase } from '../../src/rules/regex-literals.ts';
import type { IndexHint, Matcher } from '../../src/rules/rule.ts';
import { branch, exec, makeProcess, nameOf, rule, seconds, sequence, step } from '../support/observations.ts';

/** Letters whose folding is their own, that of others, or depends on their place. */
const letters = fc.constantFrom(
  'a',
  'b',
  'A',
  'B',
  '/',
  '.',
  ' ',
  'é',
  'É',
  'σ',
  'ς',
  'Σ',
  'İ',
  '\u212a',
  'k',
  's',
  'ſ',
  'ß',
  '(deleted)',
);
const text = (max: number): fc.Arbitrary<string> =>
  fc.array(letters, { minLength: 1, maxLength: max }).map(list => list.join(''));

const anyHint: fc.Arbitrary<IndexHint> = fc
  .record({
    field: fc.constantFrom('one', 'many'),
    match: fc.constantFrom('equals', 'contains', 'startswith', 'endswith', 'name', 'present'),
    literals: fc.array(text(3), { minLength: 1, maxLength: 3 }),
    cased: fc.boolean(),
  })
  .map(hint => ({ ...hint, literals: hint.cased ? hint.literals : hint.literals.map(item => item.toLowerCase()) }));

const anyHints = fc.array(anyHint, { minLength: 1, maxLength: 3 });

const lookup: FieldLookup = name => {
  if (name === 'one') return observation => nameOf(observation);
  if (name === 'many') return observation => nameOf(observation).split(' ');
  return null;
};

const READINGS: Record<Exclude<IndexHint['match'], 'present'>, (value: string, literal: string) => boolean> = {
  equals: (value, literal) => value === literal,
  name: (value, literal) => value === literal,
  contains: (value, literal) => value.includes(literal),
  startswith: (value, literal) => value.startsWith(literal),
  endswith: (value, literal) => value.endsWith(literal),
};

/** What the hint says, read as plainly as can be. */
function holds(hint: IndexHint, value: string): boolean {
  const part = hint.match === 'name' ? baseName(value) : value;
  const folded = hint.cased ? part : part.toLowerCase();
  const { match } = hint;
  return match === 'present' || hint.literals.some(literal => READINGS[match](folded, literal));
}

function matcherOf(hints: readonly IndexHint[], extra: string): Matcher {
  return {
    kinds: ['process_exec'],
    hints,
    fields: hints.map(hint => hint.field),
    test: observation => hints.some(hint => isMet(hint, observation)) && !nameOf(observation).includes(extra),
  };
}

function isMet(hint: IndexHint, observation: Observation): boolean {
  const value = lookup(hint.field)!(observation) as string | string[];
  const values = (typeof value === 'string' ? [value] : value).filter(item => item !== '');
  return values.some(item => holds(hint, item));
}

describe('the index', () => {
  it('changes nothing: the same findings in the same order as evaluating every rule', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(anyHints, anyHints, text(2), fc.constantFrom('single', 'any', 'sequence')), {
          maxLength: 12,
        }),
        fc.array(text(8), { maxLength: 20 }),
        (specs, texts) => {
          const rules = specs.map(([first, second, extra, kind], i) => {
            const one = matcherOf(first, extra);
            const two = matcherOf(second, extra);
            if (kind === 'single') return rule({ id: `r${i}`, branches: [branch(one)] });
            if (kind === 'any') return rule({ id: `r${i}`, branches: [branch(one, 'a'), branch(two, 'b')] });
            return rule({ id: `r${i}`, sequence: sequence([step('a', one), step('b', two)], { within: seconds(5) }) });
          });
          const process = makeProcess('p');
          const observations = texts.map((item, i) => exec(i, item, process));
          const run = (indexed: boolean) => {
            const detector = new Detector(rules, { fields: lookup, indexed });
            const findings = observations.flatMap(observation =>
              detector.step(observation).map(({ rule: { id }, branch: name, trigger }) => [id, name, trigger.seq]),
            );
            return { findings, evaluated: detector.stats().totals.evaluated };
          };
          const indexed = run(true);
          const plain = run(false);
          expect(indexed.findings).toEqual(plain.findings);
          expect(indexed.evaluated).toBeLessThanOrEqual(plain.evaluated);
        },
      ),
      { numRuns: 400 },
    );
  });

  it('evaluates only the rules whose literals occur', () => {
    const rules = Array.from({ length: 500 }, (_, i) =>
      rule({
        branches: [
          branch(matcherOf([{ field: 'one', match: 'contains', literals: [`word-${i}-`], cased: false }], '\0')),
        ],
      }),
    );
    const detector = new Detector(rules, { fields: lookup });
    detector.step(exec(1, 'some text with WORD-77- in it', makeProcess('p')));
    expect(detector.stats().totals).toMatchObject({ evaluated: 1, matched: 1 });
  });
});

describe('the automaton', () => {
  it('finds what a plain search finds', () => {
    const pattern = fc.record({
      literal: text(4).map(foldCase),
      anchor: fc.constantFrom('contains', 'startswith', 'endswith'),
    });
    fc.assert(
      fc.property(fc.array(pattern, { minLength: 1, maxLength: 15 }), text(20), (list, value) => {
        const patterns = list.map((item, id) => ({ ...item, id })) as Pattern[];
        const found = new Set<number>();
        new Automaton(patterns).scan(value, id => found.add(id));
        const folded = foldCase(value);
        const expected = patterns.filter(({ literal, anchor }) =>
          anchor === 'contains'
            ? folded.includes(literal)
            : anchor === 'startswith'
              ? folded.startsWith(literal)
              : folded.endsWith(literal),
        );
        expect([...found].sort((a, b) => a - b)).toEqual(expected.map(item => item.id));
      }),
      { numRuns: 1_000 },
    );
  });
});

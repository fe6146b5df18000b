/** Whatever a file holds: loading ends, says why, and the good rule beside it is there. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadRules } from '../../src/rules/load.ts';

const good = { file: 'good.yaml', text: readFileSync(new URL('good.yaml', import.meta.url), 'utf8') };
const head = 'title: x\nlevel: low\n';
const letters = 'bcdefghij'.split('');
const many = letters.flatMap(c => letters.flatMap(d => letters.map(e => `  s${c}${d}${e}: {Image: x}\n`))).join('');
const files: Readonly<Record<string, string>> = {
  'alias bomb': `a: &a [x,x,x,x,x,x,x,x,x]\n${letters.map((c, i) => `${c}: &${c} [${Array(9).fill(`*${'abcdefghij'[i]}`)}]`).join('\n')}`,
  'merges that multiply': `${head}x: &y0 {${Array.from({ length: 5_000 }, (_, i) => `k${i}: 1`)}}\n${Array.from({ length: 9 }, (_, i) => `y${i}: &y${i + 1} {<<: [${Array(90).fill(`*y${i}`)}]}\n`).join('')}detection:\n  s: {<<: *y9}\n  condition: s`,
  'merges of merges of …': `${head}y: &y0 {Image: x}\n${Array.from({ length: 20_000 }, (_, i) => `y${i}: &y${i + 1} {<<: *y${i}}\n`).join('')}detection:\n  s: *y20000\n  condition: s`,
  'a merge of itself': `${head}detection:\n  s: &s {<<: *s}\n  condition: s`,
  'merges of one of many anchors': `${head}y: [${Array(50_000).fill('&y {}')}]\ndetection:\n  s: {Image: x, <<: [${Array(50_000).fill('*y')}]}\n  condition: s`,
  'an alias to itself': `${head}detection:\n  s: &s\n    ancestors|any: *s\n`,
  'open brackets': '['.repeat(10_000),
  'deep lists': `a: ${'['.repeat(10_000)}${']'.repeat(10_000)}`,
  'deep maps': '{a: '.repeat(10_000),
  'deep keys': '? '.repeat(10_000),
  'deep anchors': '&a ['.repeat(5_000),
  'deep indentation': Array.from({ length: 1_200 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'),
  'brackets between comments': '[ #x\n'.repeat(10_000),
  'a huge list': `${head}detection:\n  s:\n    Image:\n${'    - v\n'.repeat(40_000)}`,
  'a huge file': 'x'.repeat(3_000_000),
  'a deep condition': `${head}detection:\n  s: {Image: x}\n  condition: ${'('.repeat(4_000)}s`,
  'ancestors of ancestors of …': `${head}detection:\n  s: ${'{ancestors|any: '.repeat(30)}{Image: x}${'}'.repeat(30)}`,
  'lists that multiply': `${head}lists: {a: [${Array(200).fill('x')}]}\ndetection:\n  s: {Image|expand: '%a%%a%%a%'}`,
  'a regular expression that repeats itself': `${head}detection:\n  s: {Image|re: '((a{100}){100}){100}'}`,
  'no rule at all': '\u0000\u0001{{{',
  'text alone': 'foo',
  'NULs in a key': `${head}taxonomy: spoor\ndetection:\n  "s\\0": {"Image\\0": x}`,
  'NULs in a file': `${head}detection: {s: {Image\0: x}}`,
  'a condition without end': `${head}detection:\n  s: {Image: x}\n  condition: ${'s or '.repeat(5_000)}s`,
  'negations of negations': `${head}detection:\n  s: {Image: x}\n  condition: ${'not '.repeat(2_000)}s`,
  'a condition that multiplies': `${head}detection:\n${many}  condition: ${Array(900).fill('1 of s*').join(' or ')}\n`,
  'conditions that multiply': `${head}detection:\n${many}  condition:\n${`  - ${Array(4).fill('1 of s*').join(' or ')}\n`.repeat(2_000)}`,
  'a sequence of stages without end': `${head}sequence:\n  by: pod\n  within: 5m\n  steps:\n  - {id: a, runs: 1000000, detection: {s: {Image: x}}}\n  - {id: b, detection: {s: {Image: x}}}`,
  'a test of a deep map': `${head}detection: {s: {Image: x}}\ntests: [{name: a, events: [{exec: ${'{a: '.repeat(80)}1${'}'.repeat(80)}}], expect: {alerts: 0}}]`,
  'broken windows of surrogates': `${head}detection:\n  s: {"Image|\ud800": x}`,
};

describe('a hostile file', () => {
  it.each(Object.keys(files))(
    '%s',
    name => {
      const { rules, diagnostics } = loadRules([{ file: 'bad.yaml', text: files[name] as string }, good]);
      expect(rules.map(rule => rule.file)).toEqual(['good.yaml']);
      const errors = diagnostics.filter(d => d.severity === 'error');
      expect(errors.length).toBeGreaterThan(0);
      expect(diagnostics.length).toBeLessThanOrEqual(100);
      for (const d of errors)
        expect(d).toMatchObject({ file: 'bad.yaml', line: expect.any(Number), column: expect.any(Number) });
    },
    20_000,
  );

  it.each([
    [
      'branches with a thousand values each',
      `any:\n${Array.from({ length: 100 }, (_, i) => `- {id: b${i}, detection: {s: {process.name: [${Array.from({ length: 1_000 }, (_, j) => `n${i}x${j}`).join(', ')}]}}}\n`).join('')}`,
    ],
    [
      'ten selections in a thousand parts',
      `detection:\n${Array.from({ length: 10 }, (_, i) => `  s${i}: {process.pid: ${i}}\n`).join('')}  condition: ${Array.from({ length: 1_200 }, (_, i) => `s${i % 10}`).join(' or ')}\n`,
    ],
  ])(
    'that is a rule all the same is linted in bounded time: %s',
    (_, text) => {
      const file = {
        file: 'big.yaml',
        text: `${head}taxonomy: spoor\nlogsource: {category: process_creation}\n${text}`,
      };
      expect(loadRules([file]).rules).toHaveLength(1);
    },
    20_000,
  );

  it('with keys of every object', () => {
    const text = `${head}__proto__: {a: 1}\nconstructor: 1\nlists: {toString: [a]}\ndetection: {__proto__: {Image: x}, condition: __proto__}`;
    const { rules } = loadRules([{ file: 'bad.yaml', text }, good]);
    expect(rules).toHaveLength(2);
    expect(({} as Record<string, unknown>).a).toBeUndefined();
  });

  it('made of a good one by any small change', () => {
    fc.assert(
      fc.property(
        fc.nat(good.text.length),
        fc.nat(20),
        fc.string({ unit: fc.constantFrom(...'{}[]:,|*&-\n\'"% a#!?'), maxLength: 6 }),
        (at, cut, put) => {
          const text = good.text.slice(0, at) + put + good.text.slice(at + cut);
          const { rules, diagnostics } = loadRules([{ file: 'bad.yaml', text }]);
          if (rules.length === 0 && text.trim() !== '' && diagnostics.length === 0)
            expect(text.replace(/#.*/g, '').trim()).toBe('');
        },
      ),
      { numRuns: 500 },
    );
  });
});

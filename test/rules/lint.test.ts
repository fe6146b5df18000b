/** What lint proves, and what it must not claim. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadRules } from '../../src/rules/load.ts';

const HEAD = 'title: T\nlevel: low\ntaxonomy: spoor\nlogsource: {category: process_creation}\n';
const codes = (text: string): string[] =>
  loadRules([{ file: 'r.yaml', text: HEAD + text }]).diagnostics.map(d => d.code);
const has = (text: string, code: string): boolean => codes(text).includes(code);
const condition = (text: string): string =>
  `detection: {a: {process.name: nc}, b: {process.uid: 0}, c: {process.cwd: /tmp}, same: {process.name: nc}, condition: '${text}'}`;

describe('conditions', () => {
  it.each(['a or not a or b or c or same', 'a or not same or b or c', 'not (a and not a) or b or c or same'])(
    'always true: %s',
    text => expect(has(condition(text), 'always-true')).toBe(true),
  );
  it.each(['a and not a and b and c and same', 'a and not same and b and c'])('never true: %s', text =>
    expect(has(condition(text), 'always-false')).toBe(true),
  );
  it.each(['a or (a and b and c) or same', '(a and b and c) or same', 'b or c or a or same'])(
    'part adds nothing: %s',
    text => expect(has(condition(text), 'unreachable-branch')).toBe(true),
  );
  it.each(['(a and b) or c or (same and not b)', '2 of them', 'a and (b or c or not same)', '1 of them and b'])(
    'nothing is wrong with %s',
    text => {
      const found = codes(condition(text));
      for (const code of ['always-true', 'always-false']) expect(found).not.toContain(code);
    },
  );
});

const sel = (selection: string): string => `detection: {sel: ${selection}}`;

describe('values', () => {
  it.each([
    '{process.name: nc, process.name|cased: ssh}',
    '{process.pid|gt: 5, process.pid|lte: 5}',
    '{process.pid: 5, process.pid|gt: 7}',
    '{process.cwd: null, process.cwd|contains: tmp}',
    '{process.cwd|all: [/a, /b]}',
    '[{process.pid|lt: 1, process.pid|gt: 2}, {process.name: a, process.name|cased: b}]',
  ])('contradict each other: %s', selection => expect(has(sel(selection), 'always-false')).toBe(true));
  it.each([
    '{process.name: [nc, ssh], process.name|cased: ssh}',
    '{process.pid|gte: 5, process.pid|lte: 5}',
    '{process.command_line|contains|all: [a b, c d]}',
    '{process.name: nc, process.name|neq: ssh}',
    '[{process.pid|lt: 1, process.pid|gt: 2}, {process.name: a}]',
  ])('go together: %s', selection => expect(has(sel(selection), 'always-false')).toBe(false));

  it.each(['(a+)+', '(?:\\w+|x)*y', '([a-z]*)*', '(x|(ab)*)+'])('expression that others choke on: %s', source =>
    expect(has(sel(`{process.arguments|re: 'abc${source}'}`), 'catastrophic-regex')).toBe(true),
  );
  it.each(['(a+b)+', '(/(data|\\*|\\d+\\S*))*', '[(a+)+]x', '\\(a+\\)+', '(?:ab|cd)*', '(a+)?'])('fine: %s', source =>
    expect(has(sel(`{process.arguments|re: 'abc${source}'}`), 'catastrophic-regex')).toBe(false),
  );
});

describe('exceptions', () => {
  const rule = (row: string): string =>
    `${sel('{process.name: [nc, ncat], process.uid: 0}')}\nexceptions: [{name: e, ${row}}]`;
  it.each([
    "fields: [process.name], comps: [icontains], values: [['n']]",
    'fields: [process.uid], values: [[0]]',
    "fields: [process.name], comps: [glob], values: [['*']]",
  ])('that swallow the rule: %s', row => expect(has(rule(row), 'exception-swallows-rule')).toBe(true));
  it.each([
    'fields: [process.name], comps: [icontains], values: [[ncat]]',
    'fields: [process.uid, process.cwd], values: [[0, /tmp]]',
    'fields: [process.uid], values: [[0]], expires: 2030-01-01',
  ])('that leave something: %s', row => expect(has(rule(row), 'exception-swallows-rule')).toBe(false));
});

describe('sequences', () => {
  const sequence = (runs: number): string =>
    `sequence:\n  by: process\n  within: 5m\n  steps:\n  - {id: a, runs: ${runs}, detection: {s: {process.name: nc}}}\n  - {id: b, detection: {s: {process.name: nc}}}`;
  it('have 200 stages at most', () => {
    expect(has(sequence(199), 'bad-sequence')).toBe(false);
    expect(has(sequence(200), 'bad-sequence')).toBe(true);
  });
});

describe('messages', () => {
  const anything = fc.oneof(
    fc.constant(null),
    fc.boolean(),
    fc.integer({ min: -3, max: 5 }),
    fc.constantFrom('', 'x', 'prosess', '5m', 'x'.repeat(2_000)),
    fc.constant([]),
    fc.constant([1, 'a', null]),
    fc.constant({}),
    fc.constant({ nam: 1, exce: {}, alert: 1 }),
  );
  const inner = fc.dictionary(
    fc.constantFrom(
      'by',
      'within',
      'steps',
      'until',
      'gte',
      'id',
      'fields',
      'values',
      'name',
      'events',
      'expect',
      'alerts',
      'wihtin',
    ),
    anything,
  );
  const value = fc.oneof(anything, inner, fc.array(inner, { maxLength: 2 }));
  const keys =
    'title id status level author tags references requires sequence count first_seen exceptions tests any detection logsource message'.split(
      ' ',
    );

  it('are in an author’s words, whatever stands where', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...keys), value), parts => {
        const { diagnostics } = loadRules([
          { file: 'r.yaml', text: JSON.stringify({ title: 'T', detection: { s: { Image: 'x' } }, ...parts }) },
        ]);
        for (const { message, hint } of diagnostics)
          expect(`${message} ${hint}`).not.toMatch(
            /Invalid (input|option|key)|Too (big|small)|Unrecognized|received|undefined|\[object|NaN/,
          );
      }),
      { numRuns: 500 },
    );
  });

  it('know the keys of a test’s event, and of its parent’s parent', () => {
    const event = '{exec: {binary: /x, pdo: a/b, parent: {binary: /y, parent: {binary: /z, argments: a}}}}';
    const text = `${sel('{process.name: nc}')}\ntests: [{name: a, events: [${event}], expect: {alerts: 1}}]`;
    const { diagnostics } = loadRules([{ file: 'r.yaml', text: HEAD + text }]);
    const found = diagnostics.filter(({ code }) => code === 'unknown-test-key');
    expect(found.map(({ hint }) => hint)).toEqual(['did you mean pod?', 'did you mean arguments?']);
  });

  it('suggest the key that was meant, at any depth', () => {
    const text = `${sel('{process.name: nc}')}\ntests: [{name: a, events: [{exce: {p: A, binary: /x}}, {exec: {p: A, binry: /x}}], expcet: {alerts: 1}}]\ncount: {gte: 3, wihtin: 5m}`;
    const { diagnostics } = loadRules([{ file: 'r.yaml', text: HEAD + text }]);
    const hints = diagnostics.map(({ hint }) => hint);
    for (const key of ['exec', 'expect', 'within']) expect(hints).toContain(`did you mean ${key}?`);
  });
});

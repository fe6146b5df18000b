/** The compiled predicate means what the interpreter says, and its hints, kinds and fields are necessary conditions of it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Observation } from '../../src/model/observation.ts';
import { baseName, type Process } from '../../src/model/process.ts';
import { kindsOf } from '../../src/rules/analysis.ts';
import { findField } from '../../src/rules/catalogue/catalogue.ts';
import type { Field } from '../../src/rules/catalogue/field.ts';
import { CATEGORIES } from '../../src/rules/categories.ts';
import { compileCondition } from '../../src/rules/compile.ts';
import type { Condition } from '../../src/rules/condition.ts';
import { hintsOf } from '../../src/rules/hints.ts';
import { toPattern } from '../../src/rules/patterns.ts';
import type { IndexHint } from '../../src/rules/rule.ts';
import { interpret } from '../support/interpreter.ts';
import { flowEvent, hook, processEvent, processes } from '../support/rule-observations.ts';

const field = (name: string): Field => findField(name) ?? expect.fail(`no field ${name}`);

/** Few words, and patterns cut from them, so that patterns meet texts. */
const WORDS = ['nc', '/usr/bin/nc', 'Bash -i', '/bin/bash', '-c "a b"', 'ÉİA', '/tmp/x (deleted)', 'a'];
const word = fc.constantFrom(...WORDS);
const text = fc.oneof(
  { weight: 5, arbitrary: word },
  fc.constant(''),
  fc.tuple(word, word).map(both => both.join(' ')),
);
const wild = fc
  .tuple(word, fc.nat(3), fc.nat(4), fc.constantFrom('', '', '', '*', '?', '**', '\\*'), fc.nat(6))
  .map(([w, from, cut, wildcard, at]) => {
    const piece = w.slice(from, w.length - cut) || w;
    return wildcard === '?'
      ? `${piece.slice(0, at)}?${piece.slice(at + 1)}`
      : piece.slice(0, at) + wildcard + piece.slice(at);
  });
const ip = fc.constantFrom('10.0.0.1', '10.0.3.1', '10.1.0.1', '192.168.0.1', '203.0.113.9', '');
const textFields = [
  'process.name',
  'process.binary',
  'process.command_line',
  'process.cwd',
  'parent.binary',
  'parent.command_line',
  'pod.name',
  'process.flags',
  'file.path',
  'dns.query',
  'dns.answers',
  'flow.verdict',
];
const textField = fc.constantFrom(...textFields).map(field);
const numberField = fc
  .constantFrom('process.uid', 'process.pid', 'flow.destination.port', 'kprobe.args.1.int')
  .map(field);
const booleanField = fc.constantFrom('process.ns.mnt.is_host', 'flow.is_reply', 'process.forked').map(field);
const negated = fc.boolean();
const quantifier = fc.constantFrom('any' as const, 'all' as const);
const match = fc.constantFrom('equals' as const, 'contains' as const, 'startswith' as const, 'endswith' as const);

const textLeaf: fc.Arbitrary<Condition> = fc
  .record({
    field: textField,
    negated,
    quantifier,
    cased: fc.boolean(),
    baseName: fc.boolean(),
    values: fc.array(fc.tuple(wild, match), { minLength: 1, maxLength: 40 }),
  })
  .map(
    ({ values, ...node }): Condition => ({
      type: 'text',
      ...node,
      patterns: values.map(([value, m]) => toPattern(value, m, node.cased)),
    }),
  );

const leaf: fc.Arbitrary<Condition> = fc.oneof(
  { weight: 6, arbitrary: textLeaf },
  fc
    .record({
      field: textField,
      negated,
      quantifier,
      baseName: fc.boolean(),
      flags: fc.constantFrom('', 'i', 's'),
      sources: fc.array(fc.constantFrom('^/', 'nc$', 'b.n', '(a|b)+', '\\s', 'B', 'bin/(nc|bash)', '(ba|tm|A).*'), {
        minLength: 1,
        maxLength: 3,
      }),
    })
    .map((node): Condition => ({ type: 'regex', ...node })),
  fc
    .record({
      field: numberField,
      negated,
      quantifier,
      comparison: fc.constantFrom('eq' as const, 'gt' as const, 'gte' as const, 'lt' as const, 'lte' as const),
      values: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 3 }),
    })
    .map((node): Condition => ({ type: 'number', ...node })),
  fc
    .record({ field: booleanField, value: fc.boolean(), negated })
    .map((node): Condition => ({ type: 'boolean', ...node })),
  fc
    .record({ field: fc.oneof(textField, numberField, booleanField), value: fc.boolean() })
    .map((node): Condition => ({ type: 'exists', ...node })),
  fc
    .record({
      field: fc.constantFrom('flow.destination.ip', 'socket.destination.ip', 'dns.answers').map(field),
      negated,
      quantifier,
      networks: fc.array(fc.constantFrom('10.0.0.0/16', '10.0.0.0/8', '203.0.113.9', '0.0.0.0/0'), {
        minLength: 1,
        maxLength: 3,
      }),
    })
    .map((node): Condition => ({ type: 'cidr', ...node })),
  fc
    .record({
      field: textField,
      negated,
      quantifier,
      match,
      cased: fc.boolean(),
      others: fc.array(textField, { minLength: 1, maxLength: 2 }),
    })
    .map((node): Condition => ({ type: 'fieldref', ...node })),
  fc.record({ quantifier, cased: fc.boolean(), values: fc.array(wild, { minLength: 1, maxLength: 3 }) }).map(
    ({ values, ...node }): Condition => ({
      type: 'keywords',
      ...node,
      patterns: values.map(value => toPattern(value, 'contains', node.cased)),
    }),
  ),
  fc.constantFrom(...CATEGORIES.values()).map((category): Condition => ({ type: 'category', category })),
  fc
    .array(fc.constantFrom('process_exec', 'flow', 'process_kprobe'), { maxLength: 2 })
    .map((kinds): Condition => ({ type: 'kind', kinds })),
);

const { tree } = fc.letrec<{ tree: Condition }>(tie => ({
  tree: fc.oneof(
    { maxDepth: 4, depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.record({ type: fc.constantFrom('and' as const, 'or' as const), of: fc.array(tie('tree'), { maxLength: 4 }) }),
    fc.record({ type: fc.constant('not' as const), of: tie('tree') }),
    fc.record({ type: fc.constant('ancestor' as const), of: tie('tree') }),
    fc.record({
      type: fc.constant('some' as const),
      n: fc.integer({ min: 1, max: 3 }),
      of: fc.array(tie('tree'), { maxLength: 4 }),
    }),
  ),
}));

/** Trees that have hints more often than not. */
const hintedTree: fc.Arbitrary<Condition> = fc.oneof(
  textLeaf,
  fc.record({
    type: fc.constantFrom('and' as const, 'or' as const),
    of: fc.array(fc.oneof({ weight: 3, arbitrary: textLeaf }, tree), { minLength: 1, maxLength: 3 }),
  }),
);

const facts = fc.record({
  binary: fc.oneof(
    text,
    text.map(t => `/usr/bin/${t}`),
    fc.constant('/bin/busybox'),
  ),
  arguments: text,
  cwd: text,
  uid: fc.option(fc.integer({ min: 0, max: 3 })),
  pid: fc.integer({ min: 0, max: 3 }),
  flags: fc.constantFrom('', 'execve', 'execve clone a'),
  ns: fc.option(fc.boolean().map(isHost => ({ mnt: { inum: 1, isHost } }))),
});
const process: fc.Arbitrary<Process> = fc
  .tuple(fc.array(facts, { minLength: 1, maxLength: 4 }), fc.boolean())
  .map(([chain, execSeen]) => Object.assign(processes(...chain), { execSeen }));
const dns = fc.record({
  query: text,
  ips: fc.array(
    ip.filter(a => a !== ''),
    { maxLength: 2 },
  ),
  cnames: fc.array(
    text.filter(t => t !== ''),
    { maxLength: 1 },
  ),
  ttl: fc.constant(0),
  rcode: fc.constant(0),
  qtypes: fc.constant([]),
  rrtypes: fc.constant([]),
});

const observation: fc.Arbitrary<Observation> = fc.oneof(
  process.map(p => processEvent({ process: p })),
  fc
    .tuple(process, text, fc.integer({ min: 0, max: 3 }))
    .map(([p, path, n]) => ({ ...hook('security_file_permission', ['file', { path }], ['int', n]), process: p })),
  fc.tuple(process, ip).map(([p, destinationIp]) =>
    processEvent({
      process: p,
      kind: 'process_kprobe',
      socket: { family: '', protocol: '', state: '', sourceIp: '', sourcePort: 0, destinationIp, destinationPort: 0 },
    }),
  ),
  fc
    .tuple(fc.option(process), ip, fc.integer({ min: 0, max: 3 }), fc.option(dns), fc.option(fc.boolean()))
    .map(([p, address, port, layer, isReply]) =>
      flowEvent({ process: p, server: { ip: address, port }, event: { dns: layer, isReply } }),
    ),
);

/** What an index may do with a hint: skip the predicate unless a literal occurs. */
function mayMatch(hint: IndexHint, o: Observation): boolean {
  const value = field(hint.field).get(o, o.process);
  const texts = value === null || value === '' ? [] : typeof value === 'object' ? value : [String(value)];
  if (hint.match === 'present') return texts.length > 0;
  return texts.some(raw => {
    const given = hint.cased ? raw : raw.toLowerCase();
    const t = hint.match === 'name' ? baseName(given) : given;
    return hint.literals.some(literal => {
      if (hint.match === 'contains') return t.includes(literal);
      if (hint.match === 'startswith') return t.startsWith(literal);
      return hint.match === 'endswith' ? t.endsWith(literal) : t === literal;
    });
  });
}

describe('compiled conditions', () => {
  it('mean what the interpreter says', () => {
    fc.assert(
      fc.property(tree, fc.array(observation, { minLength: 1, maxLength: 5 }), (condition, observations) => {
        const test = compileCondition(condition);
        for (const o of observations) expect(test(o)).toBe(interpret(condition, o));
      }),
      { numRuns: 3_000 },
    );
  });

  it('hold only where their hints and their kinds allow it', () => {
    let decided = 0;
    fc.assert(
      fc.property(hintedTree, fc.array(observation, { minLength: 12, maxLength: 12 }), (condition, observations) => {
        const test = compileCondition(condition);
        const hints = hintsOf(condition);
        const kinds = kindsOf(condition);
        for (const o of observations) {
          if (!test(o)) continue;
          expect(kinds).toContain(o.event.kind);
          if (hints === null) continue;
          expect(hints.some(hint => mayMatch(hint, o))).toBe(true);
          decided++;
        }
      }),
      { numRuns: 3_000 },
    );

    expect(decided).toBeGreaterThan(50);
  });
});

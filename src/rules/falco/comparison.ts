/** One comparison of Falco's → a typed test. */
import { nearest } from '../../model/nearest.ts';
import { FALCO_NAMES, falcoField, falcoRow } from '../catalogue/falco.ts';
import { settingOf } from '../catalogue/falco-syscall.ts';
import { type Field, FLOW_KINDS, HOOK_KINDS, PROCESS_KINDS } from '../catalogue/field.ts';
import { parseCidr } from '../cidr.ts';
import type { Comparison, Condition, Pattern } from '../condition.ts';
import { toPattern } from '../patterns.ts';
import { regexOf } from '../regex.ts';
import { DefinitionError } from './collection.ts';
import type { Expression, Operator } from './expression.ts';
import { anyOf, NO_NOTES, type Result, unknown, where } from './result.ts';
import type { Place, Source } from './source.ts';

/** Knows what the names of lists stand for. */
export interface Lists {
  expand(word: string, place: Place): readonly string[];
}

type TestExpression = Extract<Expression, { type: 'test' }>;

const PREFIX = 'falco.';
const VALUES_MAX = 20_000;
const ANY = 'any' as const;

/** Falco's own names begin so; others are of plugins or wrong. */
const KNOWN = /^(proc|thread|user|group|container|k8s|fd|fs|evt|syscall|process|span)\./;

function unknownField(field: string): string {
  const bare = field.replace(/^(?:[a-z0-9]+\()+|\)+$|\[.*$/gs, '');
  // Of Falco's own there are more than are known here: only what is one letter off was surely mistyped.
  const near = nearest(bare, FALCO_NAMES, KNOWN.test(bare) ? 1 : undefined);
  return near === null ? field : `${field} (did you mean ${near}?)`;
}

/** What Falco writes for a value that is not there. */
const ABSENT: ReadonlySet<string> = new Set(['<NA>', 'N/A']);

const asksForAbsence = ({ operator, values }: TestExpression): boolean =>
  (operator === '=' || operator === 'in') && values.length > 0 && values.every(({ text }) => ABSENT.has(text));

export function compileTest(test: TestExpression, source: Source, lists: Lists): Result {
  const place = source.place(test.at);
  const row = falcoRow(test.field);
  if (row === null) return unknown(unknownField(test.field), place, asksForAbsence(test));
  const field = falcoField(PREFIX + test.field) as Field;
  const values: string[] = [];
  for (const value of test.values) {
    if (value.field) continue;
    const multiple = test.operator === 'in' || test.operator === 'intersects' || test.operator === 'pmatch';
    const expanded = multiple && !value.quoted ? lists.expand(value.text, source.place(value.at)) : [value.text];
    for (const each of expanded) values.push(each);
    if (values.length > VALUES_MAX) throw new DefinitionError(`more than ${VALUES_MAX} values`, place);
  }
  const notes = row.approximates === '' ? NO_NOTES : new Set([row.approximates]);
  const is = (condition: Condition): Result => ({ kind: 'condition', condition, notes, size: 1 });
  if (test.operator === 'exists') return is({ type: 'exists', field, value: true });
  const others = test.values.filter(value => value.field);
  if (others.length > 0) {
    const found = others.map(value => falcoField(PREFIX + value.text));
    const missing = found.indexOf(null);
    if (missing >= 0) return unknown(others[missing]?.text ?? '', source.place(others[missing]?.at ?? 0));
    const match = MATCH[test.operator];
    if (match === undefined) throw new DefinitionError(`${test.operator} does not compare with another field`, place);
    const negated = test.operator === '!=';
    const fields = found.filter(other => other !== null);
    return is({
      type: 'fieldref',
      field,
      negated,
      match,
      others: fields,
      quantifier: ANY,
      cased: !test.operator.startsWith('i') || test.operator === 'in',
    });
  }
  if (test.field === 'evt.type' || test.field === 'syscall.type') return call(field, test, values, source);
  if (test.field === 'evt.dir' && values[0] === '>')
    return { kind: 'always', notes: new Set(['the entry and the exit of a system call are one event']), size: 1 };
  if (values.length === 0) {
    const names = test.values.map(({ text }) => text).join(', ');
    const note = `nothing to compare ${test.field} with${names === '' ? '' : `: ${names} is empty`}`;
    return { kind: 'never', notes: new Set([`${note} at ${where(place)}`]), size: 1 };
  }
  return is(typed(field, test, values, place));
}

const MATCH: Readonly<Partial<Record<Operator, 'equals' | 'contains' | 'startswith' | 'endswith'>>> = {
  '=': 'equals',
  '!=': 'equals',
  in: 'equals',
  intersects: 'equals',
  contains: 'contains',
  icontains: 'contains',
  startswith: 'startswith',
  endswith: 'endswith',
};

/** `evt.type`: which kinds of events can be such calls, and what reports them. */
function call(field: Field, test: TestExpression, values: readonly string[], source: Source): Result {
  const negated = test.operator === '!=';
  if (!['=', '!=', 'in', 'intersects'].includes(test.operator))
    return { kind: 'condition', condition: text(field, test, values), notes: NO_NOTES, size: 1 };
  const place = source.place(test.at);
  const settings = new Map(values.map(value => [value, settingOf(value)]));
  const known = values.filter(value => settings.get(value) !== null);
  const lost = values.filter(value => settings.get(value) === null);
  if (known.length === 0)
    return negated ? { kind: 'always', notes: NO_NOTES, size: 1 } : unknown(`evt.type=${lost[0] ?? ''}`, place);
  const notes = new Set(lost.map(value => `without evt.type=${value}`));
  if (negated) return { kind: 'condition', condition: text(field, test, known), notes, size: 1 };
  const groups = new Map<string, string[]>();
  for (const value of known) {
    const setting = settings.get(value) as string;
    const group = groups.get(setting);
    if (group === undefined) groups.set(setting, [value]);
    else group.push(value);
  }
  const among = (calls: readonly string[], requires: readonly string[]): Result => {
    const narrowed: Field = { ...field, kinds: kindsOfCalls(calls, requires), requires };
    return { kind: 'condition', condition: text(narrowed, { ...test, operator: 'in' }, calls), notes, size: 1 };
  };
  // One alternative for each setting, so that what some of the calls need is told.
  if (groups.size > SETTINGS_MAX) return among(known, []);
  return anyOf([...groups].map(([setting, calls]) => among(calls, setting === '' ? [] : [setting])));
}

const SETTINGS_MAX = 32;

function kindsOfCalls(calls: readonly string[], requires: readonly string[]): Field['kinds'] {
  const kinds = new Set(
    calls.flatMap(call =>
      /^execve(at)?$/.test(call)
        ? (['process_exec'] as const)
        : call === 'procexit'
          ? (['process_exit'] as const)
          : requires.length === 0
            ? [...HOOK_KINDS, ...FLOW_KINDS]
            : HOOK_KINDS,
    ),
  );
  return [...PROCESS_KINDS, ...FLOW_KINDS].filter(kind => kinds.has(kind));
}

const COMPARE: Readonly<Partial<Record<Operator, Comparison>>> = { '<': 'lt', '<=': 'lte', '>': 'gt', '>=': 'gte' };

function typed(field: Field, test: TestExpression, values: readonly string[], place: Place): Condition {
  const { operator } = test;
  const negated = operator === '!=';
  const fail = (message: string): never => {
    throw new DefinitionError(message, place);
  };
  const comparison = COMPARE[operator];
  const plain = operator === '=' || negated || operator === 'in' || operator === 'intersects';
  if (field.type === 'number' || comparison !== undefined) {
    if (!plain && comparison === undefined)
      return fail(`${test.field} is a number: ${operator} does not compare numbers`);
    if (field.type !== 'number' && field.type !== 'scalar') return fail(`${test.field} is no number`);
    // A value that is no number, as in `user.loginuid = "<NA>"`, equals none.
    const numbers = values.flatMap(value =>
      /^-?\d+(\.\d+)?$/.test(value) ? [Number(value)] : /^0x[0-9a-f]+$/i.test(value) ? [Number(value)] : [],
    );
    if (comparison !== undefined && numbers.length === 0) return fail(`${values[0] ?? ''} is no number`);
    if (numbers.length === 0 && negated) return { type: 'exists', field, value: true };
    return { type: 'number', field, negated, quantifier: ANY, comparison: comparison ?? 'eq', values: numbers };
  }
  if (field.type === 'boolean') {
    const wanted = values.map(value => (/^(true|1)$/i.test(value) ? true : /^(false|0)$/i.test(value) ? false : null));
    const [first] = wanted;
    if (!plain || first === null || first === undefined) return fail(`${test.field} is true or false`);
    if (wanted.length > 1) return { type: 'exists', field, value: true };
    return { type: 'boolean', field, value: first, negated };
  }
  if (/^fd\.[cslr]?net$/.test(test.field)) {
    if (!plain) return fail(`${test.field} is compared with networks by =, != or in`);
    const networks = values.map(value => (value.includes('/') ? value : `${value}/${value.includes(':') ? 128 : 32}`));
    const bad = networks.find(network => parseCidr(network) === null);
    if (bad !== undefined) return fail(`not a network: ${bad}`);
    return { type: 'cidr', field, negated, quantifier: ANY, networks };
  }
  if (operator === 'regex') {
    const sources = values.map(value => `^(?:${value})$`);
    try {
      for (const each of sources) regexOf(each, 's');
    } catch (error) {
      return fail(`not a regular expression: ${(error as Error).message}`);
    }
    return { type: 'regex', field, negated, quantifier: ANY, sources, flags: 's', baseName: false };
  }
  if (
    (operator === 'glob' || operator === 'iglob' || operator === 'pmatch') &&
    values.some(value => /[[\]]/.test(value))
  ) {
    const prefix = operator === 'pmatch' ? '(?:/.*)?' : '';
    const sources = values.map(value => `^${globRegex(value)}${prefix}$`);
    return {
      type: 'regex',
      field,
      negated,
      quantifier: ANY,
      sources,
      flags: operator === 'iglob' ? 'is' : 's',
      baseName: false,
    };
  }
  return text(field, test, values);
}

/** A text that is empty, or that Falco writes as absent, is absent here: what is left to ask is whether there is one. */
function text(field: Field, test: TestExpression, values: readonly string[]): Condition {
  const negated = test.operator === '!=';
  const cased = !/^(icontains|iglob)$/.test(test.operator);
  const plain = ['=', '!=', 'in', 'intersects'].includes(test.operator);
  const empty = values.some(value => value === '' || (plain && ABSENT.has(value)));
  if (empty && !plain) return { type: 'exists', field, value: true };
  const patterns = values.filter(value => value !== '').flatMap(value => patternsOf(test.operator, value, cased));
  const absence: Condition = { type: 'exists', field, value: negated };
  if (patterns.length === 0) return absence;
  const condition: Condition = { type: 'text', field, negated, quantifier: ANY, patterns, cased, baseName: false };
  return empty ? { type: negated ? 'and' : 'or', of: [absence, condition] } : condition;
}

function patternsOf(operator: Operator, value: string, cased: boolean): Pattern[] {
  switch (operator) {
    case 'contains':
    case 'icontains':
      return [toPattern(value, 'contains', cased, true)];
    case 'startswith':
      return [toPattern(value, 'startswith', cased, true)];
    case 'endswith':
      return [toPattern(value, 'endswith', cased, true)];
    case 'bcontains':
      return [toPattern(bytes(value), 'contains', true, true)];
    case 'bstartswith':
      return [toPattern(bytes(value), 'startswith', true, true)];
    case 'glob':
    case 'iglob':
      return [toPattern(value, 'equals', cased)];
    case 'pmatch': {
      const path = value.length > 1 && value.endsWith('/') ? value.slice(0, -1) : value;
      if (path === '/') return [toPattern('/', 'startswith', true, true)];
      return [toPattern(path, 'equals', true), toPattern(`${path}/`, 'startswith', true)];
    }
    default:
      return [toPattern(value, 'equals', true, true)];
  }
}

/** Hexadecimal digits as the text of those bytes; what is none stands for itself. */
function bytes(value: string): string {
  if (!/^([0-9a-f]{2})+$/i.test(value)) return value;
  return new TextDecoder().decode(Uint8Array.from(value.match(/../g) ?? [], pair => Number.parseInt(pair, 16)));
}

/** A shell pattern as the inside of a regular expression: `*`, `?`, `[a-z]`, `[!a-z]`, `\` before a character. */
function globRegex(pattern: string): string {
  let out = '';
  for (let i = 0; i < pattern.length; i++) {
    const c = pattern[i] as string;
    const end = c === '[' ? pattern.indexOf(']', i + 2) : -1;
    if (c === '*') out += '.*';
    else if (c === '?') out += '.';
    else if (end > 0) {
      const inside = pattern
        .slice(i + 1, end)
        .replace(/[\\^]/g, '\\$&')
        .replace(/^!/, '^')
        .replace(/\[/g, '\\[');
      out += `[${inside}]`;
      i = end;
    } else if (c === '\\' && i + 1 < pattern.length) out += escaped(pattern[++i] as string);
    else out += escaped(c);
  }
  return out;
}

const escaped = (c: string): string => (/[\\^$.|?*+()[\]{}]/.test(c) ? `\\${c}` : c);

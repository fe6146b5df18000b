/** One field with its modifiers and values → a typed test. */
import { parseInstant } from '../model/time.ts';
import type { Field } from './catalogue/field.ts';
import { datePartOf } from './catalogue/instant.ts';
import { parseCidr } from './cidr.ts';
import type { Condition, Pattern } from './condition.ts';
import type { Modifiers } from './modifiers.ts';
import { type Bytes, base64, base64Offsets, toPattern, utf8, utf16, windash } from './patterns.ts';
import { regexOf } from './regex.ts';
import { resolveField, type SelectionScope } from './scope.ts';
import type { Path } from './yaml.ts';

const VALUES_MAX = 20_000;
/** Encodings make several patterns of one value. */
const PATTERNS_MAX = 100_000;
/** A value with several dashes has a form for each kind of dash. */
const DASH_PATTERNS_MAX = 20_000;
const REGEX_CHARS_MAX = 10_000;

type Scalar = string | number | boolean | null;

const isScalar = (value: unknown): value is Scalar =>
  value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';

/** The condition, or null after reporting. */
export function parseTest(
  field: Field,
  m: Modifiers,
  value: unknown,
  path: Path,
  scope: SelectionScope,
): Condition | null {
  const { problems } = scope;
  if (m.datePart !== '') {
    if (field.type !== 'instant') {
      problems.add('type-mismatch', path, `|${m.datePart} needs a time, and ${field.name} is ${article(field.type)}`);
      return null;
    }
    const wanted = (Array.isArray(value) ? value : [value]).map(item =>
      typeof item === 'number' ? item : String(item),
    );
    return numbers(datePartOf(field, m.datePart), m, wanted, path, scope);
  }
  const given: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (given.length === 0 || given.length > VALUES_MAX || !given.every(isScalar)) {
    const why =
      given.length === 0
        ? 'an empty list of values matches nothing'
        : given.length > VALUES_MAX
          ? `more than ${VALUES_MAX} values`
          : 'a value is text, a number, true, false or null, or a list of those';
    problems.add('bad-selection', path, why);
    return null;
  }
  const values = given as readonly Scalar[];
  if (m.operator === 'exists') {
    const asked = values[0];
    if (values.length === 1 && typeof asked === 'boolean') return { type: 'exists', field, value: asked };
    problems.add('type-mismatch', path, '|exists takes true or false');
    return null;
  }
  // Everything contains the empty text: what is left to ask is that there is one.
  if (m.operator === 'text' && m.match !== 'equals' && values.length === 1 && values[0] === '')
    return { type: 'exists', field, value: !m.negated };
  const absent = values.some(v => v === null || v === '');
  const present = values.filter((v): v is string | number | boolean => v !== null && v !== '');
  if (
    absent &&
    (m.operator !== 'text' ||
      (m.match !== 'equals' && values.includes('')) ||
      (m.quantifier === 'all' && present.length > 0))
  ) {
    problems.add(
      'type-mismatch',
      path,
      'null and empty text ask for absence, which has no meaning here',
      'use them alone, without modifiers, or |exists',
    );
    return null;
  }
  const absence: Condition = { type: 'exists', field, value: m.negated };
  if (present.length === 0) return absence;
  const test = parsePresent(field, m, present, path, scope);
  if (test === null || !absent) return test;
  return { type: m.negated ? 'and' : 'or', of: [absence, test] };
}

function parsePresent(
  field: Field,
  m: Modifiers,
  values: readonly (string | number | boolean)[],
  path: Path,
  scope: SelectionScope,
): Condition | null {
  const common = { field, negated: m.negated, quantifier: m.quantifier };
  const mismatch = (message: string, hint = ''): null => {
    scope.problems.add('type-mismatch', path, message, hint);
    return null;
  };
  switch (m.operator) {
    case 're':
      return regex(field, m, values, path, scope);
    case 'cidr': {
      if (field.type !== 'ip' && field.type !== 'strings' && field.type !== 'scalar')
        return mismatch(`|cidr needs an address, and ${field.name} is ${article(field.type)}`);
      const networks = expanded(values.map(String), m, path, scope);
      if (networks === null) return null;
      const bad = networks.find(network => parseCidr(network) === null);
      if (bad === undefined) return { type: 'cidr', ...common, networks };
      scope.problems.add('bad-cidr', path, `not a network: ${bad}`, 'like 10.0.0.0/8 or fd00::/8');
      return null;
    }
    case 'fieldref': {
      const others = values.map(value => resolveField(String(value), path, scope, 'value'));
      if (others.includes(null)) return null;
      return { type: 'fieldref', ...common, match: m.match, others: others.filter(o => o !== null), cased: m.cased };
    }
    case 'compare': {
      if (field.type !== 'number' && field.type !== 'instant' && field.type !== 'scalar')
        return mismatch(`|${m.comparison} needs a number, and ${field.name} is ${article(field.type)}`);
      return numbers(field, m, values, path, scope);
    }
    default:
      break;
  }
  if (field.type === 'boolean') {
    const wanted = values.map(value =>
      typeof value === 'boolean' ? value : value === 'true' ? true : value === 'false' ? false : null,
    );
    if (m.match !== 'equals' || m.transforms.length > 0 || m.baseName || wanted.includes(null))
      return mismatch(`${field.name} is true or false`, 'without quotes or modifiers');
    const of: Condition[] = wanted.map(value => ({
      type: 'boolean',
      field,
      value: value === true,
      negated: m.negated,
    }));
    return of.length === 1 ? (of[0] as Condition) : { type: (m.quantifier === 'all') === m.negated ? 'or' : 'and', of };
  }
  if (field.type === 'number' || field.type === 'instant') {
    if (m.match !== 'equals' || m.transforms.some(t => t !== 'expand') || m.baseName)
      return mismatch(`${field.name} is a number`, 'compare with |gt |gte |lt |lte, or list the values');
    return numbers(field, m, values, path, scope);
  }
  const patterns = textPatterns(values, m, path, scope);
  return patterns === null ? null : { type: 'text', ...common, patterns, cased: m.cased, baseName: m.baseName };
}

const article = (type: string): string =>
  type === 'ip'
    ? 'an address'
    : type === 'strings'
      ? 'a list of texts'
      : type === 'instant'
        ? 'a time'
        : type === 'boolean'
          ? 'true or false'
          : type === 'number'
            ? 'a number'
            : 'text';

function numbers(
  field: Field,
  m: Modifiers,
  values: readonly (string | number | boolean)[],
  path: Path,
  scope: SelectionScope,
): Condition | null {
  const texts = m.transforms.includes('expand') ? expanded(values.map(String), m, path, scope) : values;
  if (texts === null) return null;
  const parsed = texts.map(value => toNumber(field, value));
  const bad = parsed.indexOf(null);
  if (bad >= 0) {
    const wanted = field.type === 'instant' ? 'a time like 2026-01-01T00:00:00Z' : 'a number';
    scope.problems.add('type-mismatch', path, `${field.name} needs ${wanted}, not ${JSON.stringify(texts[bad])}`);
    return null;
  }
  return {
    type: 'number',
    field,
    negated: m.negated,
    quantifier: m.quantifier,
    comparison: m.comparison,
    values: parsed.filter(n => n !== null),
  };
}

function toNumber(field: Field, value: string | number | boolean): number | null {
  if (typeof value === 'number') return field.type === 'instant' ? null : value;
  if (typeof value === 'boolean') return null;
  if (field.type === 'instant') return parseInstant(value)?.time ?? null;
  return /^\s*[-+]?\d+(\.\d+)?\s*$/.test(value) ? Number(value) : null;
}

function regex(
  field: Field,
  m: Modifiers,
  values: readonly (string | number | boolean)[],
  path: Path,
  scope: SelectionScope,
): Condition | null {
  if (field.type === 'number' || field.type === 'boolean' || field.type === 'instant') {
    scope.problems.add('type-mismatch', path, `|re needs text, and ${field.name} is ${article(field.type)}`);
    return null;
  }
  const sources = expanded(values.map(String), m, path, scope);
  if (sources === null) return null;
  // Lists are of other documents.
  const proven = scope.proven === true && !m.transforms.includes('expand');
  for (const [i, source] of proven ? [] : sources.entries()) {
    const at: Path = values.length === 1 ? path : [...path, i];
    if (source.length > REGEX_CHARS_MAX) {
      scope.problems.add(
        'bad-regex',
        at,
        `a regular expression of ${source.length} characters`,
        `at most ${REGEX_CHARS_MAX}`,
      );
      return null;
    }
    try {
      regexOf(source, m.flags);
    } catch (error) {
      const lookaround = /\(\?<?[=!]/.test(source);
      scope.problems.add(
        'bad-regex',
        at,
        `not a regular expression: ${(error as Error).message}`,
        lookaround
          ? 'look-around is not linear-time: use a second selection with and not'
          : 'RE2 syntax: no look-around, no back-references',
      );
      return null;
    }
  }
  return {
    type: 'regex',
    field,
    negated: m.negated,
    quantifier: m.quantifier,
    sources,
    flags: m.flags,
    baseName: m.baseName,
  };
}

/** `%name%` in each value replaced by every entry of that list, when `|expand` is given; null after reporting. */
function expanded(values: readonly string[], m: Modifiers, path: Path, scope: SelectionScope): string[] | null {
  if (!m.transforms.includes('expand')) return [...values];
  const out: string[] = [];
  for (const value of values) {
    const parts = value.split(/%([A-Za-z0-9_-]+)%/);
    let forms = [parts[0] as string];
    for (let i = 1; i < parts.length; i += 2) {
      const name = parts[i] as string;
      const list = scope.lists.get(name);
      if (list === undefined) {
        const known = [...scope.lists.keys()];
        const hint = known.length === 0 ? 'no lists are defined' : `known: ${known.join(' ')}`;
        scope.problems.add('unknown-list', path, `unknown list %${name}%`, hint);
        return null;
      }
      scope.listsUsed.add(name);
      if (forms.length * list.length + out.length > VALUES_MAX) {
        scope.problems.add('bad-selection', path, `expands to more than ${VALUES_MAX} values`);
        return null;
      }
      forms = forms.flatMap(form => list.map(item => form + item + (parts[i + 1] as string)));
    }
    out.push(...forms);
  }
  return out;
}

function textPatterns(
  values: readonly (string | number | boolean)[],
  m: Modifiers,
  path: Path,
  scope: SelectionScope,
): Pattern[] | null {
  const texts = expanded(values.map(String), m, path, scope);
  if (texts === null) return null;
  const encoding = m.transforms.filter(t => t !== 'expand');
  const encoded = encoding.some(t => t.startsWith('base64'));
  const patternsMax = encoding.includes('windash') ? DASH_PATTERNS_MAX : PATTERNS_MAX;
  const patterns: Pattern[] = [];
  for (const text of texts) {
    let forms: (string | Bytes)[] = [text];
    for (const transform of encoding) forms = forms.flatMap(form => transformed(form, transform));
    if (patterns.length + forms.length > patternsMax) {
      scope.problems.add('bad-selection', path, `its modifiers make more than ${patternsMax} patterns`);
      return null;
    }
    for (const form of forms) patterns.push(toPattern(asText(form), m.match, m.cased, encoded));
  }
  return patterns;
}

/** Bytes that nothing encodes further are compared as characters of one byte each. */
const asText = (form: string | Bytes): string => (typeof form === 'string' ? form : String.fromCharCode(...form));

function transformed(form: string | Bytes, transform: string): (string | Bytes)[] {
  const bytes = typeof form === 'string' ? utf8(form) : form;
  switch (transform) {
    case 'windash':
      return typeof form === 'string' ? windash(form) : [form];
    case 'base64':
      return [base64(bytes)];
    case 'base64offset':
      return base64Offsets(bytes);
    case 'utf16be':
      return typeof form === 'string' ? [utf16(form, 'be', false)] : [form];
    case 'utf16':
      return typeof form === 'string' ? [utf16(form, 'le', true)] : [form];
    default:
      return typeof form === 'string' ? [utf16(form, 'le', false)] : [form];
  }
}

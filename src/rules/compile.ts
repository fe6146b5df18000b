/** Condition tree → closures. Literals, sets, networks and regular expressions are made once; nothing is parsed per event. */
import { LIMITS } from '../model/limits.ts';
import type { Observation } from '../model/observation.ts';
import { baseName, type Process } from '../model/process.ts';
import type { Field, FieldGetter, FieldValue } from './catalogue/field.ts';
import { parseCidr } from './cidr.ts';
import type {
  CidrTest,
  Comparison,
  Condition,
  FieldrefTest,
  KeywordTest,
  NumberTest,
  RegexTest,
  TextTest,
} from './condition.ts';
import { KEYWORD_FIELDS } from './keywords.ts';
import { regexOf } from './regex.ts';
import { foldCase, regexLiterals } from './regex-literals.ts';
import type { Predicate } from './rule.ts';
import { type TextMatcher, textMatcher } from './text-matcher.ts';

/** `subject` is the process that `process.*` speaks of: see `Field`. */
type Test = (o: Observation, subject: Process | null) => boolean;

const sources = new WeakMap<Predicate, Condition>();

/** The predicate of a condition over observations, compiled when it is first asked: most rules of a set never are in a replay. */
export function compileCondition(condition: Condition): Predicate {
  let test: Test | null = null;
  const predicate: Predicate = o => {
    test ??= compile(condition);
    return test(o, o.process);
  };
  sources.set(predicate, condition);
  return predicate;
}

/** What a predicate was made of; null when it was not made here. */
export const conditionOf = (predicate: Predicate): Condition | null => sources.get(predicate) ?? null;

/** Whether one node of a condition holds, of which `subject` is the process that `process.*` speaks of. */
export const nodeHolds = (condition: Condition, o: Observation, subject: Process | null): boolean =>
  compile(condition)(o, subject);

/** Macros are one node in many rules: each is compiled once. */
const tests = new WeakMap<Condition, Test>();

function compile(condition: Condition): Test {
  let test = tests.get(condition);
  if (test === undefined) {
    test = compileNode(condition);
    tests.set(condition, test);
  }
  return test;
}

function compileNode(condition: Condition): Test {
  switch (condition.type) {
    case 'and':
      return every(cheapestFirst(flattened('and', condition.of)).map(compile));
    case 'or':
      return some(cheapestFirst(flattened('or', condition.of)).map(compile));
    case 'not': {
      const of = compile(condition.of);
      return (o, subject) => !of(o, subject);
    }
    case 'some':
      return atLeast(condition.n, condition.of.map(compile));
    case 'ancestor':
      return compileAncestor(condition.of);
    case 'kind': {
      const kinds = new Set(condition.kinds);
      return o => kinds.has(o.event.kind);
    }
    case 'category': {
      const { guard } = condition.category;
      const kinds = new Set<string>(condition.category.kinds);
      return guard === null ? o => kinds.has(o.event.kind) : o => kinds.has(o.event.kind) && guard(o);
    }
    case 'exists': {
      const { get } = condition.field;
      const wanted = condition.value;
      return (o, subject) => isPresent(get(o, subject)) === wanted;
    }
    case 'boolean': {
      const { get } = condition.field;
      const wanted = condition.value !== condition.negated;
      return (o, subject) => get(o, subject) === wanted;
    }
    case 'keywords':
      return compileKeywords(condition);
    case 'text':
      return compileText(condition);
    case 'regex':
      return compileRegex(condition);
    case 'number':
      return compileNumber(condition);
    case 'cidr':
      return compileCidr(condition);
    case 'fieldref':
      return compileFieldref(condition);
  }
}

/** Many rules ask the same of the ancestors of the process at hand: the last answer is kept. */
function compileAncestor(condition: Condition): Test {
  const of = compile(condition);
  let seq = -1;
  let asked: Process | null = null;
  let answer = false;
  return (o, subject) => {
    if (subject === null) return false;
    if (o.seq === seq && subject === asked) return answer;
    let found = false;
    let left = LIMITS.ancestryDepthMax;
    for (let at = subject.parent; at !== null && at !== subject && left > 0 && !found; at = at.parent, left--) {
      found = of(o, at);
    }
    seq = o.seq;
    asked = subject;
    answer = found;
    return found;
  };
}

const costs = new WeakMap<Condition, number>();

/** Rough cost of one evaluation: a field read and compared is 1. Tests have no effects, so their order is free. */
function costOf(condition: Condition): number {
  let cost = costs.get(condition);
  if (cost === undefined) {
    cost = costOfNode(condition);
    costs.set(condition, cost);
  }
  return cost;
}

function costOfNode(condition: Condition): number {
  switch (condition.type) {
    case 'boolean':
    case 'number':
      return 1;
    case 'kind':
    case 'category':
    case 'exists':
      // Nearly always so: what may fail is asked before.
      return 4;
    case 'text':
      return 2 + Math.min(condition.patterns.filter(pattern => pattern.type !== 'equals').length, 20) / 4;
    case 'cidr':
      return 10;
    case 'fieldref':
      return 10;
    case 'regex':
      return condition.sources.reduce((sum, source) => sum + (regexLiterals(source, condition.flags) ? 8 : 100), 0);
    case 'keywords':
      return 100;
    case 'ancestor':
      return 5 * costOf(condition.of);
    case 'not':
      return costOf(condition.of);
    default:
      return condition.of.reduce((sum, child) => sum + costOf(child), 0);
  }
}

/** An `and` inside an `and` is one, so that its parts find their places among the others; `or` likewise. */
const flattened = (type: 'and' | 'or', of: readonly Condition[]): readonly Condition[] =>
  of.flatMap(child => (child.type === type ? flattened(type, child.of) : [child]));

const cheapestFirst = (of: readonly Condition[]): readonly Condition[] => of.toSorted((a, b) => costOf(a) - costOf(b));

const isPresent = (value: FieldValue): boolean =>
  value !== null && value !== '' && (typeof value !== 'object' || value.length > 0);

function every(tests: readonly Test[]): Test {
  const [a, b, c] = tests;
  if (a === undefined) return () => true;
  if (b === undefined) return a;
  if (c === undefined) return (o, subject) => a(o, subject) && b(o, subject);
  return (o, subject) => {
    for (let i = 0; i < tests.length; i++) if (!(tests[i] as Test)(o, subject)) return false;
    return true;
  };
}

function some(tests: readonly Test[]): Test {
  const [a, b, c] = tests;
  if (a === undefined) return () => false;
  if (b === undefined) return a;
  if (c === undefined) return (o, subject) => a(o, subject) || b(o, subject);
  return (o, subject) => {
    for (let i = 0; i < tests.length; i++) if ((tests[i] as Test)(o, subject)) return true;
    return false;
  };
}

function atLeast(n: number, tests: readonly Test[]): Test {
  return (o, subject) => {
    let missing = n;
    for (let i = 0; i < tests.length && missing > 0; i++) if ((tests[i] as Test)(o, subject)) missing--;
    return missing <= 0;
  };
}

/** A test over the present texts of a field: some element suffices; `negated` asks that the field is there and no element matches. */
function overTexts(get: FieldGetter, negated: boolean, matches: TextMatcher): Test {
  return (o, subject) => {
    const value = get(o, subject);
    if (typeof value === 'string') return value !== '' && matches(value) !== negated;
    if (value === null) return false;
    if (typeof value !== 'object') return matches(String(value)) !== negated;
    if (value.length === 0) return false;
    for (let i = 0; i < value.length; i++) if (matches(value[i] as string)) return !negated;
    return negated;
  };
}

/** `all` over a field of several texts: each pattern may find its own. */
function overTextsAll(get: FieldGetter, negated: boolean, each: readonly TextMatcher[]): Test {
  const [first, second] = each;
  if (first !== undefined && second === undefined) return overTexts(get, negated, first);
  const all = every(each.map(matches => overTexts(get, false, matches)));
  if (!negated) return all;
  return (o, subject) => isPresent(get(o, subject)) && !all(o, subject);
}

interface TextMode {
  readonly cased: boolean;
  readonly baseName: boolean;
}

/** The getter to use with `prepared` matchers: the one that gives lower case already, where there is one. */
const getterFor = (field: Field, { cased }: TextMode): FieldGetter =>
  cased ? field.get : (field.getLower ?? field.get);

function prepared(matches: TextMatcher, field: Field, { cased, baseName: base }: TextMode): TextMatcher {
  const folds = !cased && field.getLower === undefined;
  if (base) return folds ? text => matches(baseName(text.toLowerCase())) : text => matches(baseName(text));
  return folds ? text => matches(text.toLowerCase()) : matches;
}

function compileText(node: TextTest): Test {
  const get = getterFor(node.field, node);
  const ready = (matches: TextMatcher): TextMatcher => prepared(matches, node.field, node);
  if (node.quantifier === 'any') return overTexts(get, node.negated, ready(textMatcher(node.patterns, 'any')));
  const each = node.patterns.map(pattern => ready(textMatcher([pattern], 'any')));
  return overTextsAll(get, node.negated, each);
}

function compileKeywords(node: KeywordTest): Test {
  const mode: TextMode = { cased: node.cased, baseName: false };
  const anywhere = (matches: TextMatcher): Test =>
    some(KEYWORD_FIELDS.map(field => overTexts(getterFor(field, mode), false, prepared(matches, field, mode))));
  if (node.quantifier === 'any') return anywhere(textMatcher(node.patterns, 'any'));
  return every(node.patterns.map(pattern => anywhere(textMatcher([pattern], 'any'))));
}

/** A plain search for what the expression cannot do without answers most texts. */
function regexMatcher(source: string, flags: string): TextMatcher {
  let compiled: ReturnType<typeof regexOf> | null = null;
  const finds = (text: string): boolean => {
    compiled ??= regexOf(source, flags);
    return compiled.test(text);
  };
  const needed = regexLiterals(source, flags);
  if (needed === null) return finds;
  const patterns = needed.literals.map(text => ({ type: 'contains', text }) as const);
  const mayMatch = textMatcher(patterns, 'any');
  if (needed.folded) return text => mayMatch(foldCase(text)) && finds(text);
  return text => mayMatch(text) && finds(text);
}

function compileRegex(node: RegexTest): Test {
  const each = node.sources.map((source): TextMatcher => {
    const matches = regexMatcher(source, node.flags);
    return node.baseName ? text => matches(baseName(text)) : matches;
  });
  if (node.quantifier === 'all') return overTextsAll(node.field.get, node.negated, each);
  return overTexts(node.field.get, node.negated, text => {
    for (const matches of each) if (matches(text)) return true;
    return false;
  });
}

function compileCidr(node: CidrTest): Test {
  const each = node.networks.map(network => parseCidr(network) ?? (() => false));
  if (node.quantifier === 'all') return overTextsAll(node.field.get, node.negated, each);
  return overTexts(node.field.get, node.negated, text => {
    for (const matches of each) if (matches(text)) return true;
    return false;
  });
}

const COMPARE: Readonly<Record<Comparison, (a: number, b: number) => boolean>> = {
  eq: (a, b) => a === b,
  gt: (a, b) => a > b,
  gte: (a, b) => a >= b,
  lt: (a, b) => a < b,
  lte: (a, b) => a <= b,
};

/** A number, also one written as text (64-bit hook arguments); NaN when the value is none. */
function numberOf(value: FieldValue): number {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && value !== '' ? Number(value) : Number.NaN;
}

function compileNumber(node: NumberTest): Test {
  const { get } = node.field;
  const { negated, values } = node;
  const [first, second] = values;
  if (node.comparison === 'eq' && node.quantifier === 'any' && second !== undefined) {
    const set = new Set(values);
    return (o, subject) => {
      const n = numberOf(get(o, subject));
      return !Number.isNaN(n) && set.has(n) !== negated;
    };
  }
  const compare = COMPARE[node.comparison];
  if (first !== undefined && second === undefined) {
    return (o, subject) => {
      const n = numberOf(get(o, subject));
      return !Number.isNaN(n) && compare(n, first) !== negated;
    };
  }
  const all = node.quantifier === 'all';
  return (o, subject) => {
    const n = numberOf(get(o, subject));
    if (Number.isNaN(n)) return false;
    const holds = all ? values.every(value => compare(n, value)) : values.some(value => compare(n, value));
    return holds !== negated;
  };
}

const MATCH: Readonly<Record<FieldrefTest['match'], (text: string, other: string) => boolean>> = {
  equals: (text, other) => text === other,
  contains: (text, other) => text.includes(other),
  startswith: (text, other) => text.startsWith(other),
  endswith: (text, other) => text.endsWith(other),
};

/** Every text of a value, as text. */
function textsOf(value: FieldValue): readonly string[] {
  if (value === null || value === '') return [];
  return typeof value === 'object' ? value : [String(value)];
}

function compileFieldref(node: FieldrefTest): Test {
  const { get } = node.field;
  const matches = MATCH[node.match];
  const fold = (text: string): string => (node.cased ? text : text.toLowerCase());
  return (o, subject) => {
    const own = textsOf(get(o, subject)).map(fold);
    if (own.length === 0) return false;
    const others = node.others.map(other => textsOf(other.get(o, subject)).map(fold));
    if (others.every(texts => texts.length === 0)) return false;
    const holds = (texts: readonly string[]): boolean => texts.some(other => own.some(text => matches(text, other)));
    return (node.quantifier === 'all' ? others.every(holds) : others.some(holds)) !== node.negated;
  };
}

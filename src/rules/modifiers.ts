/** `field|modifier|modifier` → what they ask for, with every contradiction refused. */
import { nearest } from '../model/nearest.ts';
import type { Comparison, Quantifier } from './condition.ts';
import type { TextMatch } from './patterns.ts';

const MATCHES: readonly string[] = ['contains', 'startswith', 'endswith'];
const NUMBERS: readonly string[] = ['gt', 'gte', 'lt', 'lte'];
const OPERATORS: readonly string[] = ['re', 'exists', 'cidr', 'fieldref', 'any', ...NUMBERS];
const TRANSFORMS: readonly string[] = [
  'base64',
  'base64offset',
  'wide',
  'utf16le',
  'utf16be',
  'utf16',
  'windash',
  'expand',
];
/** Sigma 2.1: a part of an instant, in UTC. */
const DATE_PARTS: readonly string[] = ['minute', 'hour', 'day', 'week', 'month', 'year'];
const REGEX_FLAGS: readonly string[] = ['i', 'm', 's'];
export const MODIFIERS: readonly string[] = [
  ...MATCHES,
  ...OPERATORS,
  ...TRANSFORMS,
  ...REGEX_FLAGS,
  ...DATE_PARTS,
  'all',
  'cased',
  'neq',
  'name',
];

type Operator = 'text' | 're' | 'exists' | 'cidr' | 'fieldref' | 'any' | 'compare';

export interface Modifiers {
  readonly operator: Operator;
  readonly match: TextMatch;
  readonly comparison: Comparison;
  readonly quantifier: Quantifier;
  readonly cased: boolean;
  readonly negated: boolean;
  readonly baseName: boolean;
  /** Regex flags, any of `ims`. */
  readonly flags: string;
  /** In the order written. */
  readonly transforms: readonly string[];
  /** The part of an instant that is compared, or ''. */
  readonly datePart: string;
}

export type ModifierProblem = {
  readonly code: 'unknown-modifier' | 'bad-modifier';
  readonly message: string;
  readonly hint: string;
};

/** The modifiers after a field's name, or the first thing that is wrong with them. */
export function parseModifiers(names: readonly string[]): Modifiers | ModifierProblem {
  const bad = (message: string, hint = ''): ModifierProblem => ({ code: 'bad-modifier', message, hint });
  for (const [at, name] of names.entries()) {
    if (!MODIFIERS.includes(name)) {
      const match = nearest(name, MODIFIERS);
      const hint = match === null ? `known: ${MODIFIERS.join(' ')}` : `did you mean |${match}?`;
      return { code: 'unknown-modifier', message: `unknown modifier |${name}`, hint };
    }
    if (names.indexOf(name) !== at) return bad(`|${name} is given twice`);
  }
  const has = (name: string): boolean => names.includes(name);
  const matches = names.filter(name => MATCHES.includes(name));
  const operators = names.filter(name => OPERATORS.includes(name));
  if (matches.length > 1) return bad(`|${matches.join(' and |')} exclude each other`);
  if (operators.length > 1) return bad(`|${operators.join(' and |')} exclude each other`);
  const operator = operators[0];
  const flags = names.filter(name => REGEX_FLAGS.includes(name));
  const transforms = names.filter(name => TRANSFORMS.includes(name));
  if (operator !== undefined && operator !== 'fieldref' && matches.length > 0) {
    return bad(
      `|${matches[0]} has no meaning with |${operator}`,
      operator === 're' ? 'a regular expression matches anywhere by itself' : '',
    );
  }
  if (flags.length > 0 && operator !== 're') return bad(`|${flags[0]} is a flag of |re`, 'write |re before it');
  if (has('cased') && operator !== undefined && operator !== 'fieldref') {
    return bad(
      `|cased has no meaning with |${operator}`,
      operator === 're' ? 'regular expressions are case-sensitive unless |i is given' : '',
    );
  }
  if (has('name') && operator !== undefined && operator !== 're') return bad(`|name has no meaning with |${operator}`);
  if (has('neq') && (operator === 'exists' || operator === 'any'))
    return bad(`|neq has no meaning with |${operator}`, 'use not in the condition');
  if (has('all') && (operator === 'exists' || operator === 'any')) return bad(`|all has no meaning with |${operator}`);
  const transforming = transforms.filter(name => name !== 'expand');
  if (transforming.length > 0 && operator !== undefined)
    return bad(`|${transforming[0]} has no meaning with |${operator}`);
  const parts = names.filter(name => DATE_PARTS.includes(name));
  if (parts.length > 1) return bad(`|${parts.join(' and |')} exclude each other`);
  if (parts.length > 0 && (operator === 're' || operator === 'cidr' || operator === 'fieldref' || operator === 'any'))
    return bad(`|${parts[0]} makes a number, which |${operator} does not take`);
  return {
    operator: operator === undefined ? 'text' : NUMBERS.includes(operator) ? 'compare' : (operator as Operator),
    match: (matches[0] as TextMatch | undefined) ?? 'equals',
    comparison: operator !== undefined && NUMBERS.includes(operator) ? (operator as Comparison) : 'eq',
    quantifier: has('all') ? 'all' : 'any',
    cased: has('cased') || transforms.some(name => name.startsWith('base64')),
    negated: has('neq'),
    baseName: has('name'),
    flags: flags.join(''),
    transforms,
    datePart: parts[0] ?? '',
  };
}

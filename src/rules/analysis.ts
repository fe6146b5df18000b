/** What is necessarily so when a condition holds: kinds of events, sensor settings, literals for the index. */
import type { EventKind } from '../model/event.ts';
import { ALL_KINDS } from './catalogue/field.ts';
import { type Condition, childrenOf, fieldsOf, type Pattern, type TextTest } from './condition.ts';
import { KEYWORD_FIELDS } from './keywords.ts';
import type { IndexHint } from './rule.ts';

/** The kinds of events on which it can hold. */
export function kindsOf(condition: Condition): readonly EventKind[] {
  switch (condition.type) {
    case 'and':
      return condition.of.map(kindsOf).reduce((a, b) => a.filter(kind => b.includes(kind)), ALL_KINDS);
    case 'or':
    case 'some': {
      const any = new Set(condition.of.flatMap(kindsOf));
      return ALL_KINDS.filter(kind => any.has(kind));
    }
    case 'not':
      return ALL_KINDS;
    case 'ancestor':
      return kindsOf(condition.of);
    case 'kind':
      return ALL_KINDS.filter(kind => condition.kinds.includes(kind));
    case 'category':
      return condition.category.kinds;
    case 'exists':
      return condition.value ? condition.field.kinds : ALL_KINDS;
    case 'keywords':
      return [...new Set(KEYWORD_FIELDS.flatMap(field => field.kinds))];
    default:
      return condition.field.kinds;
  }
}

/** The sensor settings without which it can never hold. */
export function requiresOf(condition: Condition): ReadonlySet<string> {
  switch (condition.type) {
    case 'and':
      return new Set(condition.of.flatMap(child => [...requiresOf(child)]));
    case 'or':
    case 'some': {
      const [first, ...rest] = condition.of.map(requiresOf);
      return new Set([...(first ?? [])].filter(setting => rest.every(other => other.has(setting))));
    }
    case 'ancestor':
      return requiresOf(condition.of);
    case 'category':
      return new Set(condition.category.requires === '' ? [] : [condition.category.requires]);
    case 'exists':
      return new Set(condition.value ? condition.field.requires : []);
    case 'not':
    case 'keywords':
    case 'kind':
      return new Set();
    default:
      return new Set(fieldsOf(condition).flatMap(field => field.requires));
  }
}

/** Names of all fields that it reads. */
export function fieldNamesOf(condition: Condition): string[] {
  const names = new Set<string>();
  const stack: Condition[] = [condition];
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    for (const field of fieldsOf(at)) names.add(field.name);
    if (at.type === 'keywords') for (const field of KEYWORD_FIELDS) names.add(field.name);
    if (at.type === 'ancestor') names.add('ancestors');
    stack.push(...childrenOf(at));
  }
  return [...names].sort();
}

/** Shorter literals occur in everything. */
const LITERAL_CHARS_MIN = 2;
const LITERALS_MAX = 2_000;

/** The most selective thing that must be so, or null. */
export function hintOf(condition: Condition): IndexHint | null {
  switch (condition.type) {
    case 'and':
      return condition.of.map(hintOf).reduce((best, hint) => (weight(hint) > weight(best) ? hint : best), null);
    case 'or':
      return union(condition.of.map(hintOf));
    case 'some':
      return union(condition.of.map(hintOf));
    case 'text':
      return textHint(condition);
    default:
      return null;
  }
}

const WEIGHT: Readonly<Record<IndexHint['match'], number>> = {
  equals: 100,
  name: 90,
  startswith: 40,
  endswith: 40,
  contains: 30,
};

/** Fields of few values, which most events share: anything else selects better. */
const COARSE = new Set([
  'attribution',
  'event.kind',
  'file.access',
  'flow.direction',
  'flow.protocol',
  'flow.type',
  'flow.verdict',
  'kprobe.action',
  'network.destination.kind',
  'network.protocol',
  'network.source.kind',
  'pod.namespace',
  'process.flags',
  'socket.family',
  'socket.protocol',
  'socket.state',
  'flow.destination.kind',
  'flow.source.kind',
]);
const COARSE_PENALTY = 99;

function weight(hint: IndexHint | null): number {
  if (hint === null) return 0;
  const shortest = hint.literals.reduce((least, literal) => Math.min(least, literal.length), 20);
  const penalty = COARSE.has(hint.field) ? COARSE_PENALTY : 0;
  return Math.max(1, WEIGHT[hint.match] + shortest - Math.log2(hint.literals.length) - penalty);
}

function union(hints: readonly (IndexHint | null)[]): IndexHint | null {
  const [first] = hints;
  if (first === undefined || first === null) return null;
  let match = first.match;
  for (const hint of hints) {
    if (hint === null || hint.field !== first.field || hint.cased !== first.cased) return null;
    if (hint.match !== match) match = 'contains';
  }
  const literals = [...new Set(hints.flatMap(hint => hint?.literals ?? []))];
  return literals.length > LITERALS_MAX ? null : { field: first.field, match, literals, cased: first.cased };
}

function textHint(node: TextTest): IndexHint | null {
  if (node.negated || node.patterns.length === 0) return null;
  const each = node.patterns.map(pattern => patternHint(pattern, node));
  if (node.quantifier === 'all') return each.reduce((best, hint) => (weight(hint) > weight(best) ? hint : best), null);
  return union(each);
}

function patternHint(pattern: Pattern, node: TextTest): IndexHint | null {
  const hint = (match: IndexHint['match'], literal: string): IndexHint | null =>
    literal.length < LITERAL_CHARS_MIN && match !== 'equals' && match !== 'name'
      ? null
      : { field: node.field.name, match, literals: [literal], cased: node.cased };
  if (pattern.type === 'glob') {
    const texts = pattern.pieces.flatMap(piece => piece.filter(part => part !== null));
    return hint(
      'contains',
      texts.reduce((longest, text) => (text.length > longest.length ? text : longest), ''),
    );
  }
  if (!node.baseName) return hint(pattern.type, pattern.text);
  return hint(pattern.type === 'equals' ? 'name' : 'contains', pattern.text);
}

/** What an index may rely on: conditions on fields' texts of which one is met whenever the whole condition is. */
import type { Field } from './catalogue/field.ts';
import type { Condition, KeywordTest, NumberTest, Pattern, RegexTest, TextTest } from './condition.ts';
import { KEYWORD_FIELDS } from './keywords.ts';
import { regexLiterals } from './regex-literals.ts';
import type { IndexHint } from './rule.ts';

/** Any of them; never empty. Null proves nothing. */
type Hints = readonly IndexHint[] | null;
type Match = IndexHint['match'];

/** Shorter literals occur in everything. */
const LITERAL_CHARS_MIN = 2;
const LITERALS_MAX = 2_000;
/** Each is a field to be read from every event of the kind. */
const HINTS_MAX = 24;

/** The most selective thing that must be so, or null. */
export function hintsOf(condition: Condition): Hints {
  let hints = known.get(condition);
  if (hints === undefined) {
    hints = hintsOfNode(condition);
    known.set(condition, hints);
  }
  return hints;
}

/** Beyond these, what else must be so selects hardly better. */
const ALTERNATIVES_MAX = 4;

/** What else must be so beside `hintsOf`, from the most selective on: each proves by itself that the condition cannot hold. */
export function alternativeHintsOf(condition: Condition): (readonly IndexHint[])[] {
  if (condition.type !== 'and') return [];
  const chosen = hintsOf(condition);
  const all = condition.of.flatMap(part => [hintsOf(part), ...alternativeHintsOf(part)]);
  return all
    .filter((hints): hints is readonly IndexHint[] => hints !== null && hints !== chosen)
    .sort((a, b) => weight(b) - weight(a))
    .slice(0, ALTERNATIVES_MAX);
}

/** Macros are one node in many rules. */
const known = new WeakMap<Condition, Hints>();

function hintsOfNode(condition: Condition): Hints {
  switch (condition.type) {
    case 'and':
      return condition.of.map(hintsOf).reduce(best, null);
    case 'or':
    case 'some':
      return union(condition.of.map(hintsOf));
    case 'text':
      return best(textHints(condition), presence(condition.field));
    case 'regex':
      return best(regexHints(condition), presence(condition.field));
    case 'keywords':
      return keywordHints(condition);
    case 'number':
      return best(numberHints(condition), presence(condition.field));
    case 'boolean': {
      const literals = [String(condition.value !== condition.negated)];
      return [{ field: condition.field.name, match: 'equals', literals, cased: true }];
    }
    case 'cidr':
    case 'fieldref':
      return presence(condition.field);
    case 'exists':
      return condition.value ? presence(condition.field) : null;
    default:
      return null;
  }
}

const WEIGHT: Readonly<Record<Match, number>> = {
  equals: 100,
  name: 90,
  startswith: 40,
  endswith: 40,
  contains: 30,
  present: 2,
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
const COARSE_PENALTY = 98;
/** Arguments are dug for, and mean nothing without the function, which is at hand. */
const DUG_FOR = /^kprobe\.(args\.|return$)/;
const DUG_FOR_PENALTY = 70;

/** Fields that nearly every event has: that they are there says nothing. */
const EVERYWHERE = /^(process|parent|pod|container|node|cluster|event|falco)\./;

function presence(field: Field): Hints {
  return EVERYWHERE.test(field.name) ? null : [{ field: field.name, match: 'present', literals: [], cased: false }];
}

/** How rarely one of them holds, in points: ten are about a tenth of the events. */
export function weight(hints: Hints): number {
  if (hints === null) return 0;
  const least = Math.min(...hints.map(weightOfOne));
  return Math.max(0.1, least - Math.log2(hints.length));
}

function weightOfOne({ field, match, literals }: IndexHint): number {
  const shortest = literals.reduce((least, literal) => Math.min(least, literal.length), 20);
  const few = match === 'equals' && literals.every(literal => literal === 'true' || literal === 'false');
  const penalty = few || COARSE.has(field) ? COARSE_PENALTY : DUG_FOR.test(field) ? DUG_FOR_PENALTY : 0;
  return match === 'present'
    ? WEIGHT.present
    : Math.max(1, WEIGHT[match] + shortest - Math.log2(literals.length) - penalty);
}

const best = (a: Hints, b: Hints): Hints => (weight(b) > weight(a) ? b : a);

/** Hints that differ only in their literals become one. */
function union(each: readonly Hints[]): Hints {
  const merged = new Map<string, { readonly hint: IndexHint; readonly literals: Set<string> }>();
  for (const hints of each) {
    if (hints === null) return null;
    for (const hint of hints) {
      const key = `${hint.field} ${hint.match} ${hint.cased}`;
      const known = merged.get(key);
      if (known === undefined) merged.set(key, { hint, literals: new Set(hint.literals) });
      else for (const literal of hint.literals) known.literals.add(literal);
    }
  }
  const hints = [...merged.values()].map(({ hint, literals }) => ({ ...hint, literals: [...literals] }));
  const literals = hints.reduce((sum, hint) => sum + hint.literals.length, 0);
  return hints.length === 0 || hints.length > HINTS_MAX || literals > LITERALS_MAX ? null : hints;
}

function textHints(node: TextTest): Hints {
  if (node.negated) return null;
  const each = node.patterns.map(pattern => patternHints(pattern, node.field, node));
  return node.quantifier === 'all' ? each.reduce(best, null) : union(each);
}

function keywordHints(node: KeywordTest): Hints {
  const mode = { cased: node.cased, baseName: false };
  const each = node.patterns.map(pattern => union(KEYWORD_FIELDS.map(field => patternHints(pattern, field, mode))));
  return node.quantifier === 'all' ? each.reduce(best, null) : union(each);
}

function regexHints({ field, sources, flags, quantifier, negated }: RegexTest): Hints {
  if (negated) return null;
  const each = sources.map((source): Hints => {
    const found = regexLiterals(source, flags);
    if (found === null) return null;
    return [{ field: field.name, match: 'contains', literals: found.literals, cased: !found.folded }];
  });
  return quantifier === 'all' ? each.reduce(best, null) : union(each);
}

/** Only numbers have one way to be written: what stands in texts may say the same number in another. */
function numberHints({ field, comparison, values, quantifier, negated }: NumberTest): Hints {
  if (negated || comparison !== 'eq' || field.type !== 'number' || values.length === 0) return null;
  const literals = (quantifier === 'all' ? values.slice(0, 1) : values).map(String);
  return literals.length > LITERALS_MAX ? null : [{ field: field.name, match: 'equals', literals, cased: true }];
}

interface TextMode {
  readonly cased: boolean;
  readonly baseName: boolean;
}

function patternHints(pattern: Pattern, field: Field, { cased, baseName }: TextMode): Hints {
  const hint = (match: Match, literal: string): Hints =>
    literal.length < LITERAL_CHARS_MIN && match !== 'equals' && match !== 'name'
      ? null
      : [{ field: field.name, match, literals: [literal], cased }];
  if (pattern.type === 'glob') {
    const texts = pattern.pieces.flatMap(piece => piece.filter(part => part !== null));
    return hint(
      'contains',
      texts.reduce((longest, text) => (text.length > longest.length ? text : longest), ''),
    );
  }
  if (!baseName) return hint(pattern.type, pattern.text);
  return hint(pattern.type === 'equals' ? 'name' : 'contains', pattern.text);
}

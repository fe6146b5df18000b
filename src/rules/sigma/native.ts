/** A plain Sigma rule with the filters that narrow it → the text of a native rule that matches the same events. */
import { Document } from 'yaml';
import { sigmaField } from '../catalogue/sigma.ts';
import type { Condition } from '../condition.ts';
import { parseExpression } from '../expression.ts';
import { dayOf, isUuid } from '../lint.ts';
import { toPattern } from '../patterns.ts';
import type { Rule } from '../rule.ts';
import { STATUSES } from '../schema.ts';
import { textMatcher } from '../text-matcher.ts';
import { SelectionWriter } from '../written.ts';
import { isRecord } from '../yaml.ts';
import { readLogSource } from './logsource.ts';

/** A plain rule that runs by itself. */
export interface SigmaLoaded {
  readonly rule: Rule;
  /** Its document. */
  readonly value: Readonly<Record<string, unknown>>;
  /** What filters ask of a match, on top. */
  readonly keeps: readonly Condition[];
  /** The value lists that its own selections use. */
  readonly lists: ReadonlyMap<string, readonly string[]>;
}

/** `reason` says why there is no native rule for it. */
export type SigmaConverted = { readonly text: string } | { readonly reason: string };

const EXPRESSION_CHARS_MAX = 10_000;
const TITLE_CHARS_MAX = 256;
const TEXT_CHARS_MAX = 20_000;
const LINE_CHARS_MAX = 1_000;
const TAGS_MAX = 200;

class NotConvertible extends Error {}

export function nativeSigma(loaded: SigmaLoaded): SigmaConverted {
  try {
    const { rule, value, lists } = loaded;
    const source = readLogSource(value.logsource);
    if (source.status !== 'native' || !isRecord(value.detection)) throw new NotConvertible('it does not run');
    const native = {
      ...described(rule, value),
      ...(source.category === '' ? {} : { logsource: { category: source.category, product: 'linux' } }),
      ...(lists.size === 0 ? {} : { lists: Object.fromEntries(lists) }),
      detection: detectionOf(value.detection, [...(source.also === null ? [] : [source.also]), ...loaded.keeps]),
    };
    return { text: new Document(native, { aliasDuplicateObjects: false }).toString({ lineWidth: 120 }) };
  } catch (error) {
    if (!(error instanceof NotConvertible)) throw error;
    return { reason: error.message };
  }
}

/** What the rule says of itself, without what native rules do not know. */
function described(rule: Rule, value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const kept = (...names: readonly string[]): Record<string, unknown> =>
    Object.fromEntries(names.filter(name => value[name] != null).map(name => [name, value[name]]));
  const days = (['date', 'modified'] as const).map(key => [key, dayOf(String(value[key] ?? ''))]);
  const cut = (texts: readonly string[]): string[] => texts.map(text => text.slice(0, TEXT_CHARS_MAX));
  return {
    title: rule.title.slice(0, TITLE_CHARS_MAX),
    ...(isUuid(rule.id) ? { id: rule.id } : {}),
    ...kept('name', 'related'),
    ...(STATUSES.some(status => status === rule.status) ? { status: rule.status } : {}),
    level: rule.level,
    description: rule.description.slice(0, TEXT_CHARS_MAX) || `Converted from the Sigma rule ${rule.title}`,
    ...(rule.author === '' ? {} : { author: rule.author.slice(0, LINE_CHARS_MAX) }),
    ...Object.fromEntries(days.filter(([, day]) => day !== '')),
    ...kept('license'),
    ...(rule.references.length === 0 ? {} : { references: cut(rule.references) }),
    taxonomy: 'spoor',
    tags: rule.tags.filter(tag => tag.length <= LINE_CHARS_MAX).slice(0, TAGS_MAX),
    falsepositives: rule.falsepositives.length === 0 ? ['Unknown'] : cut(rule.falsepositives),
    ...kept('scope'),
    ...(Array.isArray(value.fields) ? { fields: value.fields.map(nativeName) } : {}),
  };
}

/** The selections that its condition uses, and one more for each part of `further`, which all have to hold. */
function detectionOf(
  { condition: written, timeframe: _, ...selections }: Readonly<Record<string, unknown>>,
  further: readonly Condition[],
): Record<string, unknown> {
  const names = Object.keys(selections);
  const given: readonly unknown[] = Array.isArray(written) ? written : [written ?? names[0]];
  const expressions = given.map(String);
  const any: Condition = { type: 'or', of: [] };
  const known = { selections: new Map(names.map(name => [name, any])), macros: { find: () => null, names: () => [] } };
  const used = new Set(expressions.flatMap(expression => [...parseExpression(expression, known).used]));
  const own = names.filter(name => used.has(name)).map(name => [name, renamed(selections[name])] as const);
  const joined =
    expressions.length === 1 ? (expressions[0] as string) : expressions.map(each => `(${each})`).join(' or ');
  if (further.length === 0) return { ...Object.fromEntries(own), condition: joined };
  const writer = new SelectionWriter(freePrefix(names, joined));
  const parts = further.map(part => writer.expression(part));
  if (parts.includes(null)) throw new NotConvertible('a filter asks for what no selection can say');
  const whole = [`(${joined})`, ...parts].join(' and ');
  if (whole.length > EXPRESSION_CHARS_MAX) throw new NotConvertible('its condition would be too long');
  return { ...Object.fromEntries(own), ...Object.fromEntries(writer.selections), condition: whole };
}

/** Of names that are not taken and that no `1 of x*` of the condition means. */
function freePrefix(names: readonly string[], expression: string): string {
  const wanted = [...expression.matchAll(/\bof\s+([^\s()|]+)/gi)].map(match =>
    textMatcher([toPattern(match[1] as string, 'equals', true)], 'any'),
  );
  for (const prefix of ['_also_', '_and_', '_only_'])
    if (!names.some(name => name.startsWith(prefix)) && !wanted.some(matches => matches(`${prefix}1`))) return prefix;
  throw new NotConvertible('a pattern in its condition would mean what is added to it');
}

const nativeName = (name: unknown): unknown => (typeof name === 'string' ? (sigmaField(name) ?? name) : name);

/** A selection with the names of the catalogue. */
function renamed(selection: unknown): unknown {
  if (Array.isArray(selection)) return selection.map(renamed);
  if (!isRecord(selection)) return selection;
  const out: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(selection)) {
    const [name = '', ...modifiers] = key.split('|');
    const mapped = [sigmaField(name) ?? name, ...modifiers].join('|');
    if (Object.hasOwn(out, mapped)) throw new NotConvertible(`one selection asks for ${mapped} under two names`);
    out[mapped] = modifiers.includes('any')
      ? renamed(value)
      : modifiers.includes('fieldref')
        ? Array.isArray(value)
          ? value.map(nativeName)
          : nativeName(value)
        : value;
  }
  return out;
}

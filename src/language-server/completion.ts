/** What could stand at the cursor. */
import { FALCO_FIELD_TEXTS } from '../authoring/falco-keys.ts';
import { keysOf, MODIFIER_TEXTS } from '../authoring/keys.ts';
import { FAMILIES, FIELDS, OBJECT_LISTS } from '../rules/catalogue/catalogue.ts';
import { ALL_KINDS } from '../rules/catalogue/field.ts';
import { SIGMA_NAMES, sigmaField } from '../rules/catalogue/sigma.ts';
import { CATEGORIES } from '../rules/categories.ts';
import { MODIFIERS } from '../rules/modifiers.ts';
import { LEVELS } from '../rules/rule.ts';
import { TEST_EVENT_TYPES } from '../rules/rule-test.ts';
import type { Cursor } from './cursor.ts';
import { placeOf } from './part.ts';
import type { Found } from './workspace.ts';

export interface Suggestion {
  readonly label: string;
  readonly kind: 'key' | 'field' | 'modifier' | 'value' | 'name';
  readonly detail: string;
  /** What replaces the word, when that is more than the label. */
  readonly insert?: string;
}

export interface Known {
  readonly definitions: readonly Found[];
  readonly tags: readonly string[];
  /** Sigma's field names are offered, too. */
  readonly sigma: boolean;
}

const values = (names: Iterable<string>, detail = ''): Suggestion[] =>
  [...names].map(label => ({ label, kind: 'value', detail }));

const keys = (texts: Readonly<Record<string, string>>): Suggestion[] =>
  Object.entries(texts).map(([label, detail]) => ({ label, kind: 'key', detail, insert: `${label}: ` }));

const fieldNames = (known: Known): Suggestion[] => [
  ...FIELDS.map(({ name, describe }): Suggestion => ({ label: name, kind: 'field', detail: describe })),
  ...FAMILIES.map(
    ({ pattern, prefix, describe }): Suggestion => ({
      label: pattern,
      kind: 'field',
      detail: describe,
      insert: prefix,
    }),
  ),
  ...(known.sigma
    ? SIGMA_NAMES.map(
        (name): Suggestion => ({ label: name, kind: 'field', detail: `Sigma's name of ${sigmaField(name)}` }),
      )
    : []),
];

export function complete(cursor: Cursor, known: Known): Suggestion[] {
  const { path } = cursor;
  if (cursor.at === 'value') return completeValue(path, cursor, known);
  // An item of a list of texts looks like a key until something follows it.
  const list = path.at(-1) === '-' ? completeValue(path, cursor, known) : [];
  if (list.length > 0) return list;
  const place = placeOf(path);
  switch (place.type) {
    case 'keys':
      return keys(keysOf(place.part));
    case 'event':
      return TEST_EVENT_TYPES.map(label => ({ label, kind: 'key', detail: 'kind of event', insert: `${label}: ` }));
    case 'selection':
      return completeField(cursor, known);
    default:
      return [];
  }
}

function completeField(cursor: Cursor, known: Known): Suggestion[] {
  const bar = cursor.typed.lastIndexOf('|');
  if (bar < 0 && cursor.typed.startsWith('falco.'))
    return Object.entries(FALCO_FIELD_TEXTS).map(([name, detail]) => ({
      label: `falco.${name}`,
      kind: 'field',
      detail,
    }));
  if (bar < 0)
    return [
      ...fieldNames(known),
      ...OBJECT_LISTS.map(
        (name): Suggestion => ({ label: `${name}|any`, kind: 'field', detail: 'one of them satisfies a selection' }),
      ),
    ];
  const given = cursor.typed.slice(0, bar).split('|');
  return MODIFIERS.filter(name => !given.includes(name)).map(name => ({
    label: `${cursor.typed.slice(0, bar + 1)}${name}`,
    kind: 'modifier',
    detail: MODIFIER_TEXTS[name] ?? '',
  }));
}

function completeValue(path: readonly string[], cursor: Cursor, known: Known): Suggestion[] {
  const named = path.filter(name => name !== '-');
  const key = named.at(-1) ?? '';
  const place = placeOf(named.slice(0, -1));
  if (place.type === 'selection' || key === 'macros') {
    if (!key.includes('|expand') && !cursor.typed.startsWith('%'))
      return key.includes('|fieldref') ? fieldNames(known) : [];
    return known.definitions
      .filter(({ kind }) => kind === 'list')
      .map(({ name, text }) => ({ label: `%${name}%`, kind: 'name', detail: text.replace(/\s+/g, ' ').slice(0, 120) }));
  }
  if (key === 'condition') return completeCondition(known);
  if (place.type !== 'keys') return [];
  switch (`${place.part}.${key}`) {
    case 'rule.level':
      return values(LEVELS);
    case 'rule.status':
      return values(['stable', 'test', 'experimental', 'deprecated', 'unsupported']);
    case 'rule.taxonomy':
      return values(['spoor', 'sigma']);
    case 'rule.tags':
      return values(known.tags, 'tag in use');
    case 'logsource.category':
      return [...CATEGORIES.values()].map(({ name, kinds }) => ({
        label: name,
        kind: 'value',
        detail: kinds.join(', '),
      }));
    case 'logsource.kind':
      return values(ALL_KINDS, 'kind of event');
    case 'logsource.product':
      return values(['linux', 'kubernetes']);
    case 'sequence.by':
      return [
        ...values(['process', 'process_tree', 'pod', 'node', 'connection'], 'what ties the steps'),
        ...fieldNames(known),
      ];
    case 'sequence.fallback':
      return values(['pod']);
    case 'step.by':
    case 'step.distinct':
    case 'count.by':
    case 'count.distinct':
    case 'first_seen.fields':
    case 'first_seen.by':
    case 'exception.fields':
      return fieldNames(known);
    case 'exception.comps':
      return values(['=', 'in', 'startswith', 'endswith', 'contains', 'glob', 'regex', 'cidr', '<', '<=', '>', '>=']);
    case 'step.absent':
      return values(['true', 'false']);
    default:
      return [];
  }
}

function completeCondition(known: Known): Suggestion[] {
  const named = known.definitions
    .filter(({ kind }) => kind !== 'list')
    .map(
      ({ name, kind, text }): Suggestion => ({
        label: name,
        kind: 'name',
        detail: `${kind}: ${text.replace(/\s+/g, ' ').slice(0, 120)}`,
      }),
    );
  return [...named, ...values(['and', 'or', 'not', '1 of', 'all of', 'them'])];
}

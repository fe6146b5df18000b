/** Falco's files: what could stand at the cursor, what the word there means, and what it names. */
import { TACTICS } from '../authoring/attack.ts';
import {
  FALCO_FIELD_TEXTS,
  FALCO_KEYS,
  FALCO_OPERATORS,
  FALCO_PRIORITIES,
  FALCO_TRANSFORMER_TEXTS,
} from '../authoring/falco-keys.ts';
import { FALCO_NAMES, falcoRow } from '../rules/catalogue/falco.ts';
import type { Suggestion } from './completion.ts';
import type { Cursor } from './cursor.ts';
import { code, definitionText } from './hover.ts';
import type { Found } from './workspace.ts';

const ITEM = /^-[ \t]+(?:rule|macro|list|required_engine_version|required_plugin_versions)[ \t]*:/m;

/** Of text that is being typed, which is rarely whole. */
export const isFalcoText = (text: string): boolean => ITEM.test(text) && !/^(?:title|detection):/m.test(text);

interface Place {
  readonly owner: keyof typeof FALCO_KEYS;
  /** Whose value is being typed; null where a key is. */
  readonly key: string | null;
}

function placeOf({ path }: Cursor): Place {
  const [top, second = null] = path.filter(name => name !== '-');
  return top === 'override' || top === 'exceptions' ? { owner: top, key: second } : { owner: '', key: top ?? null };
}

const all = (kind: Suggestion['kind'], texts: Readonly<Record<string, string>>): Suggestion[] =>
  Object.entries(texts).map(([label, detail]) => ({ label, kind, detail }));
const values = (...labels: readonly string[]): Suggestion[] =>
  labels.map(label => ({ label, kind: 'value', detail: '' }));

export function completeFalco(cursor: Cursor, definitions: readonly Found[]): Suggestion[] {
  const { owner, key } = placeOf(cursor);
  if (key === null) return all('key', FALCO_KEYS[owner]).map(each => ({ ...each, insert: `${each.label}: ` }));
  const named = (kind: Found['kind']): Suggestion[] =>
    definitions
      .filter(definition => definition.kind === kind)
      .map(({ name, text }) => ({ label: name, kind: 'name', detail: text.replace(/\s+/g, ' ').slice(0, 120) }));
  if (owner === 'override') return values('append', 'replace');
  switch (owner === '' ? key : `${owner}.${key}`) {
    case 'condition':
      return [
        ...named('macro'),
        ...all('field', FALCO_FIELD_TEXTS),
        ...named('list'),
        ...all('modifier', FALCO_OPERATORS),
        ...all('modifier', FALCO_TRANSFORMER_TEXTS).map(each => ({ ...each, insert: `${each.label}(` })),
        ...values('and', 'or', 'not'),
      ];
    case 'output':
      return all('field', FALCO_FIELD_TEXTS).map(each => ({ ...each, label: `%${each.label}` }));
    case 'items':
    case 'exceptions.values':
      return named('list');
    case 'exceptions.fields':
      return all('field', FALCO_FIELD_TEXTS);
    case 'exceptions.comps':
      return all('value', FALCO_OPERATORS);
    case 'priority':
      return values(...FALCO_PRIORITIES);
    case 'tags':
      return values(...TACTICS.map(tactic => `mitre_${tactic.replaceAll('-', '_')}`));
    case 'source':
      return values('syscall');
    case 'enabled':
    case 'append':
      return values('true', 'false');
    default:
      return [];
  }
}

/** Null where there is nothing to say. */
export function hoverFalco(cursor: Cursor, definitions: readonly Found[]): string | null {
  const defined = falcoDefinitionAt(cursor, definitions);
  if (defined !== null) return definitionText(defined);
  const { word } = cursor;
  const { owner, key } = placeOf(cursor);
  const field = fieldText(word.replace(/^[%*]/, ''));
  if (field !== null) return field;
  const said =
    key === 'condition' || key === 'comps'
      ? (textOf(word, FALCO_OPERATORS) ?? textOf(word, FALCO_TRANSFORMER_TEXTS))
      : null;
  return said ?? keyText(word, owner, key);
}

function textOf(word: string, texts: Readonly<Record<string, string>>): string | null {
  return Object.hasOwn(texts, word) ? `${code(word)}: ${texts[word]}` : null;
}

/** The cursor stands in a key, or at its end: it is the last of its own path then. */
function keyText(word: string, owner: Place['owner'], key: string | null): string | null {
  if (key === null || key === word) return textOf(word, FALCO_KEYS[owner]);
  return word === owner ? textOf(word, FALCO_KEYS['']) : null;
}

function fieldText(name: string): string | null {
  const row = FALCO_NAMES.includes(name) ? falcoRow(name) : null;
  if (row === null) return null;
  const { type, kinds, requires, approximates } = row;
  const lines = [
    `${code(name)} (${type})`,
    FALCO_FIELD_TEXTS[name] ?? '',
    ...(approximates === '' ? [] : [`Approximates: ${approximates}.`]),
    `On ${kinds.join(', ')}.`,
    ...(requires.length === 0 ? [] : [`Needs ${requires.map(code).join(', ')}.`]),
  ];
  return lines.join('\n\n');
}

/** The list or macro that the word names, or null. */
export function falcoDefinitionAt(cursor: Cursor, definitions: readonly Found[]): Found | null {
  const { key } = placeOf(cursor);
  const find = (kind: Found['kind']): Found | null =>
    definitions.find(definition => definition.kind === kind && definition.name === cursor.word) ?? null;
  if (key === 'condition') return find('macro') ?? find('list');
  return key === 'items' || key === 'values' ? find('list') : null;
}

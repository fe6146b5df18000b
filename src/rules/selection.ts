/** A selection (a map, a list of maps, or keywords) → a condition, with every problem reported at its place. */
import { OBJECT_LISTS } from './catalogue/catalogue.ts';
import type { Condition } from './condition.ts';
import { parseModifiers } from './modifiers.ts';
import { toPattern } from './patterns.ts';
import { resolveField, type SelectionScope } from './scope.ts';
import { parseTest } from './values.ts';
import { isRecord, type Path } from './yaml.ts';

/** An ancestor of an ancestor is as far as it goes: each level multiplies the work by the length of the chain. */
const ANY_NESTING_MAX = 2;

/** The condition, or null after reporting why there is none. */
export function parseSelection(value: unknown, path: Path, scope: SelectionScope): Condition | null {
  if (isRecord(value)) return parseMap(value, path, scope);
  if (Array.isArray(value)) {
    if (value.length === 0) {
      scope.problems.add('bad-selection', path, 'an empty list matches nothing');
      return null;
    }
    if (value.every(isRecord)) {
      const parts = value.map((item, i) => parseMap(item, [...path, i], scope));
      const of = parts.filter(part => part !== null);
      return of.length === parts.length ? { type: 'or', of } : null;
    }
    if (value.every(isKeyword)) return keywords(value, ['any'], path, scope);
    if (value.every(item => isRecord(item) || isKeyword(item))) {
      const parts = value.map((item, i) => parseSelection(item, [...path, i], scope));
      const of = parts.filter(part => part !== null);
      return of.length === parts.length ? { type: 'or', of } : null;
    }
  }
  if (isKeyword(value)) return keywords([value], ['any'], path, scope);
  scope.problems.add(
    'bad-selection',
    path,
    'a selection is a map of fields, a list of such maps, or a list of keywords',
  );
  return null;
}

const isKeyword = (value: unknown): value is string | number => typeof value === 'string' || typeof value === 'number';

function keywords(
  values: readonly (string | number)[],
  modifiers: readonly string[],
  path: Path,
  scope: SelectionScope,
): Condition | null {
  if (values.some(value => String(value) === '')) {
    scope.problems.add('bad-selection', path, 'an empty keyword matches everything');
    return null;
  }
  return {
    type: 'keywords',
    patterns: values.map(value => toPattern(String(value), 'contains', modifiers.includes('cased'))),
    quantifier: modifiers.includes('all') ? 'all' : 'any',
    cased: modifiers.includes('cased'),
  };
}

function parseMap(map: Readonly<Record<string, unknown>>, path: Path, scope: SelectionScope): Condition | null {
  const entries = Object.entries(map);
  if (entries.length === 0) {
    scope.problems.add('bad-selection', path, 'an empty selection matches everything');
    return null;
  }
  const parts = entries.map(([key, value]) => parseEntry(key, value, [...path, key], scope));
  const of = parts.filter(part => part !== null);
  if (of.length !== parts.length) return null;
  return of.length === 1 ? (of[0] as Condition) : { type: 'and', of };
}

function parseEntry(key: string, value: unknown, path: Path, scope: SelectionScope): Condition | null {
  const [name = '', ...names] = key.split('|');
  const { problems } = scope;
  if (name === '') {
    const values = Array.isArray(value) ? value : [value];
    if (names.every(m => m === 'all' || m === 'cased') && values.length > 0 && values.every(isKeyword))
      return keywords(values, names, path, scope);
    problems.add('bad-selection', path, 'keywords take text, with |all or |cased at most', '', 'key');
    return null;
  }
  const modifiers = parseModifiers(names);
  if ('code' in modifiers) {
    problems.add(modifiers.code, path, modifiers.message, modifiers.hint, 'key', name.length);
    return null;
  }
  if (modifiers.operator === 'any') {
    if (!OBJECT_LISTS.includes(name)) {
      problems.add(
        'bad-modifier',
        path,
        `|any needs a list of objects, which ${name} is not`,
        `such lists: ${OBJECT_LISTS.join(' ')}`,
        'key',
      );
      return null;
    }
    if (path.filter(step => step === key).length > ANY_NESTING_MAX) {
      problems.add('bad-selection', path, `|any nested deeper than ${ANY_NESTING_MAX}: its cost multiplies`, '', 'key');
      return null;
    }
    const of = parseSelection(value, path, scope);
    return of === null ? null : { type: 'ancestor', of };
  }
  if (OBJECT_LISTS.includes(name)) {
    problems.add(
      'bad-modifier',
      path,
      `${name} is a list of objects`,
      `write ${name}|any with a selection below it`,
      'key',
    );
    return null;
  }
  const field = resolveField(name, path, scope);
  return field === null ? null : parseTest(field, modifiers, value, path, scope);
}

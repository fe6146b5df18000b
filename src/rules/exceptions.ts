/** `exceptions` → a condition: an observation that satisfies it is suppressed. */

import { parseInstant } from '../model/time.ts';
import { findField } from './catalogue/catalogue.ts';
import type { Condition } from './condition.ts';
import { parseModifiers } from './modifiers.ts';
import { exceptionSchema } from './schema.ts';
import { resolveField, type SelectionScope } from './scope.ts';
import { parseShape } from './shape.ts';
import { parseTest } from './values.ts';
import type { Path } from './yaml.ts';

/** Falco's comparisons as modifiers. */
const COMPARISONS: Readonly<Record<string, readonly string[]>> = {
  '=': ['cased'],
  '==': ['cased'],
  '!=': ['neq', 'cased'],
  in: ['cased'],
  contains: ['contains', 'cased'],
  icontains: ['contains'],
  startswith: ['startswith', 'cased'],
  endswith: ['endswith', 'cased'],
  glob: ['cased'],
  pmatch: ['startswith', 'cased'],
  regex: ['re'],
  cidr: ['cidr'],
  '<': ['lt'],
  '<=': ['lte'],
  '>': ['gt'],
  '>=': ['gte'],
};

/** Null when there are none or after reporting. */
export function parseExceptions(value: unknown, scope: SelectionScope): Condition | null {
  const { problems } = scope;
  if (value === undefined || value === null) return null;
  if (!Array.isArray(value)) {
    problems.add('bad-exception', ['exceptions'], 'exceptions is a list of {name, fields, comps, values}');
    return null;
  }
  const of: Condition[] = [];
  const names = new Set<string>();
  for (const [i, raw] of value.entries()) {
    const path: Path = ['exceptions', i];
    const shape = parseShape(exceptionSchema, raw, path, problems, 'bad-exception');
    if (shape === null) continue;
    if (names.has(shape.name))
      problems.add('duplicate-name', [...path, 'name'], `two exceptions are called ${shape.name}`);
    names.add(shape.name);
    const comps = shape.comps ?? shape.fields.map(() => '=');
    if (comps.length !== shape.fields.length) {
      problems.add('bad-exception', [...path, 'comps'], `${shape.fields.length} fields but ${comps.length} comps`);
      continue;
    }
    const rows = shape.values
      .map((row, r) => parseRow(shape.fields, comps, row, [...path, 'values', r], scope))
      .filter(row => row !== null);
    const any: Condition = { type: 'or', of: rows };
    if (shape.expires === undefined) of.push(any);
    else {
      const expires = parseInstant(
        /^\d{4}-\d{2}-\d{2}$/.test(shape.expires) ? `${shape.expires}T00:00:00Z` : shape.expires,
      );
      const time = findField('event.time');
      if (expires === null || time === null)
        problems.add(
          'bad-exception',
          [...path, 'expires'],
          `not a time: ${shape.expires}`,
          '2026-12-31 or 2026-12-31T00:00:00Z',
        );
      else
        of.push({
          type: 'and',
          of: [
            {
              type: 'number',
              field: time,
              negated: false,
              quantifier: 'any',
              comparison: 'lt',
              values: [expires.time],
            },
            any,
          ],
        });
    }
  }
  return of.length === 0 ? null : { type: 'or', of };
}

function parseRow(
  fields: readonly string[],
  comps: readonly string[],
  row: unknown,
  path: Path,
  scope: SelectionScope,
): Condition | null {
  const cells: readonly unknown[] = Array.isArray(row) && fields.length > 1 ? row : [row];
  if (cells.length !== fields.length) {
    scope.problems.add('bad-exception', path, `a row has ${fields.length} values, one a field`);
    return null;
  }
  const of: Condition[] = [];
  for (const [i, name] of fields.entries()) {
    const comp = comps[i] as string;
    const words = Object.hasOwn(COMPARISONS, comp) ? COMPARISONS[comp] : undefined;
    const field = resolveField(name, path, scope, 'value');
    if (words === undefined)
      scope.problems.add(
        'bad-exception',
        path,
        `unknown comparison ${comp}`,
        `known: ${Object.keys(COMPARISONS).join(' ')}`,
      );
    if (words === undefined || field === null) return null;
    const modifiers = parseModifiers(words);
    if ('code' in modifiers) return null;
    const test = parseTest(field, modifiers, cells[i], path, scope);
    if (test === null) return null;
    of.push(test);
  }
  return { type: 'and', of };
}

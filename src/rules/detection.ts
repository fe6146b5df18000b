/** `logsource` and `detection` → one condition. */

import { ALL_KINDS } from './catalogue/field.ts';
import { CATEGORIES } from './categories.ts';
import { ALWAYS, both, type Condition } from './condition.ts';
import { type Macros, parseExpression } from './expression.ts';
import { didYouMean } from './names.ts';
import type { SelectionScope } from './scope.ts';
import { parseSelection } from './selection.ts';
import { isRecord, type Path } from './yaml.ts';

const SELECTIONS_MAX = 1_000;
const CONDITIONS_MAX = 20;

export interface DetectionScope extends SelectionScope {
  readonly macros: Macros;
  /** A selection that no condition uses is no mistake: foreign rules have them. */
  readonly unusedAllowed?: boolean;
}

/** The condition of one `logsource` with its `detection`; null after reporting. */
export function parseMatcher(
  logsource: unknown,
  logsourcePath: Path,
  detection: unknown,
  path: Path,
  scope: DetectionScope,
): Condition | null {
  const source = parseLogsource(logsource, logsourcePath, scope);
  const condition = parseDetection(detection, path, scope);
  return source === null || condition === null ? null : both(source, condition);
}

const LOGSOURCE_KEYS = ['category', 'product', 'service', 'kind', 'definition'];
const PRODUCTS = ['linux', 'kubernetes', 'tetragon', 'hubble', 'cilium'];

function parseLogsource(value: unknown, path: Path, scope: DetectionScope): Condition | null {
  const { problems } = scope;
  if (value === undefined) return ALWAYS;
  if (!isRecord(value)) {
    problems.add('bad-shape', path, 'logsource is a map', '{category: process_creation, product: linux}');
    return null;
  }
  for (const key of Object.keys(value)) {
    if (!LOGSOURCE_KEYS.includes(key))
      problems.add(
        'unknown-key',
        [...path, key],
        `unknown key ${key} in logsource`,
        didYouMean(key, LOGSOURCE_KEYS),
        'key',
      );
  }
  let condition: Condition = ALWAYS;
  const { category, product, service, kind } = value;
  if (product !== undefined && !PRODUCTS.includes(String(product))) {
    problems.add(
      'unsupported',
      [...path, 'product'],
      `events of ${String(product)} are not among those of Tetragon and Hubble`,
    );
    return null;
  }
  if (category !== undefined) {
    const found = CATEGORIES.get(String(category));
    if (found === undefined) {
      const known = [...CATEGORIES.keys()];
      problems.add(
        'unknown-category',
        [...path, 'category'],
        `unknown category ${String(category)}`,
        didYouMean(String(category), known) || `known: ${known.join(' ')}`,
      );
      return null;
    }
    condition = { type: 'category', category: found };
  } else if (service !== undefined && kind === undefined) {
    problems.add(
      'unsupported',
      [...path, 'service'],
      `the log of ${String(service)} is not among what Tetragon and Hubble report`,
    );
    return null;
  }
  if (kind === undefined) return condition;
  const kinds: readonly unknown[] = Array.isArray(kind) ? kind : [kind];
  for (const [i, name] of kinds.entries()) {
    if (ALL_KINDS.some(known => known === name)) continue;
    const at = Array.isArray(kind) ? [...path, 'kind', i] : [...path, 'kind'];
    problems.add(
      'unknown-kind',
      at,
      `unknown kind of event ${String(name)}`,
      didYouMean(String(name), ALL_KINDS) || `known: ${ALL_KINDS.join(' ')}`,
    );
    return null;
  }
  return both(condition, { type: 'kind', kinds: kinds.map(String) });
}

/** The condition of `detection` alone; null after reporting. */
export function parseDetection(value: unknown, path: Path, scope: DetectionScope): Condition | null {
  const { problems } = scope;
  if (!isRecord(value)) {
    const missing = value === undefined;
    problems.add(
      missing ? 'missing-key' : 'bad-shape',
      missing ? path.slice(0, -1) : path,
      missing ? 'detection is missing' : 'detection is a map of selections and a condition',
    );
    return null;
  }
  const names = Object.keys(value).filter(name => name !== 'condition' && name !== 'timeframe');
  if (value.timeframe !== undefined)
    problems.add(
      'unsupported',
      [...path, 'timeframe'],
      'timeframe is not used',
      'write count: {gte, by, within} beside detection',
      'key',
    );
  // A condition may consist of macros alone.
  if ((names.length === 0 && value.condition === undefined) || names.length > SELECTIONS_MAX) {
    problems.add(
      'bad-condition',
      path,
      names.length === 0 ? 'a detection needs at least one selection' : `more than ${SELECTIONS_MAX} selections`,
    );
    return null;
  }
  const selections = new Map(names.map(name => [name, parseSelection(value[name], [...path, name], scope)]));
  const only = names.length === 1 ? names[0] : undefined;
  const written = value.condition ?? only;
  if (written === undefined) {
    problems.add(
      'missing-key',
      path,
      'condition is missing',
      `like: condition: ${names.slice(0, 2).join(' and ')}`,
      'key',
    );
    return null;
  }
  const expressions: readonly unknown[] = Array.isArray(written) ? written : [written];
  if (expressions.length > CONDITIONS_MAX) {
    problems.add('bad-condition', [...path, 'condition'], `more than ${CONDITIONS_MAX} conditions`);
    return null;
  }
  const used = new Set<string>();
  const of: Condition[] = [];
  let broken = expressions.length === 0;
  for (const [i, expression] of expressions.entries()) {
    const at = Array.isArray(written) ? [...path, 'condition', i] : [...path, 'condition'];
    if (typeof expression !== 'string') {
      problems.add('bad-condition', at, 'a condition is text', 'like: selection and not filter');
      return null;
    }
    const parsed = parseExpression(expression, { selections, macros: scope.macros });
    for (const name of parsed.used) used.add(name);
    if (parsed.problem !== null) {
      const { code, message, hint, offset } = parsed.problem;
      problems.add(code, at, message, hint, 'value', offset);
    }
    if (parsed.condition === null) broken = true;
    else of.push(parsed.condition);
  }
  if (!broken && scope.unusedAllowed !== true) {
    for (const name of names) {
      if (used.has(name)) continue;
      problems.add(
        'unused-selection',
        [...path, name],
        `selection ${name} is not used in the condition`,
        'use it or remove it',
        'key',
      );
      broken = true;
    }
  }
  if (broken || [...selections.values()].includes(null)) return null;
  return of.length === 1 ? (of[0] as Condition) : { type: 'or', of };
}

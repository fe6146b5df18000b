/** What is wrong with a setting, in words for the person who wrote it. Values are never repeated: they may be secrets. */
import type { z } from 'zod';
import { nearest } from '../model/nearest.ts';
import { knownKeys, typesAt } from './environment.ts';

/** Words for what a schema expects. */
const EXPECTED: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map of settings',
  record: 'a map of settings',
};

/** Names of a closed set may be repeated; anything else that was written may be a secret. */
const NAMED = /^[a-z][a-z_-]{0,30}$/i;

/** One issue of the schema as lines; `value`: what stands at its path; `place`: where that is. */
export function describeIssue(
  issue: z.core.$ZodIssue,
  valueAt: (path: readonly PropertyKey[]) => unknown,
  place: (path: readonly PropertyKey[]) => string,
): string[] {
  const path = issue.path.map(String);
  const line = (message: string): string[] => [
    `${place(issue.path)}: ${path.length === 0 ? '' : `${path.join('.')}: `}${message}`,
  ];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map(key => {
      const hint = nearest(key, knownKeys(path));
      const full = [...issue.path, key];
      return `${place(full)}: unknown key '${full.map(String).join('.')}'${hint === null ? '' : `; did you mean '${hint}'?`}`;
    });
  }
  const value = valueAt(issue.path);
  if (value === undefined && issue.code !== 'custom') return line(missing(path));
  switch (issue.code) {
    case 'invalid_type':
      return line(`expected ${EXPECTED[issue.expected] ?? issue.expected}${unitHint(path, issue.expected, value)}`);
    case 'invalid_value':
      return line(oneOfThem(issue.values.map(String), value));
    case 'invalid_union':
      return line(unionMessage(issue, path, value));
    case 'invalid_key':
      return line('a name begins with a letter and holds letters, digits, - and _');
    case 'invalid_format':
      return line(issue.format === 'url' ? 'expected an address such as https://example.org/path' : issue.message);
    case 'too_small':
      if (issue.origin === 'number') return line(`must be ${issue.inclusive ? 'at least' : 'above'} ${issue.minimum}`);
      return line(issue.minimum === 1 ? 'must not be empty' : `must have at least ${issue.minimum} characters`);
    case 'too_big':
      return line(`must be at most ${issue.maximum}${issue.origin === 'string' ? ' characters' : ''}`);
    default:
      return line(issue.message);
  }
}

/** A key that has to be there. */
function missing(path: readonly string[]): string {
  const types = path.at(-1) === 'type' ? typesAt(path.slice(0, -1)) : [];
  return types.length === 0 ? 'is missing' : `is missing: one of ${types.join(', ')}`;
}

/** Durations and sizes are texts with a unit; a bare number says neither seconds nor bytes. */
const unitHint = (path: readonly string[], expected: string, value: unknown): string =>
  expected === 'string' && typeof value === 'number' && path.at(-1) !== 'path'
    ? ` with its unit where it is a time or a size, such as ${value}s, ${value}m or ${value}MiB; other numbers in quotes`
    : '';

function oneOfThem(allowed: readonly string[], value: unknown): string {
  const hint = typeof value === 'string' && NAMED.test(value) ? nearest(value, allowed) : null;
  return `expected one of ${allowed.join(', ')}${hint === null ? '' : `; did you mean '${hint}'?`}`;
}

function unionMessage(
  issue: Extract<z.core.$ZodIssue, { code: 'invalid_union' }>,
  path: readonly string[],
  value: unknown,
): string {
  if (path.at(-1) === 'type') return oneOfThem(typesAt(path.slice(0, -1)), value);
  const alternatives = issue.errors.flat().map(each => {
    if (each.code === 'invalid_value') return oneOfThem(each.values.map(String), value).replace(/^expected /, '');
    if (each.code === 'invalid_type') return EXPECTED[each.expected] ?? each.expected;
    return each.message;
  });
  return `expected ${[...new Set(alternatives)].join(', or ')}`;
}

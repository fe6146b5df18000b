/** What is odd about the values of selections: given twice, or expressions that other engines choke on. */
import { isRecord, type Path, type Problems } from './yaml.ts';

const NESTING_MAX = 8;

export function lintValues(selection: unknown, path: Path, problems: Problems, depth = 0): void {
  if (depth > NESTING_MAX) return;
  if (Array.isArray(selection)) {
    for (const [i, item] of selection.entries())
      if (isRecord(item)) lintValues(item, [...path, i], problems, depth + 1);
    return;
  }
  if (!isRecord(selection)) return;
  for (const [key, value] of Object.entries(selection)) {
    const at = [...path, key];
    const values: readonly unknown[] = Array.isArray(value) ? value : [value];
    if (key.includes('|any')) lintValues(value, at, problems, depth + 1);
    const seen = new Set<unknown>();
    for (const [i, item] of values.entries()) {
      const where = Array.isArray(value) ? [...at, i] : at;
      if (seen.has(item)) problems.add('duplicate-value', where, `${String(item)} is given twice`, 'once is enough');
      if (!isRecord(item)) seen.add(item);
      if (typeof item === 'string' && /\|re(\||$)/.test(key)) lintRegex(item, where, problems);
    }
  }
}

function lintRegex(source: string, path: Path, problems: Problems): void {
  const shape = nestedRepeat(source);
  if (shape === null) return;
  problems.add(
    'catastrophic-regex',
    path,
    `${shape} repeats what repeats: engines that backtrack take exponential time on it`,
    'linear here; elsewhere it stalls: repeat once, or separate the repeats by a character that neither matches',
  );
}

const REPEAT = /^(?:[*+]|\{\d+,\d*\})/;

/** A group under `*`, `+` or `{n,}` whose whole content is one repeated thing, or a choice with such a part: `(a+)+`, `(\w+|x)*`. */
function nestedRepeat(source: string): string | null {
  const open: number[] = [];
  for (let i = 0; i < source.length; i++) {
    const char = source[i];
    if (char === '\\') i++;
    else if (char === '[') i = setEnd(source, i);
    else if (char === '(') open.push(i);
    else if (char === ')') {
      const start = open.pop();
      if (start === undefined || !REPEAT.test(source.slice(i + 1, i + 12))) continue;
      const inner = source.slice(start + 1, i).replace(/^\?(?:P?<\w+>|[imsU-]*:)/, '');
      if (alternatives(inner).some(isOneRepeat)) return source.slice(start, i + 2);
    }
  }
  return null;
}

/** Split at `|` outside groups and sets. */
function alternatives(source: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < source.length; i++) {
    const char = source[i];
    if (char === '\\') i++;
    else if (char === '[') i = setEnd(source, i);
    else if (char === '(') depth++;
    else if (char === ')') depth--;
    else if (char === '|' && depth === 0) {
      parts.push(source.slice(start, i));
      start = i + 1;
    }
  }
  return [...parts, source.slice(start)];
}

const isOneRepeat = (part: string): boolean =>
  /^(?:\[(?:\\.|[^\]\\])+\]|\\.|[^\\]|\((?:\\.|[^()\\])*\))(?:[*+]|\{\d+,\d*\})\??$/.test(part);

function setEnd(source: string, start: number): number {
  let i = start + 1;
  if (source[i] === '^') i++;
  if (source[i] === ']') i++;
  for (; i < source.length && source[i] !== ']'; i++) if (source[i] === '\\') i++;
  return i;
}

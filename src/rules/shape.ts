/** What is wrong with the shape of a value, in an author's words and at its place. */
import { z } from 'zod';
import type { DiagnosticCode } from './diagnostics.ts';
import { didYouMean } from './names.ts';
import type { Path, Problems } from './yaml.ts';

/** The parsed value, or null after reporting every issue under `code`. */
export function parseShape<T extends z.ZodType>(
  schema: T,
  value: unknown,
  path: Path,
  problems: Problems,
  code: DiagnosticCode = 'bad-shape',
): z.output<T> | null {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  for (const issue of result.error.issues) {
    const at = (more: readonly PropertyKey[] = []): Path => [
      ...path,
      ...[...issue.path, ...more].map(step => (typeof step === 'number' ? step : String(step))),
    ];
    if (issue.code === 'unrecognized_keys') {
      const known = keysAt(schema, issue.path);
      for (const key of issue.keys)
        problems.add(code, at([key]), `unknown key ${key}`, didYouMean(key, known) || knownHint(known), 'key');
      continue;
    }
    const name = String(at().findLast(step => typeof step === 'string') ?? 'this');
    const met = follow(value, issue.path);
    if (met === undefined && issue.path.length > 0) problems.add(code, at(), `${name} is missing`);
    else if (issue.code === 'invalid_key') {
      const keys = keysAt(schema, issue.path.slice(0, -1));
      problems.add(code, at(), `unknown key ${name}`, didYouMean(name, keys) || knownHint(keys), 'key');
    } else {
      const words = issue.code === 'invalid_value' ? issue.values.map(String) : [];
      const hint = typeof met === 'string' ? didYouMean(met, words) : '';
      problems.add(code, at(), `${name} ${complaint(issue, met)}`, hint);
    }
  }
  return null;
}

const knownHint = (known: readonly string[]): string => (known.length === 0 ? '' : `known: ${known.join(' ')}`);

type Issue = z.core.$ZodIssue;

function complaint(issue: Issue, met: unknown): string {
  const wanted = wantedBy(issue);
  if (wanted === '') return 'is not of a form that is understood';
  const sized = issue.code === 'too_small' || issue.code === 'too_big';
  const verb = sized && (issue.origin === 'string' || issue.origin === 'array') ? 'have' : 'be';
  return `must ${verb} ${wanted}, not ${kindOf(met)}`;
}

/** `text`, `at most 20 items`; '' when there are no words for it. */
function wantedBy(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return TYPES[issue.expected] ?? '';
    case 'invalid_value':
      return `one of ${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return `at least ${amount(Number(issue.minimum), issue.origin)}`;
    case 'too_big':
      return `at most ${amount(Number(issue.maximum), issue.origin)}`;
    case 'invalid_union': {
      const each = issue.errors.map(([first]) => (first === undefined ? '' : wantedBy(first as Issue)));
      return [...new Set(each.filter(one => one !== ''))].join(', or ');
    }
    default:
      return '';
  }
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
  null: 'nothing',
};

function amount(n: number, origin: string): string {
  if (origin === 'string') return n === 1 ? '1 character' : `${n} characters`;
  if (origin === 'array' || origin === 'set' || origin === 'map') return n === 1 ? '1 item' : `${n} items`;
  return String(n);
}

const TEXT_CHARS_SHOWN = 60;

function kindOf(value: unknown): string {
  if (value === null) return 'nothing';
  if (value === undefined) return 'missing';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object') return 'a map';
  const text = JSON.stringify(value);
  return text.length > TEXT_CHARS_SHOWN ? `a text of ${text.length} characters` : text;
}

function follow(value: unknown, path: readonly PropertyKey[]): unknown {
  let at = value;
  for (const step of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined;
    at = (at as Record<PropertyKey, unknown>)[step];
  }
  return at;
}

/** The schema of what stands at `path`, without what only wraps it; null when it cannot be told. */
function schemaAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): z.core.$ZodType | null {
  let at: z.core.$ZodType | undefined = unwrapped(schema);
  for (const step of path) {
    if (at instanceof z.ZodObject) at = at.shape[String(step)];
    else if (at instanceof z.ZodArray) at = at.element;
    else if (at instanceof z.ZodRecord) at = at.valueType;
    else return null;
    if (at === undefined) return null;
    at = unwrapped(at);
  }
  return at;
}

function unwrapped(schema: z.core.$ZodType): z.core.$ZodType {
  let at = schema;
  while (at instanceof z.ZodOptional || at instanceof z.ZodNullable || at instanceof z.ZodDefault) at = at.unwrap();
  return at;
}

/** Keys that the map at `path` may have; [] where any may be. */
function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  const at = schemaAt(schema, path);
  if (at instanceof z.ZodObject) return Object.keys(at.shape);
  return at instanceof z.ZodRecord && at.keyType instanceof z.ZodEnum ? at.keyType.options.map(String) : [];
}

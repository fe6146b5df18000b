/** Falco's files → named lists, macros and rules, with every override and append applied in the order of the files. */
import { type FileProblems, isRecord, type Path, type Problems, type YamlDocument } from '../yaml.ts';
import { joined, type Lines, type Place, type Source, sourceOf } from './source.ts';

/** Something written wrongly in a condition, a macro or a list. */
export class DefinitionError extends Error {
  readonly place: Place;
  readonly hint: string;
  constructor(message: string, place: Place, hint = '') {
    super(message);
    this.place = place;
    this.hint = hint;
  }
}

export interface FalcoList {
  readonly items: readonly string[];
  readonly problems: Problems;
  readonly path: Path;
}

export interface FalcoMacro {
  readonly condition: Source;
  readonly problems: Problems;
  readonly path: Path;
}

export interface FalcoException {
  readonly name: string;
  readonly fields: readonly string[];
  readonly comps: readonly string[];
  /** Each row has a value, or a list of values, for each field. */
  readonly values: readonly (readonly (string | readonly string[])[])[];
  readonly path: Path;
}

export interface FalcoRule {
  readonly name: string;
  readonly desc: string;
  readonly condition: Source;
  readonly output: string;
  readonly priority: string;
  readonly tags: readonly string[];
  readonly source: string;
  readonly enabled: boolean;
  readonly exceptions: readonly FalcoException[];
  readonly problems: FileProblems;
  readonly path: Path;
  readonly index: number;
}

export interface FalcoCollection {
  readonly lists: Map<string, FalcoList>;
  readonly macros: Map<string, FalcoMacro>;
  readonly rules: Map<string, FalcoRule>;
}

const KEYS = ['rule', 'macro', 'list', 'required_engine_version', 'required_plugin_versions'];

/** A list of maps, each with one of Falco's keys. */
export function isFalco(value: unknown): value is readonly Readonly<Record<string, unknown>>[] {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.some(item => isRecord(item) && KEYS.some(key => item[key] !== undefined)) &&
    value.every(item => item === null || isRecord(item))
  );
}

const text = (value: unknown): string =>
  typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
const texts = (value: unknown): string[] =>
  Array.isArray(value) ? value.map(text) : value == null ? [] : [text(value)];

const ITEMS_MAX = 100_000;

/** Reads one document into `into`. */
export function collect({ value, problems }: YamlDocument, lines: Lines, into: FalcoCollection): void {
  if (!isFalco(value)) return;
  for (const [i, item] of value.entries()) {
    if (item === null) continue;
    const path: Path = [i];
    if (item.list !== undefined) readList(item, path, problems, into);
    else if (item.macro !== undefined) readMacro(item, path, problems, lines, into);
    else if (item.rule !== undefined) readRule(item, path, problems, lines, into);
    else if (!KEYS.some(key => item[key] !== undefined))
      problems.add('bad-falco', path, 'neither rule, macro nor list', `known: ${KEYS.join(' ')}`);
  }
}

type Item = Readonly<Record<string, unknown>>;
type How = 'append' | 'replace' | null;

/** How each key joins what is there: by `override`, or by the old `append: true`. */
function howOf(item: Item, key: string): How {
  if (isRecord(item.override)) {
    const how = item.override[key];
    return how === 'append' || how === 'replace' ? how : null;
  }
  return item.append === true ? 'append' : null;
}

const changes = (item: Item): boolean => isRecord(item.override) || item.append === true;

function checkOverride(item: Item, path: Path, problems: Problems, allowed: readonly string[]): void {
  if (item.override === undefined) return;
  if (!isRecord(item.override)) {
    problems.add('bad-falco', [...path, 'override'], 'override is a map of keys to append or replace');
    return;
  }
  for (const [key, how] of Object.entries(item.override)) {
    if (how !== 'append' && how !== 'replace')
      problems.add(
        'bad-falco',
        [...path, 'override', key],
        `${key} can be appended to or replaced`,
        'append or replace',
      );
    else if (!allowed.includes(key))
      problems.add(
        'bad-falco',
        [...path, 'override', key],
        `${key} cannot be overridden`,
        `known: ${allowed.join(' ')}`,
        'key',
      );
    else if (item[key] === undefined)
      problems.add(
        'bad-falco',
        [...path, 'override', key],
        `override names ${key}, which the item does not have`,
        '',
        'key',
      );
  }
}

function readList(item: Item, path: Path, problems: Problems, { lists }: FalcoCollection): void {
  const name = text(item.list);
  checkOverride(item, path, problems, ['items']);
  const items = texts(item.items);
  const before = lists.get(name);
  if (changes(item) && before === undefined) {
    problems.add('bad-falco', [...path, 'list'], `there is no list ${name} to change yet`);
    return;
  }
  const all = howOf(item, 'items') === 'append' ? [...(before?.items ?? []), ...items] : items;
  if (all.length > ITEMS_MAX) problems.add('bad-falco', [...path, 'items'], `more than ${ITEMS_MAX} items`);
  else lists.set(name, { items: all, problems, path: [...path, 'items'] });
}

function readMacro(item: Item, path: Path, problems: Problems, lines: Lines, { macros }: FalcoCollection): void {
  const name = text(item.macro);
  checkOverride(item, path, problems, ['condition']);
  const condition = readCondition(item, path, problems, lines);
  if (condition === null) {
    problems.add('bad-falco', path, `macro ${name} has no condition`);
    return;
  }
  const before = macros.get(name);
  if (changes(item) && before === undefined) {
    problems.add('bad-falco', [...path, 'macro'], `there is no macro ${name} to change yet`);
    return;
  }
  const append = howOf(item, 'condition') === 'append' && before !== undefined;
  macros.set(name, {
    condition: append ? joined(before.condition, condition) : condition,
    problems,
    path: [...path, 'condition'],
  });
}

function readCondition(item: Item, path: Path, problems: Problems, lines: Lines): Source | null {
  const value = text(item.condition);
  return value.trim() === '' ? null : sourceOf(value, [...path, 'condition'], problems, lines);
}

const OVERRIDABLE = [
  ...['condition', 'output', 'desc', 'priority', 'tags', 'exceptions', 'enabled'],
  ...['warn_evttypes', 'skip-if-unknown-filter', 'capture', 'capture_duration', 'source'],
];

function readRule(item: Item, path: Path, problems: FileProblems, lines: Lines, { rules }: FalcoCollection): void {
  const name = text(item.rule);
  checkOverride(item, path, problems, OVERRIDABLE);
  const before = rules.get(name);
  const condition = readCondition(item, path, problems, lines);
  const exceptions = readExceptions(item.exceptions, [...path, 'exceptions'], problems);
  if (changes(item)) {
    if (before === undefined) {
      problems.add('bad-falco', [...path, 'rule'], `there is no rule ${name} to change yet`);
      return;
    }
    rules.set(name, {
      ...before,
      condition:
        condition === null || howOf(item, 'condition') === null
          ? before.condition
          : howOf(item, 'condition') === 'append'
            ? joined(before.condition, condition)
            : condition,
      output: changed(item, 'output', before.output),
      desc: changed(item, 'desc', before.desc),
      priority: howOf(item, 'priority') === 'replace' ? text(item.priority) : before.priority,
      tags:
        howOf(item, 'tags') === null
          ? before.tags
          : howOf(item, 'tags') === 'append'
            ? [...before.tags, ...texts(item.tags)]
            : texts(item.tags),
      enabled: typeof item.enabled === 'boolean' ? item.enabled : before.enabled,
      exceptions:
        howOf(item, 'exceptions') === 'replace' ? exceptions : merged(before.exceptions, exceptions, problems),
    });
    return;
  }
  if (condition === null) {
    // `- rule: name` with `enabled` alone switches a rule that is there on or off.
    if (before !== undefined && typeof item.enabled === 'boolean')
      rules.set(name, { ...before, enabled: item.enabled });
    else problems.add('bad-falco', path, `rule ${name} has no condition`);
    return;
  }
  if (name.trim() === '') {
    problems.add('bad-falco', [...path, 'rule'], 'a rule needs a name');
    return;
  }
  rules.set(name, {
    name,
    desc: text(item.desc).trim(),
    condition,
    output: text(item.output).trim(),
    priority: text(item.priority),
    tags: texts(item.tags),
    source: text(item.source) || 'syscall',
    enabled: item.enabled !== false,
    exceptions,
    problems,
    path,
    index: typeof path[0] === 'number' ? path[0] : 0,
  });
}

function changed(item: Item, key: 'output' | 'desc', before: string): string {
  const how = howOf(item, key);
  const value = text(item[key]).trim();
  if (how === null || item[key] === undefined) return before;
  return how === 'append' ? `${before} ${value}` : value;
}

function readExceptions(value: unknown, path: Path, problems: Problems): FalcoException[] {
  if (value == null) return [];
  if (!Array.isArray(value)) {
    problems.add('bad-falco', path, 'exceptions is a list of {name, fields, comps, values}');
    return [];
  }
  const read: FalcoException[] = [];
  for (const [i, raw] of value.entries()) {
    const at: Path = [...path, i];
    if (!isRecord(raw) || text(raw.name) === '') {
      problems.add('bad-falco', at, 'an exception needs a name');
      continue;
    }
    const single = typeof raw.fields === 'string';
    const fields = texts(raw.fields);
    const given = texts(raw.comps);
    const comps = given.length > 0 ? given : fields.map(() => (single ? 'in' : '='));
    if (fields.length > 0 && comps.length !== fields.length) {
      problems.add('bad-falco', [...at, 'comps'], `${fields.length} fields and ${comps.length} comparisons`);
      continue;
    }
    read.push({ name: text(raw.name), fields, comps, values: readRows(raw.values, single, fields.length), path: at });
  }
  return read;
}

/** Of a single field every entry is a row; of several each row is a tuple. */
function readRows(value: unknown, single: boolean, width: number): (string | readonly string[])[][] {
  if (!Array.isArray(value)) return value == null ? [] : [[text(value)]];
  if (single) return value.length === 0 ? [] : [[value.flatMap(texts)]];
  return value.map(row =>
    Array.isArray(row) && !(width === 1 && row.every(cell => !Array.isArray(cell)))
      ? row.map(cell => (Array.isArray(cell) ? cell.map(text) : text(cell)))
      : [Array.isArray(row) ? row.map(text) : text(row)],
  );
}

/** Values are added to the exception of the same name; new names are added whole. */
function merged(
  before: readonly FalcoException[],
  added: readonly FalcoException[],
  problems: Problems,
): readonly FalcoException[] {
  const out = [...before];
  for (const exception of added) {
    const at = out.findIndex(({ name }) => name === exception.name);
    const known = out[at];
    if (known === undefined) {
      if (exception.fields.length === 0)
        problems.add('bad-falco', exception.path, `there is no exception ${exception.name} to add values to`);
      else out.push(exception);
    } else {
      const values = exception.fields.length === 0 ? reshaped(exception, known) : exception.values;
      out[at] = { ...known, values: [...known.values, ...values] };
    }
  }
  return out;
}

/** Rows read without knowing the fields they belong to. */
function reshaped({ values }: FalcoException, { fields }: FalcoException): FalcoException['values'] {
  if (fields.length !== 1) return values;
  return [[values.flatMap(row => row.flat())]];
}

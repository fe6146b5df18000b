/** YAML text → plain values that know where they stand. Hostile input (alias bombs, deep nesting, huge files) ends in a diagnostic. */
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  type YAMLMap,
} from 'yaml';
import {
  DIAGNOSTIC_CODES,
  DIAGNOSTICS_PER_FILE_MAX,
  type Diagnostic,
  type DiagnosticCode,
  WARNINGS_PER_FILE_MAX,
} from './diagnostics.ts';

const FILE_CHARS_MAX = 2 * 1024 * 1024;
const DOCUMENTS_MAX = 10_000;
const NESTING_MAX = 100;
const NODES_MAX = 500_000;
const ALIASES_MAX = 1_000;
const MERGES_MAX = 1_000;

/** What YAML does not allow in a text; the reader would let it pass. */
const CONTROLS = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/;

/** Keys and indexes from the top of a document. */
export type Path = readonly (string | number)[];

interface Place {
  readonly line: number;
  readonly column: number;
}

/** Collects the problems of one document and knows their places. */
export interface Problems {
  readonly file: string;
  /** `offset` moves the column inside a one-line value; `at` says whether the key or the value of the last step is meant. */
  add(code: DiagnosticCode, path: Path, message: string, hint?: string, at?: 'key' | 'value', offset?: number): void;
  place(path: Path, at?: 'key' | 'value'): Place;
  /** Errors so far. */
  errors(): number;
}

/** Of a document in a file. */
export interface FileProblems extends Problems {
  /** At a place that no path leads to: inside a text of several lines. */
  addAt(code: DiagnosticCode, place: Place, message: string, hint?: string): void;
}

export interface YamlDocument {
  readonly value: unknown;
  readonly problems: FileProblems;
  /** Loaded before, by this version, without an error. */
  readonly proven: boolean;
  /** `contentDigest` of the value, where it is known already. */
  readonly digest: string | null;
}

/** What a document of a file was read to, and where it begins. */
export interface ReadDocument {
  readonly value: unknown;
  readonly digest: string;
  readonly line: number;
  readonly column: number;
}

/** Documents that were read before and loaded without an error. `read` reads the file again, when a problem wants its place. */
export function readBefore(
  file: string,
  documents: readonly ReadDocument[],
  read: () => readonly YamlDocument[],
): YamlDocument[] {
  let again: readonly YamlDocument[] | null = null;
  return documents.map(({ value, digest, line, column }, i) => {
    const problems = (): FileProblems => {
      again ??= read();
      return (again[i] as YamlDocument).problems;
    };
    return {
      value,
      proven: true,
      digest,
      problems: {
        file,
        place: (path, at) => (path.length === 0 ? { line, column } : problems().place(path, at)),
        errors: () => again?.[i]?.problems.errors() ?? 0,
        add: (...problem) => problems().add(...problem),
        addAt: (...problem) => problems().addAt(...problem),
      },
    };
  });
}

/** Every document of a file; what cannot be read is in `diagnostics` and left out. */
export function readYaml(file: string, text: string, diagnostics: Diagnostic[]): YamlDocument[] {
  let count = 0;
  let warnings = 0;
  const fail = (code: DiagnosticCode, line: number, column: number, message: string, hint = ''): void => {
    const severity = DIAGNOSTIC_CODES[code];
    const isWarning = severity === 'warning';
    if (count >= DIAGNOSTICS_PER_FILE_MAX || (isWarning && warnings >= WARNINGS_PER_FILE_MAX)) return;
    count++;
    if (isWarning) warnings++;
    const last = count === DIAGNOSTICS_PER_FILE_MAX || (isWarning && warnings === WARNINGS_PER_FILE_MAX);
    diagnostics.push({
      file,
      line,
      column,
      code,
      severity,
      message: last ? `too many ${isWarning ? 'warnings' : 'problems'} in this file; the rest is not shown` : message,
      hint: last ? '' : hint,
    });
  };
  if (text.length > FILE_CHARS_MAX) {
    fail('yaml-limit', 1, 1, `the file has ${text.length} characters`, `at most ${FILE_CHARS_MAX}; split it`);
    return [];
  }
  const control = text.search(CONTROLS);
  if (control >= 0) {
    const before = text.slice(0, control).split('\n');
    const code = text.charCodeAt(control).toString(16).padStart(4, '0');
    fail('yaml-syntax', before.length, (before.at(-1)?.length ?? 0) + 1, `a control character, U+${code}`, 'text only');
    return [];
  }
  if (nestsTooDeep(text)) {
    fail('yaml-limit', 1, 1, `nested deeper than ${NESTING_MAX} levels`);
    return [];
  }
  const lines = new LineCounter();
  let documents: Document.Parsed[];
  try {
    const parsed = parseAllDocuments(text, {
      lineCounter: lines,
      prettyErrors: false,
      logLevel: 'silent',
      uniqueKeys: false,
      // Of YAML 1.1, which the other tools of Sigma and Falco read.
      merge: true,
    });
    documents = Array.isArray(parsed) ? parsed : [];
  } catch (error) {
    fail('yaml-limit', 1, 1, `cannot be parsed: ${(error as Error).message}`);
    return [];
  }
  if (documents.length > DOCUMENTS_MAX) {
    fail('yaml-limit', 1, 1, `more than ${DOCUMENTS_MAX} documents in one file`);
    return [];
  }
  const read: YamlDocument[] = [];
  for (const document of documents) {
    // What follows the first error mostly follows from it.
    const [error] = document.errors;
    if (error !== undefined) {
      const { line, col } = lines.linePos(error.pos[0]);
      if (error.message.includes('call stack') || error.code === 'RESOURCE_EXHAUSTION') {
        fail('yaml-limit', line, col, `nested deeper than ${NESTING_MAX} levels`);
      } else fail('yaml-syntax', line, col, error.message.split('\n')[0] as string);
      continue;
    }
    const content = document.contents as Node | null;
    const top = lines.linePos(content?.range?.[0] ?? 0);
    const excess = exceeds(content);
    if (excess !== null) {
      const { line, col } = lines.linePos(excess.offset);
      fail(excess.code, line, col, excess.message);
      continue;
    }
    let value: unknown;
    try {
      value = document.toJS({ maxAliasCount: ALIASES_MAX });
    } catch (error) {
      fail(
        'yaml-limit',
        top.line,
        top.col,
        `aliases cannot be resolved: ${(error as Error).message}`,
        'write the values out',
      );
      continue;
    }
    const grown = growth(value);
    if (grown !== null) {
      fail(
        'yaml-limit',
        top.line,
        top.col,
        grown,
        'aliases may not refer to what they stand in, nor grow without bound',
      );
      continue;
    }
    if (value === null) continue;
    let errors = 0;
    const place = (path: Path, at: 'key' | 'value' = 'value'): Place => {
      const { line, col } = lines.linePos(offsetOf(document, path, at));
      return { line, column: col };
    };
    const problems: FileProblems = {
      file,
      place,
      errors: () => errors,
      add(code, path, message, hint, at = 'value', offset = 0) {
        const { line, column } = place(path, at);
        problems.addAt(code, { line, column: column + offset }, message, hint);
      },
      addAt(code, { line, column }, message, hint = '') {
        if (DIAGNOSTIC_CODES[code] === 'error') errors++;
        fail(code, line, column, message, hint);
      },
    };
    read.push({ value, problems, proven: false, digest: null });
  }
  return read;
}

/** Flow collections recurse in the parser: refuse absurd depth before it is asked. Indentation depth costs as many characters. */
export function nestsTooDeep(text: string): boolean {
  const run = new RegExp(`(?:[[{][\\s]*|-[ \\t]+|[?:][ \\t]+[[{]){${NESTING_MAX + 1}}`);
  return run.test(text);
}

interface Excess {
  readonly code: DiagnosticCode;
  readonly message: string;
  readonly offset: number;
}

/** Too many values, too deep, or a key twice (which the parser would check in quadratic time); null when all is well. */
function exceeds(top: Node | null): Excess | null {
  let nodes = 0;
  const anchored = new Map<string, YAMLMap[]>();
  const merging: YAMLMap[] = [];
  const stack: { node: unknown; depth: number }[] = [{ node: top, depth: 0 }];
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    const { node, depth } = at;
    const offset = (node as Node | null)?.range?.[0] ?? 0;
    if (++nodes > NODES_MAX) return { code: 'yaml-limit', message: `more than ${NODES_MAX} values`, offset };
    if (depth > NESTING_MAX) return { code: 'yaml-limit', message: `nested deeper than ${NESTING_MAX} levels`, offset };
    if (isSeq(node)) for (const item of node.items) stack.push({ node: item, depth: depth + 1 });
    if (!isMap(node)) continue;
    if (node.anchor !== undefined) {
      const same = anchored.get(node.anchor);
      if (same === undefined) anchored.set(node.anchor, [node]);
      else same.push(node);
    }
    const keys = new Set<string>();
    for (const { key, value } of node.items) {
      const name = isMerge(key) ? '<<' : isScalar(key) ? String(key.value) : '';
      const where = (key as Node | null)?.range?.[0] ?? offset;
      if (!isScalar(key)) return { code: 'yaml-syntax', message: 'a key must be plain text', offset: where };
      if (keys.has(name)) return { code: 'yaml-syntax', message: `key ${name} is given twice`, offset: where };
      keys.add(name);
      stack.push({ node: value, depth: depth + 1 });
    }
    if (keys.has('<<') && merging.push(node) > MERGES_MAX)
      return { code: 'yaml-limit', message: `more than ${MERGES_MAX} maps that merge others`, offset };
  }
  const known = new Map<YAMLMap, number>();
  for (const map of merging) {
    nodes += mergedKeys(map, anchored, known);
    if (nodes > NODES_MAX)
      return {
        code: 'yaml-limit',
        message: `more than ${NODES_MAX} values with what is merged`,
        offset: map.range?.[0] ?? 0,
      };
  }
  return null;
}

/** Keys that `<<` brings into a map, each as often as it is copied: maps that merge maps that merge maps multiply. */
function mergedKeys(
  map: YAMLMap,
  anchored: ReadonlyMap<string, readonly YAMLMap[]>,
  known: Map<YAMLMap, number>,
): number {
  const before = known.get(map);
  if (before !== undefined) return before;
  // Whoever merges itself has no end.
  known.set(map, NODES_MAX);
  let sum = 0;
  for (const { key, value } of map.items) {
    if (!isMerge(key)) continue;
    for (const source of isSeq(value) ? value.items : [value]) {
      // An anchor may be given anew: whichever is meant, it is among these.
      const from = isAlias(source) ? (anchored.get(source.source) ?? []) : isMap(source) ? [source] : [];
      for (const each of from) {
        sum += 1 + each.items.length + mergedKeys(each, anchored, known);
        if (sum >= NODES_MAX) return NODES_MAX;
      }
    }
  }
  known.set(map, sum);
  return sum;
}

/** The parser has a symbol for `<<`. */
const isMerge = (key: unknown): boolean => isScalar(key) && typeof key.value === 'symbol';

/** Aliases make graphs of trees: bounds what a walk of the value as a tree would see, cycles included. */
function growth(top: unknown): string | null {
  let values = 0;
  const stack: { value: unknown; depth: number }[] = [{ value: top, depth: 0 }];
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    if (++values > NODES_MAX) return `more than ${NODES_MAX} values once aliases are resolved`;
    if (at.depth > NESTING_MAX) return `nested deeper than ${NESTING_MAX} levels once aliases are resolved`;
    if (typeof at.value !== 'object' || at.value === null) continue;
    for (const value of Object.values(at.value)) stack.push({ value, depth: at.depth + 1 });
  }
  return null;
}

/** Where the value (or key) at `path` begins; as deep as the path can be followed. */
function offsetOf(document: Document.Parsed, path: Path, at: 'key' | 'value'): number {
  let node: unknown = document.contents;
  let offset = (node as Node | null)?.range?.[0] ?? 0;
  for (const [depth, step] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document);
    const last = depth === path.length - 1;
    if (isMap(node)) {
      const pair = node.items.find(item => isScalar(item.key) && String(item.key.value) === String(step));
      if (pair === undefined) return offset;
      const value = pair.value as Node | null;
      const keyOffset = (pair.key as Node).range?.[0] ?? offset;
      offset = last && at === 'key' ? keyOffset : (value?.range?.[0] ?? keyOffset);
      node = value;
    } else if (isSeq(node)) {
      const item = node.items[Number(step)] as Node | undefined;
      if (item === undefined) return offset;
      offset = item.range?.[0] ?? offset;
      node = item;
    } else return offset;
  }
  return offset;
}

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

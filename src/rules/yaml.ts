/** YAML text → plain values that know where they stand. Hostile input (alias bombs, deep nesting, huge files) ends in a diagnostic. */
import {
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
} from 'yaml';
import { DIAGNOSTIC_CODES, DIAGNOSTICS_PER_FILE_MAX, type Diagnostic, type DiagnosticCode } from './diagnostics.ts';

const FILE_CHARS_MAX = 2 * 1024 * 1024;
const DOCUMENTS_MAX = 10_000;
const NESTING_MAX = 100;
const NODES_MAX = 500_000;
const ALIASES_MAX = 1_000;

/** Keys and indexes from the top of a document. */
export type Path = readonly (string | number)[];

export interface Place {
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

export interface YamlDocument {
  readonly value: unknown;
  readonly problems: Problems;
}

/** Every document of a file; what cannot be read is in `diagnostics` and left out. */
export function readYaml(file: string, text: string, diagnostics: Diagnostic[]): YamlDocument[] {
  const start = diagnostics.length;
  const fail = (code: DiagnosticCode, line: number, column: number, message: string, hint = ''): void => {
    const count = diagnostics.length - start;
    if (count >= DIAGNOSTICS_PER_FILE_MAX) return;
    const last = count === DIAGNOSTICS_PER_FILE_MAX - 1;
    diagnostics.push({
      file,
      line,
      column,
      code,
      severity: DIAGNOSTIC_CODES[code],
      message: last ? 'too many problems in this file; the rest is not shown' : message,
      hint: last ? '' : hint,
    });
  };
  if (text.length > FILE_CHARS_MAX) {
    fail('yaml-limit', 1, 1, `the file has ${text.length} characters`, `at most ${FILE_CHARS_MAX}; split it`);
    return [];
  }
  if (nestsTooDeep(text)) {
    fail('yaml-limit', 1, 1, `nested deeper than ${NESTING_MAX} levels`);
    return [];
  }
  const lines = new LineCounter();
  let documents: Document.Parsed[];
  try {
    const parsed = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, logLevel: 'silent' });
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
    if (document.errors.length > 0) {
      for (const error of document.errors) {
        const { line, col } = lines.linePos(error.pos[0]);
        fail('yaml-syntax', line, col, error.message.split('\n')[0] as string);
      }
      continue;
    }
    const content = document.contents as Node | null;
    const top = lines.linePos(content?.range?.[0] ?? 0);
    const excess = exceeds(content);
    if (excess !== null) {
      fail('yaml-limit', top.line, top.col, excess);
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
    if (value === null) continue;
    let errors = 0;
    const place = (path: Path, at: 'key' | 'value' = 'value'): Place => {
      const { line, col } = lines.linePos(offsetOf(document, path, at));
      return { line, column: col };
    };
    const problems: Problems = {
      file,
      place,
      errors: () => errors,
      add(code, path, message, hint = '', at = 'value', offset = 0) {
        if (DIAGNOSTIC_CODES[code] === 'error') errors++;
        const { line, column } = place(path, at);
        fail(code, line, column + offset, message, hint);
      },
    };
    read.push({ value, problems });
  }
  return read;
}

/** Flow collections recurse in the parser: refuse absurd depth before it is asked. Indentation depth costs as many characters. */
function nestsTooDeep(text: string): boolean {
  const run = new RegExp(`(?:[[{][\\s]*|-[ \\t]+|[?:][ \\t]+[[{]){${NESTING_MAX + 1}}`);
  return run.test(text);
}

function exceeds(top: Node | null): string | null {
  let nodes = 0;
  const stack: { node: unknown; depth: number }[] = [{ node: top, depth: 0 }];
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    const { node, depth } = at;
    if (++nodes > NODES_MAX) return `more than ${NODES_MAX} values`;
    if (depth > NESTING_MAX) return `nested deeper than ${NESTING_MAX} levels`;
    if (isMap(node) || isSeq(node)) for (const item of node.items) stack.push({ node: item, depth: depth + 1 });
    else if (isPair(node)) stack.push({ node: node.key, depth }, { node: node.value, depth });
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

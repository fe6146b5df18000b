/** Mechanical repairs of rule files as edits of their text: comments and layout stay, and no rule detects anything else afterwards. */
import { type Document, isMap, isScalar, isSeq, LineCounter, type Node, parseAllDocuments, type YAMLMap } from 'yaml';
import { LEVELS } from './rule.ts';

export interface Fix {
  /** Counts from 1. */
  readonly line: number;
  /** What was done, in words. */
  readonly what: string;
}

export interface FixedText {
  readonly text: string;
  readonly fixes: readonly Fix[];
}

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
  readonly what: string;
  /** Where the reader looks for it, when not at `start`. */
  readonly shownAt?: number;
}

/** Only files that lint can read; `newId` gives a UUID. */
export function fixText(text: string, newId: () => string): FixedText {
  const lines = new LineCounter();
  const parsed = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, logLevel: 'silent' });
  const documents: readonly Document.Parsed[] = Array.isArray(parsed) ? parsed : [];
  const edits = documents.flatMap(document => editsOf(document, text, newId));
  edits.sort((a, b) => a.start - b.start);
  let out = '';
  let at = 0;
  const fixes: Fix[] = [];
  for (const edit of edits) {
    if (edit.start < at) continue;
    out += text.slice(at, edit.start) + edit.text;
    at = edit.end;
    fixes.push({ line: lines.linePos(edit.shownAt ?? edit.start).line, what: edit.what });
  }
  return { text: out + text.slice(at), fixes };
}

function editsOf(document: Document.Parsed, text: string, newId: () => string): Edit[] {
  const top = document.contents as Node | null;
  if (document.errors.length > 0 || !isMap(top)) return [];
  const isRule = ['detection', 'any', 'sequence'].some(key => top.has(key));
  if (!isRule) return [];
  return [
    ...['date', 'modified'].flatMap(key => scalarEdit(top, key, text, withoutSlashes)),
    ...scalarEdit(top, 'level', text, levelOf),
    ...missingId(top, text, newId),
    ...duplicates(top, text),
  ];
}

const withoutSlashes = (date: string): string =>
  /^\d{4}\/\d{2}\/\d{2}$/.test(date) ? date.replaceAll('/', '-') : date;

function levelOf(level: string): string {
  const lower = level.trim().toLowerCase();
  return LEVELS.some(known => known === lower) ? lower : level;
}

/** A plain or quoted scalar written anew between its quotes. */
function scalarEdit(top: YAMLMap, key: string, text: string, change: (value: string) => string): Edit[] {
  const node = top.get(key, true);
  if (!isScalar(node) || typeof node.value !== 'string' || node.range == null) return [];
  const changed = change(node.value);
  const [start, end] = node.range;
  const source = text.slice(start, end);
  const quote = /^['"]/.exec(source)?.[0] ?? '';
  if (changed === node.value || source !== quote + node.value + quote) return [];
  return [{ start, end, text: quote + changed + quote, what: `${key}: ${node.value} → ${changed}` }];
}

/** A line of its own below the title, where the rule is written in lines. */
function missingId(top: YAMLMap, text: string, newId: () => string): Edit[] {
  if (top.has('id') || top.flow === true) return [];
  const title = top.items.find(({ key }) => isScalar(key) && key.value === 'title');
  const start = (title?.key as Node | undefined)?.range?.[0];
  const value = title?.value as Node | null | undefined;
  if (start === undefined || value?.range == null) return [];
  const column = start - (text.lastIndexOf('\n', start - 1) + 1);
  const after = text.indexOf('\n', value.range[1]);
  if (column > 0 || after < 0) return [];
  const id = newId();
  return [{ start: after + 1, end: after + 1, text: `id: ${id}\n`, what: `id: ${id} added` }];
}

/** Values that stand twice in a list of a selection, unless a comment stands beside them. */
function duplicates(top: YAMLMap, text: string): Edit[] {
  const edits: Edit[] = [];
  const stack: { readonly node: unknown; readonly inside: boolean }[] = [{ node: top, inside: false }];
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    const { node, inside } = at;
    if (isMap(node)) {
      for (const { key, value } of node.items) {
        const name = isScalar(key) ? String(key.value) : '';
        if (name !== 'tests' && name !== 'condition')
          stack.push({ node: value, inside: inside || name === 'detection' });
      }
    } else if (isSeq(node)) {
      for (const item of node.items) stack.push({ node: item, inside });
      if (inside) edits.push(...duplicatesIn(node.items, text));
    }
  }
  return edits;
}

function duplicatesIn(items: readonly unknown[], text: string): Edit[] {
  const seen = new Set<unknown>();
  const edits: Edit[] = [];
  for (const [i, item] of items.entries()) {
    if (!isScalar(item) || item.range == null) continue;
    const before = (items[i - 1] as Node | undefined)?.range;
    const [start, end] = item.range;
    const between = before == null ? '#' : text.slice(before[1], start);
    const rest = text.slice(end, text.indexOf('\n', end) < 0 ? undefined : text.indexOf('\n', end));
    const commented = between.includes('#') || /^\s*#/.test(rest) || item.anchor !== undefined;
    if (seen.has(item.value) && !commented && before != null)
      edits.push({
        start: before[1],
        end,
        text: '',
        what: `${String(item.value)}, given twice, removed once`,
        shownAt: start,
      });
    seen.add(item.value);
  }
  return edits;
}

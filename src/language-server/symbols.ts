/** What a file defines by name: lists, macros, selections, rules and their tests, with their places. */
import {
  type Document,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import { nestsTooDeep } from '../rules/yaml.ts';

export interface Place {
  /** From 0. */
  readonly line: number;
  readonly character: number;
}

export interface Definition {
  readonly kind: 'list' | 'macro' | 'selection';
  readonly name: string;
  readonly place: Place;
  /** Its text as written. */
  readonly text: string;
  /** Lines of the document in which it stands, from 0, both inclusive. */
  readonly lines: readonly [number, number];
}

export interface Symbols {
  readonly definitions: readonly Definition[];
  /** Of every rule: its id (or '' where there is none) and where it begins. */
  readonly rules: readonly { readonly id: string; readonly title: string; readonly place: Place }[];
}

const FILE_CHARS_MAX = 2 * 1024 * 1024;
const TEXT_CHARS_MAX = 600;

/** Of valid and of broken text: whatever the parser could make of it. */
export function symbolsOf(text: string): Symbols {
  const definitions: Definition[] = [];
  const rules: { id: string; title: string; place: Place }[] = [];
  if (text.length > FILE_CHARS_MAX || nestsTooDeep(text)) return { definitions, rules };
  const counter = new LineCounter();
  const placeOf = (offset: number): Place => {
    const { line, col } = counter.linePos(offset);
    return { line: Math.max(0, line - 1), character: Math.max(0, col - 1) };
  };
  for (const document of documentsOf(text, counter)) {
    const top = document.contents;
    if (isSeq(top)) definitions.push(...falcoDefinitions(top, text, placeOf));
    if (!isMap(top)) continue;
    const [from = 0, , to = 0] = document.range ?? [];
    const lines = [placeOf(from).line, placeOf(to).line] as const;
    const add = (kind: Definition['kind'], map: unknown): void => {
      if (!isMap(map)) return;
      for (const { key, value } of map.items) {
        if (!isScalar(key) || key.range == null || (kind === 'selection' && key.value === 'condition')) continue;
        const end = (value as Node | null)?.range?.[1] ?? key.range[1];
        const shown = text.slice(key.range[0], end).slice(0, TEXT_CHARS_MAX);
        definitions.push({ kind, name: String(key.value), place: placeOf(key.range[0]), text: shown, lines });
      }
    };
    add('list', top.get('lists'));
    add('macro', top.get('macros'));
    for (const map of detectionsOf(top)) add('selection', map);
    if (top.has('title')) {
      const start = (top as Node).range?.[0] ?? 0;
      rules.push({ id: String(top.get('id') ?? ''), title: String(top.get('title')), place: placeOf(start) });
    }
  }
  return { definitions, rules };
}

/** Lists and macros of one of Falco's files, which are known all over it. */
function falcoDefinitions(top: YAMLSeq, text: string, placeOf: (offset: number) => Place): Definition[] {
  const lines = [0, placeOf(text.length).line] as const;
  return top.items.filter(isMap).flatMap(item =>
    (['list', 'macro'] as const).flatMap((kind): Definition[] => {
      const name = item.get(kind, true);
      if (!isScalar(name) || name.range == null) return [];
      const [start = 0, end = start] = item.range ?? [];
      const shown = text.slice(start, end).trimEnd().slice(0, TEXT_CHARS_MAX);
      return [{ kind, name: String(name.value), place: placeOf(name.range[0]), text: shown, lines }];
    }),
  );
}

function documentsOf(text: string, lineCounter: LineCounter): readonly Document[] {
  try {
    const parsed = parseAllDocuments(text, { lineCounter, prettyErrors: false, logLevel: 'silent', uniqueKeys: false });
    return Array.isArray(parsed) ? parsed : [];
  } catch {
    // Nested too deep for the parser: diagnostics say so.
    return [];
  }
}

function detectionsOf(top: YAMLMap): unknown[] {
  const found: unknown[] = [top.get('detection')];
  const each = (list: unknown): void => {
    if (isSeq(list)) for (const item of list.items) if (isMap(item)) found.push(item.get('detection'));
  };
  each(top.get('any'));
  const sequence = top.get('sequence');
  if (isMap(sequence)) {
    each(sequence.get('steps'));
    const until = sequence.get('until');
    if (isMap(until)) found.push(until.get('detection'));
  }
  return found;
}

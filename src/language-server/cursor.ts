/** Where in a rule the cursor stands. Reads lines and indentation only: text that is being typed is rarely valid YAML. */

export interface Cursor {
  /** Keys from the top of the document; `-` for an item of a list. The key whose value is being typed is the last one. */
  readonly path: readonly string[];
  readonly at: 'key' | 'value';
  /** What of the word stands before the cursor. */
  readonly typed: string;
  /** The whole word under the cursor, and where it begins in its line. */
  readonly word: string;
  readonly start: number;
}

interface Frame {
  readonly indent: number;
  /** A key, or `-`. */
  readonly name: string;
}

/** Lines above the cursor that are looked at. */
const LINES_MAX = 5_000;
const KEY = /^("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s#&*!|>'"%@`{}[\],:-][^:#{}[\],]*?|-?[\w.|*-]+)\s*:(?=\s|$)/;
const WORD = /[\w.|%*/-]/;

/** `line` and `character` count from 0. */
export function cursorAt(text: string, line: number, character: number): Cursor {
  const lines = text.split(/\r?\n/);
  const current = lines[line] ?? '';
  const prefix = current.slice(0, character);
  let stack: Frame[] = [];
  for (const above of lines.slice(Math.max(0, line - LINES_MAX), line)) stack = below(stack, above).stack;
  const { stack: frames, rest, keyed } = below(stack, prefix);
  const flow = flowPath(rest);
  const path = [...frames.map(({ name }) => name), ...flow.path];
  // A line that is empty so far belongs to whatever its own indentation says.
  const at = flow.at ?? (keyed ? 'value' : 'key');
  let start = character;
  while (start > 0 && WORD.test(current[start - 1] as string)) start--;
  let end = character;
  while (end < current.length && WORD.test(current[end] as string)) end++;
  return { path, at, typed: current.slice(start, character), word: current.slice(start, end), start };
}

/** The open keys after one more line, and what follows its last key. */
function below(stack: readonly Frame[], line: string): { stack: Frame[]; rest: string; keyed: boolean } {
  if (/^(---|\.\.\.)(\s|$)/.test(line)) return { stack: [], rest: '', keyed: false };
  let rest = line.trimStart();
  let indent = line.length - rest.length;
  const open = [...stack];
  if (rest.startsWith('#')) return { stack: open, rest: '', keyed: false };
  const isBlank = rest === '';
  const closeTo = (column: number, keepKeys: boolean): void => {
    for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
      const stays = top.indent < column || (top.indent === column && keepKeys && top.name !== '-');
      if (stays) return;
      open.pop();
    }
  };
  // A blank line closes nothing when others follow; at the cursor its own indentation counts.
  if (isBlank && line === '') return { stack: open, rest: '', keyed: false };
  while (/^-(\s|$)/.test(rest)) {
    closeTo(indent, true);
    open.push({ indent, name: '-' });
    const after = rest.slice(1).trimStart();
    indent += rest.length - after.length;
    rest = after;
  }
  const key = KEY.exec(rest);
  if (key === null) {
    closeTo(indent, false);
    return { stack: open, rest, keyed: false };
  }
  closeTo(indent, false);
  open.push({ indent, name: unquoted(key[1] as string) });
  return { stack: open, rest: rest.slice(key[0].length), keyed: true };
}

const unquoted = (text: string): string => text.replace(/^(["'])(.*)\1$/, '$2').trim();

/** What is open in `{ a: { b: [c` after a key; `at` is null when nothing is. */
function flowPath(text: string): { path: string[]; at: 'key' | 'value' | null } {
  const open: { bracket: string; key: string | null }[] = [];
  let word = '';
  let quote = '';
  for (let i = 0; i < text.length; i++) {
    const c = text[i] as string;
    const top = open.at(-1);
    if (quote !== '') {
      if (c === quote) quote = '';
      word += c;
    } else if ((c === '"' || c === "'") && word.trim() === '') {
      quote = c;
      word += c;
    } else if (c === '{' || c === '[') {
      open.push({ bracket: c, key: null });
      word = '';
    } else if (c === '}' || c === ']') {
      open.pop();
      word = '';
    } else if (top !== undefined && c === ',') {
      top.key = null;
      word = '';
    } else if (top?.bracket === '{' && c === ':' && /\s|$/.test(text[i + 1] ?? ' ')) {
      top.key = unquoted(word.trim());
      word = '';
    } else word += c;
  }
  const path = open.flatMap(({ bracket, key }) => (bracket === '[' ? ['-'] : key === null ? [] : [key]));
  const top = open.at(-1);
  return { path, at: top === undefined ? null : top.bracket === '{' && top.key === null ? 'key' : 'value' };
}

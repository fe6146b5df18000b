/** The text of a condition as it stands in the file, so that a problem inside it has a line and a column. */
import type { Path, Problems } from '../yaml.ts';

export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** One condition, joined of one or more pieces (`append` puts a space between them). */
export interface Source {
  /** Line breaks are kept where the file has them, also where folding made spaces of them. */
  readonly text: string;
  /** Where the character at `index` stands. */
  place(index: number): Place;
}

/** The lines of one file. */
export type Lines = readonly string[];

const BLOCK = /^[|>][-+0-9]*\s*(#.*)?$/;

/** The scalar at `path`, whose parsed value is `value`. */
export function sourceOf(value: string, path: Path, problems: Problems, lines: Lines): Source {
  const start = problems.place(path);
  const file = problems.file;
  const places: number[] = [];
  let line = start.line - 1;
  let column = start.column - 1;
  const block = BLOCK.test((lines[line] ?? '').slice(column));
  if (block) {
    line++;
    column = 0;
  }
  let text = '';
  for (const character of value) {
    if (/\s/.test(character)) {
      places.push(line * STRIDE + column);
      const before = line;
      ({ line, column } = skipSpace(lines, line, column));
      text += line > before ? '\n' : character;
      for (let i = 1; i < character.length; i++) places.push(line * STRIDE + column);
      continue;
    }
    ({ line, column } = skipSpace(lines, line, column));
    // Quotes and escapes of YAML stand in the file, not in the value.
    const row = lines[line] ?? '';
    const found = row.startsWith(character, column) ? column : row.indexOf(character, column);
    if (found >= 0 && found - column <= ESCAPE_CHARS_MAX) column = found;
    for (let i = 0; i < character.length; i++) places.push(line * STRIDE + column + i);
    column += character.length;
    text += character;
  }
  return {
    text,
    place: index => {
      const at = places[Math.min(index, places.length - 1)];
      if (at === undefined) return { file, line: start.line, column: start.column };
      return { file, line: Math.floor(at / STRIDE) + 1, column: (at % STRIDE) + 1 };
    },
  };
}

const STRIDE = 4_000_000;
const ESCAPE_CHARS_MAX = 4;

function skipSpace(lines: Lines, line: number, column: number): { line: number; column: number } {
  let row = line;
  let at = column;
  for (let text = lines[row]; text !== undefined; text = lines[row]) {
    while (at < text.length && /\s/.test(text[at] as string)) at++;
    if (at < text.length || row + 1 >= lines.length) break;
    row++;
    at = 0;
  }
  return { line: row, column: at };
}

/** `append`: Falco joins the texts with a space. */
export function joined(first: Source, second: Source): Source {
  const offset = first.text.length + 1;
  return {
    text: `${first.text} ${second.text}`,
    place: index => (index < offset ? first.place(index) : second.place(index - offset)),
  };
}

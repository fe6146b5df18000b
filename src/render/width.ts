/** How many columns text takes in a terminal, and text cut to some of them. */

/** Combining marks stand on the character before. Everything that would not show is escaped before it comes here. */
const NO_WIDTH = /\p{Mark}/u;

/** Scripts and pictures that take two columns (East Asian Wide and Fullwidth), first and last of each range. */
const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x231a, 0x231b],
  [0x23e9, 0x23f3],
  [0x25fd, 0x25fe],
  [0x2614, 0x2615],
  [0x2648, 0x2653],
  [0x26a1, 0x26a1],
  [0x26bd, 0x26be],
  [0x2705, 0x2705],
  [0x270a, 0x270b],
  [0x274c, 0x274e],
  [0x2753, 0x2757],
  [0x2795, 0x2797],
  [0x2b1b, 0x2b1c],
  [0x2b50, 0x2b55],
  [0x2e80, 0x303e],
  [0x3041, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18aff],
  [0x1b000, 0x1b2ff],
  [0x1f004, 0x1f004],
  [0x1f0cf, 0x1f0cf],
  [0x1f18e, 0x1f19a],
  [0x1f200, 0x1f64f],
  [0x1f680, 0x1f6ff],
  [0x1f7e0, 0x1f7eb],
  [0x1f90c, 0x1f9ff],
  [0x1fa70, 0x1faff],
  [0x20000, 0x3fffd],
];

function widthOf(character: string): number {
  const code = character.codePointAt(0) as number;
  if (code < 0x300) return 1;
  if (NO_WIDTH.test(character)) return 0;
  return WIDE.some(([first, last]) => code >= first && code <= last) ? 2 : 1;
}

/** Colours as `style.ts` writes them take no columns. */
const PIECES = /\x1b\[[0-9;]*m|[^\x1b]/gu;
const RESET = '\x1b[0m';

export function columnsOf(line: string): number {
  let columns = 0;
  for (const [piece] of line.matchAll(PIECES)) if (!piece.startsWith('\x1b')) columns += widthOf(piece);
  return columns;
}

/** At most `columns` wide, the last of them an ellipsis when something is missing; colours end with it. */
export function cutTo(line: string, columns: number): string {
  if (line.length <= columns && !/[^\x20-\x7e]/.test(line)) return line;
  if (columns <= 0) return '';
  let out = '';
  let used = 0;
  /** Up to where there is room for the ellipsis. */
  let short = '';
  let isColoured = false;
  for (const [piece] of line.matchAll(PIECES)) {
    if (piece.startsWith('\x1b')) {
      isColoured = true;
      out += piece;
      continue;
    }
    used += widthOf(piece);
    if (used > columns) return `${short}…${isColoured ? RESET : ''}`;
    out += piece;
    if (used <= columns - 1) short = out;
  }
  return out;
}

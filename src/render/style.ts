/** Colour on a terminal, plain text everywhere else. */
import type { Level } from '../rules/rule.ts';

export type Paint = (text: string) => string;

export interface Style {
  readonly bold: Paint;
  readonly dim: Paint;
  readonly red: Paint;
  readonly yellow: Paint;
  readonly green: Paint;
  readonly cyan: Paint;
  readonly level: (level: Level, text: string) => string;
}

const sgr =
  (on: number, off: number): Paint =>
  text =>
    `\x1b[${on}m${text}\x1b[${off}m`;
const as: Paint = text => text;

/** `colour` is decided once, by the command: a terminal that wants it (`NO_COLOR` unset). */
export function style(colour: boolean): Style {
  const paint = (on: number, off: number): Paint => (colour ? sgr(on, off) : as);
  const bold = paint(1, 22);
  const red = paint(31, 39);
  const yellow = paint(33, 39);
  const cyan = paint(36, 39);
  const dim = paint(2, 22);
  const byLevel: Record<Level, Paint> = {
    critical: text => bold(red(text)),
    high: red,
    medium: yellow,
    low: cyan,
    informational: dim,
  };
  return { bold, dim, red, yellow, green: paint(32, 39), cyan, level: (level, text) => byLevel[level](text) };
}

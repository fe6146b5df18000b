/** A terminal's screen as lines: a head, as much of a long picture as there is room for, and a foot. */
import { cutTo } from './width.ts';

export interface ScreenSize {
  readonly columns: number;
  readonly rows: number;
}

export interface Frame {
  readonly head: string;
  readonly lines: readonly string[];
  readonly foot: string;
  /** First line of the picture that is shown. */
  readonly top: number;
}

/** Lines of the picture that fit, beside head and foot. */
export const roomFor = ({ rows }: ScreenSize): number => Math.max(rows - 2, 1);

/** The last `top` that shows something on every line. */
export const topMax = (lines: number, size: ScreenSize): number => Math.max(0, lines - roomFor(size));

/** Exactly `rows` lines, none wider than the screen. */
export function screenLines({ head, lines, foot, top }: Frame, size: ScreenSize): string[] {
  const room = roomFor(size);
  const shown = lines.slice(top, top + room);
  const empty = Array.from({ length: room - shown.length }, () => '');
  return [head, ...shown, ...empty, foot].slice(-size.rows).map(line => cutTo(line, size.columns));
}

/** What of a picture is open: how much of each fold is shown. A cursor is `<number>.<key>`. */
import { z } from 'zod';
import { PICTURE_LIMITS } from './limits.ts';

/** How much of what a key stands for is shown; what has no entry is as the picture shows it unasked. */
export type Shown = ReadonlyMap<string, number>;

const CURSOR = /^(\d{1,6})\.([\s\S]{1,600})$/;

export const cursorOf = (n: number, key: string): string => `${n}.${key}`;

export const showQuery = z
  .preprocess(
    value => (value === undefined ? [] : [value].flat()),
    z.array(z.string().regex(CURSOR, 'expected a cursor of a picture: its `toggle`')).max(PICTURE_LIMITS.cursorsMax),
  )
  .meta({ type: 'array', items: { type: 'string' } })
  .describe('cursors: what is opened and closed; the last of a key counts') as z.ZodType<string[]>;

/** @param cursors as `toggle` gave them; what is no cursor is passed over. */
export function shownBy(cursors: readonly string[]): Shown {
  const shown = new Map<string, number>();
  for (const cursor of cursors) {
    const match = CURSOR.exec(cursor);
    if (match !== null) shown.set(match[2] ?? '', Number(match[1]));
  }
  return shown;
}

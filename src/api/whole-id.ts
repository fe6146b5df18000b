/** Ids by their beginnings, as people copy them from a list. */
import { invalid, notFound } from './problem.ts';

export const ID_BEGINNING_CHARS_MIN = 6;
const CANDIDATES_SHOWN_MAX = 5;

/** The one id that begins with `text`. Throws a 404 problem when there is none, and 400 with the candidates when there are several. */
export async function wholeId(
  text: string,
  idsFrom: (beginning: string, limit: number) => Promise<readonly string[]>,
  what: string,
): Promise<string> {
  const ids = text.length < ID_BEGINNING_CHARS_MIN ? [] : await idsFrom(text, CANDIDATES_SHOWN_MAX + 1);
  const [id, ...others] = ids;
  if (id === undefined) throw notFound(what);
  if (others.length === 0) return id;
  const shown = ids.slice(0, CANDIDATES_SHOWN_MAX).join(', ');
  const more = ids.length > CANDIDATES_SHOWN_MAX ? ' and more' : '';
  throw invalid([{ in: 'path', field: 'id', message: `is the beginning of several ids: ${shown}${more}` }]);
}

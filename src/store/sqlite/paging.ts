/** Keyset paging: a cursor is the key of the last row that was handed out. */
import { type Page, type Paging, STORE_LIMITS, StoreError } from '../store.ts';

export function limitOf(paging: Paging): number {
  const limit = Math.floor(paging.limit ?? STORE_LIMITS.pageDefault);
  return Math.min(Math.max(Number.isFinite(limit) ? limit : STORE_LIMITS.pageDefault, 1), STORE_LIMITS.pageMax);
}

/** The key in a cursor, whose parts must have these types; null without a cursor. */
export function keyOf<K extends readonly (string | number)[]>(
  paging: Paging,
  types: { readonly [I in keyof K]: K[I] extends string ? 'string' : 'number' },
): K | null {
  if (paging.cursor === undefined || paging.cursor === '') return null;
  let key: unknown;
  try {
    key = JSON.parse(Buffer.from(paging.cursor, 'base64url').toString('utf8'));
  } catch {
    key = null;
  }
  const kinds = types as readonly string[];
  if (Array.isArray(key) && key.length === kinds.length && kinds.every((kind, i) => typeof key[i] === kind)) {
    return key as unknown as K;
  }
  throw new StoreError('bad_cursor', 'the cursor is not one that this API handed out');
}

/** `rows` were asked for with one more than the limit: its presence says that there is a next page. */
export function pageOf<Row, T>(
  rows: readonly Row[],
  limit: number,
  item: (row: Row) => T,
  key: (row: Row) => readonly (string | number)[],
): Page<T> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const more = rows.length > limit && last !== undefined;
  return {
    items: shown.map(item),
    next: more ? Buffer.from(JSON.stringify(key(last)), 'utf8').toString('base64url') : null,
  };
}

/** A WHERE clause as it grows. */
export class Filter {
  readonly #conditions: string[] = [];
  readonly values: (string | number)[] = [];

  add(condition: string, ...values: (string | number)[]): this {
    this.#conditions.push(condition);
    this.values.push(...values);
    return this;
  }

  /** `expression IN (list)`; nothing when the list is absent. An empty list matches nothing. */
  in(expression: string, list: readonly (string | number)[] | undefined): this {
    return list === undefined
      ? this
      : this.add(`${expression} IN (SELECT value FROM json_each(?))`, JSON.stringify(list));
  }

  get where(): string {
    return this.#conditions.length === 0 ? '' : `WHERE ${this.#conditions.join(' AND ')}`;
  }
}

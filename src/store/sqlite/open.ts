/** The way in: a database file becomes a `Store`. */
import type { Store } from '../store.ts';
import { Db, type DbOptions } from './db.ts';
import { SqliteStore } from './sqlite-store.ts';

/** As `DbOptions`; `now` is the wall clock when absent. */
export type OpenOptions = Omit<DbOptions, 'now'> & Partial<Pick<DbOptions, 'now'>>;

/** Rejects with a `StoreError` `corrupt`, `newer` or `unavailable`, which says which file and what to do. */
export async function openStore(options: OpenOptions): Promise<Store> {
  return new SqliteStore(new Db({ ...options, now: options.now ?? Date.now }));
}

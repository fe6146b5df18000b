/** The way in: a database file becomes a `Store`. */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Store, StoreFull } from '../store.ts';
import { Db, type DbOptions } from './db.ts';
import { lockDatabase } from './lock.ts';
import { SqliteStore } from './sqlite-store.ts';

/** As `DbOptions`; `now` is the wall clock when absent. */
export type OpenOptions = Omit<DbOptions, 'now'> & Partial<Pick<DbOptions, 'now'>>;

/**
 * Rejects with a `StoreError` `corrupt`, `newer` or `unavailable`, which says which file and what to do; also when another program
 * has opened it for writing.
 */
export async function openStore(options: OpenOptions): Promise<Store> {
  const isShared = options.path === ':memory:' || options.readOnly === true;
  if (!isShared) mkdirSync(dirname(options.path), { recursive: true });
  const release = isShared ? () => undefined : lockDatabase(options.path);
  try {
    const db = new Db({ ...options, now: options.now ?? Date.now });
    if (!isShared) freeLeases(db);
    return new SqliteStore(db, release);
  } catch (error) {
    release();
    throw error;
  }
}

/** Whoever held a lease is gone: what it was sending is due again, after an attempt of which nothing is known. */
function freeLeases(db: Db): void {
  try {
    if (db.read(() => db.get("SELECT 1 FROM outbox WHERE state = 'leased' LIMIT 1")) === undefined) return;
    const free = "UPDATE outbox SET state = 'pending', attempts = attempts + 1, due_at = ? WHERE state = 'leased'";
    db.write(() => db.run(free, db.now()));
  } catch (error) {
    // On a full disk they run out by themselves.
    if (!(error instanceof StoreFull)) throw error;
  }
}

/** The way in: a database file becomes a `Store`. */
import { dirname } from 'node:path';
import { makeFolder } from '../../disk/folder.ts';
import { type Store, StoreFull } from '../store.ts';
import { Db, type DbOptions } from './db.ts';
import { translate } from './errors.ts';
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
  if (!isShared) makeFolderOf(options.path);
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

/** For its owner alone: it holds evidence and webhook secrets. */
function makeFolderOf(path: string): void {
  try {
    makeFolder(dirname(path), 0o700);
  } catch (error) {
    throw translate(error, path);
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

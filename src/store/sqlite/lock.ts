/** One program a database: held as a lock of the operating system, so that a killed program leaves nothing behind. */
import Database from 'better-sqlite3';
import { StoreError } from '../store.ts';

/** Releases the lock. */
export type Release = () => void;

/**
 * Locks `<path>-lock`, an empty file beside the database; readers of the database itself are not hindered. Throws `unavailable`
 * when another program holds it. A folder in which no file can be made is no reason not to start.
 */
export function lockDatabase(path: string): Release {
  let lock: Database.Database;
  try {
    lock = new Database(`${path}-lock`, { timeout: 0 });
  } catch {
    return () => undefined;
  }
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if ((error as { code?: string }).code !== 'SQLITE_BUSY') return () => undefined;
    throw new StoreError(
      'unavailable',
      `${path} is in use by another Spoor; stop that one, or give this one a database of its own (store.path)`,
    );
  }
  return () => lock.close();
}

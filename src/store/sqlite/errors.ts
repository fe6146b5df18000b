/** What SQLite's and the system's errors mean to whoever runs Spoor. */
import { StoreError, StoreFull } from '../store.ts';

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** Writes that failed below SQLite are a full disk in practice: nothing else makes writing, and only writing, fail. */
const NO_SPACE = /^(SQLITE_FULL|SQLITE_IOERR_(WRITE|SHMSIZE|SHMOPEN|TRUNCATE|FSYNC)|ENOSPC|EDQUOT)$/;

/** A `StoreError` that names the file and says what to do; anything else (our own mistakes) as it is. */
export function translate(error: unknown, path: string): unknown {
  if (error instanceof StoreError) return error;
  const code = codeOf(error);
  const cause = { cause: error };
  if (NO_SPACE.test(code)) return new StoreFull(`no space left to write to the database ${path}`, cause);
  if (code.startsWith('SQLITE_NOTADB')) {
    return new StoreError(
      'corrupt',
      `${path} is not a database, or its head is damaged: name another file, or move the file away with ${path}-wal and ${path}-shm`,
      cause,
    );
  }
  if (code.startsWith('SQLITE_CORRUPT')) {
    return new StoreError(
      'corrupt',
      `the database ${path} is damaged (${code}). ` +
        `Stop Spoor, move the file away together with ${path}-wal and ${path}-shm, and start it again: it makes a new one`,
      cause,
    );
  }
  if (/^SQLITE_(BUSY|LOCKED|IOERR|CANTOPEN|READONLY|PERM|PROTOCOL)|^E[A-Z]+$/.test(code)) {
    const why = error instanceof Error ? error.message : code;
    // The system's own messages begin with the code.
    const named = code.startsWith('SQLITE_') ? `${why} (${code})` : why;
    return new StoreError('unavailable', `the database ${path} cannot be used: ${named}`, cause);
  }
  return error;
}

/** Opening a database file: its settings, its schema, and the space it may use. */
import { closeSync, openSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { StoreError } from '../store.ts';
import { APPLICATION_ID, MIGRATIONS } from './schema.ts';

const BUSY_TIMEOUT_MS = 5_000;
/** Evidence is kilobytes an alert: pages of the default 4 KiB would chain it over many, at twice the cost. */
const PAGE_BYTES = 8192;
/** Committed pages wait in the write-ahead log up to about this size. */
const WAL_PAGES_MAX = 512;
const WAL_PAGES_MIN = 16;
/** To empty that log the database may have to grow by as much: the reserve is larger, so that a full disk cannot prevent it. */
const BALLAST_BYTES = 2 * WAL_PAGES_MAX * PAGE_BYTES;
/** Shares of a small disk's free space. */
const BALLAST_SHARE = 1 / 4;
const WAL_SHARE = 1 / 8;
const PAGES_MIN = 64;

const one = (sqlite: Database.Database, pragma: string): number => sqlite.pragma(pragma, { simple: true }) as number;

/** Space for the reserve and for the write-ahead log, by what is free where the database lies. */
export interface Space {
  readonly ballastBytes: number;
  readonly walPages: number;
}

export function spaceAt(path: string): Space {
  const { bavail, bsize } = statfsSync(dirname(path));
  const free = bavail * bsize;
  return {
    ballastBytes: Math.floor(Math.min(BALLAST_BYTES, free * BALLAST_SHARE)),
    walPages: Math.floor(Math.min(WAL_PAGES_MAX, Math.max(WAL_PAGES_MIN, (free * WAL_SHARE) / PAGE_BYTES))),
  };
}

/** Makes the file, for its owner alone: it holds evidence and webhook secrets. */
export function makeFile(path: string): void {
  closeSync(openSync(path, 'a', 0o600));
}

/** Throws `StoreError` when the file is not ours to use; returns the version of its schema. */
function check(sqlite: Database.Database): number {
  const version = one(sqlite, 'user_version');
  const tables = sqlite.prepare('SELECT count(*) AS n FROM sqlite_master').get() as { n: number };
  if (one(sqlite, 'application_id') !== APPLICATION_ID && tables.n > 0) {
    throw new StoreError('corrupt', `${sqlite.name} is the database of another program: name another file`);
  }
  if (version > MIGRATIONS.length) {
    throw new StoreError(
      'newer',
      `the database ${sqlite.name} was written by a newer Spoor (schema ${version}, this one knows ${MIGRATIONS.length}): ` +
        'use that version, or name another file',
    );
  }
  return version;
}

function migrate(sqlite: Database.Database): void {
  const upgrade = sqlite.transaction(() => {
    for (const migration of MIGRATIONS.slice(check(sqlite))) sqlite.exec(migration);
    sqlite.pragma(`application_id = ${APPLICATION_ID}`);
    sqlite.pragma(`user_version = ${MIGRATIONS.length}`);
  });
  if (check(sqlite) < MIGRATIONS.length) upgrade.immediate();
}

/** For reading what another process writes. */
export function connectReadOnly(path: string): Database.Database {
  const sqlite = new Database(path, { readonly: true, fileMustExist: true, timeout: BUSY_TIMEOUT_MS });
  try {
    const version = check(sqlite);
    if (one(sqlite, 'application_id') !== APPLICATION_ID) {
      throw new StoreError('corrupt', `${path} is not a database of Spoor: it is empty`);
    }
    if (version < MIGRATIONS.length) {
      throw new StoreError('unavailable', `the database ${path} is of an older schema: start Spoor on it once`);
    }
    return sqlite;
  } catch (error) {
    sqlite.close();
    throw error;
  }
}

/** `bytesMax`: the file never grows beyond it. */
export function connect(path: string, walPages: number, bytesMax: number | undefined): Database.Database {
  const sqlite = new Database(path, { timeout: BUSY_TIMEOUT_MS });
  try {
    check(sqlite);
    // The first two are only possible before the first table; without effect later.
    sqlite.pragma(`page_size = ${PAGE_BYTES}`);
    sqlite.pragma('auto_vacuum = INCREMENTAL');
    sqlite.pragma('journal_mode = WAL');
    sqlite.pragma('synchronous = FULL');
    sqlite.pragma('temp_store = MEMORY');
    sqlite.pragma(`wal_autocheckpoint = ${walPages}`);
    sqlite.pragma(`journal_size_limit = ${2 * walPages * PAGE_BYTES}`);
    migrate(sqlite);
    if (bytesMax !== undefined) {
      sqlite.pragma(`max_page_count = ${Math.max(PAGES_MIN, Math.floor(bytesMax / one(sqlite, 'page_size')))}`);
    }
    return sqlite;
  } catch (error) {
    sqlite.close();
    throw error;
  }
}

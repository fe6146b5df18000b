/** One SQLite database: opening, migrating, prepared statements, and what its errors mean. */
import { closeSync, mkdirSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { StoreError, StoreFull } from '../store.ts';
import { APPLICATION_ID, MIGRATIONS } from './schema.ts';

export interface DbOptions {
  /** Database file, or `:memory:`. Its folder is made when it is missing. */
  readonly path: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** For looking into the database of a running program: nothing can be changed. */
  readonly readOnly?: boolean | undefined;
  /** The file never grows beyond this. No limit when absent. */
  readonly bytesMax?: number | undefined;
  /** Size of the file beside it that is given up when the disk is full, so that deleting stays possible. */
  readonly ballastBytes?: number | undefined;
}

const BALLAST_BYTES = 1024 * 1024;
const BUSY_TIMEOUT_MS = 5_000;
const STATEMENTS_MAX = 512;
/** Evidence is kilobytes an alert: pages of the default 4 KiB would chain it over many, at twice the cost. */
const PAGE_BYTES = 8192;
const WAL_BYTES_KEPT = 16 * 1024 * 1024;

type Bindable = string | number | null | bigint | Buffer;

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** Writes that failed below SQLite are a full disk in practice: nothing else makes writing, and only writing, fail. */
const NO_SPACE = /^(SQLITE_FULL|SQLITE_IOERR_(WRITE|SHMSIZE|SHMOPEN|TRUNCATE|FSYNC)|ENOSPC|EDQUOT)$/;

function translate(error: unknown, path: string): unknown {
  if (error instanceof StoreError) return error;
  const code = codeOf(error);
  const cause = { cause: error };
  if (NO_SPACE.test(code)) return new StoreFull(`no space left to write to the database ${path}`, cause);
  if (code.startsWith('SQLITE_NOTADB') || code.startsWith('SQLITE_CORRUPT')) {
    return new StoreError(
      'corrupt',
      `the database ${path} is damaged or not a database (${code}). ` +
        `Stop Spoor, move the file away together with ${path}-wal and ${path}-shm, and start it again: it makes a new one`,
      cause,
    );
  }
  if (/^SQLITE_(BUSY|LOCKED|IOERR|CANTOPEN|READONLY|PERM|PROTOCOL)|^E[A-Z]+$/.test(code)) {
    const why = error instanceof Error ? error.message : code;
    return new StoreError('unavailable', `the database ${path} cannot be used: ${why} (${code})`, cause);
  }
  return error;
}

/** Makes the file and its folder, readable by their owner alone: it holds evidence and webhook secrets. */
function makeFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  closeSync(openSync(path, 'a', 0o600));
}

export class Db {
  readonly path: string;
  readonly now: () => number;
  readonly sqlite: Database.Database;
  readonly #statements = new Map<string, Database.Statement<Bindable[]>>();
  readonly #ballastBytes: number;
  /** The last write failed for want of space. */
  full = false;

  /** Throws `StoreError` `corrupt`, `newer` or `unavailable`. */
  constructor(options: DbOptions) {
    this.path = options.path;
    this.now = options.now;
    const onDisk = options.path !== ':memory:' && options.path !== '';
    const readOnly = options.readOnly === true;
    this.#ballastBytes = onDisk && !readOnly ? (options.ballastBytes ?? BALLAST_BYTES) : 0;
    let sqlite: Database.Database | null = null;
    try {
      if (onDisk && !readOnly) makeFile(options.path);
      sqlite = new Database(options.path, { readonly: readOnly, fileMustExist: readOnly, timeout: BUSY_TIMEOUT_MS });
      this.sqlite = sqlite;
      this.#migrate(readOnly);
      if (!readOnly && options.bytesMax !== undefined) {
        const pageSize = sqlite.pragma('page_size', { simple: true }) as number;
        sqlite.pragma(`max_page_count = ${Math.max(64, Math.floor(options.bytesMax / pageSize))}`);
      }
    } catch (error) {
      sqlite?.close();
      throw translate(error, options.path);
    }
    this.fillBallast();
  }

  #migrate(readOnly: boolean): void {
    const version = this.sqlite.pragma('user_version', { simple: true }) as number;
    const owner = this.sqlite.pragma('application_id', { simple: true }) as number;
    const tables = this.sqlite.prepare('SELECT count(*) AS n FROM sqlite_master').get() as { n: number };
    if (owner !== APPLICATION_ID && tables.n > 0) {
      throw new StoreError('corrupt', `${this.path} is the database of another program: name another file`);
    }
    if (version > MIGRATIONS.length) {
      throw new StoreError(
        'newer',
        `the database ${this.path} was written by a newer Spoor (schema ${version}, this one knows ${MIGRATIONS.length}): ` +
          'use that version, or name another file',
      );
    }
    if (readOnly) {
      if (version < MIGRATIONS.length) {
        throw new StoreError('unavailable', `the database ${this.path} is of an older schema: start Spoor on it once`);
      }
      return;
    }
    // The first two are only possible before the first table; without effect later.
    this.sqlite.pragma(`page_size = ${PAGE_BYTES}`);
    this.sqlite.pragma('auto_vacuum = INCREMENTAL');
    this.sqlite.pragma('journal_mode = WAL');
    this.sqlite.pragma('synchronous = FULL');
    this.sqlite.pragma('temp_store = MEMORY');
    this.sqlite.pragma(`journal_size_limit = ${WAL_BYTES_KEPT}`);
    this.sqlite
      .transaction(() => {
        for (const migration of MIGRATIONS.slice(version)) this.sqlite.exec(migration);
        this.sqlite.pragma(`application_id = ${APPLICATION_ID}`);
        this.sqlite.pragma(`user_version = ${MIGRATIONS.length}`);
      })
      .immediate();
  }

  #statement(sql: string): Database.Statement<Bindable[]> {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      if (this.#statements.size >= STATEMENTS_MAX) this.#statements.clear();
      statement = this.sqlite.prepare<Bindable[]>(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  /** Rows changed. */
  run(sql: string, ...values: Bindable[]): number {
    return this.#statement(sql).run(...values).changes;
  }

  get<Row>(sql: string, ...values: Bindable[]): Row | undefined {
    return this.#statement(sql).get(...values) as Row | undefined;
  }

  all<Row>(sql: string, ...values: Bindable[]): Row[] {
    return this.#statement(sql).all(...values) as Row[];
  }

  read<T>(query: () => T): T {
    try {
      return query();
    } catch (error) {
      throw translate(error, this.path);
    }
  }

  /** One transaction. Without space `StoreFull` is thrown, and nothing was written. */
  write<T>(change: () => T): T {
    try {
      const result = this.sqlite.transaction(change).immediate();
      this.full = false;
      return result;
    } catch (error) {
      const translated = translate(error, this.path);
      if (translated instanceof StoreFull) this.full = true;
      throw translated;
    }
  }

  get #ballast(): string {
    return `${this.path}.ballast`;
  }

  /** Takes the reserve back as soon as there is room. Real bytes: a sparse file would reserve nothing. */
  fillBallast(): void {
    if (this.#ballastBytes === 0) return;
    if ((statSync(this.#ballast, { throwIfNoEntry: false })?.size ?? 0) >= this.#ballastBytes) return;
    try {
      const file = openSync(this.#ballast, 'w', 0o600);
      try {
        const block = Buffer.alloc(64 * 1024, 0x20);
        for (let left = this.#ballastBytes; left > 0; ) left -= writeSync(file, block, 0, Math.min(left, block.length));
      } finally {
        closeSync(file);
      }
    } catch {
      // No room for the reserve: the database needs what there is.
      this.dropBallast();
    }
  }

  /** Only to delete with: what is stored in its place could not be deleted later. */
  dropBallast(): void {
    if (this.#ballastBytes > 0) rmSync(this.#ballast, { force: true });
  }

  bytes(): number {
    const pages = this.sqlite.pragma('page_count', { simple: true }) as number;
    return pages * (this.sqlite.pragma('page_size', { simple: true }) as number);
  }

  /** Bytes of pages that hold something. */
  bytesUsed(): number {
    const free = this.sqlite.pragma('freelist_count', { simple: true }) as number;
    return this.bytes() - free * (this.sqlite.pragma('page_size', { simple: true }) as number);
  }

  close(): void {
    if (this.sqlite.open) this.sqlite.close();
  }
}

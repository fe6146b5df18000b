/** One SQLite database: prepared statements, transactions, and the reserve beside it. */
import type Database from 'better-sqlite3';
import { StoreFull } from '../store.ts';
import { Ballast } from './ballast.ts';
import { connect, connectReadOnly, makeFile, spaceAt } from './connect.ts';
import { translate } from './errors.ts';

export interface DbOptions {
  /** Database file in a folder that is there, or `:memory:`. */
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

const STATEMENTS_MAX = 512;
/** Without effect: a database in memory has no log. */
const MEMORY_WAL_PAGES = 512;

type Bindable = string | number | null | bigint | Buffer;

export class Db {
  readonly path: string;
  readonly now: () => number;
  readonly sqlite: Database.Database;
  readonly #statements = new Map<string, Database.Statement<Bindable[]>>();
  readonly #ballast: Ballast | null;
  /** A write failed for want of space, and neither a commit nor a clean-up has succeeded since. */
  full = false;

  /** Throws `StoreError` `corrupt`, `newer`, `unavailable` or `full`. */
  constructor(options: DbOptions) {
    const { path } = options;
    this.path = path;
    this.now = options.now;
    try {
      if (options.readOnly === true) {
        this.#ballast = null;
        this.sqlite = connectReadOnly(path);
      } else if (path === ':memory:') {
        this.#ballast = null;
        this.sqlite = connect(path, MEMORY_WAL_PAGES, options.bytesMax);
      } else {
        makeFile(path);
        const { ballastBytes, walPages } = spaceAt(path);
        this.#ballast = new Ballast(`${path}.ballast`, options.ballastBytes ?? ballastBytes);
        this.sqlite = this.#connect(walPages, options.bytesMax);
        this.#ballast.fill();
      }
    } catch (error) {
      throw translate(error, path);
    }
  }

  /** On a full disk the reserve goes first: what is stored must stay readable. */
  #connect(walPages: number, bytesMax: number | undefined): Database.Database {
    try {
      return connect(this.path, walPages, bytesMax);
    } catch (error) {
      if (!(translate(error, this.path) instanceof StoreFull)) throw error;
      this.#ballast?.drop();
      return connect(this.path, walPages, bytesMax);
    }
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

  /** One transaction. Without space `StoreFull` is thrown, and nothing was written; `change` may run twice. */
  write<T>(change: () => T): T {
    try {
      return this.#attempt(change);
    } catch (error) {
      if (!(error instanceof StoreFull)) throw error;
      this.full = true;
      this.reclaim();
    }
    return this.#attempt(change);
  }

  #attempt<T>(change: () => T): T {
    try {
      return this.sqlite.transaction(change).immediate();
    } catch (error) {
      throw translate(error, this.path);
    }
  }

  /** Brings the write-ahead log into the database and gives its space back. Does nothing when that needs more than there is. */
  reclaim(): void {
    try {
      this.sqlite.pragma('wal_checkpoint(TRUNCATE)');
    } catch {
      // Still full: the caller finds out when it writes.
    }
  }

  fillBallast(): void {
    this.#ballast?.fill();
  }

  dropBallast(): void {
    this.#ballast?.drop();
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

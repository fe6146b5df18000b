/** Silences: what people do not want to be told of for a while. Ended ones are kept, as the answer to why nobody was told. */
import { randomBytes } from 'node:crypto';
import type { Silence, SilenceSpec, Silences } from '../silence.ts';
import { type Scope, STORE_LIMITS, StoreError } from '../store.ts';
import type { Db } from './db.ts';

interface SilenceRow extends Omit<Silence, 'match'> {
  readonly match: string;
}

const COLUMNS = `s.id, s.match, s.until, s.author, s.reason, s.created_at,
  (SELECT count(*) FROM alerts a WHERE a.silenced = s.id) AS alerts`;

const silenceOf = (row: SilenceRow): Silence => ({ ...row, match: JSON.parse(row.match) as Silence['match'] });

/** A silence is in scope when all that it can hush is: it names namespaces, in full. */
function within({ namespace }: Silence['match'], scope: Scope): boolean {
  return scope === null || namespace?.every(each => scope.includes(each)) === true;
}

export class SqliteSilences implements Silences {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async create({ match, until, author, reason }: SilenceSpec, scope: Scope): Promise<Silence> {
    const db = this.#db;
    if (!within(match, scope)) {
      throw new StoreError('out_of_scope', 'the silence must name namespaces, all within your own');
    }
    const id = randomBytes(8).toString('hex');
    return db.write(() => {
      const now = db.now();
      const active = db.get<{ n: number }>('SELECT count(*) AS n FROM silences WHERE until > ?', now)?.n ?? 0;
      if (active >= STORE_LIMITS.silencesMax) {
        throw new StoreError('too_many', `there are ${active} silences already: end some of them first`);
      }
      db.run(
        'INSERT INTO silences (id, match, until, author, reason, created_at) VALUES (?, ?, ?, ?, ?, ?)',
        id,
        JSON.stringify(match),
        until,
        author,
        reason,
        now,
      );
      db.run(
        `DELETE FROM silences WHERE until <= ? AND id NOT IN
           (SELECT id FROM silences ORDER BY created_at DESC, id LIMIT ?)`,
        now,
        STORE_LIMITS.silencesMax,
      );
      return { id, match, until, author, reason, created_at: now, alerts: 0 };
    });
  }

  async list(scope: Scope): Promise<Silence[]> {
    const db = this.#db;
    const sql = `SELECT ${COLUMNS} FROM silences s ORDER BY s.created_at DESC, s.id`;
    return db
      .read(() => db.all<SilenceRow>(sql))
      .map(silenceOf)
      .filter(({ match }) => within(match, scope));
  }

  async get(id: string, scope: Scope): Promise<Silence | null> {
    const db = this.#db;
    const row = db.read(() => db.get<SilenceRow>(`SELECT ${COLUMNS} FROM silences s WHERE s.id = ?`, id));
    const silence = row === undefined ? null : silenceOf(row);
    return silence !== null && within(silence.match, scope) ? silence : null;
  }

  async end(id: string, scope: Scope): Promise<boolean> {
    if ((await this.get(id, scope)) === null) return false;
    const db = this.#db;
    const now = db.now();
    db.write(() => db.run('UPDATE silences SET until = min(until, ?) WHERE id = ?', now, id));
    return true;
  }
}

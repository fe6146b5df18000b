/** Bearer tokens: only their SHA-256 is stored, so that a copy of the database opens nothing. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Token, Tokens } from '../store.ts';
import type { Db } from './db.ts';

const SECRET_BYTES = 32;
/** `last_used_at` is kept to this precision: reading must not write every time. */
const USE_PRECISION_MS = 60_000;

interface TokenRow extends Omit<Token, 'scopes' | 'namespaces'> {
  readonly scopes: string;
  readonly namespaces: string | null;
  readonly hash: string;
}

const COLUMNS = 'id, name, hash, scopes, namespaces, created_at, expires_at, last_used_at';

function tokenOf({ hash: _, ...row }: TokenRow): Token {
  const namespaces = row.namespaces === null ? null : (JSON.parse(row.namespaces) as string[]);
  return { ...row, scopes: JSON.parse(row.scopes) as Token['scopes'], namespaces };
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret, 'utf8').digest('hex');
}

export class SqliteTokens implements Tokens {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async create(
    spec: Pick<Token, 'name' | 'scopes' | 'namespaces' | 'expires_at'>,
  ): Promise<{ token: Token; secret: string }> {
    const db = this.#db;
    const secret = `spoor_${randomBytes(SECRET_BYTES).toString('base64url')}`;
    const token: Token = { id: randomBytes(8).toString('hex'), ...spec, created_at: db.now(), last_used_at: null };
    db.write(() =>
      db.run(
        `INSERT INTO tokens (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
        token.id,
        token.name,
        hashOf(secret),
        JSON.stringify(token.scopes),
        token.namespaces === null ? null : JSON.stringify(token.namespaces),
        token.created_at,
        token.expires_at,
        null,
      ),
    );
    return { token, secret };
  }

  async authenticate(secret: string): Promise<Token | null> {
    const db = this.#db;
    const hash = hashOf(secret);
    const row = db.read(() => db.get<TokenRow>(`SELECT ${COLUMNS} FROM tokens WHERE hash = ?`, hash));
    if (row === undefined || !timingSafeEqual(Buffer.from(row.hash), Buffer.from(hash))) return null;
    const now = db.now();
    if (row.expires_at !== null && row.expires_at <= now) return null;
    if (now - (row.last_used_at ?? 0) >= USE_PRECISION_MS) {
      try {
        db.write(() => db.run('UPDATE tokens SET last_used_at = ? WHERE id = ?', now, row.id));
      } catch {
        // A full disk must not lock people out; when it was last used is not worth that.
      }
    }
    return tokenOf(row);
  }

  async list(): Promise<Token[]> {
    const db = this.#db;
    return db.read(() => db.all<TokenRow>(`SELECT ${COLUMNS} FROM tokens ORDER BY created_at, id`).map(tokenOf));
  }

  async revoke(id: string): Promise<boolean> {
    const db = this.#db;
    return db.write(() => db.run('DELETE FROM tokens WHERE id = ?', id)) > 0;
  }

  async any(): Promise<boolean> {
    const db = this.#db;
    return db.read(() => db.get('SELECT 1 FROM tokens LIMIT 1')) !== undefined;
  }
}

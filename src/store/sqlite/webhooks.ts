/** Webhook subscriptions. Their secrets must be kept readable, to sign with; they leave by `create`, `rotate` and `secrets` alone. */
import { randomBytes } from 'node:crypto';
import { type Scope, StoreError, type Webhook, type WebhookSpec, type Webhooks } from '../store.ts';
import type { Db } from './db.ts';

const SECRET_BYTES = 32;
const SECRETS_MAX = 2;

interface WebhookRow extends Omit<Webhook, 'levels' | 'rules' | 'namespaces' | 'enabled'> {
  readonly levels: string;
  readonly rules: string;
  readonly namespaces: string | null;
  readonly enabled: number;
}

interface Secret {
  readonly secret: string;
  /** Ms until which it is valid; null for the newest. */
  readonly until: number | null;
}

const COLUMNS = 'id, url, description, levels, rules, namespaces, enabled, disabled_reason, created_at';

function webhookOf(row: WebhookRow): Webhook {
  return {
    ...row,
    levels: JSON.parse(row.levels) as Webhook['levels'],
    rules: JSON.parse(row.rules) as string[],
    namespaces: row.namespaces === null ? null : (JSON.parse(row.namespaces) as string[]),
    enabled: row.enabled !== 0,
  };
}

/** A subscription is in scope when all that it can tell is. */
function within(namespaces: Scope, scope: Scope): boolean {
  return scope === null || namespaces?.every(namespace => scope.includes(namespace)) === true;
}

function newSecret(): string {
  return `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`;
}

function orNull(list: Scope): string | null {
  return list === null ? null : JSON.stringify(list);
}

export class SqliteWebhooks implements Webhooks {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async create(spec: WebhookSpec, scope: Scope): Promise<{ webhook: Webhook; secret: string }> {
    const db = this.#db;
    this.#assertWithin(spec.namespaces, scope);
    const secret = newSecret();
    const webhook: Webhook = {
      id: randomBytes(8).toString('hex'),
      url: spec.url,
      description: spec.description,
      levels: spec.levels,
      rules: spec.rules,
      namespaces: spec.namespaces,
      enabled: true,
      disabled_reason: '',
      created_at: db.now(),
    };
    db.write(() =>
      db.run(
        `INSERT INTO webhooks (${COLUMNS}, secrets) VALUES (?, ?, ?, ?, ?, ?, 1, '', ?, ?)`,
        webhook.id,
        webhook.url,
        webhook.description,
        JSON.stringify(webhook.levels),
        JSON.stringify(webhook.rules),
        orNull(webhook.namespaces),
        webhook.created_at,
        JSON.stringify([{ secret, until: null }] satisfies Secret[]),
      ),
    );
    return { webhook, secret };
  }

  async list(scope: Scope): Promise<Webhook[]> {
    const db = this.#db;
    const rows = db.read(() => db.all<WebhookRow>(`SELECT ${COLUMNS} FROM webhooks ORDER BY created_at, id`));
    return rows.map(webhookOf).filter(webhook => within(webhook.namespaces, scope));
  }

  async get(id: string, scope: Scope): Promise<Webhook | null> {
    return this.#db.read(() => this.#find(id, scope));
  }

  async update(
    id: string,
    patch: Partial<WebhookSpec & Pick<Webhook, 'enabled'>>,
    scope: Scope,
  ): Promise<Webhook | null> {
    const db = this.#db;
    return db.write(() => {
      const before = this.#find(id, scope);
      if (before === null) return null;
      const after: Webhook = { ...before, ...patch };
      this.#assertWithin(after.namespaces, scope);
      db.run(
        `UPDATE webhooks SET url = ?, description = ?, levels = ?, rules = ?, namespaces = ?, enabled = ?, disabled_reason = ?
         WHERE id = ?`,
        after.url,
        after.description,
        JSON.stringify(after.levels),
        JSON.stringify(after.rules),
        orNull(after.namespaces),
        after.enabled ? 1 : 0,
        after.enabled ? '' : after.disabled_reason,
        id,
      );
      return this.#find(id, scope);
    });
  }

  async delete(id: string, scope: Scope): Promise<boolean> {
    const db = this.#db;
    return db.write(() => {
      if (this.#find(id, scope) === null) return false;
      db.run('DELETE FROM webhooks WHERE id = ?', id);
      db.run(
        `UPDATE outbox SET state = 'dead', error = 'the subscription was deleted', updated_at = ?
         WHERE sink = ? AND state IN ('pending', 'leased')`,
        db.now(),
        `webhook:${id}`,
      );
      return true;
    });
  }

  async rotate(id: string, overlapMs: number, scope: Scope): Promise<string | null> {
    const db = this.#db;
    return db.write(() => {
      if (this.#find(id, scope) === null) return null;
      const now = db.now();
      const secret = newSecret();
      const old = this.#secrets(id).map(each => ({
        ...each,
        until: Math.min(each.until ?? Infinity, now + overlapMs),
      }));
      const all = [{ secret, until: null }, ...old].slice(0, SECRETS_MAX);
      db.run('UPDATE webhooks SET secrets = ? WHERE id = ?', JSON.stringify(all), id);
      return secret;
    });
  }

  async secrets(id: string): Promise<string[]> {
    return this.#db.read(() => this.#secrets(id).map(each => each.secret));
  }

  async disable(id: string, reason: string): Promise<void> {
    const db = this.#db;
    db.write(() =>
      db.run('UPDATE webhooks SET enabled = 0, disabled_reason = ? WHERE id = ?', reason.slice(0, 500), id),
    );
  }

  #find(id: string, scope: Scope): Webhook | null {
    const row = this.#db.get<WebhookRow>(`SELECT ${COLUMNS} FROM webhooks WHERE id = ?`, id);
    const webhook = row === undefined ? null : webhookOf(row);
    return webhook !== null && within(webhook.namespaces, scope) ? webhook : null;
  }

  /** Those still valid, newest first. */
  #secrets(id: string): Secret[] {
    const row = this.#db.get<{ secrets: string }>('SELECT secrets FROM webhooks WHERE id = ?', id);
    const all = row === undefined ? [] : (JSON.parse(row.secrets) as Secret[]);
    return all.filter(each => each.until === null || each.until > this.#db.now());
  }

  #assertWithin(namespaces: Scope, scope: Scope): void {
    if (within(namespaces, scope)) return;
    throw new StoreError('out_of_scope', 'the subscription must name namespaces, all within your own');
  }
}

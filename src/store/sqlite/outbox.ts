/** The outbox: what is still to be told to whom, at least once and in order of being due. */
import type { Delivery, DeliveryQuery, DeliveryState, Lease, Outbox, Page, Scope } from '../store.ts';
import type { Db } from './db.ts';
import { Filter, keyOf, limitOf, pageOf } from './paging.ts';
import { getAlert, getIncident } from './queries.ts';
import { incidentScope } from './rows.ts';

const COLUMNS =
  'o.id, o.key, o.sink, o.grp AS "group", o.signal, o.state, o.alert_id, o.incident_id, o.attempts, o.error, o.created_at, o.due_at, o.updated_at';
const ERROR_CHARS_MAX = 500;
const IDS = 'id IN (SELECT value FROM json_each(?))';

/** Deliveries about an alert in scope, or about an incident in scope. */
function deliveryScope(filter: Filter, scope: Scope): Filter {
  if (scope === null) return filter;
  const incidents = incidentScope(new Filter(), scope, 'o.incident_id');
  return filter.add(
    `CASE WHEN o.alert_id <> ''
       THEN EXISTS (SELECT 1 FROM alerts a WHERE a.id = o.alert_id AND a.namespace <> ''
         AND a.namespace IN (SELECT value FROM json_each(?)))
       ELSE (${incidents.where.replace('WHERE ', '')}) END`,
    JSON.stringify(scope),
    ...incidents.values,
  );
}

export class SqliteOutbox implements Outbox {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async lease(sink: string, limit: number, leaseMs: number): Promise<Lease[]> {
    const db = this.#db;
    // Looking first keeps an idle loop from writing.
    if (limit < 1 || (await this.nextDue(sink)) === null) return [];
    return db.write(() => {
      const now = db.now();
      const due = db.all<{ id: number }>(
        `SELECT id FROM outbox WHERE sink = ? AND state IN ('pending', 'leased') AND due_at <= ? ORDER BY due_at, id LIMIT ?`,
        sink,
        now,
        Math.floor(limit),
      );
      if (due.length === 0) return [];
      const ids = JSON.stringify(due.map(row => row.id));
      // A lease that ran out was an attempt of which nothing is known.
      db.run(
        `UPDATE outbox SET attempts = attempts + (state = 'leased'), state = 'leased', due_at = ?, updated_at = ? WHERE ${IDS}`,
        now + leaseMs,
        now,
        ids,
      );
      const rows = db.all<Delivery & { message: string | null; body: string | null }>(
        `SELECT ${COLUMNS}, m.key AS message, m.body FROM outbox o LEFT JOIN messages m ON m.id = o.message
         WHERE o.${IDS} ORDER BY o.id`,
        ids,
      );
      return rows.map(({ message, body, ...row }) => {
        const alert = row.alert_id === '' ? null : getAlert(db, row.alert_id, null);
        // The alert knows the incident that it belongs to by now.
        const incident = alert?.incident_id ?? row.incident_id;
        return {
          ...row,
          alert,
          incident: incident === '' ? null : getIncident(db, incident, null),
          message: message === null || body === null ? null : { key: message, body },
        };
      });
    });
  }

  async keepMessage(ids: readonly number[], { key, body }: { key: string; body: string }): Promise<void> {
    const db = this.#db;
    db.write(() => {
      db.run('INSERT INTO messages (key, body) VALUES (?, ?)', key, body);
      db.run(`UPDATE outbox SET message = last_insert_rowid() WHERE ${IDS}`, JSON.stringify(ids));
    });
  }

  async delivered(ids: readonly number[]): Promise<void> {
    this.#mark(ids, "state = 'delivered', error = '', attempts = attempts + 1");
  }

  async retry(ids: readonly number[], afterMs: number, error: string): Promise<void> {
    this.#settle(ids, afterMs, 'error = ?, attempts = attempts + 1', error.slice(0, ERROR_CHARS_MAX));
  }

  async release(ids: readonly number[], afterMs: number): Promise<void> {
    this.#settle(ids, afterMs, '');
  }

  async dead(ids: readonly number[], error: string): Promise<void> {
    this.#mark(ids, "state = 'dead', error = ?, attempts = attempts + 1", error.slice(0, ERROR_CHARS_MAX));
  }

  #settle(ids: readonly number[], afterMs: number, more: string, ...values: string[]): void {
    const due = this.#db.now() + Math.max(0, Math.floor(afterMs));
    this.#mark(ids, `state = 'pending', due_at = ?${more === '' ? '' : `, ${more}`}`, due, ...values);
  }

  /** Only what is leased or waits: a late answer never revives what was settled otherwise. */
  #mark(ids: readonly number[], assignments: string, ...values: (string | number)[]): void {
    if (ids.length === 0) return;
    const db = this.#db;
    db.write(() =>
      db.run(
        `UPDATE outbox SET ${assignments}, updated_at = ? WHERE ${IDS} AND state IN ('leased', 'pending')`,
        ...values,
        db.now(),
        JSON.stringify(ids),
      ),
    );
  }

  async replay(ids: readonly number[], sink: string | null, scope: Scope): Promise<number> {
    const db = this.#db;
    return db.write(() => {
      const filter = deliveryScope(new Filter().in('o.id', ids).in('o.state', ['delivered', 'dead']), scope);
      const rows = db.all<Delivery>(`SELECT ${COLUMNS} FROM outbox o ${filter.where}`, ...filter.values);
      const now = db.now();
      for (const row of rows) {
        db.run(
          `INSERT INTO outbox (key, sink, grp, signal, state, alert_id, incident_id, attempts, error, created_at, due_at, updated_at)
           VALUES (?, ?, ?, ?, 'pending', ?, ?, 0, '', ?, ?, ?)
           ON CONFLICT (key, sink) DO UPDATE SET state = 'pending', attempts = 0, error = '', due_at = excluded.due_at,
             updated_at = excluded.updated_at WHERE outbox.state IN ('delivered', 'dead')`,
          row.key,
          sink ?? row.sink,
          row.group,
          row.signal,
          row.alert_id,
          row.incident_id,
          now,
          now,
          now,
        );
      }
      return rows.length;
    });
  }

  async abandon(sinks: readonly string[]): Promise<number> {
    const db = this.#db;
    return db.write(() =>
      db.run(
        `UPDATE outbox SET state = 'dead', error = 'there is no sink of this name', updated_at = ?
         WHERE state IN ('pending', 'leased') AND sink NOT IN (SELECT value FROM json_each(?))`,
        db.now(),
        JSON.stringify(sinks),
      ),
    );
  }

  async list(query: DeliveryQuery, scope: Scope): Promise<Page<Delivery>> {
    const db = this.#db;
    return db.read(() => {
      const limit = limitOf(query);
      const filter = deliveryScope(new Filter(), scope);
      const key = keyOf<[number]>(query, ['number']);
      if (key !== null) filter.add('o.id < ?', ...key);
      if (query.sink !== undefined) filter.add('o.sink = ?', query.sink);
      if (query.alert !== undefined) filter.add('o.alert_id = ?', query.alert);
      if (query.incident !== undefined) filter.add('o.incident_id = ?', query.incident);
      filter.in('o.state', query.states);
      const rows = db.all<Delivery>(
        `SELECT ${COLUMNS} FROM outbox o ${filter.where} ORDER BY o.id DESC LIMIT ?`,
        ...filter.values,
        limit + 1,
      );
      return pageOf(
        rows,
        limit,
        row => row,
        row => [row.id],
      );
    });
  }

  async get(id: number, scope: Scope): Promise<Delivery | null> {
    const db = this.#db;
    const filter = deliveryScope(new Filter().add('o.id = ?', id), scope);
    const sql = `SELECT ${COLUMNS} FROM outbox o ${filter.where}`;
    return db.read(() => db.get<Delivery>(sql, ...filter.values)) ?? null;
  }

  async deadLetters(sink: string, limit: number, scope: Scope): Promise<number[]> {
    const db = this.#db;
    const filter = deliveryScope(new Filter().add("o.state = 'dead'").add('o.sink = ?', sink), scope);
    const sql = `SELECT o.id FROM outbox o ${filter.where} ORDER BY o.id LIMIT ?`;
    return db.read(() => db.all<{ id: number }>(sql, ...filter.values, limit)).map(({ id }) => id);
  }

  async counts(): Promise<Map<string, Record<DeliveryState, number> & { oldest: number | null }>> {
    const db = this.#db;
    const rows = db.read(() =>
      db.all<{ sink: string; state: DeliveryState; n: number; oldest: number }>(
        'SELECT sink, state, count(*) AS n, min(created_at) AS oldest FROM outbox GROUP BY sink, state',
      ),
    );
    const counts = new Map<string, Record<DeliveryState, number> & { oldest: number | null }>();
    for (const { sink, state, n, oldest } of rows) {
      const entry = counts.get(sink) ?? { pending: 0, leased: 0, delivered: 0, dead: 0, oldest: null };
      entry[state] = n;
      if (state === 'pending' || state === 'leased') entry.oldest = Math.min(entry.oldest ?? oldest, oldest);
      counts.set(sink, entry);
    }
    return counts;
  }

  async nextDue(sink: string): Promise<number | null> {
    const db = this.#db;
    const row = db.read(() =>
      db.get<{ due: number | null }>(
        "SELECT min(due_at) AS due FROM outbox WHERE sink = ? AND state IN ('pending', 'leased')",
        sink,
      ),
    );
    return row?.due ?? null;
  }
}

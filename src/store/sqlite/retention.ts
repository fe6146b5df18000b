/** Forgetting: what is too old, then what is too much, oldest first and in small slices so that nobody waits long. */
import { type Retention, STORE_LIMITS } from '../store.ts';
import type { Db } from './db.ts';
import { trimStream } from './stream.ts';

const SLICE = 200;
const DAY_MS = 86_400_000;
/** Shrinking stops this far below the limit, so that it need not start again at once. */
const SIZE_TARGET = 0.9;
const VACUUM_PAGES = 2_000;

/** Not yet told to someone: never forgotten while there is hope. */
const SETTLED = "NOT EXISTS (SELECT 1 FROM outbox o WHERE o.alert_id = a.id AND o.state IN ('pending', 'leased'))";
const CLOSED = `NOT EXISTS (SELECT 1 FROM incidents i WHERE i.id = a.incident_id AND i.state IN ('open', 'acknowledged'))`;

interface Row {
  readonly n: number;
  readonly id: string;
  readonly incident_id: string;
}

function remove(db: Db, rows: readonly Row[]): void {
  for (const { n, id, incident_id } of rows) {
    db.run('DELETE FROM evidence WHERE alert = ?', n);
    db.run('DELETE FROM alerts WHERE n = ?', n);
    db.run('DELETE FROM outbox WHERE alert_id = ?', id);
    if (incident_id === '' || db.get('SELECT 1 FROM alerts WHERE incident_id = ? LIMIT 1', incident_id)) continue;
    forgetIncident(db, incident_id);
    // What was merged into it has no alerts left to lead to.
    for (const merged of db.all<{ id: string }>('SELECT id FROM incidents WHERE merged_into = ?', incident_id)) {
      forgetIncident(db, merged.id);
    }
  }
}

function forgetIncident(db: Db, id: string): void {
  db.run('DELETE FROM incidents WHERE id = ?', id);
  db.run('DELETE FROM incident_namespaces WHERE incident_id = ?', id);
  db.run("DELETE FROM outbox WHERE incident_id = ? AND alert_id = '' AND state IN ('delivered', 'dead')", id);
}

/** Removes slice after slice of alerts, oldest first, while `more` says so; returns how many. */
async function sweep(
  db: Db,
  condition: string,
  values: readonly number[],
  more: () => boolean,
  removed: (alerts: number) => void,
): Promise<number> {
  let total = 0;
  let after = 0;
  while (more()) {
    const rows = db.read(() =>
      db.all<Row>(
        `SELECT a.n, a.id, a.incident_id FROM alerts a WHERE a.n > ? AND ${condition} AND ${SETTLED} ORDER BY a.n LIMIT ${SLICE}`,
        after,
        ...values,
      ),
    );
    const last = rows.at(-1);
    if (last === undefined) break;
    after = last.n;
    db.write(() => remove(db, rows));
    total += rows.length;
    removed(rows.length);
    await new Promise(resolve => setImmediate(resolve));
  }
  return total;
}

/** `removed` is called after every slice. */
export async function prune(db: Db, retention: Retention, removed: (alerts: number) => void): Promise<number> {
  if (db.full) {
    db.dropBallast();
    db.reclaim();
  }
  try {
    const total = await forget(db, retention, removed);
    db.full = false;
    return total;
  } finally {
    db.fillBallast();
  }
}

async function forget(db: Db, retention: Retention, removed: (alerts: number) => void): Promise<number> {
  const cutoff = db.now() - retention.daysMax * DAY_MS;
  // Commit order is the order of storing: when the oldest is young enough, all are.
  const oldest = db.read(() => db.get<{ at: number }>('SELECT stored_at AS at FROM alerts ORDER BY n LIMIT 1')?.at);
  let total = 0;
  if (oldest !== undefined && oldest < cutoff) {
    total += await sweep(db, 'a.stored_at < ?', [cutoff], () => true, removed);
  }
  const full = db.full;
  const bytesMax = Math.min(retention.bytesMax, full ? db.bytes() : Infinity);
  if (full || db.bytesUsed() > bytesMax) {
    const tooBig = (): boolean => db.bytesUsed() > bytesMax * SIZE_TARGET;
    total += await sweep(db, CLOSED, [], tooBig, removed);
    // Whoever can fill the disk must not be able to make open incidents disappear: only the configured size does that.
    if (db.bytesUsed() > retention.bytesMax * SIZE_TARGET) total += await sweep(db, '1', [], tooBig, removed);
  }
  db.write(() => {
    trimStream(db);
    db.run('DELETE FROM audit WHERE id <= (SELECT max(id) FROM audit) - ?', STORE_LIMITS.auditRowsMax);
  });
  if (total > 0) {
    db.sqlite.pragma(`incremental_vacuum(${VACUUM_PAGES})`);
    db.reclaim();
  }
  return total;
}

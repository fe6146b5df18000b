/** The sequence of changes that the event stream is served from. */
import type { Incident } from '../../alerts/alert.ts';
import { type Scope, STORE_LIMITS, type StreamEntry } from '../store.ts';
import type { Db } from './db.ts';
import { Filter } from './paging.ts';
import { getIncident } from './queries.ts';
import { ALERT_COLUMNS, type AlertRow, alertOf, alertScope } from './rows.ts';

export function appendStream(db: Db, type: StreamEntry['type'], alert: string, incident: string): void {
  db.run('INSERT INTO stream (type, alert_id, incident_id) VALUES (?, ?, ?)', type, alert, incident);
}

export function streamHead(db: Db): number {
  // The counter, not the newest row: trimming must not turn it back.
  return db.get<{ seq: number }>("SELECT seq FROM sqlite_sequence WHERE name = 'stream'")?.seq ?? 0;
}

export function trimStream(db: Db): void {
  db.run('DELETE FROM stream WHERE seq <= ?', streamHead(db) - STORE_LIMITS.streamEntriesMax);
}

interface Row {
  readonly seq: number;
  readonly type: StreamEntry['type'];
  readonly alert_id: string;
  readonly incident_id: string;
}

/** Null when it is out of scope, or gone by now. */
function entryOf(db: Db, row: Row, scope: Scope): StreamEntry | null {
  if (row.type === 'incident') {
    const incident = getIncident(db, row.incident_id, scope);
    return incident === null ? null : { seq: row.seq, type: row.type, alert: null, incident };
  }
  const filter = alertScope(new Filter().add('a.id = ?', row.alert_id), scope);
  const alert = db.get<AlertRow>(`SELECT ${ALERT_COLUMNS} FROM alerts a ${filter.where}`, ...filter.values);
  if (alert === undefined) return null;
  const incident: Incident | null = alert.incident_id === '' ? null : getIncident(db, alert.incident_id, scope);
  return { seq: row.seq, type: row.type, alert: alertOf(alert), incident };
}

export function streamSince(
  db: Db,
  seq: number,
  limit: number,
  scope: Scope,
): { entries: StreamEntry[]; seq: number; missed: boolean } {
  const head = streamHead(db);
  // Beyond the head: the cursor is of another database.
  const from = Math.min(Math.max(0, seq), head);
  const oldest = db.get<{ seq: number | null }>('SELECT min(seq) AS seq FROM stream')?.seq ?? head + 1;
  const rows = db.all<Row>(
    'SELECT seq, type, alert_id, incident_id FROM stream WHERE seq > ? ORDER BY seq LIMIT ?',
    from,
    Math.min(Math.max(1, Math.floor(limit)), STORE_LIMITS.pageMax),
  );
  const entries = rows.map(row => entryOf(db, row, scope)).filter(entry => entry !== null);
  return { entries, seq: rows.at(-1)?.seq ?? from, missed: seq > head || from < oldest - 1 };
}

/** Putting deliveries into the outbox, inside the transaction of what they tell. */
import type { Signal, Target } from '../store.ts';
import type { Db } from './db.ts';

/** A group that waits becomes due together; one that was told lately waits out its interval. */
function dueAt(db: Db, target: Target): number {
  const now = db.now();
  if (target.group === '' || target.intervalMs <= 0) return now;
  const waiting = db.get<{ due: number | null }>(
    "SELECT min(due_at) AS due FROM outbox WHERE sink = ? AND grp = ? AND grp <> '' AND state = 'pending'",
    target.sink,
    target.group,
  )?.due;
  if (waiting !== null && waiting !== undefined) return waiting;
  const told = db.get<{ at: number | null }>(
    "SELECT max(updated_at) AS at FROM outbox WHERE sink = ? AND grp = ? AND grp <> '' AND state IN ('delivered', 'leased')",
    target.sink,
    target.group,
  )?.at;
  return told === null || told === undefined ? now : Math.max(now, told + target.intervalMs);
}

/** Once per key and sink, however often it is asked for. */
export function enqueue(
  db: Db,
  target: Target,
  what: { readonly key: string; readonly signal: Signal; readonly alert: string; readonly incident: string },
): void {
  const now = db.now();
  db.run(
    `INSERT INTO outbox (key, sink, grp, signal, state, alert_id, incident_id, attempts, error, created_at, due_at, updated_at)
     VALUES (?, ?, ?, ?, 'pending', ?, ?, 0, '', ?, ?, ?) ON CONFLICT (key, sink) DO NOTHING`,
    what.key,
    target.sink,
    target.group,
    what.signal,
    what.alert,
    what.incident,
    now,
    dueAt(db, target),
    now,
  );
}

/** Tells what became of an incident to every sink that has one of its alerts. `audit` makes the key distinct. */
export function tellIncident(db: Db, incident: string, signal: Signal, audit: number): void {
  const sinks = db.all<{ sink: string }>(
    "SELECT DISTINCT sink FROM outbox WHERE incident_id = ? AND signal = 'alert'",
    incident,
  );
  for (const { sink } of sinks) {
    enqueue(db, { sink, group: '', intervalMs: 0 }, { key: `${incident}.${audit}`, signal, alert: '', incident });
  }
}

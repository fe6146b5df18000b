/** Writing what the alert stage decided: alert, evidence, incident and deliveries of every change, in the caller's transaction. */
import type { Alert, Gap, Incident } from '../../alerts/alert.ts';
import { type Commit, type CommitResult, type Entry, STORE_LIMITS } from '../store.ts';
import type { Db } from './db.ts';
import { enqueue, tellIncident } from './enqueue.ts';
import { levelNumber } from './rows.ts';
import { appendStream, streamHead } from './stream.ts';

/** What is stored of an alert beside its evidence; the columns that may change are not trusted to it. */
function bodyOf(alert: Alert): string {
  const { evidence: _, ...body } = alert;
  return JSON.stringify(body);
}

function ruleNumber(db: Db, id: string, title: string): number {
  const find = (): number | undefined =>
    db.get<{ n: number }>('SELECT n FROM rules WHERE id = ? AND title = ?', id, title)?.n;
  const known = find();
  if (known !== undefined) return known;
  db.run('INSERT INTO rules (id, title) VALUES (?, ?)', id, title);
  return find()!;
}

/** False when it was there already. */
function insertAlert(db: Db, alert: Alert): boolean {
  const added = db.run(
    `INSERT INTO alerts (id, time, last_seen, count, level, rule, namespace, pod, incident_id, stored_at, body)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
    alert.id,
    alert.time,
    alert.last_seen,
    alert.count,
    levelNumber(alert.rule.level),
    ruleNumber(db, alert.rule.id, alert.rule.title),
    alert.pod?.namespace ?? '',
    alert.pod?.name ?? '',
    alert.incident_id,
    db.now(),
    bodyOf(alert),
  );
  if (added === 0) return false;
  db.run('INSERT INTO evidence (alert, body) VALUES (last_insert_rowid(), ?)', JSON.stringify(alert.evidence));
  return true;
}

/** What people made of the incident stays; new activity opens a resolved one again, visibly. */
function upsertIncident(db: Db, incident: Incident, active: boolean): void {
  const before = db.get<{ state: string }>('SELECT state FROM incidents WHERE id = ?', incident.id)?.state;
  const reopened = before === 'resolved' && active;
  const state = before === undefined || reopened || incident.state === 'merged' ? incident.state : before;
  db.run(
    `INSERT INTO incidents (id, state, level, first_seen, last_seen, merged_into, body) VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET state = excluded.state, level = excluded.level, first_seen = excluded.first_seen,
       last_seen = excluded.last_seen, merged_into = excluded.merged_into, body = excluded.body`,
    incident.id,
    state,
    levelNumber(incident.level),
    incident.first_seen,
    incident.last_seen,
    incident.merged_into,
    JSON.stringify(incident),
  );
  if (reopened) {
    const audit = insertAudit(db, {
      actor: 'spoor',
      action: 'incident.reopen',
      target: incident.id,
      detail: 'a new alert belongs to it',
    });
    tellIncident(db, incident.id, 'incident.reopened', audit);
  }
}

/** Returns the row's id. */
export function insertAudit(db: Db, row: { actor: string; action: string; target: string; detail: string }): number {
  db.run(
    'INSERT INTO audit (at, actor, action, target, detail) VALUES (?, ?, ?, ?, ?)',
    db.now(),
    row.actor,
    row.action,
    row.target,
    row.detail,
  );
  return db.get<{ id: number }>('SELECT last_insert_rowid() AS id')!.id;
}

function absorb(db: Db, merged: Incident, into: string): void {
  upsertIncident(db, merged, false);
  const audit = insertAudit(db, { actor: 'spoor', action: 'incident.merge', target: merged.id, detail: into });
  tellIncident(db, merged.id, 'incident.merged', audit);
  // Whoever was told of the merged one is told from now on what becomes of this one.
  db.run("UPDATE outbox SET incident_id = ? WHERE incident_id = ? AND signal = 'alert'", into, merged.id);
  db.run('UPDATE alerts SET incident_id = ? WHERE incident_id = ?', into, merged.id);
  db.run(
    'INSERT OR IGNORE INTO incident_namespaces SELECT ?, namespace FROM incident_namespaces WHERE incident_id = ?',
    into,
    merged.id,
  );
  appendStream(db, 'incident', '', merged.id);
}

function attach(db: Db, alertId: string, incidentId: string): void {
  const row = db.get<{ namespace: string }>('SELECT namespace FROM alerts WHERE id = ?', alertId);
  if (row === undefined) return;
  db.run('UPDATE alerts SET incident_id = ? WHERE id = ?', incidentId, alertId);
  db.run("UPDATE outbox SET incident_id = ? WHERE alert_id = ? AND signal = 'alert'", incidentId, alertId);
  db.run('INSERT OR IGNORE INTO incident_namespaces VALUES (?, ?)', incidentId, row.namespace);
}

function addNew(db: Db, { change, targets, silenced }: Entry): boolean {
  const { alert, incident } = change;
  if (!insertAlert(db, alert)) return false;
  if (silenced !== undefined) db.run('UPDATE alerts SET silenced = ? WHERE id = ?', silenced, alert.id);
  if (incident !== null) {
    for (const merged of change.merged) absorb(db, merged, incident.id);
    for (const id of change.attached) attach(db, id, incident.id);
    db.run('INSERT OR IGNORE INTO incident_namespaces VALUES (?, ?)', incident.id, alert.pod?.namespace ?? '');
  }
  for (const target of targets)
    enqueue(db, target, { key: alert.id, signal: 'alert', alert: alert.id, incident: alert.incident_id });
  return true;
}

/** False when there is nothing (any more) that could count, or nothing new to count. */
function addCount(db: Db, alert: Alert): boolean {
  return (
    db.run(
      'UPDATE alerts SET count = ?, last_seen = max(last_seen, ?) WHERE id = ? AND count < ?',
      alert.count,
      alert.last_seen,
      alert.id,
      alert.count,
    ) > 0
  );
}

/** The last word on every incident of a group of changes, and whether it has new alerts: written once, not per alert. */
interface Touched {
  readonly incident: Incident;
  readonly active: boolean;
}

/** False when it is gone, or says so already. */
function addGaps(db: Db, alert: Alert): boolean {
  const gaps = JSON.stringify(alert.gaps);
  return (
    db.run(
      `UPDATE alerts SET body = json_set(body, '$.incomplete', json(?), '$.gaps', json(?))
       WHERE id = ? AND json_extract(body, '$.gaps') <> ?`,
      String(alert.incomplete),
      gaps,
      alert.id,
      gaps,
    ) > 0
  );
}

function write(db: Db, entry: Entry): boolean {
  const { change } = entry;
  switch (change.type) {
    case 'new':
      return addNew(db, entry);
    case 'counted':
      return addCount(db, change.alert);
    case 'amended':
      return addGaps(db, change.alert);
  }
}

function writeEntries(db: Db, entries: readonly Entry[]): { added: number; known: number } {
  let added = 0;
  let known = 0;
  const touched = new Map<string, Touched>();
  const counted = new Map<string, string>();
  const amended = new Map<string, string>();
  for (const entry of entries) {
    const { change } = entry;
    const { alert, incident, type } = change;
    const fresh = write(db, entry);
    if (type === 'new') fresh ? added++ : known++;
    if (!fresh) continue;
    if (type === 'new') appendStream(db, 'alert', alert.id, alert.incident_id);
    else (type === 'counted' ? counted : amended).set(alert.id, alert.incident_id);
    if (incident === null) continue;
    for (const { id } of change.merged) touched.delete(id);
    const before = touched.get(incident.id);
    touched.set(incident.id, { incident, active: type === 'new' || before?.active === true });
  }
  for (const [alert, incident] of counted) appendStream(db, 'alert.counted', alert, incident);
  for (const [alert, incident] of amended) appendStream(db, 'alert.amended', alert, incident);
  for (const { incident, active } of touched.values()) {
    upsertIncident(db, incident, active);
    appendStream(db, 'incident', '', incident.id);
  }
  return { added, known };
}

function writeGaps(db: Db, gaps: readonly Gap[]): void {
  for (const gap of gaps) {
    const body = JSON.stringify(gap);
    const grown = db.run(
      `UPDATE gaps SET body = ? WHERE from_time = ? AND json_extract(body, '$.source') = ?
         AND json_extract(body, '$.node') = ? AND json_extract(body, '$.reason') = ?`,
      body,
      gap.from,
      gap.source,
      gap.node,
      gap.reason,
    );
    if (grown === 0) db.run('INSERT INTO gaps (from_time, body) VALUES (?, ?)', gap.from, body);
  }
  db.run('DELETE FROM gaps WHERE id <= (SELECT max(id) FROM gaps) - ?', STORE_LIMITS.gapsMax);
}

export function writeCommit(db: Db, commit: Commit): CommitResult {
  const { added, known } = writeEntries(db, commit.entries);
  if (commit.gaps !== undefined && commit.gaps.length > 0) writeGaps(db, commit.gaps);
  for (const [key, value] of commit.positions ?? []) setPosition(db, key, value);
  for (const [name, value] of commit.state ?? []) {
    db.run('INSERT INTO state VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value', name, value);
  }
  return { added, known, seq: streamHead(db) };
}

export function setPosition(db: Db, key: string, value: string): void {
  db.run('INSERT INTO positions VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value', key, value);
}

/** What a person made of an incident; nothing is written when it was so already. */
export function changeState(
  db: Db,
  incident: Incident,
  state: 'open' | 'acknowledged' | 'resolved',
  by: { readonly actor: string; readonly reason: string },
): Incident {
  if (incident.state === state) return incident;
  const [action, signal] = {
    open: ['incident.reopen', 'incident.reopened'] as const,
    acknowledged: ['incident.acknowledge', 'incident.acknowledged'] as const,
    resolved: ['incident.resolve', 'incident.resolved'] as const,
  }[state];
  db.run('UPDATE incidents SET state = ? WHERE id = ?', state, incident.id);
  const audit = insertAudit(db, { actor: by.actor, action, target: incident.id, detail: by.reason });
  tellIncident(db, incident.id, signal, audit);
  appendStream(db, 'incident', '', incident.id);
  return { ...incident, state };
}

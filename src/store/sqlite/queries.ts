/** Reading alerts and incidents. Every query that people can reach is scoped. */
import type { Alert, AlertEvidence, Gap, Incident } from '../../alerts/alert.ts';
import {
  type AlertQuery,
  type AlertSummary,
  type AuditEntry,
  type IncidentQuery,
  type Page,
  type Paging,
  type Scope,
  STORE_LIMITS,
} from '../store.ts';
import type { Db } from './db.ts';
import { Filter, keyOf, limitOf, pageOf } from './paging.ts';
import {
  ALERT_COLUMNS,
  type AlertRow,
  alertOf,
  alertScope,
  INCIDENT_COLUMNS,
  type IncidentRow,
  incidentOf,
  incidentScope,
  levelNumbers,
} from './rows.ts';

/** `name` or `namespace/name`, of the alert `a`. */
function podFilter(filter: Filter, pod: string): void {
  const slash = pod.indexOf('/');
  if (slash >= 0) filter.add('a.namespace = ?', pod.slice(0, slash));
  filter.add('a.pod = ?', pod.slice(slash + 1));
}

/** Ids between a beginning and whatever else begins so. */
const beginsWith = (filter: Filter, column: string, beginning: string): Filter =>
  filter.add(`${column} >= ?`, beginning).add(`${column} < ?`, `${beginning}\u{10ffff}`);

export function alertIds(db: Db, beginning: string, limit: number, scope: Scope): string[] {
  const filter = alertScope(beginsWith(new Filter(), 'a.id', beginning), scope);
  const sql = `SELECT a.id FROM alerts a ${filter.where} ORDER BY a.id LIMIT ?`;
  return db.all<{ id: string }>(sql, ...filter.values, limit).map(({ id }) => id);
}

export function incidentIds(db: Db, beginning: string, limit: number, scope: Scope): string[] {
  const filter = incidentScope(beginsWith(new Filter(), 'i.id', beginning), scope);
  const sql = `SELECT i.id FROM incidents i ${filter.where} ORDER BY i.id LIMIT ?`;
  return db.all<{ id: string }>(sql, ...filter.values, limit).map(({ id }) => id);
}

export function listAlerts(db: Db, query: AlertQuery, scope: Scope): Page<AlertSummary> {
  const limit = limitOf(query);
  const filter = alertScope(new Filter(), scope);
  const key = keyOf<[string, number]>(query, ['string', 'number']);
  if (key !== null) filter.add('(a.time, a.n) < (?, ?)', ...key);
  if (query.since !== undefined) filter.add('a.time >= ?', query.since);
  if (query.until !== undefined) filter.add('a.time < ?', query.until);
  if (query.namespace !== undefined) filter.add('a.namespace = ?', query.namespace);
  if (query.pod !== undefined) podFilter(filter, query.pod);
  if (query.incident !== undefined) filter.add('a.incident_id = ?', query.incident);
  if (query.rule !== undefined) {
    filter.add('a.rule IN (SELECT n FROM rules WHERE id = ? OR title = ?)', query.rule, query.rule);
  }
  filter.in('a.level', levelNumbers(query.levels));
  if (query.states !== undefined) {
    filter.add(
      'EXISTS (SELECT 1 FROM incidents i WHERE i.id = a.incident_id AND i.state IN (SELECT value FROM json_each(?)))',
      JSON.stringify(query.states),
    );
  }
  const rows = db.all<AlertRow>(
    `SELECT ${ALERT_COLUMNS} FROM alerts a ${filter.where} ORDER BY a.time DESC, a.n DESC LIMIT ?`,
    ...filter.values,
    limit + 1,
  );
  return pageOf(
    rows,
    limit,
    row => alertOf(row),
    row => [row.time, row.n],
  );
}

export function getAlert(db: Db, id: string, scope: Scope): Alert | null {
  const filter = alertScope(new Filter().add('a.id = ?', id), scope);
  const row = db.get<AlertRow & { evidence: string | null }>(
    `SELECT ${ALERT_COLUMNS}, e.body AS evidence FROM alerts a LEFT JOIN evidence e ON e.alert = a.n ${filter.where}`,
    ...filter.values,
  );
  if (row === undefined) return null;
  return alertOf(row, row.evidence === null ? [] : (JSON.parse(row.evidence) as AlertEvidence[]));
}

export function listIncidents(db: Db, query: IncidentQuery, scope: Scope): Page<Incident> {
  const limit = limitOf(query);
  const filter = incidentScope(new Filter(), scope);
  const key = keyOf<[string, string]>(query, ['string', 'string']);
  if (key !== null) filter.add('(i.last_seen, i.id) < (?, ?)', ...key);
  if (query.since !== undefined) filter.add('i.last_seen >= ?', query.since);
  if (query.until !== undefined) filter.add('i.first_seen < ?', query.until);
  filter.in('i.level', levelNumbers(query.levels));
  filter.in('i.state', query.states ?? ['open', 'acknowledged', 'resolved']);
  if (query.namespace !== undefined) {
    filter.add(
      'EXISTS (SELECT 1 FROM incident_namespaces s WHERE s.incident_id = i.id AND s.namespace = ?)',
      query.namespace,
    );
  }
  if (query.pod !== undefined) {
    const ofPod = new Filter().add('a.incident_id = i.id');
    podFilter(ofPod, query.pod);
    filter.add(`EXISTS (SELECT 1 FROM alerts a ${ofPod.where})`, ...ofPod.values);
  }
  const rows = db.all<IncidentRow>(
    `SELECT ${INCIDENT_COLUMNS} FROM incidents i ${filter.where} ORDER BY i.last_seen DESC, i.id DESC LIMIT ?`,
    ...filter.values,
    limit + 1,
  );
  return pageOf(rows, limit, incidentOf, row => [row.last_seen, row.id]);
}

export function getIncident(db: Db, id: string, scope: Scope): Incident | null {
  const filter = incidentScope(new Filter().add('i.id = ?', id), scope);
  const row = db.get<IncidentRow>(`SELECT ${INCIDENT_COLUMNS} FROM incidents i ${filter.where}`, ...filter.values);
  return row === undefined ? null : incidentOf(row);
}

export function incidentEvidence(db: Db, id: string, limit: number, scope: Scope): AlertEvidence[] {
  if (getIncident(db, id, scope) === null) return [];
  const rows = db.all<{ body: string }>(
    `SELECT e.body FROM alerts a JOIN evidence e ON e.alert = a.n WHERE a.incident_id = ? ORDER BY a.time, a.n LIMIT ?`,
    id,
    limit,
  );
  const seen = new Map<string, AlertEvidence>();
  for (const { body } of rows) {
    for (const each of JSON.parse(body) as AlertEvidence[]) {
      if (seen.size >= limit) break;
      const key = `${each.kind} ${each.time} ${JSON.stringify(each.raw)}`;
      if (!seen.has(key)) seen.set(key, each);
    }
  }
  return [...seen.values()].sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
}

export function recent(db: Db, since: string): { alerts: Alert[]; incidents: Incident[] } {
  const alerts = db.all<AlertRow>(
    `SELECT ${ALERT_COLUMNS} FROM alerts a
     WHERE a.n IN (SELECT n FROM alerts WHERE time >= ? UNION SELECT n FROM alerts WHERE count > 1 AND last_seen >= ?)
     ORDER BY a.n DESC LIMIT ?`,
    since,
    since,
    STORE_LIMITS.recentAlertsMax,
  );
  const incidents = db.all<IncidentRow>(
    `SELECT ${INCIDENT_COLUMNS} FROM incidents i WHERE i.last_seen >= ? AND i.state <> 'merged' ORDER BY i.last_seen, i.id`,
    since,
  );
  return { alerts: alerts.reverse().map(row => alertOf(row)), incidents: incidents.map(incidentOf) };
}

export function listAudit(db: Db, query: Paging & { target?: string | undefined }): Page<AuditEntry> {
  const limit = limitOf(query);
  const filter = new Filter();
  const key = keyOf<[number]>(query, ['number']);
  if (key !== null) filter.add('id < ?', ...key);
  if (query.target !== undefined) filter.add('target = ?', query.target);
  const rows = db.all<AuditEntry>(
    `SELECT id, at, actor, action, target, detail FROM audit ${filter.where} ORDER BY id DESC LIMIT ?`,
    ...filter.values,
    limit + 1,
  );
  return pageOf(
    rows,
    limit,
    row => row,
    row => [row.id],
  );
}

export function listGaps(db: Db, query: Paging & { since?: string | undefined }): Page<Gap> {
  const limit = limitOf(query);
  const filter = new Filter();
  const key = keyOf<[number]>(query, ['number']);
  if (key !== null) filter.add('id < ?', ...key);
  if (query.since !== undefined) filter.add('from_time >= ?', query.since);
  const rows = db.all<{ id: number; body: string }>(
    `SELECT id, body FROM gaps ${filter.where} ORDER BY id DESC LIMIT ?`,
    ...filter.values,
    limit + 1,
  );
  return pageOf(
    rows,
    limit,
    row => JSON.parse(row.body) as Gap,
    row => [row.id],
  );
}

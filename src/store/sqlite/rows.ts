/** Rows as the objects that they stand for, and the scope's conditions. */
import {
  type Alert,
  type AlertEvidence,
  type Incident,
  type IncidentState,
  LEVELS,
  type Level,
} from '../../alerts/alert.ts';
import type { Scope } from '../store.ts';
import type { Filter } from './paging.ts';

export interface AlertRow {
  readonly n: number;
  readonly id: string;
  readonly time: string;
  readonly last_seen: string;
  readonly count: number;
  readonly incident_id: string;
  readonly silenced: string;
  readonly body: string;
}

export interface IncidentRow {
  readonly id: string;
  readonly state: IncidentState;
  readonly last_seen: string;
  readonly merged_into: string;
  readonly changed_by: string | null;
  readonly changed_at: number | null;
  readonly changed_why: string | null;
  readonly body: string;
}

export const ALERT_COLUMNS = 'a.n, a.id, a.time, a.last_seen, a.count, a.incident_id, a.silenced, a.body';

/** The audit row of the last change of the incident `i`'s state. */
const change = (column: string): string =>
  `(SELECT u.${column} FROM audit u
    WHERE u.target = i.id AND u.action IN ('incident.acknowledge', 'incident.resolve', 'incident.reopen')
    ORDER BY u.id DESC LIMIT 1)`;

export const INCIDENT_COLUMNS = `i.id, i.state, i.last_seen, i.merged_into, i.body, ${change('actor')} AS changed_by,
  ${change('at')} AS changed_at, ${change('detail')} AS changed_why`;

/** What older versions stored lacks fields that came later. */
type Stored<T, Later extends keyof T> = Omit<T, Later> & { readonly [K in Later]?: T[K] };

export function alertOf(row: AlertRow, evidence: readonly AlertEvidence[] = []): Alert {
  const body = JSON.parse(row.body) as Stored<Alert, 'first_seen'>;
  return {
    ...body,
    first_seen: body.first_seen ?? row.time,
    count: row.count,
    last_seen: row.last_seen,
    incident_id: row.incident_id,
    evidence,
    ...(row.silenced === '' ? {} : { silenced: row.silenced }),
  };
}

export function incidentOf(row: IncidentRow): Incident {
  const body = JSON.parse(row.body) as Stored<Incident, 'continues'>;
  const { state, merged_into, changed_by: by, changed_at: at, changed_why: reason } = row;
  const incident: Incident = { ...body, continues: body.continues ?? '', state, merged_into };
  if (by === null || at === null) return incident;
  return { ...incident, changed: { by, at: new Date(at).toISOString(), reason: reason ?? '' } };
}

export const levelNumber = (level: Level): number => LEVELS.indexOf(level);

export function levelNumbers(levels: readonly Level[] | undefined): number[] | undefined {
  return levels?.map(levelNumber);
}

/** Alerts of pods in the scope's namespaces. The host's have none, and are for those who see everything. */
export function alertScope(filter: Filter, scope: Scope): Filter {
  return scope === null ? filter : filter.add("a.namespace <> ''").in('a.namespace', scope);
}

/** Incidents all of whose alerts are in scope: an incident tells about every pod in it. */
export function incidentScope(filter: Filter, scope: Scope, id = 'i.id'): Filter {
  if (scope === null) return filter;
  return filter.add(`EXISTS (SELECT 1 FROM incident_namespaces s WHERE s.incident_id = ${id})`).add(
    `NOT EXISTS (SELECT 1 FROM incident_namespaces s WHERE s.incident_id = ${id}
        AND (s.namespace = '' OR s.namespace NOT IN (SELECT value FROM json_each(?))))`,
    JSON.stringify(scope),
  );
}

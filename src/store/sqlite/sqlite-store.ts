/** The embedded store: one SQLite file. `synchronous=FULL` and WAL: what `commit` has returned from survives a power cut. */
import type { Alert, AlertEvidence, Gap, Incident } from '../../alerts/alert.ts';
import type { Silences } from '../silence.ts';
import {
  type AlertQuery,
  type AlertSummary,
  type AuditEntry,
  type Commit,
  type CommitResult,
  type IncidentQuery,
  type Outbox,
  type Page,
  type Paging,
  type Retention,
  type RuleFires,
  type RuleHour,
  type Scope,
  type Store,
  StoreError,
  type StoreHealth,
  type Stream,
  type Tokens,
  type Webhooks,
} from '../store.ts';
import { changeState, insertAudit, setPosition, writeCommit } from './commit.ts';
import type { Db } from './db.ts';
import { SqliteOutbox } from './outbox.ts';
import {
  alertIds,
  getAlert,
  getIncident,
  incidentEvidence,
  incidentIds,
  listAlerts,
  listAudit,
  listGaps,
  listIncidents,
  recent,
} from './queries.ts';
import { prune } from './retention.ts';
import { ruleFires, ruleHours } from './rule-fires.ts';
import { SqliteSilences } from './silences.ts';
import { streamHead, streamSince } from './stream.ts';
import { SqliteTokens } from './tokens.ts';
import { SqliteWebhooks } from './webhooks.ts';

export class SqliteStore implements Store {
  readonly outbox: Outbox;
  readonly tokens: Tokens;
  readonly webhooks: Webhooks;
  readonly silences: Silences;
  readonly stream: Stream;
  readonly #db: Db;
  readonly #release: () => void;
  readonly #listeners = new Set<(seq: number) => void>();
  #seq: number;
  /** Counted once, then kept: counting a million rows takes a while. */
  #alerts: number;

  /** `release`: called once the database is closed. */
  constructor(db: Db, release: () => void = () => undefined) {
    this.#release = release;
    this.#db = db;
    this.outbox = new SqliteOutbox(db);
    this.tokens = new SqliteTokens(db);
    this.webhooks = new SqliteWebhooks(db);
    this.silences = new SqliteSilences(db);
    this.stream = {
      head: async () => db.read(() => streamHead(db)),
      since: async (seq, limit, scope) => db.read(() => streamSince(db, seq, limit, scope)),
      subscribe: listener => {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
      },
    };
    this.#seq = db.read(() => streamHead(db));
    this.#alerts = db.read(() => db.get<{ n: number }>('SELECT count(*) AS n FROM alerts')?.n ?? 0);
  }

  #announce(): void {
    const seq = this.#db.read(() => streamHead(this.#db));
    if (seq === this.#seq) return;
    this.#seq = seq;
    for (const listener of this.#listeners) listener(seq);
  }

  async commit(commit: Commit): Promise<CommitResult> {
    const result = this.#db.write(() => writeCommit(this.#db, commit));
    this.#db.full = false;
    this.#alerts += result.added;
    this.#announce();
    return result;
  }

  async alerts(query: AlertQuery, scope: Scope): Promise<Page<AlertSummary>> {
    return this.#db.read(() => listAlerts(this.#db, query, scope));
  }

  async alert(id: string, scope: Scope): Promise<Alert | null> {
    return this.#db.read(() => getAlert(this.#db, id, scope));
  }

  async alertIds(beginning: string, limit: number, scope: Scope): Promise<string[]> {
    return this.#db.read(() => alertIds(this.#db, beginning, limit, scope));
  }

  async incidents(query: IncidentQuery, scope: Scope): Promise<Page<Incident>> {
    return this.#db.read(() => listIncidents(this.#db, query, scope));
  }

  async incident(id: string, scope: Scope): Promise<Incident | null> {
    return this.#db.read(() => getIncident(this.#db, id, scope));
  }

  async incidentIds(beginning: string, limit: number, scope: Scope): Promise<string[]> {
    return this.#db.read(() => incidentIds(this.#db, beginning, limit, scope));
  }

  async incidentEvidence(id: string, limit: number, scope: Scope): Promise<AlertEvidence[]> {
    return this.#db.read(() => incidentEvidence(this.#db, id, limit, scope));
  }

  async setIncidentState(
    id: string,
    state: 'open' | 'acknowledged' | 'resolved',
    by: { actor: string; reason: string },
    scope: Scope,
  ): Promise<Incident | null> {
    const changed = this.#db.write(() => {
      const incident = getIncident(this.#db, id, scope);
      if (incident === null) return null;
      if (incident.state === 'merged') {
        throw new StoreError('merged', `the incident became part of ${incident.merged_into}`);
      }
      if (incident.state === 'resolved' && state === 'acknowledged') {
        throw new StoreError('resolved', 'the incident is resolved: reopen it first');
      }
      changeState(this.#db, incident, state, by);
      return getIncident(this.#db, id, scope);
    });
    this.#announce();
    return changed;
  }

  async audit(entry: Pick<AuditEntry, 'actor' | 'action' | 'target' | 'detail'>): Promise<void> {
    this.#db.write(() => insertAudit(this.#db, entry));
  }

  async auditLog(query: Paging & { target?: string | undefined }): Promise<Page<AuditEntry>> {
    return this.#db.read(() => listAudit(this.#db, query));
  }

  async gaps(query: Paging & { since?: string | undefined }): Promise<Page<Gap>> {
    return this.#db.read(() => listGaps(this.#db, query));
  }

  async ruleFires(scope: Scope): Promise<RuleFires[]> {
    return this.#db.read(() => ruleFires(this.#db, scope));
  }

  async ruleHours(since: string, scope: Scope): Promise<RuleHour[]> {
    return this.#db.read(() => ruleHours(this.#db, since, scope));
  }

  async position(key: string): Promise<string | null> {
    const row = this.#db.read(() => this.#db.get<{ value: string }>('SELECT value FROM positions WHERE key = ?', key));
    return row?.value ?? null;
  }

  async positions(): Promise<Map<string, string>> {
    const rows = this.#db.read(() => this.#db.all<{ key: string; value: string }>('SELECT key, value FROM positions'));
    return new Map(rows.map(row => [row.key, row.value]));
  }

  async setPosition(key: string, value: string): Promise<void> {
    this.#db.write(() => setPosition(this.#db, key, value));
  }

  async state(name: string): Promise<string | null> {
    const row = this.#db.read(() => this.#db.get<{ value: string }>('SELECT value FROM state WHERE name = ?', name));
    return row?.value ?? null;
  }

  async recent(since: string): Promise<{ alerts: Alert[]; incidents: Incident[] }> {
    return this.#db.read(() => recent(this.#db, since));
  }

  async prune(retention: Retention): Promise<number> {
    return prune(this.#db, retention, removed => {
      this.#alerts -= removed;
    });
  }

  async health(): Promise<StoreHealth> {
    const db = this.#db;
    try {
      const incidents = db.read(() => db.get<{ n: number }>('SELECT count(*) AS n FROM incidents')?.n ?? 0);
      const detail = db.full ? `no space left to write to the database ${db.path}` : '';
      return { ok: !db.full, detail, full: db.full, bytes: db.bytes(), alerts: this.#alerts, incidents };
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      return { ok: false, detail, full: db.full, bytes: 0, alerts: this.#alerts, incidents: 0 };
    }
  }

  async close(): Promise<void> {
    this.#db.close();
    this.#release();
  }
}

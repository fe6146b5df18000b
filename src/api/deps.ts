/**
 * What the API needs of the rest of the program, by shape: the store, the sinks and the sources fit without importing each
 * other. Times are RFC 3339 texts where they are part of an alert, else milliseconds since the Unix epoch.
 */
import type { Registry } from 'prom-client';
import type { Alert, AlertEvidence, Gap, Incident, IncidentState } from '../alerts/alert.ts';
import type { AlertMatch } from '../alerts/match.ts';
import type { Connection } from '../model/connection.ts';
import type { Process } from '../model/process.ts';
import type { ServiceMapView } from '../model/service-map.ts';
import type { Micros } from '../model/time.ts';
import type { Level } from '../rules/rule.ts';
import type { EventsPort } from './events-port.ts';
import type { ReplaysPort } from './replays.ts';
import type { RuleLab } from './rule-lab.ts';
import type { Rulebook, RuleFires, RuleHour } from './rulebook.ts';

/** Namespaces that a caller may see; null for all. */
export type Scope = readonly string[] | null;

export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

interface Paging {
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

interface Filters extends Paging {
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly levels?: readonly Level[] | undefined;
  readonly states?: readonly IncidentState[] | undefined;
  readonly namespace?: string | undefined;
}

interface IncidentFilters extends Filters {
  /** `name` or `namespace/name`. */
  readonly pod?: string | undefined;
}

interface AlertFilters extends IncidentFilters {
  readonly rule?: string | undefined;
  readonly incident?: string | undefined;
}

export type DeliveryState = 'pending' | 'leased' | 'delivered' | 'dead';

export interface DeliveryRecord {
  readonly id: number;
  readonly key: string;
  readonly sink: string;
  readonly group: string;
  readonly signal: string;
  readonly state: DeliveryState;
  readonly alert_id: string;
  readonly incident_id: string;
  readonly attempts: number;
  readonly error: string;
  readonly created_at: number;
  readonly due_at: number;
  readonly updated_at: number;
}

interface DeliveryFilters extends Paging {
  readonly sink?: string | undefined;
  readonly states?: readonly DeliveryState[] | undefined;
  readonly alert?: string | undefined;
  readonly incident?: string | undefined;
}

export type DeliveryCounts = ReadonlyMap<string, Record<DeliveryState, number> & { oldest: number | null }>;

export type TokenScope = 'read' | 'write' | 'ingest' | 'admin';

export interface TokenRecord {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly TokenScope[];
  readonly namespaces: Scope;
  readonly created_at: number;
  readonly expires_at: number | null;
  readonly last_used_at: number | null;
}

export interface WebhookRecord {
  readonly id: string;
  readonly url: string;
  readonly description: string;
  readonly levels: readonly Level[];
  readonly rules: readonly string[];
  readonly namespaces: Scope;
  readonly enabled: boolean;
  readonly disabled_reason: string;
  readonly created_at: number;
}

type WebhookSpec = Pick<WebhookRecord, 'url' | 'description' | 'levels' | 'rules' | 'namespaces'>;

export interface SilenceRecord {
  readonly id: string;
  readonly match: AlertMatch;
  readonly until: number;
  readonly author: string;
  readonly reason: string;
  readonly created_at: number;
  readonly alerts: number;
}

export interface AuditRecord {
  readonly id: number;
  readonly at: number;
  readonly actor: string;
  readonly action: string;
  readonly target: string;
  readonly detail: string;
}

export interface StreamEntry {
  readonly seq: number;
  readonly type: 'alert' | 'alert.counted' | 'alert.amended' | 'incident';
  readonly alert: Alert | null;
  readonly incident: Incident | null;
}

/** The part of the store that the API uses. Errors with a `code` of `bad_cursor`, `out_of_scope` or `merged` are the caller's. */
export interface ApiStore {
  alerts(query: AlertFilters, scope: Scope): Promise<Page<Alert>>;
  alert(id: string, scope: Scope): Promise<Alert | null>;
  alertIds(beginning: string, limit: number, scope: Scope): Promise<readonly string[]>;
  incidents(query: IncidentFilters, scope: Scope): Promise<Page<Incident>>;
  incident(id: string, scope: Scope): Promise<Incident | null>;
  incidentIds(beginning: string, limit: number, scope: Scope): Promise<readonly string[]>;
  incidentEvidence(id: string, limit: number, scope: Scope): Promise<readonly AlertEvidence[]>;
  setIncidentState(
    id: string,
    state: 'open' | 'acknowledged' | 'resolved',
    by: { actor: string; reason: string },
    scope: Scope,
  ): Promise<Incident | null>;
  readonly outbox: {
    replay(ids: readonly number[], sink: string | null, scope: Scope): Promise<number>;
    list(query: DeliveryFilters, scope: Scope): Promise<Page<DeliveryRecord>>;
    get(id: number, scope: Scope): Promise<DeliveryRecord | null>;
    deadLetters(sink: string, limit: number, scope: Scope): Promise<readonly number[]>;
    counts(): Promise<DeliveryCounts>;
  };
  readonly tokens: {
    create(
      spec: Pick<TokenRecord, 'name' | 'scopes' | 'namespaces' | 'expires_at'>,
    ): Promise<{ token: TokenRecord; secret: string }>;
    authenticate(secret: string): Promise<TokenRecord | null>;
    list(): Promise<readonly TokenRecord[]>;
    revoke(id: string): Promise<boolean>;
    any(): Promise<boolean>;
  };
  readonly webhooks: {
    create(spec: WebhookSpec, scope: Scope): Promise<{ webhook: WebhookRecord; secret: string }>;
    list(scope: Scope): Promise<readonly WebhookRecord[]>;
    get(id: string, scope: Scope): Promise<WebhookRecord | null>;
    update(
      id: string,
      patch: Partial<WebhookSpec & Pick<WebhookRecord, 'enabled'>>,
      scope: Scope,
    ): Promise<WebhookRecord | null>;
    delete(id: string, scope: Scope): Promise<boolean>;
    rotate(id: string, overlapMs: number, scope: Scope): Promise<string | null>;
  };
  readonly silences: {
    create(spec: Pick<SilenceRecord, 'match' | 'until' | 'author' | 'reason'>, scope: Scope): Promise<SilenceRecord>;
    list(scope: Scope): Promise<readonly SilenceRecord[]>;
    get(id: string, scope: Scope): Promise<SilenceRecord | null>;
    end(id: string, scope: Scope): Promise<boolean>;
  };
  readonly stream: {
    head(): Promise<number>;
    since(
      seq: number,
      limit: number,
      scope: Scope,
    ): Promise<{ entries: readonly StreamEntry[]; seq: number; missed: boolean }>;
    subscribe(listener: (seq: number) => void): () => void;
  };
  audit(entry: Pick<AuditRecord, 'actor' | 'action' | 'target' | 'detail'>): Promise<void>;
  auditLog(query: Paging & { target?: string | undefined }): Promise<Page<AuditRecord>>;
  gaps(query: Paging & { since?: string | undefined }): Promise<Page<Gap>>;
  ruleFires(scope: Scope): Promise<readonly RuleFires[]>;
  /** From `since` (RFC 3339) on. */
  ruleHours(since: string, scope: Scope): Promise<readonly RuleHour[]>;
}

/** What the engine knows right now: the context itself has this shape. Read at once, never kept: the core mutates these. */
export interface LiveViews {
  process(execId: string): Process | null;
  pod(namespace: string, name: string): LivePod | null;
  /** Any order. */
  connections(): Iterable<Connection>;
}

export interface LivePod {
  /** Living and recently exited, in any order. */
  processes(): readonly Process[];
  ownConnections(): readonly Connection[];
}

/** What became of one body, line by line. */
export interface IngestResult {
  /** Events that went on. */
  readonly accepted: number;
  readonly malformed: number;
  readonly unknown: number;
  /** Put aside: their time is ahead of this machine's clock. */
  readonly ahead: number;
}

export interface IngestPort {
  /**
   * Takes NDJSON or a JSON array, inflated, in pieces; 'full' when it can take nothing now (nothing of the body was taken).
   * Rejected lines go to the quarantine under `place`.
   */
  offer(body: AsyncIterable<Uint8Array>, place: string): Promise<IngestResult | 'full'>;
}

/** A pod as it was at a past time. What its processes did later, and what they opened later, is not there. */
export interface PastPod {
  readonly pod: LivePod;
  /** Events from this time on were read; of what began before it only the processes that still ran are there. */
  readonly from: Micros;
  /** Losses that were reported in what was read. */
  readonly gaps: readonly Gap[];
  /** False when there was more than a bounded reading takes in. */
  readonly isWhole: boolean;
}

export interface RecordingPort {
  /** Null when nothing is recorded of the pod up to then. */
  podAt(namespace: string, name: string, at: Micros): Promise<PastPod | null>;
  /**
   * An incident with its surroundings, lines of a capture without their ends; null when it is not (or no longer) recorded.
   * The evidence is that of the alerts; what `scope` may not see is left out.
   */
  capture(
    alerts: readonly Alert[],
    evidence: readonly AlertEvidence[],
    scope: Scope,
  ): Promise<AsyncIterable<string> | null>;
}

export interface SinkRecord {
  readonly name: string;
  readonly type: string;
  /** By its last attempt since the start; `disabled` by its receiver. */
  readonly state: 'idle' | 'ok' | 'failing' | 'disabled';
  /** Last result in plain words, or ''. */
  readonly detail: string;
  readonly lastSuccessMs: number | null;
  readonly lastFailureMs: number | null;
}

export interface SinksPort {
  list(): readonly SinkRecord[];
  /** Sends a made-up alert past the outbox, once; null when there is no such sink. */
  test(name: string, signal: AbortSignal): Promise<{ readonly outcome: string; readonly detail: string } | null>;
}

export interface RuleRecord {
  readonly id: string;
  readonly title: string;
  readonly level: Level;
  readonly status: string;
  readonly description: string;
  readonly author: string;
  readonly tags: readonly string[];
  readonly references: readonly string[];
  readonly falsepositives: readonly string[];
  readonly runbook: string;
  readonly requires: readonly string[];
  /** Base name of its file. */
  readonly file: string;
  readonly line: number;
  readonly kind: 'event' | 'sequence' | 'count' | 'first_seen' | 'correlation';
  /** Findings since the start, or since its content last changed. */
  readonly matches: number;
  /** Its conditions, evaluated on events that the index let through. */
  readonly evaluated: number;
  /** Time that it took, estimated from samples. */
  readonly seconds: number;
  /** Partial sequences, counted keys and combinations seen that it holds now. */
  readonly held: number;
  /** What it held and dropped at a limit. */
  readonly evicted: number;
  /** Why it was switched off; '' while it works. */
  readonly error: string;
}

interface SourceRecord {
  readonly name: string;
  readonly type: string;
  readonly state: string;
  readonly detail: string;
  /** Event time of the newest event, RFC 3339, or null. */
  readonly newest: string | null;
  /** Counted from the start, snake_case: events, bytes, malformed, unknown_kinds, ahead, duplicates, lost, reconnects … */
  readonly counters: Readonly<Record<string, number>>;
}

/** Everything that runs, in numbers, counted from the start of the program. Keys of the maps become metric labels. */
export interface EngineStatus {
  readonly version: string;
  /** RFC 3339. */
  readonly started: string;
  readonly sources: readonly SourceRecord[];
  readonly events: Readonly<Record<string, number>>;
  /** Processed, but after the watermark had passed them. */
  readonly late: number;
  /** Watermark: event time up to which all is processed, RFC 3339, or null before the first event. */
  readonly watermark: string | null;
  /** Held right now: `processes`, `connections`, `partials`, `reorder` … */
  readonly held: Readonly<Record<string, number>>;
  /** Put out at a limit: `processes`, `connections`, `partials` … */
  readonly evicted: Readonly<Record<string, number>>;
  readonly rules: {
    readonly loaded: number;
    readonly errors: number;
    readonly last_reload: string | null;
    readonly evaluated: number;
    /** Estimated from samples. */
    readonly seconds: number;
    /** Those that took most time, the worst first. */
    readonly costly: readonly Pick<RuleRecord, 'id' | 'title' | 'seconds' | 'evaluated' | 'matches'>[];
  };
  /** Alerts by level. */
  readonly alerts: Readonly<Record<string, number>>;
  readonly suppressed: number;
  /** Delivery attempts by sink and outcome. */
  readonly deliveries: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly store: { readonly ok: boolean; readonly detail: string; readonly bytes: number };
}

export interface ApiDeps {
  readonly store: ApiStore;
  readonly live: LiveViews;
  /** Null when none is kept. */
  readonly serviceMap: ServiceMapView | null;
  /** Null when no ingest source is configured. */
  readonly ingest: IngestPort | null;
  /** Null when nothing is recorded. */
  readonly recording: RecordingPort | null;
  readonly events: EventsPort;
  readonly sinks: SinksPort;
  /** Why this URL may not be the target of a webhook, in plain words without the URL's path, or null. */
  refuseWebhook(url: string): string | null;
  /** Called after every change of a webhook, before it is answered: whoever delivers reads them again. */
  webhooksChanged(): Promise<void> | void;
  /** The same for silences. */
  silencesChanged(): Promise<void> | void;
  rules(): readonly RuleRecord[];
  readonly rulebook: Rulebook;
  readonly replays: ReplaysPort;
  readonly ruleLab: RuleLab;
  status(): EngineStatus;
  /** Why it is not ready, one sentence each; [] when it is. */
  unready(): Promise<readonly string[]> | readonly string[];
  /** Metrics of other parts; the API adds its own. */
  readonly registry: Registry;
  /** One line of structured log. Never given a secret. */
  log(level: 'debug' | 'info' | 'warn' | 'error', message: string, fields: Readonly<Record<string, unknown>>): void;
}

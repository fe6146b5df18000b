/**
 * What is remembered: the one seam between the program and its database. Every method is asynchronous, so that an embedded
 * and a networked database can stand behind it. Times handed in and out are RFC 3339 texts where they are part of an alert,
 * else milliseconds since the Unix epoch by the store's clock.
 *
 * Scope: every query of a person's data takes one. `null` sees everything; a list of namespaces sees the alerts of pods in
 * them, and the incidents all of whose alerts are in them. Host alerts (no pod) are for `null` alone. What is out of scope
 * does not exist: null, never an error.
 */
import type { Alert, AlertChange, AlertEvidence, Gap, Incident, IncidentState, Level } from '../alerts/alert.ts';
import type { Silences } from './silence.ts';

export type Scope = readonly string[] | null;

export interface Page<T> {
  readonly items: readonly T[];
  /** Opaque; hand it back as `cursor` for what follows. Null on the last page. */
  readonly next: string | null;
}

export interface Paging {
  /** 1..LIMIT.pageMax; 100 when absent. */
  readonly limit?: number | undefined;
  /** A cursor that does not decode is a `StoreError` with code `bad_cursor`. */
  readonly cursor?: string | undefined;
}

/** Newest first. All filters must hold; a list means any of its members. */
export interface AlertQuery extends Paging {
  /** Inclusive, RFC 3339. */
  readonly since?: string | undefined;
  /** Exclusive, RFC 3339. */
  readonly until?: string | undefined;
  readonly levels?: readonly Level[] | undefined;
  /** Rule id or title, exact. */
  readonly rule?: string | undefined;
  readonly namespace?: string | undefined;
  /** `name` or `namespace/name`, exact. */
  readonly pod?: string | undefined;
  readonly incident?: string | undefined;
  /** State of the alert's incident. */
  readonly states?: readonly IncidentState[] | undefined;
}

/** Latest activity first; merged incidents only when `states` names `merged`. */
export interface IncidentQuery extends Paging {
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly levels?: readonly Level[] | undefined;
  readonly states?: readonly IncidentState[] | undefined;
  readonly namespace?: string | undefined;
  /** `name` or `namespace/name` of a pod with an alert in it, exact. */
  readonly pod?: string | undefined;
}

/** An alert in a list: everything but `evidence`, which is []. */
export type AlertSummary = Alert;

/** What a delivery tells: a new alert, or what became of an incident. */
export type Signal = 'alert' | 'incident.acknowledged' | 'incident.resolved' | 'incident.reopened' | 'incident.merged';

/** Where a change goes: decided by the routes before the commit. */
export interface Target {
  readonly sink: string;
  /** Deliveries of one sink and group that wait together become due together; '' for none. */
  readonly group: string;
  /** Least time between two deliveries of a group; 0 for none. */
  readonly intervalMs: number;
}

export interface Entry {
  readonly change: AlertChange;
  /** Ignored for all but `new` changes: suppression counts and amends, it does not deliver. */
  readonly targets: readonly Target[];
  /** Id of the silence for which there are no targets. */
  readonly silenced?: string | undefined;
}

/** One transaction: all of it or nothing. */
export interface Commit {
  readonly entries: readonly Entry[];
  /** Where each source will read on: position texts by source key. */
  readonly positions?: ReadonlyMap<string, string> | undefined;
  /** One that is stored already (`gapIdentity`) is replaced: it has grown. */
  readonly gaps?: readonly Gap[] | undefined;
  /** Named texts that must agree with the positions: snapshots of state. */
  readonly state?: ReadonlyMap<string, string> | undefined;
}

export interface CommitResult {
  /** Alerts that were not there before. */
  readonly added: number;
  /** `new` changes whose alert was there already (a retry or a restart): nothing stored, nothing queued. */
  readonly known: number;
  /** Sequence number of the last stream entry. */
  readonly seq: number;
}

export type DeliveryState = 'pending' | 'leased' | 'delivered' | 'dead';

export interface Delivery {
  readonly id: number;
  /** Idempotency key: the same over all attempts, distinct for each thing told to one sink. */
  readonly key: string;
  readonly sink: string;
  readonly group: string;
  readonly signal: Signal;
  readonly state: DeliveryState;
  readonly alert_id: string;
  readonly incident_id: string;
  readonly attempts: number;
  /** Reply or error of the last attempt, or ''. */
  readonly error: string;
  /** Ms. */
  readonly created_at: number;
  /** Ms: when it is next tried. */
  readonly due_at: number;
  /** Ms: when its state last changed. */
  readonly updated_at: number;
}

/** A leased delivery with what it tells, as stored now. */
export interface Lease extends Delivery {
  /** What its first attempt sent, under which key, where that was kept. */
  readonly message: { readonly key: string; readonly body: string } | null;
  /** Null for incident signals, and when retention has removed it. */
  readonly alert: Alert | null;
  readonly incident: Incident | null;
}

export interface DeliveryQuery extends Paging {
  readonly sink?: string | undefined;
  readonly states?: readonly DeliveryState[] | undefined;
  readonly alert?: string | undefined;
  readonly incident?: string | undefined;
}

export interface Outbox {
  /**
   * Takes up to `limit` due deliveries of `sink`, oldest first, for `leaseMs`; a lease that runs out (the process died) is due
   * again, and counts an attempt. Only one call gets each.
   */
  lease(sink: string, limit: number, leaseMs: number): Promise<Lease[]>;
  /** Keeps what the first attempt of these deliveries sends: their leases carry it until they are delivered. */
  keepMessage(ids: readonly number[], message: { readonly key: string; readonly body: string }): Promise<void>;
  /** Counts an attempt. */
  delivered(ids: readonly number[]): Promise<void>;
  /** Due again `afterMs` from now; counts an attempt. */
  retry(ids: readonly number[], afterMs: number, error: string): Promise<void>;
  /** Back to pending without counting an attempt: shutdown, rate limit, open circuit. */
  release(ids: readonly number[], afterMs: number): Promise<void>;
  /** Dead letter: never tried again unless replayed. Counts an attempt. */
  dead(ids: readonly number[], error: string): Promise<void>;
  /**
   * Queues deliveries again, to their own sink or to `sink`, with attempts at 0 and the same key; returns how many. Only
   * `delivered` and `dead` ones within scope; to another sink they are copies.
   */
  replay(ids: readonly number[], sink: string | null, scope: Scope): Promise<number>;
  /** Dead letters of what waits for sinks other than `sinks` (all that there are): else it would wait for ever. Returns how many. */
  abandon(sinks: readonly string[]): Promise<number>;
  /** Newest first. */
  list(query: DeliveryQuery, scope: Scope): Promise<Page<Delivery>>;
  get(id: number, scope: Scope): Promise<Delivery | null>;
  /** Ids of the oldest dead letters of `sink`, oldest first. */
  deadLetters(sink: string, limit: number, scope: Scope): Promise<number[]>;
  /** By sink: deliveries by state, and when the oldest pending one was created (ms) or null. */
  counts(): Promise<Map<string, Record<DeliveryState, number> & { oldest: number | null }>>;
  /** Ms at which the next delivery of `sink` is due, or null when none waits. */
  nextDue(sink: string): Promise<number | null>;
}

/** Who did something: a token's name, `anonymous` on loopback without tokens, or `spoor`. */
export interface AuditEntry {
  readonly id: number;
  readonly at: number;
  readonly actor: string;
  /** `incident.acknowledge`, `webhook.create` … */
  readonly action: string;
  readonly target: string;
  readonly detail: string;
}

type TokenScope = 'read' | 'write' | 'ingest' | 'admin';

export interface Token {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly TokenScope[];
  readonly namespaces: Scope;
  readonly created_at: number;
  readonly expires_at: number | null;
  readonly last_used_at: number | null;
}

export interface Tokens {
  /** The secret is returned here and never again; only its SHA-256 is stored. */
  create(spec: Pick<Token, 'name' | 'scopes' | 'namespaces' | 'expires_at'>): Promise<{ token: Token; secret: string }>;
  /** Null for unknown, revoked and expired secrets. */
  authenticate(secret: string): Promise<Token | null>;
  list(): Promise<Token[]>;
  revoke(id: string): Promise<boolean>;
  /** True when at least one token exists: authentication is then required. */
  any(): Promise<boolean>;
}

/** A subscription: alerts that match are sent to its URL. Its sink is called `webhook:<id>`. */
export interface Webhook {
  readonly id: string;
  readonly url: string;
  readonly description: string;
  /** [] for all. */
  readonly levels: readonly Level[];
  /** Rule ids; [] for all. */
  readonly rules: readonly string[];
  /** Only alerts of pods in these; null for all. Always within the scope of whoever made it. */
  readonly namespaces: Scope;
  readonly enabled: boolean;
  /** Why it was disabled (`410 Gone` …), or ''. */
  readonly disabled_reason: string;
  readonly created_at: number;
}

export type WebhookSpec = Pick<Webhook, 'url' | 'description' | 'levels' | 'rules' | 'namespaces'>;

export interface Webhooks {
  /** `whsec_…`, returned here and never again. `spec.namespaces` outside of `scope` is a `StoreError` `out_of_scope`. */
  create(spec: WebhookSpec, scope: Scope): Promise<{ webhook: Webhook; secret: string }>;
  list(scope: Scope): Promise<Webhook[]>;
  get(id: string, scope: Scope): Promise<Webhook | null>;
  update(id: string, patch: Partial<WebhookSpec & Pick<Webhook, 'enabled'>>, scope: Scope): Promise<Webhook | null>;
  /** Its undelivered deliveries become dead letters. */
  delete(id: string, scope: Scope): Promise<boolean>;
  /** A new secret; the old one stays valid beside it for `overlapMs`. */
  rotate(id: string, overlapMs: number, scope: Scope): Promise<string | null>;
  /** For the sink alone: `whsec_…` texts, newest first; [] when unknown. */
  secrets(id: string): Promise<string[]>;
  /** For the sink alone: switches it off with a reason. */
  disable(id: string, reason: string): Promise<void>;
}

/** What changed, in commit order, for the event stream. */
export interface StreamEntry {
  readonly seq: number;
  readonly type: 'alert' | 'alert.counted' | 'alert.amended' | 'incident';
  readonly alert: AlertSummary | null;
  readonly incident: Incident | null;
}

export interface Stream {
  /** Sequence number of the newest change; 0 when there is none. */
  head(): Promise<number>;
  /**
   * Entries after `seq`, at most `limit` looked at; `seq` of the answer is where to go on, even when scope hid some. `missed`: some
   * are no longer kept, or `seq` is of another database; then it goes on at the head.
   */
  since(seq: number, limit: number, scope: Scope): Promise<{ entries: StreamEntry[]; seq: number; missed: boolean }>;
  /** Called after every commit that changed something. Returns the unsubscriber. */
  subscribe(listener: (seq: number) => void): () => void;
}

export interface StoreHealth {
  readonly ok: boolean;
  /** Plain words when not ok. */
  readonly detail: string;
  /** A write failed for want of space, and nothing says yet that there is some again. */
  readonly full: boolean;
  readonly bytes: number;
  readonly alerts: number;
  readonly incidents: number;
}

export interface Retention {
  readonly daysMax: number;
  readonly bytesMax: number;
}

export interface Store {
  /** Throws `StoreFull` when there is no space: nothing of the commit is stored then, and it may be tried again. */
  commit(commit: Commit): Promise<CommitResult>;

  alerts(query: AlertQuery, scope: Scope): Promise<Page<AlertSummary>>;
  alert(id: string, scope: Scope): Promise<Alert | null>;
  /** Ids that begin so, at most `limit`, in order. */
  alertIds(beginning: string, limit: number, scope: Scope): Promise<string[]>;
  incidents(query: IncidentQuery, scope: Scope): Promise<Page<Incident>>;
  /** A merged incident is answered as such, with `merged_into`. */
  incident(id: string, scope: Scope): Promise<Incident | null>;
  /** Ids that begin so, at most `limit`, in order; merged ones too. */
  incidentIds(beginning: string, limit: number, scope: Scope): Promise<string[]>;
  /** Evidence of all its alerts in event-time order, without repetition; at most `limit`. */
  incidentEvidence(id: string, limit: number, scope: Scope): Promise<AlertEvidence[]>;
  /**
   * Acknowledge, resolve or reopen, with an audit row, a stream entry and a delivery to every sink that was told of the
   * incident, in one transaction. Null when unknown; a merged one cannot change: `StoreError` `merged`. No change, no row.
   */
  setIncidentState(
    id: string,
    state: 'open' | 'acknowledged' | 'resolved',
    by: { actor: string; reason: string },
    scope: Scope,
  ): Promise<Incident | null>;

  readonly outbox: Outbox;
  readonly tokens: Tokens;
  readonly webhooks: Webhooks;
  readonly silences: Silences;
  readonly stream: Stream;

  audit(entry: Pick<AuditEntry, 'actor' | 'action' | 'target' | 'detail'>): Promise<void>;
  /** Newest first. */
  auditLog(query: Paging & { target?: string | undefined }): Promise<Page<AuditEntry>>;
  /** How often each rule fired, of what is kept; rules without an alert are absent. */
  ruleFires(scope: Scope): Promise<readonly RuleFires[]>;
  /** Alerts by rule and hour, from `since` (RFC 3339) on. */
  ruleHours(since: string, scope: Scope): Promise<readonly RuleHour[]>;
  /** Newest first. Gaps belong to nodes: anyone who may read sees them. */
  gaps(query: Paging & { since?: string | undefined }): Promise<Page<Gap>>;

  position(key: string): Promise<string | null>;
  positions(): Promise<Map<string, string>>;
  setPosition(key: string, value: string): Promise<void>;
  state(name: string): Promise<string | null>;

  /** What `Alerting.restore` needs: alerts last seen at or after `since` (RFC 3339) in commit order, and their incidents. */
  recent(since: string): Promise<{ alerts: Alert[]; incidents: Incident[] }>;

  /** Removes what is too old or too much, oldest first, in small slices; call it now and then. Returns alerts removed. */
  prune(retention: Retention): Promise<number>;
  health(): Promise<StoreHealth>;
  close(): Promise<void>;
}

export interface RuleFires {
  /** Its id. */
  readonly rule: string;
  readonly alerts: number;
  /** Time of the newest, RFC 3339. */
  readonly last: string;
}

export interface RuleHour {
  readonly rule: string;
  /** `2026-01-31T12`. */
  readonly hour: string;
  readonly alerts: number;
}

export type StoreErrorCode =
  | 'bad_cursor'
  | 'out_of_scope'
  | 'too_many'
  | 'merged'
  | 'resolved'
  | 'corrupt'
  | 'newer'
  | 'unavailable';

export class StoreError extends Error {
  override readonly name: string = 'StoreError';
  readonly code: StoreErrorCode | 'full';
  constructor(code: StoreErrorCode | 'full', message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** No space: on the disk, or below the configured maximum size. */
export class StoreFull extends StoreError {
  override readonly name = 'StoreFull';
  constructor(message: string, options?: ErrorOptions) {
    super('full', message, options);
  }
}

export const STORE_LIMITS = {
  pageMax: 1_000,
  pageDefault: 100,
  /** Stream entries kept for `Last-Event-ID`. */
  streamEntriesMax: 100_000,
  /** Alerts that `recent` hands out at most: the newest. */
  recentAlertsMax: 20_000,
  gapsMax: 10_000,
  auditRowsMax: 100_000,
  /** Silences in force at once; as many ended ones are kept. */
  silencesMax: 1_000,
} as const;

/** Where queries are answered: by a running Spoor over its API, or by a database file that nobody needs to be running for. */
import type { Alert, Incident } from '../alerts/alert.ts';
import type { RuleRecord } from '../api/deps.ts';
import type { DrawnPicture } from '../render/picture-text.ts';
import type { RemoteTree } from '../render/remote-tree.ts';
import type { Status, StatusSink } from '../render/status.ts';
import type { TimelineLine } from '../render/timeline.ts';
import type { Delivery, Page } from '../store/store.ts';

export interface Place {
  readonly url: string;
  readonly tokenFile?: string;
  readonly db?: string;
}

/** Undefined ones are no filters. */
export type Query = Readonly<Record<string, string | number | readonly string[] | undefined>>;

type Times = 'created_at' | 'due_at' | 'updated_at';

/** As the API tells it: times are RFC 3339. */
export type ListedDelivery = Omit<Delivery, Times> & Readonly<Record<Times, string>>;

/** All throw `CommandError` when there is no answer. */
export interface Reader {
  alerts(query: Query): Promise<Page<Alert>>;
  /** With its evidence, by id or the beginning of it; null when there is none. */
  alert(id: string): Promise<Alert | null>;
  incidents(query: Query): Promise<Page<Incident>>;
  /** By id or the beginning of it; null when there is none. */
  incident(id: string): Promise<Incident | null>;
  /** An incident as lines of a capture: with its surroundings where they are still recorded, else its evidence. */
  capture(id: string): Promise<string[]>;
  /** As the page draws it: of an incident, or of a pod (`namespace/name`); null for a pod that is not known. */
  incidentPicture(id: string): Promise<DrawnPicture>;
  podPicture(pod: string): Promise<DrawnPicture | null>;
  /** Oldest first. */
  incidentTimeline(id: string): Promise<readonly TimelineLine[]>;
  podTree(pod: string): Promise<RemoteTree | null>;
  deliveries(query: Query): Promise<Page<ListedDelivery>>;
  /** Queues a delivery again, to its own sink or to another; why not, or null when it is queued. */
  replay(delivery: number, to: string | undefined): Promise<string | null>;
  /** Queues dead letters of a sink again; `more`: there are others. */
  replayDead(sink: string, to: string | undefined): Promise<{ readonly replayed: number; readonly more: boolean }>;
  /** Those at work, with what they did. */
  rules(): Promise<readonly RuleRecord[]>;
  status(): Promise<Status>;
  sinks(): Promise<readonly StatusSink[]>;
  close(): Promise<void>;
}

export async function openReader(place: Place): Promise<Reader> {
  if (place.db === undefined) return (await import('./reader-http.ts')).overHttp(place.url, place.tokenFile);
  return (await import('./reader-database.ts')).overDatabase(place.db);
}

/** Where queries are answered: by a running Spoor over its API, or by a database file that nobody needs to be running for. */
import { readFileSync, statSync } from 'node:fs';
import type { Alert, Incident } from '../alerts/alert.ts';
import type { RuleRecord } from '../api/deps.ts';
import type { RemoteTree } from '../render/remote-tree.ts';
import type { AlertQuery, Delivery, DeliveryQuery, IncidentQuery, Page } from '../store/store.ts';
import { CommandError } from './io.ts';

export interface Place {
  readonly url: string;
  readonly tokenFile?: string;
  readonly db?: string;
}

type Query = Readonly<Record<string, string | number | readonly string[] | undefined>>;

export interface Reader {
  alerts(query: Query): Promise<Page<Alert>>;
  /** With its evidence, by id or the beginning of it; null when there is none. */
  alert(id: string): Promise<Alert | null>;
  incidents(query: Query): Promise<Page<Incident>>;
  /** By id or the beginning of it; null when there is none. */
  incident(id: string): Promise<Incident | null>;
  /** An incident as lines of a capture: with its surroundings where they are still recorded, else its evidence. */
  capture(id: string): Promise<string[]>;
  /** The trees of an incident, or of a pod (`namespace/name`). */
  incidentTree(id: string): Promise<RemoteTree>;
  podTree(pod: string): Promise<RemoteTree | null>;
  deliveries(query: Query): Promise<Page<Delivery>>;
  replay(delivery: string): Promise<boolean>;
  /** Those at work, with what they did. */
  rules(): Promise<readonly RuleRecord[]>;
  status(): Promise<unknown>;
  close(): Promise<void>;
}

const CAPTURE_EVENTS_MAX = 100_000;
const TIMEOUT_MS = 30_000;

export const openReader = (place: Place): Promise<Reader> =>
  place.db === undefined ? Promise.resolve(overHttp(place.url, place.tokenFile)) : overDatabase(place.db);

/** `state=open` may come as one text or several. */
const lists = ({ states, levels, ...rest }: Query): Query => ({
  ...rest,
  ...(states === undefined ? {} : { states: [states].flat() as string[] }),
  ...(levels === undefined ? {} : { levels: levels as string[] }),
});

async function overDatabase(path: string): Promise<Reader> {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) throw new CommandError(`${path}: no such database`);
  if (!found.isFile()) throw new CommandError(`${path} is not a file: --db names the database, such as data/spoor.db`);
  const { openStore } = await import('../store/sqlite/open.ts');
  const store = await openStore({ path, readOnly: true }).catch((error: Error) => {
    throw new CommandError(error.message);
  });
  return {
    alerts: query => store.alerts(lists(query) as AlertQuery, null),
    alert: async id => {
      const exact = await store.alert(id, null);
      if (exact !== null) return exact;
      const { items } = await store.alerts({ limit: 1_000 }, null);
      const found = items.find(alert => alert.id.startsWith(id));
      return found === undefined ? null : store.alert(found.id, null);
    },
    incidents: query => store.incidents(lists(query) as IncidentQuery, null),
    incident: async id => {
      const exact = await store.incident(id, null);
      if (exact !== null) return exact;
      const { items } = await store.incidents({ limit: 1_000 }, null);
      return items.find(incident => incident.id.startsWith(id)) ?? null;
    },
    capture: async id => {
      const evidence = await store.incidentEvidence(id, CAPTURE_EVENTS_MAX, null);
      const { items } = await store.alerts({ incident: id, limit: 1_000 }, null);
      const { readRecording } = await import('../app/recording.ts');
      const { incidentCapture } = await import('../app/incident-capture.ts');
      const recorder = await readRecording(path);
      const recorded = recorder === null ? null : await incidentCapture(recorder, items, evidence, null);
      if (recorded === null) return evidence.map(({ raw }) => JSON.stringify(raw));
      const lines: string[] = [];
      for await (const line of recorded) lines.push(line);
      return lines;
    },
    incidentTree: () => noLiveTree(),
    podTree: () => noLiveTree(),
    deliveries: query => store.outbox.list(lists(query) as DeliveryQuery, null),
    replay: () => {
      throw new CommandError('a delivery can only be sent again by a running Spoor: leave out --db');
    },
    rules: () => {
      throw new CommandError('the rules at work are those of a running Spoor: leave out --db');
    },
    status: () => {
      throw new CommandError('status is that of a running Spoor: leave out --db');
    },
    close: () => store.close(),
  };
}

function noLiveTree(): never {
  throw new CommandError(
    'a tree is drawn by a running Spoor (leave out --db), or from recorded files (spoor tree FILE… --pod …)',
  );
}

function overHttp(url: string, tokenFile: string | undefined): Reader {
  const headers: Record<string, string> = {};
  if (tokenFile !== undefined) headers.authorization = `Bearer ${readFileSync(tokenFile, 'utf8').trim()}`;

  async function call(path: string, query: Query = {}, method = 'GET'): Promise<Response> {
    const target = new URL(`/api/v1/${path}`, url);
    for (const [key, value] of Object.entries(query)) {
      // The API's filters are named in the singular.
      const name = key === 'levels' ? 'level' : key === 'states' ? 'state' : key;
      if (value !== undefined) target.searchParams.set(name, [value].flat().join(','));
    }
    let response: Response;
    try {
      response = await fetch(target, { method, headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
    } catch (error) {
      const { message, cause } = error as Error;
      const why = cause instanceof Error ? cause.message || (cause as NodeJS.ErrnoException).code : message;
      throw new CommandError(
        `no Spoor answers at ${target.origin} (${why}); start one (spoor run, spoor demo), name it with --url, or read a database with --db`,
      );
    }
    if (response.ok || response.status === 404) return response;
    const problem = (await response.json().catch(() => ({}))) as { detail?: string; title?: string };
    throw new CommandError(
      `${target.origin} answered ${response.status}: ${problem.detail ?? problem.title ?? response.statusText}`,
    );
  }
  const json = async <T>(path: string, query?: Query): Promise<T> => (await call(path, query)).json() as Promise<T>;

  return {
    alerts: query => json<Page<Alert>>('alerts', query),
    alert: async id => {
      const response = await call(`alerts/${encodeURIComponent(id)}`);
      if (response.ok) return (await response.json()) as Alert;
      const { items } = await json<Page<Alert>>('alerts', { limit: 1_000 });
      const found = items.find(alert => alert.id.startsWith(id));
      return found === undefined ? null : json<Alert>(`alerts/${encodeURIComponent(found.id)}`);
    },
    incidents: query => json<Page<Incident>>('incidents', query),
    incident: async id => {
      const response = await call(`incidents/${encodeURIComponent(id)}`);
      if (response.ok) return (await response.json()) as Incident;
      const { items } = await json<Page<Incident>>('incidents', { limit: 1_000 });
      return items.find(incident => incident.id.startsWith(id)) ?? null;
    },
    capture: async id =>
      (await (await call(`incidents/${encodeURIComponent(id)}/capture`)).text())
        .split('\n')
        .filter(line => line !== ''),
    incidentTree: id => json<RemoteTree>(`incidents/${encodeURIComponent(id)}/tree`),
    podTree: async pod => {
      const [namespace = '', name = ''] = pod.split('/');
      const response = await call(`pods/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}/tree`);
      return response.ok ? ((await response.json()) as RemoteTree) : null;
    },
    deliveries: query => json<Page<Delivery>>('deliveries', query),
    replay: async id => (await call(`deliveries/${encodeURIComponent(id)}/replay`, {}, 'POST')).ok,
    rules: async () => (await json<{ items: readonly RuleRecord[] }>('rules')).items,
    status: () => json('status'),
    close: async () => undefined,
  };
}

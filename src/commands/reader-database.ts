/** Queries answered from a database file, whoever else writes it meanwhile. */
import { statSync } from 'node:fs';
import type { Alert, AlertEvidence } from '../alerts/alert.ts';
import type { LiveViews } from '../api/deps.ts';
import type { AlertQuery, Delivery, DeliveryQuery, IncidentQuery, Store } from '../store/store.ts';
import { CommandError, UsageError } from './io.ts';
import type { ListedDelivery, Query, Reader } from './reader.ts';

const CAPTURE_EVENTS_MAX = 100_000;
/** As the API has it. */
const ID_BEGINNING_CHARS_MIN = 6;
const CANDIDATES_SHOWN_MAX = 5;
const MERGES_FOLLOWED_MAX = 16;
const ALERTS_MAX = 1_000;
const TIMELINE_EVENTS_MAX = 10_000;
const GAPS_MAX = 500;

/** `state=open` may come as one text or several. */
const lists = ({ states, levels, ...rest }: Query): Query => ({
  ...rest,
  ...(states === undefined ? {} : { states: [states].flat() as string[] }),
  ...(levels === undefined ? {} : { levels: levels as string[] }),
});

function listed({ created_at, due_at, updated_at, ...rest }: Delivery): ListedDelivery {
  const text = (ms: number): string => new Date(ms).toISOString();
  return { ...rest, created_at: text(created_at), due_at: text(due_at), updated_at: text(updated_at) };
}

/** By the whole id, else by a beginning that leads to one alone. */
async function found<T>(
  text: string,
  get: (id: string) => Promise<T | null>,
  idsFrom: (beginning: string, limit: number) => Promise<readonly string[]>,
): Promise<T | null> {
  const exact = await get(text);
  if (exact !== null || text.length < ID_BEGINNING_CHARS_MIN) return exact;
  const ids = await idsFrom(text, CANDIDATES_SHOWN_MAX + 1);
  if (ids.length > 1) {
    const more = ids.length > CANDIDATES_SHOWN_MAX ? ' and more' : '';
    throw new CommandError(
      `${text} is the beginning of several ids: ${ids.slice(0, CANDIDATES_SHOWN_MAX).join(', ')}${more}`,
    );
  }
  return ids[0] === undefined ? null : get(ids[0]);
}

function onlyRunning(what: string): () => never {
  return () => {
    throw new CommandError(`${what}: leave out --db`);
  };
}

const noTree = (): never => {
  throw new CommandError(
    'a tree is drawn by a running Spoor (leave out --db), or from recorded files (spoor tree FILE… --pod …)',
  );
};

/** A database knows what alerts remember, and nothing that happens now. */
const NOTHING_LIVE: LiveViews = { process: () => null, pod: () => null, connections: () => [] };

/** What is stored of an incident; of a merged one, with the incident that took it in. */
async function told(
  store: Store,
  id: string,
): Promise<{ alerts: readonly Alert[]; evidence: readonly AlertEvidence[] }> {
  let incident = id;
  for (let n = 0; n < MERGES_FOLLOWED_MAX; n++) {
    const into = (await store.incident(incident, null))?.merged_into ?? '';
    if (into === '') break;
    incident = into;
  }
  const { items } = await store.alerts({ incident, limit: ALERTS_MAX }, null);
  return { alerts: items, evidence: await store.incidentEvidence(incident, TIMELINE_EVENTS_MAX, null) };
}

export async function overDatabase(path: string): Promise<Reader> {
  const file = statSync(path, { throwIfNoEntry: false });
  if (file === undefined) throw new UsageError(`${path}: no such database`);
  if (!file.isFile()) throw new CommandError(`${path} is not a file: --db names the database, such as data/spoor.db`);
  const { openStore } = await import('../store/sqlite/open.ts');
  const store = await openStore({ path, readOnly: true }).catch((error: Error) => {
    throw new CommandError(error.message);
  });
  return {
    alerts: query => store.alerts(lists(query) as AlertQuery, null),
    alert: text =>
      found(
        text,
        id => store.alert(id, null),
        (beginning, limit) => store.alertIds(beginning, limit, null),
      ),
    incidents: query => store.incidents(lists(query) as IncidentQuery, null),
    incident: text =>
      found(
        text,
        id => store.incident(id, null),
        (beginning, limit) => store.incidentIds(beginning, limit, null),
      ),
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
    incidentPicture: async id => {
      const { incidentPicture } = await import('../api/picture/subjects.ts');
      const { atOnce } = await import('../api/picture/slices.ts');
      const { withEvidence } = await import('../api/picture/evidence.ts');
      const { alerts, evidence } = await told(store, id);
      const whole = await withEvidence(store, alerts, null);
      const { items: gaps } = await store.gaps({ limit: GAPS_MAX });
      return atOnce(incidentPicture(whole, evidence, { live: NOTHING_LIVE, scope: null, gaps, show: [] }));
    },
    incidentTimeline: async id => {
      const { timeline } = await import('../api/timeline.ts');
      const { alerts, evidence } = await told(store, id);
      const { items } = await store.auditLog({ target: id, limit: GAPS_MAX });
      return timeline(alerts, evidence, items).items;
    },
    podPicture: noTree,
    podTree: noTree,
    deliveries: async query => {
      const { items, next } = await store.outbox.list(lists(query) as DeliveryQuery, null);
      return { items: items.map(listed), next };
    },
    replay: onlyRunning('a delivery can only be sent again by a running Spoor'),
    replayDead: onlyRunning('a delivery can only be sent again by a running Spoor'),
    rules: onlyRunning('what rules did is known by a running Spoor'),
    status: onlyRunning('status is that of a running Spoor'),
    sinks: onlyRunning('sinks are those of a running Spoor'),
    close: () => store.close(),
  };
}

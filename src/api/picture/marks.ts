/** Which processes and connections are evidence, and in which order: the numbers in the picture. */
import type { Alert, AlertEvidence } from '../../alerts/alert.ts';
import { LEVELS } from '../../rules/rule.ts';
import type { ConnectionView } from '../views.ts';
import type { Mark } from './schema.ts';

export interface Marks {
  /** By exec_id. */
  readonly processes: ReadonlyMap<string, Mark>;
  readonly connections: ConnectionMarks;
}

/** Marks by the client's end, which is its own while the connection lives. Asked for every connection: no text is made for it. */
class ConnectionMarks {
  readonly #ports = new Map<number, Map<string, Mark>>();

  set({ ip, port }: ClientEnd, mark: Mark): void {
    const held = this.#ports.get(port);
    if (held === undefined) this.#ports.set(port, new Map([[ip, mark]]));
    else held.set(ip, mark);
  }

  /** Null when it is no evidence. */
  of({ source }: Pick<ConnectionView, 'source'>): Mark | null {
    return this.#ports.get(source.port)?.get(source.ip) ?? null;
  }
}

type Json = Readonly<Record<string, unknown>>;

const object = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {});
const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const byTime = (a: { readonly time: string }, b: { readonly time: string }): number =>
  a.time < b.time ? -1 : a.time > b.time ? 1 : 0;

interface ClientEnd {
  readonly ip: string;
  readonly port: number;
}

/** What one event is about: a process, a connection, or nothing that could be drawn. */
type Subject =
  | { readonly kind: 'process'; readonly id: string }
  | { readonly kind: 'connection'; readonly end: ClientEnd };

const keyOf = (subject: Subject): string =>
  subject.kind === 'process' ? `process ${subject.id}` : `connection ${subject.end.ip} ${subject.end.port}`;

const CONNECTING = /connect|accept|sendmsg|recvmsg|close/;

/** The socket of a kernel function that opens or uses one; null for other functions. */
function socketOf(body: Json): Json | null {
  if (!CONNECTING.test(text(body.function_name)) || !Array.isArray(body.args)) return null;
  const socket = body.args.map(each => object(object(each).sock_arg)).find(each => text(each.saddr) !== '');
  return socket ?? null;
}

function subjectOf({ raw }: AlertEvidence): Subject | null {
  const record = object(raw);
  const name = Object.keys(record).find(key => key === 'flow' || key.startsWith('process_'));
  if (name === undefined || name === 'flow') return null;
  const body = object(record[name]);
  const socket = socketOf(body);
  if (socket !== null && typeof socket.sport === 'number') {
    return { kind: 'connection', end: { ip: text(socket.saddr), port: socket.sport } };
  }
  const id = text(object(body.process).exec_id);
  return id === '' ? null : { kind: 'process', id };
}

/** Everything that an alert points at, with the time at which it became evidence. */
function subjectsOf(alert: Alert): { subject: Subject; time: string }[] {
  const found = alert.evidence.flatMap(event => {
    const subject = subjectOf(event);
    return subject === null ? [] : [{ subject, time: event.time }];
  });
  for (const flow of alert.flows) {
    found.push({ subject: { kind: 'connection', end: flow.source }, time: flow.time });
  }
  if (alert.process !== null && !found.some(({ subject }) => subject.kind === 'process')) {
    found.push({ subject: { kind: 'process', id: alert.process.exec_id }, time: alert.time });
  }
  return found;
}

interface Draft {
  readonly subject: Subject;
  time: string;
  level: Mark['level'];
  readonly rules: Set<string>;
  readonly alertIds: Set<string>;
}

const higher = (a: Mark['level'], b: Mark['level']): Mark['level'] => (LEVELS.indexOf(a) >= LEVELS.indexOf(b) ? a : b);

/** @param alerts in any order, with their evidence as far as it is loaded. */
export function marksOf(alerts: readonly Alert[]): Marks {
  const drafts = new Map<string, Draft>();
  for (const alert of [...alerts].sort(byTime)) {
    for (const { subject, time } of subjectsOf(alert)) {
      const id = keyOf(subject);
      let draft = drafts.get(id);
      if (draft === undefined) {
        draft = { subject, time, level: alert.rule.level, rules: new Set(), alertIds: new Set() };
        drafts.set(id, draft);
      }
      if (time < draft.time) draft.time = time;
      draft.level = higher(draft.level, alert.rule.level);
      draft.rules.add(alert.rule.title);
      draft.alertIds.add(alert.id);
    }
  }
  const processes = new Map<string, Mark>();
  const connections = new ConnectionMarks();
  for (const [at, { subject, time, level, rules, alertIds }] of [...drafts.values()].sort(byTime).entries()) {
    const mark: Mark = { step: at + 1, level, rules: [...rules], alert_ids: [...alertIds], time };
    if (subject.kind === 'process') processes.set(subject.id, mark);
    else connections.set(subject.end, mark);
  }
  return { processes, connections };
}

/** The one of higher level, with what both say; the earlier number. */
export function joinMarks(a: Mark | null, b: Mark | null): Mark | null {
  if (a === null || b === null) return a ?? b;
  const [first, second] = a.step <= b.step ? [a, b] : [b, a];
  return {
    step: first.step,
    time: first.time,
    level: higher(a.level, b.level),
    rules: [...new Set([...first.rules, ...second.rules])],
    alert_ids: [...new Set([...first.alert_ids, ...second.alert_ids])],
  };
}

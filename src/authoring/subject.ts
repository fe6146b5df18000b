/** The event that a rule or an exception is to be made of: found in an alert, in a capture, or given. */
import type { Alert, AlertEndpoint, AlertProcess } from '../alerts/alert.ts';
import { Context } from '../context/context.ts';
import type { Peer } from '../model/connection.ts';
import type { Event } from '../model/event.ts';
import type { Observation } from '../model/observation.ts';
import { isRecord } from '../rules/yaml.ts';
import type { Subject } from './scaffold.ts';

type Decode = (line: string) => Event;

/** The events of an alert as its rule saw them, the one that completed it last. */
export interface AlertSubject extends Subject {
  readonly evidence: readonly Observation[];
}

/** Null when the alert has no evidence that can be read. */
export function subjectOfAlert(alert: Alert, decode: Decode): AlertSubject | null {
  const { seeds, observations } = rejoined(alert, decode);
  const evidence = observations.filter(observation => observation !== null);
  const observation = evidence.at(-1);
  if (observation === undefined) return null;
  const steps = Object.entries(alert.steps).flatMap(([id, { event }]) => {
    const filled = observations[event];
    return filled == null ? [] : [{ id, event, observation: filled }];
  });
  steps.sort((a, b) => a.event - b.event);
  const told = [...seeds, ...steps.map(({ event }) => alert.evidence[event]?.raw)];
  return {
    observation,
    evidence,
    records: [...seeds, alert.evidence.at(-1)?.raw],
    tags: alert.rule.tags,
    ...(steps.length < 2 ? {} : { story: { steps, records: told } }),
  };
}

/** The alert's evidence as its rule saw it, one for one; null where it cannot be read. */
export const observationsOf = (alert: Alert, decode: Decode): readonly (Observation | null)[] =>
  rejoined(alert, decode).observations;

/**
 * An alert carries its evidence, the names of its process's ancestors and whose its flows were; what it does not carry is made up
 * from those, so that conditions on ancestry and on who connected read what they read then.
 */
function rejoined(alert: Alert, decode: Decode): { seeds: unknown[]; observations: (Observation | null)[] } {
  const context = new Context();
  const chain = [alert.process, ...alert.ancestors].filter(process => process !== null);
  // What a record says of a process itself is more than the alert does.
  const told = new Set(alert.evidence.flatMap(({ raw }) => described(raw)));
  const seeds = chain
    .map((process, i) => (told.has(process.exec_id) ? null : seed(process, chain[i + 1] ?? null, alert)))
    .filter(record => record !== null)
    .reverse();
  for (const record of seeds) tolerant(record, decode, context);
  const observations = alert.evidence.map(({ raw, time }) => {
    const observation = tolerant(raw, decode, context);
    return observation === null ? null : withFlow(observation, alert, time, context);
  });
  return { seeds, observations };
}

/** An event by itself does not say whose its connection was, nor what the addresses were called: the alert remembers. */
function withFlow(observation: Observation, alert: Alert, time: string, context: Context): Observation {
  const { event, connection } = observation;
  const [client, server] = [observation.client ?? connection?.client, observation.server ?? connection?.server];
  if (client === undefined || server === undefined) return observation;
  const flow =
    alert.flows.find(({ source, destination }) => isAt(client, source) && isAt(server, destination)) ??
    alert.flows.find(one => one.time === time);
  if (flow === undefined) return observation;
  const told = flow.exec_id === null ? null : context.process(flow.exec_id);
  const process = event.kind === 'flow' ? (told ?? observation.process) : observation.process;
  const ends = { client: named(client, flow.source.names), server: named(server, flow.destination.names) };
  const isServer = told?.pod != null && flow.destination.pod === `${told.pod.namespace}/${told.pod.name}`;
  return {
    ...observation,
    process,
    attribution: event.kind === 'flow' ? flow.attribution : observation.attribution,
    client: observation.client === null ? null : ends.client,
    server: observation.server === null ? null : ends.server,
    connection:
      connection === null
        ? null
        : but(connection, {
            ...ends,
            process: connection.process ?? (isServer ? null : told),
            serverProcess: connection.serverProcess ?? (isServer ? told : null),
          }),
  };
}

/** The same but for some properties; what its class computes stays. */
const but = <T extends object>(held: T, changes: Partial<T>): T => Object.assign(Object.create(held), changes);

const isAt = (peer: Peer, { ip, port }: AlertEndpoint): boolean => peer.ip === ip && peer.port === port;
const named = (peer: Peer, names: readonly string[]): Peer => (peer.names.length > 0 ? peer : { ...peer, names });

function tolerant(record: unknown, decode: Decode, context: Context): Observation | null {
  try {
    return context.observe(decode(JSON.stringify(record)));
  } catch {
    // Evidence of another version, or cut: the rest may still do.
    return null;
  }
}

/** The exec_ids of the processes that a record describes: its own, the parent, the ancestors. */
function described(raw: unknown): string[] {
  if (!isRecord(raw)) return [];
  return Object.values(raw)
    .filter(isRecord)
    .flatMap(body => [body.process, body.parent, ...(Array.isArray(body.ancestors) ? body.ancestors : [])])
    .flatMap(block => (isRecord(block) && typeof block.exec_id === 'string' ? [block.exec_id] : []));
}

/** An exec record of what an alert says of one process. */
function seed(process: AlertProcess, parent: AlertProcess | null, alert: Alert): unknown {
  const time = process.start_time ?? alert.time;
  return {
    process_exec: {
      process: {
        exec_id: process.exec_id,
        pid: process.pid,
        ...(process.uid === null ? {} : { uid: process.uid }),
        cwd: process.cwd,
        binary: process.binary,
        arguments: process.arguments,
        start_time: time,
        ...(parent === null ? {} : { parent_exec_id: parent.exec_id }),
      },
    },
    node_name: alert.node,
    time,
  };
}

/** One recorded event by itself; its record may carry parent and ancestors. Throws with the reason when it is none. */
export function subjectOfRecord(line: string, decode: Decode): Subject {
  const event = decode(line);
  return { observation: new Context().observe(event), records: [JSON.parse(event.raw.line())], tags: [] };
}

/** The start of that process as it was observed among everything before it. */
export function subjectOfObservation(observation: Observation): Subject {
  return { observation, records: [JSON.parse(observation.event.raw.line())], tags: [] };
}

/** The connections that belong in an alert: those of its evidence, then those that its processes had open. */
import type { Attribution, Connection, Peer } from '../model/connection.ts';
import type { FlowEvent } from '../model/event.ts';
import type { Observation } from '../model/observation.ts';
import type { Process } from '../model/process.ts';
import { formatInstant } from '../model/time.ts';
import type { AlertEndpoint, AlertFlow } from './alert.ts';
import { podName } from './trees.ts';

const FLOWS_MAX = 64;
const FLOWS_PER_PROCESS_MAX = 8;
const NAMES_MAX = 8;
const DNS_PORT = 53;

function endpoint(peer: Peer, process: Process | null): AlertEndpoint {
  const known = peer.endpoint !== null && peer.endpoint.podName !== '' ? peer.endpoint : null;
  const pod =
    known !== null
      ? `${known.namespace}/${known.podName}`
      : process !== null && process.pod !== null
        ? podName(process.pod)
        : null;
  return { ip: peer.ip, port: peer.port, pod, names: peer.names.slice(0, NAMES_MAX), kind: peer.kind };
}

function make(
  connection: Connection,
  at: { time: number; ns: number },
  client: Peer,
  server: Peer,
  who: { process: Process | null; attribution: Attribution },
): AlertFlow {
  return {
    time: formatInstant(at.time, at.ns),
    attribution: who.attribution,
    protocol: connection.protocol,
    source: endpoint(client, connection.process),
    destination: endpoint(server, connection.serverProcess),
    verdict: connection.verdict,
    exec_id: who.process?.execId ?? null,
  };
}

/** The end of a connection that an alert about `process` is about: its own, else the client's, else the server's. */
function attributed(
  connection: Connection,
  process: Process | null,
): { process: Process | null; attribution: Attribution } {
  const { serverProcess, serverAttribution: attribution } = connection;
  if (serverProcess !== null && (serverProcess === process || connection.process === null)) {
    return { process: serverProcess, attribution };
  }
  return { process: connection.process, attribution: connection.attribution };
}

function bareEndpoint(
  ip: string,
  port: number,
  end: FlowEvent['sourceEndpoint'],
  names: readonly string[],
): AlertEndpoint {
  const pod = end !== null && end.podName !== '' ? `${end.namespace}/${end.podName}` : null;
  return { ip, port, pod, names: names.slice(0, NAMES_MAX), kind: pod !== null ? 'pod' : '' };
}

/** A flow that no connection was made of (ICMP, or beyond the bounds). */
function bareFlow(event: FlowEvent): AlertFlow {
  return {
    time: formatInstant(event.time, event.ns),
    attribution: 'pod',
    protocol: event.protocol,
    source: bareEndpoint(event.sourceIp, event.sourcePort, event.sourceEndpoint, event.sourceNames),
    destination: bareEndpoint(
      event.destinationIp,
      event.destinationPort,
      event.destinationEndpoint,
      event.destinationNames,
    ),
    verdict: event.verdict,
    exec_id: null,
  };
}

/** Connections that the process had as a client, and those of the images that it replaced: sockets survive exec. */
function connectionsOf(process: Process): Connection[] {
  const all: Connection[] = [];
  const images = new Set<Process>();
  for (let at: Process | null = process; at !== null && !images.has(at); at = at.replaced) {
    images.add(at);
    for (let i = at.connections.length - 1; i >= 0 && all.length < FLOWS_PER_PROCESS_MAX; i--) {
      const connection: Connection = at.connections[i]!;
      // Name look-ups say nothing that the names of the other connections do not.
      if (connection.process === at && connection.server.port !== DNS_PORT) all.push(connection);
    }
  }
  return all.reverse();
}

/** Flows of the evidence first and in its order, then of `processes`; every connection once, bounded. */
export function flowsOf(evidence: readonly Observation[], processes: readonly Process[]): AlertFlow[] {
  const flows: AlertFlow[] = [];
  const seen = new Set<Connection>();
  for (const observation of evidence) {
    const { event, connection } = observation;
    if (flows.length >= FLOWS_MAX) break;
    if (connection !== null) {
      if (seen.has(connection)) continue;
      seen.add(connection);
      const client = observation.client ?? connection.client;
      const server = observation.server ?? connection.server;
      flows.push(make(connection, event, client, server, attributed(connection, observation.process)));
    } else if (event.kind === 'flow') flows.push(bareFlow(event));
  }
  for (const process of processes) {
    for (const connection of connectionsOf(process)) {
      if (flows.length >= FLOWS_MAX) return flows;
      if (seen.has(connection)) continue;
      seen.add(connection);
      const at = { time: connection.firstSeen, ns: 0 };
      flows.push(make(connection, at, connection.client, connection.server, attributed(connection, process)));
    }
  }
  return flows;
}

/** The joined stream, one line (or one JSON object) an event: when, where, who, what, to whom, and how that is known. */
import type { Connection, Peer } from '../model/connection.ts';
import { type FlowEvent, isProcessEvent, type ProcessEvent, type StreamFact } from '../model/event.ts';
import type { Observation } from '../model/observation.ts';
import { baseName, type PodFacts, type Process } from '../model/process.ts';
import { formatInstant } from '../model/time.ts';
import { clock, shown } from './alert.ts';
import type { Style } from './style.ts';

const podName = (pod: PodFacts | null): string | null => (pod === null ? null : `${pod.namespace}/${pod.name}`);

/** `tenant-jobs/elasticsearch-master-0:9200`, `exfil-bucket.s3.amazonaws.com:443 (198.51.100.20)`, `10.0.0.1:53`. */
export function peerText(peer: Peer): string {
  const port = peer.port === 0 ? '' : `:${peer.port}`;
  const pod =
    peer.endpoint === null || peer.endpoint.podName === ''
      ? null
      : `${peer.endpoint.namespace}/${peer.endpoint.podName}`;
  const name =
    peer.names[0] ?? pod ?? (peer.service === null ? null : `${peer.service.namespace}/${peer.service.name}`);
  return name === null ? `${peer.ip}${port}` : `${name}${port} (${peer.ip})`;
}

export const peerRecord = (peer: Peer) => ({
  ip: peer.ip,
  port: peer.port,
  names: peer.names,
  pod:
    peer.endpoint === null || peer.endpoint.podName === ''
      ? null
      : `${peer.endpoint.namespace}/${peer.endpoint.podName}`,
  service: peer.service,
  kind: peer.kind,
});

export const processRecord = (process: Process) => ({
  exec_id: process.execId,
  pid: process.facts.pid,
  uid: process.facts.uid,
  binary: process.facts.binary,
  arguments: process.facts.arguments,
  parent_exec_id: process.facts.parentExecId,
});

function verdictText(event: FlowEvent): string {
  const reason = event.dropReason === '' ? '' : ` (${event.dropReason})`;
  return `${event.verdict}${reason}`;
}

function flowText(event: FlowEvent, observation: Observation): string {
  const { client, server } = observation;
  const l7 =
    event.dns !== null
      ? ` dns ${event.dns.query}${event.dns.ips.length > 0 ? ` = ${event.dns.ips.join(' ')}` : ''}`
      : event.http !== null
        ? ` http ${event.http.method} ${event.http.url}${event.http.code === 0 ? '' : ` ${event.http.code}`}`
        : '';
  const flags = event.tcpFlags === '' ? '' : ` ${event.tcpFlags}`;
  const arrow = event.isReply === true ? '←' : '→';
  const to = server === null ? `${event.destinationIp}:${event.destinationPort}` : peerText(server);
  const from = observation.process === null && client !== null ? `${peerText(client)} ` : '';
  return `${from}${arrow} ${to} ${event.protocol}${flags}${l7} ${verdictText(event)}`;
}

function processText(event: ProcessEvent, observation: Observation): string {
  switch (event.kind) {
    case 'process_exec':
      return `exec ${event.process.binary} ${event.process.arguments}`;
    case 'process_exit':
      return `exit ${event.signal === '' ? (event.status ?? '') : event.signal}`;
    default: {
      const connection = observation.connection;
      const to = connection === null ? '' : ` → ${peerText(connection.server)}`;
      const args = connection === null ? ` ${event.args.map(arg => argText(arg.value)).join(' ')}` : '';
      return `${event.functionName}${to}${args}`;
    }
  }
}

function argText(value: unknown): string {
  if (value === null || typeof value !== 'object') return String(value);
  const { path, name } = value as { path?: unknown; name?: unknown };
  return String(path ?? name ?? JSON.stringify(value));
}

const factText = (event: StreamFact): string =>
  `${event.reason}${event.count > 0 ? ` ${event.count} events` : ''} ${event.nodeNames.join(' ')} ${event.message}`.trim();

/** What happened, in one line; an attacker's text, and not escaped. */
export function observationWords(observation: Observation): string {
  const { event } = observation;
  if (isProcessEvent(event)) return processText(event, observation);
  return event.kind === 'flow' ? flowText(event, observation) : factText(event);
}

export function observationText(observation: Observation, style: Style): string {
  const { event, process, pod, attribution } = observation;
  const time = style.dim(clock(formatInstant(event.time, event.ns)));
  const where = shown(podName(pod) ?? event.node, 60);
  const who =
    process === null ? '' : ` ${style.bold(shown(baseName(process.facts.binary) || '?', 40))}(${process.facts.pid})`;
  const what = observationWords(observation);
  const how = event.kind === 'flow' && attribution !== null ? style.dim(` [${attribution}]`) : '';
  return `${time} ${style.cyan(where)}${who} ${shown(what, 300)}${how}`;
}

const connectionRecord = (connection: Connection) => ({
  id: connection.id,
  protocol: connection.protocol,
  source: peerRecord(connection.client),
  destination: peerRecord(connection.server),
});

export function observationRecord(observation: Observation): unknown {
  const { event, process, pod, connection, attribution } = observation;
  return {
    time: formatInstant(event.time, event.ns),
    kind: event.kind,
    node: event.node,
    pod: podName(pod),
    process: process === null ? null : processRecord(process),
    function: isProcessEvent(event) ? event.functionName : '',
    verdict: event.kind === 'flow' ? event.verdict : '',
    is_reply: event.kind === 'flow' ? event.isReply : null,
    dns: event.kind === 'flow' ? event.dns : null,
    http: event.kind === 'flow' ? event.http : null,
    connection: connection === null ? null : connectionRecord(connection),
    attribution,
  };
}

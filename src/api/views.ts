/** Processes and connections as the API gives them: from the engine when it knows them, else from what alerts remember. */
import { z } from 'zod';
import type { AlertFlow } from '../alerts/alert.ts';
import type { Connection, Peer } from '../model/connection.ts';
import type { PodFacts, Process } from '../model/process.ts';
import { formatInstant } from '../model/time.ts';
import { sees } from './auth.ts';
import type { Scope } from './deps.ts';
import type { RecordProcess } from './record.ts';
import { attributionSchema, endpointSchema } from './schemas.ts';

export const connectionSchema = z
  .object({
    id: z.string(),
    protocol: z.string(),
    source: endpointSchema.describe('the client'),
    destination: endpointSchema.describe('the server'),
    attribution: attributionSchema,
    exec_id: z.string().nullable().describe('process at the client’s end'),
    server_exec_id: z.string().nullable().describe('process at the server’s end'),
    verdict: z.string(),
    flows: z.number(),
    first_seen: z.string(),
    last_seen: z.string(),
    closed: z.boolean(),
    bytes_sent: z.number(),
  })
  .meta({ id: 'Connection' });

export type ConnectionView = z.infer<typeof connectionSchema>;

const processNameSchema = z.object({ pid: z.number(), binary: z.string() }).nullable();

export const namedConnectionSchema = connectionSchema
  .extend({
    process: processNameSchema.describe('at the client’s end; null when it is not known, or not to be seen'),
    server_process: processNameSchema.describe('at the server’s end'),
  })
  .meta({ id: 'NamedConnection', description: 'With what its processes are called' });

export type NamedConnectionView = z.infer<typeof namedConnectionSchema>;

export const treeProcessSchema = z
  .object({
    exec_id: z.string(),
    parent_exec_id: z.string().nullable(),
    depth: z.number().describe('0 for roots'),
    known: z.enum(['live', 'stored', 'named']).describe('by the engine, by alerts alone, or only as somebody’s parent'),
    pid: z.number(),
    binary: z.string(),
    arguments: z.string(),
    uid: z.number().nullable(),
    cwd: z.string(),
    start_time: z.string().nullable(),
    exit_time: z.string().nullable(),
    exit_signal: z.string(),
    exit_status: z.number().nullable(),
    replaces: z
      .string()
      .nullable()
      .describe('exec_id of the image before it in the same pid: it stands under that one'),
    replaced_by: z.string().nullable().describe('exec_id of the image that replaced this one in the same pid'),
    node: z.string(),
    pod: z.string().nullable().describe('namespace/name; null on hosts'),
    container: z
      .object({ id: z.string(), name: z.string(), image: z.string(), start_time: z.string().nullable() })
      .nullable(),
    alerts: z.array(z.string()).describe('ids of alerts that it triggered'),
    connections: z.array(connectionSchema),
  })
  .meta({ id: 'TreeProcess' });

export type TreeProcess = z.infer<typeof treeProcessSchema>;

const podName = (pod: PodFacts | null): string | null => (pod === null ? null : `${pod.namespace}/${pod.name}`);

function endpointOf(peer: Peer): ConnectionView['source'] {
  const { endpoint } = peer;
  const pod = endpoint === null || endpoint.podName === '' ? null : `${endpoint.namespace}/${endpoint.podName}`;
  return { ip: peer.ip, port: peer.port, pod, names: [...peer.names], kind: peer.kind };
}

/** Null when the caller may not see it. */
const seenBy = (process: Process | null, scope: Scope): Process | null =>
  process !== null && sees(scope, process.pod?.namespace ?? '') ? process : null;

// A node's process may hold an outside address: a proxy, a lab that plays the internet. It is not who is outside.
const serverProcessOf = ({ server, serverProcess }: Connection): Process | null =>
  server.kind === 'world' ? null : serverProcess;

export function connectionView(connection: Connection, scope: Scope): ConnectionView {
  return {
    id: connection.id,
    protocol: connection.protocol,
    source: endpointOf(connection.client),
    destination: endpointOf(connection.server),
    attribution: connection.attribution,
    exec_id: seenBy(connection.process, scope)?.execId ?? null,
    server_exec_id: seenBy(serverProcessOf(connection), scope)?.execId ?? null,
    verdict: connection.verdict,
    flows: connection.flows,
    first_seen: formatInstant(connection.firstSeen),
    last_seen: formatInstant(connection.lastSeen),
    closed: connection.closed,
    bytes_sent: connection.bytesSent,
  };
}

export function namedConnectionView(connection: Connection, scope: Scope): NamedConnectionView {
  const named = (process: Process | null): NamedConnectionView['process'] => {
    const facts = seenBy(process, scope)?.facts;
    return facts === undefined ? null : { pid: facts.pid, binary: facts.binary };
  };
  return {
    ...connectionView(connection, scope),
    process: named(connection.process),
    server_process: named(serverProcessOf(connection)),
  };
}

/** A live process without its place in a tree. */
export function processView(process: Process, scope: Scope): TreeProcess {
  const { facts, pod } = process;
  const container = pod?.container ?? null;
  return {
    exec_id: process.execId,
    parent_exec_id: process.parent?.execId ?? null,
    depth: 0,
    known: process.placeholder ? 'named' : 'live',
    pid: facts.pid,
    binary: facts.binary,
    arguments: facts.arguments,
    uid: facts.uid,
    cwd: facts.cwd,
    start_time: process.placeholder ? null : formatInstant(facts.startTime, facts.startNs),
    exit_time: process.exitTime === null ? null : formatInstant(process.exitTime),
    exit_signal: process.exitSignal,
    exit_status: process.exitStatus,
    replaces: process.replaced?.execId ?? null,
    replaced_by: process.replacedBy?.execId ?? null,
    node: process.node,
    pod: podName(pod),
    container:
      container === null
        ? null
        : {
            id: container.id,
            name: container.name,
            image: container.imageName,
            start_time: container.startTime === null ? null : formatInstant(container.startTime),
          },
    alerts: [],
    connections: process.connections.map(connection => connectionView(connection, scope)),
  };
}

export function storedView({ process, parent, node, pod }: RecordProcess): TreeProcess {
  return {
    ...process,
    parent_exec_id: parent,
    depth: 0,
    known: process.start_time === null ? 'named' : 'stored',
    exit_time: null,
    exit_signal: '',
    exit_status: null,
    replaces: null,
    replaced_by: null,
    node,
    pod,
    container: null,
    alerts: [],
    connections: [],
  };
}

export function flowView(flow: AlertFlow): ConnectionView {
  const { protocol, source, destination } = flow;
  return {
    id: `${protocol} ${source.ip}:${source.port} ${destination.ip}:${destination.port}`,
    protocol,
    source: { ...source, names: [...source.names] },
    destination: { ...destination, names: [...destination.names] },
    attribution: flow.attribution,
    exec_id: flow.exec_id,
    server_exec_id: null,
    verdict: flow.verdict,
    flows: 1,
    first_seen: flow.time,
    last_seen: flow.time,
    closed: false,
    bytes_sent: 0,
  };
}

/**
 * Process trees as the API gives them: a flat list in tree order (a tree may be deeper than any JSON parser likes), made of what
 * the engine knows right now and, where it has forgotten, of what the alerts of an incident remember.
 */
import { z } from 'zod';
import type { Alert, AlertEvidence, AlertFlow, AlertProcess } from '../alerts/alert.ts';
import type { Connection, Peer } from '../model/connection.ts';
import { ancestorsOf, type PodFacts, type Process } from '../model/process.ts';
import { formatInstant } from '../model/time.ts';
import { sees } from './auth.ts';
import type { LivePod, LiveViews, Scope } from './deps.ts';
import { type RecordProcess, recordProcesses } from './record.ts';
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

export const treeSchema = z
  .object({
    processes: z.array(treeProcessSchema).describe('in tree order: parents before children, oldest first'),
    pod_connections: z.array(connectionSchema).describe('connections whose process is not known'),
    omitted: z.number().describe('processes left out at the limit, at least; those behind alerts come first'),
  })
  .meta({ id: 'ProcessTree' });

export type TreeView = z.infer<typeof treeSchema>;

const podName = (pod: PodFacts | null): string | null => (pod === null ? null : `${pod.namespace}/${pod.name}`);

function endpointOf(peer: Peer): ConnectionView['source'] {
  const { endpoint } = peer;
  const pod = endpoint === null || endpoint.podName === '' ? null : `${endpoint.namespace}/${endpoint.podName}`;
  return { ip: peer.ip, port: peer.port, pod, names: [...peer.names], kind: peer.kind };
}

/** The exec_id of a process that the caller may see, else null. */
function execIdFor(process: Process | null, scope: Scope): string | null {
  if (process === null || !sees(scope, process.pod?.namespace ?? '')) return null;
  return process.execId;
}

export function connectionView(connection: Connection, scope: Scope): ConnectionView {
  return {
    id: connection.id,
    protocol: connection.protocol,
    source: endpointOf(connection.client),
    destination: endpointOf(connection.server),
    attribution: connection.attribution,
    exec_id: execIdFor(connection.process, scope),
    server_exec_id: execIdFor(connection.serverProcess, scope),
    verdict: connection.verdict,
    flows: connection.flows,
    first_seen: formatInstant(connection.firstSeen),
    last_seen: formatInstant(connection.lastSeen),
    closed: connection.closed,
    bytes_sent: connection.bytesSent,
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

function storedView({ process, parent, node, pod }: RecordProcess): TreeProcess {
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

function flowView(flow: AlertFlow): ConnectionView {
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

/** Two views of one connection: the live one's id holds more than its ends, the stored one's does not. */
const endsOf = ({ protocol, source, destination }: ConnectionView): string =>
  `${protocol} ${source.ip}:${source.port} ${destination.ip}:${destination.port}`;

/** Children, and the image that replaced this one: its parent is this one's. */
function belowOf(process: Process | undefined): Process[] {
  if (process === undefined) return [];
  return process.replacedBy === null ? [...process.children] : [...process.children, process.replacedBy];
}

/** Collects processes up to a limit, then puts them in tree order. */
class TreeBuilder {
  readonly #nodes = new Map<string, TreeProcess>();
  readonly #loose = new Map<string, ConnectionView>();
  readonly #scope: Scope;
  readonly #processesMax: number;
  #omitted = 0;

  constructor(scope: Scope, processesMax: number) {
    this.#scope = scope;
    this.#processesMax = processesMax;
  }

  /** Adds what nobody knew; false when it was known or there is no room. */
  add(view: TreeProcess): boolean {
    const held = this.#nodes.get(view.exec_id);
    if (held !== undefined) {
      // What only an ancestor list named is completed by the event that told its parent.
      if (held.known !== 'live') held.parent_exec_id ??= view.parent_exec_id;
      if (held.known === 'named' && view.known === 'stored') {
        const { alerts, parent_exec_id, container } = held;
        this.#nodes.set(view.exec_id, { ...view, alerts, parent_exec_id, container, pod: held.pod ?? view.pod });
      }
      return false;
    }
    if (this.#nodes.size >= this.#processesMax) {
      this.#omitted++;
      return false;
    }
    this.#nodes.set(view.exec_id, view);
    return true;
  }

  /** A live process and the chain above it, as far as the caller may see (hosts' processes are part of the ancestry). */
  addLive(process: Process): void {
    for (const each of [process, ...ancestorsOf(process)]) {
      if (each.pod === null || sees(this.#scope, each.pod.namespace)) this.add(processView(each, this.#scope));
    }
  }

  /** Everything below `root`, breadth first, so that the limit cuts the deepest. */
  addDescendants(root: Process): void {
    const queue = [root];
    const seen = new Set(queue);
    for (let at = 0; at < queue.length; at++) {
      for (const child of belowOf(queue[at])) {
        if (seen.has(child) || (child.pod !== null && !sees(this.#scope, child.pod.namespace))) continue;
        seen.add(child);
        if (this.#nodes.size >= this.#processesMax && !this.#nodes.has(child.execId)) {
          this.#omitted++;
          continue;
        }
        this.add(processView(child, this.#scope));
        queue.push(child);
      }
    }
  }

  get(execId: string): TreeProcess | undefined {
    return this.#nodes.get(execId);
  }

  addConnection(view: ConnectionView): void {
    const owner = view.exec_id === null ? undefined : this.#nodes.get(view.exec_id);
    if (owner === undefined) {
      if (!this.#loose.has(endsOf(view))) this.#loose.set(endsOf(view), view);
    } else if (!owner.connections.some(held => endsOf(held) === endsOf(view))) {
      owner.connections.push(view);
    }
  }

  finish(): TreeView {
    return { processes: this.#ordered(), pod_connections: [...this.#loose.values()], omitted: this.#omitted };
  }

  /** What a process stands under: the image that it replaced, else its parent; null for a root. */
  #placeOf({ exec_id, replaces, parent_exec_id }: TreeProcess): string | null {
    return [replaces, parent_exec_id].find(id => id !== null && id !== exec_id && this.#nodes.has(id)) ?? null;
  }

  #ordered(): TreeProcess[] {
    const children = new Map<string | null, TreeProcess[]>();
    for (const node of this.#nodes.values()) {
      const place = this.#placeOf(node);
      const siblings = children.get(place);
      if (siblings === undefined) children.set(place, [node]);
      else siblings.push(node);
    }
    const oldestLast = (a: TreeProcess, b: TreeProcess): number => compare(b.start_time ?? '', a.start_time ?? '');
    const ordered: TreeProcess[] = [];
    const placed = new Set<TreeProcess>();
    const walk = (roots: TreeProcess[]): void => {
      const stack = roots.sort(oldestLast).map(node => ({ node, depth: 0 }));
      for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
        const { node, depth } = top;
        if (placed.has(node)) continue;
        placed.add(node);
        node.depth = depth;
        ordered.push(node);
        for (const child of (children.get(node.exec_id) ?? []).sort(oldestLast))
          stack.push({ node: child, depth: depth + 1 });
      }
    };
    walk(children.get(null) ?? []);
    // Cycles have no root: hostile or broken records still show up, from wherever they are entered.
    for (const node of this.#nodes.values()) if (!placed.has(node)) walk([node]);
    return ordered;
  }
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The tree of a pod as the engine knows it. */
export function podTree(pod: LivePod, scope: Scope, processesMax: number): TreeView {
  const builder = new TreeBuilder(scope, processesMax);
  for (const process of pod.processes()) builder.addLive(process);
  for (const connection of pod.ownConnections()) {
    if (connection.process === null && connection.serverProcess === null) {
      builder.addConnection(connectionView(connection, scope));
    }
  }
  return builder.finish();
}

/** The trees of an incident: first what its alerts name, then what the engine knows around it. */
export function incidentTree(
  alerts: readonly Alert[],
  evidence: readonly AlertEvidence[],
  live: LiveViews,
  scope: Scope,
  processesMax: number,
): TreeView {
  const builder = new TreeBuilder(scope, processesMax);
  const named = new Set<string>();
  const addKnown = (stored: RecordProcess): void => {
    named.add(stored.process.exec_id);
    const known = live.process(stored.process.exec_id);
    if (known === null) builder.add(storedView(stored));
    else builder.addLive(known);
  };
  for (const alert of alerts) {
    const chain = alert.process === null ? alert.ancestors : [alert.process, ...alert.ancestors];
    for (const [at, process] of chain.entries()) {
      addKnown({ process, parent: chain[at + 1]?.exec_id ?? null, node: alert.node, pod: null });
    }
    markPod(builder, alert, chain);
  }
  for (const record of evidence) {
    for (const stored of recordProcesses(record.raw)) addKnown(stored);
  }
  for (const alert of alerts) for (const flow of alert.flows) builder.addConnection(flowView(flow));
  const roots = new Set([...named, ...alerts.flatMap(alert => alert.trees)]);
  for (const execId of roots) {
    const process = live.process(execId);
    // Below a host's process is the whole host: only what happens in containers is expanded.
    if (process !== null && process.pod !== null && sees(scope, process.pod.namespace)) {
      builder.addLive(process);
      builder.addDescendants(process);
    }
  }
  return builder.finish();
}

/** Marks the alert's process, and gives the stored processes of its container their pod: up to the tree's root inside it. */
function markPod(builder: TreeBuilder, alert: Alert, chain: readonly AlertProcess[]): void {
  const triggered = alert.process === null ? undefined : builder.get(alert.process.exec_id);
  if (triggered !== undefined && !triggered.alerts.includes(alert.id)) triggered.alerts.push(alert.id);
  if (alert.pod === null) return;
  const root = chain.findIndex(process => alert.trees.includes(process.exec_id));
  for (const process of chain.slice(0, Math.max(root, 0) + 1)) {
    const view = builder.get(process.exec_id);
    if (view === undefined || view.known === 'live') continue;
    view.pod = `${alert.pod.namespace}/${alert.pod.name}`;
    if (alert.container !== null) view.container = alert.container;
  }
}

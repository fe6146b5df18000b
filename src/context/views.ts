/** Trees as plain data for drawing and for the API: copies, in a stable order, bounded; nothing here changes a process. */
import type { Attribution, Connection, Peer } from '../model/connection.ts';
import type { PodFacts, Process } from '../model/process.ts';
import { ancestorsOf } from '../model/process.ts';
import type { Micros } from '../model/time.ts';
import type { Context } from './context.ts';

/** A view holds at most this many processes, this deep; what is left out is counted in `omitted`. */
const VIEW_PROCESSES_MAX = 10_000;
const VIEW_DEPTH_MAX = 256;

export interface ProcessView {
  readonly execId: string;
  readonly parentExecId: string;
  readonly pid: number;
  readonly binary: string;
  readonly arguments: string;
  readonly uid: number | null;
  readonly cwd: string;
  readonly node: string;
  /** `namespace/name`, or '' on a host. */
  readonly pod: string;
  readonly container: string;
  readonly startTime: Micros;
  /** Null while it runs; of an image replaced by exec, when its successor started. */
  readonly exitTime: Micros | null;
  readonly exitSignal: string;
  readonly exitStatus: number | null;
  /** False for a fork that never called exec: binary and arguments are its parent's. */
  readonly execSeen: boolean;
  /** Nothing but its id is known. */
  readonly placeholder: boolean;
  /** exec_id of the image that it replaced (same pid), or ''. */
  readonly replaces: string;
  readonly replacedBy: string;
}

export interface PeerView {
  readonly ip: string;
  readonly port: number;
  readonly names: readonly string[];
  /** `namespace/name`, or ''. */
  readonly pod: string;
  readonly service: string;
  readonly kind: Peer['kind'];
  readonly translated: string;
}

export interface ConnectionView {
  readonly id: string;
  readonly protocol: string;
  readonly client: PeerView;
  readonly server: PeerView;
  readonly firstSeen: Micros;
  readonly lastSeen: Micros;
  /** exec_id of the process at the client's end, or ''. */
  readonly execId: string;
  readonly attribution: Attribution;
  readonly serverExecId: string;
  readonly serverAttribution: Attribution;
  readonly verdict: string;
  readonly flows: number;
  readonly bytesSent: number;
  readonly closed: boolean;
}

export interface ProcessTree {
  readonly process: ProcessView;
  /** Opened by this process, oldest first. */
  readonly connections: readonly ConnectionView[];
  /** Oldest first. A fork that connected and then called exec holds what it became. */
  readonly children: readonly ProcessTree[];
}

export interface RootTree {
  /** What started it outside the pod (runc, the shim, systemd), nearest first: folded away in drawings. */
  readonly startedBy: readonly ProcessView[];
  readonly tree: ProcessTree;
}

export interface PodTree {
  readonly namespace: string;
  readonly name: string;
  readonly pod: PodFacts | null;
  readonly roots: readonly RootTree[];
  /** Connections of the pod's own that no process is known for. */
  readonly unattributed: readonly ConnectionView[];
  /** Processes left out of this view. */
  readonly omitted: number;
}

const byAge = (a: Process, b: Process): number =>
  a.facts.startTime - b.facts.startTime || a.facts.startNs - b.facts.startNs || (a.execId < b.execId ? -1 : 1);

function podName(pod: PodFacts | null): string {
  return pod === null ? '' : `${pod.namespace}/${pod.name}`;
}

/** The process as it was at a time: what had not happened yet is not told. */
function processView(process: Process, at: Micros): ProcessView {
  const { facts, replacedBy } = process;
  const ended = process.exitTime !== null && process.exitTime <= at;
  return {
    execId: process.execId,
    parentExecId: process.parent?.execId ?? facts.parentExecId,
    pid: facts.pid,
    binary: facts.binary,
    arguments: facts.arguments,
    uid: facts.uid,
    cwd: facts.cwd,
    node: process.node,
    pod: podName(process.pod),
    container: process.pod?.container?.name ?? '',
    startTime: facts.startTime,
    exitTime: ended ? process.exitTime : null,
    exitSignal: ended ? process.exitSignal : '',
    exitStatus: ended ? process.exitStatus : null,
    execSeen: process.execSeen,
    placeholder: process.placeholder,
    replaces: process.replaced?.execId ?? '',
    replacedBy: replacedBy !== null && replacedBy.facts.startTime <= at ? replacedBy.execId : '',
  };
}

function peerView(peer: Peer): PeerView {
  const { endpoint, service } = peer;
  return {
    ip: peer.ip,
    port: peer.port,
    names: peer.names,
    pod: endpoint === null || endpoint.podName === '' ? '' : `${endpoint.namespace}/${endpoint.podName}`,
    service: service === null ? '' : `${service.namespace}/${service.name}`,
    kind: peer.kind,
    translated: peer.translated,
  };
}

function connectionView(connection: Connection): ConnectionView {
  return {
    id: connection.id,
    protocol: connection.protocol,
    client: peerView(connection.client),
    server: peerView(connection.server),
    firstSeen: connection.firstSeen,
    lastSeen: connection.lastSeen,
    execId: connection.process?.execId ?? '',
    attribution: connection.attribution,
    serverExecId: connection.serverProcess?.execId ?? '',
    serverAttribution: connection.serverAttribution,
    verdict: connection.verdict,
    flows: connection.flows,
    bytesSent: connection.bytesSent,
    closed: connection.closed,
  };
}

/** Where a process stands in a drawing: under the fork that became it, else under its parent. */
function standsUnder(process: Process): Process | null {
  return process.replaced ?? process.parent;
}

class Drawing {
  private readonly at: Micros;
  private left = VIEW_PROCESSES_MAX;
  omitted = 0;

  constructor(at: Micros) {
    this.at = at;
  }

  existed(process: Process): boolean {
    return process.facts.startTime <= this.at;
  }

  startedBy(process: Process): ProcessView[] {
    return ancestorsOf(process).map(ancestor => processView(ancestor, this.at));
  }

  tree(process: Process, depth = 0): ProcessTree {
    this.left--;
    const below: Process[] = [];
    for (const child of process.children) if (standsUnder(child) === process && this.existed(child)) below.push(child);
    const became = process.replacedBy;
    if (became !== null && became.parent !== process && this.existed(became)) below.push(became);
    below.sort(byAge);
    const children: ProcessTree[] = [];
    for (const child of below) {
      if (this.left <= 0 || depth >= VIEW_DEPTH_MAX) this.omitted++;
      else children.push(this.tree(child, depth + 1));
    }
    return {
      process: processView(process, this.at),
      connections: process.connections.filter(c => c.firstSeen <= this.at).map(connectionView),
      children,
    };
  }
}

/** The tree below one process, with its ancestors nearest first; null when the process is not known. */
export function processTree(context: Context, execId: string, at: Micros = Number.POSITIVE_INFINITY): RootTree | null {
  const process = context.process(execId);
  if (process === null) return null;
  const drawing = new Drawing(at);
  return { startedBy: drawing.startedBy(process), tree: drawing.tree(process) };
}

/** The processes of a pod as of a time, exited ones included; null when the pod is not known. */
export function podTree(
  context: Context,
  namespace: string,
  name: string,
  at: Micros = Number.POSITIVE_INFINITY,
): PodTree | null {
  const pod = context.pod(namespace, name);
  if (pod === null) return null;
  const drawing = new Drawing(at);
  const own = pod.processes().filter(process => drawing.existed(process));
  const members = new Set<Process>(own);
  const roots: RootTree[] = [];
  for (const process of own.sort(byAge)) {
    const above = standsUnder(process);
    if (above !== null && members.has(above)) continue;
    roots.push({ startedBy: drawing.startedBy(process), tree: drawing.tree(process) });
  }
  const unattributed = pod
    .ownConnections()
    .filter(connection => connection.process === null && connection.client.pod === pod && connection.firstSeen <= at)
    .map(connectionView);
  return { namespace, name, pod: pod.facts, roots, unattributed, omitted: drawing.omitted };
}

/** Pods in the order in which they were first seen. */
export function podList(
  context: Context,
): { readonly namespace: string; readonly name: string; readonly processes: number }[] {
  const list: { namespace: string; name: string; processes: number }[] = [];
  for (const pod of context.pods()) {
    if (pod.facts !== null) list.push({ namespace: pod.facts.namespace, name: pod.facts.name, processes: pod.size });
  }
  return list;
}

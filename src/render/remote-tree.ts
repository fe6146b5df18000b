/** The API's flat process list, put back into trees for the same drawings as those of a local replay. */
import type { ConnectionView, PeerView, ProcessTree, ProcessView, RootTree } from '../context/views.ts';
import { parseInstant } from '../model/time.ts';

interface RemoteEndpoint {
  readonly ip: string;
  readonly port: number;
  readonly pod: string | null;
  readonly names: readonly string[];
  readonly kind: PeerView['kind'];
}

interface RemoteConnection {
  readonly id: string;
  readonly protocol: string;
  readonly source: RemoteEndpoint;
  readonly destination: RemoteEndpoint;
  readonly attribution: ConnectionView['attribution'];
  readonly exec_id: string | null;
  readonly verdict: string;
  readonly flows: number;
  readonly first_seen: string;
  readonly last_seen: string;
  readonly closed: boolean;
  readonly bytes_sent: number;
}

interface RemoteProcess {
  readonly exec_id: string;
  readonly parent_exec_id: string | null;
  readonly depth: number;
  readonly known: 'live' | 'stored' | 'named';
  readonly pid: number;
  readonly binary: string;
  readonly arguments: string;
  readonly uid: number | null;
  readonly cwd: string;
  readonly start_time: string | null;
  readonly exit_signal: string;
  readonly replaces: string | null;
  readonly replaced_by: string | null;
  readonly node: string;
  readonly pod: string | null;
  readonly connections: readonly RemoteConnection[];
}

export interface RemoteTree {
  readonly processes: readonly RemoteProcess[];
  readonly pod_connections: readonly RemoteConnection[];
  readonly omitted: number;
}

export interface DrawnTree {
  readonly roots: readonly RootTree[];
  readonly unattributed: readonly ConnectionView[];
  readonly omitted: number;
}

const micros = (time: string | null): number => (time === null ? 0 : (parseInstant(time)?.time ?? 0));

const peer = ({ ip, port, pod, names, kind }: RemoteEndpoint): PeerView => ({
  ip,
  port,
  names,
  pod: pod ?? '',
  service: '',
  kind,
  translated: '',
});

const connection = (remote: RemoteConnection): ConnectionView => ({
  id: remote.id,
  protocol: remote.protocol,
  client: peer(remote.source),
  server: peer(remote.destination),
  firstSeen: micros(remote.first_seen),
  lastSeen: micros(remote.last_seen),
  execId: remote.exec_id ?? '',
  attribution: remote.attribution,
  serverExecId: '',
  serverAttribution: 'pod',
  verdict: remote.verdict,
  flows: remote.flows,
  bytesSent: remote.bytes_sent,
  closed: remote.closed,
});

const process = (remote: RemoteProcess): ProcessView => ({
  execId: remote.exec_id,
  parentExecId: remote.parent_exec_id ?? '',
  pid: remote.pid,
  binary: remote.binary,
  arguments: remote.arguments,
  uid: remote.uid,
  cwd: remote.cwd,
  node: remote.node,
  pod: remote.pod ?? '',
  container: '',
  startTime: micros(remote.start_time),
  exitTime: null,
  exitSignal: remote.exit_signal,
  exitStatus: null,
  execSeen: true,
  placeholder: remote.known === 'named' && remote.binary === '',
  replaces: remote.replaces ?? '',
  replacedBy: remote.replaced_by ?? '',
});

interface Open {
  readonly depth: number;
  readonly view: ProcessView;
  /** Null for a host's process above a container: it is named, not drawn. */
  readonly children: ProcessTree[] | null;
}

/** Processes of pods become trees; hosts' processes above them are told as what started them. */
export function drawnTree(remote: RemoteTree): DrawnTree {
  const roots: RootTree[] = [];
  const chain: Open[] = [];
  for (const each of remote.processes) {
    while (chain.length > 0 && (chain[chain.length - 1] as Open).depth >= each.depth) chain.pop();
    const view = process(each);
    const above = chain[chain.length - 1];
    const isHost = each.pod === null && above?.children == null && remote.processes.some(({ pod }) => pod !== null);
    const children: ProcessTree[] = [];
    if (!isHost) {
      const tree: ProcessTree = { process: view, connections: each.connections.map(connection), children };
      if (above?.children) above.children.push(tree);
      else roots.push({ startedBy: chain.map(open => open.view).reverse(), tree });
    }
    chain.push({ depth: each.depth, view, children: isHost ? null : children });
  }
  return { roots, unattributed: remote.pod_connections.map(connection), omitted: remote.omitted };
}

/**
 * The service map: connections added up to edges between workloads, services and what is outside, as they come. Edges count
 * against the workload at their client's end (at the server's, where the client is outside) and against its namespace: at a
 * limit the edge used longest ago of the fullest goes, so that neither pushes out what belongs to others.
 */
import type { FlowEvent } from '../model/event.ts';
import type { MapNodeKind, ServiceMapStats, ServiceMapView } from '../model/service-map.ts';
import { MICROS_PER_SECOND, type Micros } from '../model/time.ts';
import { isLoopback } from './addresses.ts';
import type { ConnectionRecord, PeerRecord } from './connection-record.ts';
import { EdgeRecord, NodeRecord } from './map-edge.ts';
import type { Pod } from './pods.ts';
import type { ProcessNode } from './process-node.ts';

export interface ServiceMapLimits {
  readonly mapEdgesMax: number;
  readonly mapEdgesPerNamespaceMax: number;
  readonly mapEdgesPerNodeMax: number;
  readonly mapAddressesPerNodeMax: number;
}

/** An edge goes to the end of its list at most this often. */
const USE_PAUSE: Micros = 60 * MICROS_PER_SECOND;
const NAME_CHARS_MAX = 253;

/** Where a connection is counted, and what it was known by then: more may become known with a later packet. */
export class MapPlace {
  edge: EdgeRecord;
  process: ProcessNode | null = null;
  serverProcess: ProcessNode | null = null;
  private readonly clientIp: string;
  private readonly clientPod: Pod | null;
  private readonly serverPod: Pod | null;
  private readonly clientKind: string;
  private readonly serverKind: string;
  private readonly clientName: string;
  private readonly serverName: string;

  constructor(edge: EdgeRecord, { client, server }: ConnectionRecord) {
    this.edge = edge;
    this.clientIp = client.ip;
    this.clientPod = client.pod;
    this.serverPod = server.pod;
    this.clientKind = client.kind;
    this.serverKind = server.kind;
    this.clientName = client.names[0] ?? '';
    this.serverName = server.names[0] ?? '';
  }

  /** Nothing was learned since by which the connection would be counted elsewhere. */
  holds({ client, server }: ConnectionRecord): boolean {
    return (
      client.pod === this.clientPod &&
      server.pod === this.serverPod &&
      client.kind === this.clientKind &&
      server.kind === this.serverKind &&
      client.ip === this.clientIp &&
      isNamed(client, this.clientName) &&
      isNamed(server, this.serverName)
    );
  }
}

/** What a pod or a host says to itself is no service. */
const isLocal = ({ client, server }: ConnectionRecord): boolean => isLoopback(server.ip) || client.ip === server.ip;

/** Still by this name: sensors list the names of an address in any order. */
const isNamed = (peer: PeerRecord, name: string): boolean =>
  name === '' ? peer.names.length === 0 : peer.names[0] === name || peer.names.includes(name);

interface NamespaceRecord {
  readonly owners: Set<NodeRecord>;
  edges: number;
}

export class ServiceMap implements ServiceMapView {
  private readonly limits: ServiceMapLimits;
  private readonly nodes = new Map<string, NodeRecord>();
  private readonly byKey = new Map<string, EdgeRecord>();
  private readonly namespaces = new Map<string, NamespaceRecord>();
  private nextSeq = 0;
  private evicted = 0;
  private gathered = 0;
  now: Micros = 0;
  revision = 0;

  constructor(limits: ServiceMapLimits) {
    this.limits = limits;
  }

  edges(): IterableIterator<EdgeRecord> {
    return this.byKey.values();
  }

  stats(): ServiceMapStats {
    return { nodes: this.nodes.size, edges: this.byKey.size, evicted: this.evicted, gathered: this.gathered };
  }

  /** `flow`: the one that the event told of; null for a socket event. */
  observe(record: ConnectionRecord, time: Micros, flow: FlowEvent | null): void {
    if (isLocal(record)) return;
    this.revision++;
    if (time > this.now) this.now = time;
    const held = record.place;
    const place = held === null || held.edge.removed || !held.holds(record) ? this.place(record, held, time) : held;
    const { edge } = place;
    if (flow !== null) edge.count(flow);
    else if (time > edge.lastSeen) edge.lastSeen = time;
    if (record.process !== place.process) {
      place.process = record.process;
      if (record.process !== null) edge.addProcess(record.process, false);
    }
    if (record.serverProcess !== place.serverProcess) {
      place.serverProcess = record.serverProcess;
      if (record.serverProcess !== null) edge.addProcess(record.serverProcess, true);
    }
    if (time - edge.used > USE_PAUSE) {
      edge.used = time;
      edge.owner.disown(edge);
      edge.owner.own(edge);
    }
  }

  private place(record: ConnectionRecord, held: MapPlace | null, time: Micros): MapPlace {
    const edge = this.edgeOf(record, time);
    if (held === null || held.edge.removed) edge.connect(time);
    else if (held.edge !== edge) {
      held.edge.connections--;
      if (held.edge.connections > 0) edge.connections++;
      else {
        edge.take(held.edge);
        this.remove(held.edge);
      }
    }
    record.place = new MapPlace(edge, record);
    return record.place;
  }

  private edgeOf(record: ConnectionRecord, time: Micros): EdgeRecord {
    let client = this.nodeOf(record.client, record, true);
    let server = this.nodeOf(record.server, record, false);
    // Neither may be known yet, and both are the same workload.
    if (server.id === client.id) server = client;
    let owner = client.namespace === '' && server.namespace !== '' ? server : client;
    const { protocol } = record;
    const { port } = record.server;
    const known = this.byKey.get(`${client.seq} ${server.seq} ${protocol} ${port}`);
    if (known !== undefined) return known;
    if (
      (client.kind === 'address' || server.kind === 'address') &&
      owner.addresses >= this.limits.mapAddressesPerNodeMax
    ) {
      if (client.kind === 'address') client = this.node('addresses', '', '', '');
      else server = this.node('addresses', '', '', '');
      owner = client.namespace === '' && server.namespace !== '' ? server : client;
      this.gathered++;
    }
    const key = `${client.seq} ${server.seq} ${protocol} ${port}`;
    const edge = this.byKey.get(key) ?? new EdgeRecord(key, client, server, owner, protocol, port, time);
    if (!this.byKey.has(key)) this.add(edge);
    return edge;
  }

  private nodeOf(peer: PeerRecord, record: ConnectionRecord, isClient: boolean): NodeRecord {
    const { pod, kind, service } = peer;
    if (pod !== null && pod.facts !== null) return this.nodeOfPod(pod, peer);
    if (kind === 'host' || kind === 'remote_node' || kind === 'kube_apiserver' || kind === 'ingress')
      return this.node(kind, '', '', '');
    if (isClient && kind === '' && record.process !== null && record.process.pod === null)
      return this.node('host', '', '', '');
    if (service !== null) return this.node('service', service.namespace, service.name, '');
    const held = record.place?.edge;
    const before = isClient ? held?.client : held?.server;
    if (before?.kind === 'name' && peer.names.includes(before.name)) return this.current(before);
    const [name] = peer.names;
    return name === undefined ? this.node('address', '', peer.ip, '') : this.node('name', '', name, '');
  }

  private nodeOfPod(pod: Pod, { endpoint }: PeerRecord): NodeRecord {
    const { namespace, name, workload, workloadKind } = pod.facts as NonNullable<Pod['facts']>;
    if (pod.mapNode === null) {
      const owner = workload === '' ? endpoint?.workloads[0] : { name: workload, kind: workloadKind };
      if (owner === undefined) return this.node('pod', namespace, name, '');
      pod.mapNode = this.node('workload', namespace, owner.name, owner.kind);
    }
    const node = this.current(pod.mapNode);
    node.addPod(name);
    return node;
  }

  private node(kind: MapNodeKind, namespace: string, fullName: string, workloadKind: string): NodeRecord {
    const name = fullName.length > NAME_CHARS_MAX ? fullName.slice(0, NAME_CHARS_MAX) : fullName;
    const id = `${kind}:${namespace}/${workloadKind}/${name}`;
    return this.nodes.get(id) ?? new NodeRecord(id, kind, namespace, name, workloadKind, this.nextSeq++);
  }

  /** A node that lost its last edge was forgotten, and another may stand for the same since. */
  private current(node: NodeRecord): NodeRecord {
    return this.nodes.get(node.id) ?? node;
  }

  private add(edge: EdgeRecord): void {
    const { client, server, owner } = edge;
    this.byKey.set(edge.key, edge);
    for (const node of [client, server]) if (node.degree++ === 0) this.nodes.set(node.id, node);
    owner.own(edge);
    if (client.kind === 'address' || server.kind === 'address') owner.addresses++;
    let namespace = this.namespaces.get(owner.namespace);
    if (namespace === undefined) {
      namespace = { owners: new Set(), edges: 0 };
      this.namespaces.set(owner.namespace, namespace);
    }
    namespace.owners.add(owner);
    namespace.edges++;
    this.bound(owner, namespace, edge);
  }

  private bound(owner: NodeRecord, namespace: NamespaceRecord, keep: EdgeRecord): void {
    const { mapEdgesMax, mapEdgesPerNamespaceMax, mapEdgesPerNodeMax } = this.limits;
    if (owner.owned > mapEdgesPerNodeMax) this.evict(owner, keep);
    if (namespace.edges > mapEdgesPerNamespaceMax) this.thin(namespace, mapEdgesPerNamespaceMax, keep);
    if (this.byKey.size <= mapEdgesMax) return;
    let fullest = namespace;
    for (const other of this.namespaces.values()) if (other.edges > fullest.edges) fullest = other;
    this.thin(fullest, mapEdgesMax, keep);
  }

  /** A hundredth of the limit at once, so that the search is paid rarely: those that own most lose first. */
  private thin(namespace: NamespaceRecord, limit: number, keep: EdgeRecord): void {
    let excess = Math.ceil(limit / 100);
    const average = namespace.edges / namespace.owners.size;
    for (const least of [2 * average, average]) {
      for (const owner of [...namespace.owners]) {
        while (excess > 0 && owner.owned >= least && this.evict(owner, keep)) excess--;
        if (excess === 0) return;
      }
    }
  }

  /** False when nothing is left but the edge that the event is about. */
  private evict(owner: NodeRecord, keep: EdgeRecord): boolean {
    const oldest = owner.firstEdge === keep ? keep.next : owner.firstEdge;
    if (oldest === null) return false;
    this.remove(oldest);
    this.evicted++;
    return true;
  }

  private remove(edge: EdgeRecord): void {
    const { client, server, owner } = edge;
    edge.remove();
    this.byKey.delete(edge.key);
    owner.disown(edge);
    if (client.kind === 'address' || server.kind === 'address') owner.addresses--;
    const namespace = this.namespaces.get(owner.namespace) as NamespaceRecord;
    namespace.edges--;
    if (owner.owned === 0) namespace.owners.delete(owner);
    if (namespace.edges === 0) this.namespaces.delete(owner.namespace);
    for (const node of [client, server]) if (--node.degree === 0) this.nodes.delete(node.id);
  }
}

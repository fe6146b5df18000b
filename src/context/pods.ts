/** Pods, and hosts as the place of processes without a pod: who lives there, and what bounds them. */
import type { Endpoint } from '../model/event.ts';
import type { PodFacts } from '../model/process.ts';
import type { ConnectionRecord } from './connection-record.ts';
import type { NodeRecord } from './map-edge.ts';
import type { Ports } from './ports.ts';
import type { ProcessNode } from './process-node.ts';

/** An intrusive list of process nodes, oldest first: each node is in at most one list, and removal costs nothing. */
export class ProcessList {
  first: ProcessNode | null = null;
  last: ProcessNode | null = null;
  size = 0;

  push(node: ProcessNode): void {
    node.list = this;
    node.previous = this.last;
    node.next = null;
    if (this.last === null) this.first = node;
    else this.last.next = node;
    this.last = node;
    this.size++;
  }

  remove(node: ProcessNode): void {
    node.list = null;
    if (node.previous === null) this.first = node.next;
    else node.previous.next = node.next;
    if (node.next === null) this.last = node.previous;
    else node.next.previous = node.previous;
    node.previous = null;
    node.next = null;
    this.size--;
  }
}

/** A pod, or a host (`facts` null) as the place of the processes that have none. */
export class Pod {
  readonly key: string;
  /** Facts without a container: what holds for the whole pod. Null for a host. */
  facts: PodFacts | null;
  readonly live = new ProcessList();
  /** In the order in which they ended. */
  readonly exited = new ProcessList();
  /** Ended long ago, and kept for the ancestry of what they started. */
  readonly kept = new ProcessList();
  firstConnection: ConnectionRecord | null = null;
  private lastConnection: ConnectionRecord | null = null;
  connections = 0;
  /** What its processes' sockets told of; made on first use. */
  ports: Ports | null = null;
  /** Names of addresses as it resolved them, the oldest first; made on first use. */
  names: Map<string, readonly string[]> | null = null;
  /** Its workload in the service map; null before it was needed there. */
  mapNode: NodeRecord | null = null;
  /** False once it was dropped from the table. */
  listed = true;

  constructor(key: string, facts: PodFacts | null) {
    this.key = key;
    this.facts = facts;
  }

  get size(): number {
    return this.live.size + this.exited.size + this.kept.size;
  }

  get isEmpty(): boolean {
    return this.size === 0 && this.connections === 0;
  }

  /** Living and recently exited, in no order. */
  processes(): ProcessNode[] {
    const all: ProcessNode[] = [];
    for (const list of [this.live, this.exited, this.kept]) {
      for (let at = list.first; at !== null; at = at.next) all.push(at);
    }
    return all;
  }

  /** Connections that count against this pod, oldest first. */
  ownConnections(): ConnectionRecord[] {
    const all: ConnectionRecord[] = [];
    for (let at = this.firstConnection; at !== null; at = at.next) all.push(at);
    return all;
  }

  addConnection(record: ConnectionRecord): void {
    record.previous = this.lastConnection;
    record.next = null;
    if (this.lastConnection === null) this.firstConnection = record;
    else this.lastConnection.next = record;
    this.lastConnection = record;
    this.connections++;
  }

  removeConnection(record: ConnectionRecord): void {
    if (record.previous === null) this.firstConnection = record.next;
    else record.previous.next = record.next;
    if (record.next === null) this.lastConnection = record.previous;
    else record.next.previous = record.previous;
    record.previous = null;
    record.next = null;
    this.connections--;
  }
}

function labelsOf(endpoint: Endpoint): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const label of endpoint.labels) {
    const text = label.startsWith('k8s:') ? label.slice(4) : label;
    const equals = text.indexOf('=');
    if (equals > 0) labels[text.slice(0, equals)] = text.slice(equals + 1);
  }
  return labels;
}

function factsOfEndpoint(endpoint: Endpoint): PodFacts {
  const workload = endpoint.workloads[0];
  return {
    namespace: endpoint.namespace,
    name: endpoint.podName,
    uid: '',
    labels: labelsOf(endpoint),
    annotations: {},
    workload: workload?.name ?? '',
    workloadKind: workload?.kind ?? '',
    container: null,
  };
}

/** Every pod and host that was seen. */
export class PodTable {
  private readonly byKey = new Map<string, Pod>();
  private readonly byFacts = new WeakMap<PodFacts, Pod>();
  private readonly byEndpoint = new WeakMap<Endpoint, Pod>();
  private readonly max: number;
  private dropAt: number;
  dropped = 0;

  constructor(max: number) {
    this.max = max;
    this.dropAt = max;
  }

  get size(): number {
    return this.byKey.size;
  }

  ofFacts(facts: PodFacts): Pod {
    const known = this.byFacts.get(facts);
    if (known?.listed === true) return known;
    const pod = this.ofKey(`${facts.namespace}/${facts.name}`);
    if (pod.facts === null || pod.facts.uid !== facts.uid) pod.facts = { ...facts, container: null };
    this.byFacts.set(facts, pod);
    return pod;
  }

  /** Null for an endpoint that is no pod. */
  ofEndpoint(endpoint: Endpoint | null): Pod | null {
    if (endpoint === null || endpoint.podName === '') return null;
    const known = this.byEndpoint.get(endpoint);
    if (known?.listed === true) return known;
    const pod = this.ofKey(`${endpoint.namespace}/${endpoint.podName}`);
    pod.facts ??= factsOfEndpoint(endpoint);
    this.byEndpoint.set(endpoint, pod);
    return pod;
  }

  ofHost(node: string): Pod {
    return this.ofKey(`host:${node}`);
  }

  find(namespace: string, name: string): Pod | null {
    return this.byKey.get(`${namespace}/${name}`) ?? null;
  }

  /** Pods and hosts, in the order in which they were first seen. */
  all(): IterableIterator<Pod> {
    return this.byKey.values();
  }

  private ofKey(key: string): Pod {
    let pod = this.byKey.get(key);
    if (pod === undefined) {
      pod = new Pod(key, null);
      this.byKey.set(key, pod);
      if (this.byKey.size > this.dropAt) this.drop();
    }
    return pod;
  }

  /** Those that nothing is left of go, oldest first; some at once, so that the search is paid rarely. */
  private drop(): void {
    const target = this.max - Math.ceil(this.max / 10);
    for (const pod of this.byKey.values()) {
      if (this.byKey.size <= target) break;
      if (!pod.isEmpty) continue;
      pod.listed = false;
      this.byKey.delete(pod.key);
      this.dropped++;
    }
    this.dropAt = Math.max(this.max, this.byKey.size + Math.ceil(this.max / 10));
  }
}

/**
 * The joined stream: each event with the process, pod and connection that it belongs to. A pure fold: what `observe` returns
 * depends only on the events before it and their order.
 */
import type { Attribution, Connection } from '../model/connection.ts';
import type { Event, FlowEvent, ProcessEvent } from '../model/event.ts';
import { isProcessEvent } from '../model/event.ts';
import type { Gap } from '../model/gap.ts';
import { LIMITS } from '../model/limits.ts';
import type { Observation, SocketFacts } from '../model/observation.ts';
import type { PodFacts, Process } from '../model/process.ts';
import { Claims } from './claims.ts';
import type { ConnectionRecord, PeerRecord } from './connection-record.ts';
import { type ConnectionLimits, ConnectionTable } from './connection-table.ts';
import { DnsNames } from './dns.ts';
import { FlowJoin } from './flow-join.ts';
import { Gaps, type Loss } from './gaps.ts';
import { type Pod, PodTable } from './pods.ts';
import { ProcessTable } from './processes.ts';
import type { ProcessLimits } from './retention.ts';
import { ServiceMap, type ServiceMapLimits } from './service-map.ts';
import { SocketJoin } from './socket-join.ts';
import { socketOf } from './sockets.ts';

/** Bounds that differ from LIMITS: for tests and small machines. */
export type ContextOptions = Partial<
  ProcessLimits &
    ConnectionLimits &
    ServiceMapLimits & { dnsNamesPerPodMax: number; connectionsPerProcessMax: number; podsMax: number }
> & {
  /** To add connections up to a service map. */
  readonly serviceMap?: boolean;
};

/** Every loss and bound, counted since the start. */
export interface ContextStats {
  readonly events: number;
  readonly pods: number;
  readonly podsDropped: number;
  readonly processes: number;
  readonly placeholders: number;
  readonly processesEvictedLive: number;
  readonly processesEvictedExited: number;
  readonly processesRenamed: number;
  readonly connections: number;
  readonly connectionsEvicted: number;
  readonly connectionsForgotten: number;
  readonly connectionsDroppedFromProcess: number;
  readonly dnsNamesEvicted: number;
  readonly lostEvents: number;
}

class Joined implements Observation {
  readonly seq: number;
  readonly event: Event;
  readonly process: Process | null;
  readonly pod: PodFacts | null;
  readonly connection: Connection | null;
  readonly attribution: Attribution | null;
  readonly socket: SocketFacts | null;
  readonly client: PeerRecord | null;
  readonly server: PeerRecord | null;

  constructor(
    seq: number,
    event: Event,
    process: Process | null,
    pod: PodFacts | null,
    connection: ConnectionRecord | null,
    attribution: Attribution | null,
    socket: SocketFacts | null,
    client: PeerRecord | null,
    server: PeerRecord | null,
  ) {
    this.seq = seq;
    this.event = event;
    this.process = process;
    this.pod = pod;
    this.connection = connection;
    this.attribution = attribution;
    this.socket = socket;
    this.client = client;
    this.server = server;
  }
}

export class Context {
  private readonly podTable: PodTable;
  private readonly processTable: ProcessTable;
  private readonly connectionTable: ConnectionTable;
  private readonly dns: DnsNames;
  private readonly claims: Claims;
  private readonly flows: FlowJoin;
  private readonly sockets: SocketJoin;
  private readonly gapList = new Gaps();
  /** Null unless it was asked for. */
  readonly serviceMap: ServiceMap | null;
  private newLoss: Loss | null = null;
  private seq = 0;

  constructor(options: ContextOptions = {}) {
    this.podTable = new PodTable(options.podsMax ?? LIMITS.podsMax);
    this.processTable = new ProcessTable(this.podTable, { ...LIMITS, ...options });
    this.connectionTable = new ConnectionTable({ ...LIMITS, ...options });
    this.dns = new DnsNames(options.dnsNamesPerPodMax);
    this.claims = new Claims(options.connectionsPerProcessMax);
    this.flows = new FlowJoin(this.connectionTable, this.podTable, this.dns, this.claims);
    this.sockets = new SocketJoin(this.connectionTable, this.dns, this.claims);
    this.serviceMap = options.serviceMap === true ? new ServiceMap({ ...LIMITS, ...options }) : null;
  }

  /** Takes in the next event in order, and returns it joined. */
  observe(event: Event): Observation {
    const seq = this.seq++;
    this.newLoss = null;
    if (isProcessEvent(event)) return this.observeProcess(seq, event);
    if (event.kind === 'flow') return this.observeFlow(seq, event);
    this.newLoss = this.gapList.observe(event);
    return new Joined(seq, event, null, null, null, null, null, null, null);
  }

  private observeProcess(seq: number, event: ProcessEvent): Observation {
    const process = this.processTable.observe(event);
    const hasArguments = event.args.length > 0 || event.returnValue !== null;
    const socket = hasArguments ? socketOf(event) : null;
    const connection = socket === null ? null : this.sockets.observe(event, socket, process);
    if (connection !== null) this.serviceMap?.observe(connection, event.time, null);
    const attribution = connection === null ? null : 'socket';
    return new Joined(seq, event, process, process.pod, connection, attribution, socket, null, null);
  }

  private observeFlow(seq: number, event: FlowEvent): Observation {
    const connection = this.flows.observe(event);
    if (connection === null) return new Joined(seq, event, null, null, null, 'pod', null, null, null);
    this.serviceMap?.observe(connection, event.time, event);
    const { client, server } = connection;
    // A flow seen from the server's side is the server's business; any other belongs to whoever opened the connection.
    const atServer = client.pod === null || (event.direction === 'INGRESS' && server.pod !== null);
    const process = atServer ? connection.serverProcess : connection.process;
    const attribution = atServer ? connection.serverAttribution : connection.attribution;
    const pod = process?.pod ?? (atServer ? server.pod : client.pod)?.facts ?? null;
    return new Joined(seq, event, process, pod, connection, attribution, null, client, server);
  }

  process(execId: string): Process | null {
    return this.processTable.find(execId);
  }

  processes(): IterableIterator<Process> {
    return this.processTable.all();
  }

  connections(): IterableIterator<Connection> {
    return this.connectionTable.all();
  }

  /** Pods in the order in which they were first seen. */
  *pods(): IterableIterator<Pod> {
    for (const pod of this.podTable.all()) if (pod.facts !== null) yield pod;
  }

  pod(namespace: string, name: string): Pod | null {
    return this.podTable.find(namespace, name);
  }

  gaps(): readonly Gap[] {
    return this.gapList.all();
  }

  /** Gaps that began or grew since the last call. */
  takeChangedGaps(): Gap[] {
    return this.gapList.takeChanged();
  }

  /** Gaps of earlier runs, oldest first, before the first event; the answer is called when the log was lived through. */
  restoreGaps(gaps: readonly Gap[]): () => void {
    return this.gapList.restore(gaps);
  }

  /** What the last event said to be lost; null when it said nothing like that. */
  get loss(): Loss | null {
    return this.newLoss;
  }

  stats(): ContextStats {
    return {
      events: this.seq,
      pods: this.podTable.size,
      podsDropped: this.podTable.dropped,
      processes: this.processTable.size,
      placeholders: this.processTable.placeholders,
      processesEvictedLive: this.processTable.evictedLive,
      processesEvictedExited: this.processTable.evictedExited,
      processesRenamed: this.processTable.aliased,
      connections: this.connectionTable.size,
      connectionsEvicted: this.connectionTable.evicted,
      connectionsForgotten: this.connectionTable.forgotten,
      connectionsDroppedFromProcess: this.claims.dropped,
      dnsNamesEvicted: this.dns.evicted,
      lostEvents: this.gapList.lost,
    };
  }
}

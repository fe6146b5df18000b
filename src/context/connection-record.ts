/** `Connection` with what the join needs: whose ends they are, which sockets, and its neighbours in the index. */
import type { Attribution, Connection, Peer, PeerKind } from '../model/connection.ts';
import type { Endpoint, FlowEvent, Protocol } from '../model/event.ts';
import type { Micros } from '../model/time.ts';
import type { Pod } from './pods.ts';
import type { ProcessNode } from './process-node.ts';
import type { MapPlace } from './service-map.ts';

const NO_NAMES: readonly string[] = Object.freeze([]);

export class PeerRecord implements Peer {
  ip: string;
  port: number;
  names: readonly string[] = NO_NAMES;
  endpoint: Endpoint | null = null;
  service: { readonly name: string; readonly namespace: string } | null = null;
  kind: PeerKind = '';
  translated = '';
  /** The pod at this end, when known. */
  pod: Pod | null = null;
  /** Kernel pointer of the socket at this end; '' when no socket event told. */
  cookie = '';
  /** Node of the socket; '' when only flows told of this end. */
  node = '';

  constructor(ip: string, port: number) {
    this.ip = ip;
    this.port = port;
  }
}

export class ConnectionRecord implements Connection {
  readonly protocol: Protocol;
  readonly firstSeen: Micros;
  client: PeerRecord;
  server: PeerRecord;
  lastSeen: Micros;
  process: ProcessNode | null = null;
  attribution: Attribution = 'pod';
  serverProcess: ProcessNode | null = null;
  serverAttribution: Attribution = 'pod';
  verdict = '';
  flows = 0;
  closedAt: Micros | null = null;
  bytesSent = 0;
  firstFlow: FlowEvent | null = null;
  /** Node and cluster of the first event that told of it. */
  readonly node: string;
  readonly cluster: string;
  /** Keys under which it stands in the index: the second when its service address was translated. */
  readonly key: string;
  translatedKey = '';
  /** The direction is a fact (a connect, a SYN, is_reply), not a guess from port numbers. */
  directed = false;
  /** The owner was told by connect: nobody else can be. */
  connectSeen = false;
  answered = false;
  /** Attempts at inference that found nothing. */
  guesses = 0;
  /** Whose bounds it counts against, and its neighbours there, oldest first. */
  owner: Pod | null = null;
  previous: ConnectionRecord | null = null;
  next: ConnectionRecord | null = null;
  /** The connection before this one under the same key. */
  older: ConnectionRecord | null = null;
  /** Where the service map counts it; null where none is kept. */
  place: MapPlace | null = null;
  private name = '';

  constructor(
    key: string,
    protocol: Protocol,
    client: PeerRecord,
    server: PeerRecord,
    time: Micros,
    node: string,
    cluster: string,
  ) {
    this.key = key;
    this.protocol = protocol;
    this.client = client;
    this.server = server;
    this.firstSeen = time;
    this.lastSeen = time;
    this.node = node;
    this.cluster = cluster;
  }

  get id(): string {
    if (this.name === '') {
      const { client, server } = this;
      this.name = `${this.protocol} ${client.ip}:${client.port} > ${server.ip}:${server.port} @${this.firstSeen}`;
    }
    return this.name;
  }

  get closed(): boolean {
    return this.closedAt !== null;
  }

  /** The direction was guessed wrong. */
  turn(): void {
    const { client, process, attribution } = this;
    this.client = this.server;
    this.server = client;
    this.process = this.serverProcess;
    this.attribution = this.serverAttribution;
    this.serverProcess = process;
    this.serverAttribution = attribution;
  }
}

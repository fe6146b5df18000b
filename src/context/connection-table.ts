/** The index of connections: by 5-tuple and time, by client end, by socket; bounded overall and per pod. */
import type { Protocol } from '../model/event.ts';
import { LIMITS } from '../model/limits.ts';
import { MICROS_PER_MS, MICROS_PER_SECOND, type Micros } from '../model/time.ts';
import { isLoopback } from './addresses.ts';
import { ConnectionRecord, type PeerRecord } from './connection-record.ts';
import type { Pod } from './pods.ts';

/** How far the stamps of the two sensors, and of two nodes, may disagree about one moment. */
const CLOCK_SLACK: Micros = 2 * MICROS_PER_SECOND;
/** After this long without a packet, UDP on the same addresses and ports is another conversation. */
const UDP_PAUSE: Micros = 30 * MICROS_PER_SECOND;
/** After this long, a SYN is not a retransmission of the last one. */
const SYN_PAUSE: Micros = 60 * MICROS_PER_SECOND;
/** Packets of a closed TCP connection still arrive this long after. */
const CLOSE_PAUSE: Micros = 60 * MICROS_PER_SECOND;
/** An answered connection is not opened again within this; a SYN within it is another sensor's copy. */
const COPY_PAUSE: Micros = 1_500 * MICROS_PER_MS;
/** Connections that nothing was heard of for this long are forgotten. */
const RETENTION: Micros = 15 * 60 * MICROS_PER_SECOND;
const IDLE_RETENTION: Micros = 24 * 60 * 60 * MICROS_PER_SECOND;

export interface ConnectionLimits {
  readonly connectionsMax: number;
  readonly connectionsPerPodMax: number;
}

/** The same key for both directions; loopback addresses mean something only within their pod. */
export function tupleKey(
  protocol: string,
  ipA: string,
  portA: number,
  ipB: string,
  portB: number,
  place: string,
): string {
  const scope = isLoopback(ipA) ? place : '';
  return portA > portB || (portA === portB && ipA > ipB)
    ? `${protocol}${scope} ${ipA} ${portA} ${ipB} ${portB}`
    : `${protocol}${scope} ${ipB} ${portB} ${ipA} ${portA}`;
}

export class ConnectionTable {
  /** The newest connection of each 5-tuple; its `older` chain holds those before it. */
  private readonly byTuple = new Map<string, ConnectionRecord>();
  private readonly byClient = new Map<string, ConnectionRecord>();
  private readonly bySocket = new Map<string, ConnectionRecord>();
  private readonly owners = new Set<Pod>();
  private readonly limits: ConnectionLimits;
  size = 0;
  evicted = 0;
  forgotten = 0;

  constructor(limits: ConnectionLimits = LIMITS) {
    this.limits = limits;
  }

  newest(key: string): ConnectionRecord | null {
    return this.byTuple.get(key) ?? null;
  }

  /** The newest connection from a client's end, whatever its destination. */
  fromClient(protocol: Protocol, ip: string, port: number): ConnectionRecord | null {
    return this.byClient.get(`${protocol} ${ip} ${port}`) ?? null;
  }

  ofSocket(node: string, cookie: string): ConnectionRecord | null {
    return cookie === '' ? null : (this.bySocket.get(`${node} ${cookie}`) ?? null);
  }

  nameSocket(node: string, cookie: string, record: ConnectionRecord): void {
    this.bySocket.set(`${node} ${cookie}`, record);
  }

  *all(): IterableIterator<ConnectionRecord> {
    for (const owner of this.owners) for (let at = owner.firstConnection; at !== null; at = at.next) yield at;
  }

  create(
    key: string,
    protocol: Protocol,
    client: PeerRecord,
    server: PeerRecord,
    time: Micros,
    node: string,
    cluster: string,
    owner: Pod,
  ): ConnectionRecord {
    const record = new ConnectionRecord(key, protocol, client, server, time, node, cluster);
    record.older = this.byTuple.get(key) ?? null;
    this.byTuple.set(key, record);
    this.byClient.set(`${protocol} ${client.ip} ${client.port}`, record);
    record.owner = owner;
    owner.addConnection(record);
    this.owners.add(owner);
    this.size++;
    this.bound(owner, time);
    return record;
  }

  /** The record is also found under a second key: its server's address before or after translation. */
  alsoUnder(key: string, record: ConnectionRecord): void {
    if (record.translatedKey !== '' || key === record.key) return;
    record.translatedKey = key;
    this.byTuple.set(key, record);
  }

  private bound(owner: Pod, now: Micros): void {
    for (let i = 0; i < 2; i++) {
      const oldest = owner.firstConnection;
      if (oldest === null || oldest.next === null) break;
      const quiet = now - oldest.lastSeen;
      if (quiet > IDLE_RETENTION || (quiet > RETENTION && (oldest.closed || oldest.protocol !== 'TCP'))) {
        this.forgotten++;
        this.remove(oldest);
      } else if (quiet < RETENTION) {
        break;
      } else {
        owner.removeConnection(oldest);
        owner.addConnection(oldest);
      }
    }
    if (owner.connections > this.limits.connectionsPerPodMax) this.evict(owner);
    if (this.size > this.limits.connectionsMax) {
      let fullest = owner;
      for (const other of this.owners) if (other.connections > fullest.connections) fullest = other;
      const target = this.limits.connectionsMax - Math.ceil(this.limits.connectionsMax / 100);
      while (this.size > target && fullest.connections > 1) this.evict(fullest);
    }
  }

  private evict(owner: Pod): void {
    const oldest = owner.firstConnection;
    if (oldest === null) return;
    this.evicted++;
    this.remove(oldest);
  }

  private remove(record: ConnectionRecord): void {
    this.unlink(record.key, record);
    if (record.translatedKey !== '') this.unlink(record.translatedKey, record);
    for (const end of [record.client, record.server]) {
      const name = `${record.protocol} ${end.ip} ${end.port}`;
      if (this.byClient.get(name) === record) this.byClient.delete(name);
      if (end.cookie !== '') {
        const socket = `${end.node} ${end.cookie}`;
        if (this.bySocket.get(socket) === record) this.bySocket.delete(socket);
      }
    }
    record.older = null;
    const { owner } = record;
    if (owner !== null) {
      owner.removeConnection(record);
      if (owner.connections === 0) this.owners.delete(owner);
      record.owner = null;
    }
    this.size--;
  }

  private unlink(key: string, record: ConnectionRecord): void {
    const newest = this.byTuple.get(key);
    if (newest === record) {
      if (record.older !== null && record.older.key === key) this.byTuple.set(key, record.older);
      else this.byTuple.delete(key);
      return;
    }
    for (let at = newest ?? null; at !== null; at = at.older) {
      if (at.older !== record) continue;
      at.older = record.older;
      return;
    }
  }
}

/** Whether an event at `time` belongs to this connection rather than to one before or after it; `opens` for a SYN or connect. */
export function coversTime(record: ConnectionRecord, time: Micros, opens: boolean): 'yes' | 'before' | 'after' {
  if (time < record.firstSeen - CLOCK_SLACK) return 'before';
  const quiet = time - record.lastSeen;
  if (record.protocol !== 'TCP') return quiet > UDP_PAUSE ? 'after' : 'yes';
  if (record.closedAt !== null) {
    if (opens) return time > record.closedAt ? 'after' : 'yes';
    return time - record.closedAt > CLOSE_PAUSE ? 'after' : 'yes';
  }
  if (!opens) return 'yes';
  if (quiet > SYN_PAUSE) return 'after';
  return record.answered && time - record.firstSeen > COPY_PAUSE ? 'after' : 'yes';
}

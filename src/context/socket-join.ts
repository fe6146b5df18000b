/** Tetragon's socket events into connections: which end the socket is, and whose it is. */
import type { ProcessEvent, Protocol } from '../model/event.ts';
import { isUnspecified, peerKind } from './addresses.ts';
import type { Claims } from './claims.ts';
import { type ConnectionRecord, PeerRecord } from './connection-record.ts';
import { type ConnectionTable, coversTime, tupleKey } from './connection-table.ts';
import type { DnsNames } from './dns.ts';
import { fitsSocket } from './ends.ts';
import type { Pod } from './pods.ts';
import { Ports } from './ports.ts';
import type { ProcessNode } from './process-node.ts';
import type { SocketEvent } from './sockets.ts';

const PROTOCOLS: ReadonlySet<string> = new Set(['TCP', 'UDP', 'SCTP']);

function portsOf(place: Pod): Ports {
  place.ports ??= new Ports();
  return place.ports;
}

function isDescendant(process: ProcessNode, of: ProcessNode): boolean {
  let at: ProcessNode | null = process;
  for (let depth = 0; at !== null && depth < 64; depth++) {
    if (at === of || at.replaced === of) return true;
    at = at.parent;
  }
  return false;
}

export class SocketJoin {
  private readonly table: ConnectionTable;
  private readonly dns: DnsNames;
  private readonly claims: Claims;

  constructor(table: ConnectionTable, dns: DnsNames, claims: Claims) {
    this.table = table;
    this.dns = dns;
    this.claims = claims;
  }

  /** Null when the event names no destination, or no connection can be told from it. */
  observe(event: ProcessEvent, socket: SocketEvent, process: ProcessNode): ConnectionRecord | null {
    const place = process.owner;
    if (place === null || socket.act === 'none') return null;
    const { sourcePort, destinationIp, destinationPort, act } = socket;
    if (isUnspecified(destinationIp) || destinationPort === 0) {
      this.local(event, socket, process, place);
      return null;
    }
    if (socket.protocol === '') {
      if (act === 'connect') portsOf(place).connectsTo(destinationIp, destinationPort, process, event.time);
      return null;
    }
    if (!PROTOCOLS.has(socket.protocol)) return null;
    const known = this.table.ofSocket(event.node, socket.cookie);
    if (sourcePort === 0 || isUnspecified(socket.sourceIp)) {
      if (known === null || !isEnd(known, destinationIp, destinationPort)) {
        if (act === 'connect') portsOf(place).connectsTo(destinationIp, destinationPort, process, event.time);
        return null;
      }
      if (act === 'close') this.close(known, event);
      return known;
    }
    const record = this.find(event, socket, process, place, known) ?? this.create(event, socket, place);
    this.update(record, event, socket, process, place);
    return record;
  }

  /** Sockets without a peer: listeners, and datagram sockets that name it in each send. */
  private local(event: ProcessEvent, socket: SocketEvent, process: ProcessNode, place: Pod): void {
    if (socket.sourcePort === 0) return;
    const ports = portsOf(place);
    if (socket.protocol === 'UDP') ports.sendsFrom(socket.sourcePort, process, event.time);
    else if (socket.act === 'listen' || socket.state === 'TCP_LISTEN') ports.listens(socket.sourcePort, process);
  }

  private find(
    event: ProcessEvent,
    socket: SocketEvent,
    process: ProcessNode,
    place: Pod,
    bySocket: ConnectionRecord | null,
  ): ConnectionRecord | null {
    const { sourceIp, sourcePort, destinationIp, destinationPort } = socket;
    const opens = socket.act === 'connect' && socket.protocol === 'TCP';
    const pod = place.facts === null ? null : place;
    const key = tupleKey(socket.protocol, sourceIp, sourcePort, destinationIp, destinationPort, place.key);
    if (bySocket !== null && bySocket.key === key && !opens && this.isSame(bySocket, event, socket, process, pod))
      return bySocket;
    for (let at = this.table.newest(key); at !== null; at = at.older) {
      const covers = coversTime(at, event.time, opens);
      if (covers === 'after') return null;
      if (covers === 'before') continue;
      if (this.isSame(at, event, socket, process, pod)) return at;
    }
    return null;
  }

  private isSame(
    record: ConnectionRecord,
    event: ProcessEvent,
    socket: SocketEvent,
    process: ProcessNode,
    pod: Pod | null,
  ): boolean {
    const isClient = atClient(record, socket);
    const end = isClient ? record.client : record.server;
    if (!fitsSocket(record, end, pod, event.node)) return false;
    if (socket.cookie !== '' && end.cookie !== '' && end.cookie !== socket.cookie && socket.act !== 'close')
      return false;
    const owner = isClient ? record.process : record.serverProcess;
    if (
      isClient &&
      owner !== null &&
      owner !== process &&
      socket.protocol === 'UDP' &&
      record.attribution === 'socket'
    ) {
      return isDescendant(process, owner) && owner.exitTime === null;
    }
    return true;
  }

  private create(event: ProcessEvent, socket: SocketEvent, place: Pod): ConnectionRecord {
    const { sourceIp, sourcePort, destinationIp, destinationPort, act } = socket;
    const local = new PeerRecord(sourceIp, sourcePort);
    const remote = new PeerRecord(destinationIp, destinationPort);
    local.pod = place.facts === null ? null : place;
    const listening = place.ports?.isListening(sourcePort) === true;
    const isServer = act === 'accept' || (act !== 'connect' && (listening || sourcePort < destinationPort));
    const key = tupleKey(socket.protocol, sourceIp, sourcePort, destinationIp, destinationPort, place.key);
    const record = this.table.create(
      key,
      socket.protocol as Protocol,
      isServer ? remote : local,
      isServer ? local : remote,
      event.time,
      event.node,
      event.cluster,
      place,
    );
    record.directed = act === 'connect' || act === 'accept';
    remote.names = this.dns.names(local.pod, destinationIp);
    remote.kind = peerKind(destinationIp, null, false);
    if (local.pod !== null) local.kind = 'pod';
    return record;
  }

  private update(
    record: ConnectionRecord,
    event: ProcessEvent,
    socket: SocketEvent,
    process: ProcessNode,
    place: Pod,
  ): void {
    const { act } = socket;
    if (!record.directed && (act === 'connect' || act === 'accept')) {
      if ((act === 'connect') !== atClient(record, socket)) this.claims.turn(record);
      record.directed = true;
    }
    const isClient = atClient(record, socket);
    const end = isClient ? record.client : record.server;
    if (place.facts !== null) end.pod ??= place;
    end.node = event.node;
    if (socket.cookie !== '' && end.cookie === '') {
      end.cookie = socket.cookie;
      this.table.nameSocket(event.node, socket.cookie, record);
    }
    if (event.time > record.lastSeen) record.lastSeen = event.time;
    if (isClient) {
      this.claims.client(record, process, 'socket', act === 'connect');
      if (act === 'send') record.bytesSent += socket.bytes;
    } else {
      this.claims.server(record, process, 'socket');
      portsOf(place).listens(record.server.port, process);
    }
    if (act === 'close') this.close(record, event);
  }

  private close(record: ConnectionRecord, event: ProcessEvent): void {
    if (record.protocol === 'TCP') record.closedAt ??= event.time;
    if (event.time > record.lastSeen) record.lastSeen = event.time;
  }
}

function isEnd(record: ConnectionRecord, ip: string, port: number): boolean {
  const { client, server } = record;
  return (
    (server.ip === ip || server.translated === ip || client.ip === ip) && (server.port === port || client.port === port)
  );
}

/** Whether the socket is the client's end. */
function atClient(record: ConnectionRecord, socket: SocketEvent): boolean {
  const { client, server } = record;
  if (client.port !== server.port) return client.port === socket.sourcePort;
  return client.ip === socket.sourceIp;
}

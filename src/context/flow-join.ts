/** Flows into connections: direction, translation of service addresses, names, verdicts. */
import type { Endpoint, FlowEvent } from '../model/event.ts';
import type { Micros } from '../model/time.ts';
import { normalAddress, peerKind } from './addresses.ts';
import { infer } from './attribution.ts';
import type { Claims } from './claims.ts';
import { type ConnectionRecord, PeerRecord } from './connection-record.ts';
import { type ConnectionTable, coversTime, tupleKey } from './connection-table.ts';
import { type DnsNames, withoutDot } from './dns.ts';
import { fitsFlow } from './ends.ts';
import type { Pod, PodTable } from './pods.ts';

/** A backend's packet follows its ClusterIP's within this time. */
const TRANSLATION_WINDOW: Micros = 5_000_000;
/** Inference is tried on this many flows of a connection: names may come with the second. */
const GUESSES_MAX = 3;
/** Later wins. */
const VERDICT_ORDER = [
  '',
  'VERDICT_UNKNOWN',
  'TRACED',
  'TRANSLATED',
  'FORWARDED',
  'REDIRECTED',
  'AUDIT',
  'ERROR',
  'DROPPED',
];

export class FlowJoin {
  private readonly table: ConnectionTable;
  private readonly pods: PodTable;
  private readonly dns: DnsNames;
  private readonly claims: Claims;

  constructor(table: ConnectionTable, pods: PodTable, dns: DnsNames, claims: Claims) {
    this.table = table;
    this.pods = pods;
    this.dns = dns;
    this.claims = claims;
  }

  observe(flow: FlowEvent): ConnectionRecord | null {
    if (flow.protocol === '' || flow.sourceIp === '' || flow.destinationIp === '') return null;
    const source = normalAddress(flow.sourceIp);
    const destination = normalAddress(flow.destinationIp);
    const sourcePod = this.pods.ofEndpoint(flow.sourceEndpoint);
    const destinationPod = this.pods.ofEndpoint(flow.destinationEndpoint);
    const opens = isOpening(flow.tcpFlags) && flow.isReply !== true;
    const place = (sourcePod ?? destinationPod ?? this.pods.ofHost(flow.node)).key;
    const key = tupleKey(flow.protocol, source, flow.sourcePort, destination, flow.destinationPort, place);
    const record =
      this.find(key, flow, source, sourcePod, destinationPod, opens) ??
      this.translated(key, flow, source, destination, sourcePod, destinationPod, opens) ??
      this.create(key, flow, source, destination, sourcePod, destinationPod);
    this.update(record, flow, source, sourcePod, destinationPod);
    return record;
  }

  private find(
    key: string,
    flow: FlowEvent,
    source: string,
    sourcePod: Pod | null,
    destinationPod: Pod | null,
    opens: boolean,
  ): ConnectionRecord | null {
    for (let at = this.table.newest(key); at !== null; at = at.older) {
      const covers = coversTime(at, flow.time, opens);
      if (covers === 'after') return null;
      if (covers === 'before') continue;
      const forward = isForward(at, flow, source);
      const clientPod = forward ? sourcePod : destinationPod;
      const serverPod = forward ? destinationPod : sourcePod;
      const clientEnd = forward ? flow.sourceEndpoint : flow.destinationEndpoint;
      const serverEnd = forward ? flow.destinationEndpoint : flow.sourceEndpoint;
      if (
        fitsFlow(at, at.client, clientPod, clientEnd, flow.node) &&
        fitsFlow(at, at.server, serverPod, serverEnd, flow.node)
      )
        return at;
    }
    return null;
  }

  /** A flow of a connection that is known by its ClusterIP, or the other way round. */
  private translated(
    key: string,
    flow: FlowEvent,
    source: string,
    destination: string,
    sourcePod: Pod | null,
    destinationPod: Pod | null,
    opens: boolean,
  ): ConnectionRecord | null {
    const reply = flow.isReply === true || (flow.isReply === null && flow.tcpFlags.startsWith('SYN,ACK'));
    const clientIp = reply ? destination : source;
    const clientPort = reply ? flow.destinationPort : flow.sourcePort;
    const serverIp = reply ? source : destination;
    const serverPort = reply ? flow.sourcePort : flow.destinationPort;
    const clientPod = reply ? destinationPod : sourcePod;
    const serverPod = reply ? sourcePod : destinationPod;
    const clientEnd = reply ? flow.destinationEndpoint : flow.sourceEndpoint;
    const candidate = this.table.fromClient(flow.protocol, clientIp, clientPort);
    if (candidate === null || candidate.translatedKey !== '') return null;
    if (coversTime(candidate, flow.time, opens) !== 'yes') return null;
    if (!fitsFlow(candidate, candidate.client, clientPod, clientEnd, flow.node)) return null;
    const { server } = candidate;
    if (server.ip === serverIp) return null;
    const xlated = normalAddress(flow.sourceXlated);
    if (reply && xlated !== '') {
      if (server.ip !== xlated) return null;
      this.translate(candidate, key, serverIp, serverPort);
      return candidate;
    }
    if (flow.time - candidate.firstSeen > TRANSLATION_WINDOW) return null;
    const wasService =
      server.pod === null && server.kind !== 'world' && server.kind !== 'host' && server.kind !== 'remote_node';
    if (serverPod !== null && wasService) {
      this.translate(candidate, key, serverIp, serverPort);
      return candidate;
    }
    return null;
  }

  /** The service's address stays as `translated`; the backend's takes its place. */
  private translate(record: ConnectionRecord, key: string, backendIp: string, backendPort: number): void {
    const { server } = record;
    server.translated = server.ip;
    server.ip = backendIp;
    server.port = backendPort;
    server.kind = '';
    server.endpoint = null;
    this.table.alsoUnder(key, record);
  }

  private create(
    key: string,
    flow: FlowEvent,
    source: string,
    destination: string,
    sourcePod: Pod | null,
    destinationPod: Pod | null,
  ): ConnectionRecord {
    const { forward, certain } = directionOf(flow, sourcePod, destinationPod);
    const client = forward
      ? new PeerRecord(source, flow.sourcePort)
      : new PeerRecord(destination, flow.destinationPort);
    const server = forward
      ? new PeerRecord(destination, flow.destinationPort)
      : new PeerRecord(source, flow.sourcePort);
    client.pod = forward ? sourcePod : destinationPod;
    server.pod = forward ? destinationPod : sourcePod;
    const owner = client.pod ?? server.pod ?? this.pods.ofHost(flow.node);
    const record = this.table.create(key, flow.protocol, client, server, flow.time, flow.node, flow.cluster, owner);
    record.directed = certain;
    if (!forward && flow.sourceXlated !== '') server.translated = normalAddress(flow.sourceXlated);
    return record;
  }

  private update(
    record: ConnectionRecord,
    flow: FlowEvent,
    source: string,
    sourcePod: Pod | null,
    destinationPod: Pod | null,
  ): void {
    if (!record.directed) {
      const { forward, certain } = directionOf(flow, sourcePod, destinationPod);
      if (certain) {
        if (forward !== isForward(record, flow, source)) this.claims.turn(record);
        record.directed = true;
      }
    }
    const forward = isForward(record, flow, source);
    const { client, server } = record;
    if (forward) {
      this.know(client, flow.sourceEndpoint, sourcePod, flow.sourceService, flow.sourceNames, server);
      this.know(
        server,
        flow.destinationEndpoint,
        destinationPod,
        flow.destinationService,
        flow.destinationNames,
        client,
      );
    } else {
      this.know(
        client,
        flow.destinationEndpoint,
        destinationPod,
        flow.destinationService,
        flow.destinationNames,
        server,
      );
      this.know(server, flow.sourceEndpoint, sourcePod, flow.sourceService, flow.sourceNames, client);
      record.answered = true;
    }
    record.flows++;
    record.firstFlow ??= flow;
    if (flow.time > record.lastSeen) record.lastSeen = flow.time;
    if (flow.verdict !== record.verdict && worse(flow.verdict, record.verdict)) record.verdict = flow.verdict;
    if (record.closedAt === null && (flow.tcpFlags.startsWith('FIN') || flow.tcpFlags.includes('RST')))
      record.closedAt = flow.time;
    if (flow.dns !== null && client.pod !== null && !forward) this.dns.learn(client.pod, flow);
    this.attribute(record, flow.time);
  }

  private know(
    peer: PeerRecord,
    endpoint: Endpoint | null,
    pod: Pod | null,
    service: PeerRecord['service'],
    names: readonly string[],
    other: PeerRecord,
  ): void {
    peer.pod ??= pod;
    const told = (peer.endpoint === null && endpoint !== null) || (peer.service === null && service !== null);
    if (told) {
      peer.endpoint ??= endpoint;
      peer.service ??= service;
    }
    if (told || peer.kind === '') peer.kind = peerKind(peer.ip, peer.endpoint, peer.service !== null);
    if (names.length > 0) {
      if (peer.names.length === 0 || peer.names !== names)
        peer.names = names.some(name => name.endsWith('.')) ? names.map(withoutDot) : names;
    } else if (peer.names.length === 0) {
      const own = this.dns.names(other.pod, peer.ip);
      peer.names = own.length === 0 && peer.translated !== '' ? this.dns.names(other.pod, peer.translated) : own;
    }
  }

  private attribute(record: ConnectionRecord, time: Micros): void {
    const { client, server } = record;
    if (record.attribution !== 'socket' && client.pod !== null) {
      const sender = record.protocol === 'UDP' ? (client.pod.ports?.sender(client.port, time) ?? null) : null;
      if (sender !== null) this.claims.client(record, sender, 'socket', false);
      else if (record.process === null && record.guesses < GUESSES_MAX) {
        record.guesses++;
        const found = client.pod.ports?.connecting(server.ip, server.port, time) ?? infer(client.pod, record, time);
        if (found !== null) this.claims.client(record, found, 'inferred', false);
      }
    }
    if (record.serverProcess === null && server.pod?.ports != null) {
      const listener = server.pod.ports.listener(server.port, record.firstSeen);
      if (listener !== null) this.claims.server(record, listener, 'inferred');
    }
  }
}

/** The packet went from client to server. */
function isForward(record: ConnectionRecord, flow: FlowEvent, source: string): boolean {
  const { client, server } = record;
  if (client.port !== server.port) return client.port === flow.sourcePort;
  return client.ip === server.ip ? flow.isReply !== true : client.ip === source;
}

function worse(verdict: string, than: string): boolean {
  return VERDICT_ORDER.indexOf(verdict) > VERDICT_ORDER.indexOf(than);
}

/** A SYN without ACK; ECE and CWR may stand with it. */
function isOpening(flags: string): boolean {
  return flags.startsWith('SYN') && !flags.includes('ACK');
}

function directionOf(
  flow: FlowEvent,
  sourcePod: Pod | null,
  destinationPod: Pod | null,
): { forward: boolean; certain: boolean } {
  if (flow.isReply !== null) return { forward: !flow.isReply, certain: true };
  if (isOpening(flow.tcpFlags)) return { forward: true, certain: true };
  if (flow.tcpFlags.startsWith('SYN,ACK')) return { forward: false, certain: true };
  if (sourcePod?.ports?.isListening(flow.sourcePort) === true) return { forward: false, certain: false };
  if (destinationPod?.ports?.isListening(flow.destinationPort) === true) return { forward: true, certain: false };
  return { forward: flow.destinationPort <= flow.sourcePort, certain: false };
}

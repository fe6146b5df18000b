/** `flow.*`, `dns.*`, `http.*`, `network.*`, `attribution`: what Hubble saw, and the connection that both sensors agree on. */
import type { Peer } from '../../model/connection.ts';
import type { DnsLayer, FlowEvent, HttpLayer } from '../../model/event.ts';
import type { Observation } from '../../model/observation.ts';
import type { PodFacts } from '../../model/process.ts';
import {
  type Field,
  type FieldFamily,
  type FieldGetter,
  type FieldType,
  type FieldValue,
  FLOW_KINDS,
  HOOK_KINDS,
} from './field.ts';

const FLOWS = 'hubble.flows';
const NONE: readonly string[] = [];
const NETWORK_KINDS = [...FLOW_KINDS, ...HOOK_KINDS];

function flowField(name: string, type: FieldType, get: (flow: FlowEvent) => FieldValue, describe: string): Field {
  const getter: FieldGetter = o => (o.event.kind === 'flow' ? get(o.event) : null);
  return { name: `flow.${name}`, type, kinds: FLOW_KINDS, get: getter, describe, requires: [FLOWS] };
}

function dnsField(name: string, type: FieldType, get: (dns: DnsLayer) => FieldValue, describe: string): Field {
  const getter: FieldGetter = o => (o.event.kind === 'flow' && o.event.dns !== null ? get(o.event.dns) : null);
  return { name: `dns.${name}`, type, kinds: FLOW_KINDS, get: getter, describe, requires: ['hubble.dns'] };
}

function httpField(name: string, type: FieldType, get: (http: HttpLayer) => FieldValue, describe: string): Field {
  const getter: FieldGetter = o => (o.event.kind === 'flow' && o.event.http !== null ? get(o.event.http) : null);
  return { name: `http.${name}`, type, kinds: FLOW_KINDS, get: getter, describe, requires: ['hubble.http'] };
}

type PeerRow = readonly [name: string, type: FieldType, get: (peer: Peer) => FieldValue, describe: string];

const PEER_ROWS: readonly PeerRow[] = [
  ['ip', 'ip', peer => peer.ip, 'address'],
  ['port', 'number', peer => (peer.port === 0 ? null : peer.port), 'port; absent where there is none'],
  ['names', 'strings', peer => peer.names, 'DNS names by which the other side resolved it'],
  ['namespace', 'string', peer => peer.endpoint?.namespace ?? '', 'namespace of its pod'],
  ['pod', 'string', peer => peer.endpoint?.podName ?? '', 'name of its pod'],
  ['workload', 'strings', peer => peer.endpoint?.workloads.map(w => w.name) ?? NONE, 'names of its workloads'],
  ['identity', 'number', peer => peer.endpoint?.identity ?? null, "Cilium's numeric identity"],
  [
    'labels',
    'strings',
    peer => peer.endpoint?.labels ?? NONE,
    "all labels as Cilium writes them: 'k8s:app=web', 'reserved:world'",
  ],
  ['service', 'string', peer => peer.service?.name ?? '', 'name of its Service'],
  ['kind', 'string', peer => peer.kind, 'pod, service, host, remote_node, kube_apiserver, ingress or world'],
];

type Side = 'source' | 'destination';
type PeerOf = (o: Observation) => Peer | null;

/** Of the connection's own direction: on replies source is still the client. */
const FLOW_PEER: Readonly<Record<Side, PeerOf>> = { source: o => o.client, destination: o => o.server };
/** Socket events have their connection's ends, flows theirs. */
const NETWORK_PEER: Readonly<Record<Side, PeerOf>> = {
  source: o => o.client ?? o.connection?.client ?? null,
  destination: o => o.server ?? o.connection?.server ?? null,
};

function peerFields(base: 'flow' | 'network', side: Side): Field[] {
  const peerOf = base === 'flow' ? FLOW_PEER[side] : NETWORK_PEER[side];
  const who = side === 'source' ? 'client' : 'server';
  return PEER_ROWS.map(([name, type, get, describe]) => ({
    name: `${base}.${side}.${name}`,
    type,
    kinds: base === 'flow' ? FLOW_KINDS : NETWORK_KINDS,
    get: o => {
      const peer = peerOf(o);
      return peer === null || (base === 'flow' && o.event.kind !== 'flow') ? null : get(peer);
    },
    describe: `${describe} (the connection's ${who}${base === 'network' ? ', on flows and socket events' : ''})`,
    requires: base === 'flow' ? [FLOWS] : [],
  }));
}

function labelFamily(base: 'flow' | 'network', side: Side): FieldFamily {
  const peerOf = base === 'flow' ? FLOW_PEER[side] : NETWORK_PEER[side];
  return {
    pattern: `${base}.${side}.labels.<NAME>`,
    prefix: `${base}.${side}.labels.`,
    type: 'string',
    kinds: base === 'flow' ? FLOW_KINDS : NETWORK_KINDS,
    describe: `value of a label of the ${side}'s pod, whatever its origin (k8s, reserved, …)`,
    requires: base === 'flow' ? [FLOWS] : [],
    make: name => o => {
      const labels = peerOf(o)?.endpoint?.labels;
      if (labels === undefined || (base === 'flow' && o.event.kind !== 'flow')) return '';
      const wanted = `:${name}=`;
      for (const label of labels) {
        const at = label.indexOf(wanted);
        if (at >= 0 && !label.slice(0, at).includes(':')) return label.slice(at + wanted.length);
      }
      return '';
    },
  };
}

/** `http://host:80/path?query` → its parts; a bare path has no host. */
function urlParts(http: HttpLayer): { host: string; path: string } {
  const m = /^(?:[a-z][a-z0-9+.-]*:\/\/([^/?#]*))?([^?#]*)/i.exec(http.url);
  const host = m?.[1] ?? header(http, 'host') ?? header(http, ':authority') ?? '';
  return { host: host.replace(/:\d+$/, ''), path: m?.[2] || (http.url === '' ? '' : '/') };
}

function header(http: HttpLayer, name: string): string | undefined {
  return http.headers.find(h => h.key.toLowerCase() === name)?.value;
}

export const flowFields: readonly Field[] = [
  flowField('verdict', 'string', f => f.verdict, 'FORWARDED, DROPPED, ERROR, AUDIT, REDIRECTED, TRACED, TRANSLATED'),
  flowField('drop_reason', 'string', f => f.dropReason, 'POLICY_DENIED, …'),
  flowField(
    'direction',
    'string',
    f => f.direction,
    'EGRESS or INGRESS, as Hubble says (on some trace points the connection’s, not the packet’s)',
  ),
  flowField('is_reply', 'boolean', f => f.isReply, 'true for packets from server to client; absent on drops'),
  flowField('type', 'string', f => f.type, 'L3_L4, L7 or SOCK'),
  flowField('protocol', 'string', f => f.protocol, 'TCP, UDP, SCTP, ICMPv4, ICMPv6, …'),
  flowField('tcp_flags', 'string', f => f.tcpFlags, "flags joined by commas: 'SYN', 'SYN,ACK'"),
  flowField('observation_point', 'string', f => f.observationPoint, 'TO_ENDPOINT, TO_STACK, …'),
  flowField('policies', 'strings', f => f.policies, 'policies that allowed or denied it'),
  flowField('summary', 'string', f => f.summary, "Hubble's one-line summary"),
  ...peerFields('flow', 'source'),
  ...peerFields('flow', 'destination'),
  ...peerFields('network', 'source'),
  ...peerFields('network', 'destination'),
  {
    name: 'network.protocol',
    type: 'string',
    kinds: NETWORK_KINDS,
    get: o => (o.event.kind === 'flow' ? o.event.protocol : (o.connection?.protocol ?? o.socket?.protocol ?? '')),
    describe: 'TCP, UDP, …, on flows and socket events',
    requires: [],
  },
  {
    name: 'network.initiated',
    type: 'boolean',
    kinds: NETWORK_KINDS,
    get: initiated,
    describe: 'true when the pod or process at hand is the client',
    requires: [],
  },
  {
    name: 'network.bytes_sent',
    type: 'number',
    kinds: NETWORK_KINDS,
    get: o => (o.connection === null || o.connection.bytesSent === 0 ? null : o.connection.bytesSent),
    describe: "bytes that the client's process sent on this connection so far, by socket events",
    requires: ['policy.socket'],
  },
  {
    name: 'attribution',
    type: 'string',
    kinds: NETWORK_KINDS,
    get: o => o.attribution,
    describe: 'how well the process of a flow is known: socket, inferred or pod',
    requires: [],
  },
  dnsField('query', 'string', d => d.query, 'name asked for, without the final dot'),
  dnsField(
    'label_length',
    'number',
    d => longestLabel(d.query).length,
    'characters of the longest label of the name asked for',
  ),
  dnsField(
    'label_entropy',
    'number',
    d => entropy(longestLabel(d.query)),
    'Shannon entropy of the longest label, bits a character: words have about 3, encoded bytes 4 and more',
  ),
  dnsField('qtypes', 'strings', d => d.qtypes, 'A, AAAA, TXT, …'),
  dnsField('rcode', 'number', d => d.rcode, '0 is success, 3 is no such name'),
  dnsField('answers', 'strings', d => [...d.ips, ...d.cnames], 'addresses and names answered'),
  httpField('method', 'string', h => h.method, 'GET, PUT, …'),
  httpField('url', 'string', h => h.url, 'URL as reported'),
  httpField('host', 'string', h => urlParts(h).host, 'host of the URL or of the Host header, without port'),
  httpField('path', 'string', h => urlParts(h).path, 'path of the URL, without query'),
  httpField('code', 'number', h => (h.code === 0 ? null : h.code), 'status code of a response'),
];

const longestLabel = (name: string): string =>
  name.split('.').reduce((longest, label) => (label.length > longest.length ? label : longest), '');

/** Of the distribution of characters, rounded to hundredths; 0 for ''. */
function entropy(text: string): number {
  const counts = new Map<string, number>();
  for (const c of text) counts.set(c, (counts.get(c) ?? 0) + 1);
  let bits = 0;
  for (const n of counts.values()) bits -= (n / text.length) * Math.log2(n / text.length);
  return Math.round(bits * 100) / 100;
}

function initiated(o: Observation): boolean | null {
  const { connection, process, pod } = o;
  if (connection === null) return null;
  if (process !== null && connection.process === process) return true;
  if (process !== null && connection.serverProcess === process) return false;
  // Whose process it is nobody knows, but which pod opened it. Within one pod that says nothing.
  if (process !== null || pod === null) return null;
  const isClient = isPod(connection.client, pod);
  return isClient === isPod(connection.server, pod) ? null : isClient;
}

const isPod = ({ endpoint }: Peer, pod: PodFacts): boolean =>
  endpoint !== null && endpoint.podName === pod.name && endpoint.namespace === pod.namespace;

export const flowFamilies: readonly FieldFamily[] = [
  labelFamily('flow', 'source'),
  labelFamily('flow', 'destination'),
  labelFamily('network', 'source'),
  labelFamily('network', 'destination'),
  {
    pattern: 'http.headers.<NAME>',
    prefix: 'http.headers.',
    type: 'string',
    kinds: FLOW_KINDS,
    describe: 'value of an HTTP header, named in any case',
    requires: ['hubble.http'],
    make: name => {
      const wanted = name.toLowerCase();
      return o => (o.event.kind === 'flow' && o.event.http !== null ? (header(o.event.http, wanted) ?? '') : '');
    },
  },
];

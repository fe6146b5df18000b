/** Parsed Hubble lines → events. */
import type { DnsLayer, Endpoint, Event, FlowEvent, HttpLayer, Protocol } from '../../model/event.ts';
import {
  DIRECTIONS,
  DROP_REASONS,
  enumName,
  FLOW_TYPES,
  L7_TYPES,
  LOST_EVENT_SOURCES,
  NODE_STATES,
  OBSERVATION_POINTS,
  TRACE_REASONS,
  VERDICTS,
} from '../enums.ts';
import { type Interned, splitNodeName } from '../intern.ts';
import { type Envelope, streamFact } from './tetragon.ts';
import { array, booleanOrNull, clean, instant, type Json, number, object, strings, text } from './values.ts';

const PROTOCOLS: readonly Protocol[] = ['TCP', 'UDP', 'SCTP', 'ICMPv4', 'ICMPv6', 'VRRP', 'IGMP'];

const TCP_FLAGS = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR', 'NS'] as const;

const POLICY_LISTS = ['egress_allowed_by', 'ingress_allowed_by', 'egress_denied_by', 'ingress_denied_by'] as const;

export function hubbleEnvelope(line: Json, body: Json, source: string, raw: Envelope['raw']): Envelope {
  const { node, cluster } = splitNodeName(text(line.node_name) || text(body.node_name));
  return { source, node, cluster, raw };
}

/** A flow; null when it has no time. */
export function flowEvent(line: Json, flow: Json, envelope: Envelope, interned: Interned): FlowEvent | null {
  const at = instant(flow.time) ?? instant(line.time);
  if (at === null) return null;
  const ip = object(flow.IP);
  const l4 = object(flow.l4);
  const protocol = PROTOCOLS.find(name => object(l4?.[name]) !== null) ?? '';
  const ports = protocol === '' ? null : object(l4?.[protocol]);
  const eventType = object(flow.event_type);
  const l7 = object(flow.l7);
  const dns = object(l7?.dns);
  const http = object(l7?.http);
  return {
    time: at.time,
    ns: at.ns,
    source: envelope.source,
    node: envelope.node,
    cluster: envelope.cluster,
    raw: envelope.raw,
    kind: 'flow',
    uuid: text(flow.uuid),
    verdict: enumName(VERDICTS, flow.verdict),
    dropReason: enumName(DROP_REASONS, flow.drop_reason_desc) || enumName(DROP_REASONS, flow.drop_reason),
    sourceIp: text(ip?.source),
    sourceXlated: text(ip?.source_xlated),
    destinationIp: text(ip?.destination),
    protocol,
    sourcePort: number(ports?.source_port),
    destinationPort: number(ports?.destination_port),
    tcpFlags: tcpFlags(object(ports?.flags)),
    sourceEndpoint: endpoint(flow.source, interned),
    destinationEndpoint: endpoint(flow.destination, interned),
    sourceNames: strings(flow.source_names),
    destinationNames: strings(flow.destination_names),
    sourceService: service(flow.source_service),
    destinationService: service(flow.destination_service),
    type: enumName(FLOW_TYPES, flow.Type),
    eventType: number(eventType?.type),
    eventSubType: number(eventType?.sub_type),
    direction: enumName(DIRECTIONS, flow.traffic_direction),
    observationPoint: enumName(OBSERVATION_POINTS, flow.trace_observation_point),
    traceReason: enumName(TRACE_REASONS, flow.trace_reason),
    isReply: booleanOrNull(flow.is_reply),
    l7Type: enumName(L7_TYPES, l7?.type),
    latencyNs: number(l7?.latency_ns),
    dns: dns === null ? null : dnsLayer(dns),
    http: http === null ? null : httpLayer(http),
    interfaceName: text(object(flow.interface)?.name),
    proxyPort: number(flow.proxy_port),
    policies: policies(flow),
    summary: text(flow.Summary),
  };
}

/** Set flags in the model's order, joined by commas. */
export function tcpFlags(flags: Json | null): string {
  return flags === null ? '' : TCP_FLAGS.filter(name => flags[name] === true).join(',');
}

/** An endpoint block; null when it says nothing, as under a field mask. */
export function endpoint(value: unknown, interned: Interned): Endpoint | null {
  const block = object(value);
  if (block === null) return null;
  const facts: Endpoint = {
    id: number(block.ID),
    identity: number(block.identity),
    namespace: clean(block.namespace),
    podName: clean(block.pod_name),
    cluster: text(block.cluster_name),
    labels: strings(block.labels),
    workloads: array(block.workloads).flatMap(one => {
      const workload = object(one);
      return workload === null ? [] : [{ name: clean(workload.name), kind: text(workload.kind) }];
    }),
  };
  const says =
    facts.id !== 0 ||
    facts.identity !== 0 ||
    facts.namespace !== '' ||
    facts.podName !== '' ||
    facts.cluster !== '' ||
    facts.labels.length > 0 ||
    facts.workloads.length > 0;
  return says ? interned.endpoint(facts) : null;
}

function service(value: unknown): FlowEvent['sourceService'] {
  const block = object(value);
  if (block === null) return null;
  const name = clean(block.name);
  const namespace = clean(block.namespace);
  return name === '' && namespace === '' ? null : { name, namespace };
}

function dnsLayer(block: Json): DnsLayer {
  const query = text(block.query);
  return {
    query: query.endsWith('.') ? query.slice(0, -1) : query,
    ips: strings(block.ips),
    cnames: strings(block.cnames),
    ttl: number(block.ttl),
    rcode: number(block.rcode),
    qtypes: strings(block.qtypes),
    rrtypes: strings(block.rrtypes),
  };
}

function httpLayer(block: Json): HttpLayer {
  return {
    code: number(block.code),
    method: text(block.method),
    url: text(block.url),
    protocol: text(block.protocol),
    headers: array(block.headers).flatMap(one => {
      const header = object(one);
      return header === null ? [] : [{ key: text(header.key), value: text(header.value) }];
    }),
  };
}

function policies(flow: Json): readonly string[] {
  let names: string[] | null = null;
  for (const list of POLICY_LISTS) {
    for (const one of array(flow[list])) {
      const name = text(object(one)?.name);
      if (name === '') continue;
      names ??= [];
      names.push(name);
    }
  }
  return names ?? NO_POLICIES;
}

const NO_POLICIES: readonly string[] = Object.freeze([]) as readonly string[];

/** `lost_events`: flows that the agent's buffers dropped. */
export function lostEventsFact(line: Json, body: Json, envelope: Envelope): Event | null {
  const at = instant(line.time) ?? instant(body.last);
  if (at === null) return null;
  const last = instant(body.last)?.time ?? at.time;
  return streamFact(at, envelope, {
    kind: 'lost_events',
    reason: enumName(LOST_EVENT_SOURCES, body.source),
    count: number(body.num_events_lost),
    from: instant(body.first)?.time ?? last,
    to: last,
  });
}

/** `node_status`: the relay gained or lost a node. */
export function nodeStatusFact(line: Json, body: Json, envelope: Envelope): Event | null {
  const at = instant(line.time);
  if (at === null) return null;
  return streamFact(at, envelope, {
    kind: 'node_status',
    reason: enumName(NODE_STATES, body.state_change),
    message: text(body.message),
    nodeNames: strings(body.node_names),
  });
}

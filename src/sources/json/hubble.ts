/** Parsed Hubble lines → events. */
import type { DnsLayer, Endpoint, Event, FlowEvent, HttpLayer, Protocol } from '../../model/event.ts';
import type { Instant } from '../../model/time.ts';
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

export const PROTOCOLS: readonly Protocol[] = ['TCP', 'UDP', 'SCTP', 'ICMPv4', 'ICMPv6', 'VRRP', 'IGMP'];

const TCP_FLAGS = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR', 'NS'] as const;

const NONE: readonly string[] = Object.freeze([]) as readonly string[];

export function hubbleEnvelope(line: Json, body: Json, source: string, raw: Envelope['raw']): Envelope {
  const { node, cluster } = splitNodeName(text(line.node_name) || text(body.node_name));
  return { source, node, cluster, raw };
}

/** A flow; null when it has no time. */
export function flowEvent(line: Json, flow: Json, envelope: Envelope, interned: Interned): FlowEvent | null {
  const at = instant(flow.time) ?? instant(line.time);
  if (at === null) return null;
  const draft = new FlowDraft();
  for (const key in flow) draft.set(key, flow[key], interned);
  return draft.event(at, envelope);
}

/** A flow's fields as they are gathered key by key, in whatever order and from however many pieces. */
export class FlowDraft {
  uuid = '';
  verdict = '';
  dropReason = '';
  sourceIp = '';
  sourceXlated = '';
  destinationIp = '';
  protocol: Protocol = '';
  sourcePort = 0;
  destinationPort = 0;
  tcpFlags = '';
  sourceEndpoint: Endpoint | null = null;
  destinationEndpoint: Endpoint | null = null;
  sourceNames: readonly string[] = NONE;
  destinationNames: readonly string[] = NONE;
  sourceService: FlowEvent['sourceService'] = null;
  destinationService: FlowEvent['destinationService'] = null;
  type = '';
  eventType = 0;
  eventSubType = 0;
  direction = '';
  observationPoint = '';
  traceReason = '';
  isReply: boolean | null = null;
  l7Type = '';
  latencyNs = 0;
  dns: DnsLayer | null = null;
  http: HttpLayer | null = null;
  interfaceName = '';
  proxyPort = 0;
  policies: readonly string[] = NONE;
  summary = '';

  /** Takes one member of the flow's JSON; unknown keys say nothing. */
  set(key: string, value: unknown, interned: Interned): void {
    switch (key) {
      case 'uuid':
        this.uuid = text(value);
        break;
      case 'verdict':
        this.verdict = enumName(VERDICTS, value);
        break;
      case 'drop_reason_desc':
        this.dropReason = enumName(DROP_REASONS, value) || this.dropReason;
        break;
      case 'drop_reason':
        this.dropReason = this.dropReason || enumName(DROP_REASONS, value);
        break;
      case 'IP':
        this.#setIp(object(value));
        break;
      case 'l4':
        this.#setLayer4(object(value));
        break;
      case 'source':
        this.sourceEndpoint = endpoint(value, interned);
        break;
      case 'destination':
        this.destinationEndpoint = endpoint(value, interned);
        break;
      case 'source_names':
        this.sourceNames = strings(value);
        break;
      case 'destination_names':
        this.destinationNames = strings(value);
        break;
      case 'source_service':
        this.sourceService = service(value);
        break;
      case 'destination_service':
        this.destinationService = service(value);
        break;
      case 'Type':
        this.type = enumName(FLOW_TYPES, value);
        break;
      case 'event_type':
        this.eventType = number(object(value)?.type);
        this.eventSubType = number(object(value)?.sub_type);
        break;
      case 'traffic_direction':
        this.direction = enumName(DIRECTIONS, value);
        break;
      case 'trace_observation_point':
        this.observationPoint = enumName(OBSERVATION_POINTS, value);
        break;
      case 'trace_reason':
        this.traceReason = enumName(TRACE_REASONS, value);
        break;
      case 'is_reply':
        this.isReply = booleanOrNull(value);
        break;
      case 'l7':
        this.#setLayer7(object(value));
        break;
      case 'interface':
        this.interfaceName = text(object(value)?.name);
        break;
      case 'proxy_port':
        this.proxyPort = number(value);
        break;
      case 'egress_allowed_by':
      case 'ingress_allowed_by':
      case 'egress_denied_by':
      case 'ingress_denied_by':
        this.policies = withPolicies(this.policies, value);
        break;
      case 'Summary':
        this.summary = text(value);
        break;
    }
  }

  #setIp(ip: Json | null): void {
    this.sourceIp = text(ip?.source);
    this.sourceXlated = text(ip?.source_xlated);
    this.destinationIp = text(ip?.destination);
  }

  #setLayer4(l4: Json | null): void {
    this.protocol = PROTOCOLS.find(name => object(l4?.[name]) !== null) ?? '';
    const ports = this.protocol === '' ? null : object(l4?.[this.protocol]);
    this.sourcePort = number(ports?.source_port);
    this.destinationPort = number(ports?.destination_port);
    this.tcpFlags = tcpFlags(object(ports?.flags));
  }

  #setLayer7(l7: Json | null): void {
    const dns = object(l7?.dns);
    const http = object(l7?.http);
    this.l7Type = enumName(L7_TYPES, l7?.type);
    this.latencyNs = number(l7?.latency_ns);
    this.dns = dns === null ? null : dnsLayer(dns);
    this.http = http === null ? null : httpLayer(http);
  }

  /** The event of what was gathered; the draft may go on to be used. */
  event(at: Instant, envelope: Envelope): FlowEvent {
    return {
      time: at.time,
      ns: at.ns,
      source: envelope.source,
      node: envelope.node,
      cluster: envelope.cluster,
      raw: envelope.raw,
      kind: 'flow',
      uuid: this.uuid,
      verdict: this.verdict,
      dropReason: this.dropReason,
      sourceIp: this.sourceIp,
      sourceXlated: this.sourceXlated,
      destinationIp: this.destinationIp,
      protocol: this.protocol,
      sourcePort: this.sourcePort,
      destinationPort: this.destinationPort,
      tcpFlags: this.tcpFlags,
      sourceEndpoint: this.sourceEndpoint,
      destinationEndpoint: this.destinationEndpoint,
      sourceNames: this.sourceNames,
      destinationNames: this.destinationNames,
      sourceService: this.sourceService,
      destinationService: this.destinationService,
      type: this.type,
      eventType: this.eventType,
      eventSubType: this.eventSubType,
      direction: this.direction,
      observationPoint: this.observationPoint,
      traceReason: this.traceReason,
      isReply: this.isReply,
      l7Type: this.l7Type,
      latencyNs: this.latencyNs,
      dns: this.dns,
      http: this.http,
      interfaceName: this.interfaceName,
      proxyPort: this.proxyPort,
      policies: this.policies,
      summary: this.summary,
    };
  }
}

/** Set flags in the model's order, joined by commas. */
export function tcpFlags(flags: Json | null): string {
  return flags === null ? '' : TCP_FLAGS.filter(name => flags[name] === true).join(',');
}

/** An endpoint block; null when it says nothing, as under a field mask. */
function endpoint(value: unknown, interned: Interned): Endpoint | null {
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

function withPolicies(before: readonly string[], list: unknown): readonly string[] {
  const names = array(list)
    .map(one => text(object(one)?.name))
    .filter(name => name !== '');
  return names.length === 0 ? before : [...before, ...names];
}

/** `lost_events`: flows that the agent's buffers dropped. */
export function lostEventsFact(line: Json, body: Json, envelope: Envelope): Event | null {
  const at = instant(line.time) ?? instant(body.last);
  if (at === null) return null;
  const last = instant(body.last)?.time ?? at.time;
  return streamFact(at, envelope, {
    kind: 'lost_events',
    // Spoor's own records of what was lost say whose events those were.
    sensor: text(body.sensor) === 'tetragon' ? 'tetragon' : 'hubble',
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
    sensor: 'hubble',
    reason: enumName(NODE_STATES, body.state_change),
    message: text(body.message),
    nodeNames: strings(body.node_names),
  });
}

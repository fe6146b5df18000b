/** Events for tests with everything plausible by default: times in seconds since `BASE`, ids made from node, time and pid. */
import type {
  DnsLayer,
  Endpoint,
  Event,
  FlowEvent,
  KprobeArg,
  ProcessEvent,
  Protocol,
  RawRecord,
  StreamFact,
} from '../../src/model/event.ts';
import type { PodFacts, ProcessFacts } from '../../src/model/process.ts';
import { MICROS_PER_SECOND } from '../../src/model/time.ts';

export const BASE = 1_790_000_000 * MICROS_PER_SECOND;

/** Seconds since BASE → micros since the epoch. */
export const when = (seconds: number): number => BASE + Math.round(seconds * MICROS_PER_SECOND);

const RAW: RawRecord = {
  line: () => '{}',
  detach: () => RAW,
};

export function podFacts(key: string, extra: Partial<PodFacts> = {}): PodFacts {
  const slash = key.indexOf('/');
  return {
    namespace: key.slice(0, slash),
    name: key.slice(slash + 1),
    uid: `uid-${key}`,
    labels: {},
    annotations: {},
    workload: '',
    workloadKind: '',
    container: null,
    ...extra,
  };
}

export interface ProcessInput extends Partial<Omit<ProcessFacts, 'pod' | 'startTime'>> {
  /** Seconds since BASE. */
  readonly start?: number;
  /** `namespace/name`, facts, or null. */
  readonly pod?: string | PodFacts | null;
}

/** A process block; `flags` are those of an exec after fork. */
export function processFacts(execId: string, input: ProcessInput = {}): ProcessFacts {
  const { start, pod, ...rest } = input;
  return {
    parentExecId: '',
    pid: 100,
    uid: 0,
    auid: null,
    user: '',
    cwd: '/',
    binary: '/usr/bin/true',
    arguments: '',
    flags: 'execve clone',
    startNs: 0,
    pod: typeof pod === 'string' ? podFacts(pod) : (pod ?? null),
    docker: '',
    caps: null,
    ns: null,
    credentials: null,
    binaryProperties: null,
    inInitTree: null,
    env: null,
    ...rest,
    // Last: a block may be spread into `input` to make a similar one.
    execId,
    startTime: when(start ?? 0),
  };
}

export interface ProcessEventInput extends Partial<Omit<ProcessEvent, 'process' | 'time' | 'kind'>> {
  /** Seconds since BASE; the process's start when absent. */
  readonly at?: number;
}

function processEvent(kind: ProcessEvent['kind'], process: ProcessFacts, input: ProcessEventInput): ProcessEvent {
  const { at, ...rest } = input;
  return {
    time: at === undefined ? process.startTime : when(at),
    ns: 0,
    source: 'tetragon',
    node: 'worker-1',
    cluster: '',
    raw: RAW,
    kind,
    process,
    parent: null,
    ancestors: [],
    functionName: '',
    args: [],
    returnValue: null,
    policy: '',
    message: '',
    tags: [],
    action: '',
    signal: '',
    status: kind === 'process_exit' ? 0 : null,
    ...rest,
  };
}

export function execEvent(process: ProcessFacts, input: ProcessEventInput = {}): ProcessEvent {
  return processEvent('process_exec', process, input);
}

export function exitEvent(process: ProcessFacts, input: ProcessEventInput = {}): ProcessEvent {
  return processEvent('process_exit', process, input);
}

export function kprobeEvent(
  process: ProcessFacts,
  functionName: string,
  args: readonly KprobeArg[],
  input: ProcessEventInput = {},
): ProcessEvent {
  return processEvent('process_kprobe', process, { functionName, args, ...input });
}

/** `tcp 10.0.0.1:1000 > 10.0.0.2:80`; an address or port of zero is left out, as the export does. */
export function sockArg(tuple: string, extra: Record<string, unknown> = {}): KprobeArg {
  const [protocol = '', source = '', , destination = ''] = tuple.split(' ');
  const [saddr, sport] = splitAddress(source);
  const [daddr, dport] = splitAddress(destination);
  const value: Record<string, unknown> = {
    family: saddr.includes(':') ? 'AF_INET6' : 'AF_INET',
    type: protocol === 'tcp' ? 'SOCK_STREAM' : 'SOCK_DGRAM',
    protocol: `IPPROTO_${protocol.toUpperCase()}`,
    saddr,
    daddr,
    ...(sport > 0 ? { sport } : {}),
    ...(dport > 0 ? { dport } : {}),
    ...extra,
  };
  return { type: 'sock', label: '', value };
}

function splitAddress(text: string): [string, number] {
  const at = text.lastIndexOf(':');
  return [text.slice(0, at).replace(/^\[|\]$/g, ''), Number(text.slice(at + 1))];
}

const endpoints = new Map<string, Endpoint>();

/** `namespace/name` for a pod, `reserved:world` for an identity. The same text gives the same object, as decoders do. */
export function endpoint(text: string): Endpoint {
  let found = endpoints.get(text);
  if (found === undefined) {
    const slash = text.indexOf('/');
    const isPod = slash > 0;
    found = {
      id: isPod ? 1_000 + endpoints.size : 0,
      identity: isPod ? 20_000 : 2,
      namespace: isPod ? text.slice(0, slash) : '',
      podName: isPod ? text.slice(slash + 1) : '',
      cluster: '',
      labels: isPod ? [`k8s:app=${text.slice(slash + 1)}`] : [text],
      workloads: [],
    };
    endpoints.set(text, found);
  }
  return found;
}

export interface FlowInput
  extends Partial<Omit<FlowEvent, 'time' | 'sourceEndpoint' | 'destinationEndpoint' | 'kind' | 'dns'>> {
  /** Seconds since BASE. */
  readonly at?: number;
  /** Texts for `endpoint`. */
  readonly from?: string | null;
  readonly to?: string | null;
  readonly dns?: Partial<DnsLayer> | null;
}

/** `tcp 10.0.0.1:1000 > 10.0.0.2:80`: as the packet went, so a reply has the server first. */
export function flowEvent(tuple: string, input: FlowInput = {}): FlowEvent {
  const { at, from, to, dns, ...rest } = input;
  const [protocol = '', source = '', , destination = ''] = tuple.split(' ');
  const [sourceIp, sourcePort] = splitAddress(source);
  const [destinationIp, destinationPort] = splitAddress(destination);
  return {
    time: when(at ?? 0),
    ns: 0,
    source: 'hubble',
    node: 'worker-1',
    cluster: '',
    raw: RAW,
    kind: 'flow',
    uuid: '',
    verdict: 'FORWARDED',
    dropReason: '',
    sourceIp,
    sourceXlated: '',
    destinationIp,
    protocol: (protocol.startsWith('icmp') ? 'ICMPv4' : protocol.toUpperCase()) as Protocol,
    sourcePort,
    destinationPort,
    tcpFlags: '',
    sourceEndpoint: from == null ? null : endpoint(from),
    destinationEndpoint: to == null ? null : endpoint(to),
    sourceNames: [],
    destinationNames: [],
    sourceService: null,
    destinationService: null,
    type: 'L3_L4',
    eventType: 4,
    eventSubType: 0,
    direction: 'EGRESS',
    observationPoint: 'TO_STACK',
    traceReason: '',
    isReply: false,
    l7Type: '',
    latencyNs: 0,
    dns:
      dns == null ? null : { query: '', ips: [], cnames: [], ttl: 30, rcode: 0, qtypes: ['A'], rrtypes: ['A'], ...dns },
    http: null,
    interfaceName: '',
    proxyPort: 0,
    policies: [],
    summary: '',
    ...rest,
  };
}

export function lostEvents(input: Partial<StreamFact> & { readonly at?: number } = {}): StreamFact {
  const { at, ...rest } = input;
  const time = when(at ?? 0);
  return {
    time,
    ns: 0,
    source: 'hubble',
    node: 'worker-1',
    cluster: '',
    raw: RAW,
    kind: 'lost_events',
    sensor: 'hubble',
    reason: 'HUBBLE_RING_BUFFER',
    count: 1,
    from: time,
    to: time,
    message: '',
    nodeNames: [],
    cgroup: '',
    ...rest,
  };
}

/** Same events in another arrival order of whole sources: each source keeps its own. `pick` chooses the next source. */
export function interleave(sources: readonly (readonly Event[])[], pick: (left: number) => number): [Event, number][] {
  const heads = sources.map(() => 0);
  const out: [Event, number][] = [];
  for (;;) {
    const open = sources.map((_, i) => i).filter(i => (heads[i] as number) < (sources[i] as readonly Event[]).length);
    if (open.length === 0) return out;
    const source = open[pick(open.length) % open.length] as number;
    out.push([(sources[source] as readonly Event[])[heads[source] as number] as Event, source]);
    heads[source] = (heads[source] as number) + 1;
  }
}

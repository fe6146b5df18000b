/**
 * The Event union: one thing that Tetragon or Hubble reported. Every shape is flat and fixed (all keys always present, in the
 * same order), so that predicates stay monomorphic. Absent strings are '', absent numbers, booleans and blocks null.
 */
import type { ProcessFacts } from './process.ts';
import type { Micros } from './time.ts';

/** The record an event was decoded from, kept for evidence and recording. */
export interface RawRecord {
  /** One JSON object in the export's own shape (`{"process_exec":…}`, `{"flow":…}`), without a line end. */
  line(): string;
  /** The bytes of `line()` in UTF-8 where they are at hand, for whoever only passes them on. They may be a view of a larger buffer. */
  bytes?(): Uint8Array;
  /** The same record with memory of its own: call before keeping it, a decoder's record may share a large buffer. */
  detach(): RawRecord;
}

export const PROCESS_EVENT_KINDS = [
  'process_exec',
  'process_exit',
  'process_kprobe',
  'process_lsm',
  'process_tracepoint',
  'process_uprobe',
  'process_usdt',
  'process_loader',
] as const;
export const STREAM_FACT_KINDS = ['lost_events', 'rate_limit', 'throttle', 'node_status'] as const;
export const EVENT_KINDS = [...PROCESS_EVENT_KINDS, 'flow', ...STREAM_FACT_KINDS] as const;

export type ProcessEventKind = (typeof PROCESS_EVENT_KINDS)[number];
export type StreamFactKind = (typeof STREAM_FACT_KINDS)[number];
export type EventKind = (typeof EVENT_KINDS)[number];

/** What every event has. `node` is normalised: no `cluster/` prefix. */
interface EventBase {
  readonly time: Micros;
  readonly ns: number;
  /** Configured or derived name of the source that delivered it, for counters and lag; never used by rules. */
  source: string;
  readonly node: string;
  readonly cluster: string;
  readonly raw: RawRecord;
}

/** One kprobe/lsm/tracepoint/uprobe/usdt argument: the oneof's key without `_arg`, and its value as in the export's JSON. */
export interface KprobeArg {
  /** `sock`, `file`, `int`, `string`, `path`, `linux_binprm`, … */
  readonly type: string;
  readonly label: string;
  /** Scalars as number, string or boolean (64-bit integers as strings); messages as plain objects with snake_case keys. */
  readonly value: unknown;
}

export interface ProcessEvent extends EventBase {
  readonly kind: ProcessEventKind;
  readonly process: ProcessFacts;
  /** Null when absent, or when the decoder knows that it said nothing new about this process before. */
  readonly parent: ProcessFacts | null;
  /** From the grandparent upwards; [] when absent or nothing new. */
  readonly ancestors: readonly ProcessFacts[];
  /** kprobe/lsm function_name; tracepoint `subsys/event`; uprobe symbol; usdt `provider/name`; loader path; else ''. */
  readonly functionName: string;
  readonly args: readonly KprobeArg[];
  readonly returnValue: KprobeArg | null;
  readonly policy: string;
  readonly message: string;
  readonly tags: readonly string[];
  /** `KPROBE_ACTION_POST` …, or ''. */
  readonly action: string;
  /** Exit only: signal name or '', and status (0 when the export omits it and there is no signal; null otherwise). */
  readonly signal: string;
  readonly status: number | null;
}

export type Protocol = 'TCP' | 'UDP' | 'SCTP' | 'ICMPv4' | 'ICMPv6' | 'VRRP' | 'IGMP' | '';

/** One end of a flow as Hubble knows it. Interned by decoders. */
export interface Endpoint {
  readonly id: number;
  readonly identity: number;
  readonly namespace: string;
  readonly podName: string;
  readonly cluster: string;
  /** `k8s:app=web`, `reserved:world` … as sent. */
  readonly labels: readonly string[];
  readonly workloads: readonly { readonly name: string; readonly kind: string }[];
}

export interface DnsLayer {
  /** Without its trailing dot. */
  readonly query: string;
  readonly ips: readonly string[];
  readonly cnames: readonly string[];
  readonly ttl: number;
  readonly rcode: number;
  readonly qtypes: readonly string[];
  readonly rrtypes: readonly string[];
}

export interface HttpLayer {
  readonly code: number;
  readonly method: string;
  readonly url: string;
  readonly protocol: string;
  readonly headers: readonly { readonly key: string; readonly value: string }[];
}

export interface FlowEvent extends EventBase {
  readonly kind: 'flow';
  readonly uuid: string;
  readonly verdict: string;
  /** `POLICY_DENIED` …, or ''. */
  readonly dropReason: string;
  readonly sourceIp: string;
  readonly sourceXlated: string;
  readonly destinationIp: string;
  readonly protocol: Protocol;
  /** 0 where there is none. */
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** Set flags in the order FIN SYN RST PSH ACK URG ECE CWR NS joined by commas: `SYN`, `SYN,ACK`; '' when not TCP. */
  readonly tcpFlags: string;
  readonly sourceEndpoint: Endpoint | null;
  readonly destinationEndpoint: Endpoint | null;
  readonly sourceNames: readonly string[];
  readonly destinationNames: readonly string[];
  readonly sourceService: { readonly name: string; readonly namespace: string } | null;
  readonly destinationService: { readonly name: string; readonly namespace: string } | null;
  /** `L3_L4`, `L7`, `SOCK`, or ''. */
  readonly type: string;
  /** `event_type.type`: 1 drop, 4 trace, 5 policy verdict, 7 sock, 129 L7; 0 unknown. */
  readonly eventType: number;
  readonly eventSubType: number;
  readonly direction: string;
  readonly observationPoint: string;
  readonly traceReason: string;
  /** Null where Hubble does not say (drops, policy verdicts of old agents). */
  readonly isReply: boolean | null;
  /** `REQUEST`, `RESPONSE`, `SAMPLE`, or ''. */
  readonly l7Type: string;
  readonly latencyNs: number;
  readonly dns: DnsLayer | null;
  readonly http: HttpLayer | null;
  readonly interfaceName: string;
  readonly proxyPort: number;
  /** Names of the policies that allowed or denied it. */
  readonly policies: readonly string[];
  readonly summary: string;
}

/** A fact about a stream rather than about a process or a packet. */
export interface StreamFact extends EventBase {
  readonly kind: StreamFactKind;
  /** Whose stream it is about: `hubble` or `tetragon`. Unlike `source` it is the same when a recording is replayed. */
  readonly sensor: string;
  /** lost_events: who lost them (`HUBBLE_RING_BUFFER`, …); node_status: state_change; throttle: type. */
  readonly reason: string;
  /** Lost or dropped events; 0 when unknown. */
  readonly count: number;
  /** The period in which they were lost; equal to `time` when the sensor does not say. */
  readonly from: Micros;
  readonly to: Micros;
  readonly message: string;
  readonly nodeNames: readonly string[];
  readonly cgroup: string;
}

export type Event = ProcessEvent | FlowEvent | StreamFact;

export function isProcessEvent(event: Event): event is ProcessEvent {
  return event.kind.charCodeAt(0) === 112 /* p */;
}

/** Parsed Tetragon export lines → events. */
import type { Event, KprobeArg, ProcessEvent, ProcessEventKind, RawRecord, StreamFact } from '../../model/event.ts';
import type { Instant } from '../../model/time.ts';
import { enumName, KPROBE_ACTIONS, THROTTLE_TYPES } from '../enums.ts';
import { splitNodeName } from '../intern.ts';
import { NO_ANCESTORS, newAncestors, newParent, type ProcessMemory } from './memory.ts';
import { array, instant, isObject, type Json, number, numberOrNull, object, strings, text } from './values.ts';

/** Nesting of a kprobe argument that is kept; what lies deeper is left out. Real ones have three levels. */
const ARGUMENT_DEPTH_MAX = 16;

/** What a line says beside its event: source, place and time. */
export interface Envelope {
  readonly source: string;
  readonly node: string;
  readonly cluster: string;
  readonly raw: RawRecord;
}

export function tetragonEnvelope(line: Json, source: string, raw: RawRecord): Envelope {
  const { node, cluster } = splitNodeName(text(line.node_name));
  return { source, node, cluster: text(line.cluster_name) || cluster, raw };
}

/** A process event; null when it has no process or no time. */
export function processEvent(
  kind: ProcessEventKind,
  line: Json,
  body: Json,
  envelope: Envelope,
  memory: ProcessMemory,
): ProcessEvent | null {
  const block = object(body.process);
  const at = instant(line.time) ?? instant(body.time) ?? instant(block?.start_time);
  if (block === null || at === null) return null;
  const own = memory.version(block, 'own');
  const parentBlock = relative(body.parent);
  const parent = newParent(own, parentBlock === null ? null : memory.version(parentBlock, 'relative'));
  const chain = array(body.ancestors).map(relative);
  const ancestors =
    chain.length === 0
      ? NO_ANCESTORS
      : newAncestors(
          own,
          chain.filter(one => one !== null).map(one => memory.version(one, 'relative')),
        );
  return assemble(kind, at, envelope, own.facts, parent, ancestors, body);
}

/** A block that names a process; re-exports fill absent ones with empty values. */
function relative(value: unknown): Json | null {
  const block = object(value);
  return block === null || text(block.exec_id) === '' ? null : block;
}

/** What an event's body says beside its processes. */
export type OwnFields = Pick<
  ProcessEvent,
  'functionName' | 'args' | 'returnValue' | 'policy' | 'message' | 'tags' | 'action' | 'signal' | 'status'
>;

export function ownFields(kind: ProcessEventKind, body: Json): OwnFields {
  const signal = text(body.signal);
  const args = array(body.args);
  return {
    functionName: functionName(kind, body),
    args: args.length === 0 ? NO_ARGS : args.map(argument),
    returnValue: isObject(body.return) ? argument(body.return) : null,
    policy: text(body.policy_name),
    message: text(body.message),
    tags: strings(body.tags),
    action: enumName(KPROBE_ACTIONS, body.action),
    signal,
    status: kind === 'process_exit' ? (numberOrNull(body.status) ?? (signal === '' ? 0 : null)) : null,
  };
}

/** Puts an event together from its blocks and the parsed rest of its body. */
export function assemble(
  kind: ProcessEventKind,
  at: Instant,
  envelope: Envelope,
  process: ProcessEvent['process'],
  parent: ProcessEvent['parent'],
  ancestors: ProcessEvent['ancestors'],
  body: Json,
): ProcessEvent {
  return withFields(kind, at, envelope, process, parent, ancestors, ownFields(kind, body));
}

/** The same from fields that were read before. */
export function withFields(
  kind: ProcessEventKind,
  at: Instant,
  envelope: Envelope,
  process: ProcessEvent['process'],
  parent: ProcessEvent['parent'],
  ancestors: ProcessEvent['ancestors'],
  own: OwnFields,
): ProcessEvent {
  return {
    time: at.time,
    ns: at.ns,
    source: envelope.source,
    node: envelope.node,
    cluster: envelope.cluster,
    raw: envelope.raw,
    kind,
    process,
    parent,
    ancestors,
    functionName: own.functionName,
    args: own.args,
    returnValue: own.returnValue,
    policy: own.policy,
    message: own.message,
    tags: own.tags,
    action: own.action,
    signal: own.signal,
    status: own.status,
  };
}

const NO_ARGS: readonly KprobeArg[] = Object.freeze([]) as readonly KprobeArg[];

function functionName(kind: ProcessEventKind, body: Json): string {
  switch (kind) {
    case 'process_kprobe':
    case 'process_lsm':
      return text(body.function_name);
    case 'process_tracepoint':
      return joined(text(body.subsys), text(body.event));
    case 'process_uprobe':
      return text(body.symbol);
    case 'process_usdt':
      return joined(text(body.provider), text(body.name));
    case 'process_loader':
      return text(body.path);
    default:
      return '';
  }
}

function joined(first: string, second: string): string {
  return first === '' && second === '' ? '' : `${first}/${second}`;
}

/** `{"sock_arg": {…}, "label": "…"}` → type, label and value. Positions matter, so that an empty one stays as an empty one. */
function argument(value: unknown): KprobeArg {
  if (isObject(value)) {
    for (const key in value) {
      const inner = value[key];
      if (key === 'label' || inner === null || inner === undefined) continue;
      const type = key.endsWith('_arg') ? key.slice(0, -4) : key;
      return { type, label: text(value.label), value: argumentValue(type, inner) };
    }
    return { type: '', label: text(value.label), value: null };
  }
  return { type: '', label: '', value: null };
}

/** 64-bit numbers stay strings as the export prints them, 32-bit ones numbers, however they were sent. */
function argumentValue(type: string, value: unknown): unknown {
  if (typeof value === 'object') return shallow(value, ARGUMENT_DEPTH_MAX);
  if (type === 'size' || type === 'long') return String(value);
  if (type === 'int' || type === 'uint') return numberOrNull(value) ?? value;
  return value;
}

/** The value itself when it is not nested too deeply, else a copy that is cut. */
function shallow(value: unknown, depthMax: number): unknown {
  return depthOf(value, depthMax + 1) <= depthMax ? value : cut(value, depthMax);
}

function depthOf(value: unknown, limit: number): number {
  if (typeof value !== 'object' || value === null || limit === 0) return 0;
  let deepest = 0;
  for (const inner of Object.values(value)) deepest = Math.max(deepest, depthOf(inner, limit - 1));
  return deepest + 1;
}

function cut(value: unknown, depthMax: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depthMax === 0) return null;
  if (Array.isArray(value)) return value.map(inner => cut(inner, depthMax - 1));
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, cut(inner, depthMax - 1)]));
}

/** `rate_limit_info`: events that the export's own rate limit left out. */
export function rateLimitFact(line: Json, body: Json, envelope: Envelope): Event | null {
  const at = instant(line.time);
  if (at === null) return null;
  return streamFact(at, envelope, {
    kind: 'rate_limit',
    sensor: 'tetragon',
    count: number(body.number_of_dropped_process_events),
  });
}

/** `process_throttle`: a cgroup whose exec and exit events are or are no longer dropped. */
export function throttleFact(line: Json, body: Json, envelope: Envelope): Event | null {
  const at = instant(line.time);
  if (at === null) return null;
  const reason = enumName(THROTTLE_TYPES, body.type);
  return streamFact(at, envelope, { kind: 'throttle', sensor: 'tetragon', reason, cgroup: text(body.cgroup) });
}

type FactFields = Pick<StreamFact, 'kind' | 'sensor'> &
  Partial<Pick<StreamFact, 'reason' | 'count' | 'from' | 'to' | 'message' | 'nodeNames' | 'cgroup'>>;

/** A stream fact with what it does not say filled in. */
export function streamFact(at: Instant, envelope: Envelope, fields: FactFields): StreamFact {
  return {
    time: at.time,
    ns: at.ns,
    source: envelope.source,
    node: envelope.node,
    cluster: envelope.cluster,
    raw: envelope.raw,
    kind: fields.kind,
    sensor: fields.sensor,
    reason: fields.reason ?? '',
    count: fields.count ?? 0,
    from: fields.from ?? at.time,
    to: fields.to ?? at.time,
    message: fields.message ?? '',
    nodeNames: fields.nodeNames ?? [],
    cgroup: fields.cgroup ?? '',
  };
}

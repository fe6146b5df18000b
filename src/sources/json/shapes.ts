/** The shapes that exports come in, reduced to one: `{"<kind>": {…}, "node_name": "…", "time": "…"}` in snake_case. */
import { PROCESS_EVENT_KINDS } from '../../model/event.ts';
import { isObject, type Json, text } from './values.ts';

/** Top-level keys that hold an event. */
const KINDS = new Set<string>([
  ...PROCESS_EVENT_KINDS,
  'process_throttle',
  'rate_limit_info',
  'test',
  'flow',
  'lost_events',
  'node_status',
  'agent_event',
  'debug_event',
]);

/** Keys under which log shippers and message buses put a whole record, as an object or as text. */
const WRAPPERS = ['payload', 'data', 'log', 'message', 'event', 'result', 'msg', '_raw'] as const;

/** Wrappings inside wrappings that are opened. */
const WRAPPINGS_MAX = 3;

/** Maps whose keys are data and must not be renamed. */
const MAPS = new Set(['podLabels', 'podAnnotations', 'nodeLabels', 'labels']);

export interface Shape {
  readonly kind: string;
  readonly line: Json;
  readonly body: Json;
}

/** The line in its one shape; null when no event of a known shape is in it. */
export function shapeOf(value: unknown, depth = 0): Shape | null {
  if (!isObject(value)) return null;
  const direct = directShape(value);
  if (direct !== null) return direct;
  if (isBareFlow(value)) return { kind: 'flow', line: value, body: value };
  if (isCamelCase(value)) return shapeOf(snakeCase(value), depth);
  if (depth >= WRAPPINGS_MAX) return null;
  for (const key of WRAPPERS) {
    const inner = opened(value[key]);
    if (inner === null) continue;
    const shape = shapeOf(inner, depth + 1) ?? typedShape(value, inner);
    if (shape !== null) return shape;
  }
  return null;
}

function directShape(value: Json): Shape | null {
  for (const key in value) {
    if (!KINDS.has(key)) continue;
    const body = value[key];
    if (isObject(body)) return { kind: key, line: value, body };
  }
  return null;
}

/** `{"type": "process_exec", "payload": {"process": …}}`: the kind is named beside its body. */
function typedShape(outer: Json, inner: Json): Shape | null {
  const kind = text(outer.type).toLowerCase();
  if (!KINDS.has(kind)) return null;
  return { kind, line: { ...outer, ...pick(inner, 'node_name', 'time', 'cluster_name') }, body: inner };
}

function pick(from: Json, ...keys: string[]): Json {
  return Object.fromEntries(keys.filter(key => from[key] !== undefined).map(key => [key, from[key]]));
}

function opened(value: unknown): Json | null {
  if (isObject(value)) return value;
  if (typeof value !== 'string' || !value.trimStart().startsWith('{')) return null;
  try {
    const inner: unknown = JSON.parse(value);
    return isObject(inner) ? inner : null;
  } catch {
    return null;
  }
}

/** A Flow without an envelope, as legacy outputs print it. */
function isBareFlow(value: Json): boolean {
  return (isObject(value.IP) || isObject(value.l4) || isObject(value.event_type)) && 'verdict' in value;
}

const CAMEL_KINDS = [...KINDS].filter(kind => kind.includes('_')).map(camel);

/** Protojson's default spelling: recognised by an envelope's or a flow's keys. */
function isCamelCase(value: Json): boolean {
  if ('nodeName' in value || 'eventType' in value || 'trafficDirection' in value) return true;
  return CAMEL_KINDS.some(kind => kind in value);
}

function camel(snake: string): string {
  return snake.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function snakeCase(value: unknown, isMap = false): unknown {
  if (Array.isArray(value)) return value.map(item => snakeCase(item));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [isMap ? key : snakeKey(key), snakeCase(inner, MAPS.has(key))]),
  );
}

/** `ipVersion` is the field's real name in both spellings; names that begin with a capital have no other. */
function snakeKey(key: string): string {
  if (key === 'ipVersion' || !/^[a-z][A-Za-z0-9]*$/.test(key)) return key;
  return key.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`);
}

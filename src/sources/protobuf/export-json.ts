/**
 * Protobuf bytes → the object that the sensors' JSON export would have printed (protojson with original field names):
 * 64-bit integers and unknown enum values aside, enums are names, wrappers bare values, bytes base64, times RFC 3339 with 0, 3,
 * 6 or 9 digits; zero scalars are left out unless they belong to a oneof. Fields that `proto/` does not name are passed over.
 */
import { formatInstant, MICROS_PER_SECOND } from '../../model/time.ts';
import { BYTES, FIXED32, FIXED64, Reader, readStamp, stamp, VARINT, WireError } from './reader.ts';
import { type FieldSpec, findMessageSpec, type MessageSpec } from './schema.ts';

export type JsonObject = Record<string, unknown>;

const DEPTH_MAX = 64;

/** The export's object of one whole message. Throws `WireError` when the bytes are none. */
export function exportJson(spec: MessageSpec, bytes: Buffer): JsonObject {
  return readMessage(spec, new Reader(bytes), bytes.length, {}, 0);
}

/** The export's value of a message that stands in `reader` and ends at `end`. */
export function readJson(spec: MessageSpec, reader: Reader, end: number): unknown {
  return messageValue(spec, reader, end, undefined, 0);
}

/** Reads the value of one field, whose `tag` was just read, into the export's object of its message. */
export function readFieldInto(spec: MessageSpec, tag: number, reader: Reader, into: JsonObject): void {
  const field = spec.fields.get(tag >>> 3);
  if (field === undefined) reader.skip(tag & 7);
  else readField(field, tag & 7, reader, into, 0);
}

function readMessage(spec: MessageSpec, reader: Reader, end: number, into: JsonObject, depth: number): JsonObject {
  if (depth > DEPTH_MAX) throw new WireError('nested too deep');
  const outer = reader.end;
  reader.end = end;
  while (reader.pos < end) {
    const tag = reader.uint32();
    const field = spec.fields.get(tag >>> 3);
    if (field === undefined) reader.skip(tag & 7);
    else readField(field, tag & 7, reader, into, depth);
  }
  reader.end = outer;
  return into;
}

function readField(field: FieldSpec, wireType: number, reader: Reader, into: JsonObject, depth: number): void {
  if (field.kind === 'map') {
    readEntry(field, wireType, reader, into, depth);
    return;
  }
  const expected = wireTypeOf(field);
  if (field.repeated) {
    const list = listIn(into, field.name);
    if (wireType === expected) list.push(readValue(field, reader, undefined, depth));
    else if (wireType === BYTES) {
      const end = reader.length();
      const outer = reader.end;
      reader.end = end;
      while (reader.pos < end) list.push(readValue(field, reader, undefined, depth));
      reader.end = outer;
    } else reader.skip(wireType);
    return;
  }
  if (wireType !== expected) {
    reader.skip(wireType);
    return;
  }
  const value = readValue(field, reader, into[field.name], depth);
  if (field.explicit || field.kind === 'message' || !isZero(field, value)) into[field.name] = value;
  else delete into[field.name];
}

function readEntry(field: FieldSpec, wireType: number, reader: Reader, into: JsonObject, depth: number): void {
  if (wireType !== BYTES || field.message === null) {
    reader.skip(wireType);
    return;
  }
  const entry = readMessage(field.message, reader, reader.length(), {}, depth + 1);
  into[field.name] ??= {};
  const map = into[field.name] as JsonObject;
  const value = entry.value ?? defaultOf(field.message.fields.get(2) as FieldSpec);
  // Keys come from labels and the like: `__proto__` must become a key as any other.
  Object.defineProperty(map, String(entry.key ?? ''), { value, enumerable: true, configurable: true, writable: true });
}

function listIn(into: JsonObject, name: string): unknown[] {
  const known = into[name];
  if (Array.isArray(known)) return known;
  const list: unknown[] = [];
  into[name] = list;
  return list;
}

function readValue(field: FieldSpec, reader: Reader, earlier: unknown, depth: number): unknown {
  switch (field.kind) {
    case 'string':
      return reader.string();
    case 'bytes':
      return readBase64(reader);
    case 'bool':
      return reader.bool();
    case 'uint32':
      return reader.uint32();
    case 'int32':
      return reader.int32();
    case 'sint32':
      return reader.sint32();
    case 'fixed32':
      return reader.fixed32();
    case 'sfixed32':
      return reader.fixed32() | 0;
    case 'uint64':
      return reader.uint64Text();
    case 'int64':
      return reader.int64Text();
    case 'sint64':
      return reader.sint64Text();
    case 'fixed64':
      return reader.fixed64().toString();
    case 'sfixed64':
      return BigInt.asIntN(64, reader.fixed64()).toString();
    case 'float':
      return numberValue(reader.float());
    case 'double':
      return numberValue(reader.double());
    case 'enum': {
      const number = reader.int32();
      return field.names?.get(number) ?? number;
    }
    default:
      return messageValue(field.message as MessageSpec, reader, reader.length(), earlier, depth + 1);
  }
}

function readBase64(reader: Reader): string {
  const end = reader.length();
  const text = reader.bytes.toString('base64', reader.pos, end);
  reader.pos = end;
  return text;
}

/** JSON has no NaN and no infinities: protojson prints their names. */
function numberValue(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}

function isZero(field: FieldSpec, value: unknown): boolean {
  if (field.kind === 'enum') return value === field.names?.get(0) || value === 0;
  return value === 0 || value === '' || value === false || value === '0';
}

function defaultOf(field: FieldSpec): unknown {
  if (field.kind === 'message') return {};
  if (field.kind === 'string' || field.kind === 'bytes') return '';
  return field.kind === 'bool' ? false : 0;
}

function messageValue(spec: MessageSpec, reader: Reader, end: number, earlier: unknown, depth: number): unknown {
  if (spec.wellKnown !== '') return wellKnown(spec, reader, end, depth);
  const into = typeof earlier === 'object' && earlier !== null ? (earlier as JsonObject) : {};
  return readMessage(spec, reader, end, into, depth);
}

function wellKnown(spec: MessageSpec, reader: Reader, end: number, depth: number): unknown {
  const type = spec.wellKnown;
  if (type === 'Timestamp' || type === 'Duration') {
    readStamp(reader, end);
    return type === 'Timestamp' ? timeText(stamp.seconds, stamp.nanos) : durationText(stamp.seconds, stamp.nanos);
  }
  if (type.endsWith('Value')) return wrapped(spec.fields.get(1) as FieldSpec, reader, end, depth);
  const message = readMessage(spec, reader, end, {}, depth);
  if (type === 'FieldMask') return pathsText(message.paths);
  return type === 'Any' ? anyValue(message, depth) : message;
}

/** The value in a wrapper; an empty one says zero. */
function wrapped(field: FieldSpec, reader: Reader, end: number, depth: number): unknown {
  const outer = reader.enter(end);
  let value = field.kind === 'int64' || field.kind === 'uint64' ? '0' : defaultOf(field);
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === ((1 << 3) | wireTypeOf(field))) value = readValue(field, reader, undefined, depth);
    else reader.skip(tag & 7);
  }
  reader.end = outer;
  return value;
}

/** protojson's path list: lowerCamelCase, joined by commas. */
function pathsText(paths: unknown): string {
  const list = Array.isArray(paths) ? (paths as string[]) : [];
  return list.map(path => path.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())).join(',');
}

function anyValue(message: JsonObject, depth: number): JsonObject {
  const url = String(message.type_url ?? '');
  const value = String(message.value ?? '');
  if (url === '' && value === '') return {};
  const inner = findMessageSpec(url.slice(url.lastIndexOf('/') + 1));
  if (inner === null) return { '@type': url, value };
  const bytes = Buffer.from(value, 'base64');
  const decoded = messageValue(inner, new Reader(bytes), bytes.length, undefined, depth + 1);
  const plain = typeof decoded === 'object' && decoded !== null && inner.wellKnown === '';
  return plain ? { '@type': url, ...decoded } : { '@type': url, value: decoded };
}

/** `formatInstant` with as many fraction digits as protojson prints: 0, 3, 6 or 9. */
export function timeText(seconds: number, nanos: number): string {
  const micros = Math.floor(nanos / 1_000);
  const full = formatInstant(seconds * MICROS_PER_SECOND + micros, nanos - micros * 1_000);
  return `${full.slice(0, 19)}${fraction(nanos)}Z`;
}

function durationText(seconds: number, nanos: number): string {
  const sign = seconds < 0 || nanos < 0 ? '-' : '';
  return `${sign}${Math.abs(seconds)}${fraction(Math.abs(nanos))}s`;
}

function fraction(nanos: number): string {
  if (nanos === 0) return '';
  const digits = String(nanos).padStart(9, '0');
  if (nanos % 1_000_000 === 0) return `.${digits.slice(0, 3)}`;
  return `.${nanos % 1_000 === 0 ? digits.slice(0, 6) : digits}`;
}

function wireTypeOf(field: FieldSpec): number {
  switch (field.kind) {
    case 'string':
    case 'bytes':
    case 'message':
    case 'map':
      return BYTES;
    case 'fixed32':
    case 'sfixed32':
    case 'float':
      return FIXED32;
    case 'fixed64':
    case 'sfixed64':
    case 'double':
      return FIXED64;
    default:
      return VARINT;
  }
}

/** The message types of `proto/`, compiled once into tables that a reader can follow byte by byte. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';

/** How a field's bytes become JSON in the sensors' export. */
type FieldKind =
  | 'string'
  | 'bytes'
  | 'bool'
  | 'int32'
  | 'uint32'
  | 'sint32'
  | 'fixed32'
  | 'sfixed32'
  | 'int64'
  | 'uint64'
  | 'sint64'
  | 'fixed64'
  | 'sfixed64'
  | 'float'
  | 'double'
  | 'enum'
  | 'message'
  | 'map';

export interface FieldSpec {
  readonly name: string;
  readonly kind: FieldKind;
  readonly repeated: boolean;
  /** Zero values are printed: a member of a oneof, or an `optional` scalar. */
  readonly explicit: boolean;
  /** Enum: names by number. */
  readonly names: ReadonlyMap<number, string> | null;
  /** Message: its table. Map: the table of its entry. */
  readonly message: MessageSpec | null;
}

export interface MessageSpec {
  /** `tetragon.Process`. */
  readonly name: string;
  /** `Timestamp`, `UInt32Value` … for the types of google.protobuf, which JSON prints in ways of their own; else ''. */
  readonly wellKnown: string;
  readonly fields: Map<number, FieldSpec>;
}

/** The others are imported by these. */
const FILES = ['tetragon/sensors.proto', 'observer/observer.proto'];

/** The folder `proto/`, which stands beside `src/` in a checkout and beside `dist/` in the package. */
function protoFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const candidate = join(folder, 'proto');
    if (existsSync(join(candidate, 'tetragon', 'sensors.proto'))) return candidate;
    const parent = dirname(folder);
    if (parent === folder) throw new Error('proto/ is missing from the installation');
    folder = parent;
  }
}

let loaded: protobuf.Root | null = null;

/** Reflection over all of `proto/`, parsed at first use. */
export function protoRoot(): protobuf.Root {
  if (loaded !== null) return loaded;
  const folder = protoFolder();
  const root = new protobuf.Root();
  root.resolvePath = (_origin, target) => (target.startsWith('google/') ? target : join(folder, target));
  root.loadSync(FILES, { keepCase: true });
  root.resolveAll();
  loaded = root;
  return root;
}

const WELL_KNOWN = 'google.protobuf.';

const compiled = new Map<string, MessageSpec>();

/** The table of a message, `tetragon.GetEventsResponse`. Throws when there is no such message. */
export function messageSpec(name: string): MessageSpec {
  return compile(protoRoot().lookupType(name));
}

/** Like `messageSpec`, but null when this version does not know the message. */
export function findMessageSpec(name: string): MessageSpec | null {
  const found = protoRoot().lookup(name);
  return found instanceof protobuf.Type ? compile(found) : null;
}

function compile(type: protobuf.Type): MessageSpec {
  const name = type.fullName.replace(/^\./, '');
  const known = compiled.get(name);
  if (known !== undefined) return known;
  const wellKnown = name.startsWith(WELL_KNOWN) ? name.slice(WELL_KNOWN.length) : '';
  const spec: MessageSpec = { name, wellKnown, fields: new Map() };
  compiled.set(name, spec);
  for (const field of type.fieldsArray) spec.fields.set(field.id, fieldSpec(field.resolve()));
  return spec;
}

function fieldSpec(field: protobuf.Field): FieldSpec {
  const explicit = field.partOf !== null;
  if (field instanceof protobuf.MapField) {
    const message: MessageSpec = { name: '', wellKnown: '', fields: new Map() };
    message.fields.set(1, { ...scalar(field.keyType), name: 'key', repeated: false, explicit: true });
    message.fields.set(2, { ...typeSpec(field), name: 'value', repeated: false, explicit: true });
    return { name: field.name, kind: 'map', repeated: false, explicit: false, names: null, message };
  }
  return { ...typeSpec(field), name: field.name, repeated: field.repeated, explicit };
}

type ValueSpec = Pick<FieldSpec, 'kind' | 'names' | 'message'>;

function typeSpec(field: protobuf.Field): ValueSpec {
  const type = field.resolvedType;
  if (type instanceof protobuf.Enum) {
    const names = new Map(Object.entries(type.values).map(([name, number]) => [number, name]));
    return { kind: 'enum', names, message: null };
  }
  if (type instanceof protobuf.Type) return { kind: 'message', names: null, message: compile(type) };
  return scalar(field.type);
}

function scalar(type: string): ValueSpec {
  return { kind: type as FieldKind, names: null, message: null };
}

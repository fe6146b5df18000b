/** The sensors' JSON export → protobuf bytes, by protobufjs: the opposite of what the decoders do, and none of their code. */
import protobuf from 'protobufjs';
import { protoRoot } from '../../../src/sources/protobuf/schema.ts';

type Json = Record<string, unknown>;

/** Bytes of the message `type` (`tetragon.GetEventsResponse`) that the export prints as `json`. */
export function encode(type: string, json: unknown): Buffer {
  const found = protoRoot().lookupType(type);
  return Buffer.from(found.encode(found.fromObject(message(found, json as Json))).finish());
}

/** protobufjs's own object form of a message in the export's spelling. */
function message(type: protobuf.Type, json: Json): Json {
  const out: Json = {};
  for (const [name, value] of Object.entries(json)) {
    const field = type.fields[name];
    if (field === undefined) throw new Error(`${type.fullName} has no field ${name}`);
    field.resolve();
    if (field instanceof protobuf.MapField) {
      out[name] = Object.fromEntries(Object.entries(value as Json).map(([key, one]) => [key, single(field, one)]));
    } else out[name] = field.repeated ? (value as unknown[]).map(one => single(field, one)) : single(field, value);
  }
  return out;
}

function single(field: protobuf.Field, value: unknown): unknown {
  const type = field.resolvedType;
  if (!(type instanceof protobuf.Type)) return value;
  const name = type.fullName.slice(1);
  if (name === 'google.protobuf.Timestamp') return timestamp(value as string);
  if (name === 'google.protobuf.Duration') return duration(value as string);
  if (name === 'google.protobuf.FieldMask') {
    const paths = (value as string).split(',').filter(path => path !== '');
    return { paths: paths.map(path => path.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)) };
  }
  if (name === 'google.protobuf.Any') return any(value as Json);
  if (name.startsWith('google.protobuf.') && name.endsWith('Value')) return { value };
  return message(type, value as Json);
}

function timestamp(text: string): Json {
  const seconds = Date.parse(`${text.slice(0, 19)}Z`) / 1_000;
  const nanos = /\.(\d+)/.exec(text)?.[1] ?? '';
  return { seconds, nanos: Number(nanos.padEnd(9, '0')) };
}

function duration(text: string): Json {
  const [, sign = '', seconds = '0', nanos = ''] = /^(-?)(\d+)(?:\.(\d+))?s$/.exec(text) ?? [];
  const factor = sign === '-' ? -1 : 1;
  return { seconds: factor * Number(seconds), nanos: factor * Number(nanos.padEnd(9, '0')) };
}

function any(json: Json): Json {
  const { '@type': url, ...rest } = json;
  const name = String(url).slice(String(url).lastIndexOf('/') + 1);
  return { type_url: url, value: encode(name, rest) };
}

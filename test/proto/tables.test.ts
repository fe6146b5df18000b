/** `proto/` against the tables of the upstream interfaces, in both directions. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';
import { describe, expect, it } from 'vitest';
import { protoRoot } from '../../src/sources/protobuf/schema.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const wire = join(resolve(root, process.env.SPOOR_SHARED ?? '../shared'), 'wire');

/** One line a fact, as the tables spell it. */
function facts(namespaces: readonly string[]): string[] {
  const out: string[] = [];
  const walk = (object: protobuf.ReflectionObject): void => {
    const name = object.fullName.slice(1);
    if (object instanceof protobuf.Enum) {
      for (const [member, number] of Object.entries(object.values)) out.push(`enum ${name} ${member} ${number}`);
    } else if (object instanceof protobuf.Service) {
      for (const rpc of object.methodsArray) {
        const stream = rpc.responseStream ? 'stream ' : '';
        out.push(`rpc ${name} ${rpc.name} ${rpc.requestType} -> ${stream}${rpc.responseType}`);
      }
    } else if (object instanceof protobuf.Type) {
      for (const field of object.fieldsArray) {
        out.push(
          `field ${name} ${field.name} ${field.id} ${typeOf(field.resolve())} ${field.partOf?.name ?? ''}`.trim(),
        );
      }
    }
    if (object instanceof protobuf.Namespace) for (const inner of object.nestedArray) walk(inner);
  };
  for (const name of namespaces) walk(protoRoot().lookup(name) as protobuf.ReflectionObject);
  return out.sort();
}

function typeOf(field: protobuf.Field): string {
  const value = field.resolvedType === null ? field.type : field.resolvedType.fullName.slice(1);
  if (field instanceof protobuf.MapField) return `map<${field.keyType},${value}>`;
  return field.repeated ? `repeated ${value}` : value;
}

function table(file: string): string[] {
  return readFileSync(join(wire, file), 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map(line => {
      const [kind, name, member, number, type, oneof] = line.split('\t');
      if (kind === 'rpc') return `rpc ${name} ${member} ${type}`;
      if (kind === 'enum') return `enum ${name} ${member} ${number}`;
      return `field ${name} ${member} ${number} ${type} ${oneof ?? ''}`.trim();
    })
    .sort();
}

describe.skipIf(!existsSync(wire))('proto/ has exactly what the tables have', () => {
  it.each([
    ['tetragon.tsv', ['tetragon']],
    ['hubble.tsv', ['observer', 'flow', 'relay']],
  ])('%s', (file, namespaces) => {
    expect(facts(namespaces)).toEqual(table(file));
  });
});

describe('proto/', () => {
  it.each([
    ['tetragon.FineGuidanceSensors', 'GetEvents', 'tetragon.GetEventsResponse'],
    ['observer.Observer', 'GetFlows', 'observer.GetFlowsResponse'],
  ])('has %s with %s', (service, rpc, response) => {
    const method = protoRoot().lookupService(service).methods[rpc] as protobuf.Method;
    expect(method.responseStream).toBe(true);
    expect(method.resolve()).toMatchObject({ resolvedResponseType: { fullName: `.${response}` } });
  });
});

/** Writes docs/config.md from the configuration's own schema: `npx tsx scripts/config-doc.ts`. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { configSchema } from '../src/config/schema.ts';

interface JsonSchema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly oneOf?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
}

interface Row {
  readonly path: readonly string[];
  readonly kind: string;
  readonly fallback: string;
  readonly describe: string;
}

const TICK = '`';
const code = (text: string): string => TICK + text + TICK;

const HEAD = [
  '# Configuration',
  '',
  `${code('spoor run --config spoor.yaml')} (or ${code('SPOOR_CONFIG')}). Every key has a twin in the environment, which wins over the file; lists and maps`,
  `are given there as YAML. Every secret has a ${code('_file')} twin, which is read again when the file changes. Durations and sizes take units`,
  `(${code('500ms 2s 5m 1h 30d')}, ${code('64KiB 500MB 2GiB')}). Unknown keys are errors with file, line, column and the nearest right word. This page is`,
  `generated from the schema: ${code('npx tsx scripts/config-doc.ts')}.`,
].join('\n');

const NAMES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'number',
  integer: 'number',
  boolean: 'true or false',
  object: 'map',
};

function kindOf(schema: JsonSchema): string {
  if (schema.const !== undefined) return code(String(schema.const));
  if (schema.enum !== undefined) return schema.enum.map(String).join(', ');
  const alternatives = schema.oneOf ?? schema.anyOf;
  if (alternatives !== undefined) return [...new Set(alternatives.map(kindOf))].join(' or ');
  if (schema.type === 'array') return schema.items === undefined ? 'list' : `list of ${kindOf(schema.items)}`;
  return NAMES[schema.type ?? ''] ?? 'any';
}

function rowsOf(schema: JsonSchema, path: readonly string[] = []): Row[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, child]) => {
    const here = [...path, key];
    const nested = rowsOf(child, here);
    if (nested.length > 0) return nested;
    const isRequired = schema.required?.includes(key) === true && child.default === undefined;
    const fallback = child.default !== undefined ? code(JSON.stringify(child.default)) : isRequired ? 'required' : '';
    return [{ path: here, kind: kindOf(child), fallback, describe: child.description ?? '' }];
  });
}

function table(rows: readonly Row[], environment: boolean): string {
  const columns = ['key', ...(environment ? ['environment'] : []), 'value', 'default', 'meaning'];
  const lines = rows.map(({ path, kind, fallback, describe }) => {
    const twin = environment ? [code(`SPOOR_${path.join('_').toUpperCase()}`)] : [];
    return [code(path.join('.')), ...twin, kind, fallback, describe];
  });
  const row = (cells: readonly string[]): string => `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [row(columns), row(columns.map(() => '---')), ...lines.map(row)].join('\n');
}

function variants(schema: JsonSchema): string {
  return (schema.oneOf ?? schema.anyOf ?? [])
    .map(each => {
      const rows = rowsOf(each).filter(({ path }) => path[0] !== 'type');
      return `### ${code(`type: ${String(each.properties?.type?.const ?? '')}`)}\n\n${table(rows, false)}`;
    })
    .join('\n\n');
}

export function configDoc(): string {
  const schema = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
  const { sources, sinks, routes, ...rest } = schema.properties as Record<string, JsonSchema>;
  return `${[
    HEAD,
    `## Settings\n\n${table(rowsOf({ properties: rest }), true)}`,
    `## sources\n\nA list; each entry has a ${code('type')}.\n\n${variants(sources?.items ?? {})}`,
    `## sinks\n\nA map from names of your choice; each entry has a ${code('type')}. A key of the sink ${code('soc')} is ${code('SPOOR_SINKS_SOC_…')} in the environment.\n\n${variants((sinks?.additionalProperties ?? {}) as JsonSchema)}`,
    `## routes\n\nAn ordered list: the first that matches decides, unless it says ${code('continue')}. Without any, medium and above go to all sinks.\n\n${table(rowsOf(routes?.items ?? {}), false)}`,
  ].join('\n\n')}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(fileURLToPath(new URL('../docs/config.md', import.meta.url)), configDoc());
}

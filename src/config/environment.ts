/** Every setting has a twin in the environment: `api.listen` is `SPOOR_API_LISTEN`, `sinks.soc.webhook_url` is `SPOOR_SINKS_SOC_WEBHOOK_URL`. */
import { z } from 'zod';
import { configSchema } from './schema.ts';

const PREFIX = 'SPOOR_';
/** Set by tests, scripts and the command line itself; not settings. */
const NOT_SETTINGS = new Set(['SPOOR_CONFIG', 'SPOOR_SHARED', 'SPOOR_URL', 'SPOOR_TOKEN_FILE', 'SPOOR_LOG']);

interface JsonSchema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly oneOf?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
  readonly const?: string;
}

const schema = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;

function childrenOf(node: JsonSchema | undefined, key: string): JsonSchema[] {
  if (node === undefined) return [];
  const alternatives = node.oneOf ?? node.anyOf;
  if (alternatives !== undefined) return alternatives.flatMap(one => childrenOf(one, key));
  const child = node.properties?.[key];
  if (child !== undefined) return [child];
  if (typeof node.additionalProperties === 'object') return [node.additionalProperties];
  return node.items === undefined ? [] : [node.items];
}

function keysOf(node: JsonSchema): string[] {
  const alternatives = node.oneOf ?? node.anyOf ?? [];
  return [...Object.keys(node.properties ?? {}), ...alternatives.flatMap(keysOf)];
}

/** The keys that may stand at `path`. */
export function knownKeys(path: readonly string[]): string[] {
  let nodes: JsonSchema[] = [schema];
  for (const key of path) nodes = nodes.flatMap(node => childrenOf(node, key));
  return [...new Set(nodes.flatMap(keysOf))];
}

/** The values of `type` that may stand at `path`: kinds of sources, of sinks. */
export function typesAt(path: readonly string[]): string[] {
  let nodes: JsonSchema[] = [schema];
  for (const key of path) nodes = nodes.flatMap(node => childrenOf(node, key));
  return nodes
    .flatMap(node => node.oneOf ?? node.anyOf ?? [])
    .flatMap(({ properties }) => properties?.type?.const ?? []);
}

interface Setting {
  readonly path: readonly string[];
  readonly schema: JsonSchema;
}

/** The setting that `words` name below `node`: keys may contain underscores, so the longest key that fits is tried first. */
function resolve(words: readonly string[], node: JsonSchema, present: unknown): Setting | null {
  if (words.length === 0) return { path: [], schema: node };
  const names = new Set(keysOf(node));
  if (typeof present === 'object' && present !== null) for (const key of Object.keys(present)) names.add(key);
  for (let taken = words.length; taken > 0; taken--) {
    const joined = words.slice(0, taken).join('_');
    for (const name of names) {
      if (name.toUpperCase().replaceAll('-', '_') !== joined) continue;
      for (const child of childrenOf(node, name)) {
        const rest = resolve(words.slice(taken), child, (present as Record<string, unknown> | undefined)?.[name]);
        if (rest !== null) return { path: [name, ...rest.path], schema: rest.schema };
      }
    }
  }
  return typeof node.additionalProperties === 'object' ? resolveNew(words, node.additionalProperties) : null;
}

/** A setting of something that only the environment names: the shortest name after which the rest is a setting. */
function resolveNew(words: readonly string[], child: JsonSchema): Setting | null {
  for (let taken = 1; taken < words.length; taken++) {
    for (const one of child.oneOf ?? child.anyOf ?? [child]) {
      const rest = resolve(words.slice(taken), one, undefined);
      if (rest !== null)
        return { path: [words.slice(0, taken).join('_').toLowerCase(), ...rest.path], schema: rest.schema };
    }
  }
  return null;
}

/** What the environment set, and what of it names nothing. */
interface FromEnvironment {
  readonly problems: readonly string[];
  /** Variable by the path of the setting that it gave, dotted. */
  readonly variables: ReadonlyMap<string, string>;
}

/**
 * Lays the environment's settings over `raw`, in place. Lists and maps are given as YAML (`SPOOR_RULES_PATHS='[./a, ./b]'`).
 * A variable that starts with SPOOR_ and names no setting is a problem.
 */
export function applyEnvironment(
  raw: Record<string, unknown>,
  environment: Readonly<Record<string, string | undefined>>,
  parse: (text: string) => unknown,
): FromEnvironment {
  const problems: string[] = [];
  const variables = new Map<string, string>();
  for (const [variable, text] of Object.entries(environment)) {
    if (!variable.startsWith(PREFIX) || text === undefined || NOT_SETTINGS.has(variable)) continue;
    const setting = resolve(variable.slice(PREFIX.length).split('_'), schema, raw);
    if (setting === null) {
      problems.push(`environment: ${variable} names no setting; see 'spoor run --help' for the file and its keys`);
      continue;
    }
    const { path } = setting;
    variables.set(path.join('.'), variable);
    let at = raw;
    for (const key of path.slice(0, -1)) {
      if (typeof at[key] !== 'object' || at[key] === null) at[key] = {};
      at = at[key] as Record<string, unknown>;
    }
    try {
      // Text stays text: a password may look like a number.
      at[path[path.length - 1]!] = setting.schema.type === 'string' ? text : parse(text);
    } catch {
      problems.push(`environment: ${variable} is not valid YAML`);
    }
  }
  return { problems, variables };
}

/** Reads `spoor.yaml` and the environment into a `Config`; says what is wrong with file, line, column and the nearest right word. */
import { readFileSync } from 'node:fs';
import { LineCounter, parseDocument, parse as parseYaml, visit } from 'yaml';
import { applyEnvironment } from './environment.ts';
import { ConfigError } from './error.ts';
import { describeIssue } from './problems.ts';
import { type Config, configSchema } from './schema.ts';

const ALIASES_MAX = 100;

/** `file` null: only the environment and the defaults. Throws `ConfigError` with one line a problem. */
export function loadConfig(file: string | null, environment: Readonly<Record<string, string | undefined>>): Config {
  let text = '';
  if (file !== null) {
    try {
      text = readFileSync(file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new ConfigError([`${file}: no such file`], true);
      throw new ConfigError([`${file}: cannot be read: ${(error as Error).message}`]);
    }
  }
  return parseConfig(text, file ?? 'environment', environment);
}

export function parseConfig(
  text: string,
  file: string,
  environment: Readonly<Record<string, string | undefined>> = {},
): Config {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  if (document.errors.length > 0) {
    throw new ConfigError(
      document.errors.map(error => {
        const at = lines.linePos(error.pos[0]);
        return `${file}:${at.line}:${at.col}: ${error.message.split('\n')[0]}`;
      }),
    );
  }
  const nameless: string[] = [];
  visit(document, {
    Alias: (_, node) => {
      if (node.resolve(document) !== undefined) return;
      const at = lines.linePos(node.range?.[0] ?? 0);
      nameless.push(
        `${file}:${at.line}:${at.col}: an alias that names no anchor before it; a text that begins with * needs quotes`,
      );
    },
  });
  if (nameless.length > 0) throw new ConfigError(nameless);
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: ALIASES_MAX }) ?? {};
  } catch (error) {
    throw new ConfigError([`${file}: ${(error as Error).message}`]);
  }
  if (typeof value !== 'object' || Array.isArray(value))
    throw new ConfigError([`${file}:1:1: expected a map of settings`]);
  const raw = value as Record<string, unknown>;
  const { problems, variables } = applyEnvironment(raw, environment, parseYaml);
  const result = configSchema.safeParse(raw);
  if (result.success && problems.length === 0) return result.data;
  const place = (path: readonly PropertyKey[]): string => {
    // The nearest ancestor that stands in the environment or in the file: an unknown or missing key itself may not.
    for (let depth = path.length; depth > 0; depth--) {
      const variable = variables.get(path.slice(0, depth).join('.'));
      if (variable !== undefined) return `environment ${variable}`;
      const node = document.getIn(path.slice(0, depth), true) as { range?: [number, number, number] } | undefined;
      if (node?.range !== undefined) {
        const at = lines.linePos(node.range[0]);
        return `${file}:${at.line}:${at.col}`;
      }
    }
    return file;
  };
  const valueAt = (path: readonly PropertyKey[]): unknown =>
    path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | null | undefined)?.[key], raw);
  const issues = result.success ? [] : result.error.issues.flatMap(issue => describeIssue(issue, valueAt, place));
  throw new ConfigError([...problems, ...issues]);
}

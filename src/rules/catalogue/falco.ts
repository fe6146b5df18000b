/**
 * Falco's fields under their own names, as `falco.<field>`: `falco.proc.aname[2]`, `falco.tolower(fd.name)`. They answer as Falco's
 * do, as well as the two sensors allow; what they can only approximate says so.
 */
import { baseName } from '../../model/process.ts';
import { falcoEventArgument, falcoEventRows } from './falco-event.ts';
import { falcoNetworkRows } from './falco-network.ts';
import { falcoProcessArgument, falcoProcessRows } from './falco-process.ts';
import type { FalcoRow } from './falco-row.ts';
import type { Field, FieldValue } from './field.ts';

const rows = new Map(
  [...falcoProcessRows, ...falcoEventRows, ...falcoNetworkRows].map(each => [each.name, each] as const),
);

export const FALCO_NAMES: readonly string[] = [...rows.keys()];
export const FALCO_TRANSFORMERS: readonly string[] = ['tolower', 'toupper', 'b64', 'basename', 'len'];

const PREFIX = 'falco.';
const EXPRESSION_CHARS_MAX = 300;

/** The field of a Falco field expression: `proc.name`, `proc.aname[2]`, `tolower(fd.name)`; null when no sensor gives it. */
export function falcoRow(expression: string): FalcoRow | null {
  if (expression.length > EXPRESSION_CHARS_MAX) return null;
  const known = rows.get(expression);
  if (known !== undefined) return known;
  const call = /^([a-z0-9]+)\((.*)\)$/s.exec(expression);
  if (call !== null) {
    const inner = falcoRow((call[2] as string).trim());
    return inner === null ? null : transformed(call[1] as string, inner);
  }
  const indexed = /^([a-z0-9_.]+)\[(.*)\]$/s.exec(expression);
  const argument = (indexed?.[2] ?? '').replace(/^(["'])(.*)\1$/s, '$2');
  if (indexed !== null) {
    const name = indexed[1] as string;
    return falcoProcessArgument(name, argument) ?? falcoEventArgument(name, argument);
  }
  const dotted = /^evt\.(?:raw)?arg\.([a-z0-9_]+)$/.exec(expression);
  return dotted === null ? null : falcoEventArgument('evt.arg', dotted[1] as string);
}

/** The catalogue's field for a name with its prefix, or null. */
export function falcoField(name: string): Field | null {
  if (!name.startsWith(PREFIX)) return null;
  const row = falcoRow(name.slice(PREFIX.length));
  return row === null ? null : toField(row);
}

const toField = ({ name, type, kinds, get, requires, approximates }: FalcoRow): Field => ({
  name: PREFIX + name,
  type,
  kinds,
  get,
  requires,
  describe: approximates === '' ? `Falco's ${name}` : `Falco's ${name}: ${approximates}`,
});

function transformed(transformer: string, inner: FalcoRow): FalcoRow | null {
  if (!FALCO_TRANSFORMERS.includes(transformer) || inner.type === 'boolean' || inner.type === 'instant') return null;
  const { get } = inner;
  const name = `${transformer}(${inner.name})`;
  if (transformer === 'len')
    return {
      ...inner,
      name,
      type: 'number',
      get: (o, subject) => {
        const value = get(o, subject);
        if (value === null || value === '') return null;
        return typeof value === 'object' && inner.type !== 'strings' ? value.length : lengthOf(value);
      },
    };
  const change = TEXT[transformer] as (text: string) => string;
  return {
    ...inner,
    name,
    type: inner.type === 'strings' ? 'strings' : 'string',
    get: (o, subject) => {
      const value = get(o, subject);
      if (value === null || value === '') return value;
      return typeof value === 'object' ? value.map(change).filter(text => text !== '') : change(String(value));
    },
  };
}

/** A text's bytes; of several renderings the first. */
function lengthOf(value: Exclude<FieldValue, null>): number | null {
  const text = typeof value === 'object' ? value[0] : String(value);
  return text === undefined ? null : new TextEncoder().encode(text).length;
}

const TEXT: Readonly<Record<string, (text: string) => string>> = {
  tolower: text => text.toLowerCase(),
  toupper: text => text.toUpperCase(),
  basename: baseName,
  b64: decodeBase64,
};

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** '' when it is no base64. */
function decodeBase64(text: string): string {
  const clean = text.replace(/=+$/, '');
  if (clean === '' || clean.length % 4 === 1) return '';
  const bytes: number[] = [];
  let bits = 0;
  let held = 0;
  for (const character of clean) {
    const value = ALPHABET.indexOf(character);
    if (value < 0) return '';
    held = ((held << 6) | value) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push((held >> bits) & 0xff);
  }
  return new TextDecoder().decode(new Uint8Array(bytes));
}

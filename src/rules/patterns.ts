/** Values as authors write them → patterns: wildcards, escapes, encodings. */
import type { GlobPiece, Pattern } from './condition.ts';

export type TextMatch = 'equals' | 'contains' | 'startswith' | 'endswith';

type Token = { readonly type: 'text' | 'star' | 'one'; readonly text: string };

/** `*` and `?` are wildcards; `\*`, `\?` and `\\` stand for themselves; any other backslash is a plain one. */
function tokens(value: string): Token[] {
  const out: Token[] = [];
  let text = '';
  const flush = (): void => {
    if (text !== '') out.push({ type: 'text', text });
    text = '';
  };
  for (let i = 0; i < value.length; i++) {
    const c = value[i] as string;
    const next = value[i + 1];
    if (c === '\\' && (next === '*' || next === '?' || next === '\\')) {
      text += next;
      i++;
    } else if (c === '*' || c === '?') {
      flush();
      out.push({ type: c === '*' ? 'star' : 'one', text: '' });
    } else text += c;
  }
  flush();
  return out;
}

/** The pattern for `value` under a modifier; with `literal`, wildcards are ordinary characters. */
export function toPattern(value: string, match: TextMatch, cased: boolean, literal = false): Pattern {
  const all: Token[] = literal ? [{ type: 'text', text: value }] : tokens(value);
  if (match === 'contains' || match === 'endswith') all.unshift({ type: 'star', text: '' });
  if (match === 'contains' || match === 'startswith') all.push({ type: 'star', text: '' });
  const pieces: (string | null)[][] = [[]];
  for (const token of all) {
    if (token.type === 'star') pieces.push([]);
    else pieces.at(-1)?.push(token.type === 'one' ? null : cased ? token.text : token.text.toLowerCase());
  }
  return simplify(pieces.map(merge));
}

function merge(piece: readonly (string | null)[]): GlobPiece {
  const out: (string | null)[] = [];
  for (const part of piece) {
    const last = out.at(-1);
    if (typeof part === 'string' && typeof last === 'string') out[out.length - 1] = last + part;
    else out.push(part);
  }
  return out;
}

const plain = (piece: GlobPiece | undefined): string | null => {
  if (piece === undefined || piece.length === 0) return '';
  return piece.length === 1 ? (piece[0] ?? null) : null;
};

/** Most globs are a plain test in disguise. */
function simplify(pieces: readonly GlobPiece[]): Pattern {
  const inner = pieces.slice(1, -1).filter(piece => piece.length > 0);
  const first = plain(pieces[0]);
  if (pieces.length === 1) return first === null ? { type: 'glob', pieces } : { type: 'equals', text: first };
  const last = plain(pieces.at(-1));
  if (first !== null && last !== null) {
    if (inner.length === 0 && last === '') return { type: 'startswith', text: first };
    if (inner.length === 0 && first === '') return { type: 'endswith', text: last };
    const only = plain(inner[0]);
    if (inner.length === 1 && first === '' && last === '' && only !== null) return { type: 'contains', text: only };
  }
  return { type: 'glob', pieces: [pieces[0] ?? [], ...inner, pieces.at(-1) ?? []] };
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

function base64OfBytes(bytes: readonly number[]): string {
  let out = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const group = ((bytes[i] ?? 0) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    const left = bytes.length - i;
    out += ALPHABET[group >> 18];
    out += ALPHABET[(group >> 12) & 63];
    out += left > 1 ? ALPHABET[(group >> 6) & 63] : '=';
    out += left > 2 ? ALPHABET[group & 63] : '=';
  }
  return out;
}

/** A value as bytes held in a string, one character a byte: what `wide` and its kin make and `base64` reads. */
export type Bytes = readonly number[];

export const utf8 = (text: string): Bytes => [...new TextEncoder().encode(text)];

export function utf16(text: string, order: 'le' | 'be', mark: boolean): Bytes {
  const out: number[] = mark ? (order === 'le' ? [0xff, 0xfe] : [0xfe, 0xff]) : [];
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (order === 'le') out.push(unit & 0xff, unit >> 8);
    else out.push(unit >> 8, unit & 0xff);
  }
  return out;
}

export const base64 = (bytes: Bytes): string => base64OfBytes(bytes);

/** The three forms in which base64 of any text that holds `bytes` must show them, by the offset at which they stand. */
export function base64Offsets(bytes: Bytes): string[] {
  const cutStart = [0, 2, 3];
  const cutEnd = [undefined, -3, -2];
  return [0, 1, 2].map(offset => {
    const shifted = base64OfBytes([...Array<number>(offset).fill(0x20), ...bytes]);
    return shifted.slice(cutStart[offset], cutEnd[(bytes.length + offset) % 3]);
  });
}

const DASHES = ['-', '/', '–', '—', '―'];

/** Beyond this many forms all dashes of a value change together. */
const DASH_FORMS_MAX = 125;

/** The value with every kind of dash in every place where one begins a flag. */
export function windash(value: string): string[] {
  const parts = value.split(/(?<![\p{L}\p{N}_])[-/–—―](?=[\p{L}\p{N}_])/u);
  const places = parts.length - 1;
  if (places === 0) return [value];
  if (DASHES.length ** places > DASH_FORMS_MAX) return [...new Set([value, ...DASHES.map(dash => parts.join(dash))])];
  let forms = [parts[0] as string];
  for (const part of parts.slice(1)) forms = forms.flatMap(form => DASHES.map(dash => form + dash + part));
  return forms;
}

/** Patterns → one function over a text, with the work on literals done once. */
import type { GlobPiece, Pattern, Quantifier } from './condition.ts';

export type TextMatcher = (text: string) => boolean;

/** Above this many literals a set lookup a length beats comparing each. */
const LOOP_MAX = 6;

/** Texts must be lower-cased by the caller when the patterns are. */
export function textMatcher(patterns: readonly Pattern[], quantifier: Quantifier): TextMatcher {
  if (quantifier === 'all') {
    const each = patterns.map(single);
    if (each.length === 1) return each[0] as TextMatcher;
    return text => {
      for (const matches of each) if (!matches(text)) return false;
      return true;
    };
  }
  const literals = (type: 'equals' | 'contains' | 'startswith' | 'endswith'): string[] => [
    ...new Set(patterns.flatMap(p => (p.type === type ? [p.text] : []))),
  ];
  const parts: TextMatcher[] = [];
  const add = (texts: string[], make: (texts: readonly string[]) => TextMatcher): void => {
    if (texts.length > 0) parts.push(make(texts));
  };
  add(literals('equals'), equalsAny);
  add(literals('startswith'), startsWithAny);
  add(literals('endswith'), endsWithAny);
  add(withoutImplied(literals('contains')), containsAny);
  for (const pattern of patterns) if (pattern.type === 'glob') parts.push(single(pattern));
  if (parts.length === 1) return parts[0] as TextMatcher;
  return text => {
    for (const matches of parts) if (matches(text)) return true;
    return false;
  };
}

function single(pattern: Pattern): TextMatcher {
  if (pattern.type === 'glob') return globMatcher(pattern.pieces);
  const literal = pattern.text;
  switch (pattern.type) {
    case 'equals':
      return text => text === literal;
    case 'contains':
      return text => text.includes(literal);
    case 'startswith':
      return text => text.startsWith(literal);
    default:
      return text => text.endsWith(literal);
  }
}

function equalsAny(texts: readonly string[]): TextMatcher {
  if (texts.length === 1) {
    const only = texts[0] as string;
    return text => text === only;
  }
  const set = new Set(texts);
  return text => set.has(text);
}

function startsWithAny(texts: readonly string[]): TextMatcher {
  if (texts.length <= LOOP_MAX) return loop(texts, (text, literal) => text.startsWith(literal));
  const groups = byLength(texts);
  return text => {
    for (const [length, set] of groups) if (length <= text.length && set.has(text.slice(0, length))) return true;
    return false;
  };
}

function endsWithAny(texts: readonly string[]): TextMatcher {
  if (texts.length <= LOOP_MAX) return loop(texts, (text, literal) => text.endsWith(literal));
  const groups = byLength(texts);
  return text => {
    for (const [length, set] of groups)
      if (length <= text.length && set.has(text.slice(text.length - length))) return true;
    return false;
  };
}

/**
 * Native substring search is so fast that a loop wins up to some tens of literals; beyond, one table of the literals by their
 * first two characters makes the cost that of the text.
 */
const CONTAINS_LOOP_MAX = 24;

function containsAny(texts: readonly string[]): TextMatcher {
  if (texts.length <= CONTAINS_LOOP_MAX || texts.some(text => text.length < 2)) {
    return loop(texts, (text, literal) => text.includes(literal));
  }
  const table = new Map<number, string[]>();
  for (const literal of texts) {
    const key = literal.charCodeAt(0) * 65_536 + literal.charCodeAt(1);
    const row = table.get(key);
    if (row === undefined) table.set(key, [literal]);
    else row.push(literal);
  }
  return text => {
    let first = text.charCodeAt(0);
    for (let i = 1; i < text.length; i++) {
      const second = text.charCodeAt(i);
      const row = table.get(first * 65_536 + second);
      if (row !== undefined) for (const literal of row) if (text.startsWith(literal, i - 1)) return true;
      first = second;
    }
    return false;
  };
}

function loop(texts: readonly string[], matches: (text: string, literal: string) => boolean): TextMatcher {
  if (texts.length === 1) {
    const only = texts[0] as string;
    return text => matches(text, only);
  }
  return text => {
    for (let i = 0; i < texts.length; i++) if (matches(text, texts[i] as string)) return true;
    return false;
  };
}

/** A literal that contains another adds nothing. */
export function withoutImplied(texts: readonly string[]): string[] {
  if (texts.length > 500) return [...texts];
  return texts.filter(text => !texts.some(other => other !== text && text.includes(other)));
}

function byLength(texts: readonly string[]): (readonly [number, ReadonlySet<string>])[] {
  const groups = new Map<number, Set<string>>();
  for (const text of texts) {
    const group = groups.get(text.length);
    if (group === undefined) groups.set(text.length, new Set([text]));
    else group.add(text);
  }
  return [...groups].sort((a, b) => a[0] - b[0]);
}

const lengthOf = (piece: GlobPiece): number => piece.reduce((sum, part) => sum + (part === null ? 1 : part.length), 0);

function pieceAt(piece: GlobPiece, text: string, at: number): boolean {
  let i = at;
  for (const part of piece) {
    if (part === null) i++;
    else {
      if (!text.startsWith(part, i)) return false;
      i += part.length;
    }
  }
  return i <= text.length;
}

/** The first and last piece are anchored; those between are found left to right, which is enough and never goes back. */
function globMatcher(pieces: readonly GlobPiece[]): TextMatcher {
  const lengths = pieces.map(lengthOf);
  const shortest = lengths.reduce((sum, n) => sum + n, 0);
  const first = pieces[0] as GlobPiece;
  const last = pieces.at(-1) as GlobPiece;
  const firstLength = lengths[0] as number;
  const lastLength = lengths.at(-1) as number;
  if (pieces.length === 1) return text => text.length === shortest && pieceAt(first, text, 0);
  return text => {
    if (text.length < shortest || !pieceAt(first, text, 0)) return false;
    const end = text.length - lastLength;
    if (!pieceAt(last, text, end)) return false;
    let at = firstLength;
    for (let i = 1; i < pieces.length - 1; i++) {
      const found = findPiece(pieces[i] as GlobPiece, text, at, end - (lengths[i] as number));
      if (found < 0) return false;
      at = found + (lengths[i] as number);
    }
    return at <= end;
  };
}

/** Where `piece` first stands in `text` from `from` to `to`, or -1. */
function findPiece(piece: GlobPiece, text: string, from: number, to: number): number {
  const only = piece.length === 1 ? piece[0] : null;
  if (typeof only === 'string') {
    const found = text.indexOf(only, from);
    return found >= 0 && found <= to ? found : -1;
  }
  for (let at = from; at <= to; at++) if (pieceAt(piece, text, at)) return at;
  return -1;
}

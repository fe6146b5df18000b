/**
 * What a regular expression cannot match without: literals of which one occurs in every text that it matches. They let an index and
 * a plain search answer most texts before the expression runs. Only syntax that is surely understood is read; all else, and
 * everything outside ASCII, proves nothing.
 */
import { withoutImplied } from './text-matcher.ts';

export interface RegexLiterals {
  /** Any one of them; none is shorter than `LITERAL_CHARS_MIN`. In folded form when `folded`. */
  readonly literals: readonly string[];
  /** The expression ignores case somewhere: look for them in `foldCase(text)`. */
  readonly folded: boolean;
}

/** Shorter literals occur in everything. */
const LITERAL_CHARS_MIN = 2;
/** Texts that a part may be spelled out to. */
const EXACT_MAX = 48;
const NESTING_MAX = 50;

/**
 * One form for all spellings that differ in case only. Besides what lower case does, the long s is an s, as it is to regular
 * expressions that ignore case.
 */
export const foldCase = (text: string): string => text.toLowerCase().replaceAll('\u017f', 's');

const CACHED_MAX = 10_000;
const cache = new Map<string, RegexLiterals | null>();

/** Null when nothing is known to be needed. */
export function regexLiterals(source: string, flags: string): RegexLiterals | null {
  const key = `${flags}/${source}`;
  let found = cache.get(key);
  if (found === undefined) {
    found = readLiterals(source, flags);
    if (cache.size >= CACHED_MAX) cache.clear();
    cache.set(key, found);
  }
  return found;
}

function readLiterals(source: string, flags: string): RegexLiterals | null {
  const reader = new Reader(source, flags.includes('i'));
  const part = reader.read();
  const literals = part === null ? null : needOf(part);
  if (literals === null) return null;
  return { literals: withoutImplied(reader.folds ? unique(literals.map(foldCase)) : literals), folded: reader.folds };
}

/** What a part of an expression matches: one of `exact` and nothing else, where that is known; one of `needed` in it, else. */
interface Part {
  readonly exact: readonly string[] | null;
  readonly needed: readonly string[] | null;
}

const ANYTHING: Part = { exact: null, needed: null };
const EMPTY: Part = { exact: [''], needed: null };
const one = (text: string): Part => ({ exact: [text], needed: null });

const unique = (texts: readonly string[]): string[] => [...new Set(texts)];

function needOf({ exact, needed }: Part): readonly string[] | null {
  if (exact === null) return needed;
  return exact.length > 0 && exact.every(text => text.length >= LITERAL_CHARS_MIN) ? exact : needed;
}

/** Longer is rarer, and so are fewer. */
function worth(literals: readonly string[] | null): number {
  if (literals === null) return 0;
  const shortest = literals.reduce((least, literal) => Math.min(least, literal.length), 20);
  return shortest - Math.log2(literals.length) / 4;
}

const better = (a: readonly string[] | null, b: readonly string[] | null): readonly string[] | null =>
  worth(b) > worth(a) ? b : a;

function concatenation(parts: readonly Part[]): Part {
  let whole = true;
  let needed: readonly string[] | null = null;
  let run: readonly string[] = [''];
  const flush = (): void => {
    needed = better(needed, needOf({ exact: run, needed: null }));
    whole = false;
  };
  for (const part of parts) {
    needed = better(needed, part.needed);
    if (part.exact === null) {
      flush();
      run = [''];
    } else if (run.length * part.exact.length > EXACT_MAX) {
      flush();
      run = part.exact;
    } else run = product(run, part.exact);
  }
  if (whole) return { exact: run, needed };
  flush();
  return { exact: null, needed };
}

function product(heads: readonly string[], tails: readonly string[]): readonly string[] {
  if (heads.length === 1 && tails.length === 1) return [`${heads[0]}${tails[0]}`];
  return unique(heads.flatMap(head => tails.map(tail => head + tail)));
}

function alternation(parts: readonly Part[]): Part {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  const needs = parts.map(needOf);
  const needed = needs.some(need => need === null) ? null : unique(needs.flatMap(need => need ?? []));
  const exact = parts.some(part => part.exact === null) ? null : unique(parts.flatMap(part => part.exact ?? []));
  return { exact: exact !== null && exact.length <= EXACT_MAX ? exact : null, needed };
}

class NotUnderstood extends Error {}

class Reader {
  folds: boolean;
  readonly #source: string;
  #at = 0;
  #depth = 0;

  constructor(source: string, folds: boolean) {
    this.#source = source;
    this.folds = folds;
  }

  read(): Part | null {
    try {
      const part = this.#alternatives();
      return this.#at === this.#source.length ? part : null;
    } catch (error) {
      if (error instanceof NotUnderstood) return null;
      throw error;
    }
  }

  #alternatives(): Part {
    if (++this.#depth > NESTING_MAX) throw new NotUnderstood();
    const branches: Part[] = [];
    do branches.push(this.#sequence());
    while (this.#take('|'));
    this.#depth--;
    return alternation(branches);
  }

  #sequence(): Part {
    const parts: Part[] = [];
    while (this.#at < this.#source.length && !this.#peek('|') && !this.#peek(')')) parts.push(this.#repeated());
    return concatenation(parts);
  }

  #repeated(): Part {
    let part = this.#atom();
    for (;;) {
      const counted = /^\{(\d+)(,?)(\d*)\}/.exec(this.#source.slice(this.#at, this.#at + 24));
      if (this.#take('*')) part = ANYTHING;
      else if (this.#take('?')) part = optional(part);
      else if (this.#take('+')) part = atLeastOnce(part);
      else if (counted !== null) {
        this.#at += counted[0].length;
        part = Number(counted[1]) === 0 ? ANYTHING : atLeastOnce(part);
      } else return part;
      // What follows a quantifier may only make it lazy, which changes nothing here; `x?` read twice is no less true.
    }
  }

  #atom(): Part {
    const char = this.#next();
    switch (char) {
      case '(':
        return this.#group();
      case '[':
        return this.#set();
      case '\\':
        return this.#escape();
      case '^':
      case '$':
        return EMPTY;
      case '.':
        return ANYTHING;
      case '*':
      case '+':
      case '?':
        throw new NotUnderstood();
      default:
        return this.#literal(char);
    }
  }

  #literal(char: string): Part {
    return char >= ' ' && char <= '~' ? one(char) : ANYTHING;
  }

  #group(): Part {
    if (this.#take('?')) {
      const rest = this.#source.slice(this.#at);
      const head = /^(?:P?<\w+>|([imsU]*(?:-[imsU]+)?):|([imsU]+)\))/.exec(rest);
      if (head === null) throw new NotUnderstood();
      this.#at += head[0].length;
      if ((head[1] ?? head[2] ?? '').includes('i')) this.folds = true;
      if (head[2] !== undefined) return EMPTY;
    }
    const part = this.#alternatives();
    if (!this.#take(')')) throw new NotUnderstood();
    return part;
  }

  /** Sets of a few plain characters are spelled out. */
  #set(): Part {
    const plain = /^([^\]\\[^-][^\]\\[-]{0,7})\]/.exec(this.#source.slice(this.#at, this.#at + 10));
    if (plain !== null) {
      this.#at += plain[0].length;
      const chars = [...(plain[1] as string)];
      return chars.every(char => char >= ' ' && char <= '~') ? { exact: unique(chars), needed: null } : ANYTHING;
    }
    this.#take('^');
    this.#take(']');
    for (;;) {
      const char = this.#next();
      if (char === ']') return ANYTHING;
      if (char === '\\') this.#next();
      if (char === '[' && this.#peek(':')) this.#at = this.#indexOf(':]') + 2;
    }
  }

  #escape(): Part {
    const char = this.#next();
    if (/[bBAz]/.test(char)) return EMPTY;
    if (/[dDwWsSnrtfva]/.test(char)) return ANYTHING;
    if (/[A-Za-z0-9]/.test(char)) throw new NotUnderstood();
    return this.#literal(char);
  }

  #indexOf(text: string): number {
    const found = this.#source.indexOf(text, this.#at);
    if (found < 0) throw new NotUnderstood();
    return found;
  }

  #peek(char: string): boolean {
    return this.#source[this.#at] === char;
  }

  #take(char: string): boolean {
    if (!this.#peek(char)) return false;
    this.#at++;
    return true;
  }

  #next(): string {
    const char = this.#source[this.#at++];
    if (char === undefined) throw new NotUnderstood();
    return char;
  }
}

function optional({ exact }: Part): Part {
  return exact === null ? ANYTHING : { exact: unique(['', ...exact]), needed: null };
}

function atLeastOnce(part: Part): Part {
  return { exact: null, needed: needOf(part) };
}

/** Which matchers can match a field's text: by whole text, by base name, or by a literal in it. */
import { baseName } from '../model/process.ts';
import { foldCase } from '../rules/regex-literals.ts';
import type { IndexHint } from '../rules/rule.ts';
import { Automaton, type Pattern } from './automaton.ts';

/** Texts whose answer is remembered, a field: binaries, pods and names repeat all the time. */
const CACHED_TEXTS_MAX = 4_096;
const CACHED_TEXT_CHARS_MAX = 256;

const NONE: readonly number[] = [];

export class TextIndex {
  readonly #exact = new Map<string, number[]>();
  readonly #names = new Map<string, number[]>();
  readonly #patterns: Pattern[] = [];
  #automaton: Automaton | null = null;
  #cache = new Map<string, readonly number[]>();

  /** Every hint but `present`. */
  add({ match, literals }: IndexHint, id: number): void {
    for (const literal of literals) {
      const folded = foldCase(literal);
      if (match === 'equals') append(this.#exact, folded, id);
      else if (match === 'name') append(this.#names, folded, id);
      else if (match !== 'present') this.#patterns.push({ literal: folded, anchor: match, id });
    }
  }

  /** Call once, after the last `add`. */
  build(): void {
    if (this.#patterns.length > 0) this.#automaton = new Automaton(this.#patterns);
  }

  /** Ids whose hint holds for `text`, each once, in no order. The answer is shared: do not change it. */
  lookup(text: string): readonly number[] {
    const cached = this.#cache.get(text);
    if (cached !== undefined) return cached;
    const ids = this.#compute(text);
    if (text.length <= CACHED_TEXT_CHARS_MAX) {
      if (this.#cache.size >= CACHED_TEXTS_MAX) this.#cache = new Map();
      this.#cache.set(text, ids);
    }
    return ids;
  }

  #compute(text: string): readonly number[] {
    const found = new Set<number>();
    const add = (id: number): void => {
      found.add(id);
    };
    if (this.#exact.size > 0) this.#exact.get(foldCase(text))?.forEach(add);
    // The base name is taken before folding: folding may change a marker that it looks for, never a slash.
    if (this.#names.size > 0) this.#names.get(foldCase(baseName(text)))?.forEach(add);
    this.#automaton?.scan(text, add);
    return found.size === 0 ? NONE : [...found];
  }
}

function append(map: Map<string, number[]>, key: string, id: number): void {
  const ids = map.get(key);
  if (ids === undefined) map.set(key, [id]);
  else ids.push(id);
}

/**
 * Falco's syntax tree → the one condition tree. What no sensor gives is neither true nor false: an alternative that asks for it is
 * left out and said so, and a condition that cannot do without it is unsupported, with its place.
 */
import { nearest } from '../../model/nearest.ts';
import { DefinitionError, type FalcoCollection } from './collection.ts';
import { compileTest } from './comparison.ts';
import { type Expression, FalcoSyntaxError, parseExpression } from './expression.ts';
import { and, not, or, type Result } from './result.ts';
import type { Place, Source } from './source.ts';

const NODES_MAX = 20_000;
const MACRO_DEPTH_MAX = 100;
const LIST_VALUES_MAX = 20_000;
/** Compiles conditions over the final definitions of all files; each macro once. */
export class FalcoCompiler {
  readonly #collection: FalcoCollection;
  readonly #macros = new Map<string, Result>();
  readonly #open: string[] = [];
  readonly #lists = new Map<string, readonly string[]>();

  constructor(collection: FalcoCollection) {
    this.#collection = collection;
  }

  /** Throws DefinitionError for what is written wrongly. */
  condition(source: Source): Result {
    let expression: Expression;
    try {
      expression = parseExpression(source.text);
    } catch (error) {
      if (!(error instanceof FalcoSyntaxError)) throw error;
      throw new DefinitionError(error.message, source.place(error.at));
    }
    return this.#compile(expression, source);
  }

  #compile(expression: Expression, source: Source): Result {
    switch (expression.type) {
      case 'and':
      case 'or': {
        const of = expression.of.map(each => this.#compile(each, source));
        const size = of.reduce((sum, each) => sum + each.size, 1);
        if (size > NODES_MAX)
          throw new DefinitionError(`more than ${NODES_MAX} comparisons once macros are written out`, source.place(0));
        return expression.type === 'and' ? and(of, size) : or(of, size);
      }
      case 'not':
        return not(this.#compile(expression.of, source));
      case 'macro':
        return this.#macro(expression.name, source.place(expression.at));
      case 'test':
        return compileTest(expression, source, this);
    }
  }

  #macro(name: string, place: Place): Result {
    const known = this.#macros.get(name);
    if (known !== undefined) return known;
    const macro = this.#collection.macros.get(name);
    if (macro === undefined) {
      const near = nearest(name, this.#collection.macros.keys());
      throw new DefinitionError(`unknown macro ${name}`, place, near === null ? '' : `did you mean ${near}?`);
    }
    if (this.#open.includes(name))
      throw new DefinitionError(`macro ${name} refers to itself: ${[...this.#open, name].join(' → ')}`, place);
    if (this.#open.length >= MACRO_DEPTH_MAX)
      throw new DefinitionError(`macros nested deeper than ${MACRO_DEPTH_MAX} levels`, place);
    this.#open.push(name);
    try {
      const result = this.condition(macro.condition);
      this.#macros.set(name, result);
      return result;
    } finally {
      this.#open.pop();
    }
  }

  /** The values that a bare word stands for: a list's, or itself. */
  expand(word: string, place: Place): readonly string[] {
    return this.#list(word, place, []) ?? [word];
  }

  #list(name: string, place: Place, open: readonly string[]): readonly string[] | null {
    const known = this.#lists.get(name);
    if (known !== undefined) return known;
    const list = this.#collection.lists.get(name);
    if (list === undefined) return null;
    if (open.includes(name))
      throw new DefinitionError(`list ${name} refers to itself: ${[...open, name].join(' → ')}`, place);
    if (open.length >= MACRO_DEPTH_MAX)
      throw new DefinitionError(`lists nested deeper than ${MACRO_DEPTH_MAX} levels`, place);
    const items: string[] = [];
    for (const item of list.items) {
      const inner = this.#list(item, place, [...open, name]);
      if (inner === null) items.push(unquoted(item));
      else for (const each of inner) items.push(each);
      if (items.length > LIST_VALUES_MAX)
        throw new DefinitionError(
          `list ${name} has more than ${LIST_VALUES_MAX} values once lists are written out`,
          place,
        );
    }
    const distinct = [...new Set(items)];
    this.#lists.set(name, distinct);
    return distinct;
  }
}

/** Items may hold quotes of their own: `'"10.0.0.0/8"'`. */
const unquoted = (item: string): string => /^(["'])(.*)\1$/s.exec(item)?.[2] ?? item;

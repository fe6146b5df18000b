/** Conditions → selections and an expression over them, as a rule file has them: what converters write. */
import type { Condition, GlobPiece, KeywordTest, Pattern, TextTest } from './condition.ts';

const SELECTIONS_MAX = 900;
const NESTING_MAX = 60;

export type Selection = Readonly<Record<string, unknown>> | readonly unknown[];

/** Equal selections are written once. */
export class SelectionWriter {
  /** By name, in the order in which they were first needed. */
  readonly selections = new Map<string, Selection>();
  readonly #prefix: string;
  readonly #names = new Map<string, string>();

  /** Selections are called `prefix` with a number. */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** Null when it is nested too deep, has too many parts, or asks for what only a log source or `|any` says. */
  expression(condition: Condition, depth = 0): string | null {
    if (depth > NESTING_MAX || this.selections.size > SELECTIONS_MAX) return null;
    switch (condition.type) {
      case 'and':
      case 'or': {
        if (condition.of.length === 0) {
          const always = this.#name({ 'falco.evt.num|gte': 0 });
          return condition.type === 'and' ? always : `not ${always}`;
        }
        const parts = condition.of.map(each => this.expression(each, depth + 1));
        return parts.includes(null) ? null : `(${parts.join(` ${condition.type} `)})`;
      }
      case 'not': {
        const inner = this.expression(condition.of, depth + 1);
        return inner === null ? null : `not ${inner}`;
      }
      default: {
        const selection = selectionOf(condition);
        return selection === null ? null : this.#name(selection);
      }
    }
  }

  #name(selection: Selection): string {
    const key = JSON.stringify(selection);
    let name = this.#names.get(key);
    if (name === undefined) {
      name = `${this.#prefix}${this.#names.size + 1}`;
      this.#names.set(key, name);
      this.selections.set(name, selection);
    }
    return name;
  }
}

const one = <T>(values: readonly T[]): T | readonly T[] => (values.length === 1 ? (values[0] as T) : values);

/** `|a|b` of what is given. */
const modifiers = (...names: readonly (string | false)[]): string =>
  names.map(name => (name === false || name === '' ? '' : `|${name}`)).join('');

function selectionOf(condition: Condition): Selection | null {
  switch (condition.type) {
    case 'exists':
      return { [`${condition.field.name}|exists`]: condition.value };
    case 'boolean':
      return { [`${condition.field.name}${modifiers(condition.negated && 'neq')}`]: condition.value };
    case 'keywords':
      return keywordSelection(condition);
    case 'text':
      return textSelection(condition);
    case 'number':
    case 'cidr':
    case 'regex':
    case 'fieldref': {
      const { field, negated, quantifier } = condition;
      const [how, values] =
        condition.type === 'number'
          ? [modifiers(condition.comparison !== 'eq' && condition.comparison), condition.values]
          : condition.type === 'cidr'
            ? ['|cidr', condition.networks]
            : condition.type === 'regex'
              ? [modifiers('re', ...condition.flags, condition.baseName && 'name'), condition.sources]
              : [
                  modifiers('fieldref', condition.match !== 'equals' && condition.match, condition.cased && 'cased'),
                  condition.others.map(({ name }) => name),
                ];
      const all = quantifier === 'all' && values.length > 1;
      return { [`${field.name}${how}${modifiers(all && 'all', negated && 'neq')}`]: one<unknown>(values) };
    }
    default:
      return null;
  }
}

/** Patterns of one kind share a key; several keys hold together in one map, and as alternatives in a list of maps. */
function textSelection({ field, patterns, cased, negated, quantifier, baseName }: TextTest): Selection {
  const groups = new Map<string, string[]>();
  for (const pattern of patterns) {
    const how = pattern.type === 'glob' || pattern.type === 'equals' ? '' : pattern.type;
    const known = groups.get(how);
    if (known === undefined) groups.set(how, [patternText(pattern)]);
    else known.push(patternText(pattern));
  }
  const maps = [...groups].map(([how, values]): Readonly<Record<string, unknown>> => {
    const all = quantifier === 'all' && values.length > 1;
    const key = modifiers(how, cased && 'cased', baseName && 'name', all && 'all', negated && 'neq');
    return { [`${field.name}${key}`]: one([...new Set(values)]) };
  });
  const together = (quantifier === 'all') !== negated;
  return together || maps.length === 1 ? Object.assign({}, ...maps) : maps;
}

function keywordSelection({ patterns, quantifier, cased }: KeywordTest): Selection {
  const texts = patterns.map(patternText);
  const all = quantifier === 'all' && texts.length > 1;
  return all || cased ? { [modifiers(all && 'all', cased && 'cased')]: texts } : texts;
}

const escaped = (text: string): string => text.replace(/[\\*?]/g, '\\$&');
const pieceOf = (piece: GlobPiece): string => piece.map(part => (part === null ? '?' : escaped(part))).join('');
const patternText = (pattern: Pattern): string =>
  pattern.type === 'glob' ? pattern.pieces.map(pieceOf).join('*') : escaped(pattern.text);

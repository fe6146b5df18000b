/** A compiled Falco rule → the text of a native rule that matches the same events, with author and licence kept. */
import { Document } from 'yaml';
import type { Condition, GlobPiece, Pattern, TextTest } from '../condition.ts';
import type { FalcoLoaded } from './rules.ts';

const EXPRESSION_CHARS_MAX = 9_500;
const SELECTIONS_MAX = 900;
const NESTING_MAX = 60;

/** Null when it is larger than one native rule may be. */
export function nativeFalco({ rule, condition, excepted, license }: FalcoLoaded): string | null {
  const writer = new Writer();
  const whole: Condition =
    excepted === null ? condition : { type: 'and', of: [condition, { type: 'not', of: excepted }] };
  const expression = writer.expression(whole, 0);
  if (expression === null || expression.length > EXPRESSION_CHARS_MAX || writer.selections.size > SELECTIONS_MAX)
    return null;
  const value = {
    title: rule.title,
    id: rule.id,
    status: rule.status,
    level: rule.level,
    description: rule.description || `Converted from the Falco rule ${rule.title}`,
    ...(rule.author === '' ? {} : { author: rule.author }),
    ...(license === '' ? {} : { license }),
    taxonomy: 'spoor',
    tags: rule.tags,
    falsepositives: ['Unknown'],
    ...(rule.requires.length === 0 ? {} : { requires: rule.requires }),
    detection: { ...Object.fromEntries(writer.selections), condition: expression },
    ...(rule.message === '' ? {} : { message: rule.message }),
  };
  return new Document(value, { aliasDuplicateObjects: false }).toString({ lineWidth: 120 });
}

type Selection = Readonly<Record<string, unknown>>;

class Writer {
  readonly selections = new Map<string, Selection | readonly Selection[]>();
  readonly #names = new Map<string, string>();

  /** Null when nested too deep. */
  expression(condition: Condition, depth: number): string | null {
    if (depth > NESTING_MAX || this.selections.size > SELECTIONS_MAX) return null;
    switch (condition.type) {
      case 'and':
      case 'or': {
        if (condition.of.length === 0) return this.#name({ 'falco.evt.num|gte': 0 });
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

  #name(selection: Selection | readonly Selection[]): string {
    const key = JSON.stringify(selection);
    let name = this.#names.get(key);
    if (name === undefined) {
      name = `s${this.#names.size + 1}`;
      this.#names.set(key, name);
      this.selections.set(name, selection);
    }
    return name;
  }
}

const one = <T>(values: readonly T[]): T | readonly T[] => (values.length === 1 ? (values[0] as T) : values);

function selectionOf(condition: Condition): Selection | readonly Selection[] | null {
  switch (condition.type) {
    case 'exists':
      return { [`${condition.field.name}|exists`]: condition.value };
    case 'boolean':
      return { [`${condition.field.name}${condition.negated ? '|neq' : ''}`]: condition.value };
    case 'number': {
      const how = condition.comparison === 'eq' ? '' : `|${condition.comparison}`;
      return { [`${condition.field.name}${condition.negated ? '|neq' : ''}${how}`]: one(condition.values) };
    }
    case 'cidr':
      return { [`${condition.field.name}|cidr${condition.negated ? '|neq' : ''}`]: one(condition.networks) };
    case 'regex':
      return {
        [`${condition.field.name}|re${[...condition.flags].map(flag => `|${flag}`).join('')}${condition.negated ? '|neq' : ''}`]:
          one(condition.sources),
      };
    case 'fieldref': {
      const match = condition.match === 'equals' ? '' : `|${condition.match}`;
      const names = condition.others.map(({ name }) => name);
      return {
        [`${condition.field.name}|fieldref${match}${condition.cased ? '|cased' : ''}${condition.negated ? '|neq' : ''}`]:
          one(names),
      };
    }
    case 'text':
      return textSelection(condition);
    default:
      return null;
  }
}

/** Patterns of one kind share a key; kinds are alternatives or, negated, all of them must miss. */
function textSelection({ field, patterns, cased, negated }: TextTest): Selection | readonly Selection[] {
  const groups = new Map<string, string[]>();
  for (const pattern of patterns) {
    const how = pattern.type === 'glob' || pattern.type === 'equals' ? '' : `|${pattern.type}`;
    const key = `${field.name}${how}${cased ? '|cased' : ''}${negated ? '|neq' : ''}`;
    groups.set(key, [...(groups.get(key) ?? []), patternText(pattern)]);
  }
  const maps = [...groups].map(([key, values]): Selection => ({ [key]: one(values) }));
  if (maps.length === 1) return maps[0] as Selection;
  return negated ? Object.assign({}, ...maps) : maps;
}

const escaped = (text: string): string => text.replace(/[\\*?]/g, '\\$&');
const pieceOf = (piece: GlobPiece): string => piece.map(part => (part === null ? '?' : escaped(part))).join('');
const patternText = (pattern: Pattern): string =>
  pattern.type === 'glob' ? pattern.pieces.map(pieceOf).join('*') : escaped(pattern.text);

/** A node of the condition tree in words, close to how an author would write it. */
import type { Condition, GlobPiece, Pattern } from './condition.ts';

const VALUES_SHOWN = 6;
const VALUE_CHARS_SHOWN = 60;

const known = new WeakMap<Condition, string>();

/** `process.name|cased: nc, ncat`; nodes that join others say how. */
export function describeCondition(condition: Condition): string {
  let text = known.get(condition);
  if (text === undefined) {
    text = describeNode(condition);
    known.set(condition, text);
  }
  return text;
}

function describeNode(condition: Condition): string {
  switch (condition.type) {
    case 'and':
      return 'all of';
    case 'or':
      return 'any of';
    case 'not':
      return 'not';
    case 'some':
      return `${condition.n} of`;
    case 'ancestor':
      return 'ancestors|any';
    case 'kind':
      return `event.kind: ${list(condition.kinds)}`;
    case 'category':
      return `category: ${condition.category.name}`;
    case 'exists':
    case 'boolean': {
      const negated = condition.type === 'boolean' && condition.negated ? '|neq' : '';
      return `${condition.field.name}${condition.type === 'exists' ? '|exists' : negated}: ${condition.value}`;
    }
    case 'keywords':
      return `keywords${flags(condition)}: ${list(condition.patterns.map(patternText))}`;
    case 'text':
      return `${condition.field.name}${condition.baseName ? '|name' : ''}${flags(condition)}: ${list(condition.patterns.map(patternText))}`;
    case 'regex': {
      const marks = [...condition.flags].map(flag => `|${flag}`).join('');
      return `${condition.field.name}|re${marks}${flags(condition)}: ${list(condition.sources)}`;
    }
    case 'number': {
      const comparison = condition.comparison === 'eq' ? '' : `|${condition.comparison}`;
      return `${condition.field.name}${comparison}${flags(condition)}: ${list(condition.values.map(String))}`;
    }
    case 'cidr':
      return `${condition.field.name}|cidr${flags(condition)}: ${list(condition.networks)}`;
    case 'fieldref': {
      const match = condition.match === 'equals' ? '' : `|${condition.match}`;
      return `${condition.field.name}|fieldref${match}${flags(condition)}: ${list(condition.others.map(other => other.name))}`;
    }
  }
}

interface Flagged {
  readonly negated?: boolean;
  readonly quantifier: 'any' | 'all';
  readonly cased?: boolean;
}

function flags({ negated, quantifier, cased }: Flagged): string {
  return `${cased === true ? '|cased' : ''}${quantifier === 'all' ? '|all' : ''}${negated === true ? '|neq' : ''}`;
}

function list(values: readonly string[]): string {
  const shown = values.slice(0, VALUES_SHOWN).map(short).join(', ');
  return values.length > VALUES_SHOWN ? `${shown}, … (${values.length})` : shown;
}

const short = (text: string): string =>
  text.length > VALUE_CHARS_SHOWN ? `${text.slice(0, VALUE_CHARS_SHOWN)}…` : text;

const escaped = (text: string): string => text.replace(/[*?]|\\(?=[*?\\])/g, '\\$&');
const pieceText = (piece: GlobPiece): string => piece.map(part => (part === null ? '?' : escaped(part))).join('');

function patternText(pattern: Pattern): string {
  switch (pattern.type) {
    case 'glob':
      return pattern.pieces.map(pieceText).join('*');
    case 'contains':
      return `*${escaped(pattern.text)}*`;
    case 'startswith':
      return `${escaped(pattern.text)}*`;
    case 'endswith':
      return `*${escaped(pattern.text)}`;
    case 'equals':
      return escaped(pattern.text);
  }
}

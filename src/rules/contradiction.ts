/** Conditions that no event can meet: asked of one field at once what it cannot be. */
import { type Condition, childrenOf } from './condition.ts';

/** What contradicts what, in words; null when nothing is proved. */
export function contradictionOf(condition: Condition): string | null {
  if (condition.type === 'or') {
    const each = condition.of.map(contradictionOf);
    return each.length > 0 && each.every(one => one !== null) ? (each[0] as string) : null;
  }
  if (condition.type === 'ancestor') return contradictionOf(condition.of);
  if (condition.type !== 'and') return ofOne(condition);
  const parts = flatten(condition);
  for (const part of parts) {
    const inner = part.type === 'and' ? null : contradictionOf(part);
    if (inner !== null) return inner;
  }
  return amongTexts(parts) ?? amongNumbers(parts) ?? amongPresence(parts);
}

function flatten(condition: Condition): Condition[] {
  return condition.type === 'and' ? childrenOf(condition).flatMap(flatten) : [condition];
}

function ofOne(condition: Condition): string | null {
  if (condition.type !== 'text' || condition.quantifier !== 'all' || condition.negated) return null;
  if (condition.field.type !== 'string' || condition.baseName) return null;
  const equal = new Set(condition.patterns.map(pattern => (pattern.type === 'equals' ? pattern.text : null)));
  equal.delete(null);
  return equal.size > 1 ? `${condition.field.name} cannot equal ${[...equal].slice(0, 2).join(' and ')} at once` : null;
}

/** Fields of one text that must be in two lists without a common value. */
function amongTexts(parts: readonly Condition[]): string | null {
  const allowed = new Map<string, Set<string>>();
  for (const part of parts) {
    if (part.type !== 'text' || part.negated || part.quantifier === 'all' || part.field.type !== 'string') continue;
    if (part.baseName || !part.patterns.every(pattern => pattern.type === 'equals')) continue;
    const values = new Set(part.patterns.map(pattern => ('text' in pattern ? pattern.text.toLowerCase() : '')));
    const before = allowed.get(part.field.name);
    const both = before === undefined ? values : new Set([...before].filter(value => values.has(value)));
    if (both.size === 0) {
      const [one] = before ?? [];
      const [other] = values;
      return `${part.field.name} cannot be ${one} and ${other} at once`;
    }
    allowed.set(part.field.name, both);
  }
  return null;
}

function amongNumbers(parts: readonly Condition[]): string | null {
  const ranges = new Map<string, { low: number; high: number; open: boolean }>();
  for (const part of parts) {
    if (part.type !== 'number' || part.negated || part.values.length !== 1) continue;
    const value = part.values[0] as number;
    const range = ranges.get(part.field.name) ?? { low: -Infinity, high: Infinity, open: false };
    ranges.set(part.field.name, range);
    if (part.comparison !== 'lt' && part.comparison !== 'lte') {
      if (value >= range.low) range.open ||= part.comparison === 'gt';
      range.low = Math.max(range.low, value);
    }
    if (part.comparison !== 'gt' && part.comparison !== 'gte') {
      if (value <= range.high) range.open ||= part.comparison === 'lt';
      range.high = Math.min(range.high, value);
    }
    if (range.low > range.high || (range.low === range.high && range.open))
      return `no number is what ${part.field.name} must be`;
  }
  return null;
}

/** A field asked to be absent, and compared with something. */
function amongPresence(parts: readonly Condition[]): string | null {
  for (const part of parts) {
    if (part.type !== 'exists' || part.value) continue;
    const { name } = part.field;
    const needed = parts.some(
      other => 'field' in other && other.field.name === name && (other.type !== 'exists' || other.value),
    );
    if (needed) return `${name} cannot be absent and compared at once`;
  }
  return null;
}

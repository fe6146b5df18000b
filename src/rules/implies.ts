/** What of conditions follows from others: conservative, so that a yes can be relied on and a no means nothing. */
import type { Condition, Pattern, TextTest } from './condition.ts';

/** Comparisons of parts and of patterns beyond which nothing is claimed. */
const STEPS_MAX = 20_000;

/** True when `b` holds on every event on which `a` does. */
export function implies(a: Condition, b: Condition): boolean {
  let steps = 0;
  const follows = (from: Condition, to: Condition): boolean => {
    if (++steps > STEPS_MAX) return false;
    if (from === to || keyOf(from) === keyOf(to)) return true;
    if (from.type === 'or') return from.of.every(child => follows(child, to));
    if (to.type === 'and') return to.of.every(child => follows(from, child));
    if (to.type === 'or') return to.of.some(child => follows(from, child)) || anyChild(from, to);
    if (from.type === 'text' && to.type === 'text') {
      steps += from.patterns.length * to.patterns.length;
      return steps <= STEPS_MAX && textFollows(from, to);
    }
    if (to.type === 'exists' && to.value && 'field' in from && from.type !== 'exists') {
      if (from.field.name === to.field.name) return true;
    }
    return anyChild(from, to);
  };
  const anyChild = (from: Condition, to: Condition): boolean =>
    from.type === 'and' && from.of.some(child => follows(child, to));
  return follows(a, b);
}

const keys = new WeakMap<Condition, string>();

/** Equal for equal conditions. */
function keyOf(condition: Condition): string {
  let key = keys.get(condition);
  if (key === undefined) {
    key = JSON.stringify(condition, (name, value: unknown) =>
      (name === 'field' || name === 'category') && typeof value === 'object' && value !== null && 'name' in value
        ? value.name
        : value,
    );
    keys.set(condition, key);
  }
  return key;
}

function textFollows(a: TextTest, b: TextTest): boolean {
  if (a.field.name !== b.field.name || a.baseName !== b.baseName) return false;
  if (a.negated || b.negated || b.quantifier === 'all') return false;
  // Where only `b` minds case, nothing short of any text will do.
  const wide = b.cased && !a.cased ? b.patterns.filter(matchesAnything) : b.patterns;
  const covered = (pattern: Pattern): boolean => wide.some(other => covers(other, pattern, b.cased));
  return a.quantifier === 'all' ? a.patterns.some(covered) : a.patterns.every(covered);
}

const matchesAnything = (pattern: Pattern): boolean =>
  pattern.type === 'glob'
    ? pattern.pieces.every(piece => piece.length === 0)
    : pattern.type !== 'equals' && pattern.text === '';

/** Every text that `narrow` matches is matched by `wide`. */
function covers(wide: Pattern, narrow: Pattern, cased: boolean): boolean {
  if (matchesAnything(wide)) return true;
  if (wide.type === 'glob' || narrow.type === 'glob') return false;
  const text = cased ? narrow.text : narrow.text.toLowerCase();
  switch (wide.type) {
    case 'equals':
      return narrow.type === 'equals' && text === wide.text;
    case 'contains':
      return text.includes(wide.text);
    case 'startswith':
      return (narrow.type === 'equals' || narrow.type === 'startswith') && text.startsWith(wide.text);
    case 'endswith':
      return (narrow.type === 'equals' || narrow.type === 'endswith') && text.endsWith(wide.text);
  }
}

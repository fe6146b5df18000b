/** What the sensors must be set to report for a Falco condition, and what they cannot. */
import { requiresOf } from '../analysis.ts';
import { type Condition, childrenOf, fieldsOf } from '../condition.ts';

/** Beyond the settings `requires`, without which it can never hold: those that some of its events need, as one reason, or null. */
export function alternativesOf(
  condition: Condition,
  requires: readonly string[],
): { reason: string; all: boolean } | null {
  const some = [...settingsOf(condition)].filter(setting => !requires.includes(setting)).sort();
  if (some.length === 0) return null;
  const all = !canDoWith(condition, requires);
  return { reason: `${all ? 'one of' : 'for some of its events:'} ${some.join(', ')}`, all };
}

/** Macros are one node in many rules: each is asked once. */
const known = new WeakMap<Condition, ReadonlySet<string>>();

function settingsOf(condition: Condition): ReadonlySet<string> {
  let settings = known.get(condition);
  if (settings === undefined) {
    const children = condition.type === 'not' ? [] : childrenOf(condition);
    settings =
      children.length === 0 ? requiresOf(condition) : new Set(children.flatMap(child => [...settingsOf(child)]));
    known.set(condition, settings);
  }
  return settings;
}

function canDoWith(condition: Condition, settings: readonly string[], asked = new Map<Condition, boolean>()): boolean {
  let can = asked.get(condition);
  if (can === undefined) {
    const each = (child: Condition): boolean => canDoWith(child, settings, asked);
    if (condition.type === 'or' || condition.type === 'some') can = condition.of.some(each);
    else if (condition.type === 'and') can = condition.of.every(each);
    else can = [...requiresOf(condition)].every(setting => settings.includes(setting));
    asked.set(condition, can);
  }
  return can;
}

/** Calls of which hooks report a bare descriptor. */
const BARE = /^(dup[23]?|fcntl|close)$/;

/**
 * A field of the file or socket behind the descriptor of such a call, that the condition cannot hold without: no sensor follows
 * descriptors, and a process that has a connection redirects to files and pipes too. Null when there is none.
 */
export function descriptorOf(condition: Condition): string | null {
  const all = conjuncts(condition);
  const call = all.find(
    each =>
      each.type === 'text' &&
      !each.negated &&
      each.field.name === 'falco.evt.type' &&
      each.patterns.every(pattern => pattern.type === 'equals' && BARE.test(pattern.text)),
  );
  if (call?.type !== 'text') return null;
  const field = all
    .filter(({ type }) => type !== 'not')
    .flatMap(fieldsOf)
    .find(({ name }) => name.startsWith('falco.fd.') && name !== 'falco.fd.num');
  if (field === undefined) return null;
  const [first] = call.patterns;
  return `${field.name.slice('falco.'.length)} of a descriptor that ${first?.type === 'equals' ? first.text : 'dup'} is given`;
}

function conjuncts(condition: Condition): readonly Condition[] {
  const found = new Set([condition]);
  for (const each of found) if (each.type === 'and') for (const child of each.of) found.add(child);
  return [...found].filter(({ type }) => type !== 'and');
}

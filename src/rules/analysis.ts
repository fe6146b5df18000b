/** What is necessarily so when a condition holds: kinds of events, sensor settings, fields that are read. */
import type { EventKind } from '../model/event.ts';
import { ALL_KINDS } from './catalogue/field.ts';
import { type Condition, childrenOf, fieldsOf } from './condition.ts';
import { KEYWORD_FIELDS } from './keywords.ts';

/** A part that many conditions share, as Falco's macros are, is asked once. */
function once<T extends object>(ask: (condition: Condition) => T): (condition: Condition) => T {
  const known = new WeakMap<Condition, T>();
  return condition => {
    let answer = known.get(condition);
    if (answer === undefined) {
      answer = ask(condition);
      known.set(condition, answer);
    }
    return answer;
  };
}

/** The kinds of events on which it can hold. */
export const kindsOf: (condition: Condition) => readonly EventKind[] = once(kindsOfOne);

function kindsOfOne(condition: Condition): readonly EventKind[] {
  switch (condition.type) {
    case 'and':
      return condition.of.map(kindsOf).reduce((a, b) => a.filter(kind => b.includes(kind)), ALL_KINDS);
    case 'or':
    case 'some': {
      const any = new Set(condition.of.flatMap(kindsOf));
      return ALL_KINDS.filter(kind => any.has(kind));
    }
    case 'not':
      return ALL_KINDS;
    case 'ancestor':
      return kindsOf(condition.of);
    case 'kind':
      return ALL_KINDS.filter(kind => condition.kinds.includes(kind));
    case 'category':
      return condition.category.kinds;
    case 'exists':
      return condition.value ? condition.field.kinds : ALL_KINDS;
    case 'keywords':
      return [...new Set(KEYWORD_FIELDS.flatMap(field => field.kinds))];
    default:
      return condition.field.kinds;
  }
}

/** The sensor settings without which it can never hold. */
export const requiresOf: (condition: Condition) => ReadonlySet<string> = once(requiresOfOne);

function requiresOfOne(condition: Condition): ReadonlySet<string> {
  switch (condition.type) {
    case 'and':
      return new Set(condition.of.flatMap(child => [...requiresOf(child)]));
    case 'or':
    case 'some': {
      const [first, ...rest] = condition.of.map(requiresOf);
      return new Set([...(first ?? [])].filter(setting => rest.every(other => other.has(setting))));
    }
    case 'ancestor':
      return requiresOf(condition.of);
    case 'category':
      return new Set(condition.category.requires === '' ? [] : [condition.category.requires]);
    case 'exists':
      return new Set(condition.value ? condition.field.requires : []);
    case 'not':
    case 'keywords':
    case 'kind':
      return new Set();
    default:
      return new Set(fieldsOf(condition).flatMap(field => field.requires));
  }
}

/** Names of all fields that it reads. */
export function fieldNamesOf(condition: Condition): string[] {
  const names = new Set<string>();
  const parts = new Set([condition]);
  for (const at of parts) {
    for (const field of fieldsOf(at)) names.add(field.name);
    if (at.type === 'keywords') for (const field of KEYWORD_FIELDS) names.add(field.name);
    if (at.type === 'ancestor') names.add('ancestors');
    for (const child of childrenOf(at)) parts.add(child);
  }
  return [...names].sort();
}

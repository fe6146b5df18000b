/** Which part of a rule a path leads to. */
import type { Part } from '../authoring/keys.ts';

export type Place =
  | { readonly type: 'keys'; readonly part: Part }
  /** Fields, of a selection or of an ancestor. */
  | { readonly type: 'selection' }
  /** Names that the author gives: of selections, macros, lists. */
  | { readonly type: 'names' }
  | { readonly type: 'event' }
  | { readonly type: 'unknown' };

/** The path of the map in which a key stands. */
export function placeOf(path: readonly string[]): Place {
  const keys = path.filter(name => name !== '-');
  const [top, second] = keys;
  if (top === undefined) return { type: 'keys', part: 'rule' };
  switch (top) {
    case 'logsource':
    case 'count':
    case 'first_seen':
      return keys.length === 1 ? { type: 'keys', part: top } : { type: 'unknown' };
    case 'exceptions':
      return keys.length === 1 ? { type: 'keys', part: 'exception' } : { type: 'unknown' };
    case 'tests':
      if (second === 'events') return keys.length === 2 ? { type: 'event' } : { type: 'unknown' };
      return keys.length === 1 ? { type: 'keys', part: 'test' } : { type: 'unknown' };
    case 'detection':
      return detection(keys.slice(1));
    case 'macros':
      return keys.length === 1 ? { type: 'names' } : { type: 'selection' };
    case 'lists':
      return { type: 'names' };
    case 'any':
      return matcher(keys.slice(1), 'branch');
    case 'sequence':
      if (second === undefined) return { type: 'keys', part: 'sequence' };
      if (second === 'steps') return matcher(keys.slice(2), 'step');
      return second === 'until' ? matcher(keys.slice(2), 'branch') : { type: 'unknown' };
    default:
      return { type: 'unknown' };
  }
}

function matcher(keys: readonly string[], part: Part): Place {
  const [first, ...rest] = keys;
  if (first === undefined) return { type: 'keys', part };
  if (first === 'detection') return detection(rest);
  if (first === 'logsource') return { type: 'keys', part: 'logsource' };
  return first === 'count' ? { type: 'keys', part: 'count' } : { type: 'unknown' };
}

const detection = (keys: readonly string[]): Place =>
  keys.length === 0 ? { type: 'keys', part: 'detection' } : { type: 'selection' };

/**
 * Things never seen before: a combination of fields that is new for its key, once that key has been watched for the learning
 * time (event time, from its first match). What is learned counts as seen; so does what fired.
 */
import type { Micros } from '../model/time.ts';
import type { FirstSeenSpec } from '../rules/rule.ts';
import { type FieldLookup, type FieldReader, ownerOf, readersOf, readKey } from './fields.ts';
import type { Match } from './match.ts';
import { KeyedState, type Owned, type StateLimits } from './owned.ts';

interface Learned extends Owned {
  readonly since: Micros;
  /** Least recently seen first. */
  readonly seen: Set<string>;
}

export interface FirstSeenState {
  readonly keys: KeyedState<Learned>;
  /** Combinations forgotten because their key knew too many. */
  forgotten: number;
}

export class FirstSeen {
  readonly state: FirstSeenState;
  readonly #spec: FirstSeenSpec;
  readonly #by: readonly FieldReader[];
  readonly #fields: readonly FieldReader[];
  readonly #seenMax: number;

  constructor(spec: FirstSeenSpec, lookup: FieldLookup, limits: StateLimits, state: FirstSeenState | null) {
    this.#spec = spec;
    this.#by = readersOf(spec.by, lookup);
    this.#fields = readersOf(spec.fields, lookup);
    this.#seenMax = limits.perOwner;
    this.state = state ?? { keys: new KeyedState<Learned>(limits), forgotten: 0 };
  }

  /** The match if it is the first of its kind, else null. */
  feed(match: Match): Match | null {
    const key = readKey(this.#by, match.trigger);
    const combination = readKey(this.#fields, match.trigger);
    if (key === null || combination === null) return null;
    const { keys } = this.state;
    const { time } = match.trigger.event;
    let learned = keys.get(key);
    if (learned === undefined) {
      learned = { owner: ownerOf(match.trigger), since: time, seen: new Set() };
      keys.put(key, learned);
    } else {
      keys.touch(learned);
    }
    const isNew = !learned.seen.delete(combination);
    if (isNew && learned.seen.size >= this.#seenMax) this.#forgetOldest(learned.seen);
    learned.seen.add(combination);
    return isNew && time - learned.since >= this.#spec.learn ? { ...match, key: `${key} ${combination}`.trim() } : null;
  }

  #forgetOldest(seen: Set<string>): void {
    for (const oldest of seen) {
      seen.delete(oldest);
      this.state.forgotten++;
      return;
    }
  }
}

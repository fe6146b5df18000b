/**
 * Things never seen before: a combination of fields that is new for its key, once that key has been watched for the learning
 * time (event time, from its first match). What is learned counts as seen; so does what fired. What is forgotten at a limit,
 * the least recently seen first, is new again. The agent's boot scan is learned, but begins no watch: it tells of what
 * started hours or weeks ago.
 */
import type { Event } from '../model/event.ts';
import type { Micros } from '../model/time.ts';
import type { FirstSeenSpec } from '../rules/rule.ts';
import { type FieldLookup, type FieldReader, ownerOf, readersOf, readKey } from './fields.ts';
import type { Match } from './match.ts';
import { KeyedState, type Owned, type StateLimits } from './owned.ts';

interface Watched extends Owned {
  readonly since: Micros;
}

export interface FirstSeenState {
  /** When the watch over each key began. */
  readonly keys: KeyedState<Watched>;
  /** Combinations seen, by key and combination. */
  readonly seen: KeyedState<Owned>;
}

/** As kept over restarts. */
export interface SavedFirstSeen {
  readonly keys: readonly (readonly [key: string, owner: string, since: Micros])[];
  readonly seen: readonly (readonly [whole: string, owner: string])[];
}

export class FirstSeen {
  readonly state: FirstSeenState;
  readonly #learn: Micros;
  readonly #by: readonly FieldReader[];
  readonly #fields: readonly FieldReader[];

  constructor(spec: FirstSeenSpec, lookup: FieldLookup, limits: StateLimits, state: FirstSeenState | null) {
    this.#learn = spec.learn;
    this.#by = readersOf(spec.by, lookup);
    this.#fields = readersOf(spec.fields, lookup);
    this.state = state ?? { keys: new KeyedState<Watched>(limits), seen: new KeyedState<Owned>(limits) };
  }

  /** The match if it is the first of its kind, else null. */
  feed(match: Match): Match | null {
    const key = readKey(this.#by, match.trigger);
    const combination = readKey(this.#fields, match.trigger);
    if (key === null || combination === null) return null;
    const { keys, seen } = this.state;
    const { event } = match.trigger;
    const owner = ownerOf(match.trigger);
    const whole = JSON.stringify([key, combination]);
    const isNew = seen.touch(whole) === undefined;
    if (isNew) seen.put(whole, { owner });
    if (isBootScan(event)) return null;
    const watched = keys.touch(key) ?? keys.put(key, { owner, since: event.time });
    const isWatched = event.time - watched.since >= this.#learn;
    return isNew && isWatched ? { ...match, key: `${key} ${combination}`.trim() } : null;
  }

  /** Grows with everything that `save` would tell anew. */
  get changes(): number {
    return this.state.keys.changes + this.state.seen.changes;
  }

  save(): SavedFirstSeen {
    return {
      keys: [...this.state.keys.entries()].map(([key, { owner, since }]) => [key, owner, since]),
      seen: [...this.state.seen.entries()].map(([whole, { owner }]) => [whole, owner]),
    };
  }

  /** What was seen stays seen, and keys are watched since they were; events that are fed again change nothing. */
  restore({ keys, seen }: SavedFirstSeen): void {
    for (const [key, owner, since] of keys) this.state.keys.put(key, { owner, since });
    for (const [whole, owner] of seen) this.state.seen.put(whole, { owner });
  }
}

function isBootScan(event: Event): boolean {
  return event.kind === 'process_exec' && event.process.flags.includes('procFS');
}

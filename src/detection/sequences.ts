/**
 * Sequences with EQL's semantics: one state machine a key, one pending partial a stage, the newest overwriting. Of one partial
 * an event fills at most one stage, because stages are tried from the last to the first; the same event may end one partial and
 * begin another. Order and span are those of event time.
 */
import type { Observation } from '../model/observation.ts';
import { compareInstants, type Micros } from '../model/time.ts';
import type { Evidence } from '../rules/finding.ts';
import type { SequenceSpec } from '../rules/rule.ts';
import { type FieldLookup, ownerOf, podOf, readText } from './fields.ts';
import { type Join, joinOf } from './joins.ts';
import { boundEvidence, isUnattributed, type Match } from './match.ts';
import { KeyedState, type Owned, type StateLimits } from './owned.ts';
import { type Cell, type Partial, PartialStore } from './partials.ts';
import type { Retainer } from './retain.ts';
import { chainOf, type Guard, type Stage, type StageChain } from './stages.ts';

/** The last time that an absent step which stands first did happen. */
interface Sighting extends Owned {
  readonly time: Micros;
}

/** What a machine remembers; outlives a reload of the same rule. */
export interface SequenceState {
  readonly partials: PartialStore;
  readonly sightings: KeyedState<Sighting>;
}

const NONE: readonly Match[] = [];

export class SequenceMachine {
  readonly state: SequenceState;
  readonly #within: Micros;
  readonly #fallback: boolean;
  readonly #chain: StageChain;
  readonly #until: Join | null;
  readonly #retainer: Retainer;
  /** Event time at which to drop what no event can continue any more. */
  #sweepAt = Number.NEGATIVE_INFINITY;
  /** No sequence that waits for its window to close began before this. */
  #earliest: Micros;

  constructor(
    spec: SequenceSpec,
    lookup: FieldLookup,
    retainer: Retainer,
    limits: StateLimits,
    state: SequenceState | null,
  ) {
    this.#chain = chainOf(spec, lookup);
    const stages = this.#chain.stages.length;
    this.#within = spec.within;
    this.#fallback = spec.fallback === 'pod' && (spec.by.type === 'process' || spec.by.type === 'process_tree');
    this.#until = spec.until === null ? null : joinOf(spec.by, null, lookup);
    this.#retainer = retainer;
    this.#earliest = state === null ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
    this.state = state ?? { partials: new PartialStore(stages, limits), sightings: new KeyedState(limits) };
  }

  /** Whether an event that matches step `step` (-1: `until`) can change anything now. */
  wants(step: number): boolean {
    const { stages, trailing } = this.#chain;
    const { partials } = this.state;
    const first = stages[0]!;
    if (step === first.step || guards(first.guards, step)) return true;
    if (partials.size === 0) return false;
    if (step < 0) return true;
    for (let at = 1; at < stages.length; at++) {
      const stage = stages[at]!;
      if ((stage.step === step || guards(stage.guards, step)) && partials.waiting(at - 1) > 0) return true;
    }
    return guards(trailing, step);
  }

  /** Folds in an event; `matched[step]` is 1 for the steps whose predicates it satisfied. */
  feed(observation: Observation, matched: Uint8Array, until: boolean): Match | null {
    const { stages, trailing } = this.#chain;
    const { partials } = this.state;
    const first = stages[0]!;
    if (this.#isEmpty) this.#sweepAt = observation.event.time + this.#within;
    let match: Match | null = null;
    if (until && this.#until !== null) this.#forget(this.#until, observation, 0, stages.length);
    // A guard is judged after its stage was tried and before the stage ahead of it may fill: what an event begins it cannot forbid.
    this.#judge(trailing, matched, observation, stages.length - 1);
    for (let at = stages.length - 1; at > 0; at--) {
      if (partials.waiting(at - 1) === 0) continue;
      const stage = stages[at]!;
      if (matched[stage.step] === 1) match = this.#advance(at, stage, observation) ?? match;
      this.#judge(stage.guards, matched, observation, at - 1);
    }
    if (matched[first.step] === 1) match = this.#begin(first, observation) ?? match;
    for (const guard of first.guards) if (matched[guard.step] === 1) this.#sight(guard, observation);
    return match;
  }

  /** Watermark from which `advance` has something to do. */
  dueAt(): Micros {
    return this.#isEmpty ? Number.POSITIVE_INFINITY : Math.min(this.#sweepAt, this.#earliest + this.#within + 1);
  }

  /** Sequences that the passing of time completes, because their last step is absent, in the order in which they began. */
  advance(watermark: Micros): readonly Match[] {
    const { partials, sightings } = this.state;
    const last = this.#chain.stages.length - 1;
    const horizon = watermark - this.#within;
    if (watermark >= this.#sweepAt) {
      this.#sweepAt = watermark + this.#within;
      partials.expire(horizon, this.#judgesLate ? last : last + 1);
      sightings.sweep(sighting => sighting.time < horizon);
    }
    if (this.#earliest >= horizon) return NONE;
    this.#earliest = Number.POSITIVE_INFINITY;
    if (!this.#judgesLate) return NONE;
    const due: Partial[] = [];
    for (const partial of partials.at(last)) {
      if (partial.first < horizon) due.push(partial);
      else if (partial.first < this.#earliest) this.#earliest = partial.first;
    }
    for (const partial of due) partials.remove(partial);
    due.sort((a, b) => a.first - b.first || a.last.observation.seq - b.last.observation.seq);
    return due.map(partial => matchOf(partial));
  }

  get #isEmpty(): boolean {
    return this.state.partials.size === 0 && this.state.sightings.size === 0;
  }

  get #judgesLate(): boolean {
    return this.#chain.trailing.length > 0;
  }

  #begin(stage: Stage, observation: Observation): Match | null {
    const unattributed = this.#fallback && isUnattributed(observation) && observation.process === null;
    const key = unattributed ? podKey(observation) : stage.join.start(observation);
    if (key === null || this.#sighted(stage, observation)) return null;
    const cell = this.#cell(stage, observation, null);
    if (cell === null) return null;
    const first = observation.event.time;
    return this.#settle({
      owner: ownerOf(observation),
      stage: 0,
      key,
      first,
      last: cell,
      low: unattributed,
      guessed: false,
    });
  }

  /** Moves every partial that the event continues on to stage `at`; of several that it completes, the nearest counts. */
  #advance(at: number, stage: Stage, observation: Observation): Match | null {
    let match: Match | null = null;
    let joined = false;
    for (const key of stage.join.accepts(observation)) {
      const partial = this.state.partials.get(at - 1, key);
      if (partial === undefined) continue;
      const next = this.#continue(partial, stage, observation, stage.join.follow(key, observation), false);
      if (next === null) continue;
      this.state.partials.remove(partial);
      joined = true;
      const completed = this.#settle(next);
      match ??= completed;
    }
    return joined || !this.#fallback ? match : this.#advanceByPod(at, stage, observation);
  }

  /** A guess must not use up what the true event would complete: the partial stays, but takes no second guess. */
  #advanceByPod(at: number, stage: Stage, observation: Observation): Match | null {
    const key = podKey(observation);
    if (key === null) return null;
    const { partials } = this.state;
    const guess = isUnattributed(observation) && observation.process === null;
    const partial = guess
      ? partials.newest(ownerOf(observation), at - 1, observation.event.time - this.#within)
      : partials.get(at - 1, key);
    if (partial === undefined || partial.guessed) return null;
    const next = this.#continue(partial, stage, observation, partial.key, true);
    if (next === null) return null;
    partials.remove(partial);
    partials.put({ ...partial, guessed: true });
    return this.#settle(next);
  }

  /** The partial with one more stage filled, or null when the event cannot fill it. */
  #continue(partial: Partial, stage: Stage, observation: Observation, key: string, low: boolean): Partial | null {
    const { event } = observation;
    if (compareInstants(event, partial.last.observation.event) < 0) return null;
    if (event.time - partial.first > this.#within) return null;
    const last = this.#cell(stage, observation, partial.last);
    if (last === null) return null;
    return { ...partial, stage: partial.stage + 1, key, last, low: partial.low || low, guessed: false };
  }

  /** Null when the step wants another value than this event's. */
  #cell(stage: Stage, observation: Observation, previous: Cell | null): Cell | null {
    let value: string | null = null;
    if (stage.distinct !== null) {
      value = readText(stage.distinct, observation);
      if (value === null) return null;
      let at = previous;
      for (let i = 0; i < stage.repetition && at !== null; i++) {
        if (at.value === value) return null;
        at = at.previous;
      }
    }
    return { step: stage.id, observation: this.#retainer.keep(observation), value, previous };
  }

  /** Keeps a partial that waits for more, and turns one that is complete into a match. */
  #settle(partial: Partial): Match | null {
    const isComplete = partial.stage === this.#chain.stages.length - 1;
    if (isComplete && !this.#judgesLate) return matchOf(partial);
    if (isComplete) {
      // While one waits for its window to close a newer must not restart the clock, or a steady attacker would never be judged.
      if (this.state.partials.get(partial.stage, partial.key) !== undefined) return null;
      this.#earliest = Math.min(this.#earliest, partial.first);
    }
    this.state.partials.put(partial);
    return null;
  }

  /** Drops the partials at stage `at` whose absent step has happened. */
  #judge(list: readonly Guard[], matched: Uint8Array, observation: Observation, at: number): void {
    for (const guard of list) if (matched[guard.step] === 1) this.#forget(guard.join, observation, at, at + 1);
  }

  #forget(join: Join, observation: Observation, from: number, to: number): void {
    for (const key of join.accepts(observation)) {
      for (let at = from; at < to; at++) {
        const partial = this.state.partials.get(at, key);
        if (partial === undefined || compareInstants(observation.event, partial.last.observation.event) < 0) continue;
        if (observation.event.time - partial.first <= this.#within) this.state.partials.remove(partial);
      }
    }
  }

  #sight(guard: Guard, observation: Observation): void {
    const key = guard.join.start(observation);
    if (key === null) return;
    this.state.sightings.put(`${guard.step} ${key}`, { owner: ownerOf(observation), time: observation.event.time });
  }

  /** Whether an absent step that stands first happened within the window before this event. */
  #sighted(stage: Stage, observation: Observation): boolean {
    const { time } = observation.event;
    for (const guard of stage.guards) {
      for (const key of stage.join.accepts(observation)) {
        const sighting = this.state.sightings.get(`${guard.step} ${key}`);
        if (sighting !== undefined && sighting.time <= time && time - sighting.time <= this.#within) return true;
      }
    }
    return false;
  }
}

function guards(list: readonly Guard[], step: number): boolean {
  for (const guard of list) if (guard.step === step) return true;
  return false;
}

/** Key of what began with a flow that only its pod is known of. No exec_id has a space. */
function podKey(observation: Observation): string | null {
  const pod = podOf(observation);
  return pod === null ? null : `pod ${pod}`;
}

function matchOf(partial: Partial): Match {
  const evidence: Evidence[] = [];
  let low = partial.low;
  for (let at: Cell | null = partial.last; at !== null; at = at.previous) {
    evidence.push({ step: at.step, observation: at.observation });
    low ||= isUnattributed(at.observation);
  }
  evidence.reverse();
  return {
    branch: '',
    key: partial.key,
    trigger: partial.last.observation,
    evidence: boundEvidence(evidence),
    confidence: low ? 'low' : 'high',
    matches: evidence.length,
    from: partial.first,
  };
}

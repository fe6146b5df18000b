/**
 * Runs rules over the joined stream: observations in, findings out. Pure: time is that of the events, and the same observations
 * with the same rules give the same findings in the same order.
 */
import type { Observation } from '../model/observation.ts';
import type { Micros } from '../model/time.ts';
import type { Finding } from '../rules/finding.ts';
import type { Matcher, Rule } from '../rules/rule.ts';
import { catalogueFields, type FieldLookup } from './fields.ts';
import { RuleIndex } from './index.ts';
import { STATE_LIMITS, type StateLimits } from './owned.ts';
import { Retainer } from './retain.ts';
import { RuleState, type SavedRule } from './rule-state.ts';
import type { DetectorStats, RuleStats } from './stats.ts';

export interface RuleTiming {
  /** Milliseconds of a clock that only goes on. */
  readonly clock: () => number;
  /** One of so many evaluated observations is timed. A prime falls into step with no pattern of the events. */
  readonly every: number;
}

export interface DetectorOptions {
  /** The catalogue unless told otherwise. */
  readonly fields?: FieldLookup;
  /** Bounds of each rule's state. */
  readonly limits?: StateLimits;
  /** False evaluates every rule of an event's kind: the oracle of the index. */
  readonly indexed?: boolean;
  /** Has rules timed; findings never depend on it. */
  readonly timing?: RuleTiming;
}

/** One predicate of one rule; a rule's slots are neighbours. */
interface Slot {
  readonly state: RuleState;
  readonly part: number;
  readonly matcher: Matcher;
}

const NONE: readonly Finding[] = [];

export class Detector {
  #states: readonly RuleState[] = [];
  #slots: readonly Slot[] = [];
  #index: RuleIndex;
  #observations = 0;
  #watermark: Micros = Number.NEGATIVE_INFINITY;
  /** No rule has to be told of the passing of time before this. */
  #dueAt: Micros = Number.POSITIVE_INFINITY;
  /** By rule id: how much had changed when it was last saved. */
  readonly #saved = new Map<string, number>();
  readonly #fields: FieldLookup;
  readonly #limits: StateLimits;
  readonly #indexed: boolean;
  readonly #timing: RuleTiming | null;
  /** Evaluated observations until the next that is timed. */
  #untilTimed: number;
  readonly #retainer = new Retainer();

  constructor(rules: readonly Rule[], options: DetectorOptions = {}) {
    this.#fields = options.fields ?? catalogueFields;
    this.#limits = options.limits ?? STATE_LIMITS;
    this.#indexed = options.indexed ?? true;
    this.#timing = options.timing ?? null;
    this.#untilTimed = options.timing?.every ?? 0;
    this.#index = new RuleIndex([], this.#fields);
    this.replaceRules(rules);
  }

  /** Findings of one observation, in the order of the rules; shared and empty when there are none. */
  step(observation: Observation): readonly Finding[] {
    this.#observations++;
    const findings: Finding[] = [];
    this.#pass(observation.event.time, findings);
    const count = this.#index.find(observation);
    if (count > 0) {
      this.#retainer.reset();
      if (this.#timing === null || --this.#untilTimed > 0) this.#evaluate(observation, count, findings);
      else {
        this.#untilTimed = this.#timing.every;
        this.#evaluateTimed(observation, count, findings, this.#timing);
      }
    }
    return findings.length === 0 ? NONE : findings;
  }

  /** Tells that no event before `time` will come, without an event: decides what waits for its window to pass. */
  advance(time: Micros): readonly Finding[] {
    const findings: Finding[] = [];
    this.#pass(time, findings);
    return findings.length === 0 ? NONE : findings;
  }

  /** From the next observation on. Rules whose content (`hash`) is unchanged keep what they remember and count. */
  replaceRules(rules: readonly Rule[]): void {
    const previous = new Map(this.#states.map(state => [identityOf(state.rule), state]));
    const environment = { lookup: this.#fields, limits: this.#limits, retainer: this.#retainer };
    this.#states = rules.map(rule => new RuleState(rule, environment, previous.get(identityOf(rule)) ?? null));
    for (const id of this.#saved.keys()) this.#saved.set(id, -1);
    this.#dueAt = Number.NEGATIVE_INFINITY;
    this.#slots = this.#states.flatMap(state => state.parts().map(slot => ({ state, ...slot })));
    const matchers = this.#slots.map(slot => slot.matcher);
    const hinted = this.#indexed ? matchers : matchers.map(matcher => ({ ...matcher, hints: null }));
    this.#index = new RuleIndex(hinted, this.#fields);
  }

  /**
   * What rules have learned and counted that outlives a restart, by rule id, as far as it grew since the last call. After the
   * restart the last `relived` of event time is lived through again: what that brings back by itself is left out.
   */
  save(relived: Micros): Map<string, SavedRule> {
    const saved = new Map<string, SavedRule>();
    for (const state of this.#states) {
      if (!state.savable(relived) || this.#saved.get(state.rule.id) === state.changes) continue;
      this.#saved.set(state.rule.id, state.changes);
      saved.set(state.rule.id, state.save());
    }
    return saved;
  }

  /** Ids of the rules that may have something saved. */
  savable(): string[] {
    return this.#states.filter(state => state.savable(0)).map(state => state.rule.id);
  }

  /** Before the first event. `before`: time of the first event that is lived through again. Other content is ignored. */
  restore(saved: ReadonlyMap<string, SavedRule>, before: Micros): void {
    for (const state of this.#states) {
      const own = saved.get(state.rule.id);
      if (own !== undefined) state.restore(own, before);
    }
    this.#dueAt = Number.NEGATIVE_INFINITY;
  }

  stats(): DetectorStats {
    const rules = this.#states.map(state => state.stats());
    const sum = (of: (stats: RuleStats) => number): number => rules.reduce((total, stats) => total + of(stats), 0);
    return {
      observations: this.#observations,
      rules,
      failed: this.#states.filter(state => state.failed).length,
      totals: {
        evaluated: sum(stats => stats.evaluated),
        matched: sum(stats => stats.matched),
        excepted: sum(stats => stats.excepted),
        findings: sum(stats => stats.findings),
        evicted: sum(stats => stats.evicted),
        partials: sum(stats => stats.partials),
        failures: sum(stats => stats.failures),
        seconds: sum(stats => stats.seconds),
      },
    };
  }

  #evaluate(observation: Observation, count: number, findings: Finding[]): void {
    const { found } = this.#index;
    let current: RuleState | null = null;
    for (let i = 0; i < count; i++) {
      const slot = this.#slots[found[i]!]!;
      if (slot.state !== current) {
        if (current !== null) this.#conclude(current, observation, findings);
        current = slot.state;
      }
      slot.state.consider(slot.part, slot.matcher, observation);
    }
    if (current !== null) this.#conclude(current, observation, findings);
  }

  /** As `#evaluate`, with each rule's share of the time. */
  #evaluateTimed(observation: Observation, count: number, findings: Finding[], { clock, every }: RuleTiming): void {
    const { found } = this.#index;
    let before = clock();
    for (let i = 0; i < count; ) {
      const { state } = this.#slots[found[i]!]!;
      for (; i < count && this.#slots[found[i]!]!.state === state; i++) {
        const slot = this.#slots[found[i]!]!;
        state.consider(slot.part, slot.matcher, observation);
      }
      this.#conclude(state, observation, findings);
      const now = clock();
      state.spent((now - before) * every);
      before = now;
    }
  }

  #conclude(state: RuleState, observation: Observation, findings: Finding[]): void {
    if (!state.touched) return;
    const finding = state.conclude(observation);
    if (finding !== null) findings.push(finding);
    this.#dueAt = Math.min(this.#dueAt, state.dueAt());
  }

  /** Moves the watermark; what it decides comes in the order of the rules. */
  #pass(time: Micros, findings: Finding[]): void {
    if (time <= this.#watermark) return;
    this.#watermark = time;
    if (time < this.#dueAt) return;
    this.#dueAt = Number.POSITIVE_INFINITY;
    for (const state of this.#states) {
      if (state.dueAt() <= time) for (const finding of state.advance(time)) findings.push(finding);
      this.#dueAt = Math.min(this.#dueAt, state.dueAt());
    }
  }
}

function identityOf(rule: Rule): string {
  return `${rule.id} ${rule.hash}`;
}

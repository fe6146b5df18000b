/** One rule at work: its predicates' slots, its state machines, its counters, and what becomes of it when it fails. */
import type { Observation } from '../model/observation.ts';
import type { Micros } from '../model/time.ts';
import type { Finding } from '../rules/finding.ts';
import type { Matcher, Rule } from '../rules/rule.ts';
import {
  CorrelationMachine,
  type CorrelationState,
  correlatedRules,
  isKept,
  type SavedCorrelation,
} from './correlations.ts';
import { Counter, type CountState, type SavedCounts } from './counts.ts';
import type { FieldLookup } from './fields.ts';
import { FirstSeen, type FirstSeenState, type SavedFirstSeen } from './first-seen.ts';
import { isUnattributed, type Match } from './match.ts';
import type { StateLimits } from './owned.ts';
import type { Retainer } from './retain.ts';
import { SequenceMachine, type SequenceState } from './sequences.ts';
import type { RuleStats } from './stats.ts';

/** Times that a rule may throw before it is switched off. */
const FAILURES_MAX = 10;

/** What the rule's machines remember. */
interface Memory {
  readonly sequence: SequenceState | null;
  readonly count: CountState | null;
  readonly firstSeen: FirstSeenState | null;
  readonly correlation: CorrelationState | null;
}

/** Position of `until` among a rule's parts; branches and steps count from 0. */
const UNTIL = -1;

/** What a rule has learned and counted, as kept over restarts; of the same content only. */
export interface SavedRule {
  readonly hash: string;
  readonly firstSeen: SavedFirstSeen | null;
  readonly count: SavedCounts | null;
  /** Absent in what older versions saved. */
  readonly correlation?: SavedCorrelation | null;
}

export interface RuleEnvironment {
  readonly lookup: FieldLookup;
  readonly limits: StateLimits;
  readonly retainer: Retainer;
}

export class RuleState {
  readonly rule: Rule;
  /** Kept by a rule of the same content that replaces this one. */
  #counts = { evaluated: 0, matched: 0, excepted: 0, findings: 0, failures: 0, spentMs: 0 };
  #error = '';
  readonly #sequence: SequenceMachine | null;
  readonly #count: Counter | null;
  readonly #firstSeen: FirstSeen | null;
  readonly #correlation: CorrelationMachine | null;
  /** The rules that it correlates, by part. */
  readonly #correlated: readonly Rule[];
  /** Scratch of the observation being folded in: branch that matched, steps that did. */
  #branch = -1;
  readonly #steps: Uint8Array;
  #until = false;
  #touched = false;

  constructor(rule: Rule, environment: RuleEnvironment, previous: RuleState | null) {
    const { lookup, limits, retainer } = environment;
    const memory = previous?.memory() ?? { sequence: null, count: null, firstSeen: null, correlation: null };
    this.rule = rule;
    this.#sequence = this.#setUp(
      rule.sequence,
      spec => new SequenceMachine(spec, lookup, retainer, limits, memory.sequence),
    );
    this.#count = rule.count === null ? null : new Counter(rule.count, lookup, retainer, limits, memory.count);
    this.#firstSeen = rule.firstSeen === null ? null : new FirstSeen(rule.firstSeen, lookup, limits, memory.firstSeen);
    this.#correlation = this.#setUp(
      rule.correlation ?? null,
      spec => new CorrelationMachine(spec, lookup, retainer, limits, memory.correlation),
    );
    this.#correlated = rule.correlation === undefined ? [] : correlatedRules(rule.correlation);
    this.#steps = new Uint8Array(rule.sequence?.steps.length ?? this.#correlated.length);
    if (previous !== null) this.#counts = previous.#counts;
  }

  memory(): Memory {
    return {
      sequence: this.#sequence?.state ?? null,
      count: this.#count?.state ?? null,
      firstSeen: this.#firstSeen?.state ?? null,
      correlation: this.#correlation?.state ?? null,
    };
  }

  /** A predicate held on the observation at hand. */
  get touched(): boolean {
    return this.#touched;
  }

  get failed(): boolean {
    return this.#error !== '';
  }

  /** Watermark from which `advance` has something to do. */
  dueAt(): Micros {
    return Math.min(
      this.#sequence?.dueAt() ?? Number.POSITIVE_INFINITY,
      this.#count?.dueAt() ?? Number.POSITIVE_INFINITY,
      this.#correlation?.dueAt() ?? Number.POSITIVE_INFINITY,
    );
  }

  /** The rule's predicates with the part that `consider` is told of. */
  parts(): { readonly part: number; readonly matcher: Matcher }[] {
    const { sequence, branches, correlation } = this.rule;
    if (correlation !== undefined)
      return this.#correlated.flatMap((rule, part) => rule.branches.map(matcher => ({ part, matcher })));
    if (sequence === null) return branches.map((matcher, part) => ({ part, matcher }));
    const parts: { part: number; matcher: Matcher }[] = sequence.steps.map((matcher, part) => ({ part, matcher }));
    if (sequence.until !== null) parts.push({ part: UNTIL, matcher: sequence.until });
    return parts;
  }

  /** Evaluates one of its predicates on the observation. */
  consider(part: number, matcher: Matcher, observation: Observation): void {
    if (this.#error !== '') return;
    if (this.#isDecided(part)) return;
    this.#counts.evaluated++;
    try {
      if (!matcher.test(observation)) return;
      this.#counts.matched++;
      if (this.#isExempt(part, observation)) return;
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#touched = true;
    if (this.#sequence === null && this.#correlation === null) this.#branch = part;
    else if (part === UNTIL) this.#until = true;
    else this.#steps[part] = 1;
  }

  /** Time that it took, as estimated from what was timed. */
  spent(milliseconds: number): void {
    this.#counts.spentMs += milliseconds;
  }

  /** Ends an observation on which a predicate held: what its matches come to. */
  conclude(observation: Observation): Finding | null {
    let finding: Finding | null = null;
    try {
      finding = this.#finding(this.#match(observation));
    } catch (error) {
      this.#fail(error);
    }
    this.#touched = false;
    this.#branch = -1;
    this.#until = false;
    this.#steps.fill(0);
    return finding;
  }

  /** Findings that the passing of time decides. A rule that was switched off makes none. */
  advance(watermark: Micros): Finding[] {
    const findings: Finding[] = [];
    try {
      this.#count?.advance(watermark);
      const told = this.#correlation?.advance(watermark) ?? this.#sequence?.advance(watermark) ?? [];
      for (const match of told) {
        const finding = this.#error === '' ? this.#finding(match) : null;
        if (finding !== null) findings.push(finding);
      }
    } catch (error) {
      this.#fail(error);
    }
    return findings;
  }

  /** What it has to keep over a restart after which no more than the last `relived` of event time is lived through again. */
  savable(relived: Micros): boolean {
    return (
      this.#firstSeen !== null ||
      (this.#count !== null && this.rule.count!.within > relived) ||
      this.#keepsCorrelation(relived)
    );
  }

  /** Grows with everything that `save` would tell anew. */
  get changes(): number {
    return (this.#firstSeen?.changes ?? 0) + (this.#count?.changes ?? 0) + (this.#correlation?.changes ?? 0);
  }

  save(): SavedRule {
    return {
      hash: this.rule.hash,
      firstSeen: this.#firstSeen?.save() ?? null,
      count: this.#count?.save() ?? null,
      correlation: this.#correlation?.save() ?? null,
    };
  }

  /** `before`: time of the first event that is fed again. */
  restore(saved: SavedRule, before: Micros): void {
    if (saved.hash !== this.rule.hash) return;
    if (saved.firstSeen !== null) this.#firstSeen?.restore(saved.firstSeen);
    if (saved.count !== null) this.#count?.restore(saved.count, before);
    if (saved.correlation != null) this.#correlation?.restore(saved.correlation, before);
  }

  stats(): RuleStats {
    const { sequence, count, firstSeen } = this.memory();
    return {
      id: this.rule.id,
      evaluated: this.#counts.evaluated,
      matched: this.#counts.matched,
      excepted: this.#counts.excepted,
      findings: this.#counts.findings,
      evicted:
        (sequence?.partials.evicted ?? 0) +
        (sequence?.sightings.evicted ?? 0) +
        (count?.evicted ?? 0) +
        (this.#correlation?.evicted ?? 0) +
        (firstSeen?.keys.evicted ?? 0) +
        (firstSeen?.seen.evicted ?? 0),
      partials:
        (sequence?.partials.size ?? 0) +
        (sequence?.sightings.size ?? 0) +
        (count?.size ?? 0) +
        (this.#correlation?.size ?? 0) +
        (firstSeen?.keys.size ?? 0) +
        (firstSeen?.seen.size ?? 0),
      failures: this.#counts.failures,
      seconds: this.#counts.spentMs / 1_000,
      error: this.#error,
    };
  }

  #keepsCorrelation(relived: Micros): boolean {
    const { correlation } = this.rule;
    return (
      this.#correlation !== null && correlation !== undefined && isKept(correlation) && correlation.timespan > relived
    );
  }

  /** Another part that holds would change nothing. */
  #isDecided(part: number): boolean {
    if (this.#sequence !== null) return !this.#sequence.wants(part);
    return this.#correlation === null ? this.#branch >= 0 : this.#steps[part] === 1;
  }

  /** An exception takes away what would make the rule fire; what would keep it from firing stands. */
  #isExempt(part: number, observation: Observation): boolean {
    if (part === UNTIL || this.rule.sequence?.steps[part]?.absent === true) return false;
    if (!(this.#correlated[part] ?? this.rule).excepted(observation)) return false;
    this.#counts.excepted++;
    return true;
  }

  #setUp<S, M>(spec: S | null, make: (spec: S) => M): M | null {
    if (spec === null) return null;
    try {
      return make(spec);
    } catch (error) {
      this.#counts.failures++;
      this.#error = messageOf(error);
      return null;
    }
  }

  #match(observation: Observation): Match | null {
    if (this.#sequence !== null) return this.#sequence.feed(observation, this.#steps, this.#until);
    if (this.#correlation !== null) return this.#correlation.feed(observation, this.#steps);
    return {
      branch: this.rule.branches[this.#branch]!.id,
      key: keyOf(observation),
      trigger: observation,
      evidence: [{ step: 'match', observation }],
      confidence: isUnattributed(observation) ? 'low' : 'high',
      matches: 1,
      from: observation.event.time,
    };
  }

  #finding(match: Match | null): Finding | null {
    let at = match;
    if (at !== null && this.#firstSeen !== null) at = this.#firstSeen.feed(at);
    if (at !== null && this.#count !== null) at = this.#count.feed(at);
    if (at === null) return null;
    this.#counts.findings++;
    const { time, ns } = at.trigger.event;
    return { rule: this.rule, ...at, time, ns };
  }

  #fail(error: unknown): void {
    this.#counts.failures++;
    if (this.#counts.failures >= FAILURES_MAX) this.#error = messageOf(error);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Key of a single event: its process, else its pod, else its node. */
function keyOf(observation: Observation): string {
  if (observation.process !== null) return observation.process.execId;
  const { pod, event } = observation;
  return pod === null ? event.node : `${pod.namespace}/${pod.name}`;
}

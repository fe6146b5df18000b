/**
 * Thresholds: a rule's matches counted in a sliding window (t − within, t] of event time, a key each. Fires on the edge, when the count
 * reaches the threshold, and re-arms when it has been below it since.
 */
import { LIMITS } from '../model/limits.ts';
import { MICROS_PER_SECOND, type Micros } from '../model/time.ts';
import type { Evidence } from '../rules/finding.ts';
import type { CountSpec } from '../rules/rule.ts';
import { type FieldLookup, type FieldReader, ownerOf, readersOf, readKey, readText } from './fields.ts';
import { boundEvidence, type Match } from './match.ts';
import { KeyedState, type Owned, type StateLimits } from './owned.ts';
import type { Retainer } from './retain.ts';

/** Matches closer together are one, where intervals count. */
const CALL_MICROS = MICROS_PER_SECOND;

/** How often within its window the evidence of a value that comes again is replaced by its latest. */
const EVIDENCE_RENEWALS = 4;

/** A counted match: its last occurrence, where distinct values are counted. */
interface Counted {
  readonly time: Micros;
  readonly value: string | null;
  readonly confidence: 'high' | 'low';
  /** When its evidence happened. */
  readonly seen: Micros;
  /** Emptied once enough newer matches have theirs. */
  evidence: readonly Evidence[];
}

interface Window extends Owned {
  armed: boolean;
  /** Oldest first; never more than the threshold, since the newest decide. */
  readonly counted: Counted[];
}

export type CountState = KeyedState<Window>;

/** As kept over restarts: without evidence, whose events may be gone. */
export type SavedCounts = readonly (readonly [
  key: string,
  owner: string,
  armed: boolean,
  counted: readonly (readonly [time: Micros, value: string | null, confidence: 'high' | 'low'])[],
])[];

export class Counter {
  readonly state: CountState;
  /** Matches fed: grows with everything that `save` would tell anew. */
  changes = 0;
  readonly #spec: CountSpec;
  readonly #by: readonly FieldReader[];
  readonly #distinct: FieldReader | null;
  readonly #retainer: Retainer;
  #sweepAt = Number.NEGATIVE_INFINITY;

  constructor(spec: CountSpec, lookup: FieldLookup, retainer: Retainer, limits: StateLimits, state: CountState | null) {
    this.#spec = spec;
    this.#by = readersOf(spec.by, lookup);
    this.#distinct = spec.distinct === null ? null : readersOf([spec.distinct], lookup)[0]!;
    this.#retainer = retainer;
    this.state = state ?? new KeyedState<Window>(keyLimits(limits, spec.gte));
  }

  /** The match that the threshold makes of this one, or null. */
  feed(match: Match): Match | null {
    const key = readKey(this.#by, match.trigger);
    const value = this.#distinct === null ? null : readText(this.#distinct, match.trigger);
    if (key === null || (this.#distinct !== null && value === null)) return null;
    this.changes++;
    const { time } = match.trigger.event;
    if (this.state.size === 0) this.#sweepAt = time + this.#spec.within;
    const window =
      this.state.touch(key) ?? this.state.put(key, { owner: ownerOf(match.trigger), armed: true, counted: [] });
    const { counted } = window;
    const { gte, within } = this.#spec;
    // Just before this match the window was still closed at its far end.
    if (!window.armed && counted.filter(item => item.time >= time - within).length < gte) window.armed = true;
    // What one call makes several events of is one call.
    const last = counted.at(-1);
    if (this.#spec.jitter !== undefined && last !== undefined && Math.abs(time - last.time) < CALL_MICROS) return null;
    const same = value === null ? -1 : counted.findIndex(item => item.value === value);
    const known = same < 0 ? undefined : counted.splice(same, 1)[0];
    // The same value again and again is what busy programs do: keeping each of its events anew would cost more than all else.
    const isFresh = known !== undefined && known.evidence.length > 0 && time - known.seen < within / EVIDENCE_RENEWALS;
    insert(counted, {
      time: known === undefined ? time : Math.max(time, known.time),
      value,
      confidence: match.confidence,
      seen: isFresh ? known.seen : time,
      evidence: isFresh ? known.evidence : match.evidence.map(item => this.#kept(item)),
    });
    const spared = counted.at(-1 - LIMITS.evidencePerAlertMax);
    if (spared !== undefined) spared.evidence = [];
    const horizon = counted.at(-1)!.time - within;
    while (counted.length > gte || counted[0]!.time <= horizon) counted.shift();
    if (counted.length < gte || !window.armed) return null;
    const { jitter } = this.#spec;
    if (jitter !== undefined && !comeEvenly(counted, jitter)) return null;
    window.armed = false;
    return {
      branch: match.branch,
      key,
      trigger: match.trigger,
      evidence: boundEvidence(counted.flatMap(item => item.evidence)),
      confidence: counted.every(item => item.confidence === 'high') ? 'high' : 'low',
      matches: counted.length,
      from: counted[0]!.time,
    };
  }

  /** Watermark from which `advance` has something to do. */
  dueAt(): Micros {
    return this.state.size === 0 ? Number.POSITIVE_INFINITY : this.#sweepAt;
  }

  /** Drops the keys whose windows have emptied. */
  advance(watermark: Micros): void {
    if (watermark < this.#sweepAt) return;
    this.#sweepAt = watermark + this.#spec.within;
    const horizon = watermark - this.#spec.within;
    this.state.sweep(window => (window.counted.at(-1)?.time ?? Number.NEGATIVE_INFINITY) < horizon);
  }

  save(): SavedCounts {
    return [...this.state.entries()].map(([key, { owner, armed, counted }]) => [
      key,
      owner,
      armed,
      counted.map(({ time, value, confidence }) => [time, value, confidence]),
    ]);
  }

  /** Only what was counted before `before`: what came later is fed again. */
  restore(saved: SavedCounts, before: Micros): void {
    for (const [key, owner, armed, counted] of saved) {
      const earlier = counted.filter(([time]) => time < before);
      if (earlier.length === 0) continue;
      if (this.state.size === 0) this.#sweepAt = earlier.at(-1)![0] + this.#spec.within;
      const items = earlier.map(([time, value, confidence]) => ({ time, value, confidence, seen: time, evidence: [] }));
      this.state.put(key, { owner, armed, counted: items });
    }
  }

  #kept(evidence: Evidence): Evidence {
    return { step: evidence.step, observation: this.#retainer.keep(evidence.observation) };
  }
}

/** Whether the intervals between matches differ by no more than `jitter` of their mean (coefficient of variation). */
function comeEvenly(counted: readonly Counted[], jitter: number): boolean {
  const intervals = counted.slice(1).map((item, i) => item.time - counted[i]!.time);
  const mean = intervals.reduce((sum, interval) => sum + interval, 0) / intervals.length;
  const variance = intervals.reduce((sum, interval) => sum + (interval - mean) ** 2, 0) / intervals.length;
  return Math.sqrt(variance) <= jitter * mean;
}

/** Every key may hold as many matches as the threshold: the larger that is, the fewer keys. */
function keyLimits(limits: StateLimits, gte: number): StateLimits {
  const share = Math.max(1, Math.floor(LIMITS.countedPerPodMax / gte));
  const perOwner = Math.min(limits.perOwner, share);
  return { perOwner, perRule: Math.min(limits.perRule, perOwner * Math.ceil(limits.perRule / limits.perOwner)) };
}

/** Keeps the order of event time: a late match goes before newer ones. */
function insert(counted: Counted[], item: Counted): void {
  let at = counted.length;
  while (at > 0 && counted[at - 1]!.time > item.time) at--;
  counted.splice(at, 0, item);
}

/**
 * Sigma correlations: what rules matched, counted, measured or put in order in windows (t − timespan, t] of event time, a window
 * each group. It is decided at every match: an alert on the edge, and armed again once the condition has been false since, be it
 * only between two events. A chain is one tree: what an inner correlation finds is an event to the outer one.
 */
import { digest } from '../model/hash.ts';
import { LIMITS } from '../model/limits.ts';
import type { Observation } from '../model/observation.ts';
import type { Micros } from '../model/time.ts';
import type { CorrelationBound, CorrelationInput, Rule, SigmaCorrelation } from '../rules/rule.ts';
import { type FieldLookup, type FieldReader, ownerOf, readersOf, readKey } from './fields.ts';
import { boundEvidence, isUnattributed, type Match } from './match.ts';
import { KeyedState, type Owned, type StateLimits } from './owned.ts';
import type { Retainer } from './retain.ts';
import { type Entry, type Window, windowOf } from './windows.ts';

interface Group extends Owned {
  readonly window: Window;
  armed: boolean;
  /** Newest event time seen. */
  now: Micros;
}

/** What the windows of each owner remember together: at the limit a window that grows forgets its own oldest. */
class Remembered {
  lost = 0;
  #all = 0;
  readonly #byOwner = new Map<string, number>();

  changed(owner: string, by: number): void {
    this.#all += by;
    const left = (this.#byOwner.get(owner) ?? 0) + by;
    if (left > 0) this.#byOwner.set(owner, left);
    else this.#byOwner.delete(owner);
  }

  isFull(owner: string): boolean {
    return this.#all > LIMITS.correlatedPerRuleMax || (this.#byOwner.get(owner) ?? 0) > LIMITS.correlatedPerPodMax;
  }
}

export interface CorrelationState {
  readonly remembered: Remembered;
  /** Of each correlation of the chain, the outermost first. */
  readonly groups: readonly KeyedState<Group>[];
}

const SAVED_ENTRIES_MAX = 100_000;

/** As kept over restarts: without evidence, whose events may be gone. */
export type SavedCorrelation = readonly (readonly [
  key: string,
  owner: string,
  armed: boolean,
  entries: readonly (readonly SavedEntry[])[],
])[];

type SavedEntry = readonly [time: Micros, input: number, value: string | number | null, confidence: 'high' | 'low'];

/**
 * Whether it is kept: those of one window. Of a chain each window would have to be lived through again from the same moment, or
 * the edges between them would differ.
 */
export const isKept = ({ inputs }: SigmaCorrelation): boolean => inputs.every(({ of }) => of.type === 'rule');

/** The rules at the leaves of a chain, in the order in which `feed` is told of them. */
export function correlatedRules({ inputs }: SigmaCorrelation): Rule[] {
  return inputs.flatMap(({ of }) => (of.type === 'rule' ? [of.rule] : correlatedRules(of.correlation)));
}

const chainOf = (spec: SigmaCorrelation): SigmaCorrelation[] => [
  spec,
  ...spec.inputs.flatMap(({ of }) => (of.type === 'correlation' ? chainOf(of.correlation) : [])),
];

function emptyState(spec: SigmaCorrelation, limits: StateLimits): CorrelationState {
  const remembered = new Remembered();
  const dropped = (group: Group): void => remembered.changed(group.owner, -group.window.size);
  return { remembered, groups: chainOf(spec).map(() => new KeyedState<Group>(limits, dropped)) };
}

export class CorrelationMachine {
  readonly state: CorrelationState;
  readonly #top: Node;
  readonly #untold: Match[] = [];
  /** Observations fed: grows with everything that `save` would tell anew. */
  changes = 0;
  readonly #spec: SigmaCorrelation;

  constructor(
    spec: SigmaCorrelation,
    lookup: FieldLookup,
    retainer: Retainer,
    limits: StateLimits,
    state: CorrelationState | null,
  ) {
    this.state = state ?? emptyState(spec, limits);
    this.#spec = spec;
    this.#top = new Node(spec, { lookup, retainer, state: this.state, nodes: 0, leaves: 0 });
  }

  /**
   * `matched[i]`: rule i of `correlatedRules` matched. The match that the outermost correlation makes of it, or null. Where aliases
   * put one event into several groups that all fire, the others are told by `advance`.
   */
  feed(observation: Observation, matched: Uint8Array): Match | null {
    this.changes++;
    const [first, ...others] = this.#top.feed(observation, matched).filter(outcome => outcome.fired);
    for (const other of others) this.#untold.push(other.match());
    return first?.match() ?? null;
  }

  /** Watermark from which `advance` has something to do. */
  dueAt(): Micros {
    return this.#untold.length > 0 ? Number.NEGATIVE_INFINITY : this.#top.dueAt();
  }

  /** Drops the groups whose windows have emptied, and tells what `feed` had no place for. */
  advance(watermark: Micros): readonly Match[] {
    this.#top.advance(watermark);
    return this.#untold.splice(0);
  }

  /** The groups that were seen last, as many as may be written again and again. */
  save(): SavedCorrelation {
    const saved: SavedCorrelation[number][] = [];
    let left = SAVED_ENTRIES_MAX;
    for (const [key, { owner, armed, window }] of [...this.state.groups[0]!.entries()].reverse()) {
      const entries = window.entries();
      left -= entries.reduce((sum, each) => sum + each.length, 0);
      if (left < 0) break;
      saved.push([
        key,
        owner,
        armed,
        entries.map(each =>
          each.map(({ time, input, value, confidence }) => [time, input, value, confidence] as const),
        ),
      ]);
    }
    return saved.reverse();
  }

  /** Only what happened before `before`: what came later is fed again. */
  restore(saved: SavedCorrelation, before: Micros): void {
    for (const [key, owner, armed, entries] of saved) {
      const earlier = entries
        .map(each => each.filter(([time]) => time < before).map(entryOf))
        .filter(({ length }) => length > 0);
      if (earlier.length === 0) continue;
      const window = windowOf(this.#spec);
      window.restore(earlier);
      const now = Math.max(...earlier.map(each => each.at(-1)!.time));
      this.state.groups[0]!.put(key, { owner, window, armed, now });
      this.state.remembered.changed(owner, window.size);
    }
  }

  get evicted(): number {
    return this.state.groups.reduce((sum, groups) => sum + groups.evicted, this.state.remembered.lost);
  }

  get size(): number {
    return this.state.groups.reduce((sum, groups) => sum + groups.size, 0);
  }
}

const entryOf = ([time, input, value, confidence]: SavedEntry): Entry => ({
  time,
  input,
  value,
  confidence,
  evidence: [],
});

/** What an observation came to in one group. */
interface Outcome {
  readonly key: string;
  readonly holds: boolean;
  /** The condition became true with it. */
  readonly fired: boolean;
  match(): Match;
}

interface Building {
  readonly lookup: FieldLookup;
  readonly retainer: Retainer;
  readonly state: CorrelationState;
  nodes: number;
  leaves: number;
}

type Source =
  | { readonly type: 'rule'; readonly leaf: number; readonly key: readonly FieldReader[] }
  | { readonly type: 'node'; readonly node: Node };

interface Input {
  readonly name: string;
  readonly values: readonly FieldReader[];
  readonly source: Source;
}

const NONE: readonly Outcome[] = [];
/** Longer values are remembered by their digest. */
const VALUE_CHARS_MAX = 128;

class Node {
  readonly #spec: SigmaCorrelation;
  readonly #retainer: Retainer;
  readonly #remembered: Remembered;
  readonly #groups: KeyedState<Group>;
  readonly #inputs: readonly Input[];
  /** An inner correlation goes on being present to a temporal one while it holds; to others each firing is one event. */
  readonly #temporal: boolean;
  #sweepAt: Micros = Number.NEGATIVE_INFINITY;

  constructor(spec: SigmaCorrelation, building: Building) {
    this.#spec = spec;
    this.#retainer = building.retainer;
    this.#remembered = building.state.remembered;
    this.#groups = building.state.groups[building.nodes++]!;
    this.#temporal = spec.type === 'temporal' || spec.type === 'temporal_ordered';
    this.#inputs = spec.inputs.map(input => toInput(input, building));
  }

  feed(observation: Observation, matched: Uint8Array): readonly Outcome[] {
    const byKey = this.#entries(observation, matched);
    if (byKey === null) return NONE;
    return [...byKey].map(([key, entries]) => this.#decide(key, entries, observation));
  }

  dueAt(): Micros {
    const inner = this.#nodes().map(node => node.dueAt());
    return Math.min(this.#groups.size === 0 ? Number.POSITIVE_INFINITY : this.#sweepAt, ...inner);
  }

  advance(watermark: Micros): void {
    for (const node of this.#nodes()) node.advance(watermark);
    if (watermark < this.#sweepAt) return;
    this.#sweepAt = watermark + this.#spec.timespan;
    this.#groups.sweep(group => group.now < watermark - this.#spec.timespan);
  }

  #nodes(): Node[] {
    return this.#inputs.flatMap(({ source }) => (source.type === 'node' ? [source.node] : []));
  }

  /** Of each group that the observation belongs to; null when no input has it. */
  #entries(observation: Observation, matched: Uint8Array): Map<string, Entry[]> | null {
    let byKey: Map<string, Entry[]> | null = null;
    const { time } = observation.event;
    for (const [input, { name, values, source }] of this.#inputs.entries()) {
      const add = (key: string | null, seen: Pick<Entry, 'confidence' | 'evidence'>): void => {
        const value = valueFor(values, this.#spec.type, observation);
        if (key === null || value === undefined) return;
        byKey ??= new Map();
        const entry = { time, input, value, ...seen };
        const known = byKey.get(key);
        if (known === undefined) byKey.set(key, [entry]);
        else known.push(entry);
      };
      if (source.type === 'rule') {
        if (matched[source.leaf] !== 1) continue;
        const evidence = [{ step: name, observation: this.#retainer.keep(observation) }];
        add(readKey(source.key, observation), { confidence: isUnattributed(observation) ? 'low' : 'high', evidence });
        continue;
      }
      for (const outcome of source.node.feed(observation, matched)) {
        if (this.#temporal ? outcome.holds : outcome.fired) add(this.#spec.grouped ? outcome.key : '', outcome.match());
      }
    }
    return byKey;
  }

  #decide(key: string, entries: readonly Entry[], observation: Observation): Outcome {
    const { time } = observation.event;
    const { timespan } = this.#spec;
    if (this.#groups.size === 0) this.#sweepAt = time + timespan;
    const group =
      this.#groups.touch(key) ??
      this.#groups.put(key, { owner: ownerOf(observation), window: windowOf(this.#spec), armed: true, now: time });
    const { window, owner } = group;
    const before = window.size;
    group.now = Math.max(group.now, time);
    const horizon = group.now - timespan;
    // Whatever left since the last event may have made it false for a while.
    while (!group.armed && window.oldest() < horizon) {
      window.expire(window.oldest());
      if (!this.#holds(window)) group.armed = true;
    }
    window.expire(horizon);
    if (time > horizon) window.add(entries);
    this.#remembered.changed(owner, window.size - before);
    if (window.size > 1 && this.#remembered.isFull(owner)) {
      const full = window.size;
      window.drop();
      this.#remembered.changed(owner, window.size - full);
      this.#remembered.lost += full - window.size;
    }
    const holds = this.#holds(window);
    const fired = holds && group.armed;
    group.armed = !holds;
    return { key, holds, fired, match: () => matchOf(key, window, observation) };
  }

  #holds(window: Window): boolean {
    if (window.size === 0) return false;
    const { expression, bounds } = this.#spec;
    if (expression !== null) return expression(window.present());
    const measure = window.measure();
    return !Number.isNaN(measure) && bounds.every(bound => within(measure, bound));
  }
}

function toInput({ name, values, of }: CorrelationInput, building: Building): Input {
  const source: Source =
    of.type === 'rule'
      ? { type: 'rule', leaf: building.leaves++, key: readersOf(of.key, building.lookup) }
      : { type: 'node', node: new Node(of.correlation, building) };
  return { name, values: readersOf(values, building.lookup), source };
}

/** Null where nothing but the match counts; undefined where the value that counts is absent. */
function valueFor(
  values: readonly FieldReader[],
  type: SigmaCorrelation['type'],
  observation: Observation,
): string | number | null | undefined {
  if (values.length === 0) return null;
  const text = readKey(values, observation);
  if (text === null) return undefined;
  if (type === 'value_count') return text.length > VALUE_CHARS_MAX ? digest(text) : text;
  const number = Number(text);
  return Number.isFinite(number) ? number : undefined;
}

function within(measure: number, { comparison, value }: CorrelationBound): boolean {
  switch (comparison) {
    case 'gt':
      return measure > value;
    case 'gte':
      return measure >= value;
    case 'lt':
      return measure < value;
    case 'lte':
      return measure <= value;
    case 'eq':
      return measure === value;
    case 'neq':
      return measure !== value;
  }
}

function matchOf(key: string, window: Window, trigger: Observation): Match {
  const { evidence, confidence, matches, from } = window.summary();
  return { branch: '', key, trigger, evidence: boundEvidence(evidence), confidence, matches, from };
}

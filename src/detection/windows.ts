/** Sliding windows of event time over what a correlation counts: matches, distinct values, numbers. */
import { LIMITS } from '../model/limits.ts';
import type { Micros } from '../model/time.ts';
import type { Evidence } from '../rules/finding.ts';
import type { SigmaCorrelation } from '../rules/rule.ts';
import { OrderedWindow, PresenceWindow } from './temporal-windows.ts';

/** One match, or firing of an inner correlation, as one input of a correlation sees it. */
export interface Entry {
  readonly time: Micros;
  /** Position of the input. */
  readonly input: number;
  /** What is counted or measured; null where matches themselves are. */
  readonly value: string | number | null;
  readonly confidence: 'high' | 'low';
  readonly evidence: readonly Evidence[];
}

/** What a window holds, for a finding. */
export interface Summary {
  readonly evidence: readonly Evidence[];
  readonly confidence: 'high' | 'low';
  readonly matches: number;
  readonly from: Micros;
}

export interface Window {
  /** Things remembered; 0 when nothing is in the window. */
  readonly size: number;
  /** Time of what leaves next; +∞ when empty. */
  oldest(): Micros;
  /** Forgets everything at or before `horizon`. */
  expire(horizon: Micros): void;
  /** Forgets what would leave next. */
  drop(): void;
  /** The entries of one event: at least one. */
  add(entries: readonly Entry[]): void;
  /** What the bounds are compared with; NaN when there is nothing to compare. */
  measure(): number;
  /** Which inputs are present, for temporal types; else []. */
  present(): readonly boolean[];
  summary(): Summary;
  /** All that it remembers: entries that make up one thing stand together, in order. */
  entries(): readonly (readonly Entry[])[];
  /** Of an empty window: takes back what `entries` gave, or the beginnings of it. */
  restore(entries: readonly (readonly Entry[])[]): void;
}

/** A window that measures every value keeps at most so many. */
const VALUES_MAX = 10_000;

export function windowOf(spec: SigmaCorrelation): Window {
  switch (spec.type) {
    case 'temporal':
      return new PresenceWindow(spec.inputs.length);
    case 'temporal_ordered': {
      const [bound, ...others] = spec.bounds;
      const n = spec.inputs.length;
      return new OrderedWindow(n, others.length === 0 && bound?.comparison === 'gte' && bound.value >= n);
    }
    case 'event_count':
      return new ItemWindow(countedMax(spec), new Matches());
    case 'value_count':
      return new ItemWindow(countedMax(spec), new Matches(), true);
    case 'value_sum':
    case 'value_avg':
      return new ItemWindow(VALUES_MAX, new Sum(spec.type === 'value_avg'));
    default:
      return new ItemWindow(VALUES_MAX, new Quantile(spec.type === 'value_median' ? 50 : spec.percentile));
  }
}

/** One more than the largest bound tells all that any bound asks. */
const countedMax = ({ bounds }: SigmaCorrelation): number =>
  Math.max(1, Math.ceil(Math.max(...bounds.map(bound => bound.value))) + 1);

interface Item extends Omit<Entry, 'evidence'> {
  /** Emptied once enough newer items have theirs. */
  evidence: readonly Evidence[];
}

/** What is computed from the values of a window as they come and go. */
interface Measure {
  add(value: number): void;
  remove(value: number): void;
  /** `size` is never 0. */
  of(size: number, values: () => Iterable<number>): number;
}

class Matches implements Measure {
  add(): void {}
  remove(): void {}
  of(size: number): number {
    return size;
  }
}

/** Subtracting what leaves lets rounding errors pile up: after so many the sum is made anew. */
const REMOVALS_MAX = 1_000;

class Sum implements Measure {
  readonly #average: boolean;
  #sum = 0;
  #removals = 0;

  constructor(average: boolean) {
    this.#average = average;
  }

  add(value: number): void {
    this.#sum += value;
  }

  remove(value: number): void {
    this.#sum -= value;
    this.#removals++;
  }

  of(size: number, values: () => Iterable<number>): number {
    if (this.#removals >= REMOVALS_MAX) {
      this.#removals = 0;
      this.#sum = 0;
      for (const value of values()) this.#sum += value;
    }
    return this.#average ? this.#sum / size : this.#sum;
  }
}

/** Between two values in order it lies on the line between them, so that 50 is the median. */
class Quantile implements Measure {
  readonly #percentile: number;
  readonly #sorted: number[] = [];

  constructor(percentile: number) {
    this.#percentile = percentile;
  }

  add(value: number): void {
    this.#sorted.splice(this.#find(value), 0, value);
  }

  remove(value: number): void {
    this.#sorted.splice(this.#find(value), 1);
  }

  of(size: number): number {
    const rank = (this.#percentile / 100) * (size - 1);
    const below = this.#sorted[Math.floor(rank)]!;
    const above = this.#sorted[Math.ceil(rank)]!;
    return below + (above - below) * (rank - Math.floor(rank));
  }

  /** Position of the first value that is not less. */
  #find(value: number): number {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#sorted[middle]! < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Items in event-time order, at most `max`, the newest kept. */
class ItemWindow implements Window {
  readonly #max: number;
  readonly #measure: Measure;
  readonly #items: Item[] = [];
  #head = 0;
  /** Newest item of each value, when only distinct ones count. */
  readonly #byValue: Map<string | number, Item> | null;

  constructor(max: number, measure: Measure, distinct = false) {
    this.#max = max;
    this.#measure = measure;
    this.#byValue = distinct ? new Map() : null;
  }

  get size(): number {
    return this.#items.length - this.#head;
  }

  oldest(): Micros {
    return this.#items[this.#head]?.time ?? Number.POSITIVE_INFINITY;
  }

  expire(horizon: Micros): void {
    while (this.oldest() <= horizon) this.drop();
  }

  drop(): void {
    const item = this.#items[this.#head];
    if (item === undefined) return;
    this.#head++;
    this.#forget(item);
    if (this.#head > 64 && this.#head * 2 > this.#items.length) this.#compact();
  }

  /** One event is counted once, however many inputs it satisfies. */
  add(entries: readonly Entry[]): void {
    const entry = entries[0]!;
    const { value } = entry;
    if (value !== null && this.#byValue !== null) {
      const same = this.#byValue.get(value);
      if (same !== undefined && same.time > entry.time) return;
      if (same !== undefined) this.#remove(same);
    }
    const item: Item = { ...entry };
    let at = this.#items.length;
    while (at > this.#head && this.#items[at - 1]!.time > item.time) at--;
    this.#items.splice(at, 0, item);
    if (typeof value === 'number') this.#measure.add(value);
    if (value !== null) this.#byValue?.set(value, item);
    const spared = this.#items.length - 1 - LIMITS.evidencePerAlertMax;
    if (spared >= this.#head) this.#items[spared]!.evidence = [];
    while (this.size > this.#max) this.drop();
  }

  measure(): number {
    return this.size === 0 ? Number.NaN : this.#measure.of(this.size, () => this.#values());
  }

  present(): readonly boolean[] {
    return [];
  }

  summary(): Summary {
    const items = this.#items.slice(this.#head);
    return {
      evidence: items.flatMap(item => item.evidence),
      confidence: items.every(item => item.confidence === 'high') ? 'high' : 'low',
      matches: items.length,
      from: this.oldest(),
    };
  }

  entries(): readonly (readonly Entry[])[] {
    return this.#items.slice(this.#head).map(item => [item]);
  }

  restore(entries: readonly (readonly Entry[])[]): void {
    for (const one of entries) this.add(one);
  }

  *#values(): Iterable<number> {
    for (let i = this.#head; i < this.#items.length; i++) {
      const { value } = this.#items[i]!;
      if (typeof value === 'number') yield value;
    }
  }

  #remove(item: Item): void {
    this.#compact();
    this.#items.splice(this.#items.indexOf(item), 1);
    this.#forget(item);
  }

  #forget(item: Item): void {
    if (typeof item.value === 'number') this.#measure.remove(item.value);
    if (item.value !== null && this.#byValue?.get(item.value) === item) this.#byValue.delete(item.value);
  }

  #compact(): void {
    this.#items.splice(0, this.#head);
    this.#head = 0;
  }
}

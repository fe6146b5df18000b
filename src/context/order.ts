/** One event-time order over many sources, each nearly in order: a merge by watermarks, with a bound on lateness. */
import type { Event } from '../model/event.ts';
import { isProcessEvent } from '../model/event.ts';
import { LIMITS } from '../model/limits.ts';
import { MICROS_PER_MS, type Micros } from '../model/time.ts';

export interface OrderOptions {
  /** How long an event may come after a later one of its own or another source. */
  readonly latenessMs?: number;
  /** Events held at once; beyond it the oldest go out early, and are counted. */
  readonly eventsMax?: number;
}

export interface SourceOrder {
  /** Newest event time, or null before the first event. */
  newest: Micros | null;
  idle: boolean;
  /** Events that came after a later one had gone out. */
  late: number;
  /** Events pushed so far: the tie-break within one source. */
  arrivals: number;
}

export interface OrderStats {
  readonly held: number;
  readonly late: number;
  /** Sent out before the watermark passed them, because too many were held. */
  readonly early: number;
  readonly sources: ReadonlyMap<string, Readonly<SourceOrder>>;
}

interface Held {
  readonly event: Event;
  readonly time: Micros;
  readonly ns: number;
  readonly source: string;
  readonly arrival: number;
}

function precedes(a: Held, b: Held): boolean {
  if (a.time !== b.time) return a.time < b.time;
  if (a.ns !== b.ns) return a.ns < b.ns;
  if (a.source !== b.source) return a.source < b.source;
  return a.arrival < b.arrival;
}

/** A boot scan reports each process with the time at which it started, hours or weeks ago. */
function isBootScan(event: Event): boolean {
  return isProcessEvent(event) && event.kind === 'process_exec' && event.process.flags.includes('procFS');
}

export class Orderer {
  private readonly lateness: Micros;
  private readonly eventsMax: number;
  private readonly sources = new Map<string, SourceOrder>();
  /** Sorted, oldest first, from `head` on: events arrive nearly in order, so insertion is near the end. */
  private held: Held[] = [];
  private head = 0;
  private ready: Event[] = [];
  /** The last that went out in order. */
  private last: Held | null = null;
  private late = 0;
  private early = 0;

  constructor(options: OrderOptions = {}) {
    this.lateness = (options.latenessMs ?? LIMITS.latenessMsDefault) * MICROS_PER_MS;
    this.eventsMax = options.eventsMax ?? LIMITS.reorderEventsMax;
  }

  /** Takes an event; what may go out is fetched with `drain`. */
  push(event: Event, sourceKey: string): void {
    const source = this.source(sourceKey);
    const arrival = source.arrivals++;
    const scan = isBootScan(event);
    if (scan && source.newest === null) {
      this.ready.push(event);
      return;
    }
    // A scan in the middle of a stream keeps its place there.
    const time = scan ? (source.newest as Micros) : event.time;
    const ns = scan ? 999 : event.ns;
    const held: Held = { event, time, ns, source: sourceKey, arrival };
    if (source.newest === null || time > source.newest) source.newest = time;
    if (this.last !== null && precedes(held, this.last)) {
      if (!scan) {
        source.late++;
        this.late++;
      }
      this.ready.push(event);
      return;
    }
    this.insert(held);
    if (this.held.length - this.head > this.eventsMax) {
      this.early++;
      this.release();
    }
  }

  /** An idle source holds nobody back until its next event. Told by the caller: there is no clock here. */
  setIdle(sourceKey: string, idle: boolean): void {
    this.source(sourceKey).idle = idle;
  }

  /** Moves what the watermark has passed to `out`, in order; with `all`, everything that is held. */
  drain(out: Event[], all = false): void {
    const mark = all ? Number.POSITIVE_INFINITY : this.watermark();
    while (this.head < this.held.length && (this.held[this.head] as Held).time <= mark) this.release();
    for (const event of this.ready) out.push(event);
    this.ready = [];
  }

  /** No event older than this is expected; -Infinity before every source that is not idle has told of one. */
  watermark(): Micros {
    let mark = Number.POSITIVE_INFINITY;
    for (const source of this.sources.values()) {
      if (source.idle) continue;
      if (source.newest === null) return Number.NEGATIVE_INFINITY;
      if (source.newest < mark) mark = source.newest;
    }
    if (mark === Number.POSITIVE_INFINITY) {
      for (const source of this.sources.values()) {
        if (source.newest !== null && (mark === Number.POSITIVE_INFINITY || source.newest > mark)) mark = source.newest;
      }
      return mark;
    }
    return mark - this.lateness;
  }

  stats(): OrderStats {
    return { held: this.held.length - this.head, late: this.late, early: this.early, sources: this.sources };
  }

  private source(key: string): SourceOrder {
    let source = this.sources.get(key);
    if (source === undefined) {
      source = { newest: null, idle: false, late: 0, arrivals: 0 };
      this.sources.set(key, source);
    }
    return source;
  }

  private insert(held: Held): void {
    const list = this.held;
    let low = this.head;
    let high = list.length;
    if (high > low && precedes(held, list[high - 1] as Held)) {
      high--;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (precedes(held, list[middle] as Held)) high = middle;
        else low = middle + 1;
      }
      list.splice(low, 0, held);
      return;
    }
    list.push(held);
  }

  private release(): void {
    const first = this.held[this.head] as Held;
    this.head++;
    this.last = first;
    this.ready.push(first.event);
    if (this.head === this.held.length) {
      this.held = [];
      this.head = 0;
    } else if (this.head > 4_096 && this.head * 2 > this.held.length) {
      this.held = this.held.slice(this.head);
      this.head = 0;
    }
  }
}

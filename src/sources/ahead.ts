/**
 * Events of a sensor whose clock is far ahead. Everybody's time is event time: one of them taken as it is would close every window and
 * make all that follows late. They are put aside, counted, and told as a gap of their node.
 *
 * Which clock is wrong is seen by the source's first event. When that is ahead already, it is this machine's clock that is behind:
 * events are measured by those before them from then on, until most of them show that this machine's clock was right after all.
 * What a whole cluster reports is never refused for the clock of one machine.
 */
import type { Event, StreamFact } from '../model/event.ts';
import { LIMITS } from '../model/limits.ts';
import { formatInstant, type Instant, MICROS_PER_MS, type Micros } from '../model/time.ts';
import { lostFact, sensorOf } from './gap.ts';
import type { Quarantine, SourceCounters } from './source.ts';

/** `reason` of the gap. */
export const CLOCK_AHEAD = 'SPOOR_CLOCK_AHEAD';
/** Gaps are told of at most this often. */
const TELL_MS = 1_000;
/** Without an event at a time that can be, the gap is told at the time of this machine. */
const SILENCE_MS = 10_000;
/** So many more events that are not ahead of this machine's clock than events that are make it right again. */
const WITNESSES = 16;
/** An event may be so far ahead of those before it where this machine's clock says nothing. */
const JUMP_MAX: Micros = 24 * 3_600_000 * MICROS_PER_MS;
/** Nodes with something to tell; of others only the counter tells. */
const NODES_MAX = 1_000;

export interface AheadOptions {
  readonly source: string;
  readonly counters: SourceCounters;
  readonly quarantine: Quarantine;
  /** Takes the gap, ahead of the event that is asked about. */
  tell(gap: StreamFact): void;
  /** Milliseconds since the epoch; this machine's when absent. */
  readonly now?: (() => number) | undefined;
}

interface Aside {
  readonly event: Event;
  readonly from: Micros | null;
  count: number;
}

export class Ahead {
  readonly #options: AheadOptions;
  readonly #now: () => number;
  /** By node. */
  readonly #aside = new Map<string, Aside>();
  /** This machine's clock is behind. */
  #isBehind = false;
  #witnesses = 0;
  #newest: Micros | null = null;
  #heardMs: number | null = null;
  #toldMs = Number.NEGATIVE_INFINITY;

  constructor(options: AheadOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** Whether an event goes on; what does not is put aside here. */
  passes(event: Event): boolean {
    const nowMs = this.#now();
    const isAhead = event.time > (nowMs + LIMITS.aheadMsMax) * MICROS_PER_MS;
    if (this.#heardMs === null) this.#isBehind = isAhead;
    else if (this.#isBehind) this.#weigh(isAhead);
    this.#heardMs ??= nowMs;
    if (this.#isBehind ? event.time > (this.#newest ?? event.time) + JUMP_MAX : isAhead) {
      this.#putAside(event);
      if (nowMs - this.#heardMs >= SILENCE_MS) this.#tell({ time: nowMs * MICROS_PER_MS, ns: 0 }, nowMs);
      return false;
    }
    if (this.#aside.size > 0) this.#tell(event, nowMs);
    if (this.#newest === null || event.time > this.#newest) this.#newest = event.time;
    this.#heardMs = nowMs;
    return true;
  }

  #weigh(isAhead: boolean): void {
    this.#witnesses = isAhead ? Math.max(0, this.#witnesses - 1) : this.#witnesses + 1;
    if (this.#witnesses < WITNESSES) return;
    this.#isBehind = false;
    this.#newest = null;
  }

  #putAside(event: Event): void {
    const { source, counters, quarantine } = this.#options;
    counters.ahead++;
    const reason = `its time ${formatInstant(event.time, event.ns)} is ahead of this machine's clock: set the node's clock`;
    quarantine.put({ source, place: event.node, reason, bytes: event.raw.line() });
    const known = this.#aside.get(event.node);
    if (known !== undefined) known.count++;
    else if (this.#aside.size < NODES_MAX) this.#aside.set(event.node, { event, from: this.#newest, count: 1 });
  }

  #tell(at: Instant, nowMs: number): void {
    if (nowMs - this.#toldMs < TELL_MS) return;
    this.#toldMs = nowMs;
    for (const [node, { event, from, count }] of this.#aside) {
      const place = { source: this.#options.source, node, cluster: event.cluster, sensor: sensorOf(event) };
      const lost = { reason: CLOCK_AHEAD, count, from: Math.min(from ?? at.time, at.time), to: at.time };
      this.#options.tell(lostFact(place, lost, at));
    }
    this.#aside.clear();
  }
}

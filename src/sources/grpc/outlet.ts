/** Events of a live source → batches, with back-pressure: at most a few batches are out at a time. */
import type { Event } from '../../model/event.ts';
import { BATCH_EVENTS_MAX, InFlight } from '../in-flight.ts';
import type { Batch, SourceCounters } from '../source.ts';

export interface OutletHooks {
  next(batch: Batch): void;
  /** Stop reading: HTTP/2 flow control then slows the server down. */
  pause(): void;
  resume(): void;
}

export class Outlet {
  readonly #source: string;
  readonly #counters: SourceCounters;
  readonly #hooks: OutletHooks;
  #pending: Event[] = [];
  readonly #inFlight = new InFlight();
  #paused = false;
  #closed = false;
  #scheduled: NodeJS.Immediate | null = null;
  /** Time of the newest event, micros; null before the first. */
  newest: number | null = null;

  constructor(source: string, counters: SourceCounters, hooks: OutletHooks) {
    this.#source = source;
    this.#counters = counters;
    this.#hooks = hooks;
  }

  get paused(): boolean {
    return this.#paused;
  }

  push(event: Event): void {
    this.#pending.push(event);
    if (this.newest === null || event.time > this.newest) this.newest = event.time;
    if (this.#pending.length >= BATCH_EVENTS_MAX) this.#flush();
    else this.#scheduled ??= setImmediate(() => this.#flush());
  }

  close(): void {
    this.#closed = true;
    this.#pending = [];
    this.#unschedule();
  }

  #flush(): void {
    this.#unschedule();
    // What a paused stream had already handed over waits here: no more than the streams' own small buffers.
    if (this.#closed || this.#pending.length === 0 || this.#full()) return;
    const events = this.#pending;
    this.#pending = [];
    this.#counters.events += events.length;
    this.#counters.batches++;
    const done = this.#inFlight.begin(() => this.#returned());
    this.#hooks.next({ source: this.#source, events, done });
    if (this.#full() && !this.#paused && !this.#closed) {
      this.#paused = true;
      this.#hooks.pause();
    }
  }

  #returned(): void {
    if (this.#closed || !this.#paused || this.#full()) return;
    this.#paused = false;
    this.#flush();
    if (!this.#paused) this.#hooks.resume();
  }

  #full(): boolean {
    return this.#inFlight.count >= this.#inFlight.max;
  }

  #unschedule(): void {
    if (this.#scheduled !== null) clearImmediate(this.#scheduled);
    this.#scheduled = null;
  }
}

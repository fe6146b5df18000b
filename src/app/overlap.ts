/** Where live sources repeat what was recorded before a restart: a file is read on from a little before the last event. */
import { createHash } from 'node:crypto';
import { map } from 'rxjs';
import type { Event } from '../model/event.ts';
import { MICROS_PER_SECOND, type Micros } from '../model/time.ts';
import { reconnectGap } from '../sources/gap.ts';
import type { Batch, Source, SourceStatus } from '../sources/source.ts';

/** Newest recorded events that are known again: what all file sources may have under way, and a few seconds of flows. */
export const OVERLAP_EVENTS_MAX = 200_000;

/** Event time after the newest recorded event at which no source repeats any more. */
const OVER_AFTER: Micros = 10 * 60 * MICROS_PER_SECOND;

export class Overlap {
  /** Copies of each record, by its digest; oldest first. */
  readonly #copies = new Map<string, number>();
  /** Newest recorded event time, micros; null when nothing is recorded. */
  newest: Micros | null = null;

  add(event: Event): void {
    const key = digestOf(event);
    const copies = this.#copies.get(key) ?? 0;
    this.#copies.delete(key);
    this.#copies.set(key, copies + 1);
    if (this.newest === null || event.time > this.newest) this.newest = event.time;
    if (this.#copies.size > OVERLAP_EVENTS_MAX) this.#copies.delete(this.#copies.keys().next().value as string);
  }

  /** Whether it is recorded; each recorded copy stands for one event. */
  take(event: Event): boolean {
    if (this.newest === null || this.#copies.size === 0) return false;
    // Later than everything recorded: nothing to look up, once the start is over.
    if (event.time > this.newest) {
      if (event.time > this.newest + OVER_AFTER) this.#copies.clear();
      return false;
    }
    const key = digestOf(event);
    const copies = this.#copies.get(key);
    if (copies === undefined) return false;
    if (copies === 1) this.#copies.delete(key);
    else this.#copies.set(key, copies - 1);
    return true;
  }
}

function digestOf({ raw }: Event): string {
  return createHash('sha1')
    .update(raw.bytes?.() ?? raw.line())
    .digest('base64');
}

/** The source without what is recorded; where it cannot read on by itself, a gap says what was missed. */
export function resumed(source: Source, overlap: Overlap): Source {
  let duplicates = 0;
  let begun = source.type !== 'hubble' && source.type !== 'tetragon';
  const fresh = (batch: Batch): Batch => {
    const events = batch.events.filter(event => !overlap.take(event));
    duplicates += batch.events.length - events.length;
    const first = events.find(event => overlap.newest !== null && event.time > overlap.newest);
    if (!begun && first !== undefined && overlap.newest !== null) {
      begun = true;
      const place = { source: source.name, node: '', cluster: first.cluster, sensor: source.type };
      events.unshift(reconnectGap(place, overlap.newest, first, RESTART));
    }
    return { source: batch.source, events, done: () => batch.done() };
  };
  return {
    name: source.name,
    type: source.type,
    batches: () => source.batches().pipe(map(fresh)),
    status: (): SourceStatus => {
      const status = source.status();
      return { ...status, counters: { ...status.counters, duplicates: status.counters.duplicates + duplicates } };
    },
  };
}

/** `reason` of the gap between the last recorded event and the first live one. */
const RESTART = 'SPOOR_RESTART';

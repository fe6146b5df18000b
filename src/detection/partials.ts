/** Partial sequences of one rule: one pending partial a stage and key, the newest overwriting, within bounds. */
import type { Observation } from '../model/observation.ts';
import { compareInstants, type Micros } from '../model/time.ts';
import { type Owned, OwnedItems, type StateLimits } from './owned.ts';

/** One filled stage; cells are shared by the partials that grew from the same beginning, and never change. */
export interface Cell {
  readonly step: string;
  readonly observation: Observation;
  /** Value of the step's distinct field, or null. */
  readonly value: string | null;
  readonly previous: Cell | null;
}

export interface Partial extends Owned {
  /** Position of the last filled stage. */
  readonly stage: number;
  readonly key: string;
  /** Time of its first event: the span is measured from here. */
  readonly first: Micros;
  readonly last: Cell;
  /** A step joined by `fallback`. */
  readonly low: boolean;
  /** An unattributed flow was taken for its next step already. */
  readonly guessed: boolean;
}

export class PartialStore {
  readonly #items: OwnedItems<Partial>;
  readonly #stages: readonly Map<string, Partial>[];

  constructor(stages: number, limits: StateLimits) {
    this.#stages = Array.from({ length: stages }, () => new Map());
    this.#items = new OwnedItems<Partial>(limits, partial => this.#unmap(partial));
  }

  get size(): number {
    return this.#items.size;
  }

  get evicted(): number {
    return this.#items.evicted;
  }

  /** Number of partials whose last filled stage is `stage`. */
  waiting(stage: number): number {
    return this.#stages[stage]!.size;
  }

  get(stage: number, key: string): Partial | undefined {
    return this.#stages[stage]!.get(key);
  }

  at(stage: number): Iterable<Partial> {
    return this.#stages[stage]!.values();
  }

  /** Of the owner's partials at `stage` that began at `since` or later, the one whose last event is the newest. */
  newest(owner: string, stage: number, since: Micros): Partial | undefined {
    let newest: Partial | undefined;
    for (const partial of this.#items.of(owner)) {
      if (partial.stage !== stage || partial.first < since) continue;
      // Not the one put last: a guess puts an older one back.
      if (newest === undefined || compareInstants(partial.last.observation.event, newest.last.observation.event) >= 0)
        newest = partial;
    }
    return newest;
  }

  /** Overwrites the partial of the same stage and key, unless that one is newer (the event came late). */
  put(partial: Partial): void {
    const old = this.get(partial.stage, partial.key);
    if (old !== undefined) {
      if (compareInstants(old.last.observation.event, partial.last.observation.event) > 0) return;
      this.remove(old);
    }
    this.#items.add(partial);
    this.#stages[partial.stage]!.set(partial.key, partial);
  }

  remove(partial: Partial): void {
    this.#items.remove(partial);
    this.#unmap(partial);
  }

  /** Drops what began before `time`, at the stages below `below`. */
  expire(time: Micros, below: number): void {
    for (const stage of this.#stages.slice(0, below)) {
      for (const partial of stage.values()) if (partial.first < time) this.remove(partial);
    }
  }

  #unmap(partial: Partial): void {
    const stage = this.#stages[partial.stage]!;
    if (stage.get(partial.key) === partial) stage.delete(partial.key);
  }
}

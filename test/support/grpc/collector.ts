/** Subscribes to a source and keeps what it gives. */
import type { Subscription } from 'rxjs';
import type { Event } from '../../../src/model/event.ts';
import type { Batch, Quarantine, Source } from '../../../src/sources/source.ts';

export interface Quarantined {
  readonly source: string;
  readonly place: string;
  readonly reason: string;
  readonly bytes: Uint8Array | string;
}

export class TestQuarantine implements Quarantine {
  readonly entries: Quarantined[] = [];

  put(entry: Quarantined): void {
    this.entries.push(entry);
  }
}

/** How often a condition that no batch brings about is looked at. */
const LOOK_MS = 5;

export class Collector {
  readonly events: Event[] = [];
  readonly batches: Batch[] = [];
  error: unknown = null;
  /** False: batches are kept and not marked as done. */
  finish = true;
  readonly #subscription: Subscription;

  constructor(source: Source) {
    this.#subscription = source.batches().subscribe({
      next: batch => {
        this.batches.push(batch);
        this.events.push(...batch.events);
        if (this.finish) batch.done();
      },
      error: error => {
        this.error = error;
      },
    });
  }

  /** Resolves as soon as the condition holds; the test's own time limit ends the wait. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise(resolve => setTimeout(resolve, LOOK_MS));
  }

  ofKind(kind: Event['kind']): Event[] {
    return this.events.filter(event => event.kind === kind);
  }

  stop(): void {
    this.#subscription.unsubscribe();
  }
}

/** What the delivery loop needs of the store. The store's outbox has this shape; neither imports the other. */
import type { Delivery } from './sink.ts';

/** A delivery that this loop holds until the lease runs out. */
export interface Leased extends Delivery {
  /** Milliseconds since the epoch at which it was put into the outbox. */
  readonly createdMs: number;
}

export interface Backlog {
  /** Waiting or leased. */
  readonly pending: number;
  readonly dead: number;
  /** `createdMs` of the oldest pending one, or null. */
  readonly oldestMs: number | null;
}

/** Every call is synchronous and durable when it returns. Times are milliseconds since the epoch. Unknown ids are ignored. */
export interface Outbox {
  /**
   * Up to `limit` deliveries of `sink` that are due, oldest first, held for `leaseMs`; `attempt` already counts this one.
   * Of one incident only the oldest pending delivery is ever handed out, so that a resolve never overtakes its trigger.
   */
  lease(sink: string, limit: number, nowMs: number, leaseMs: number): readonly Leased[];
  delivered(id: string, nowMs: number): void;
  /** Due again at `dueMs`. */
  retry(id: string, dueMs: number, error: string): void;
  /** A dead letter: kept, listed, replayable. */
  dead(id: string, nowMs: number, error: string): void;
  /** Gives the lease back: due at once, and this attempt does not count. */
  release(id: string): void;
  backlog(sink: string): Backlog;
}

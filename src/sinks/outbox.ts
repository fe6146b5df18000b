/** What the delivery loop needs of the store. The store's outbox has this shape; neither imports the other. */
import type { Alert, Incident } from '../alerts/alert.ts';
import type { Signal } from './sink.ts';

/** One thing to tell one sink, held by this loop until the lease runs out. */
export interface Lease {
  readonly id: number;
  /** Idempotency key: the same over all attempts. */
  readonly key: string;
  /** Leases of one group, when not '', may be told in one message. */
  readonly group: string;
  readonly signal: Signal;
  readonly incident_id: string;
  /** Attempts before this one. */
  readonly attempts: number;
  /** Null for incident signals, and when retention has removed it. */
  readonly alert: Alert | null;
  readonly incident: Incident | null;
  readonly message: Message | null;
}

/** What is sent under one idempotency key, at every attempt. */
interface Message {
  readonly key: string;
  readonly body: string;
}

export interface Outbox {
  /** Up to `limit` due deliveries of `sink`, oldest first, for `leaseMs`; only one call gets each. */
  lease(sink: string, limit: number, leaseMs: number): Promise<readonly Lease[]>;
  /** Kept until the deliveries are delivered, over restarts: their leases carry it. */
  keepMessage(ids: readonly number[], message: Message): Promise<void>;
  delivered(ids: readonly number[]): Promise<void>;
  /** Due again `afterMs` from now; counts an attempt. */
  retry(ids: readonly number[], afterMs: number, error: string): Promise<void>;
  /** Due again `afterMs` from now, without counting an attempt. */
  release(ids: readonly number[], afterMs: number): Promise<void>;
  /** Dead letter: kept, listed, replayable. */
  dead(ids: readonly number[], error: string): Promise<void>;
  /** Ms since the epoch at which the next delivery of `sink` is due, or null when none waits. */
  nextDue(sink: string): Promise<number | null>;
}

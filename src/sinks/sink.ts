/** The one-method seam to every receiver. A sink tries once; waiting, retrying and counting live in the delivery loop alone. */
import type { Alert, Incident } from '../alerts/alert.ts';

/** What is told: a new alert, what became of an incident, or (`test`) made-up content that a person asked for. */
export type Signal =
  | 'alert'
  | 'incident.acknowledged'
  | 'incident.resolved'
  | 'incident.reopened'
  | 'incident.merged'
  | 'test';

export interface Delivery {
  /** Idempotency key: the same over all retries, restarts and replays of one delivery. */
  readonly id: string;
  /** 1 for the first attempt. */
  readonly attempt: number;
  readonly signal: Signal;
  /** Oldest first; several when grouped, none when only the incident's state changed. */
  readonly alerts: readonly Alert[];
  /** As it is now; null for alerts of no incident. */
  readonly incident: Incident | null;
  /** What the first attempt sent, where the sink has such a thing (`render`): to be sent again, byte for byte. */
  readonly body?: string | undefined;
}

/**
 * `delivered`: the receiver has it. `retry`: not now. `drop`: this delivery can never succeed, dead letter. `disable`: as
 * `drop`, and the receiver wants nothing any more.
 */
export type Outcome = 'delivered' | 'retry' | 'drop' | 'disable';

export interface SendResult {
  readonly outcome: Outcome;
  /** How long the receiver asked to be left alone. */
  readonly retryAfterMs?: number | undefined;
  /** One line for logs and dead letters: what was answered. Never a secret, never unescaped foreign text. */
  readonly detail: string;
}

export interface Sink {
  readonly name: string;
  readonly type: string;
  /**
   * For receivers that know a message by its key: what is sent, the same over all attempts. Incidents grow between attempts; this is
   * called once and kept.
   */
  render?(delivery: Delivery): string;
  /** One attempt. A rejection counts as `retry`. Ends its I/O when `signal` aborts. */
  send(delivery: Delivery, signal: AbortSignal): Promise<SendResult>;
  /** Closes sockets and files. Idempotent. */
  close(): Promise<void>;
}

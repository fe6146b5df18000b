/** The one-method seam to every receiver. A sink tries once; waiting, retrying and counting live in the delivery loop alone. */
import type { Alert, Incident } from '../alerts/alert.ts';

/** `incident`: opened or changed by alerts; `resolved`: closed by a person; `test`: asked for by a person, made-up content. */
export type Signal = 'alert' | 'incident' | 'resolved' | 'test';

export interface Delivery {
  /** Idempotency key: the same over all retries, restarts and replays of one delivery. */
  readonly id: string;
  /** 1 for the first attempt. */
  readonly attempt: number;
  readonly signal: Signal;
  /** Oldest first; several when grouped, none when only the incident changed. */
  readonly alerts: readonly Alert[];
  readonly incident: Incident | null;
}

export type Outcome =
  /** The receiver has it. */
  | 'delivered'
  /** Not now: try again, not before `retryAfterMs` where the receiver said so. */
  | 'retry'
  /** This delivery can never succeed: dead letter. */
  | 'drop'
  /** The receiver wants nothing any more: dead letter, and no more attempts on this sink. */
  | 'disable';

export interface SendResult {
  readonly outcome: Outcome;
  readonly retryAfterMs?: number;
  /** One line for logs and the dead letter: what was answered. Never a secret, never unescaped foreign text. */
  readonly detail: string;
}

export interface Sink {
  readonly name: string;
  readonly type: string;
  /** One attempt. Resolves even when it fails; a rejection counts as `retry`. Stops its I/O when `signal` aborts. */
  send(delivery: Delivery, signal: AbortSignal): Promise<SendResult>;
  /** Flushes and closes sockets and files. Idempotent. */
  close(): Promise<void>;
}

/** The one seam between the world and the pipeline. */
import type { Observable } from 'rxjs';
import type { Event } from '../model/event.ts';

/** Events in the order in which the source delivered them. */
export interface Batch {
  readonly source: string;
  readonly events: readonly Event[];
  /**
   * The consumer has processed the batch and stored what came of it. A source keeps at most a few batches in flight and waits
   * for this before it reads on (back-pressure) and before it remembers its position (nothing is lost by a crash). Idempotent.
   */
  done(): void;
}

/** Counted from the start of the program; every loss is one of these. */
export interface SourceCounters {
  events: number;
  bytes: number;
  batches: number;
  /** Lines or messages that could not be decoded; their first bytes are in the quarantine. */
  malformed: number;
  /** Decoded, but of a kind that this version does not know: passed over. */
  unknownKinds: number;
  /** Put aside because their time cannot be; they are in the quarantine. */
  ahead: number;
  duplicates: number;
  /** Known to be lost: lost_events, throttles, rate limits, spools that overflowed. */
  lost: number;
  reconnects: number;
}

export type SourceState = 'starting' | 'connected' | 'waiting' | 'failed' | 'ended';

export interface SourceStatus {
  readonly name: string;
  readonly type: 'tetragon' | 'hubble' | 'file' | 'capture' | 'ingest';
  readonly state: SourceState;
  /** Plain words: what it is connected to, or the last error with its endpoint; never a secret. */
  readonly detail: string;
  /** Event time of the newest event, micros, or null. */
  readonly newest: number | null;
  readonly counters: Readonly<SourceCounters>;
}

export interface Source {
  readonly name: string;
  readonly type: SourceStatus['type'];
  /**
   * Cold: reading starts at subscription and stops at unsubscription. Completes when a finite source ends; errors only when
   * it can never work (bad address syntax, missing file): everything else is retried and shown in `status()`.
   */
  batches(): Observable<Batch>;
  status(): SourceStatus;
}

/** Where bad input goes. `text` is cut by the receiver. */
export interface Quarantine {
  put(entry: { source: string; place: string; reason: string; bytes: Uint8Array | string }): void;
}

export function newCounters(): SourceCounters {
  return {
    events: 0,
    bytes: 0,
    batches: 0,
    malformed: 0,
    unknownKinds: 0,
    ahead: 0,
    duplicates: 0,
    lost: 0,
    reconnects: 0,
  };
}

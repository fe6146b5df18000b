/** Silences, as the store keeps them. Scope is that of `store.ts`. */
import type { Level } from '../alerts/alert.ts';

/** All that is given must hold; a list means any of it; `*` and `?` are wildcards. */
export interface SilenceMatch {
  readonly level?: readonly Level[];
  /** Id or title. */
  readonly rule?: readonly string[];
  readonly tag?: readonly string[];
  readonly namespace?: readonly string[];
  readonly workload?: readonly string[];
  readonly pod?: readonly string[];
  readonly label?: Readonly<Record<string, readonly string[]>>;
  readonly cluster?: readonly string[];
}

/** Until then nobody is told of new alerts that match; they are stored all the same. */
export interface Silence {
  readonly id: string;
  readonly match: SilenceMatch;
  /** Ms. */
  readonly until: number;
  readonly author: string;
  readonly reason: string;
  readonly created_at: number;
  /** Stored alerts that it silenced. */
  readonly alerts: number;
}

export type SilenceSpec = Pick<Silence, 'match' | 'until' | 'author' | 'reason'>;

export interface Silences {
  /** Namespaces outside of `scope`, or none named where it has a limit, are a `StoreError` `out_of_scope`; `too_many`. */
  create(spec: SilenceSpec, scope: readonly string[] | null): Promise<Silence>;
  /** Newest first, with those that have ended, as long as they are kept. */
  list(scope: readonly string[] | null): Promise<Silence[]>;
  get(id: string, scope: readonly string[] | null): Promise<Silence | null>;
  /** False when unknown; one that has ended stays so. */
  end(id: string, scope: readonly string[] | null): Promise<boolean>;
}

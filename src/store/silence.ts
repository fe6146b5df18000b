/** Silences, as the store keeps them. Scope is that of `store.ts`. */
import type { AlertMatch } from '../alerts/match.ts';

/** Until then nobody is told of new alerts that match; they are stored all the same. */
export interface Silence {
  readonly id: string;
  readonly match: AlertMatch;
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

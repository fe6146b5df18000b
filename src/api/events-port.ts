/** What the API needs to give the joined stream: of the past, as it happens, and what its fields are. */
import type { EventKind } from '../model/event.ts';
import type { Observation } from '../model/observation.ts';
import type { Micros } from '../model/time.ts';

export interface FilterProblem {
  /** Which filter. */
  readonly at: number;
  readonly message: string;
}

export type CompiledFilters =
  | {
      /** Kinds of events that can fit; null for all. */
      readonly kinds: readonly EventKind[] | null;
      test(observation: Observation): boolean;
    }
  | { readonly problems: readonly FilterProblem[] };

export interface FieldRecord {
  /** `<…>` stands for a part that varies. */
  readonly name: string;
  readonly type: string;
  readonly kinds: readonly EventKind[];
  readonly describe: string;
  readonly requires: readonly string[];
}

/** Catalogue fields that an event carries, by name. */
export type FieldValues = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/** Where to look; what is found there is still tested. */
export interface EventSearch {
  /** Inclusive and exclusive, micros. */
  readonly since?: Micros | undefined;
  readonly until?: Micros | undefined;
  /** Only events with a lower number. */
  readonly before?: number | undefined;
  readonly pod?: { readonly namespace: string; readonly name: string } | undefined;
  /** Null for all. */
  readonly namespaces: readonly string[] | null;
  readonly execId?: string | undefined;
  /** Null for all. */
  readonly kinds: readonly EventKind[] | null;
}

export interface FoundEvents {
  /** Newest first. */
  readonly items: readonly { readonly seq: number; readonly observation: Observation }[];
  /** `before` of the next search; null when everything was looked at. */
  readonly next: number | null;
  /** It had read enough for one request when it came to this time; null when it ended for another reason. Micros. */
  readonly searchedUntil: Micros | null;
}

export interface EventsPort {
  readonly fields: readonly FieldRecord[];
  readonly modifiers: readonly string[];
  /** `field|modifier=value`, each. */
  compile(filters: readonly string[]): CompiledFilters;
  /** What happened, in one line of unescaped text. */
  describe(observation: Observation): string;
  values(observation: Observation): FieldValues;
  /** Null when nothing is recorded. */
  readonly search:
    | ((search: EventSearch, wanted: (o: Observation) => boolean, limit: number) => Promise<FoundEvents>)
    | null;
  /** Every event from now on, until what it returns is called. Observations must not be kept. */
  listen(listener: (observation: Observation) => void): () => void;
}

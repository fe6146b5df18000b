/** A compiled rule: what `detection/` runs. Made by `rules/load.ts` from YAML; holds no state. */
import type { EventKind } from '../model/event.ts';
import type { Observation } from '../model/observation.ts';
import type { Micros } from '../model/time.ts';

export type Level = 'informational' | 'low' | 'medium' | 'high' | 'critical';
export const LEVELS: readonly Level[] = ['informational', 'low', 'medium', 'high', 'critical'];

export type Predicate = (observation: Observation) => boolean;

/** Something that an index can decide about an event: that some literal occurs in a field's text, or that it has the field. */
export interface IndexHint {
  /** Catalogue name, e.g. `process.binary`. */
  readonly field: string;
  readonly match: 'equals' | 'contains' | 'startswith' | 'endswith' | 'name' | 'present';
  /** Lower-cased unless `cased`. Any one of them suffices; `present` has none. */
  readonly literals: readonly string[];
  readonly cased: boolean;
}

/** A predicate over single events with the event kinds it can match. */
export interface Matcher {
  readonly kinds: readonly EventKind[];
  readonly test: Predicate;
  /** One of them holds whenever `test` does; null when nothing worth indexing is necessary. */
  readonly hints: readonly IndexHint[] | null;
  /** Catalogue fields that `test` reads, for projections and `requires`. */
  readonly fields: readonly string[];
}

export interface Branch extends Matcher {
  readonly id: string;
}

/** What ties the steps of a sequence or the matches of a count together. */
export type Correlation =
  | { readonly type: 'process' | 'process_tree' | 'pod' | 'node' | 'connection' }
  | { readonly type: 'fields'; readonly fields: readonly string[] };

export interface CountSpec {
  readonly gte: number;
  /** Catalogue field whose distinct values count, or null to count matches. */
  readonly distinct: string | null;
  /** [] counts per rule as a whole. */
  readonly by: readonly string[];
  /** Micros. */
  readonly within: Micros;
}

export interface SequenceStep extends Matcher {
  readonly id: string;
  /** Per-step key fields where names differ; null uses the sequence's `by`. */
  readonly by: readonly string[] | null;
  readonly runs: number;
  readonly absent: boolean;
  readonly count: { readonly distinct: string | null; readonly gte: number } | null;
}

export interface SequenceSpec {
  readonly by: Correlation;
  readonly within: Micros;
  readonly fallback: 'pod' | null;
  readonly steps: readonly SequenceStep[];
  readonly until: Matcher | null;
}

export interface FirstSeenSpec {
  readonly fields: readonly string[];
  readonly by: readonly string[];
  readonly learn: Micros;
}

export interface Rule {
  readonly id: string;
  readonly title: string;
  readonly level: Level;
  readonly status: string;
  readonly description: string;
  readonly author: string;
  readonly date: string;
  readonly references: readonly string[];
  /** `attack.t1059.004`, lower case. */
  readonly tags: readonly string[];
  readonly falsepositives: readonly string[];
  readonly runbook: string;
  /** One line with `{field}` placeholders, or '' for the title. */
  readonly message: string;
  /** Hex digest of the rule's normalised content: state and alert ids hang on it. */
  readonly hash: string;
  readonly file: string;
  readonly line: number;
  /** Sensor settings needed: `policy.tcp_connect`, `hubble.dns`, `tetragon.process_ns` … */
  readonly requires: readonly string[];
  /** Single-event rules: one branch, or those of `any`. Empty for sequences. */
  readonly branches: readonly Branch[];
  readonly sequence: SequenceSpec | null;
  readonly count: CountSpec | null;
  readonly firstSeen: FirstSeenSpec | null;
  /** True when an exception suppresses this observation. */
  readonly excepted: Predicate;
}

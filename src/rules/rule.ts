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
  /** Other such lists, from the most selective on: an index that knows all rules may find one of them rarer. */
  readonly alternatives?: readonly (readonly IndexHint[])[];
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
  /** Fires only at even intervals: their standard deviation is at most this share of their mean. Absent: whenever they come. */
  readonly jitter?: number | undefined;
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

export type CorrelationType =
  | 'event_count'
  | 'value_count'
  | 'temporal'
  | 'temporal_ordered'
  | 'value_sum'
  | 'value_avg'
  | 'value_percentile'
  | 'value_median';

/** What a Sigma correlation counts: the matches of a rule, or the firings of another correlation. */
export interface CorrelationInput {
  /** Name or id of the rule: the step of its evidence. */
  readonly name: string;
  readonly of:
    | {
        readonly type: 'rule';
        readonly rule: Rule;
        /** Catalogue fields of the group; [] is one group. The outermost `group-by` of a chain is that of all its leaves. */
        readonly key: readonly string[];
      }
    | { readonly type: 'correlation'; readonly correlation: SigmaCorrelation };
  /** Catalogue fields whose values count, for `value_*`; else []. */
  readonly values: readonly string[];
}

export type CorrelationBound = {
  readonly comparison: 'gt' | 'gte' | 'lt' | 'lte' | 'eq' | 'neq';
  readonly value: number;
};

/** Over a sliding window (t − timespan, t]. It carries the rules that it correlates, which need not run by themselves. */
export interface SigmaCorrelation {
  readonly type: CorrelationType;
  /** Micros. */
  readonly timespan: Micros;
  readonly inputs: readonly CorrelationInput[];
  /** False puts everything into one group. */
  readonly grouped: boolean;
  /** All of them must hold for what is counted; for temporal types the number of distinct rules. */
  readonly bounds: readonly CorrelationBound[];
  /** Over which inputs are present, for temporal types that say so in words; else null. */
  readonly expression: ((present: readonly boolean[]) => boolean) | null;
  /** 0 to 100, for `value_percentile`. */
  readonly percentile: number;
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
  /** Set on Sigma correlations, which have no branches. */
  readonly correlation?: SigmaCorrelation;
  /** Points that a finding adds to the score of its process tree, pod and workload; without it, by level. */
  readonly risk?: number | undefined;
  /** True when an exception suppresses this observation. */
  readonly excepted: Predicate;
}

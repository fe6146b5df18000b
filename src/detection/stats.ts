/** What the rules did, counted from the start or since a rule's content last changed. */

interface RuleCounts {
  /** Predicates evaluated. */
  readonly evaluated: number;
  /** Predicates that held. */
  readonly matched: number;
  /** Matches that an exception suppressed. */
  readonly excepted: number;
  readonly findings: number;
  /** State dropped at a limit. */
  readonly evicted: number;
  /** Partial sequences, counted keys, and keys and combinations seen, that are kept now. */
  readonly partials: number;
  /** Times that the rule threw. */
  readonly failures: number;
  /** Time spent in its predicates and state machines, estimated from samples; 0 without a clock. */
  readonly seconds: number;
}

export interface RuleStats extends RuleCounts {
  readonly id: string;
  /** Why it was switched off; '' while it works. */
  readonly error: string;
}

export interface DetectorStats {
  readonly observations: number;
  /** Rules switched off because they failed. */
  readonly failed: number;
  readonly totals: RuleCounts;
  /** In the order in which the rules were given. */
  readonly rules: readonly RuleStats[];
}

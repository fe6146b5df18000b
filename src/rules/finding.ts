/** What a rule found: the seam between `detection/` (which makes findings) and `alerts/` (which makes alerts of them). */

import type { Observation } from '../model/observation.ts';
import type { Micros } from '../model/time.ts';
import type { Rule } from './rule.ts';

/** One event that satisfied one step (or the only predicate, id `match`). */
export interface Evidence {
  readonly step: string;
  readonly observation: Observation;
}

export interface Finding {
  readonly rule: Rule;
  /** The branch of `any` that matched, or ''. */
  readonly branch: string;
  /** Correlation key, text, stable over runs: exec_id, pod, or the joined fields. */
  readonly key: string;
  /** Instant of the event that completed it. */
  readonly time: Micros;
  readonly ns: number;
  /** The event that completed it. */
  readonly trigger: Observation;
  /** In event-time order, at most `LIMITS.evidencePerAlertMax`, the trigger included. */
  readonly evidence: readonly Evidence[];
  /** `low` when a step joined only through `fallback`, or its flow is attributed to a pod only. */
  readonly confidence: 'high' | 'low';
  /** Matches behind this finding (thresholds, runs); 1 for a single event. */
  readonly matches: number;
  /** First instant of the window that the finding spans. */
  readonly from: Micros;
}

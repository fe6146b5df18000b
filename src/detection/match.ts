/** A rule's predicates were satisfied: what thresholds and first-seen conditions are fed, and findings are made of. */
import { LIMITS } from '../model/limits.ts';
import type { Observation } from '../model/observation.ts';
import type { Micros } from '../model/time.ts';
import type { Evidence } from '../rules/finding.ts';

export interface Match {
  readonly branch: string;
  readonly key: string;
  readonly trigger: Observation;
  /** In event-time order, the trigger included, bounded. */
  readonly evidence: readonly Evidence[];
  readonly confidence: 'high' | 'low';
  /** Events behind it. */
  readonly matches: number;
  readonly from: Micros;
}

/** A flow whose process nobody knows says only that something in the pod did it. */
export function isUnattributed(observation: Observation): boolean {
  return observation.event.kind === 'flow' && observation.attribution === 'pod';
}

/** At most `evidencePerAlertMax`: the first event of every step, the last event, and of the others the earliest. */
export function boundEvidence(evidence: readonly Evidence[], max: number = LIMITS.evidencePerAlertMax): Evidence[] {
  if (evidence.length <= max) return [...evidence];
  const kept = new Set<Evidence>([evidence[evidence.length - 1]!]);
  const steps = new Set<string>();
  for (const item of evidence) {
    if (steps.has(item.step) || kept.size >= max) continue;
    steps.add(item.step);
    kept.add(item);
  }
  for (const item of evidence) {
    if (kept.size >= max) break;
    kept.add(item);
  }
  return evidence.filter(item => kept.has(item));
}

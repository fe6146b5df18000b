/** Findings for tests of the alert stage. */
import type { Observation } from '../../src/model/observation.ts';
import type { Finding } from '../../src/rules/finding.ts';
import type { Rule } from '../../src/rules/rule.ts';

export function finding(rule: Rule, observations: readonly Observation[], more: Partial<Finding> = {}): Finding {
  const trigger = observations.at(-1)!;
  return {
    rule,
    branch: '',
    key: trigger.process?.execId ?? '',
    time: trigger.event.time,
    ns: trigger.event.ns,
    trigger,
    evidence: observations.map((observation, i) => ({ step: `s${i}`, observation })),
    confidence: 'high',
    matches: 1,
    from: observations[0]!.event.time,
    ...more,
  };
}

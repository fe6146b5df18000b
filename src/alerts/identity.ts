/** Who an alert is: the same evidence under the same rule content has the same id, on every run. */
import type { Event } from '../model/event.ts';
import { digest } from '../model/hash.ts';
import type { Finding } from '../rules/finding.ts';
import type { Rule } from '../rules/rule.ts';

const SEPARATOR = '\u0000';

/** What tells one event from every other, whichever source or run delivered it. */
function eventIdentity(event: Event): string {
  const base = [event.kind, event.time, event.ns, event.node];
  if (event.kind === 'flow') {
    const who =
      event.uuid !== ''
        ? [event.uuid]
        : [event.protocol, event.sourceIp, event.sourcePort, event.destinationIp, event.destinationPort];
    return [...base, ...who].join(SEPARATOR);
  }
  if ('process' in event) return [...base, event.process.execId, event.functionName].join(SEPARATOR);
  return [...base, event.reason, event.count].join(SEPARATOR);
}

export function alertId({ rule, key, evidence, trigger }: Finding): string {
  return alertIdFor(rule, key, evidence[0]?.observation.event ?? trigger.event, trigger.event);
}

/** `first` and `trigger`: the finding's first event, and the one that completed it. */
export function alertIdFor(rule: Pick<Rule, 'id' | 'hash'>, key: string, first: Event, trigger: Event): string {
  return digest(['alert', rule.id, rule.hash, key, eventIdentity(first), eventIdentity(trigger)].join(SEPARATOR));
}

/** Of the incident that this alert opens. */
export function incidentId(openedBy: string): string {
  return digest(`incident${SEPARATOR}${openedBy}`);
}

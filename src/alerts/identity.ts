/** Who an alert is: the same evidence under the same rule content has the same id, on every run. */
import type { Event } from '../model/event.ts';
import { digest } from '../model/hash.ts';
import type { Finding } from '../rules/finding.ts';

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

export function alertId(finding: Finding): string {
  const first = finding.evidence[0]?.observation.event ?? finding.trigger.event;
  return digest(
    [
      'alert',
      finding.rule.id,
      finding.rule.hash,
      finding.key,
      eventIdentity(first),
      eventIdentity(finding.trigger.event),
    ].join(SEPARATOR),
  );
}

/** Of the incident that this alert opens. */
export function incidentId(openedBy: string): string {
  return digest(`incident${SEPARATOR}${openedBy}`);
}

/** An incident as a capture with its surroundings, where the flight recorder still holds its time. */
import type { Alert, AlertEvidence } from '../alerts/alert.ts';
import { podOfAlert } from '../alerts/story.ts';
import { orderedMarkerLine } from '../model/capture.ts';
import type { Event } from '../model/event.ts';
import { MICROS_PER_SECOND, type Micros, parseInstant } from '../model/time.ts';
import { incidentEvents } from '../recorder/incident.ts';
import type { FlightRecorder } from '../recorder/recorder.ts';

const BEFORE: Micros = 2 * 60 * MICROS_PER_SECOND;
const AFTER: Micros = 60 * MICROS_PER_SECOND;

const micros = (text: string): Micros => parseInstant(text)?.time ?? 0;

/**
 * Lines of the capture without their ends, in the order in which they were processed; null when the recorder does not hold
 * all of it. `namespaces`: what the reader may see, null for everything.
 */
export async function incidentCapture(
  recorder: FlightRecorder,
  alerts: readonly Alert[],
  evidence: readonly AlertEvidence[],
  namespaces: readonly string[] | null,
): Promise<AsyncGenerator<string> | null> {
  if (alerts.length === 0) return null;
  const first = Math.min(...alerts.map(alert => micros(alert.time)));
  const needed = Math.min(first, ...evidence.map(({ time }) => micros(time)));
  const events = await incidentEvents(recorder, {
    pods: new Set(alerts.map(podOfAlert).filter(pod => pod !== '')),
    trees: new Set(alerts.flatMap(alert => alert.trees)),
    needed,
    from: Math.min(needed, first - BEFORE),
    to: Math.max(...alerts.map(alert => micros(alert.last_seen))) + AFTER,
    namespaces,
  });
  return events === null ? null : lines(events);
}

async function* lines(events: AsyncGenerator<Event>): AsyncGenerator<string> {
  let begun = false;
  for await (const { time, ns, raw } of events) {
    if (!begun) yield orderedMarkerLine(time, ns);
    begun = true;
    yield raw.line();
  }
}

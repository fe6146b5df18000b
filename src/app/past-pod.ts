/** A pod as it was at a past time, rebuilt from the recorder by the same fold that knows the present. */
import type { PastPod } from '../api/deps.ts';
import { Context } from '../context/context.ts';
import { MICROS_PER_SECOND, type Micros } from '../model/time.ts';
import { incidentEvents } from '../recorder/incident.ts';
import type { FlightRecorder } from '../recorder/recorder.ts';
import { asEvent } from '../recorder/records.ts';

/** How far back of its time the pod's events are read; of what ran before that, only who it was. */
const REACH: Micros = 15 * 60 * MICROS_PER_SECOND;
/** Of one pod, in one reading: what comes after is left out, and told. */
const EVENTS_MAX = 200_000;

/** Null when the recorder holds nothing of the pod up to then. */
export async function podAt(
  recorder: Pick<FlightRecorder, 'blocks' | 'carried' | 'decoder' | 'oldest'>,
  namespace: string,
  name: string,
  at: Micros,
): Promise<PastPod | null> {
  const { oldest } = recorder;
  if (oldest === null || oldest > at) return null;
  const from = Math.max(oldest, at - REACH);
  const events = await incidentEvents(recorder, {
    pods: new Set([`${namespace}/${name}`]),
    trees: new Set(),
    needed: oldest,
    from,
    to: at,
    namespaces: null,
  });
  if (events === null) return null;
  const context = new Context();
  // A decoder of its own: the one that chose the events says nothing twice, also not what it said in an event that was left out.
  const decoder = recorder.decoder();
  let count = 0;
  for await (const { raw } of events) {
    if (++count > EVENTS_MAX) break;
    const line = Buffer.from(raw.bytes?.() ?? raw.line());
    const event = asEvent(decoder.decode(line, 0, line.length));
    if (event !== null) context.observe(event);
  }
  const pod = context.pod(namespace, name);
  return pod === null ? null : { pod, from, gaps: context.gaps(), isWhole: count <= EVENTS_MAX };
}

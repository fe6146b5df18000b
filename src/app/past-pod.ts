/** A pod as it was at a past time, rebuilt from the recorder by the same fold that knows the present. */
import type { PastPod } from '../api/deps.ts';
import { Context } from '../context/context.ts';
import { MICROS_PER_SECOND, type Micros } from '../model/time.ts';
import { holds } from '../recorder/blocks.ts';
import { incidentEvents } from '../recorder/incident.ts';
import { podKey } from '../recorder/keys.ts';
import type { FlightRecorder } from '../recorder/recorder.ts';
import { asEvent } from '../recorder/records.ts';

/** How far back of its time the pod's events are read; of what ran before that, only who it was. */
const REACH: Micros = 15 * 60 * MICROS_PER_SECOND;
/** In the blocks that hold some of the pod: of a busy one, less far back. */
const EVENTS_MAX = 60_000;

/** Null when the recorder holds nothing of the pod up to then. */
export async function podAt(
  recorder: Pick<FlightRecorder, 'blocks' | 'carried' | 'decoder' | 'oldest'>,
  namespace: string,
  name: string,
  at: Micros,
): Promise<PastPod | null> {
  const { oldest } = recorder;
  if (oldest === null || oldest > at) return null;
  const { from, isWhole } = await reachOf(recorder, podKey(namespace, name), Math.max(oldest, at - REACH), at);
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
  for await (const { raw } of events) {
    const line = Buffer.from(raw.bytes?.() ?? raw.line());
    const event = asEvent(decoder.decode(line, 0, line.length));
    if (event !== null) context.observe(event);
  }
  const pod = context.pod(namespace, name);
  return pod === null ? null : { pod, from, gaps: context.gaps(), isWhole };
}

/** From when on there is no more than is read at once. */
async function reachOf(
  recorder: Pick<FlightRecorder, 'blocks'>,
  key: number,
  from: Micros,
  to: Micros,
): Promise<{ readonly from: Micros; readonly isWhole: boolean }> {
  let events = 0;
  for await (const block of recorder.blocks({ from, to, newestFirst: true }, each => holds(each, key))) {
    events += block.count;
    if (events > EVENTS_MAX) return { from: Math.min(Math.max(from, block.to), to), isWhole: false };
  }
  return { from, isWhole: true };
}

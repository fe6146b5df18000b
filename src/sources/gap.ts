/** The fact that a stream was interrupted: a period whose events nobody will ever send again. */
import type { Event, StreamFact } from '../model/event.ts';
import { type Instant, MICROS_PER_SECOND, type Micros } from '../model/time.ts';
import { streamFact } from './json/tetragon.ts';
import { timeText } from './protobuf/export-json.ts';
import { TextRecord } from './protobuf/record.ts';

/** `reason` of the gaps that Spoor itself reports. */
const RECONNECT = 'SPOOR_RECONNECT';

export interface Place {
  readonly source: string;
  readonly node: string;
  readonly cluster: string;
  /** Whose events are lost. */
  readonly sensor: string;
}

/** The sensor that an event came from. */
export function sensorOf(event: Event): string {
  if (event.kind === 'flow') return 'hubble';
  return 'sensor' in event ? event.sensor : 'tetragon';
}

/** A gap from the last event before a reconnect to the first one after it. How much was lost is unknown: `count` is 0. */
export function reconnectGap(place: Place, from: Micros, at: Instant, reason = RECONNECT): StreamFact {
  const end = at.time < from ? { time: from, ns: 0 } : at;
  return lostFact(place, { reason, count: 0, from, to: end.time }, end);
}

/** A `lost_events` fact that has no message of its own, with a record in the shape in which Hubble exports them. */
export function lostFact(
  place: Place,
  lost: Pick<StreamFact, 'reason' | 'count' | 'from' | 'to'>,
  at: Instant,
): StreamFact {
  const line = {
    lost_events: {
      source: lost.reason,
      ...(place.sensor === 'hubble' ? {} : { sensor: place.sensor }),
      ...(lost.count > 0 ? { num_events_lost: String(lost.count) } : {}),
      first: textOf(lost.from, 0),
      last: textOf(lost.to, 0),
    },
    node_name: place.cluster === '' ? place.node : `${place.cluster}/${place.node}`,
    time: textOf(at.time, at.ns),
  };
  const { source, node, cluster, sensor } = place;
  const envelope = { source, node, cluster, raw: new TextRecord(JSON.stringify(line)) };
  return streamFact(at, envelope, { kind: 'lost_events', sensor, ...lost });
}

function textOf(time: Micros, ns: number): string {
  const seconds = Math.floor(time / MICROS_PER_SECOND);
  return timeText(seconds, (time - seconds * MICROS_PER_SECOND) * 1_000 + ns);
}

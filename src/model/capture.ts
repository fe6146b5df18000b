/** The line by which a capture says that its events stand in the order in which they were processed. */
import type { Event } from './event.ts';
import { formatInstant, type Micros } from './time.ts';

const ORDERED_MESSAGE = 'recorded by spoor, in order';

/** The first line of a recording, in the shape of Hubble's own node_status; `time` is that of the first event. */
export function orderedMarkerLine(time: Micros, ns: number): string {
  return JSON.stringify({ node_status: { message: ORDERED_MESSAGE }, time: formatInstant(time, ns) });
}

/** Whether `event` is that line: what follows it in the same file needs no ordering. */
export function isOrderedMarker(event: Event): boolean {
  return event.kind === 'node_status' && event.message === ORDERED_MESSAGE;
}

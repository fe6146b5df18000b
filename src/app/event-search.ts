/**
 * Events of the past, newest first, joined again: the blocks that may hold some are folded, a few at a time, through a context
 * of their own that has seen what came shortly before. What a request may read is bounded; it says how far it came.
 */
import type { EventSearch, FoundEvents } from '../api/events-port.ts';
import { Context } from '../context/context.ts';
import { isProcessEvent } from '../model/event.ts';
import type { Observation } from '../model/observation.ts';
import { MICROS_PER_SECOND, type Micros } from '../model/time.ts';
import { holds, holdsAny } from '../recorder/blocks.ts';
import { kindBits, namespaceKey, podKey, processKey } from '../recorder/keys.ts';
import type { FlightRecorder, StoredBlock } from '../recorder/recorder.ts';

type Recording = Pick<FlightRecorder, 'blocks' | 'decoder'>;

/** Folded together: few at first, for most readers want the newest; then more, for each part folds its lead again. */
const PART_EVENTS_MIN = 512;
const PART_EVENTS_MAX = 4_096;
/** Of what came before a part, so that its flows find their processes. */
const LEAD_EVENTS = 1_024;
const LEAD: Micros = 60 * MICROS_PER_SECOND;
/** Events that one request folds. */
const SCANNED_EVENTS_MAX = 30_000;

export async function searchEvents(
  recorder: Recording,
  search: EventSearch,
  wanted: (observation: Observation) => boolean,
  limit: number,
): Promise<FoundEvents> {
  const { since = 0, until = Number.MAX_SAFE_INTEGER, before = Number.MAX_SAFE_INTEGER } = search;
  const holdsSome = await blockFilter(recorder, search);
  const blocks = recorder.blocks(
    { from: Math.max(0, since - LEAD), to: until, newestFirst: true },
    block => block.first < before && holdsSome(block),
  );
  const items: FoundEvents['items'][number][] = [];
  const ahead: StoredBlock[] = [];
  let scanned = 0;
  let size = PART_EVENTS_MIN;
  const fill = async (taken: StoredBlock[], events: number): Promise<void> => {
    while (sumOf(taken) < events) {
      const { value, done } = await blocks.next();
      if (done === true) break;
      taken.push(value);
    }
  };
  for (;;) {
    const part = ahead.splice(0, countOf(ahead, size));
    await fill(part, size);
    size = Math.min(size * 2, PART_EVENTS_MAX);
    const oldest = part.at(-1);
    if (oldest === undefined) return { items, next: null, searchedUntil: null };
    await fill(ahead, LEAD_EVENTS);
    const found = await fold(
      recorder,
      [...part].reverse(),
      ahead.slice(0, countOf(ahead, LEAD_EVENTS)).reverse(),
      o => {
        const { time } = o.event;
        return time >= since && time < until && wanted(o);
      },
    );
    for (const item of found.reverse()) if (item.seq < before && items.length < limit) items.push(item);
    const last = items.at(-1);
    if (items.length >= limit && last !== undefined) return { items, next: last.seq, searchedUntil: null };
    scanned += sumOf(part);
    if (ahead.length > 0 && scanned >= SCANNED_EVENTS_MAX) {
      return { items, next: oldest.first, searchedUntil: oldest.before || oldest.from };
    }
  }
}

const sumOf = (blocks: readonly StoredBlock[]): number => blocks.reduce((sum, { count }) => sum + count, 0);

/** How many blocks, from the first on, hold so many events. */
function countOf(blocks: readonly StoredBlock[], events: number): number {
  let sum = 0;
  for (let at = 0; at < blocks.length; at++) {
    sum += blocks[at]?.count ?? 0;
    if (sum >= events) return at + 1;
  }
  return blocks.length;
}

/** The wanted events of `part`, in order. `lead`: what came before it. */
async function fold(
  recorder: Recording,
  part: readonly StoredBlock[],
  lead: readonly StoredBlock[],
  wanted: (observation: Observation) => boolean,
): Promise<FoundEvents['items'][number][]> {
  const context = new Context();
  const decoder = recorder.decoder();
  for (const block of lead) for (const { event } of await block.events(decoder)) context.observe(event);
  const found: FoundEvents['items'][number][] = [];
  for (const block of part) {
    for (const { event, seq } of await block.events(decoder)) {
      const observation = context.observe(event);
      if (wanted(observation)) found.push({ seq, observation });
    }
    await new Promise(resolve => setImmediate(resolve));
  }
  return found;
}

/** Which blocks may hold some of it. */
async function blockFilter(recorder: Recording, search: EventSearch): Promise<(block: StoredBlock) => boolean> {
  const { pod, namespaces, execId, kinds } = search;
  const bits = kinds === null ? -1 : kindBits(kinds);
  const keys = new Set<number>();
  if (execId !== undefined) {
    keys.add(processKey(execId));
    // Its flows carry no exec_id: they are among those of its pod.
    const place = await podOf(recorder, execId, search);
    if (place !== null) keys.add(podKey(place.namespace, place.name));
  } else if (pod !== undefined) keys.add(podKey(pod.namespace, pod.name));
  else for (const namespace of namespaces ?? []) keys.add(namespaceKey(namespace));
  const isLimited = execId !== undefined || pod !== undefined || namespaces !== null;
  return block => (block.kinds & bits) !== 0 && (!isLimited || holdsAny(block, keys));
}

/** The pod of a process, by the newest event that names it. */
async function podOf(
  recorder: Recording,
  execId: string,
  { until = Number.MAX_SAFE_INTEGER }: EventSearch,
): Promise<{ readonly namespace: string; readonly name: string } | null> {
  const key = processKey(execId);
  const decoder = recorder.decoder();
  for await (const block of recorder.blocks({ from: 0, to: until, newestFirst: true }, b => holds(b, key))) {
    for (const { event } of await block.events(decoder))
      if (isProcessEvent(event) && event.process.execId === execId) return event.process.pod;
  }
  return null;
}

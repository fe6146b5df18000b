/** A warm start: the recorder's log is lived through again, so that nothing that was pending is forgotten by a restart. */
import type { AlertChange } from '../alerts/alert.ts';
import { restoreSince } from '../alerts/alerting.ts';
import type { Engine, Step } from '../engine.ts';
import type { Micros } from '../model/time.ts';
import type { FlightRecorder } from '../recorder/recorder.ts';
import type { Store } from '../store/store.ts';
import { storedMemory } from './memory.ts';
import { OVERLAP_EVENTS_MAX, type Overlap } from './overlap.ts';

/** Name of the store's text that says how far into the log everything that came of it is stored. */
const STATE = 'recorder';
/** The newest gaps that are stored: those that can grow, and those that lie in the windows of what is pending. */
const GAPS_RESTORED = 200;
const INCOMPLETE = ' incomplete';

export interface LogPosition {
  /** Number of an event in the log; 0 before the first. */
  readonly seq: number;
  /** The log lacks events whose findings may be stored. */
  readonly incomplete: boolean;
}

/** Null in a database that has seen no recorder. */
export async function storedPosition(store: Pick<Store, 'state'>): Promise<LogPosition | null> {
  const text = await store.state(STATE);
  return text === null ? null : { seq: Number.parseInt(text, 10) || 0, incomplete: text.endsWith(INCOMPLETE) };
}

/** What is committed together with the findings of the events up to `position`. */
export function positionState({ seq, incomplete }: LogPosition): ReadonlyMap<string, string> {
  return new Map([[STATE, `${seq}${incomplete ? INCOMPLETE : ''}`]]);
}

export interface Warmth {
  /** Events that were lived through. */
  readonly events: number;
  /** What was found before the restart, or never looked for, and is not stored yet. */
  readonly changes: readonly AlertChange[];
  /** Newest flow's event time, or null. */
  readonly newestFlow: Micros | null;
}

/** Restores the alert stage from the store, then the rest of the engine from the log, which is put into `overlap`. */
export async function warmUp(
  engine: Engine,
  store: Pick<Store, 'alerts' | 'gaps' | 'recent' | 'state'>,
  recorder: Pick<FlightRecorder, 'restart' | 'position'> | null,
  overlap: Overlap,
  onStep: ((step: Step) => void) | undefined,
): Promise<Warmth> {
  const position = recorder === null ? null : await storedPosition(store);
  const exact = recorder !== null && (position === null || !position.incomplete);
  const [newest] = (await store.alerts({ limit: 1 }, null)).items;
  if (newest !== undefined) {
    // Alerts without a position were stored before there was a log.
    engine.alerting.restore(await store.recent(restoreSince(newest.last_seen)), exact && position !== null);
  }
  const known = await store.gaps({ limit: GAPS_RESTORED });
  const relived = engine.context.restoreGaps([...known.items].reverse());
  const memory = await storedMemory(engine, store);
  let remembered = false;
  // Of what was counted, the log brings back by itself what is as new as its first event.
  const remember = (before: Micros): void => {
    if (!remembered) engine.remember(memory, before);
    remembered = true;
  };
  const changes: AlertChange[] = [];
  let events = 0;
  let newestFlow: Micros | null = null;
  const repeatable = (recorder?.position ?? 0) - OVERLAP_EVENTS_MAX;
  for await (const recorded of recorder?.restart() ?? []) {
    for (const { seq, event } of recorded) {
      events++;
      if (seq > repeatable) overlap.add(event);
      if (event.kind === 'flow' && (newestFlow === null || event.time > newestFlow)) newestFlow = event.time;
      // Exec records from before the window only make ancestry whole: what they set off was found at their time.
      if (seq >= 0) remember(event.time);
      if (seq < 0) engine.context.observe(event);
      else if (seq <= (position?.seq ?? 0)) engine.relive(event);
      else {
        const step = engine.step(event);
        onStep?.(step);
        changes.push(...step.changes);
      }
    }
  }
  remember(Number.POSITIVE_INFINITY);
  relived();
  return { events, changes, newestFlow };
}

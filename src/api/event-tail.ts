/** The joined stream for one client as it happens: bounded in rate and in what waits, and what is passed over is counted. */
import type { Observation } from '../model/observation.ts';
import type { ApiLimits } from './config.ts';
import type { Scope } from './deps.ts';
import { eventView, visibleTo } from './event-view.ts';
import type { EventsPort } from './events-port.ts';
import type { TailSource } from './stream.ts';

type Limits = Pick<ApiLimits, 'tailEventsPerSecondMax' | 'tailHeldEventsMax'>;

const SLOT_MS = 100;

/** Server-sent `event`s, and `dropped` with how many fitted and were passed over. */
export function eventTail(
  events: EventsPort,
  wanted: (observation: Observation) => boolean,
  scope: Scope,
  limits: Limits,
): TailSource {
  const perSlot = Math.max(1, Math.floor((limits.tailEventsPerSecondMax * SLOT_MS) / 1_000));
  let held: string[] = [];
  let seq = 0;
  let dropped = 0;
  let slot = 0;
  let inSlot = 0;

  const isRoom = (): boolean => {
    const now = Math.floor(Date.now() / SLOT_MS);
    if (now !== slot) {
      slot = now;
      inSlot = 0;
    }
    return held.length < limits.tailHeldEventsMax && inSlot++ < perSlot;
  };
  return {
    begin: wake =>
      events.listen(observation => {
        const seen = visibleTo(observation, scope);
        if (seen === null || !wanted(seen)) return;
        if (isRoom()) {
          seq++;
          held.push(`event: event\ndata: ${JSON.stringify(eventView(`live-${seq}`, seen, events))}\n\n`);
        } else dropped++;
        wake();
      }),
    read: async (_from, limit) => {
      const texts = held.slice(0, limit);
      held = held.slice(limit);
      if (dropped > 0) texts.push(`event: dropped\ndata: ${JSON.stringify({ count: dropped })}\n\n`);
      dropped = 0;
      return { texts, seq: seq - held.length };
    },
  };
}

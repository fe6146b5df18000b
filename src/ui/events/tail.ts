/** The joined stream as it happens: newest first, bounded, with a pause that keeps what comes meanwhile. */
import { useEffect, useRef, useState } from 'react';
import type { EventView } from '../../api/contract.ts';

/** Shown at the most; older ones go, and are found in the past. */
const SHOWN_MAX = 5_000;
/** Kept while it is paused; then the oldest of them go, and are counted. */
const WAITING_MAX = 5_000;
/** Many events are one drawing. */
const GATHER_MS = 250;

export interface Tail {
  /** Newest first. */
  readonly items: readonly EventView[];
  /** Came while it is paused. */
  readonly waiting: number;
  /** Not shown, and not kept: there were too many at once. */
  readonly dropped: number;
  readonly state: 'connecting' | 'live' | 'lost';
}

const NOTHING: Tail = { items: [], waiting: 0, dropped: 0, state: 'connecting' };

/** `address` null: nothing is followed. What was shown goes when it changes. */
export function useTail(address: string | null, isPaused: boolean): Tail {
  const [tail, setTail] = useState(NOTHING);
  const paused = useRef(isPaused);
  paused.current = isPaused;
  useEffect(() => {
    setTail(NOTHING);
    if (address === null) return;
    let waiting: EventView[] = [];
    let dropped = 0;
    let drawn = '';
    const source = new EventSource(address);
    const state = (next: Tail['state']) => () => setTail(held => ({ ...held, state: next }));
    source.onopen = state('live');
    source.onerror = state('lost');
    source.addEventListener('event', ({ data }) => {
      waiting.push(JSON.parse(data) as EventView);
      if (waiting.length <= WAITING_MAX) return;
      waiting.shift();
      dropped++;
    });
    source.addEventListener('dropped', ({ data }) => {
      dropped += (JSON.parse(data) as { count: number }).count;
    });
    const timer = setInterval(() => {
      const fresh = paused.current ? [] : waiting.reverse();
      if (fresh.length > 0) waiting = [];
      const now = `${waiting.length} ${dropped}`;
      if (fresh.length === 0 && now === drawn) return;
      drawn = now;
      const counts = { waiting: waiting.length, dropped };
      setTail(held => ({ ...held, ...counts, items: [...fresh, ...held.items].slice(0, SHOWN_MAX) }));
    }, GATHER_MS);
    return () => {
      clearInterval(timer);
      source.close();
    };
  }, [address]);
  return tail;
}

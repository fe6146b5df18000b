/**
 * Floods of lost_events → at most one fact a second for each node and reason. Hubble may send tens of thousands a second; each
 * is counted, but only the sums go on.
 */
import type { StreamFact } from '../../model/event.ts';
import { lostFact } from '../gap.ts';
import type { Clock } from '../grpc/clock.ts';

const INTERVAL_MS = 1_000;
/** Nodes and reasons that are waiting at a time; further facts go on as they are. */
const WAITING_MAX = 10_000;

export class LostEvents {
  readonly #clock: Clock;
  readonly #push: (fact: StreamFact) => void;
  /** Facts summed since the last one that went on; null: nothing since. */
  readonly #waiting = new Map<string, StreamFact | null>();
  #cancel: (() => void) | null = null;

  constructor(clock: Clock, push: (fact: StreamFact) => void) {
    this.#clock = clock;
    this.#push = push;
  }

  add(fact: StreamFact): void {
    const key = `${fact.cluster}/${fact.node} ${fact.reason}`;
    const sum = this.#waiting.get(key);
    if (sum === undefined) {
      this.#push(fact);
      if (this.#waiting.size < WAITING_MAX) this.#waiting.set(key, null);
      this.#cancel ??= this.#clock.after(INTERVAL_MS, () => this.#tick());
    } else this.#waiting.set(key, sum === null ? fact : added(sum, fact));
  }

  /** Nobody listens any more. What waits was counted when it came. */
  close(): void {
    this.#cancel?.();
    this.#waiting.clear();
  }

  #tick(): void {
    this.#cancel = null;
    for (const [key, fact] of this.#waiting) {
      if (fact === null) this.#waiting.delete(key);
      else {
        this.#waiting.set(key, null);
        this.#push(fact);
      }
    }
    if (this.#waiting.size > 0) this.#cancel = this.#clock.after(INTERVAL_MS, () => this.#tick());
  }
}

function added(a: StreamFact, b: StreamFact): StreamFact {
  const newest = b.time > a.time ? b : a;
  return lostFact(
    { source: a.source, node: a.node, cluster: a.cluster, sensor: a.sensor },
    { reason: a.reason, count: a.count + b.count, from: Math.min(a.from, b.from), to: Math.max(a.to, b.to) },
    { time: newest.time, ns: newest.ns },
  );
}

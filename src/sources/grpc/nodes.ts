/** When each node was last heard of, whichever connection brought it: the start of the gap that a reconnect leaves. */
import type { Event, StreamFact } from '../../model/event.ts';
import type { Micros } from '../../model/time.ts';
import { reconnectGap, sensorOf } from '../gap.ts';

/** Nodes that are remembered; the one first heard of is forgotten first. */
const NODES_MAX = 10_000;

export class Nodes {
  readonly #newest = new Map<string, { time: Micros }>();
  #key = '';
  #last: { time: Micros } | null = null;

  /** Time of the newest event of a node, or null. */
  newest(node: string): Micros | null {
    return this.#newest.get(node)?.time ?? null;
  }

  remember(event: Event): void {
    if (this.#last === null || this.#key !== event.node) {
      this.#last = this.#entry(event.node, event.time);
      this.#key = event.node;
    }
    if (event.time > this.#last.time) this.#last.time = event.time;
  }

  /** The gap that ends with `event`, the first of its node after a reconnect; null when the node was never heard of. */
  gapBefore(event: Event, from = this.newest(event.node)): StreamFact | null {
    if (from === null || this.newest(event.node) === null) return null;
    const { source, node, cluster } = event;
    return reconnectGap({ source, node, cluster, sensor: sensorOf(event) }, from, event);
  }

  names(): string[] {
    return [...this.#newest.keys()];
  }

  #entry(node: string, time: Micros): { time: Micros } {
    const known = this.#newest.get(node);
    if (known !== undefined) return known;
    const entry = { time };
    this.#newest.set(node, entry);
    if (this.#newest.size > NODES_MAX) {
      for (const first of this.#newest.keys()) {
        this.#newest.delete(first);
        break;
      }
    }
    return entry;
  }
}

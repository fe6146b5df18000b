/** Playing a capture at a multiple of its own speed. */
import type { Event } from '../../model/event.ts';
import type { Micros } from '../../model/time.ts';

/** Silences longer than this are cut short … */
const GAP_MS_MAX = 30_000;
/** … to this. */
const GAP_MS_CUT = 1_000;

/** Time as a source needs it; injected in tests. */
export interface Timing {
  /** Milliseconds of a clock that never goes back. */
  now(): number;
  /** Resolves after `ms`, or at once when the signal aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

export const realTiming: Timing = {
  now: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise(resolve => {
      if (signal.aborted) return resolve();
      const finish = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', finish);
        resolve();
      };
      const timer = setTimeout(finish, ms);
      signal.addEventListener('abort', finish, { once: true });
    }),
};

/** When each event is due. The agent's boot scan, whose times lie far back, is not waited for. */
export class Pace {
  readonly #speed: number;
  readonly #timing: Timing;
  #previous: Micros | null = null;
  #dueMs = 0;

  constructor(speed: number, timing: Timing) {
    this.#speed = speed;
    this.#timing = timing;
  }

  /** Milliseconds to wait before `event` is due, given its place in the merge; call once per event, in order. */
  waitMs(event: Event, key: Micros): number {
    if (this.#previous === null) {
      if (isBootScan(event)) return 0;
      this.#previous = key;
      this.#dueMs = this.#timing.now();
      return 0;
    }
    const gapMs = Math.max(0, key - this.#previous) / 1_000;
    this.#previous = Math.max(key, this.#previous);
    this.#dueMs += (gapMs > GAP_MS_MAX ? GAP_MS_CUT : gapMs) / this.#speed;
    return Math.max(0, this.#dueMs - this.#timing.now());
  }
}

function isBootScan(event: Event): boolean {
  return event.kind === 'node_status' || (event.kind === 'process_exec' && event.process.flags.includes('procFS'));
}

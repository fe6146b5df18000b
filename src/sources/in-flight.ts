/** Batches that a consumer has and has not yet marked as done: what a source waits on before it reads further. */

/** Events a batch at most, for every source. */
export const BATCH_EVENTS_MAX = 512;

/** Batches that may be under way at once: one being processed, and the next ones ready. */
const BATCHES_IN_FLIGHT_MAX = 4;

export class InFlight {
  /** Batches, or what their weights are measured in. */
  readonly max: number;
  #count = 0;
  #waiting: (() => void)[] = [];

  constructor(max: number = BATCHES_IN_FLIGHT_MAX) {
    this.max = max;
  }

  get count(): number {
    return this.#count;
  }

  /** Begins a batch; returns its `done`, which counts once however often it is called. */
  begin(onDone?: () => void, weight = 1): () => void {
    this.#count += weight;
    let open = true;
    return () => {
      if (!open) return;
      open = false;
      this.#count -= weight;
      onDone?.();
      this.#wake();
    };
  }

  /** Resolves when another batch may begin, or when `signal` aborts. */
  async free(signal: AbortSignal): Promise<void> {
    await this.#until(() => this.#count < this.max, signal);
  }

  /** Resolves when every batch is done, or when `signal` aborts. */
  async idle(signal: AbortSignal): Promise<void> {
    await this.#until(() => this.#count === 0, signal);
  }

  async #until(condition: () => boolean, signal: AbortSignal): Promise<void> {
    if (condition() || signal.aborted) return;
    const wake = () => this.#wake();
    signal.addEventListener('abort', wake, { once: true });
    while (!condition() && !signal.aborted) await new Promise<void>(resolve => this.#waiting.push(resolve));
    signal.removeEventListener('abort', wake);
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

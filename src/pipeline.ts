/**
 * From sources to stored alerts: merges batches into one event-time order, folds them, hands what fired to the store, and tells a
 * source that a batch is done only when everything that came of it is stored. RxJS carries batches; events go in plain loops.
 */
import type { Subscription } from 'rxjs';
import type { AlertChange } from './alerts/alert.ts';
import { Orderer } from './context/order.ts';
import type { Engine, Step } from './engine.ts';
import type { Event } from './model/event.ts';
import type { Batch, Source } from './sources/source.ts';

export interface PipelineOptions {
  readonly engine: Engine;
  readonly sources: readonly Source[];
  /** Null when the one source is in event-time order already. */
  readonly ordering: { readonly latenessMs: number; readonly eventsMax: number } | null;
  /** Sees every step, in order, before its changes are stored. Must not throw. */
  readonly onStep?: (step: Step) => void;
  /**
   * Appends events that were processed to a log, in order; `safe` resolves when they outlive this process, and never rejects.
   * What came of them is stored after that, so that the log always reaches as far as the store does.
   */
  readonly record?: (events: readonly Event[]) => { readonly position: number; readonly safe: Promise<void> };
  /**
   * Resolves once the changes are safe; called in order, one call at a time. `position`: that of the last event in the log
   * when they were made, 0 without a log. Absent: nothing is kept.
   */
  readonly store?: (changes: readonly AlertChange[], position: number) => Promise<void>;
  /**
   * Called after each fold; what it answers is called once everything that came of the events so far is stored, and before
   * anything later is.
   */
  readonly checkpoint?: () => (() => Promise<void>) | null;
  /** A source that can never work; the others go on. */
  readonly onSourceFailed?: (source: Source, error: Error) => void;
}

interface PendingBatch {
  readonly batch: Batch;
  /** Newest event time in it, micros. */
  readonly newest: number;
}

interface Feed {
  readonly source: Source;
  subscription: Subscription | null;
  /** Batches since the last look at idleness. */
  busy: boolean;
}

export class Pipeline {
  readonly #options: PipelineOptions;
  readonly #orderer: Orderer | null;
  readonly #feeds: Feed[];
  readonly #drained: Event[] = [];
  /** Taken, but with events that still wait in the orderer. */
  #waiting: PendingBatch[] = [];
  #storing: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | null = null;
  #watermark: number | null = null;
  #outOfOrder = 0;
  #open = 0;
  #finished: (() => void) | null = null;
  #failed: ((error: Error) => void) | null = null;
  /** Events folded so far, by kind. */
  readonly events = new Map<string, number>();

  constructor(options: PipelineOptions) {
    this.#options = options;
    this.#orderer = options.ordering === null ? null : new Orderer(options.ordering);
    this.#feeds = options.sources.map(source => ({ source, subscription: null, busy: false }));
  }

  /** Events that came later than the lateness bound allows (without ordering: after a later one); folded in all the same. */
  get late(): number {
    return this.#orderer?.stats().late ?? this.#outOfOrder;
  }

  /** Event time up to which all is processed, micros; null before the first event. */
  get watermark(): number | null {
    return this.#watermark;
  }

  /** Events that wait for their turn. */
  get held(): number {
    return this.#orderer?.stats().held ?? 0;
  }

  /** Resolves when every source has ended and all is stored, or after `stop`; rejects when storing fails for good. */
  run(): Promise<void> {
    const result = new Promise<void>((resolve, reject) => {
      this.#finished = resolve;
      this.#failed = reject;
    });
    this.#open = this.#feeds.length;
    if (this.#orderer !== null) this.#watchIdleness(this.#options.ordering?.latenessMs ?? 0);
    // Known from the start: nobody goes ahead of a source that has not told of its first event yet.
    for (const { source } of this.#feeds) this.#orderer?.setIdle(source.name, false);
    for (const feed of this.#feeds) {
      feed.subscription = feed.source.batches().subscribe({
        next: batch => this.#take(feed, batch),
        error: (error: Error) => {
          this.#options.onSourceFailed?.(feed.source, error);
          this.#end(feed);
        },
        complete: () => this.#end(feed),
      });
    }
    if (this.#feeds.length === 0) this.#finish();
    return result;
  }

  /** Stops reading, folds what waits, and resolves when all is stored. */
  async stop(): Promise<void> {
    for (const feed of this.#feeds) feed.subscription?.unsubscribe();
    this.#finish();
    await this.#storing;
  }

  #take(feed: Feed, batch: Batch): void {
    const orderer = this.#orderer;
    if (orderer === null) {
      this.#fold(batch.events, [batch]);
      return;
    }
    feed.busy = true;
    orderer.setIdle(feed.source.name, false);
    let newest = 0;
    for (const event of batch.events) {
      orderer.push(event, feed.source.name);
      if (event.time > newest) newest = event.time;
    }
    // A file is on disk and read on from its kept position, and who pushes can be asked to wait; what a sensor streams is
    // safe nowhere else, so there the bound on waiting events is the orderer's own.
    if (feed.source.type === 'file' || feed.source.type === 'ingest') this.#waiting.push({ batch, newest });
    else batch.done();
    this.#drain();
  }

  #drain(all = false): void {
    const orderer = this.#orderer as Orderer;
    const events = this.#drained;
    events.length = 0;
    orderer.drain(events, all);
    const watermark = all ? Number.POSITIVE_INFINITY : orderer.watermark();
    const ready: Batch[] = [];
    if (this.#waiting.length > 0) {
      this.#waiting = this.#waiting.filter(({ batch, newest }) => {
        if (newest > watermark) return true;
        ready.push(batch);
        return false;
      });
    }
    this.#fold(events, ready);
  }

  #fold(events: readonly Event[], finished: readonly Batch[]): void {
    const { engine, onStep, record, store } = this.#options;
    const changes: AlertChange[] = [];
    for (const event of events) {
      this.events.set(event.kind, (this.events.get(event.kind) ?? 0) + 1);
      if (this.#watermark === null || event.time >= this.#watermark) this.#watermark = event.time;
      else this.#outOfOrder += 1;
      const step = engine.step(event);
      if (onStep !== undefined) onStep(step);
      if (step.changes.length > 0) changes.push(...step.changes);
    }
    const recorded = record?.(events);
    const checkpoint = events.length === 0 ? null : (this.#options.checkpoint?.() ?? null);
    // Nothing to store, but what earlier batches gave may still be on its way: positions must not overtake it.
    if (finished.length > 0 || (changes.length > 0 && store !== undefined) || checkpoint !== null)
      this.#afterStoring(finished, changes, recorded, checkpoint);
  }

  #afterStoring(
    finished: readonly Batch[],
    changes: readonly AlertChange[],
    recorded: { readonly position: number; readonly safe: Promise<void> } | undefined,
    checkpoint: (() => Promise<void>) | null,
  ): void {
    const { store } = this.#options;
    if (store === undefined && recorded === undefined && checkpoint === null) {
      for (const batch of finished) batch.done();
      return;
    }
    this.#storing = this.#storing
      .then(() => recorded?.safe)
      .then(() => (changes.length === 0 ? undefined : store?.(changes, recorded?.position ?? 0)))
      .then(() => checkpoint?.())
      .then(() => {
        for (const batch of finished) batch.done();
      });
    this.#storing.catch((error: Error) => this.#failed?.(error));
  }

  #end(feed: Feed): void {
    this.#orderer?.setIdle(feed.source.name, true);
    this.#open -= 1;
    if (this.#open === 0) this.#finish();
  }

  #finish(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    if (this.#orderer !== null) {
      this.#drain(true);
    }
    this.#storing.then(() => this.#finished?.()).catch(() => undefined);
  }

  /** A silent source must not hold the others back for longer than the lateness bound. */
  #watchIdleness(latenessMs: number): void {
    this.#timer = setInterval(
      () => {
        for (const feed of this.#feeds) {
          if (!feed.busy) this.#orderer?.setIdle(feed.source.name, true);
          feed.busy = false;
        }
        this.#drain();
      },
      Math.max(latenessMs, 10),
    );
    this.#timer.unref();
  }
}

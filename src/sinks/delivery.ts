/**
 * The delivery loop of one sink: lease from the outbox, attempt, mark. It alone retries, limits and counts, so every sink behaves
 * the same under failure, and what one receiver does never delays another's loop.
 */
import { type Batch, batchesOf } from './batch.ts';
import type { Lease, Outbox } from './outbox.ts';
import type { Delivery, SendResult, Sink } from './sink.ts';

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls `run` once after `ms`; the answer cancels. */
  after(ms: number, run: () => void): () => void;
}

export interface DeliverySettings {
  readonly timeoutMs: number;
  readonly concurrency: number;
  readonly ratePerSecond: number;
  /** Attempts before a delivery becomes a dead letter. */
  readonly attemptsMax: number;
}

export interface DeliveryDeps {
  readonly outbox: Outbox;
  readonly clock: Clock;
  /** 0 ≤ n < 1. */
  random(): number;
  /** The receiver wants nothing any more (410), or leads nowhere that it may. */
  onDisabled(sink: string, detail: string): void;
  log(level: 'info' | 'warn' | 'error', message: string, fields: Readonly<Record<string, unknown>>): void;
}

export const DELIVERY_LIMITS = {
  backoffMsBase: 1_000,
  backoffMsMin: 100,
  backoffMsMax: 30 * 60_000,
  /** A failing receiver is left alone at most so long without asking for it: one bad delivery must not stop the good ones. */
  holdMsMax: 30_000,
  pollMsMin: 200,
  pollMsMax: 2_000,
  leasesMax: 32,
  /** Incidents whose later deliveries wait for an earlier one. */
  waitingMax: 10_000,
  stopGraceMs: 5_000,
} as const;

/** Counted from the start of the program. */
export interface DeliveryCounters {
  attempts: number;
  delivered: number;
  retried: number;
  dead: number;
  timeouts: number;
  storeErrors: number;
}

export interface DeliveryStatus {
  readonly name: string;
  readonly type: string;
  /** By the last attempt that was settled; `idle`: none since the start. */
  readonly state: 'idle' | 'ok' | 'failing' | 'disabled';
  /** Last result in plain words, or ''. */
  readonly detail: string;
  readonly lastSuccessMs: number | null;
  readonly lastFailureMs: number | null;
  readonly inFlight: number;
  readonly counters: Readonly<DeliveryCounters>;
}

/** Exponential, full jitter: anything from nothing to twice as long as the time before. */
export function backoffMs(attempts: number, random: number): number {
  const { backoffMsBase, backoffMsMax, backoffMsMin } = DELIVERY_LIMITS;
  const ceiling = Math.min(backoffMsBase * 2 ** Math.min(attempts, 30), backoffMsMax);
  return Math.max(Math.round(ceiling * random), backoffMsMin);
}

export class DeliveryLoop {
  readonly #sink: Sink;
  readonly #settings: DeliverySettings;
  readonly #deps: DeliveryDeps;
  readonly #counters: DeliveryCounters = {
    attempts: 0,
    delivered: 0,
    retried: 0,
    dead: 0,
    timeouts: 0,
    storeErrors: 0,
  };
  readonly #inFlight = new Set<Promise<void>>();
  /** Incidents with an attempt under way: told in order. */
  readonly #busy = new Set<string>();
  /** Incident → its earliest delivery that waits for a retry: what came later waits as well, so that no resolve overtakes its trigger. */
  readonly #waiting = new Map<string, { readonly id: number; readonly untilMs: number }>();
  readonly #controllers = new Set<AbortController>();
  #ready: Batch[] = [];
  #leasedUntilMs = 0;
  #state: 'idle' | 'running' | 'stopping' | 'aborted' = 'idle';
  #pumping: Promise<void> | null = null;
  #again = false;
  #cancelTimer: () => void = () => {};
  #holdUntilMs = 0;
  #nextSendMs = 0;
  #failures = 0;
  #health: DeliveryStatus['state'] = 'idle';
  #detail = '';
  #lastSuccessMs: number | null = null;
  #lastFailureMs: number | null = null;

  constructor(sink: Sink, settings: DeliverySettings, deps: DeliveryDeps) {
    this.#sink = sink;
    this.#settings = settings;
    this.#deps = deps;
  }

  start(): void {
    if (this.#state !== 'idle') return;
    this.#state = 'running';
    this.wake();
  }

  /** Something may be due: call it after a commit. Cheap, never throws. */
  wake(): void {
    if (this.#state !== 'running') return;
    this.#again = true;
    this.#pumping ??= this.#pump();
  }

  /** Lets attempts under way finish for `graceMs`, then aborts them; whatever is not settled goes back to the outbox. */
  async stop(graceMs: number = DELIVERY_LIMITS.stopGraceMs): Promise<void> {
    if (this.#state === 'running') {
      this.#state = 'stopping';
      this.#cancelTimer();
      await this.#pumping;
      await this.#releaseReady(0);
      const cancel = this.#deps.clock.after(graceMs, () => {
        this.#state = 'aborted';
        for (const controller of this.#controllers) controller.abort();
      });
      await Promise.all(this.#inFlight);
      cancel();
    }
    await this.#sink.close();
  }

  /** Sends it past the outbox, once. What comes of it is known of the sink as of any attempt, but disables nothing. */
  async test(delivery: Delivery, signal: AbortSignal): Promise<SendResult> {
    let result: SendResult;
    try {
      result = await this.#sink.send(delivery, signal);
    } catch {
      result = { outcome: 'retry', detail: 'the sink failed unexpectedly' };
    }
    if (this.#health === 'disabled') return result;
    this.#detail = result.detail;
    if (result.outcome === 'delivered') this.#succeeded();
    else this.#failed();
    return result;
  }

  status(): DeliveryStatus {
    return {
      name: this.#sink.name,
      type: this.#sink.type,
      state: this.#health,
      detail: this.#detail,
      lastSuccessMs: this.#lastSuccessMs,
      lastFailureMs: this.#lastFailureMs,
      inFlight: this.#inFlight.size,
      counters: { ...this.#counters },
    };
  }

  async #pump(): Promise<void> {
    while (this.#again && this.#state === 'running') {
      this.#again = false;
      try {
        await this.#step();
      } catch (error) {
        this.#storeFailed(error);
        this.#wakeIn(DELIVERY_LIMITS.pollMsMax);
      }
    }
    this.#pumping = null;
  }

  async #step(): Promise<void> {
    if (this.#health === 'disabled') return;
    const { outbox, clock } = this.#deps;
    if (this.#holdUntilMs > clock.now()) {
      await this.#releaseReady(this.#holdUntilMs - clock.now());
      return this.#wakeIn(this.#holdUntilMs - clock.now());
    }
    if (this.#ready.length > 0 && clock.now() + this.#settings.timeoutMs > this.#leasedUntilMs) this.#ready = [];
    if (this.#ready.length === 0) {
      const due = await outbox.nextDue(this.#sink.name);
      if (due === null || due > clock.now())
        return this.#wakeIn(due === null ? DELIVERY_LIMITS.pollMsMax : due - clock.now());
      await this.#lease();
      // Due, yet not to be had: held by another lease, or the store's clock is behind ours. Asking at once would spin.
      if (this.#ready.length === 0) return this.#wakeIn(DELIVERY_LIMITS.pollMsMin);
    }
    while (this.#ready.length > 0 && this.#inFlight.size < this.#settings.concurrency && this.#state === 'running') {
      const wait = this.#nextSendMs - clock.now();
      if (wait > 0) return this.#wakeIn(wait);
      const next = this.#ready.findIndex(({ incident_id }) => incident_id === '' || !this.#busy.has(incident_id));
      if (next < 0) return;
      const [batch] = this.#ready.splice(next, 1) as [Batch];
      const blocker = this.#waiting.get(batch.incident_id);
      if (blocker !== undefined && blocker.id < (batch.ids[0] as number) && blocker.untilMs > clock.now()) {
        await outbox.release(batch.ids, blocker.untilMs - clock.now());
      } else {
        this.#nextSendMs = Math.max(clock.now(), this.#nextSendMs) + 1_000 / this.#settings.ratePerSecond;
        this.#begin(batch);
      }
    }
    // With all slots taken, the attempt that ends first wakes the loop.
    if (this.#inFlight.size < this.#settings.concurrency) this.#again = true;
  }

  async #lease(): Promise<void> {
    const { timeoutMs, concurrency, ratePerSecond } = this.#settings;
    // As short as can be: after a crash, what was leased waits for this long.
    const leaseMs = timeoutMs + 15_000;
    // No more than can be sent well before the lease runs out.
    const limit = Math.min(Math.max(concurrency, Math.ceil(ratePerSecond * 5)), DELIVERY_LIMITS.leasesMax);
    this.#leasedUntilMs = this.#deps.clock.now() + leaseMs;
    const leases = await this.#deps.outbox.lease(this.#sink.name, limit, leaseMs);
    const gone = leases.filter(({ signal, alert }) => signal === 'alert' && alert === null);
    if (gone.length > 0) await this.#dead(idsOf(gone), 'the alert was deleted by retention');
    this.#ready = batchesOf(leases.filter(lease => !gone.includes(lease)));
  }

  #begin(batch: Batch): void {
    if (batch.incident_id !== '') this.#busy.add(batch.incident_id);
    const attempt: Promise<void> = this.#attempt(batch).finally(() => {
      this.#inFlight.delete(attempt);
      this.#busy.delete(batch.incident_id);
      this.wake();
    });
    this.#inFlight.add(attempt);
  }

  async #attempt(batch: Batch): Promise<void> {
    let delivery: Delivery;
    try {
      delivery = await this.#rendered(batch);
    } catch (error) {
      // Nothing was sent; the lease runs out by itself.
      return this.#storeFailed(error);
    }
    this.#counters.attempts += 1;
    const result = await this.#send(delivery);
    // A store that cannot write now must not make this delivery forgotten: it is marked as soon as it can.
    while (true) {
      try {
        return await this.#settle(batch, result);
      } catch (error) {
        this.#storeFailed(error);
        if (this.#state !== 'running') return;
        await new Promise<void>(resolve => this.#deps.clock.after(DELIVERY_LIMITS.pollMsMax, resolve));
      }
    }
  }

  /** With what is sent now and at every later attempt: it is kept before anybody can have received it. */
  async #rendered({ ids, delivery }: Batch): Promise<Delivery> {
    if (this.#sink.render === undefined || delivery.body !== undefined) return delivery;
    const body = this.#sink.render(delivery);
    await this.#deps.outbox.keepMessage(ids, { key: delivery.id, body });
    return { ...delivery, body };
  }

  /** The sink's own answer, or `retry` when it throws or is still at it after the timeout. */
  async #send(delivery: Delivery): Promise<SendResult> {
    const controller = new AbortController();
    this.#controllers.add(controller);
    const late = new Promise<SendResult>(resolve => {
      controller.signal.addEventListener('abort', () => resolve({ outcome: 'retry', detail: 'timed out' }));
    });
    const cancel = this.#deps.clock.after(this.#settings.timeoutMs, () => {
      this.#counters.timeouts += 1;
      controller.abort();
    });
    try {
      return await Promise.race([this.#sink.send(delivery, controller.signal), late]);
    } catch {
      // What a broken sink throws may hold anything, secrets too.
      return { outcome: 'retry', detail: 'the sink failed unexpectedly' };
    } finally {
      cancel();
      this.#controllers.delete(controller);
    }
  }

  async #settle(batch: Batch, { outcome, detail, retryAfterMs }: SendResult): Promise<void> {
    const { outbox, clock, random } = this.#deps;
    const { ids, incident_id } = batch;
    this.#detail = detail;
    if (outcome === 'delivered') {
      await outbox.delivered(ids);
      this.#counters.delivered += ids.length;
      this.#succeeded();
      this.#unblock(batch);
      return;
    }
    if (this.#state === 'aborted' && outcome === 'retry') return outbox.release(ids, 0);
    this.#failed();
    const attempts = batch.delivery.attempt;
    if (outcome === 'retry' && attempts < this.#settings.attemptsMax) {
      const afterMs = Math.max(retryAfterMs ?? 0, backoffMs(attempts - 1, random()));
      await outbox.retry(ids, afterMs, detail);
      this.#counters.retried += ids.length;
      this.#block(incident_id, ids[0] as number, clock.now() + afterMs);
      this.#failures += 1;
      const holdMs = retryAfterMs ?? this.#breakerMs(random());
      this.#holdUntilMs = Math.max(this.#holdUntilMs, clock.now() + holdMs);
      this.#deps.log('warn', 'delivery will be retried', { sink: this.#sink.name, attempts, afterMs, detail });
      return;
    }
    await this.#dead(ids, outcome === 'retry' ? `gave up after ${attempts} attempts: ${detail}` : detail);
    this.#unblock(batch);
    if (outcome === 'disable' && this.#health !== 'disabled') {
      this.#health = 'disabled';
      await this.#releaseReady(0);
      this.#deps.onDisabled(this.#sink.name, detail);
    }
  }

  // An attempt that was under way when the sink was disabled does not bring it back.

  #succeeded(): void {
    this.#lastSuccessMs = this.#deps.clock.now();
    this.#failures = 0;
    if (this.#health !== 'disabled') this.#health = 'ok';
  }

  #failed(): void {
    this.#lastFailureMs = this.#deps.clock.now();
    if (this.#health !== 'disabled') this.#health = 'failing';
  }

  /** One failure may be the delivery's own fault; several in a row are the receiver's. */
  #breakerMs(random: number): number {
    return this.#failures < 2 ? 0 : Math.min(backoffMs(this.#failures - 2, random), DELIVERY_LIMITS.holdMsMax);
  }

  async #dead(ids: readonly number[], detail: string): Promise<void> {
    await this.#deps.outbox.dead(ids, detail);
    this.#counters.dead += ids.length;
    this.#deps.log('error', 'delivery is a dead letter', { sink: this.#sink.name, deliveries: ids, detail });
  }

  #block(incidentId: string, id: number, untilMs: number): void {
    if (incidentId === '') return;
    const earlier = this.#waiting.get(incidentId);
    if (earlier === undefined || id <= earlier.id) this.#waiting.set(incidentId, { id, untilMs });
    if (this.#waiting.size > DELIVERY_LIMITS.waitingMax)
      this.#waiting.delete(this.#waiting.keys().next().value as string);
  }

  #unblock({ incident_id, ids }: Batch): void {
    const blocker = this.#waiting.get(incident_id);
    if (blocker !== undefined && ids.includes(blocker.id)) this.#waiting.delete(incident_id);
  }

  async #releaseReady(afterMs: number): Promise<void> {
    const ids = this.#ready.flatMap(batch => batch.ids);
    this.#ready = [];
    try {
      if (ids.length > 0) await this.#deps.outbox.release(ids, afterMs);
    } catch (error) {
      // The leases run out by themselves.
      this.#storeFailed(error);
    }
  }

  #storeFailed(error: unknown): void {
    this.#counters.storeErrors += 1;
    const detail = error instanceof Error ? error.message : 'unknown';
    this.#deps.log('error', 'the outbox cannot be used', { sink: this.#sink.name, detail });
  }

  #wakeIn(ms: number): void {
    this.#cancelTimer();
    const capped = Math.min(Math.max(ms, 1), DELIVERY_LIMITS.pollMsMax);
    this.#cancelTimer = this.#deps.clock.after(capped, () => this.wake());
  }
}

const idsOf = (leases: readonly Lease[]): number[] => leases.map(({ id }) => id);

export const systemClock: Clock = {
  now: () => Date.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

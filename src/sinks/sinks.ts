/** All sinks of a running program with their delivery loops: those of the configuration, and subscriptions made through the API. */
import { createSink, type SinkConfig } from './create.ts';
import { type DeliveryDeps, DeliveryLoop, type DeliverySettings, type DeliveryStatus } from './delivery.ts';
import type { SinkDeps } from './deps.ts';
import { refuseResolved } from './http.ts';
import type { SendResult, Sink } from './sink.ts';
import { testDelivery } from './test-delivery.ts';
import { createSubscription } from './webhook.ts';

export type SinksDeps = SinkDeps & DeliveryDeps;

/** A webhook that a user of the API set up. */
export interface Subscription {
  readonly id: string;
  readonly url: string;
  /** `whsec_…` texts, newest first: each signs. */
  secrets(): Promise<readonly string[]>;
}

const SUBSCRIPTION_SETTINGS: DeliverySettings = {
  timeoutMs: 15_000,
  concurrency: 2,
  ratePerSecond: 10,
  attemptsMax: 100,
};

interface Running {
  readonly sink: Sink;
  readonly loop: DeliveryLoop;
  /** What it was made from: a subscription whose URL changed is made anew. */
  readonly url: string;
}

export class Sinks {
  readonly #deps: SinksDeps;
  readonly #running = new Map<string, Running>();
  readonly #configured: readonly string[];
  #started = false;
  #stopped = false;
  #changing: Promise<void> = Promise.resolve();

  /** Opens nothing yet: connections and files come with the first delivery. */
  constructor(configs: Readonly<Record<string, SinkConfig>>, deps: SinksDeps) {
    this.#deps = deps;
    this.#configured = Object.keys(configs);
    for (const [name, config] of Object.entries(configs)) {
      this.#add(createSink(name, config, deps), settingsOf(config), '');
    }
  }

  start(): void {
    this.#started = true;
    for (const { loop } of this.#running.values()) loop.start();
  }

  /** After every commit that queued something, and after a replay. */
  wake(): void {
    for (const { loop } of this.#running.values()) loop.wake();
  }

  async stop(graceMs?: number): Promise<void> {
    this.#stopped = true;
    await Promise.all([...this.#running.values()].map(({ loop }) => loop.stop(graceMs)));
  }

  /** Names of the sinks of the configuration: what routes may name. */
  get names(): readonly string[] {
    return this.#configured;
  }

  list(): DeliveryStatus[] {
    return [...this.#running.values()].map(({ loop }) => loop.status());
  }

  /** Sends a made-up alert past the outbox, once; null when there is no such sink. */
  async test(name: string, signal: AbortSignal): Promise<SendResult | null> {
    const running = this.#running.get(name);
    return running === undefined ? null : running.loop.test(testDelivery(name, this.#deps.now()), signal);
  }

  /** Makes the running subscriptions, called `webhook:<id>`, those of `wanted`: the enabled ones, after every change of them. */
  setSubscriptions(wanted: readonly Subscription[]): Promise<void> {
    // One after another: an older list must not win over a newer one.
    const done = this.#changing.then(() => this.#replaceSubscriptions(wanted));
    this.#changing = done.catch(() => {});
    return done;
  }

  async #replaceSubscriptions(wanted: readonly Subscription[]): Promise<void> {
    const urls = new Map(wanted.map(({ id, url }) => [`webhook:${id}`, url]));
    const gone = [...this.#running].filter(([name, { url }]) => url !== '' && urls.get(name) !== url);
    for (const [name] of gone) this.#running.delete(name);
    await Promise.all(gone.map(([, { loop }]) => loop.stop()));
    for (const { id, url, secrets } of wanted) {
      const name = `webhook:${id}`;
      if (this.#running.has(name)) continue;
      this.#add(createSubscription(name, { url: () => url, secrets }, this.#deps), SUBSCRIPTION_SETTINGS, url);
      void this.#checkTarget(name, url);
    }
  }

  /** Whoever made it hears at once, not at the first alert, that it can lead nowhere. */
  async #checkTarget(name: string, url: string): Promise<void> {
    const refused = await refuseResolved(url, this.#deps.lookup);
    if (refused !== null && !this.#stopped && this.#running.get(name)?.url === url)
      this.#deps.onDisabled(name, refused);
  }

  #add(sink: Sink, settings: DeliverySettings, url: string): void {
    const loop = new DeliveryLoop(sink, settings, this.#deps);
    this.#running.set(sink.name, { sink, loop, url });
    if (this.#started) loop.start();
  }
}

function settingsOf({ timeout, concurrency, rate, retry_attempts }: SinkConfig): DeliverySettings {
  return { timeoutMs: timeout, concurrency, ratePerSecond: rate, attemptsMax: retry_attempts };
}

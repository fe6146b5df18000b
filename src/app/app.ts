/** A running Spoor: sources → pipeline → store → sinks and API, started and stopped as one. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Registry } from 'prom-client';
import type { AlertChange } from '../alerts/alert.ts';
import { restoreSince } from '../alerts/alerting.ts';
import { API_LIMITS } from '../api/config.ts';
import { type Api, createApi } from '../api/server.ts';
import type { Config } from '../config/schema.ts';
import { Engine, type Step } from '../engine.ts';
import { LIMITS } from '../model/limits.ts';
import { MICROS_PER_MS } from '../model/time.ts';
import { Pipeline } from '../pipeline.ts';
import { Sinks, systemClock, unknownSinks } from '../sinks/index.ts';
import type { IngestSource } from '../sources/ingest/source.ts';
import { fileQuarantine } from '../sources/quarantine.ts';
import { BufferedStoreWriter } from '../store/buffered.ts';
import { openStore } from '../store/sqlite/open.ts';
import type { Store, Webhook } from '../store/store.ts';
import type { Log } from './log.ts';
import { type StoredOffsets, storedOffsets } from './offsets.ts';
import { entriesFor } from './outgoing.ts';
import { keepRules, type RuleKeeper } from './rule-keeper.ts';
import { buildSources } from './sources.ts';
import { engineStatus, ruleRecords } from './status.ts';

const PRUNE_MS = 10 * 60_000;

export interface AppOptions {
  readonly version: string;
  readonly log: Log;
  /** Sees every step, in order. */
  readonly onStep?: (step: Step) => void;
}

export class App {
  readonly engine: Engine;
  readonly pipeline: Pipeline;
  /** URL of the API, without a path. */
  address = '';
  readonly #config: Config;
  readonly #options: AppOptions;
  readonly #store: Store;
  readonly #writer: BufferedStoreWriter;
  readonly #offsets: StoredOffsets;
  readonly #sinks: Sinks;
  readonly #rules: RuleKeeper;
  readonly #ingest: IngestSource | null;
  readonly #sources: ReturnType<typeof buildSources>['sources'];
  readonly #alerts = new Map<string, number>();
  readonly #started = new Date().toISOString();
  #suppressed = 0;
  #webhooks: readonly Webhook[] = [];
  #gapsStored = 0;
  #api: Api | null = null;
  #pruning: NodeJS.Timeout | null = null;

  /** Opens, loads and connects everything; throws a plain message when something can never work. */
  static async start(config: Config, options: AppOptions): Promise<App> {
    for (const { route, sink } of unknownSinks(config.routes, Object.keys(config.sinks))) {
      throw new Error(
        `routes.${route}: no sink is called '${sink}'; there are: ${Object.keys(config.sinks).join(', ') || 'none'}`,
      );
    }
    const store = await openStore({ path: config.store.path, bytesMax: config.store.retention.size });
    try {
      const offsets = await storedOffsets(store, error =>
        options.log('error', 'positions could not be stored', { error: error.message }),
      );
      const app = new App(config, options, store, offsets);
      await app.#start();
      return app;
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  private constructor(config: Config, options: AppOptions, store: Store, offsets: StoredOffsets) {
    const { log } = options;
    this.#config = config;
    this.#options = options;
    this.#store = store;
    this.#offsets = offsets;
    this.#writer = new BufferedStoreWriter(store, { relieve: () => this.#prune() });
    const quarantine = fileQuarantine(
      config.store.path === ':memory:'
        ? join('data', 'quarantine.tsv')
        : join(dirname(config.store.path), 'quarantine.tsv'),
    );
    const built = buildSources(config.sources, name => offsets.for(name), quarantine);
    this.#sources = built.sources;
    this.#ingest = built.ingest;
    this.#rules = keepRules(config.rules, config.rules.watch, log, rules => this.engine.replaceRules(rules));
    this.engine = new Engine({
      rules: this.#rules.rules(),
      alerting: {
        suppress: config.detection.suppress * MICROS_PER_MS,
        incidentWindow: config.detection.incident_window * MICROS_PER_MS,
      },
    });
    this.#sinks = new Sinks(config.sinks, {
      now: Date.now,
      baseUrl: config.api.public_url ?? null,
      threads: {
        get: async key => (await store.state(key)) || null,
        set: async (key, value) => void (await store.commit({ entries: [], state: new Map([[key, value ?? '']]) })),
      },
      stdout: process.stdout,
      proxyEnv: process.env,
      outbox: store.outbox,
      clock: systemClock,
      random: Math.random,
      onDisabled: (sink, detail) => void this.#disable(sink, detail),
      log,
    });
    const only = built.sources.length === 1 ? built.sources[0] : undefined;
    this.pipeline = new Pipeline({
      engine: this.engine,
      sources: built.sources,
      // One capture is in order by itself.
      ordering:
        only?.type === 'capture' ? null : { latenessMs: config.detection.lateness, eventsMax: LIMITS.reorderEventsMax },
      ...(options.onStep === undefined ? {} : { onStep: options.onStep }),
      store: changes => this.#keep(changes),
      onSourceFailed: (source, error) =>
        log('error', 'a source cannot work; the others go on', { source: source.name, error: error.message }),
    });
  }

  /** Resolves when every source has ended (live ones never do), or after `stop`. */
  run(): Promise<void> {
    return this.pipeline.run();
  }

  async stop(): Promise<void> {
    this.#rules.stop();
    if (this.#pruning !== null) clearInterval(this.#pruning);
    await this.pipeline.stop();
    await this.#offsets.flush();
    if (!(await this.#writer.close()))
      this.#options.log('error', 'alerts could not be stored', { ...this.#writer.health() });
    await this.#sinks.stop();
    await this.#api?.close();
    await this.#store.close();
  }

  async #start(): Promise<void> {
    const [newest] = (await this.#store.alerts({ limit: 1 }, null)).items;
    if (newest !== undefined) this.engine.alerting.restore(await this.#store.recent(restoreSince(newest.last_seen)));
    await this.#readWebhooks();
    this.#sinks.start();
    this.#pruning = setInterval(() => void this.#prune(), PRUNE_MS);
    this.#pruning.unref();
    this.#api = await this.#createApi();
    this.address = await this.#api.listen();
  }

  async #keep(changes: readonly AlertChange[]): Promise<void> {
    for (const change of changes) {
      if (change.type === 'counted') this.#suppressed += 1;
      else this.#alerts.set(change.alert.rule.level, (this.#alerts.get(change.alert.rule.level) ?? 0) + 1);
    }
    const entries = entriesFor(changes, this.#config.routes, this.#sinks.names, this.#webhooks);
    await this.#writer.write({ entries, gaps: this.#newGaps() });
    if (entries.some(entry => entry.targets.length > 0)) this.#sinks.wake();
  }

  #newGaps() {
    const gaps = this.engine.context.gaps();
    const fresh = gaps.slice(Math.min(this.#gapsStored, gaps.length));
    this.#gapsStored = gaps.length;
    return fresh;
  }

  async #disable(sink: string, detail: string): Promise<void> {
    const id = sink.startsWith('webhook:') ? sink.slice('webhook:'.length) : null;
    if (id === null) return;
    await this.#store.webhooks.disable(id, detail);
    await this.#readWebhooks();
  }

  async #readWebhooks(): Promise<void> {
    this.#webhooks = await this.#store.webhooks.list(null);
    await this.#sinks.setSubscriptions(
      this.#webhooks
        .filter(webhook => webhook.enabled)
        .map(({ id, url }) => ({ id, url, secrets: () => this.#store.webhooks.secrets(id) })),
    );
  }

  async #prune(): Promise<void> {
    const { days, size } = this.#config.store.retention;
    try {
      const removed = await this.#store.prune({ daysMax: days, bytesMax: size });
      if (removed > 0) this.#options.log('info', 'old alerts removed', { removed });
    } catch (error) {
      this.#options.log('error', 'old alerts could not be removed', { error: (error as Error).message });
    }
  }

  #createApi(): Promise<Api> {
    const { context } = this.engine;
    const store = this.#store;
    const { listen, tls, admin_token_file: tokenFile, public_url: publicUrl } = this.#config.api;
    const colon = listen.lastIndexOf(':');
    let storeHealth = { ok: true, detail: '', bytes: 0 };
    const readHealth = async (): Promise<void> => {
      const { ok, detail, bytes } = await store.health();
      const writer = this.#writer.health();
      storeHealth = {
        ok: ok && writer.ok,
        detail: [detail, writer.detail].filter(text => text !== '').join('; '),
        bytes,
      };
    };
    const ingest = this.#ingest;
    return readHealth().then(() =>
      createApi(
        {
          store,
          live: {
            process: execId => context.process(execId),
            pod: (namespace, name) => context.pod(namespace, name),
            connections: () => [...context.connections()].reverse(),
          },
          ingest:
            ingest === null
              ? null
              : {
                  offer: (body, place) => ingest.offer(body, place),
                },
          sinks: {
            list: () => this.#sinks.list(),
            test: (name, signal) => this.#sinks.test(name, signal),
          },
          webhooksChanged: () => this.#readWebhooks(),
          rules: () => ruleRecords(this.#rules.rules(), this.engine),
          status: () => {
            void readHealth();
            return engineStatus({
              version: this.#options.version,
              started: this.#started,
              engine: this.engine,
              pipeline: this.pipeline,
              rules: this.#rules,
              sinks: this.#sinks,
              sources: this.#sources,
              alerts: this.#alerts,
              suppressed: this.#suppressed,
              store: storeHealth,
            });
          },
          unready: async () => {
            await readHealth();
            const failed = this.#sources.map(source => source.status()).filter(({ state }) => state === 'failed');
            return [
              ...(storeHealth.ok ? [] : [`the store cannot be written: ${storeHealth.detail}`]),
              ...failed.map(({ name, detail }) => `source ${name} cannot work: ${detail}`),
            ];
          },
          registry: new Registry(),
          log: this.#options.log,
        },
        {
          host: listen.slice(0, colon).replace(/^\[|\]$/g, ''),
          port: Number(listen.slice(colon + 1)),
          tls:
            tls?.cert_file && tls.key_file
              ? { cert: readFileSync(tls.cert_file, 'utf8'), key: readFileSync(tls.key_file, 'utf8') }
              : null,
          publicUrl: publicUrl ?? null,
          adminToken: () => (tokenFile === undefined ? null : readFileSync(tokenFile, 'utf8').trim()),
          limits: API_LIMITS,
        },
      ),
    );
  }
}

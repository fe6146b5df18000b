/** A running Spoor: sources → pipeline → store → sinks and API, started and stopped as one. */
import { dirname, join } from 'node:path';
import type { AlertChange } from '../alerts/alert.ts';
import type { Api } from '../api/server.ts';
import type { Config } from '../config/schema.ts';
import { Engine, type Step } from '../engine.ts';
import type { Gap } from '../model/gap.ts';
import { LIMITS } from '../model/limits.ts';
import { MICROS_PER_MS, MICROS_PER_SECOND } from '../model/time.ts';
import { Pipeline } from '../pipeline.ts';
import type { FlightRecorder } from '../recorder/recorder.ts';
import { Sinks, systemClock, unknownSinks } from '../sinks/index.ts';
import { IngestJournal } from '../sources/ingest/journal.ts';
import type { IngestSource } from '../sources/ingest/source.ts';
import { fileQuarantine } from '../sources/quarantine.ts';
import type { Source } from '../sources/source.ts';
import { BufferedStoreWriter } from '../store/buffered.ts';
import type { Silence } from '../store/silence.ts';
import { openStore } from '../store/sqlite/open.ts';
import type { Store, Webhook } from '../store/store.ts';
import { EventTail } from './event-tail.ts';
import { unreadableFiles } from './files.ts';
import type { Log } from './log.ts';
import { MemoryKeeper } from './memory.ts';
import { type StoredOffsets, storedOffsets } from './offsets.ts';
import { entriesFor } from './outgoing.ts';
import { Overlap, resumed } from './overlap.ts';
import { ingestFolder, openRecorder, replayedMs } from './recording.ts';
import { keepRules, type RuleKeeper } from './rule-keeper.ts';
import { openScratch, type Scratch } from './scratch/scratch.ts';
import { Sensors } from './sensors.ts';
import { openApi } from './serving.ts';
import { buildSources } from './sources.ts';
import { positionState, type Warmth, warmUp } from './warm.ts';
import { watchHealth } from './watch.ts';

const PRUNE_MS = 10 * 60_000;
const GAPS_MS = 5_000;
/** Of the events that rules look at, one of so many tells what each rule costs. */
const RULES_TIMED_EVERY = 127;
/** The file may grow beyond the size at which old alerts are deleted: deleting needs room too. */
const STORE_HEADROOM = 1.25;

/** How far before the newest recorded flow flows are asked for again: Relay delivers out of order. */
const FLOW_OVERLAP = 5 * MICROS_PER_SECOND;

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
  readonly #recorder: FlightRecorder | null;
  readonly #sinks: Sinks;
  readonly #rules: RuleKeeper;
  readonly #sensors = new Sensors();
  readonly #tail = new EventTail(error =>
    this.#options.log('error', 'a client can follow the events no longer', { error: error.message }),
  );
  readonly #memory: MemoryKeeper;
  readonly #ingest: IngestSource | null;
  /** Null where nothing is kept. */
  readonly #journal: IngestJournal | null;
  readonly #sources: readonly Source[];
  readonly #alerts = new Map<string, number>();
  readonly #started = new Date().toISOString();
  #suppressed = 0;
  #webhooks: readonly Webhook[] = [];
  #silences: readonly Silence[] = [];
  readonly #overlap = new Overlap();
  #warmth: Warmth | null = null;
  #api: Api | null = null;
  readonly #scratch: Scratch;
  readonly #timers: NodeJS.Timeout[] = [];
  #stopWatching = (): void => {};

  /** Opens, loads and connects everything; throws a plain message when something can never work. */
  static async start(config: Config, options: AppOptions): Promise<App> {
    for (const { route, sink } of unknownSinks(config.routes, Object.keys(config.sinks))) {
      throw new Error(
        `routes.${route}: no sink is called '${sink}'; there are: ${Object.keys(config.sinks).join(', ') || 'none'}`,
      );
    }
    checkFiles(config, options.log);
    const store = await openStore({
      path: config.store.path,
      bytesMax: Math.ceil(config.store.retention.size * STORE_HEADROOM),
    });
    let recorder: FlightRecorder | null = null;
    let app: App | undefined;
    try {
      // Through the writer: a position is never stored ahead of the alerts that came before it.
      const offsets = await storedOffsets(store, positions => (app as App).#writer.write({ entries: [], positions }));
      recorder = await openRecorder(
        config,
        store,
        options.log,
        execId => app?.matters(execId) ?? true,
        gap => void app?.lost(gap),
      );
      app = new App(config, options, store, offsets, recorder);
      await app.#start();
      return app;
    } catch (error) {
      if (app === undefined) {
        await recorder?.close();
        await store.close();
      } else {
        // Timers, deliveries and servers that run already would keep the program alive.
        await app.stop();
      }
      throw error;
    }
  }

  private constructor(
    config: Config,
    options: AppOptions,
    store: Store,
    offsets: StoredOffsets,
    recorder: FlightRecorder | null,
  ) {
    const { log } = options;
    this.#config = config;
    this.#options = options;
    this.#store = store;
    this.#offsets = offsets;
    this.#recorder = recorder;
    this.#writer = new BufferedStoreWriter(store, { relieve: () => this.#prune() });
    const quarantine = fileQuarantine(
      config.store.path === ':memory:'
        ? join('data', 'quarantine.tsv')
        : join(dirname(config.store.path), 'quarantine.tsv'),
    );
    this.#journal = config.store.path === ':memory:' ? null : new IngestJournal(ingestFolder(config.store.path));
    // A little overlap: what is recorded already is passed over.
    const since = (): number | null =>
      this.#warmth?.newestFlow == null ? null : this.#warmth.newestFlow - FLOW_OVERLAP;
    const built = buildSources(config.sources, name => offsets.for(name), quarantine, since, this.#journal);
    this.#sources = built.sources.map(source => resumed(source, this.#overlap));
    this.#ingest = built.ingest;
    this.#rules = keepRules(config.rules, config.rules.watch, log, rules => this.engine.replaceRules(rules));
    const alerting = {
      suppress: config.detection.suppress * MICROS_PER_MS,
      incidentWindow: config.detection.incident_window * MICROS_PER_MS,
      risk: {
        threshold: config.detection.risk.threshold,
        halfLife: Math.max(1, config.detection.risk.half_life * MICROS_PER_MS),
      },
    };
    this.engine = new Engine({
      rules: this.#rules.rules(),
      timing: { clock: () => performance.now(), every: RULES_TIMED_EVERY },
      serviceMap: true,
      alerting,
    });
    this.#scratch = openScratch(config, alerting, () => this.#rules.rules(), log);
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
    this.#memory = new MemoryKeeper(this.engine, replayedMs(config.recorder) * MICROS_PER_MS, state =>
      this.#writer.write({ entries: [], state }),
    );
    this.pipeline = this.#createPipeline(this.#sources);
  }

  #createPipeline(sources: readonly Source[]): Pipeline {
    const { detection } = this.#config;
    const { log } = this.#options;
    const recorder = this.#recorder;
    const only = sources.length === 1 ? sources[0] : undefined;
    return new Pipeline({
      engine: this.engine,
      sources,
      // One capture is in order by itself.
      ordering:
        only?.type === 'capture' ? null : { latenessMs: detection.lateness, eventsMax: LIMITS.reorderEventsMax },
      onStep: step => this.#onStep(step),
      ...(recorder === null ? {} : { record: events => recorder.append(events) }),
      store: (changes, position) => this.#keep(changes, position),
      checkpoint: () => this.#memory.checkpoint(),
      onSourceFailed: (source, error) =>
        log('error', 'a source cannot work; the others go on', { source: source.name, error: error.message }),
    });
  }

  #onStep(step: Step): void {
    this.#sensors.add(step.observation);
    this.#tail.tell(step.observation);
    this.#options.onStep?.(step);
  }

  /** Whether a process is part of what is known now: it runs, or something runs that it started. All matter until it is known. */
  matters(execId: string): boolean {
    if (this.#warmth === null) return true;
    const process = this.engine.context.process(execId);
    return process !== null && (process.exitTime === null || process.children.size > 0);
  }

  /** Resolves when every source has ended (live ones never do), or after `stop`. */
  run(): Promise<void> {
    return this.pipeline.run();
  }

  async stop(): Promise<void> {
    this.#rules.stop();
    this.#stopWatching();
    for (const timer of this.#timers) clearInterval(timer);
    await this.pipeline.stop();
    await this.#memory.checkpoint(true)?.();
    await this.#storeGaps();
    await this.#offsets.flush();
    if (!(await this.#writer.close()))
      this.#options.log('error', 'alerts could not be stored', { ...this.#writer.health() });
    await this.#sinks.stop();
    await this.#api?.close();
    await this.#scratch.close();
    await this.#recorder?.close();
    await this.#journal?.close();
    await this.#store.close();
  }

  async #start(): Promise<void> {
    const { engine } = this;
    const warmth = await warmUp(engine, this.#store, this.#recorder, this.#overlap, step => this.#onStep(step));
    await this.#readWebhooks();
    await this.#readSilences();
    // What was queued for sinks that are no more.
    await this.#store.outbox.abandon([...this.#sinks.names, ...this.#webhooks.map(({ id }) => `webhook:${id}`)]);
    await this.#keep(warmth.changes, this.#recorder?.position ?? 0);
    this.#warmth = warmth;
    if (warmth.events > 0) {
      const { processes, connections } = engine.context.stats();
      this.#options.log('info', 'went on from the recording', {
        events: warmth.events,
        processes,
        connections,
        found: warmth.changes.length,
      });
    }
    this.#sinks.start();
    this.#stopWatching = watchHealth(this.#sources, () => this.#writer.health(), this.#options.log);
    this.#timers.push(
      setInterval(() => void this.#prune(), PRUNE_MS),
      setInterval(() => void this.#storeGaps(), GAPS_MS),
    );
    for (const timer of this.#timers) timer.unref();
    this.#api = await this.#createApi();
    this.address = await this.#api.listen();
  }

  async #keep(changes: readonly AlertChange[], position: number): Promise<void> {
    if (changes.length === 0) return;
    for (const change of changes) {
      if (change.type === 'counted') this.#suppressed += 1;
      else if (change.type === 'new')
        this.#alerts.set(change.alert.rule.level, (this.#alerts.get(change.alert.rule.level) ?? 0) + 1);
    }
    const entries = entriesFor(changes, this.#config.routes, this.#sinks.names, this.#webhooks, this.#silences);
    const recorder = this.#recorder;
    await this.#writer.write({
      entries,
      gaps: this.engine.context.takeChangedGaps(),
      ...(recorder === null
        ? {}
        : { state: positionState({ seq: position, incomplete: recorder.stats().dropped > 0 }) }),
    });
    if (entries.some(entry => entry.targets.length > 0)) this.#sinks.wake();
  }

  /** A part of the recording turned out unreadable. */
  async lost(gap: Gap): Promise<void> {
    await this.#writer.write({ entries: [], gaps: [gap] });
  }

  /** Losses are remembered also while nothing fires. */
  async #storeGaps(): Promise<void> {
    const gaps = this.engine.context.takeChangedGaps();
    if (gaps.length > 0) await this.#writer.write({ entries: [], gaps });
  }

  async #disable(sink: string, detail: string): Promise<void> {
    const id = sink.startsWith('webhook:') ? sink.slice('webhook:'.length) : null;
    if (id === null) return;
    try {
      await this.#store.webhooks.disable(id, detail);
      await this.#readWebhooks();
    } catch (error) {
      // It is tried and refused again with the next delivery.
      this.#options.log('error', 'a webhook could not be disabled', { webhook: id, error: (error as Error).message });
    }
  }

  async #readSilences(): Promise<void> {
    this.#silences = await this.#store.silences.list(null);
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
    return openApi({
      settings: this.#config.api,
      store: this.#store,
      writer: this.#writer,
      ingest: this.#ingest,
      sensors: this.#sensors,
      scratch: this.#scratch,
      recorder: this.#recorder,
      tail: this.#tail,
      log: this.#options.log,
      status: () => ({
        version: this.#options.version,
        started: this.#started,
        engine: this.engine,
        pipeline: this.pipeline,
        rules: this.#rules,
        sinks: this.#sinks,
        sources: this.#sources,
        alerts: this.#alerts,
        suppressed: this.#suppressed,
      }),
      webhooksChanged: () => this.#readWebhooks(),
      silencesChanged: () => this.#readSilences(),
    });
  }
}

/** The API never serves without its secrets; sources and sinks read theirs again each time, and may be given them later. */
function checkFiles(config: Config, log: Log): void {
  for (const { key, problem } of unreadableFiles(config.api, 'api')) throw new Error(`${key}: ${problem}`);
  for (const { key, problem } of unreadableFiles({ sources: config.sources, sinks: config.sinks }))
    log('warn', 'a file of the configuration cannot be read now', { key, problem });
}

/**
 * Between detection and the store: groups what is written at the same time into one transaction, and goes on detecting when
 * the store cannot write. Then a bounded number of alerts waits in memory, in order, until it can.
 */
import { type Gap, LEVELS } from '../alerts/alert.ts';
import { gapIdentity } from '../model/gap.ts';
import { type Commit, type Entry, type Store, StoreError, StoreFull } from './store.ts';

export interface BufferedOptions {
  /** Changes kept while the store cannot write; beyond it the oldest of the lowest level is lost, and counted. */
  readonly entriesMax?: number | undefined;
  readonly retryMs?: number | undefined;
  /** Called when the store is full, before trying again: a chance to make room. */
  readonly relieve?: (() => Promise<unknown>) | undefined;
  /** Calls `wake` after `ms`; returns how to call it off. */
  readonly schedule?: ((wake: () => void, ms: number) => () => void) | undefined;
}

export interface WriterHealth {
  /** False while the store cannot be written. */
  readonly ok: boolean;
  /** What is wrong and what was lost so far, in plain words, or ''. */
  readonly detail: string;
  /** Changes that wait to be stored. */
  readonly waiting: number;
  /** Changes lost because too many waited. */
  readonly dropped: number;
  /** Changes that the store refused for what they are (never for want of space). */
  readonly refused: number;
}

const ENTRIES_MAX = 20_000;
const ENTRIES_PER_COMMIT_MAX = 500;
const GAPS_MAX = 10_000;
const RETRY_MS = 1_000;

function defaultSchedule(wake: () => void, ms: number): () => void {
  const timer = setTimeout(wake, ms);
  timer.unref();
  return () => clearTimeout(timer);
}

export class BufferedStoreWriter {
  readonly #store: Pick<Store, 'commit'>;
  readonly #entriesMax: number;
  readonly #retryMs: number;
  readonly #relieve: () => Promise<unknown>;
  readonly #schedule: (wake: () => void, ms: number) => () => void;
  #entries: Entry[] = [];
  /** By identity: a gap that grows while it waits is stored once. */
  #gaps = new Map<string, Gap>();
  #positions = new Map<string, string>();
  #state = new Map<string, string>();
  #waiters: (() => void)[] = [];
  #flushing: Promise<void> | null = null;
  #cancelRetry: (() => void) | null = null;
  #trouble = '';
  /** Entries a commit: smaller after the store was full, where a few may still find room. */
  #slice = ENTRIES_PER_COMMIT_MAX;
  #dropped = 0;
  #refused = 0;

  constructor(store: Pick<Store, 'commit'>, options: BufferedOptions = {}) {
    this.#store = store;
    this.#entriesMax = options.entriesMax ?? ENTRIES_MAX;
    this.#retryMs = options.retryMs ?? RETRY_MS;
    this.#relieve = options.relieve ?? (async () => {});
    this.#schedule = options.schedule ?? defaultSchedule;
  }

  /**
   * Resolves when it is stored; or, when the store cannot write, as soon as it waits in memory, so that detection goes on.
   * Positions are stored with or after everything that was written before them, never earlier.
   */
  async write(commit: Commit): Promise<void> {
    for (const entry of commit.entries) this.#entries.push(entry);
    for (const [key, value] of commit.positions ?? []) this.#positions.set(key, value);
    for (const [name, value] of commit.state ?? []) this.#state.set(name, value);
    for (const gap of commit.gaps ?? []) this.#gaps.set(gapIdentity(gap), gap);
    this.#bound();
    if (this.#trouble !== '') return;
    const stored = new Promise<void>(resolve => this.#waiters.push(resolve));
    this.#flush();
    await stored;
  }

  health(): WriterHealth {
    return {
      ok: this.#trouble === '',
      detail: this.#detail(),
      waiting: this.#entries.length,
      dropped: this.#dropped,
      refused: this.#refused,
    };
  }

  /** Tries once more to store what waits; false when something still does. */
  async close(): Promise<boolean> {
    await this.#flush();
    this.#stopRetry();
    return this.#entries.length === 0;
  }

  #detail(): string {
    const parts: string[] = [];
    if (this.#trouble !== '') parts.push(`${this.#trouble}; ${this.#entries.length} changes wait in memory`);
    if (this.#dropped > 0) parts.push(`${this.#dropped} changes were lost because too many waited`);
    if (this.#refused > 0) parts.push(`${this.#refused} changes could not be stored`);
    return parts.join('; ');
  }

  #flush(): Promise<void> {
    this.#flushing ??= this.#run();
    return this.#flushing;
  }

  async #run(): Promise<void> {
    // One turn of the event loop: whatever other sources write meanwhile goes into the same transaction.
    await new Promise(resolve => setImmediate(resolve));
    const waiters: (() => void)[] = [];
    try {
      while (this.#pending()) {
        waiters.push(...this.#waiters.splice(0));
        await this.#storeAll();
        this.#trouble = '';
        for (const wake of waiters.splice(0)) wake();
      }
    } catch (error) {
      await this.#fail(error);
    }
    // Without a turn in between: what is written from here on starts a flush of its own.
    this.#flushing = null;
    for (const wake of [...waiters, ...this.#waiters.splice(0)]) wake();
  }

  #pending(): boolean {
    return this.#entries.length + this.#gaps.size + this.#positions.size + this.#state.size > 0;
  }

  /** In slices; positions and state go with the last, when everything before it is stored. */
  async #storeAll(): Promise<void> {
    while (this.#pending()) {
      const last = this.#entries.length <= this.#slice;
      const entries = this.#entries.splice(0, this.#slice);
      const nothing = [new Map(), new Map(), new Map()] as const;
      const [gaps, positions, state] = last ? [this.#gaps, this.#positions, this.#state] : nothing;
      if (last) {
        this.#gaps = new Map();
        this.#positions = new Map();
        this.#state = new Map();
      }
      try {
        await this.#commit({ entries, gaps: [...gaps.values()], positions, state });
      } catch (error) {
        // Back in front of what came meanwhile; of gaps, positions and state the later wins.
        this.#entries = [...entries, ...this.#entries];
        this.#gaps = new Map([...gaps, ...this.#gaps]);
        this.#positions = new Map([...positions, ...this.#positions]);
        this.#state = new Map([...state, ...this.#state]);
        throw error;
      }
      this.#slice = Math.min(ENTRIES_PER_COMMIT_MAX, this.#slice * 2);
      if (last) return;
    }
  }

  /** A change that the store refuses for what it is must not hold up the others for ever: it is left out, and counted. */
  async #commit(commit: Commit): Promise<void> {
    try {
      await this.#store.commit(commit);
    } catch (error) {
      if (error instanceof StoreError) throw error;
      for (const entry of commit.entries) {
        try {
          await this.#store.commit({ entries: [entry] });
        } catch (cause) {
          if (cause instanceof StoreError) throw cause;
          this.#refused++;
        }
      }
      await this.#store.commit({ ...commit, entries: [] });
    }
  }

  async #fail(error: unknown): Promise<void> {
    this.#trouble = error instanceof Error ? error.message : String(error);
    if (error instanceof StoreFull) {
      this.#slice = Math.max(1, Math.floor(this.#slice / 4));
      await this.#relieve().catch(() => {});
    }
    this.#bound();
    this.#stopRetry();
    this.#cancelRetry = this.#schedule(() => void this.#flush(), this.#retryMs);
  }

  #stopRetry(): void {
    this.#cancelRetry?.();
    this.#cancelRetry = null;
  }

  #bound(): void {
    while (this.#gaps.size > GAPS_MAX) this.#gaps.delete(this.#gaps.keys().next().value as string);
    // While the store writes, callers wait for it: only trouble can make this many.
    const excess = this.#trouble === '' ? 0 : this.#entries.length - this.#entriesMax;
    if (excess <= 0) return;
    const weight = ({ change }: Entry): number =>
      change.type === 'new' ? LEVELS.indexOf(change.alert.rule.level) : -1;
    const lost = new Set(
      this.#entries
        .map((entry, at) => ({ at, weight: weight(entry) }))
        .sort((a, b) => a.weight - b.weight || a.at - b.at)
        .slice(0, excess)
        .map(({ at }) => at),
    );
    this.#entries = this.#entries.filter((_, at) => !lost.has(at));
    this.#dropped += lost.size;
  }
}

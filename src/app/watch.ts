/** Says in the log what an operator has to know as it happens: sources that break and recover, losses, a store that cannot write. */
import { LIMITS } from '../model/limits.ts';
import { formatInstant, MICROS_PER_MS } from '../model/time.ts';
import type { SourceStatus } from '../sources/source.ts';
import type { Log } from './log.ts';

const LOOK_MS = 1_000;
/** A source that has not connected by then is worth a word. */
const STARTING_LOOKS_MAX = 10;
/** Losses are told of at most this often. */
const LOSSES_EVERY_LOOKS = 60;

interface Watched {
  state: SourceStatus['state'];
  looks: number;
  /** It was told that what it reports is ahead of this machine's clock. */
  isAheadTold: boolean;
  /** Losses that were told of, and at which look. */
  told: { readonly lost: number; readonly malformed: number; readonly ahead: number; readonly look: number };
}

/** Looks at the health of everything once a second until the returned function is called. */
export function watchHealth(
  sources: readonly { status(): SourceStatus }[],
  store: () => { readonly ok: boolean; readonly detail: string },
  log: Log,
): () => void {
  const watch = new HealthWatch(log);
  const timer = setInterval(
    () =>
      watch.look(
        sources.map(source => source.status()),
        store(),
      ),
    LOOK_MS,
  );
  timer.unref();
  return () => clearInterval(timer);
}

/** The memory between two looks; apart from the timer, so that a test can look when it likes. */
export class HealthWatch {
  readonly #log: Log;
  readonly #sources = new Map<string, Watched>();
  #isStoreOk = true;

  constructor(log: Log) {
    this.#log = log;
  }

  look(sources: readonly SourceStatus[], store: { readonly ok: boolean; readonly detail: string }): void {
    for (const status of sources) this.#source(status);
    if (store.ok !== this.#isStoreOk) {
      this.#isStoreOk = store.ok;
      if (store.ok) this.#log('info', 'the store can be written again');
      else this.#log('error', 'the store cannot be written; alerts wait in memory', { reason: store.detail });
    }
  }

  #source(status: SourceStatus): void {
    const { name, state } = status;
    const before = this.#sources.get(name);
    const watched: Watched = before ?? {
      state: 'starting',
      looks: 0,
      isAheadTold: false,
      told: { lost: 0, malformed: 0, ahead: 0, look: 0 },
    };
    if (before === undefined) this.#sources.set(name, watched);
    watched.looks += 1;
    if (state !== watched.state) this.#changed(status, watched.state);
    else if (state === 'starting' && watched.looks === STARTING_LOOKS_MAX)
      this.#log('warn', 'a source has not connected yet', { source: name, detail: status.detail });
    watched.state = state;
    this.#losses(status, watched);
    this.#clock(status, watched);
  }

  #changed({ name, type, state, detail }: SourceStatus, before: SourceStatus['state']): void {
    const fields = { source: name, detail };
    if (state === 'waiting' && type === 'file') this.#log('info', 'a source waits for its file', fields);
    else if (state === 'waiting') this.#log('warn', 'a source is not connected; it is tried again', fields);
    else if (state === 'connected')
      this.#log('info', `a source ${before === 'waiting' || before === 'failed' ? 'works again' : 'works'}`, fields);
    else if (state === 'failed') this.#log('error', 'a source cannot work; the others go on', fields);
    else if (state === 'ended') this.#log('info', 'a source has ended', fields);
  }

  #losses({ name, counters: { lost, malformed, ahead } }: SourceStatus, watched: Watched): void {
    const { told } = watched;
    if (lost <= told.lost && malformed <= told.malformed && ahead <= told.ahead) return;
    if (told.look > 0 && watched.looks - told.look < LOSSES_EVERY_LOOKS) return;
    watched.told = { lost, malformed, ahead, look: watched.looks };
    this.#log('warn', 'a source lost events or sent what cannot be read', {
      source: name,
      lost: lost - told.lost,
      malformed: malformed - told.malformed,
      ...(ahead > told.ahead ? { ahead_of_this_clock: ahead - told.ahead } : {}),
    });
  }

  /** Once: what a source reports as a whole is taken, whatever this machine's clock says. */
  #clock({ name, newest }: SourceStatus, watched: Watched): void {
    if (watched.isAheadTold || newest === null) return;
    if (newest <= (Date.now() + LIMITS.aheadMsMax) * MICROS_PER_MS) return;
    watched.isAheadTold = true;
    this.#log('warn', 'a source is ahead of this machine: set the clock of this machine', {
      source: name,
      newest: formatInstant(newest),
    });
  }
}

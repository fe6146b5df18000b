/** Export files as a source: followed as they grow and rotate, and read on after a restart where they were left. */
import { type FSWatcher, watch } from 'node:fs';
import { dirname } from 'node:path';
import { Observable, type Subscriber } from 'rxjs';
import type { Event } from '../../model/event.ts';
import type { Micros } from '../../model/time.ts';
import { Ahead } from '../ahead.ts';
import { realTiming, type Timing } from '../capture/pace.ts';
import { reconnectGap, sensorOf } from '../gap.ts';
import { BATCH_EVENTS_MAX, InFlight } from '../in-flight.ts';
import { JsonDecoder, Malformed } from '../json/decoder.ts';
import { LineSplitter } from '../json/lines.ts';
import { type Batch, newCounters, type Quarantine, type Source, type SourceState } from '../source.ts';
import { livePaths } from './files.ts';
import { Follower, type Step } from './follower.ts';
import type { OffsetStore, Position } from './offsets.ts';
import type { Text } from './text.ts';

/** `reason` of the gaps that lost text leaves. */
const FILE_LOST = 'SPOOR_FILE_LOST';
const POLL_MS = 250;
/** Wait before a file that could not be read is tried again: doubled each time, up to the greatest. */
const RETRY_MS = 250;
const RETRY_MS_MAX = 30_000;

/**
 * A batch is done only when the lateness bound has passed its newest event and what came of it is stored: whatever may come in
 * that time must fit, or it sets the pace. They are lines of a file, and cost only memory.
 */
const BYTES_IN_FLIGHT_MAX = 128 * 1024 * 1024;
/** What an event takes beside its line. */
const EVENT_BYTES = 1_024;

export interface TailOptions {
  /** A file, or a pattern whose last part holds `*` or `?`. Files that come later are followed too. */
  readonly path: string;
  readonly name?: string;
  readonly offsets: OffsetStore;
  readonly quarantine: Quarantine;
  /** How often to look when no change is reported. */
  readonly pollMs?: number;
  readonly timing?: Timing;
  /** Memory of batches under way, in bytes, from which on no more is read. */
  readonly bytesInFlightMax?: number;
}

export function tailSource(options: TailOptions): Source {
  const name = options.name ?? 'tail';
  const timing = options.timing ?? realTiming;
  const counters = newCounters();
  let state: SourceState = 'starting';
  let detail = options.path;
  /** Why a file cannot be read now; null when all can. */
  let problem: string | null = null;
  let newest: Micros | null = null;

  function reject(place: string, reason: string, bytes: Uint8Array | string): void {
    counters.malformed++;
    options.quarantine.put({ source: name, place, reason, bytes });
  }

  function newReader(path: string, position: Position | null): FileReader {
    return new FileReader(path, position, name, {
      reject,
      lost: what => {
        counters.lost++;
        detail = what;
      },
      unknown: count => {
        counters.unknownKinds += count;
      },
      bytes: count => {
        counters.bytes += count;
      },
      ahead: tell => new Ahead({ source: name, counters, quarantine: options.quarantine, tell }),
    });
  }

  async function run(subscriber: Subscriber<Batch>, signal: AbortSignal, hint: Hint): Promise<void> {
    const inFlight = new InFlight(options.bytesInFlightMax ?? BYTES_IN_FLIGHT_MAX);
    const saved = new Map(options.offsets.load());
    const readers = new Map<string, FileReader>();
    const acknowledged = new Acknowledged(options.offsets);
    try {
      while (!signal.aborted) {
        for (const path of await livePaths(options.path)) {
          if (readers.has(path)) continue;
          readers.set(path, newReader(path, saved.get(path) ?? null));
        }
        let idle = true;
        for (const reader of readers.values()) {
          if (signal.aborted) return;
          if (await reader.read(timing.now())) idle = false;
          if (!saved.has(reader.path)) {
            // Remembered before its first line goes on: killed now, the file is found again under whatever name it has then.
            const beginning = reader.beginning();
            if (beginning !== null) saved.set(reader.path, beginning);
            if (beginning !== null) options.offsets.save(new Map([[reader.path, beginning]]));
          }
          for (let part = reader.take(); part !== null; part = reader.take()) {
            await inFlight.free(signal);
            if (signal.aborted) return;
            const { events, position, bytes } = part;
            counters.events += events.length;
            counters.batches++;
            for (const event of events) if (newest === null || event.time > newest) newest = event.time;
            const done = inFlight.begin(acknowledged.begin(reader.path, position), bytes);
            subscriber.next({ source: name, events, done });
          }
        }
        const all = [...readers.values()];
        problem = all.find(reader => reader.problem !== null)?.problem ?? null;
        if (signal.aborted) return;
        if (problem !== null) state = 'failed';
        else state = all.length === 0 || all.some(reader => reader.follower.isMissing) ? 'waiting' : 'connected';
        if (idle) await hint.wait(options.pollMs ?? POLL_MS, signal, timing);
      }
    } finally {
      await Promise.all([...readers.values()].map(reader => reader.follower.close()));
    }
  }

  return {
    name,
    type: 'file',
    batches: () =>
      new Observable<Batch>(subscriber => {
        const abort = new AbortController();
        const hint = new Hint(dirname(options.path));
        run(subscriber, abort.signal, hint).catch((error: Error) => {
          state = 'failed';
          problem = error.message;
          subscriber.error(error);
        });
        return () => {
          // After an error too this is called.
          if (state !== 'failed') state = 'ended';
          abort.abort();
          hint.close();
        };
      }),
    status: () => ({ name, type: 'file', state, detail: problem ?? detail, newest, counters }),
  };
}

interface ReaderEvents {
  reject(place: string, reason: string, bytes: Uint8Array | string): void;
  lost(what: string): void;
  unknown(count: number): void;
  bytes(count: number): void;
  /** What puts events of impossible times aside. */
  ahead(tell: (gap: Event) => void): Ahead;
}

/** Events of one followed path, with the position after each. */
class FileReader {
  readonly path: string;
  readonly follower: Follower;
  readonly #source: string;
  readonly #on: ReaderEvents;
  readonly #decoder: JsonDecoder;
  #splitter: LineSplitter | null = null;
  #text: Text | null = null;
  #base = 0;
  #events: Event[] = [];
  #offsets: number[] = [];
  /** Behind the line that is being read. */
  #offset = 0;
  readonly #ahead: Ahead;
  #newest: Micros | null = null;
  /** Text was lost, and nothing that came after it has been given yet. */
  #isAfterLoss = false;
  /** Why the file cannot be read now; null when it can. */
  problem: string | null = null;
  #failures = 0;
  #retryAtMs = 0;

  /** Offset behind the last batch. */
  #taken = 0;

  /** Goes to where it was left. */
  constructor(path: string, position: Position | null, source: string, on: ReaderEvents) {
    this.path = path;
    this.#newest = position?.time ?? null;
    this.#source = source;
    this.#on = on;
    this.#decoder = new JsonDecoder({ source });
    this.#ahead = on.ahead(gap => this.#give(gap));
    this.follower = new Follower(path, position, what => {
      this.#isAfterLoss = true;
      on.lost(what);
    });
  }

  /** Reads one piece. False when there is nothing to read now, or it cannot be read and is tried again later. */
  async read(nowMs: number): Promise<boolean> {
    if (nowMs < this.#retryAtMs) return false;
    let step: Step;
    try {
      step = await this.follower.next();
    } catch (error) {
      this.problem = `${this.path}: ${(error as Error).message}`;
      this.#retryAtMs = nowMs + Math.min(RETRY_MS * 2 ** this.#failures++, RETRY_MS_MAX);
      return false;
    }
    this.problem = null;
    this.#failures = 0;
    if (step.kind === 'idle') {
      return false;
    }
    const unknown = this.#decoder.unknownKinds;
    if (step.kind === 'end') {
      if (step.whole) this.#splitter?.end();
      this.#splitter = null;
    } else this.#split(step);
    this.#on.unknown(this.#decoder.unknownKinds - unknown);
    return true;
  }

  #split(step: Extract<Step, { kind: 'text' }>): void {
    if (step.begins || this.#splitter === null) {
      this.#text = step.text;
      this.#base = step.text.offset - step.bytes.length;
      this.#taken = this.#base;
      this.#splitter = this.#newSplitter();
    }
    this.#on.bytes(step.bytes.length);
    this.#splitter.push(step.bytes);
    this.follower.tookLines(step.text, step.text.offset - this.#splitter.pendingBytes, step.bytes.length);
  }

  /** Where the file that is read now begins; null before anything of it was read. */
  beginning(): Position | null {
    return this.#text === null ? null : this.#position(this.#text, 0);
  }

  /** The next batch of what was read, and the position after it; null when there is none. */
  take(): { events: Event[]; position: Position; bytes: number } | null {
    if (this.#events.length === 0 || this.#text === null) return null;
    const events = this.#events.splice(0, BATCH_EVENTS_MAX);
    const offset = this.#offsets.splice(0, BATCH_EVENTS_MAX).at(-1) as number;
    const bytes = offset - this.#taken + events.length * EVENT_BYTES;
    this.#taken = offset;
    if (this.#isAfterLoss) events.unshift(this.#gapBefore(events[0] as Event));
    this.#isAfterLoss = false;
    for (const { time } of events) if (this.#newest === null || time > this.#newest) this.#newest = time;
    return { events, position: this.#position(this.#text, offset), bytes };
  }

  #position(text: Text, offset: number): Position {
    return { ...text.position(offset), ...(this.#newest === null ? {} : { time: this.#newest }) };
  }

  /** From the newest event before the loss to the first one after it. */
  #gapBefore(event: Event): Event {
    const { node, cluster } = event;
    const place = { source: this.#source, node, cluster, sensor: sensorOf(event) };
    return reconnectGap(place, this.#newest ?? event.time, event, FILE_LOST);
  }

  #give(event: Event): void {
    this.#events.push(event);
    this.#offsets.push(this.#offset);
  }

  #newSplitter(): LineSplitter {
    const splitter: LineSplitter = new LineSplitter({
      line: (bytes, start, end) => {
        const event = this.#decoder.decode(bytes, start, end);
        if (event === null) return;
        const offset = this.#base + splitter.consumed;
        if (event instanceof Malformed) {
          this.#on.reject(`${this.#text?.path}@${offset}`, event.problem, bytes.subarray(start, end));
          return;
        }
        this.#offset = offset;
        if (this.#ahead.passes(event)) this.#give(event);
        else this.#decoder.takeBack(event);
      },
      tooLong: head => this.#on.reject(`${this.#text?.path}@${this.#base + splitter.consumed}`, 'line too long', head),
    });
    return splitter;
  }
}

/** Saves the position of the newest batch before which every batch of the same path is done. */
class Acknowledged {
  readonly #store: OffsetStore;
  readonly #open = new Map<string, { position: Position; done: boolean }[]>();

  constructor(store: OffsetStore) {
    this.#store = store;
  }

  begin(path: string, position: Position): () => void {
    const queue = this.#open.get(path) ?? [];
    this.#open.set(path, queue);
    const entry = { position, done: false };
    queue.push(entry);
    return () => {
      entry.done = true;
      let last: Position | null = null;
      while (queue[0]?.done === true) last = (queue.shift() as typeof entry).position;
      if (last !== null) this.#store.save(new Map([[path, last]]));
    };
  }
}

/** Waiting for a change in a folder: at most as long as the poll, shorter when the system reports one. */
class Hint {
  #watcher: FSWatcher | null = null;
  #wake = new AbortController();

  constructor(folder: string) {
    try {
      this.#watcher = watch(folder, () => this.#wake.abort());
      this.#watcher.on('error', () => this.#watcher?.close());
    } catch {
      // Not every file system can be watched: polling finds the change.
    }
  }

  async wait(ms: number, signal: AbortSignal, timing: Timing): Promise<void> {
    const either = AbortSignal.any([signal, this.#wake.signal]);
    await timing.sleep(ms, either);
    if (this.#wake.signal.aborted) this.#wake = new AbortController();
  }

  close(): void {
    this.#watcher?.close();
  }
}

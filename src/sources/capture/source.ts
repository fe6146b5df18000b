/** Recorded events as a source: files of JSON lines, merged by event time, at full speed or at a multiple of their own. */
import type { Readable } from 'node:stream';
import type { Subscriber } from 'rxjs';
// The whole of rxjs takes longer to load than a short recording to play.
import { Observable } from 'rxjs/internal/Observable';
import type { Event } from '../../model/event.ts';
import type { Micros } from '../../model/time.ts';
import { BATCH_EVENTS_MAX, InFlight } from '../in-flight.ts';
import { type Batch, newCounters, type Quarantine, type Source, type SourceState } from '../source.ts';
import { fileChunks, streamChunks } from './chunks.ts';
import { Pace, realTiming, type Timing } from './pace.ts';
import { CaptureReader, type ReaderContext } from './reader.ts';

/** Waits shorter than this are not worth a timer. */
const WAIT_MS_MIN = 2;

export interface CaptureOptions {
  /** Files of JSON lines, plain or gzip; `-` is standard input. */
  readonly paths: readonly string[];
  readonly name?: string;
  /** `max`: as fast as the consumer takes them; 1: as recorded; 10: ten times as fast. Silences are cut short. */
  readonly speed?: 'max' | number;
  /** Events before or after these times are passed over. */
  readonly since?: Micros | null;
  readonly until?: Micros | null;
  readonly quarantine: Quarantine;
  readonly stdin?: Readable;
  readonly timing?: Timing;
}

export function captureSource(options: CaptureOptions): Source {
  const name = options.name ?? 'capture';
  const counters = newCounters();
  let state: SourceState = 'starting';
  let detail = options.paths.join(', ');
  let newest: Micros | null = null;

  async function run(subscriber: Subscriber<Batch>, signal: AbortSignal): Promise<void> {
    const timing = options.timing ?? realTiming;
    const pace = typeof options.speed === 'number' ? new Pace(options.speed, timing) : null;
    const context: ReaderContext = {
      source: name,
      counters,
      quarantine: options.quarantine,
      since: options.since ?? null,
      until: options.until ?? null,
      signal,
    };
    const readers = options.paths.map(
      path => new CaptureReader(path, () => chunksOf(path, options.stdin, signal), context),
    );
    const inFlight = new InFlight();
    let events: Event[] = [];

    const send = async (): Promise<void> => {
      if (events.length === 0) return;
      await inFlight.free(signal);
      if (signal.aborted) return;
      counters.events += events.length;
      counters.batches++;
      for (const event of events) if (newest === null || event.time > newest) newest = event.time;
      const batch = { source: name, events, done: inFlight.begin() };
      events = [];
      subscriber.next(batch);
    };

    try {
      state = 'connected';
      for (let reader = await earliest(readers); reader !== null && !signal.aborted; ) {
        const event = reader.peek() as Event;
        const waitMs = pace === null ? 0 : pace.waitMs(event, reader.key);
        if (waitMs >= WAIT_MS_MIN) {
          await send();
          await timing.sleep(waitMs, signal);
          if (signal.aborted) break;
        }
        events.push(reader.take());
        if (events.length >= BATCH_EVENTS_MAX) await send();
        // Nobody knows when the next one comes.
        if (reader.isPipe && reader.peek() === undefined) await send();
        if (readers.length > 1 || reader.peek() === undefined) reader = await earliest(readers);
      }
      await send();
      await inFlight.idle(signal);
    } finally {
      await Promise.all(readers.map(reader => reader.close()));
    }
  }

  return {
    name,
    type: 'capture',
    batches: () =>
      new Observable<Batch>(subscriber => {
        const abort = new AbortController();
        run(subscriber, abort.signal).then(
          () => {
            state = 'ended';
            subscriber.complete();
          },
          (error: Error) => {
            state = 'failed';
            detail = error.message;
            subscriber.error(error);
          },
        );
        return () => abort.abort();
      }),
    status: () => ({ name, type: 'capture', state, detail, newest, counters }),
  };
}

function chunksOf(path: string, stdin: Readable | undefined, signal: AbortSignal): AsyncGenerator<Buffer> {
  return path === '-' ? streamChunks(stdin ?? process.stdin) : fileChunks(path, signal);
}

/** The reader whose next event comes first by its file's clock; the first named file wins ties. Null when all have ended. */
async function earliest(readers: readonly CaptureReader[]): Promise<CaptureReader | null> {
  let best: CaptureReader | null = null;
  for (const reader of readers) {
    if (reader.peek() === undefined && !(await reader.fill())) continue;
    if (best === null || reader.key < best.key) best = reader;
  }
  return best;
}

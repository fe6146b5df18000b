/** Events that others push over HTTP: the API's route offers bodies, the pipeline takes batches. */
import { Observable, type Subscriber } from 'rxjs';
import type { Event } from '../../model/event.ts';
import type { Micros } from '../../model/time.ts';
import { BATCH_EVENTS_MAX, InFlight } from '../in-flight.ts';
import { JsonDecoder, Malformed } from '../json/decoder.ts';
import { LineSplitter } from '../json/lines.ts';
import { type Batch, newCounters, type Quarantine, type Source, type SourceState } from '../source.ts';
import { ArraySplitter } from './array.ts';

/** Memory of what was taken and is not processed yet, in bytes, unless the options say otherwise. */
const HELD_BYTES_MAX = 128 * 1024 * 1024;
/** What an event takes beside its line. */
const EVENT_BYTES = 1_024;

export interface IngestOptions {
  readonly name?: string;
  readonly quarantine: Quarantine;
  readonly heldBytesMax?: number;
}

interface Queued {
  readonly event: Event;
  readonly bytes: number;
}

interface Offered {
  /** Events that will reach the pipeline. */
  readonly accepted: number;
  readonly malformed: number;
  /** Of a kind that this version does not know: passed over. */
  readonly unknown: number;
}

export interface IngestSource extends Source {
  /**
   * One request's body, already decompressed: lines of JSON, or one JSON array. `full`: what was taken and is not processed yet is at its limit, or nobody
   * reads it, nothing was taken, and the sender should try again later. A body that was begun is taken whole, so that no
   * part of it is taken twice; the limit may be passed by one body for each request under way.
   */
  offer(body: Buffer | AsyncIterable<Uint8Array>, place?: string): Promise<Offered | 'full'>;
}

export function ingestSource(options: IngestOptions): IngestSource {
  const name = options.name ?? 'ingest';
  const counters = newCounters();
  let decoder = new JsonDecoder({ source: name });
  const heldBytesMax = options.heldBytesMax ?? HELD_BYTES_MAX;
  /** Bytes of what waits here and of batches under way: those wait for late events, and cost memory until then. */
  let held = 0;
  let queue: Queued[] = [];
  let state: SourceState = 'starting';
  let newest: Micros | null = null;
  let active: { wake(): void } | null = null;

  async function run(subscriber: Subscriber<Batch>, signal: AbortSignal, more: () => Promise<void>): Promise<void> {
    const inFlight = new InFlight(heldBytesMax);
    while (!signal.aborted) {
      if (queue.length === 0) {
        await more();
        continue;
      }
      await inFlight.free(signal);
      if (signal.aborted) return;
      const taken = queue.splice(0, BATCH_EVENTS_MAX);
      const events = taken.map(({ event }) => event);
      const weight = bytesOf(taken);
      const release = (): void => {
        held -= weight;
      };
      counters.events += events.length;
      counters.batches++;
      for (const event of events) if (newest === null || event.time > newest) newest = event.time;
      subscriber.next({ source: name, events, done: inFlight.begin(release, weight) });
    }
  }

  function batches(): Observable<Batch> {
    return new Observable<Batch>(subscriber => {
      const abort = new AbortController();
      let wake = (): void => {};
      const more = (): Promise<void> =>
        new Promise(resolve => {
          if (abort.signal.aborted || queue.length > 0) resolve();
          wake = resolve;
        });
      const me = { wake: () => wake() };
      active = me;
      state = 'connected';
      run(subscriber, abort.signal, more).catch((error: Error) => subscriber.error(error));
      return () => {
        abort.abort();
        wake();
        if (active !== me) return;
        active = null;
        state = 'ended';
        // Accepted means processed: what nobody will take now is a loss, and is counted.
        counters.lost += queue.length;
        held -= bytesOf(queue);
        queue = [];
        decoder = new JsonDecoder({ source: name });
      };
    });
  }

  async function offer(body: Buffer | AsyncIterable<Uint8Array>, place = 'request'): Promise<Offered | 'full'> {
    if (active === null || held >= heldBytesMax) return 'full';
    const taken = { accepted: 0, malformed: 0, unknown: 0 };
    let item = 0;
    const reject = (reason: string, bytes: Uint8Array): void => {
      taken.malformed++;
      counters.malformed++;
      options.quarantine.put({ source: name, place: `${place}:${item}`, reason, bytes });
    };
    const sink = {
      line(bytes: Buffer, start: number, end: number): void {
        item++;
        const before = decoder.unknownKinds;
        const event = decoder.decode(bytes, start, end);
        taken.unknown += decoder.unknownKinds - before;
        counters.unknownKinds += decoder.unknownKinds - before;
        if (event instanceof Malformed) reject(event.problem, bytes.subarray(start, end));
        else if (event !== null && active !== null) {
          const size = end - start + EVENT_BYTES;
          queue.push({ event, bytes: size });
          held += size;
          taken.accepted++;
        }
      },
      tooLong(head: Buffer): void {
        item++;
        reject('line too long', head);
      },
    };
    let splitter: LineSplitter | ArraySplitter | null = null;
    for await (const piece of Buffer.isBuffer(body) ? [body] : body) {
      const chunk = Buffer.isBuffer(piece) ? piece : Buffer.from(piece);
      counters.bytes += chunk.length;
      if (splitter === null && !isBlank(chunk))
        splitter = isArray(chunk) ? new ArraySplitter(sink) : new LineSplitter(sink);
      splitter?.push(chunk);
      active?.wake();
    }
    splitter?.end();
    active?.wake();
    return taken;
  }

  return {
    name,
    type: 'ingest',
    batches,
    offer,
    status: () => ({ name, type: 'ingest', state, detail: `${queue.length} events waiting`, newest, counters }),
  };
}

const bytesOf = (queue: readonly Queued[]): number => queue.reduce((sum, { bytes }) => sum + bytes, 0);

const OPEN_BRACKET = 0x5b;

/** The first byte that is no white space decides. */
function isArray(chunk: Buffer): boolean {
  return chunk.find(byte => !isSpace(byte)) === OPEN_BRACKET;
}

function isBlank(chunk: Buffer): boolean {
  return chunk.every(isSpace);
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

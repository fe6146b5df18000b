/** Events that others push over HTTP: the API's route offers bodies, the pipeline takes batches. */
import { Observable, type Subscriber } from 'rxjs';
import type { Event } from '../../model/event.ts';
import type { Micros } from '../../model/time.ts';
import { Ahead } from '../ahead.ts';
import { BATCH_EVENTS_MAX, InFlight } from '../in-flight.ts';
import { JsonDecoder, Malformed } from '../json/decoder.ts';
import { LineSplitter } from '../json/lines.ts';
import { type Batch, newCounters, type Quarantine, type Source, type SourceState } from '../source.ts';
import { ArraySplitter } from './array.ts';
import type { IngestJournal, Part } from './journal.ts';

/** Memory of what was taken and is not processed yet, in bytes, unless the options say otherwise. */
const HELD_BYTES_MAX = 128 * 1024 * 1024;
/** What an event takes beside its line. */
const EVENT_BYTES = 1_024;

export interface IngestOptions {
  readonly name?: string;
  readonly quarantine: Quarantine;
  readonly heldBytesMax?: number;
  /** Where what is accepted is kept until it is processed; null: in memory alone. */
  readonly journal?: IngestJournal | null;
}

interface Queued {
  readonly event: Event;
  readonly bytes: number;
  /** Where it is kept; null: nowhere. */
  readonly part: Part | null;
}

interface Offered {
  /** Events that will reach the pipeline: with a journal, also when the program is killed before. */
  readonly accepted: number;
  readonly malformed: number;
  /** Put aside: their time cannot be. */
  readonly ahead: number;
  /** Of a kind that this version does not know: passed over. */
  readonly unknown: number;
}

export interface IngestSource extends Source {
  /**
   * One request's body, already decompressed: lines of JSON, or one JSON array. `full`: what was taken and is not processed yet is at its limit, or nobody
   * reads it, nothing was taken, and the sender should try again later. A body that was begun is taken whole, so that no
   * part of it is taken twice, and resolves once it is kept; the limit may be passed by one body for each request under way.
   */
  offer(body: Buffer | AsyncIterable<Uint8Array>, place?: string): Promise<Offered | 'full'>;
}

export function ingestSource(options: IngestOptions): IngestSource {
  const name = options.name ?? 'ingest';
  const counters = newCounters();
  const journal = options.journal ?? null;
  let tell: (gap: Event) => void = () => undefined;
  const ahead = new Ahead({ source: name, counters, quarantine: options.quarantine, tell: gap => tell(gap) });
  let decoder = new JsonDecoder({ source: name });
  const heldBytesMax = options.heldBytesMax ?? HELD_BYTES_MAX;
  /** Bytes of what waits here and of batches under way: those wait for late events, and cost memory until then. */
  let held = 0;
  let queue: Queued[] = [];
  let state: SourceState = 'starting';
  let newest: Micros | null = null;
  let reader: object | null = null;
  let active: { wake(): void } | null = null;
  /** Why what is accepted now is not kept, or ''. */
  let unkept = '';
  /** What earlier runs accepted and cannot be read, or ''. */
  let unread = '';

  async function run(
    subscriber: Subscriber<Batch>,
    signal: AbortSignal,
    more: () => Promise<void>,
    wake: () => void,
  ): Promise<void> {
    const inFlight = new InFlight(heldBytesMax);
    if (journal !== null) await restore(journal).catch(unkeptBy);
    if (signal.aborted) return;
    active = { wake };
    state = 'connected';
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
        settle(taken);
      };
      counters.events += events.length;
      counters.batches++;
      for (const event of events) if (newest === null || event.time > newest) newest = event.time;
      subscriber.next({ source: name, events, done: inFlight.begin(release, weight) });
    }
  }

  /** What was accepted by an earlier run comes first. */
  async function restore(kept: IngestJournal): Promise<void> {
    for await (const left of kept.leftovers()) {
      if (left.problem !== undefined) {
        // How much is in it nobody knows.
        counters.lost++;
        unread = `; accepted before the start and not readable now: ${left.path}: ${left.problem}`;
        continue;
      }
      const { part, lines } = left;
      const reject = (reason: string, bytes: Uint8Array): void => {
        counters.malformed++;
        options.quarantine.put({ source: name, place: part.path, reason, bytes });
      };
      const splitter = new LineSplitter({
        line(bytes, start, end) {
          const event = decoder.decode(bytes, start, end);
          if (event instanceof Malformed) reject(event.problem, bytes.subarray(start, end));
          if (event === null || event instanceof Malformed) return;
          queue.push({ event, bytes: end - start + EVENT_BYTES, part });
          held += end - start + EVENT_BYTES;
          part.open++;
        },
        tooLong: head => reject('line too long', head),
      });
      splitter.push(lines);
      if (part.open === 0) kept.done(part, 0);
    }
  }

  /** Tells the journal what is processed. */
  function settle(processed: readonly Queued[]): void {
    const parts = new Map<Part, number>();
    for (const { part } of processed) if (part !== null) parts.set(part, (parts.get(part) ?? 0) + 1);
    for (const [part, events] of parts) journal?.done(part, events);
  }

  function unkeptBy(error: NodeJS.ErrnoException): void {
    unkept = `; what is accepted now would be lost by a crash: ${error.code ?? error.message}`;
  }

  /** A disk that refuses must not blind the detection: then what is accepted is in memory alone, and the status says so. */
  async function keep(events: readonly Event[]): Promise<Part | null> {
    if (journal === null || events.length === 0) return null;
    const newline = Buffer.from('\n');
    const lines = events.flatMap(({ raw }) => [raw.bytes?.() ?? Buffer.from(raw.line()), newline]);
    try {
      const part = await journal.append(Buffer.concat(lines), events.length);
      unkept = '';
      return part;
    } catch (error) {
      unkeptBy(error as Error);
      return null;
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
      const me = {};
      reader = me;
      run(subscriber, abort.signal, more, () => wake()).catch((error: Error) => subscriber.error(error));
      return () => {
        abort.abort();
        wake();
        if (reader !== me) return;
        active = null;
        state = 'ended';
        // Accepted means processed: what is not kept and nobody will take now is a loss, and is counted.
        counters.lost += queue.filter(({ part }) => part === null).length;
        held -= bytesOf(queue);
        queue = [];
        decoder = new JsonDecoder({ source: name });
      };
    });
  }

  async function offer(body: Buffer | AsyncIterable<Uint8Array>, place = 'request'): Promise<Offered | 'full'> {
    if (active === null || held >= heldBytesMax) return 'full';
    const taken = { accepted: 0, malformed: 0, unknown: 0, ahead: 0 };
    const events: Queued[] = [];
    const give = (event: Event, length: number): void => {
      events.push({ event, bytes: length + EVENT_BYTES, part: null });
      held += length + EVENT_BYTES;
    };
    const giveGap = (gap: Event): void => give(gap, 0);
    let item = 0;
    const reject = (reason: string, bytes: Uint8Array): void => {
      taken.malformed++;
      counters.malformed++;
      options.quarantine.put({ source: name, place: `${place}:${item}`, reason, bytes });
    };
    const sink = {
      line(bytes: Buffer, start: number, end: number): void {
        item++;
        // Bodies take turns: a gap goes with the one in which it is told.
        tell = giveGap;
        const before = decoder.unknownKinds;
        const event = decoder.decode(bytes, start, end);
        taken.unknown += decoder.unknownKinds - before;
        counters.unknownKinds += decoder.unknownKinds - before;
        if (event instanceof Malformed) reject(event.problem, bytes.subarray(start, end));
        else if (event !== null && !ahead.passes(event)) {
          taken.ahead++;
          decoder.takeBack(event);
        } else if (event !== null) {
          taken.accepted++;
          give(event, end - start);
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
    }
    splitter?.end();
    const part = await keep(events.map(({ event }) => event));
    if (active === null) {
      held -= bytesOf(events);
      if (part === null) counters.lost += events.length;
      return taken;
    }
    for (const { event, bytes } of events) queue.push({ event, bytes, part });
    active.wake();
    return taken;
  }

  return {
    name,
    type: 'ingest',
    batches,
    offer,
    status: () => ({
      name,
      type: 'ingest',
      state,
      detail: `${queue.length} events waiting${unkept}${unread}`,
      newest,
      counters,
    }),
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

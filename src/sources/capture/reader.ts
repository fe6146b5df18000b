/** One file of a capture: its events in its own order, with a bounded look-ahead. */
import type { Event } from '../../model/event.ts';
import type { Micros } from '../../model/time.ts';
import { JsonDecoder, Malformed } from '../json/decoder.ts';
import { LineSplitter } from '../json/lines.ts';
import type { Quarantine, SourceCounters } from '../source.ts';
import { decompressed } from './chunks.ts';

export interface ReaderContext {
  readonly source: string;
  readonly counters: SourceCounters;
  readonly quarantine: Quarantine;
  readonly since: Micros | null;
  readonly until: Micros | null;
  /** Aborted when nobody wants more, also while a file gives no events. */
  readonly signal: AbortSignal;
}

export class CaptureReader {
  readonly path: string;
  readonly #context: ReaderContext;
  readonly #chunks: AsyncGenerator<Buffer>;
  readonly #splitter: LineSplitter;
  #decoder: JsonDecoder;
  #queue: Event[] = [];
  #next = 0;
  #line = 0;
  #passedOver = false;
  #ended = false;
  #unknownBefore = 0;
  /** The running maximum of the event times up to the next event: the file's place in a merge by time. */
  key: Micros = Number.NEGATIVE_INFINITY;

  constructor(path: string, chunks: AsyncGenerator<Buffer>, context: ReaderContext) {
    this.path = path;
    this.#context = context;
    this.#decoder = new JsonDecoder({ source: context.source });
    this.#chunks = decompressed(chunks, reason => {
      this.#reject(this.path, reason, '');
      // How much is missing nobody knows.
      this.#context.counters.lost++;
    });
    this.#splitter = new LineSplitter({
      line: (bytes, start, end) => this.#onLine(bytes, start, end),
      tooLong: head => {
        this.#line++;
        this.#reject(`${this.path}:${this.#line}`, 'line too long', head);
      },
    });
  }

  /** The next event, without taking it; undefined when `fill` must be called or the file has ended. */
  peek(): Event | undefined {
    return this.#queue[this.#next];
  }

  take(): Event {
    const event = this.#queue[this.#next] as Event;
    this.#next++;
    this.#advance();
    return event;
  }

  /** Reads until there is an event to peek at. False when the file has ended, or nobody wants more. */
  async fill(): Promise<boolean> {
    while (this.#next >= this.#queue.length) {
      if (this.#ended || this.#context.signal.aborted) return false;
      this.#queue = [];
      this.#next = 0;
      const chunk = await this.#chunks.next();
      if (chunk.done === true) {
        this.#ended = true;
        this.#splitter.end();
      } else {
        this.#context.counters.bytes += chunk.value.length;
        this.#splitter.push(chunk.value);
      }
      this.#context.counters.unknownKinds += this.#decoder.unknownKinds - this.#unknownBefore;
      this.#unknownBefore = this.#decoder.unknownKinds;
      this.#advance();
    }
    return true;
  }

  async close(): Promise<void> {
    await this.#chunks.return(undefined);
  }

  #advance(): void {
    const event = this.#queue[this.#next];
    if (event !== undefined && event.time > this.key) this.key = event.time;
  }

  #onLine(bytes: Buffer, start: number, end: number): void {
    this.#line++;
    let event = this.#decoder.decode(bytes, start, end);
    if (event === null) return;
    if (event instanceof Malformed) {
      this.#reject(`${this.path}:${this.#line}`, event.problem, bytes.subarray(start, end));
      return;
    }
    const { since, until } = this.#context;
    if ((since !== null && event.time < since) || (until !== null && event.time > until)) {
      this.#passedOver = true;
      return;
    }
    if (this.#passedOver) {
      // The decoder has told about parents in events that nobody got: what follows must tell again.
      this.#passedOver = false;
      this.#unknownBefore = 0;
      this.#decoder = new JsonDecoder({ source: this.#context.source });
      const again = this.#decoder.decode(bytes, start, end);
      if (again !== null && !(again instanceof Malformed)) event = again;
    }
    this.#queue.push(event);
  }

  #reject(place: string, reason: string, bytes: Uint8Array | string): void {
    this.#context.counters.malformed++;
    this.#context.quarantine.put({ source: this.#context.source, place, reason, bytes });
  }
}

/** One file of a capture: its events in its own order, with a bounded look-ahead. */
import { statSync } from 'node:fs';
import { isOrderedMarker } from '../../model/capture.ts';
import type { Event } from '../../model/event.ts';
import { formatInstant, type Micros } from '../../model/time.ts';
import { CLOCK_AHEAD } from '../ahead.ts';
import { lostFact, sensorOf } from '../gap.ts';
import { JsonDecoder, Malformed } from '../json/decoder.ts';
import { LineSplitter } from '../json/lines.ts';
import type { Quarantine, SourceCounters } from '../source.ts';
import { decompressed } from './chunks.ts';
import { Jumps, type Placed } from './jumps.ts';

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
  /** What comes through it may be live, and comes once. */
  readonly isPipe: boolean;
  readonly #context: ReaderContext;
  readonly #chunks: AsyncGenerator<Buffer>;
  readonly #splitter: LineSplitter;
  readonly #decoder: JsonDecoder;
  #queue: Event[] = [];
  #next = 0;
  #line = 0;
  #ended = false;
  #unknownBefore = 0;
  /** Null where nothing waits for what comes after it: in recordings, whose order is final, and in pipes. */
  #jumps: Jumps | null;
  /** The running maximum of the event times up to the next event: the file's place in a merge by time. */
  key: Micros = Number.NEGATIVE_INFINITY;

  constructor(path: string, open: () => AsyncGenerator<Buffer>, context: ReaderContext) {
    this.path = path;
    this.#context = context;
    this.#decoder = new JsonDecoder({ source: context.source });
    const onDamage = (reason: string): void => {
      this.#reject(this.path, reason, '');
      // How much is missing nobody knows.
      this.#context.counters.lost++;
    };
    this.isPipe = path === '-' || statSync(path, { throwIfNoEntry: false })?.isFile() === false;
    this.#chunks = decompressed(open(), onDamage, this.isPipe ? null : open);
    this.#jumps = !this.isPipe
      ? new Jumps({
          give: ({ event }) => this.#queue.push(event),
          putAside: (jumpers, rest) => this.#putAside(jumpers, rest),
        })
      : null;
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
        this.#jumps?.end();
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
    const event = this.#decoder.decode(bytes, start, end);
    if (event === null) return;
    if (event instanceof Malformed) {
      this.#reject(`${this.path}:${this.#line}`, event.problem, bytes.subarray(start, end));
      return;
    }
    const { since, until } = this.#context;
    if ((since !== null && event.time < since) || (until !== null && event.time > until)) {
      this.#decoder.takeBack(event);
      return;
    }
    if (this.#line === 1 && isOrderedMarker(event)) this.#jumps = null;
    if (this.#jumps === null) this.#queue.push(event);
    else this.#jumps.push({ event, line: this.#line });
  }

  /** Gives what stands around the jumpers, which is decoded anew: the jumpers may have been the ones that told about parents. */
  #putAside(jumpers: readonly Placed[], rest: readonly Placed[]): Placed[] {
    const { source, counters, quarantine } = this.#context;
    const nodes = new Map<string, { event: Event; count: number }>();
    for (const { event, line } of jumpers) {
      counters.ahead++;
      const reason = `its time ${formatInstant(event.time, event.ns)} is far ahead of all that stands around it`;
      quarantine.put({ source, place: `${this.path}:${line}`, reason, bytes: event.raw.line() });
      const known = nodes.get(event.node);
      nodes.set(event.node, { event, count: (known?.count ?? 0) + 1 });
    }
    for (const { event } of [...jumpers, ...rest]) this.#decoder.takeBack(event);
    const again = rest.map(({ event, line }) => {
      const bytes = Buffer.from(event.raw.line());
      const decoded = this.#decoder.decode(bytes, 0, bytes.length);
      return { event: decoded === null || decoded instanceof Malformed ? event : decoded, line };
    });
    const { event: at, line } = again[0] as Placed;
    const gaps = [...nodes].map(([node, { event, count }]) => {
      const place = { source, node, cluster: event.cluster, sensor: sensorOf(event) };
      return { event: lostFact(place, { reason: CLOCK_AHEAD, count, from: at.time, to: at.time }, at), line };
    });
    return [...gaps, ...again];
  }

  #reject(place: string, reason: string, bytes: Uint8Array | string): void {
    this.#context.counters.malformed++;
    this.#context.quarantine.put({ source: this.#context.source, place, reason, bytes });
  }
}

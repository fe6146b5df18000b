/**
 * The flight recorder: a bounded log on the disk of the joined stream, in the order in which it was processed. Warm restarts
 * and the captures of incidents are read from it. Appending costs one copy; writing, sealing and compressing happen beside
 * the main thread. When the disk refuses, recording pauses, is counted, and goes on when there is room.
 */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Event } from '../model/event.ts';
import type { Micros } from '../model/time.ts';
import { type Block, BlockBuilder } from './blocks.ts';
import type { RecorderOptions } from './options.ts';
import { decoded, LineBuffers, type LineDecoder, type Recorded } from './records.ts';
import { baseName, isSealed, plainName, type Segment, windowName } from './segment.ts';
import { Shelf } from './shelf.ts';

export interface RecorderStats {
  readonly bytes: number;
  readonly segments: number;
  /** Events that were not recorded, because the disk refused or could not keep up. */
  readonly dropped: number;
  readonly paused: boolean;
  /** Files that could not be read and were set aside. */
  readonly damaged: number;
}

/** A block of the recording, which can be read alone. */
export interface StoredBlock extends Omit<Block, 'offset' | 'size' | 'text'> {
  /** Its events, in order; [] when it is gone by now or damaged. */
  events(decoder: LineDecoder): Promise<readonly Recorded[]>;
}

interface Group {
  readonly events: readonly Event[];
  readonly bytes: Buffer;
  /** Bytes of each line. */
  readonly sizes: Uint32Array;
  readonly first: number;
  readonly from: Micros;
  readonly to: Micros;
  readonly resolve: () => void;
}

type SegmentFile = Awaited<ReturnType<NonNullable<RecorderOptions['openSegment']>>>;

/** The segment that is being written. */
interface Active {
  readonly segment: Segment;
  readonly growing: BlockBuilder;
  readonly file: SegmentFile;
  /** Newest event time when it was begun, micros. */
  readonly began: Micros;
  dirty: boolean;
}

const SEGMENT_BYTES_MAX = 16 * 1024 * 1024;
/** Segments in the time kept, and in a restart's window, at least: age is kept to within a part of it. */
const SEGMENTS_PER_KEEP = 10;
/** Segments within `bytesMax` at least: the oldest goes as a whole. */
const SEGMENTS_MIN = 4;
/** Number of the first carried exec record. */
const CARRIED_FIRST = -(2 ** 31);
const QUEUE_BYTES_MAX = 64 * 1024 * 1024;
const RETRY_MS = 1_000;
const SYNC_MS = 1_000;
/** Events may come so much later than their time and are still looked for at their time. */
const LATE: Micros = 600 * 1_000_000;

export class FlightRecorder {
  readonly #options: RecorderOptions;
  readonly #shelf: Shelf;
  #next = 1;
  #newest: Micros = 0;
  #active: Active | null = null;
  readonly #buffers = new LineBuffers();
  #queue: Group[] = [];
  #queuedBytes = 0;
  #writing: Promise<void> | null = null;
  /** Sealing and removing, one after another. */
  #housekeeping: Promise<void> = Promise.resolve();
  #retryAt = 0;
  #dropped = 0;
  #paused = false;
  #syncing: NodeJS.Timeout | null = null;

  /** Takes up what an earlier run left; `after`: the highest number that is known to have been given out. */
  static async open(options: RecorderOptions, after = 0): Promise<FlightRecorder> {
    const recorder = new FlightRecorder(options);
    await recorder.#start(after);
    return recorder;
  }

  private constructor(options: RecorderOptions) {
    this.#options = options;
    this.#shelf = new Shelf(options);
  }

  /** Number of the last event that was appended. */
  get position(): number {
    return this.#next - 1;
  }

  /** Newest event time in the log, or null when it is empty. */
  get newest(): Micros | null {
    return this.#newest === 0 ? null : this.#newest;
  }

  /** Event time from which on everything is recorded, or null when nothing is. */
  get oldest(): Micros | null {
    return this.#shelf.segments[0]?.from ?? null;
  }

  stats(): RecorderStats {
    const { segments, damaged } = this.#shelf;
    return {
      bytes: segments.reduce((sum, { bytes }) => sum + bytes, 0),
      segments: segments.length,
      dropped: this.#dropped,
      paused: this.#paused,
      damaged,
    };
  }

  /**
   * Appends what was processed; `position`: number of the last event. `safe` resolves when it is with the system (it outlives
   * a kill of this process) or was given up and counted; it never rejects.
   */
  append(events: readonly Event[]): { readonly position: number; readonly safe: Promise<void> } {
    if (events.length === 0) return { position: this.position, safe: this.#writing ?? Promise.resolve() };
    if ((this.#paused && Date.now() < this.#retryAt) || this.#queuedBytes > QUEUE_BYTES_MAX) {
      this.#dropped += events.length;
      return { position: this.position, safe: Promise.resolve() };
    }
    const { bytes, sizes } = this.#buffers.lines(events);
    const first = this.#next;
    this.#next += events.length;
    const from = this.#newest;
    for (const event of events) if (event.time > this.#newest) this.#newest = event.time;
    const safe = new Promise<void>(resolve => {
      this.#queue.push({ events, bytes, sizes, first, from, to: this.#newest, resolve });
    });
    this.#queuedBytes += bytes.length;
    this.#writing ??= this.#write();
    return { position: this.position, safe };
  }

  /**
   * What is recorded, in order, in parts between which others have their turn; carried exec records first. `wanted` passes over
   * segments unread: it is given the first and last number and the range of the newest event time. Damaged segments are set aside.
   */
  async *read(wanted: (segment: Readonly<Segment>) => boolean = () => true): AsyncGenerator<readonly Recorded[]> {
    await this.#writing;
    const decoder = this.#options.decoder();
    const end = this.#next;
    yield* this.#carried(decoder);
    yield* this.#lines([...this.#shelf.segments].filter(wanted), decoder, end);
  }

  /** The exec records that were carried over from what was removed. */
  async *carried(): AsyncGenerator<readonly Recorded[]> {
    yield* this.#carried(this.#options.decoder());
  }

  /** What a restart has to live through again: the last `window`, after the exec records of what still ran then. */
  async *restart(): AsyncGenerator<readonly Recorded[]> {
    await this.#writing;
    const { segments, window: first } = this.#shelf;
    const { window = Number.POSITIVE_INFINITY, decoder: newDecoder } = this.#options;
    const decoder = newDecoder();
    const end = this.#next;
    const text = first === null ? null : await this.#shelf.text({ name: windowName(first) });
    if (first !== null && text !== null) {
      yield* inTurns(decoded(text, decoder, CARRIED_FIRST, 0));
      yield* this.#lines(
        segments.filter(segment => segment.first >= first),
        decoder,
        end,
      );
      return;
    }
    yield* this.#carried(decoder);
    const young = segments.filter(({ to }) => to >= this.#newest - window);
    const old = segments.filter(segment => !young.includes(segment));
    yield* this.#execs(old, decoder);
    yield* this.#lines(young, decoder, end);
  }

  /** Exec records of segments, as if they had been carried over. */
  async *#execs(segments: readonly Segment[], decoder: LineDecoder): AsyncGenerator<readonly Recorded[]> {
    for (const segment of segments) {
      for await (const part of this.#lines([segment], decoder, this.#next)) {
        yield part
          .filter(({ event }) => event.kind === 'process_exec')
          .map(({ event, seq }) => ({ event, seq: CARRIED_FIRST / 2 + seq }));
      }
    }
  }

  async *#carried(decoder: LineDecoder): AsyncGenerator<readonly Recorded[]> {
    const { base } = this.#shelf;
    const text = base === null ? null : await this.#shelf.text({ name: baseName(base) });
    if (text !== null) yield* inTurns(decoded(text, decoder, CARRIED_FIRST, 0));
  }

  async *#lines(segments: readonly Segment[], decoder: LineDecoder, end: number): AsyncGenerator<readonly Recorded[]> {
    for (const segment of segments) {
      const text = await this.#shelf.text(segment);
      if (text !== null) yield* inTurns(decoded(text, decoder, segment.first, end));
    }
  }

  /**
   * Blocks that may hold events of a time, the oldest or the newest first; carried exec records are in none. `wanted` says which
   * by what the index knows of them. An event that came more than ten minutes late may be missing before its time.
   */
  async *blocks(
    { from, to, newestFirst = false }: { readonly from: Micros; readonly to: Micros; readonly newestFirst?: boolean },
    wanted: (block: StoredBlock) => boolean,
  ): AsyncGenerator<StoredBlock> {
    await this.#writing;
    const segments = this.#shelf.segments.filter(segment => segment.to >= from && segment.from <= to + LATE);
    if (newestFirst) segments.reverse();
    for (const segment of segments) {
      const blocks = [...(await this.#shelf.blocks(segment))];
      if (newestFirst) blocks.reverse();
      for (const block of blocks) {
        if (block.to < from || block.from > to) continue;
        const { first, count, before, kinds, keys } = block;
        const events = async (decoder: LineDecoder): Promise<readonly Recorded[]> => {
          const text = await this.#shelf.blockText(segment, block);
          return text === null ? [] : [...decoded(text, decoder, first, first + count)].flat();
        };
        const stored = { first, count, from: block.from, to: block.to, before, kinds, keys, events };
        if (wanted(stored)) yield stored;
      }
    }
  }

  /** Reads what is recorded. */
  decoder(): LineDecoder {
    return this.#options.decoder();
  }

  /** Forgets everything: for streams that begin anew with every run. */
  async clear(): Promise<void> {
    await this.#housekeeping;
    await this.#shelf.clear();
    this.#newest = 0;
  }

  async close(): Promise<void> {
    if (this.#syncing !== null) clearInterval(this.#syncing);
    await this.#writing;
    await this.#active?.file.datasync().catch(() => undefined);
    await this.#active?.file.close().catch(() => undefined);
    this.#active = null;
    await this.#housekeeping;
  }

  async #start(after: number): Promise<void> {
    const shelf = this.#shelf;
    this.#next = Math.max(await shelf.load(), after + 1);
    for (const { to } of shelf.segments) this.#newest = Math.max(this.#newest, to);
    if (this.#options.readOnly === true) return;
    for (const segment of shelf.segments) if (!isSealed(segment)) this.#later(() => shelf.seal(segment));
    this.#syncing = setInterval(() => this.#sync(), SYNC_MS);
    this.#syncing.unref();
  }

  async #write(): Promise<void> {
    for (let group = this.#queue.shift(); group !== undefined; group = this.#queue.shift()) {
      try {
        await this.#put(group);
        this.#paused = false;
      } catch (error) {
        this.#pause(error as Error, group);
        await this.#leave();
      }
      this.#queuedBytes -= group.bytes.length;
      this.#buffers.release(group.bytes);
      group.resolve();
    }
    this.#writing = null;
  }

  async #put(group: Group): Promise<void> {
    const active = this.#active ?? (await this.#begin(group));
    const { segment, growing, file } = active;
    const { bytes, sizes, events } = group;
    for (let done = 0; done < bytes.length; ) {
      done += (await file.write(bytes, done, bytes.length - done, segment.bytes + done)).bytesWritten;
    }
    active.dirty = true;
    for (let at = 0; at < events.length; at++) growing.add(events[at] ?? null, sizes[at] ?? 0);
    segment.bytes += bytes.length;
    segment.count += events.length;
    segment.to = group.to;
    const { segmentBytesMax = SEGMENT_BYTES_MAX, bytesMax, keep, window = keep } = this.#options;
    const full = segment.bytes >= Math.min(segmentBytesMax, bytesMax / SEGMENTS_MIN);
    if (full || segment.to - active.began >= Math.min(keep, window) / SEGMENTS_PER_KEEP) await this.#leave();
  }

  async #begin(group: Group): Promise<Active> {
    const { path, openSegment = target => open(target, 'w', 0o600) } = this.#options;
    const name = plainName(group.first);
    const file = await openSegment(join(path, name));
    const { first, from, to } = group;
    const growing = new BlockBuilder(first, from);
    const segment: Segment = { first, count: 0, from, to, bytes: 0, name, growing };
    this.#shelf.segments.push(segment);
    this.#active = { segment, growing, file, began: to, dirty: false };
    return this.#active;
  }

  /** Ends the segment that is being written: what is whole of it is sealed. */
  async #leave(): Promise<void> {
    const active = this.#active;
    this.#active = null;
    if (active === null) return;
    const { segment, file } = active;
    // A write that failed may have left a part of itself.
    await file.truncate(segment.bytes).catch(() => undefined);
    await file.close().catch(() => undefined);
    this.#later(() => this.#shelf.seal(segment));
  }

  #pause(error: Error, { events }: Group): void {
    if (!this.#paused) this.#options.onProblem('recording pauses', { problem: error.message });
    this.#paused = true;
    this.#retryAt = Date.now() + (this.#options.retryMs ?? RETRY_MS);
    this.#dropped += events.length;
  }

  #later(work: () => Promise<void>): void {
    this.#housekeeping = this.#housekeeping
      .then(work)
      .then(() => this.#shelf.bound(this.#newest))
      .catch((error: Error) => this.#options.onProblem('the recorder could not tidy up', { problem: error.message }));
  }

  #sync(): void {
    const active = this.#active;
    if (active === null || !active.dirty) return;
    active.dirty = false;
    void active.file.datasync().catch(() => undefined);
  }
}

async function* inTurns<T>(parts: Iterable<T>): AsyncGenerator<T> {
  for (const part of parts) {
    yield part;
    await new Promise(resolve => setImmediate(resolve));
  }
}

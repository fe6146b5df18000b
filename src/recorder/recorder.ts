/**
 * The flight recorder: a bounded log on the disk of the joined stream, in the order in which it was processed. Warm restarts
 * and the captures of incidents are read from it. Appending costs one copy; writing, sealing and compressing happen beside
 * the main thread. When the disk refuses, recording pauses, is counted, and goes on when there is room.
 */
import { open, readdir, rename, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../disk/folder.ts';
import type { Event } from '../model/event.ts';
import type { Micros } from '../model/time.ts';
import { carryOver } from './base.ts';
import { lineRanges, readText, writeCompressed } from './files.ts';
import type { RecorderOptions } from './options.ts';
import { asEvent, decoded, LineBuffers, type Recorded } from './records.ts';
import { baseName, isSealed, plainName, readNames, type Segment, sealedName } from './segment.ts';

export interface RecorderStats {
  readonly bytes: number;
  readonly segments: number;
  /** Events that were not recorded, because the disk refused or could not keep up. */
  readonly dropped: number;
  readonly paused: boolean;
}

interface Group {
  readonly bytes: Buffer;
  readonly first: number;
  readonly count: number;
  readonly from: Micros;
  readonly to: Micros;
  readonly resolve: () => void;
}

type SegmentFile = Awaited<ReturnType<NonNullable<RecorderOptions['openSegment']>>>;

/** The segment that is being written. */
interface Active {
  readonly segment: Segment;
  readonly file: SegmentFile;
  /** Newest event time when it was begun, micros. */
  readonly began: Micros;
  dirty: boolean;
}

const SEGMENT_BYTES_MAX = 16 * 1024 * 1024;
/** Segments in the window at least, so that age is kept to within a part of it. */
const SEGMENTS_PER_KEEP = 10;
/** Segments within `bytesMax` at least: the oldest goes as a whole. */
const SEGMENTS_MIN = 4;
/** Number of the first carried exec record. */
const CARRIED_FIRST = -(2 ** 31);
const QUEUE_BYTES_MAX = 64 * 1024 * 1024;
const RETRY_MS = 1_000;
const SYNC_MS = 1_000;
const NEWLINE = 0x0a;

export class FlightRecorder {
  readonly #options: RecorderOptions;
  /** Oldest first; the last may be the one that is being written. */
  readonly #segments: Segment[] = [];
  #base: number | null = null;
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
    await recorder.#load(after);
    return recorder;
  }

  private constructor(options: RecorderOptions) {
    this.#options = options;
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
    return this.#segments[0]?.from ?? null;
  }

  stats(): RecorderStats {
    return {
      bytes: this.#segments.reduce((sum, { bytes }) => sum + bytes, 0),
      segments: this.#segments.length,
      dropped: this.#dropped,
      paused: this.#paused,
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
    const bytes = this.#buffers.lines(events);
    const first = this.#next;
    this.#next += events.length;
    const from = this.#newest;
    for (const event of events) if (event.time > this.#newest) this.#newest = event.time;
    const safe = new Promise<void>(resolve => {
      this.#queue.push({ bytes, first, count: events.length, from, to: this.#newest, resolve });
    });
    this.#queuedBytes += bytes.length;
    this.#writing ??= this.#write();
    return { position: this.position, safe };
  }

  /**
   * What is recorded, in order, in parts between which others have their turn; carried exec records first. `wanted` passes over segments unread: it is
   * given the first and last number and the range of the newest event time. Damaged segments are set aside.
   */
  async *read(wanted: (segment: Readonly<Segment>) => boolean = () => true): AsyncGenerator<readonly Recorded[]> {
    await this.#writing;
    const decoder = this.#options.decoder();
    const end = this.#next;
    const base = this.#base;
    if (base !== null && wanted({ first: 0, count: 0, from: 0, to: 0, bytes: 0, name: baseName(base) })) {
      const text = await this.#text({ name: baseName(base) });
      if (text !== null) yield* inTurns(decoded(text, decoder, CARRIED_FIRST, 0));
    }
    for (const segment of [...this.#segments]) {
      if (!wanted(segment)) continue;
      const text = await this.#text(segment);
      if (text !== null) yield* inTurns(decoded(text, decoder, segment.first, end));
    }
  }

  /** Forgets everything: for streams that begin anew with every run. */
  async clear(): Promise<void> {
    await this.#housekeeping;
    for (const { name } of this.#segments.splice(0)) await rm(join(this.#options.path, name), { force: true });
    if (this.#base !== null) await rm(join(this.#options.path, baseName(this.#base)), { force: true });
    this.#base = null;
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

  async #load(after: number): Promise<void> {
    const { path, readOnly = false } = this.#options;
    const remove = async (name: string) => (readOnly ? undefined : rm(join(path, name), { force: true }));
    if (!readOnly) makeFolder(path, 0o700);
    const found = readNames(await readdir(path));
    this.#base = found.bases.at(-1) ?? null;
    for (const old of found.bases.slice(0, -1)) await remove(baseName(old));
    for (const name of found.leftovers) await remove(name);
    const before = this.#base ?? 0;
    for (const segment of found.sealed) {
      if (segment.first < before) await remove(segment.name);
      else this.#segments.push({ ...segment, bytes: (await stat(join(path, segment.name))).size });
    }
    const sealed = new Set(found.sealed.map(({ first }) => first));
    for (const first of found.plain) {
      // Sealed, or carried over, but not yet removed when the program was ended.
      const segment = sealed.has(first) || first < before ? null : await this.#recover(first);
      if (segment === null) await remove(plainName(first));
      else this.#segments.push(segment);
    }
    this.#segments.sort((a, b) => a.first - b.first);
    for (const segment of this.#segments) {
      // Of a segment that was left unsealed; without any before it, only a removal says that something was.
      if (segment.from === 0) segment.from = this.#newest || (this.#base === null ? 0 : segment.to);
      this.#next = Math.max(this.#next, segment.first + segment.count);
      this.#newest = Math.max(this.#newest, segment.to);
    }
    this.#next = Math.max(this.#next, before, after + 1);
    if (readOnly) return;
    for (const segment of this.#segments) if (!isSealed(segment)) this.#later(() => this.#seal(segment));
    this.#syncing = setInterval(() => this.#sync(), SYNC_MS);
    this.#syncing.unref();
  }

  /** An unsealed segment of a run that was ended: its last line may be torn. Null when nothing of it is whole. */
  async #recover(first: number): Promise<Segment | null> {
    const path = join(this.#options.path, plainName(first));
    const text = await readText(path);
    const whole = text.lastIndexOf(NEWLINE) + 1;
    if (whole < text.length && this.#options.readOnly !== true) await truncate(path, whole);
    if (whole === 0) return null;
    const segment: Segment = { first, count: 0, from: 0, to: 0, bytes: whole, name: plainName(first) };
    const decoder = this.#options.decoder();
    for (const [start, end] of lineRanges(text)) {
      segment.count++;
      const event = asEvent(decoder.decode(text, start, end));
      if (event !== null && event.time > segment.to) segment.to = event.time;
    }
    return segment;
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
    const { segment, file } = active;
    const { bytes } = group;
    for (let done = 0; done < bytes.length; ) {
      done += (await file.write(bytes, done, bytes.length - done, segment.bytes + done)).bytesWritten;
    }
    active.dirty = true;
    segment.bytes += bytes.length;
    segment.count += group.count;
    segment.to = group.to;
    const { segmentBytesMax = SEGMENT_BYTES_MAX, bytesMax, keep } = this.#options;
    const full = segment.bytes >= Math.min(segmentBytesMax, bytesMax / SEGMENTS_MIN);
    if (full || segment.to - active.began >= keep / SEGMENTS_PER_KEEP) await this.#leave();
  }

  async #begin(group: Group): Promise<Active> {
    const { path, openSegment = target => open(target, 'w', 0o600) } = this.#options;
    const name = plainName(group.first);
    const file = await openSegment(join(path, name));
    const segment: Segment = { first: group.first, count: 0, from: group.from, to: group.to, bytes: 0, name };
    this.#segments.push(segment);
    this.#active = { segment, file, began: group.to, dirty: false };
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
    this.#later(() => this.#seal(segment));
  }

  #pause(error: Error, { count }: Group): void {
    if (!this.#paused) this.#options.onProblem('recording pauses', { problem: error.message });
    this.#paused = true;
    this.#retryAt = Date.now() + (this.#options.retryMs ?? RETRY_MS);
    this.#dropped += count;
  }

  #later(work: () => Promise<void>): void {
    this.#housekeeping = this.#housekeeping
      .then(work)
      .then(() => this.#bound())
      .catch((error: Error) => this.#options.onProblem('the recorder could not tidy up', { problem: error.message }));
  }

  async #seal(segment: Segment): Promise<void> {
    const { path } = this.#options;
    const plain = segment.name;
    if (!this.#segments.includes(segment)) return;
    if (segment.count === 0) {
      this.#segments.splice(this.#segments.indexOf(segment), 1);
    } else {
      const name = sealedName(segment);
      const text = (await readText(join(path, plain))).subarray(0, segment.bytes);
      segment.bytes = await writeCompressed(join(path, name), text);
      segment.name = name;
    }
    await rm(join(path, plain), { force: true });
  }

  /** Removes the oldest segments beyond the limits; the exec records of processes that still matter are carried over. */
  async #bound(): Promise<void> {
    const { path, keep, bytesMax, isKnown } = this.#options;
    const gone: Segment[] = [];
    let bytes = this.stats().bytes;
    for (const segment of this.#segments) {
      if (!isSealed(segment) || (bytes <= bytesMax && segment.to >= this.#newest - keep)) break;
      gone.push(segment);
      bytes -= segment.bytes;
    }
    const last = gone.at(-1);
    if (last === undefined) return;
    const old = this.#base;
    const texts: Buffer[] = [];
    for (const name of [...(old === null ? [] : [baseName(old)]), ...gone.map(segment => segment.name)]) {
      const text = await this.#text({ name });
      if (text !== null) texts.push(text);
    }
    const base = last.first + last.count;
    await writeCompressed(join(path, baseName(base)), await carryOver(texts, isKnown));
    this.#base = base;
    this.#segments.splice(0, this.#segments.indexOf(last) + 1);
    if (old !== null) await rm(join(path, baseName(old)), { force: true });
    for (const { name } of gone) await rm(join(path, name), { force: true });
  }

  /** The text of a file, or null when it is gone by now or damaged: then it is set aside. */
  async #text(file: { readonly name: string }): Promise<Buffer | null> {
    const { path, onProblem, readOnly = false } = this.#options;
    for (let tries = 0; ; tries++) {
      // It may be sealed or removed while others are read.
      const { name } = file;
      try {
        return await readText(join(path, name));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
          if (tries < 2 && file.name !== name) continue;
          return null;
        }
        onProblem('a part of the recording is damaged and left out', {
          file: name,
          problem: (error as Error).message,
        });
        if (!readOnly) await rename(join(path, name), join(path, `${name}.corrupt`)).catch(() => undefined);
        const at = this.#segments.findIndex(segment => segment.name === name);
        if (at >= 0) this.#segments.splice(at, 1);
        return null;
      }
    }
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

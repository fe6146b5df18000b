/**
 * What was accepted and is not processed yet, on the disk: a sender that was told so need not send it again, also when the program is
 * killed before it is processed. Parts are files of lines; one goes when every event in it is processed.
 */
import { type FileHandle, open, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../../disk/folder.ts';

/** A part is left for a new one at this size: all of it stays until its last event is processed. */
const PART_BYTES_MAX = 16 * 1024 * 1024;
const SUFFIX = '.jsonl';
const NEWLINE = 0x0a;

/** A file of the journal. */
export interface Part {
  readonly path: string;
  /** Events in it that are not processed yet. */
  open: number;
}

type Leftover =
  | { readonly part: Part; readonly lines: Buffer; readonly problem?: never }
  | { readonly path: string; readonly problem: string };

interface Waiting {
  readonly lines: Buffer;
  readonly events: number;
  resolve(part: Part): void;
  reject(error: Error): void;
}

interface Active extends Part {
  readonly file: FileHandle;
  bytes: number;
}

export class IngestJournal {
  readonly #folder: string;
  #next = 1;
  #active: Active | null = null;
  #waiting: Waiting[] = [];
  #writing: Promise<void> | null = null;
  /** Removing, one after another. */
  #removing: Promise<void> = Promise.resolve();

  /** Nothing is touched before the first call. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * What earlier runs accepted and did not process, oldest first: whole lines, of which the caller says how many are `open`. A part that
   * cannot be read now has a `problem` instead, the system's code, and stays for the next start.
   */
  async *leftovers(): AsyncGenerator<Leftover> {
    makeFolder(this.#folder, 0o700);
    const names = (await readdir(this.#folder)).filter(name => name.endsWith(SUFFIX)).sort();
    this.#next = Number.parseInt(names.at(-1) ?? '0', 10) + 1;
    for (const name of names) {
      const path = join(this.#folder, name);
      let text: Buffer;
      try {
        text = await readFile(path);
      } catch (error) {
        yield { path, problem: (error as NodeJS.ErrnoException).code ?? (error as Error).message };
        continue;
      }
      // Nobody was told that a line was accepted of which a part is written.
      yield { part: { path, open: 0 }, lines: text.subarray(0, text.lastIndexOf(NEWLINE) + 1) };
    }
  }

  /** Resolves once the lines outlive the machine; one write and one sync for all that wait. Rejects with the system's error. */
  append(lines: Buffer, events: number): Promise<Part> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ lines, events, resolve, reject });
      this.#writing ??= this.#write();
    });
  }

  /** So many of its events are processed. A part that cannot be removed is played once more by the next start. */
  done(part: Part, events: number): void {
    part.open -= events;
    if (part.open > 0) return;
    const left = part === this.#active ? this.#leave() : Promise.resolve();
    this.#removing = this.#removing
      .then(() => left)
      .then(() => rm(part.path, { force: true }))
      .catch(() => undefined);
  }

  /** What is not processed stays for the next start. */
  async close(): Promise<void> {
    await this.#writing;
    await this.#leave();
    await this.#removing;
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#waiting;
      this.#waiting = [];
      try {
        const part = await this.#put(group);
        for (const { resolve } of group) resolve(part);
      } catch (error) {
        await this.#leave();
        for (const { reject } of group) reject(error as Error);
      }
    }
    this.#writing = null;
  }

  async #put(group: readonly Waiting[]): Promise<Part> {
    const lines = Buffer.concat(group.map(one => one.lines));
    const events = group.reduce((sum, one) => sum + one.events, 0);
    if (this.#active !== null && this.#active.bytes + lines.length > PART_BYTES_MAX) await this.#leave();
    this.#active ??= await this.#begin();
    const active = this.#active;
    // Before the first wait: what is being written keeps its part.
    active.open += events;
    try {
      for (let at = 0; at < lines.length; ) {
        at += (await active.file.write(lines, at, lines.length - at, active.bytes + at)).bytesWritten;
      }
      await active.file.datasync();
    } catch (error) {
      await active.file.truncate(active.bytes).catch(() => undefined);
      this.done(active, events);
      throw error;
    }
    active.bytes += lines.length;
    return active;
  }

  async #begin(): Promise<Active> {
    const path = join(this.#folder, `${String(this.#next++).padStart(12, '0')}${SUFFIX}`);
    const file = await open(path, 'wx', 0o600);
    const folder = await open(this.#folder, 'r');
    await folder.sync().finally(() => folder.close());
    return { path, file, bytes: 0, open: 0 };
  }

  async #leave(): Promise<void> {
    const active = this.#active;
    this.#active = null;
    await active?.file.close().catch(() => undefined);
  }
}

/** The recorder's folder: what is in it, oldest first, how it is read, and what goes at the limits. */
import { readdir, readFile, rename, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../disk/folder.ts';
import type { Micros } from '../model/time.ts';
import { carryOver } from './base.ts';
import { type Block, BlockBuilder, decodeIndex } from './blocks.ts';
import { lineRanges, readPart, readText, writeCompressed, writeSealed } from './files.ts';
import type { RecorderOptions } from './options.ts';
import { asEvent } from './records.ts';
import {
  baseName,
  indexName,
  isSealed,
  plainName,
  readNames,
  type Segment,
  sealedName,
  windowName,
} from './segment.ts';

const NEWLINE = 0x0a;
const LINES_A_TURN = 2_000;
/** What is removed at the limit of size makes room for a while: each removal writes what is carried over anew. */
const ROOM_SHARE = 1 / 32;

export class Shelf {
  /** Oldest first; the last may be the one that is being written. */
  readonly segments: Segment[] = [];
  /** First number that is not behind what was removed. */
  base: number | null = null;
  /** First number that a restart reads, where exec records from before it are kept for it; never below `base`. */
  window: number | null = null;
  /** Files that were set aside. */
  damaged = 0;
  /** Indexes that are being made, by their segments' names. */
  readonly #making = new Map<string, Promise<readonly Block[]>>();
  readonly #options: RecorderOptions;
  readonly #path: (name: string) => string;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#path = name => join(options.path, name);
  }

  /** Takes up what an earlier run left; the number after its last. */
  async load(): Promise<number> {
    const { path, readOnly = false } = this.#options;
    const remove = async (name: string) => (readOnly ? undefined : rm(this.#path(name), { force: true }));
    if (!readOnly) makeFolder(path, 0o700);
    const found = readNames(await readdir(path));
    this.base = found.bases.at(-1) ?? null;
    const before = this.base ?? 0;
    this.window = found.windows.filter(first => first >= before).at(-1) ?? null;
    for (const old of found.bases.slice(0, -1)) await remove(baseName(old));
    for (const old of found.windows) if (old !== this.window) await remove(windowName(old));
    for (const name of found.leftovers) await remove(name);
    const indexes = new Set(found.indexes);
    for (const segment of found.sealed) {
      if (segment.first < before) {
        await remove(segment.name);
        continue;
      }
      const index = indexName(segment.name);
      segment.bytes = await this.#bytes(segment.name);
      if (indexes.delete(index)) segment.bytes += await this.#bytes(index);
      this.segments.push(segment);
    }
    for (const name of indexes) await remove(name);
    const sealed = new Set(found.sealed.map(({ first }) => first));
    for (const first of found.plain) {
      // Sealed, or carried over, but not yet removed when the program was ended.
      const segment = sealed.has(first) || first < before ? null : await this.#recover(first);
      if (segment === null) await remove(plainName(first));
      else this.segments.push(segment);
    }
    this.segments.sort((a, b) => a.first - b.first);
    let newest: Micros = 0;
    for (const segment of this.segments) {
      // Of a segment that was left unsealed; without any before it, only a removal says that something was.
      if (segment.from === 0) segment.from = newest || (this.base === null ? 0 : segment.to);
      newest = Math.max(newest, segment.to);
    }
    const last = this.segments.at(-1);
    return Math.max(before, last === undefined ? 1 : last.first + last.count);
  }

  async #bytes(name: string): Promise<number> {
    return (await stat(this.#path(name))).size;
  }

  /** An unsealed segment of a run that was ended: its last line may be torn. Null when nothing of it is whole. */
  async #recover(first: number): Promise<Segment | null> {
    const name = plainName(first);
    const text = await readText(this.#path(name));
    const whole = text.lastIndexOf(NEWLINE) + 1;
    if (whole < text.length && this.#options.readOnly !== true) await truncate(this.#path(name), whole);
    if (whole === 0) return null;
    const growing = await this.#blocksOf(text, first, 0);
    const blocks = growing.blocks();
    const count = blocks.reduce((sum, block) => sum + block.count, 0);
    const to = blocks.reduce((newest, block) => Math.max(newest, block.to), 0);
    return { first, count, from: 0, to, bytes: whole, name, growing };
  }

  async #blocksOf(text: Buffer, first: number, newest: Micros): Promise<BlockBuilder> {
    const builder = new BlockBuilder(first, newest);
    const decoder = this.#options.decoder();
    let lines = 0;
    for (const [start, end] of lineRanges(text)) {
      builder.add(asEvent(decoder.decode(text, start, end)), end + 1 - start);
      if (++lines % LINES_A_TURN === 0) await new Promise(resolve => setImmediate(resolve));
    }
    return builder;
  }

  /** Writes a segment down for good: compressed, with its index. */
  async seal(segment: Segment): Promise<void> {
    const plain = segment.name;
    if (!this.segments.includes(segment)) return;
    if (segment.count === 0) {
      this.segments.splice(this.segments.indexOf(segment), 1);
    } else {
      const name = sealedName(segment);
      const text = (await readText(this.#path(plain))).subarray(0, segment.bytes);
      const growing = segment.growing ?? (await this.#blocksOf(text, segment.first, segment.from));
      segment.bytes = await writeSealed(this.#path(name), text, growing.blocks());
      segment.name = name;
      segment.growing = null;
    }
    await rm(this.#path(plain), { force: true });
  }

  /**
   * What is in a segment; [] when it is gone. An index that is missing or damaged is made again from the segment, which older
   * versions wrote without any.
   */
  async blocks(segment: Segment): Promise<readonly Block[]> {
    if (segment.growing !== null) return segment.growing.blocks();
    const { name } = segment;
    try {
      return decodeIndex(await readFile(this.#path(indexName(name))), await this.#bytes(name));
    } catch (error) {
      if (!this.segments.includes(segment)) return [];
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
        this.#options.onProblem('an index of the recording is damaged and made again', {
          file: indexName(name),
          problem: (error as Error).message,
        });
      }
    }
    const making = this.#making.get(name) ?? this.#makeIndex(segment).finally(() => this.#making.delete(name));
    this.#making.set(name, making);
    return making;
  }

  async #makeIndex(segment: Segment): Promise<readonly Block[]> {
    const { name } = segment;
    const text = await this.text(segment);
    if (text === null) return [];
    const blocks = (await this.#blocksOf(text, segment.first, segment.from)).blocks();
    if (this.#options.readOnly === true) {
      // The folder is another program's: here the text stands for the file.
      return blocks.map(block => ({ ...block, text: text.subarray(block.offset, block.offset + block.size) }));
    }
    segment.bytes = await writeSealed(this.#path(name), text, blocks);
    return decodeIndex(await readFile(this.#path(indexName(name))), await this.#bytes(name));
  }

  /** The text of a block of `blocks`; null when it is gone by now, or damaged: then its segment is set aside. */
  async blockText(segment: Segment, block: Block): Promise<Buffer | null> {
    if (block.text !== undefined) return block.text;
    const wasSealed = segment.growing === null;
    for (let at = block, tries = 0; ; tries++) {
      const { name } = segment;
      try {
        return await readPart(this.#path(name), at.offset, at.size);
      } catch (error) {
        const isGone = (error as NodeJS.ErrnoException).code === 'ENOENT';
        // Sealed since its blocks were asked for: the same block lies elsewhere now.
        const moved = (await this.blocks(segment)).find(({ first }) => first === block.first);
        if (tries < 2 && moved !== undefined && (isGone || !wasSealed || moved.offset !== at.offset)) {
          at = moved;
          continue;
        }
        if (!isGone) await this.#setAside(name, error as Error);
        return null;
      }
    }
  }

  /** The text of a file, or null when it is gone by now or damaged: then it is set aside. */
  async text(file: { readonly name: string }): Promise<Buffer | null> {
    for (let tries = 0; ; tries++) {
      // It may be sealed or removed while others are read.
      const { name } = file;
      try {
        return await readText(this.#path(name));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
          if (tries < 2 && file.name !== name) continue;
          return null;
        }
        await this.#setAside(name, error as Error);
        return null;
      }
    }
  }

  async #setAside(name: string, error: Error): Promise<void> {
    const { onProblem, onLost, readOnly = false } = this.#options;
    onProblem('a part of the recording is damaged and left out', { file: name, problem: error.message });
    this.damaged++;
    if (!readOnly) {
      await rename(this.#path(name), this.#path(`${name}.corrupt`)).catch(() => undefined);
      await rm(this.#path(indexName(name)), { force: true }).catch(() => undefined);
    }
    const at = this.segments.findIndex(segment => segment.name === name);
    const [lost] = at < 0 ? [] : this.segments.splice(at, 1);
    if (lost !== undefined) onLost?.({ from: lost.from || lost.to, to: lost.to, count: lost.count });
    if (this.window !== null && name === windowName(this.window)) this.window = null;
  }

  /** Moves where a restart begins, and removes the oldest segments beyond the limits. */
  async bound(newest: Micros): Promise<void> {
    await this.#moveWindow(newest);
    await this.#remove(newest);
  }

  /** What a restart still needs from before its beginning is kept beside the segments. */
  async #moveWindow(newest: Micros): Promise<void> {
    const { window, isKnown } = this.#options;
    if (window === undefined) return;
    const old = this.window;
    const left = this.segments.filter(
      segment => isSealed(segment) && segment.to < newest - window && segment.first >= (old ?? 0),
    );
    const last = left.at(-1);
    if (last === undefined) return;
    const carried = old === null ? this.#carriedNames() : [windowName(old)];
    const next = last.first + last.count;
    const names = [...carried, ...left.map(({ name }) => name)];
    await writeCompressed(this.#path(windowName(next)), await carryOver(this.#texts(names), isKnown));
    this.window = next;
    if (old !== null) await rm(this.#path(windowName(old)), { force: true });
  }

  #carriedNames(): string[] {
    return this.base === null ? [] : [baseName(this.base)];
  }

  async *#texts(names: readonly string[]): AsyncGenerator<Buffer> {
    for (const name of names) {
      const text = await this.text({ name });
      if (text !== null) yield text;
    }
  }

  /** The exec records of processes that still matter are carried over. */
  async #remove(newest: Micros): Promise<void> {
    const { keep, bytesMax, isKnown } = this.#options;
    const gone: Segment[] = [];
    let bytes = this.segments.reduce((sum, segment) => sum + segment.bytes, 0);
    const room = bytes > bytesMax ? bytesMax * (1 - ROOM_SHARE) : bytesMax;
    for (const segment of this.segments) {
      if (!isSealed(segment) || (bytes <= room && segment.to >= newest - keep)) break;
      gone.push(segment);
      bytes -= segment.bytes;
    }
    const last = gone.at(-1);
    if (last === undefined) return;
    const old = this.base;
    const base = last.first + last.count;
    const names = [...this.#carriedNames(), ...gone.map(({ name }) => name)];
    await writeCompressed(this.#path(baseName(base)), await carryOver(this.#texts(names), isKnown));
    this.base = base;
    this.segments.splice(0, this.segments.indexOf(last) + 1);
    if (this.window !== null && this.window < base) {
      await rm(this.#path(windowName(this.window)), { force: true });
      this.window = null;
    }
    if (old !== null) await rm(this.#path(baseName(old)), { force: true });
    for (const { name } of gone) await this.#discard(name);
  }

  async #discard(name: string): Promise<void> {
    await rm(this.#path(name), { force: true });
    if (name.endsWith('.gz')) await rm(this.#path(indexName(name)), { force: true });
  }

  async clear(): Promise<void> {
    for (const { name } of this.segments.splice(0)) await this.#discard(name);
    for (const name of this.#carriedNames()) await this.#discard(name);
    if (this.window !== null) await this.#discard(windowName(this.window));
    this.base = null;
    this.window = null;
  }
}

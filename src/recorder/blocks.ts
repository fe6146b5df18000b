/**
 * Segments in blocks: each can be read alone, and the index beside the segment says what is in it. A sealed segment is one gzip
 * member a block, so that any tool still reads the whole.
 */
import { promisify } from 'node:util';
import { gunzipSync, gzip } from 'node:zlib';
import type { Event } from '../model/event.ts';
import type { Micros } from '../model/time.ts';
import { addKeys, kindBit } from './keys.ts';

const gzipAsync = promisify(gzip);

export interface Block {
  /** Where its bytes lie in the segment's file. */
  readonly offset: number;
  readonly size: number;
  /** Number of its first line, and how many there are. */
  readonly first: number;
  readonly count: number;
  /** Least and greatest event time in it, micros. */
  readonly from: Micros;
  readonly to: Micros;
  /** The newest event time in the log before its first event; 0: not known. */
  readonly before: Micros;
  /** `kindBit` of every kind in it. */
  readonly kinds: number;
  /** `keys.ts`; sorted. */
  readonly keys: Int32Array;
  /** Its text, where there is no file to read it from. */
  readonly text?: Buffer;
}

/** Of text: larger ones compress no better, and smaller ones make the index larger than what it saves. */
const BLOCK_BYTES = 256 * 1024;
const INDEX_BYTES_MAX = 64 * 1024 * 1024;
const VERSION = 1;

interface Growing {
  readonly offset: number;
  size: number;
  readonly first: number;
  count: number;
  from: Micros;
  to: Micros;
  readonly before: Micros;
  kinds: number;
  readonly keys: Set<number>;
}

/** The blocks of a text while it grows. */
export class BlockBuilder {
  readonly #blocks: Growing[] = [];
  #first: number;
  #newest: Micros;
  #bytes = 0;

  /** Number of the first line; newest event time in the log before it. */
  constructor(first: number, newest: Micros) {
    this.#first = first;
    this.#newest = newest;
  }

  /** The next line: `bytes` with its line end; the event null for a line that is none. */
  add(event: Event | null, bytes: number): void {
    let block = this.#blocks.at(-1);
    if (block === undefined || block.size + bytes > BLOCK_BYTES) {
      block = {
        offset: this.#bytes,
        size: 0,
        first: this.#first,
        count: 0,
        from: Number.MAX_SAFE_INTEGER,
        to: 0,
        before: this.#newest,
        kinds: 0,
        keys: new Set(),
      };
      this.#blocks.push(block);
    }
    block.size += bytes;
    block.count++;
    this.#first++;
    this.#bytes += bytes;
    if (event === null) return;
    const { time } = event;
    if (time < block.from) block.from = time;
    if (time > block.to) block.to = time;
    if (time > this.#newest) this.#newest = time;
    block.kinds |= kindBit(event.kind);
    addKeys(event, block.keys);
  }

  /** As they are now. */
  blocks(): Block[] {
    return this.#blocks.map(block => ({ ...block, keys: Int32Array.from(block.keys).sort() }));
  }
}

/** Whether a block may hold something of a key. */
export function holds({ keys }: Pick<Block, 'keys'>, key: number): boolean {
  let low = 0;
  let high = keys.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const value = keys[middle] as number;
    if (value === key) return true;
    if (value < key) low = middle + 1;
    else high = middle - 1;
  }
  return false;
}

export function holdsAny(block: Pick<Block, 'keys'>, keys: ReadonlySet<number>): boolean {
  if (keys.size * 8 < block.keys.length) {
    for (const key of keys) if (holds(block, key)) return true;
    return false;
  }
  for (const key of block.keys) if (keys.has(key)) return true;
  return false;
}

/** A text's blocks, compressed: the bytes of the file, and where each block lies in it. */
export async function compressed(
  text: Buffer,
  blocks: readonly Block[],
  level: number,
): Promise<{ readonly bytes: Buffer; readonly blocks: Block[] }> {
  const parts: Buffer[] = [];
  const placed: Block[] = [];
  let offset = 0;
  for (const block of blocks) {
    const part = await gzipAsync(text.subarray(block.offset, block.offset + block.size), { level });
    parts.push(part);
    placed.push({ ...block, offset, size: part.length });
    offset += part.length;
  }
  return { bytes: Buffer.concat(parts), blocks: placed };
}

/** The index of a segment whose file has so many bytes. */
export function encodeIndex(blocks: readonly Block[], fileBytes: number): Promise<Buffer> {
  const rows = blocks.map(({ keys, ...block }) => ({
    ...block,
    keys: Buffer.from(keys.buffer, keys.byteOffset, keys.byteLength).toString('base64'),
  }));
  return gzipAsync(JSON.stringify({ version: VERSION, fileBytes, blocks: rows }));
}

/** Throws for what is no index of a file of so many bytes. */
export function decodeIndex(bytes: Buffer, fileBytes: number): Block[] {
  const index: unknown = JSON.parse(gunzipSync(bytes, { maxOutputLength: INDEX_BYTES_MAX }).toString());
  const { version, fileBytes: of, blocks } = index as { version: number; fileBytes: number; blocks: unknown };
  if (version !== VERSION || of !== fileBytes || !Array.isArray(blocks)) throw new Error('it is of another file');
  return blocks.map(({ keys, ...block }: Omit<Block, 'keys'> & { keys: string }) => {
    const raw = new Uint8Array(Buffer.from(keys, 'base64'));
    return { ...block, keys: new Int32Array(raw.buffer) };
  });
}

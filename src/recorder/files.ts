/** Whole files of the recorder: each is small enough to be held in memory. Compression runs beside the main thread. */
import { open, readFile, rename } from 'node:fs/promises';
import { promisify } from 'node:util';
import { constants, gunzip, gzip } from 'node:zlib';
import { type Block, compressed, encodeIndex } from './blocks.ts';
import { indexName } from './segment.ts';

const gzipAsync = promisify(gzip);
const gunzipAsync = promisify(gunzip);

/** Far above a segment: a damaged file must not fill the memory. */
const TEXT_BYTES_MAX = 512 * 1024 * 1024;
const NEWLINE = 0x0a;
const LEVEL = constants.Z_BEST_SPEED;

/** Its text, opened when its name ends in `.gz`. */
export async function readText(path: string): Promise<Buffer> {
  const bytes = await readFile(path);
  return path.endsWith('.gz') ? gunzipAsync(bytes, { maxOutputLength: TEXT_BYTES_MAX }) : bytes;
}

/** A part of a file, opened when the file's name ends in `.gz`: a block is a member of it. */
export async function readPart(path: string, offset: number, size: number): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const bytes = Buffer.allocUnsafeSlow(size);
    const { bytesRead } = await file.read(bytes, 0, size, offset);
    const part = bytes.subarray(0, bytesRead);
    return path.endsWith('.gz') ? await gunzipAsync(part, { maxOutputLength: TEXT_BYTES_MAX }) : part;
  } finally {
    await file.close();
  }
}

/** Puts the text there compressed, whole or not at all; returns the bytes on the disk. */
export async function writeCompressed(path: string, text: Buffer): Promise<number> {
  return writeWhole(path, await gzipAsync(text, { level: LEVEL }));
}

/** The same in blocks, with their index beside it, which is there first; returns the bytes of both. */
export async function writeSealed(path: string, text: Buffer, blocks: readonly Block[]): Promise<number> {
  const sealed = await compressed(text, blocks, LEVEL);
  const index = await encodeIndex(sealed.blocks, sealed.bytes.length);
  return (await writeWhole(indexName(path), index)) + (await writeWhole(path, sealed.bytes));
}

async function writeWhole(path: string, bytes: Buffer): Promise<number> {
  const file = await open(`${path}.tmp`, 'w', 0o600);
  try {
    await file.writeFile(bytes);
    await file.datasync();
  } finally {
    await file.close();
  }
  await rename(`${path}.tmp`, path);
  return bytes.length;
}

/** Start and end of each line that has its line end. */
export function* lineRanges(text: Buffer): Generator<readonly [start: number, end: number]> {
  let start = 0;
  for (let end = text.indexOf(NEWLINE); end >= 0; end = text.indexOf(NEWLINE, start)) {
    yield [start, end];
    start = end + 1;
  }
}

/** Whole files of the recorder: each is small enough to be held in memory. Compression runs beside the main thread. */
import { open, readFile, rename } from 'node:fs/promises';
import { promisify } from 'node:util';
import { constants, gunzip, gzip } from 'node:zlib';

const gzipAsync = promisify(gzip);
const gunzipAsync = promisify(gunzip);

/** Far above a segment: a damaged file must not fill the memory. */
const TEXT_BYTES_MAX = 512 * 1024 * 1024;
const NEWLINE = 0x0a;

/** Its text, opened when its name ends in `.gz`. */
export async function readText(path: string): Promise<Buffer> {
  const bytes = await readFile(path);
  return path.endsWith('.gz') ? gunzipAsync(bytes, { maxOutputLength: TEXT_BYTES_MAX }) : bytes;
}

/** Puts the text there compressed, whole or not at all; returns the bytes on the disk. */
export async function writeCompressed(path: string, text: Buffer): Promise<number> {
  const bytes = await gzipAsync(text, { level: constants.Z_BEST_SPEED });
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

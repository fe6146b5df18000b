/** A file's bytes in chunks, opened when it is compressed. */
import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { createGunzip } from 'node:zlib';

const CHUNK_BYTES = 512 * 1024;

/** Compressed bytes are opened in small pieces: each can grow a thousandfold. */
const GZIP_PIECE_BYTES = 16 * 1024;

/** Bytes of a plain file; throws an error that names the path when it cannot be read. */
export async function* fileChunks(path: string, signal: AbortSignal): AsyncGenerator<Buffer> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    throw new Error(`${path}: ${reasonOf(error)}`);
  });
  try {
    while (!signal.aborted) {
      // Fresh memory for each chunk: events keep referring to it.
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafeSlow(CHUNK_BYTES), 0, CHUNK_BYTES);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } catch (error) {
    throw new Error(`${path}: ${reasonOf(error as NodeJS.ErrnoException)}`);
  } finally {
    await file.close();
  }
}

export async function* streamChunks(stream: Readable): AsyncGenerator<Buffer> {
  for await (const chunk of stream) yield Buffer.from(chunk as Buffer);
}

function reasonOf(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'ENOENT':
      return 'no such file';
    case 'EACCES':
      return 'permission denied';
    case 'EISDIR':
      return 'is a directory';
    default:
      return error.message;
  }
}

/**
 * The chunks, decompressed when they begin with gzip's magic bytes; several members one after another count as one. When the
 * compressed data ends early or is damaged, everything before that is given, then `onDamage` is called with the reason.
 */
export async function* decompressed(
  chunks: AsyncGenerator<Buffer>,
  onDamage: (reason: string) => void,
): AsyncGenerator<Buffer> {
  let first = await chunks.next();
  while (first.done !== true && first.value.length < 2) {
    const more = await chunks.next();
    if (more.done === true) break;
    first = { done: false, value: Buffer.concat([first.value, more.value]) };
  }
  if (first.done === true) return;
  if (first.value[0] === 0x1f && first.value[1] === 0x8b) yield* gunzipped(first.value, chunks, onDamage);
  else {
    yield first.value;
    yield* chunks;
  }
}

/** What a small piece grew to may be a thousand times as much: everything else has its turn in between. */
async function* inTurns(chunks: readonly Buffer[]): AsyncGenerator<Buffer> {
  for (const chunk of chunks) {
    yield chunk;
    await setImmediate();
  }
}

async function* gunzipped(
  first: Buffer,
  rest: AsyncGenerator<Buffer>,
  onDamage: (reason: string) => void,
): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize: 128 * 1024 });
  let out: Buffer[] = [];
  let failure: Error | null = null;
  gunzip.on('data', (chunk: Buffer) => out.push(chunk));
  gunzip.on('error', error => {
    failure ??= error;
  });
  const step = (action: (done: () => void) => void): Promise<void> =>
    new Promise(resolve => {
      gunzip.once('error', () => resolve());
      action(() => resolve());
    });
  const taken = (): Buffer[] => {
    const chunks = out;
    out = [];
    return chunks;
  };
  try {
    for (let chunk: Buffer | null = first; chunk !== null && failure === null; ) {
      for (let at = 0; at < chunk.length && failure === null; at += GZIP_PIECE_BYTES) {
        const piece = chunk.subarray(at, at + GZIP_PIECE_BYTES);
        await step(done => gunzip.write(piece, () => done()));
        gunzip.removeAllListeners('error').on('error', error => {
          failure ??= error;
        });
        yield* inTurns(taken());
      }
      const next = await rest.next();
      chunk = next.done === true ? null : next.value;
    }
    if (failure === null) await step(done => gunzip.once('end', done).end());
    yield* taken();
    if (failure !== null) onDamage(`gzip: ${(failure as Error).message}`);
  } finally {
    gunzip.destroy();
    await rest.return(undefined);
  }
}

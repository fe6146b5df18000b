/** A file's bytes in chunks, opened when it is compressed. */
import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { createGunzip } from 'node:zlib';

const CHUNK_BYTES = 512 * 1024;

/** Compressed bytes are opened in small pieces: each can grow a thousandfold. */
const GZIP_PIECE_BYTES = 16 * 1024;

/** In still smaller ones where damage is near. */
const GZIP_FINE_PIECE_BYTES = 16;

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
 * compressed data ends early or is damaged, everything before that is given, then `onDamage` is called with the reason. `again` gives the
 * same chunks once more: without it, what stands shortly before damage is lost too.
 */
export async function* decompressed(
  chunks: AsyncGenerator<Buffer>,
  onDamage: (reason: string) => void,
  again: (() => AsyncGenerator<Buffer>) | null,
): AsyncGenerator<Buffer> {
  let first = await chunks.next();
  while (first.done !== true && first.value.length < 2) {
    const more = await chunks.next();
    if (more.done === true) break;
    first = { done: false, value: Buffer.concat([first.value, more.value]) };
  }
  if (first.done === true) return;
  const whole = prefixed(first.value, chunks);
  if (first.value[0] !== 0x1f || first.value[1] !== 0x8b) return yield* whole;
  let given = 0;
  const damage = yield* gunzipped(whole, null, chunk => {
    given += chunk.length;
    return chunk;
  });
  if (damage === null) return;
  if (again !== null && damage.at !== null) yield* salvaged(again(), damage.at, given);
  onDamage(`gzip: ${damage.reason}`);
}

async function* prefixed(first: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield first;
    yield* rest;
  } finally {
    await rest.return(undefined);
  }
}

/** What a small piece grew to may be a thousand times as much: everything else has its turn in between. */
async function* inTurns(chunks: readonly Buffer[]): AsyncGenerator<Buffer> {
  for (const chunk of chunks) {
    yield chunk;
    await setImmediate();
  }
}

interface Damage {
  readonly reason: string;
  /** Where the damaged piece begins, of which nothing was given; null when the data only ends early. */
  readonly at: number | null;
}

/**
 * Decompresses to the end or to the first damage. zlib gives nothing of a piece that is damaged: from `fineFrom` on the pieces are so small
 * that next to nothing is lost. `pass` is what is given of a chunk.
 */
async function* gunzipped(
  chunks: AsyncGenerator<Buffer>,
  fineFrom: number | null,
  pass: (chunk: Buffer) => Buffer,
): AsyncGenerator<Buffer, Damage | null> {
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
    const given = out.map(pass).filter(chunk => chunk.length > 0);
    out = [];
    return given;
  };
  const damage = (at: number | null): Damage | null => (failure === null ? null : { reason: failure.message, at });
  let offset = 0;
  try {
    for await (const chunk of chunks) {
      for (let at = 0; at < chunk.length; ) {
        const before = fineFrom === null ? Number.POSITIVE_INFINITY : fineFrom - offset;
        const piece = chunk.subarray(
          at,
          at + (before > 0 ? Math.min(GZIP_PIECE_BYTES, before) : GZIP_FINE_PIECE_BYTES),
        );
        await step(done => gunzip.write(piece, () => done()));
        gunzip.removeAllListeners('error').on('error', error => {
          failure ??= error;
        });
        yield* inTurns(taken());
        if (failure !== null) return damage(offset);
        offset += piece.length;
        at += piece.length;
      }
    }
    await step(done => gunzip.once('end', done).end());
    yield* taken();
    return damage(null);
  } finally {
    gunzip.destroy();
  }
}

/** What stands between the bytes that were `given` and the damage in the piece at `at`. */
async function* salvaged(chunks: AsyncGenerator<Buffer>, at: number, given: number): AsyncGenerator<Buffer> {
  let skip = given;
  try {
    yield* gunzipped(chunks, at, chunk => {
      const rest = chunk.subarray(Math.min(skip, chunk.length));
      skip -= chunk.length - rest.length;
      return rest;
    });
  } catch {
    // The file is gone by now: there is no more than was given.
  }
}

/** NDJSON in a file, rotated by size: whole lines only, also after a crash or on a full disk. */
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { FolderError, makeFolder } from '../disk/folder.ts';
import { inTurn, linesOf } from './lines.ts';
import type { Delivery, SendResult, Sink } from './sink.ts';
import { deliveryKeys, size } from './units.ts';

export const fileConfig = z.strictObject({
  type: z.literal('file'),
  path: z.string().min(1).describe('file to append to; rotated ones are called .1, .2 …'),
  max_size: size.prefault('100MiB').describe('rotate before the file grows past this'),
  keep: z.number().int().min(0).max(1_000).default(5).describe('rotated files to keep'),
  fsync: z
    .enum(['always', 'never'])
    .default('always')
    .describe('whether a line must be on the disk before it counts as delivered'),
  ...deliveryKeys,
  concurrency: deliveryKeys.concurrency.unwrap().default(1),
  rate: deliveryKeys.rate.unwrap().default(1_000),
});

export type FileConfig = z.infer<typeof fileConfig>;

interface OpenFile {
  readonly handle: FileHandle;
  readonly ino: number;
  bytes: number;
}

export function createFile(name: string, config: FileConfig): Sink {
  let current: OpenFile | null = null;

  const close = async (): Promise<void> => {
    const file = current;
    current = null;
    await file?.handle.close();
  };

  const openFile = async (): Promise<OpenFile> => {
    makeFolder(dirname(config.path));
    const handle = await open(config.path, 'a+', 0o600);
    try {
      const { ino, size: bytes } = await handle.stat();
      const file = { handle, ino, bytes };
      const last = Buffer.alloc(1);
      if (bytes > 0) await handle.read(last, 0, 1, bytes - 1);
      // A line that a crash cut short is ended, so that it spoils no other.
      if (bytes > 0 && last[0] !== 0x0a) await append(file, Buffer.from('\n'));
      return file;
    } catch (error) {
      await handle.close();
      throw error;
    }
  };

  /** All or nothing: a write that fails half way (full disk) is taken back. */
  const append = async (file: OpenFile, bytes: Buffer): Promise<void> => {
    try {
      let written = 0;
      while (written < bytes.length) written += (await file.handle.write(bytes, written)).bytesWritten;
      if (config.fsync === 'always') await file.handle.datasync();
      file.bytes += bytes.length;
    } catch (error) {
      await file.handle.truncate(file.bytes).catch(() => {});
      throw error;
    }
  };

  const rotate = async (): Promise<void> => {
    await close();
    if (config.keep === 0) {
      await rm(config.path, { force: true });
      return;
    }
    for (let i = config.keep - 1; i >= 0; i -= 1) {
      const from = i === 0 ? config.path : `${config.path}.${i}`;
      await rename(from, `${config.path}.${i + 1}`).catch(ignoreMissing);
    }
  };

  const write = async (delivery: Delivery): Promise<SendResult> => {
    const bytes = Buffer.from(linesOf(delivery));
    try {
      // Somebody else may have moved or removed it.
      if (current !== null && (await inodeOf(config.path)) !== current.ino) await close();
      current ??= await openFile();
      if (current.bytes > 0 && current.bytes + bytes.length > config.max_size) {
        await rotate();
        current = await openFile();
      }
      await append(current, bytes);
      return { outcome: 'delivered', detail: 'written' };
    } catch (error) {
      await close().catch(() => {});
      return {
        outcome: 'retry',
        detail:
          error instanceof FolderError
            ? `cannot write ${config.path}: ${error.message}`
            : `${(error as NodeJS.ErrnoException).code ?? 'error'}: cannot write ${config.path}`,
      };
    }
  };

  return { name, type: 'file', send: inTurn(write), close };
}

async function inodeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ ino }) => ino,
    () => -1,
  );
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}

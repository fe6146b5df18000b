/** The text of one file, plain or compressed, read on from an offset, with what makes a position in it recognisable. */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { decompressed, fileChunks } from '../capture/chunks.ts';
import type { Backup } from './files.ts';
import type { Position } from './offsets.ts';

/** Bytes that identify a file, at its head and before an offset. */
const PRINT_BYTES = 1_024;
const PIECE_BYTES = 1024 * 1024;
const EMPTY = Buffer.alloc(0);

export class Text {
  readonly path: string;
  readonly inode: string;
  readonly #file: FileHandle | null;
  readonly #chunks: AsyncGenerator<Buffer> | null;
  #head: Buffer = EMPTY;
  /** The bytes before the last piece, and that piece. */
  #before: Buffer = EMPTY;
  #piece: Buffer = EMPTY;
  /** Offset of the first byte that was not read yet. */
  offset = 0;

  private constructor(path: string, inode: string, file: FileHandle | null, chunks: AsyncGenerator<Buffer> | null) {
    this.path = path;
    this.inode = inode;
    this.#file = file;
    this.#chunks = chunks;
  }

  /** Null when the file is not there, or shorter than `offset`. Throws an Error when it is there and cannot be read. */
  static async open(backup: Backup, offset: number, onDamage: (reason: string) => void): Promise<Text | null> {
    // A pipe without a writer would block the open, and with it the end of the program.
    const file = await open(backup.path, constants.O_RDONLY | constants.O_NONBLOCK).catch(error => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
      throw error;
    });
    if (file === null) return null;
    let keep = false;
    let inode: string;
    try {
      const found = await file.stat();
      if (!found.isFile()) throw new Error('not a regular file');
      inode = `${found.dev}:${found.ino}`;
      if (!backup.compressed) {
        const text = new Text(backup.path, inode, file, null);
        text.#head = await readAt(file, 0, Math.min(PRINT_BYTES, offset));
        text.#piece = await readAt(file, Math.max(0, offset - PRINT_BYTES), Math.min(PRINT_BYTES, offset));
        text.offset = offset;
        keep = text.#piece.length === Math.min(PRINT_BYTES, offset);
        return keep ? text : null;
      }
    } finally {
      if (!keep) await file.close();
    }
    const read = (): AsyncGenerator<Buffer> => fileChunks(backup.path, new AbortController().signal);
    const chunks = decompressed(read(), onDamage, read);
    const text = new Text(backup.path, inode, null, chunks);
    while (text.offset < offset) {
      const chunk = await chunks.next();
      if (chunk.done === true) return null;
      text.#take(chunk.value);
    }
    // The piece reaches beyond the offset: what lies behind it is given as the first piece.
    text.#back = text.offset - offset;
    return text;
  }

  #back = 0;

  /** The next piece of text; `end` when there is none (now); `changed` when what was read is no longer there. */
  async read(): Promise<Buffer | 'end' | 'changed'> {
    if (this.#back > 0) {
      const rest = this.#piece.subarray(this.#piece.length - this.#back);
      this.#back = 0;
      return rest;
    }
    if (this.#chunks !== null) {
      const chunk = await this.#chunks.next();
      if (chunk.done === true) return 'end';
      this.#take(chunk.value);
      return chunk.value;
    }
    const file = this.#file as FileHandle;
    const known = this.#lastBytes(this.offset);
    const bytes = await readAt(file, this.offset - known.length, known.length + PIECE_BYTES);
    if (!bytes.subarray(0, known.length).equals(known)) return 'changed';
    if (bytes.length === known.length) return 'end';
    const piece = bytes.subarray(known.length);
    this.#take(piece);
    return piece;
  }

  /** The position at an offset in the piece read last. */
  position(offset: number): Position {
    return {
      inode: this.inode,
      head: hashOf(this.#head.subarray(0, offset)),
      before: hashOf(this.#lastBytes(offset)),
      offset,
      path: this.path,
    };
  }

  /** Whether this text, opened at the position's offset, is the one that the position was in. */
  isAt(position: Position): boolean {
    const mine = this.position(position.offset);
    return mine.head === position.head && mine.before === position.before;
  }

  /** When it was written last; it may be deleted by now. Null for compressed text, which is no longer written. */
  async written(): Promise<number | null> {
    return this.#file === null ? null : (await this.#file.stat()).mtimeMs;
  }

  async close(): Promise<void> {
    await this.#chunks?.return(undefined);
    await this.#file?.close();
  }

  #take(piece: Buffer): void {
    if (this.#head.length < PRINT_BYTES) {
      this.#head = Buffer.concat([this.#head, piece.subarray(0, PRINT_BYTES - this.#head.length)]);
    }
    this.#before = this.#lastBytes(this.offset);
    this.#piece = piece;
    this.offset += piece.length;
  }

  /** Up to 1,024 bytes before an offset that lies in the piece or at its end. */
  #lastBytes(offset: number): Buffer {
    const inPiece = this.#piece.length - (this.offset - offset);
    if (inPiece >= PRINT_BYTES) return this.#piece.subarray(inPiece - PRINT_BYTES, inPiece);
    const all = Buffer.concat([this.#before, this.#piece.subarray(0, inPiece)]);
    return all.subarray(Math.max(0, all.length - PRINT_BYTES));
  }
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 32);
}

/** Fills up to `length` bytes from `at`; fewer at the end of the file. */
async function readAt(file: FileHandle, at: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, at + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

/** Chunks of bytes → lines, without copying: only a line that lies across chunks is put together in memory of its own. */
import { LIMITS } from '../../model/limits.ts';

export interface LineSink {
  /** One line, without its end; may be empty. The bytes stay valid for as long as something holds them. */
  line(bytes: Buffer, start: number, end: number): void;
  /** A line longer than the limit, of which the first bytes are given and the rest is passed over. */
  tooLong(head: Buffer): void;
}

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;

export class LineSplitter {
  readonly #sink: LineSink;
  readonly #lineBytesMax: number;
  #pieces: Buffer[] = [];
  #piecesBytes = 0;
  #skipping = false;
  #first = true;
  #base = 0;
  /** Bytes of the stream up to the end of the line that is being given, its line end included. */
  consumed = 0;

  constructor(sink: LineSink, lineBytesMax: number = LIMITS.lineBytesMax) {
    this.#sink = sink;
    this.#lineBytesMax = lineBytesMax;
  }

  /** Bytes of an unfinished line that wait for the next chunk. */
  get pendingBytes(): number {
    return this.#piecesBytes;
  }

  push(chunk: Buffer): void {
    let start = 0;
    for (;;) {
      const newline = chunk.indexOf(NEWLINE, start);
      if (newline < 0) break;
      this.consumed = this.#base + newline + 1;
      this.#finish(chunk, start, newline);
      start = newline + 1;
    }
    this.#base += chunk.length;
    if (start < chunk.length) this.#keep(chunk.subarray(start));
  }

  /** The last line needs no line end. */
  end(): void {
    this.consumed = this.#base;
    if (this.#piecesBytes > 0) this.#finish(EMPTY, 0, 0);
    this.#skipping = false;
  }

  #keep(piece: Buffer): void {
    this.#piecesBytes += piece.length;
    if (this.#skipping) return;
    this.#pieces.push(piece);
    if (this.#piecesBytes <= this.#lineBytesMax) return;
    this.#sink.tooLong(Buffer.concat(this.#pieces, LIMITS.quarantineLineBytesMax));
    this.#pieces = [];
    this.#skipping = true;
  }

  #finish(chunk: Buffer, start: number, end: number): void {
    if (this.#piecesBytes === 0) {
      if (end - start > this.#lineBytesMax) this.#sink.tooLong(head(chunk, start, end));
      else this.#emit(chunk, start, end);
      return;
    }
    const skipped = this.#skipping;
    if (!skipped) this.#keep(chunk.subarray(start, end));
    const pieces = this.#pieces;
    const tooLong = this.#skipping;
    this.#pieces = [];
    this.#piecesBytes = 0;
    this.#skipping = false;
    if (tooLong) return;
    const line = pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
    this.#emit(line, 0, line.length);
  }

  /** Without a byte order mark, a carriage return, and the NULs that a truncated file is padded with. */
  #emit(bytes: Buffer, from: number, to: number): void {
    let start = from;
    let end = to;
    if (this.#first) {
      this.#first = false;
      if (bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf) start += 3;
    }
    while (start < end && bytes[start] === 0) start++;
    if (end > start && bytes[end - 1] === CARRIAGE_RETURN) end--;
    while (end > start && bytes[end - 1] === 0) end--;
    this.#sink.line(bytes, start, end);
  }
}

const EMPTY = Buffer.alloc(0);

function head(bytes: Buffer, start: number, end: number): Buffer {
  return bytes.subarray(start, Math.min(end, start + LIMITS.quarantineLineBytesMax));
}

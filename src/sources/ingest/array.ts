/** A JSON array that arrives in chunks → its elements, as lines, without waiting for its end. */
import { LIMITS } from '../../model/limits.ts';
import type { LineSink } from '../json/lines.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN = new Set([0x5b, 0x7b]);
const CLOSE = new Set([0x5d, 0x7d]);
const COMMA = 0x2c;
const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;

export class ArraySplitter {
  readonly #sink: LineSink;
  #pieces: Buffer[] = [];
  #piecesBytes = 0;
  #depth = 0;
  #inString = false;
  #escaped = false;
  #skipping = false;

  constructor(sink: LineSink) {
    this.#sink = sink;
  }

  /** The chunk is changed in place and must stay as it is afterwards. */
  push(chunk: Buffer): void {
    let start = 0;
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i] as number;
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false;
        else if (byte === BACKSLASH) this.#escaped = true;
        else if (byte === QUOTE) this.#inString = false;
        continue;
      }
      if (byte === QUOTE) this.#inString = true;
      // An element is one line wherever it is kept; outside strings a line end is white space.
      else if (byte === NEWLINE || byte === CARRIAGE_RETURN) chunk[i] = SPACE;
      else if (OPEN.has(byte)) {
        this.#depth++;
        if (this.#depth === 1) start = i + 1;
      } else if (CLOSE.has(byte)) {
        this.#depth--;
        if (this.#depth === 0) this.#element(chunk, start, i);
        if (this.#depth <= 0) start = i + 1;
      } else if (byte === COMMA && this.#depth === 1) {
        this.#element(chunk, start, i);
        start = i + 1;
      }
    }
    this.#keep(chunk.subarray(start));
  }

  /** An array that ends early leaves an element that is malformed, unless it was nothing. */
  end(): void {
    this.#element(EMPTY, 0, 0);
  }

  #element(chunk: Buffer, start: number, end: number): void {
    this.#keep(chunk.subarray(start, end));
    const pieces = this.#pieces;
    const skipped = this.#skipping;
    this.#pieces = [];
    this.#piecesBytes = 0;
    this.#skipping = false;
    if (skipped) return;
    const element = Buffer.concat(pieces);
    if (element.length > 0) this.#sink.line(element, 0, element.length);
  }

  #keep(piece: Buffer): void {
    if (this.#skipping || piece.length === 0) return;
    this.#pieces.push(piece);
    this.#piecesBytes += piece.length;
    if (this.#piecesBytes <= LIMITS.lineBytesMax) return;
    this.#sink.tooLong(Buffer.concat(this.#pieces, LIMITS.quarantineLineBytesMax));
    this.#pieces = [];
    this.#skipping = true;
  }
}

const EMPTY = Buffer.alloc(0);

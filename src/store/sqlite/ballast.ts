/** A file that holds space back, to be given up when the disk is full: even deleting needs some. */
import { closeSync, openSync, rmSync, statSync, writeSync } from 'node:fs';

const BLOCK_BYTES = 64 * 1024;

export class Ballast {
  readonly #path: string;
  readonly #bytes: number;

  constructor(path: string, bytes: number) {
    this.#path = path;
    this.#bytes = bytes;
  }

  /** Takes the space as soon as there is room. Real bytes: a sparse file would reserve nothing. */
  fill(): void {
    if ((statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0) >= this.#bytes) return;
    try {
      const file = openSync(this.#path, 'w', 0o600);
      try {
        const block = Buffer.alloc(BLOCK_BYTES, 0x20);
        for (let left = this.#bytes; left > 0; ) left -= writeSync(file, block, 0, Math.min(left, block.length));
      } finally {
        closeSync(file);
      }
    } catch {
      // No room for the reserve: the database needs what there is.
      this.drop();
    }
  }

  /** Only to delete or to start with: what is stored in its place could not be deleted later. */
  drop(): void {
    rmSync(this.#path, { force: true });
  }
}

/** Bytes as a file of the reader's. */

/** A browser may take a while to read what it saves. */
const HELD_MS = 10_000;

export function save(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), HELD_MS);
}

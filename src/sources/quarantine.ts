/** Where lines go that could not be decoded: a bounded file, or memory. Their bytes are hostile, and are escaped. */
import { appendFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeFolder } from '../disk/folder.ts';
import { LIMITS } from '../model/limits.ts';
import type { Quarantine } from './source.ts';

export interface QuarantineLimits {
  readonly lineBytesMax: number;
  readonly bytesMax: number;
}

export type QuarantineEntry = Parameters<Quarantine['put']>[0];

const DEFAULT_LIMITS: QuarantineLimits = {
  lineBytesMax: LIMITS.quarantineLineBytesMax,
  bytesMax: LIMITS.quarantineBytesMax,
};

/** Entries that a memory quarantine keeps: the newest. */
const MEMORY_ENTRIES_MAX = 1_000;

/**
 * Appends one tab-separated line an entry: source, place, reason, first bytes. Full at `bytesMax`: further entries are counted
 * in `dropped` and not written. A disk that cannot be written to never stops a source: such entries are counted likewise.
 */
export function fileQuarantine(
  path: string,
  limits: QuarantineLimits = DEFAULT_LIMITS,
): Quarantine & { readonly dropped: number } {
  let written = sizeOf(path);
  let dropped = 0;
  makeFolder(dirname(path));
  return {
    get dropped() {
      return dropped;
    },
    put(entry) {
      const line = Buffer.from(`${format(entry, limits.lineBytesMax)}\n`);
      if (written + line.length > limits.bytesMax) {
        dropped++;
        return;
      }
      try {
        appendFileSync(path, line, { mode: 0o600 });
        written += line.length;
      } catch {
        dropped++;
      }
    },
  };
}

/** Keeps the newest entries, cut and escaped: for tests and for programs without a data folder. */
export function memoryQuarantine(lineBytesMax: number = LIMITS.quarantineLineBytesMax): Quarantine & {
  readonly entries: readonly QuarantineEntry[];
} {
  const entries: QuarantineEntry[] = [];
  return {
    entries,
    put({ source, place, reason, bytes }) {
      if (entries.length === MEMORY_ENTRIES_MAX) entries.shift();
      entries.push({ source, place, reason, bytes: escaped(bytes, lineBytesMax) });
    },
  };
}

function format({ source, place, reason, bytes }: QuarantineEntry, bytesMax: number): string {
  const fields = [source, place, reason].map(field => escaped(field, bytesMax));
  return [...fields, escaped(bytes, bytesMax)].join('\t');
}

/** The first bytes as one line of printable text: control bytes, line ends and what is not UTF-8 become `\xNN`. */
function escaped(bytes: Uint8Array | string, bytesMax: number): string {
  const all =
    typeof bytes === 'string'
      ? Buffer.from(bytes.slice(0, bytesMax))
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const cut = all.subarray(0, bytesMax);
  const text = cut.toString('utf8');
  if (text.includes('\ufffd')) return escapeControls(cut.toString('latin1'), /[\\\x00-\x1f\x7f-\xff]/g);
  return escapeControls(text, /[\\\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g);
}

function escapeControls(text: string, pattern: RegExp): string {
  return text.replace(pattern, c => {
    if (c === '\\') return '\\\\';
    const code = c.charCodeAt(0);
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

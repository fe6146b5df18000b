/** Rule files below a folder of an editor, which may be a whole checkout: bounded, and without what is not the author's. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { RuleFile } from '../rules/load.ts';

const ENTRIES_MAX = 100_000;
const FILES_MAX = 10_000;
const FILE_BYTES_MAX = 2 * 1024 * 1024;
const NOT_THE_AUTHORS = new Set(['node_modules', 'vendor', 'dist', 'target', 'build']);
/** What a document of rules, lists or macros has at its left edge. */
const RULES = /^(?:(?:detection|any|sequence|lists|macros|correlation|filter):|-[ \t]+(?:rule|macro|list)[ \t]*:)/m;

/** What cannot be read is passed over: an editor shows what it can. */
export function rulesBelow(folder: string): RuleFile[] {
  const found: RuleFile[] = [];
  const waiting = [folder];
  let entries = 0;
  for (let at = waiting.shift(); at !== undefined && entries < ENTRIES_MAX; at = waiting.shift()) {
    for (const entry of listed(at)) {
      if (++entries > ENTRIES_MAX || found.length >= FILES_MAX) return found;
      const path = join(at, entry.name);
      if (entry.isDirectory()) {
        if (!entry.name.startsWith('.') && !NOT_THE_AUTHORS.has(entry.name)) waiting.push(path);
      } else if (/\.ya?ml$/i.test(entry.name)) {
        const text = textOf(path);
        if (text !== null && RULES.test(text)) found.push({ file: path, text });
      }
    }
  }
  return found;
}

function listed(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

function textOf(path: string): string | null {
  try {
    const stat = statSync(path);
    return stat.isFile() && stat.size <= FILE_BYTES_MAX ? readFileSync(path, 'utf8') : null;
  } catch {
    return null;
  }
}

/** Rule files on disk: found by walking folders, and watched by content, so that a ConfigMap's symlink swap is noticed like an edit. */
import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, realpathSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type LoadedRules, loadRules, type RuleFile } from './rules/load.ts';
import type { Rule } from './rules/rule.ts';
import { withShippedDocuments } from './shipped-rules.ts';

const FILE_BYTES_MAX = 4 * 1024 * 1024;
const FILES_MAX = 50_000;
const FOLDERS_MAX = 50_000;
/** Of all files of one load. */
const BYTES_MAX = 512 * 1024 * 1024;

/** The folder of the rules that ship, from a checkout and from an installed package alike. */
export const shippedRules = (): string => fileURLToPath(new URL('../rules', import.meta.url));

const isRuleFile = (name: string): boolean => /\.ya?ml$/i.test(name);

/**
 * Every `.yaml` and `.yml` below `paths` (files or folders), sorted by path; dot files and dot folders are passed over, which also
 * hides the `..data` machinery of mounted ConfigMaps. A file or folder to which several links lead is read once. One that cannot be
 * read has a `fault`, which loading tells of. Throws when a path of `paths` does not exist, or when there is more than anyone reads.
 */
export function readRuleFiles(paths: readonly string[]): RuleFile[] {
  const files: RuleFile[] = [];
  const seen = new Set<string>();
  let folders = 0;
  let bytes = 0;
  const add = (file: RuleFile): void => {
    files.push(file);
    bytes += file.text.length;
    if (files.length > FILES_MAX)
      throw new Error(`${file.file}: more than ${FILES_MAX} rule files; name a smaller folder`);
    if (bytes > BYTES_MAX)
      throw new Error(`${file.file}: more than ${BYTES_MAX} bytes of rules in all; name a smaller folder`);
  };
  const walk = (path: string, named: boolean): void => {
    const found = lookedUp(path);
    const wanted = named || isRuleFile(path);
    if ('fault' in found) {
      if (wanted) add({ file: path, text: '', fault: found.fault });
      return;
    }
    if (!found.stat.isDirectory() && !wanted) return;
    // By what it is, not by its name: links may lead in circles.
    if (seen.has(found.real)) return;
    seen.add(found.real);
    if (!found.stat.isDirectory()) {
      add(readRuleFile(path, found.stat));
      return;
    }
    if (++folders > FOLDERS_MAX) throw new Error(`${path}: more than ${FOLDERS_MAX} folders; name a smaller one`);
    const entries = listed(path);
    if ('fault' in entries) add({ file: path, text: '', fault: entries.fault });
    else for (const entry of entries.names) if (!entry.startsWith('.')) walk(join(path, entry), false);
  };
  for (const path of paths) {
    if (statSync(path, { throwIfNoEntry: false }) === undefined)
      throw new Error(`${path}: no such rule file or folder`);
    walk(path, true);
  }
  return files;
}

interface Fault {
  readonly fault: string;
}

const faultOf = (error: unknown): Fault => ({ fault: (error as Error).message });

function lookedUp(path: string): { readonly stat: Stats; readonly real: string } | Fault {
  try {
    return { stat: statSync(path), real: realpathSync(path) };
  } catch (error) {
    return faultOf(error);
  }
}

function listed(folder: string): { readonly names: readonly string[] } | Fault {
  try {
    return { names: readdirSync(folder).sort() };
  } catch (error) {
    return faultOf(error);
  }
}

const GZIP = 'gzip, as recordings are; a rule file is plain text';
const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

function readRuleFile(file: string, stat: Stats): RuleFile {
  // Whoever opens a pipe waits for a writer who may never come.
  if (!stat.isFile()) return { file, text: '', fault: 'not a regular file' };
  if (stat.size > FILE_BYTES_MAX)
    return { file, text: '', fault: `larger than ${FILE_BYTES_MAX} bytes; a rule file is text of a few kilobytes` };
  try {
    const bytes = readFileSync(file);
    return isUtf8(bytes)
      ? { file, text: bytes.toString('utf8') }
      : { file, text: '', fault: isGzip(bytes) ? GZIP : 'not UTF-8; write it in that encoding' };
  } catch (error) {
    return { file, text: '', ...faultOf(error) };
  }
}

export interface RuleChoice {
  readonly paths: readonly string[];
  /** The rules that ship, too. */
  readonly defaults: boolean;
  /** Titles or ids to leave out. */
  readonly disable: readonly string[];
}

export const rulePaths = (choice: RuleChoice): string[] => [
  ...(choice.defaults ? [shippedRules()] : []),
  ...choice.paths,
];

/** Loads what was chosen, to run it: without its tests. `unknown`: entries of `disable` that name no rule. */
export function loadChosen(
  choice: RuleChoice,
  files: readonly RuleFile[],
): LoadedRules & { readonly unknown: readonly string[] } {
  const loaded = loadRules(withShippedDocuments(files), { tests: false });
  const names = (rule: Rule): boolean => choice.disable.includes(rule.id) || choice.disable.includes(rule.title);
  const unknown = choice.disable.filter(name => !loaded.rules.some(rule => rule.id === name || rule.title === name));
  return { ...loaded, rules: loaded.rules.filter(rule => !names(rule)), unknown };
}

/** Changes when any file's name or content does. */
export function fingerprint(files: readonly RuleFile[]): string {
  const hash = createHash('sha256');
  for (const { file, text, fault = '' } of files)
    hash.update(`${file.length} ${file} ${text.length} ${fault.length} ${fault} `).update(text);
  return hash.digest('hex');
}

/**
 * Calls `changed` with the files whenever their content differs from the last time, and `failed` when they cannot be read
 * (once per message). Returns the stopper.
 */
export function watchRuleFiles(
  paths: readonly string[],
  known: string,
  changed: (files: RuleFile[]) => void,
  failed: (error: Error) => void,
  pollMs = 2_000,
): () => void {
  let last = known;
  let complaint = '';
  const timer = setInterval(() => {
    try {
      const files = readRuleFiles(paths);
      const now = fingerprint(files);
      // What could not be read and is the same again is well again: whoever was told so hears of it.
      if (now === last && complaint === '') return;
      complaint = '';
      last = now;
      changed(files);
    } catch (error) {
      const message = (error as Error).message;
      if (message !== complaint) failed(error as Error);
      complaint = message;
    }
  }, pollMs);
  timer.unref();
  return () => clearInterval(timer);
}

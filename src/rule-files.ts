/** Rule files on disk: found by walking folders, and watched by content, so that a ConfigMap's symlink swap is noticed like an edit. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type LoadedRules, loadRules, type RuleFile } from './rules/load.ts';
import type { Rule } from './rules/rule.ts';
import { withShippedDocuments } from './shipped-rules.ts';

const FILE_BYTES_MAX = 4 * 1024 * 1024;
const FILES_MAX = 50_000;

/** The folder of the rules that ship, from a checkout and from an installed package alike. */
export const shippedRules = (): string => fileURLToPath(new URL('../rules', import.meta.url));

const isRuleFile = (name: string): boolean => /\.ya?ml$/i.test(name);

/**
 * Every `.yaml` and `.yml` below `paths` (files or folders), sorted by path; dot files and dot folders are passed over, which also
 * hides the `..data` machinery of mounted ConfigMaps. Throws with the path when one cannot be read.
 */
export function readRuleFiles(paths: readonly string[]): RuleFile[] {
  const files: string[] = [];
  const walk = (path: string, named: boolean): void => {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined) throw new Error(`${path}: no such rule file or folder`);
    if (stat.isDirectory()) {
      for (const entry of readdirSync(path).sort()) if (!entry.startsWith('.')) walk(join(path, entry), false);
    } else if (named || isRuleFile(path)) {
      if (stat.size > FILE_BYTES_MAX)
        throw new Error(`${path}: larger than ${FILE_BYTES_MAX} bytes; a rule file is text of a few kilobytes`);
      files.push(path);
      if (files.length > FILES_MAX)
        throw new Error(`${path}: more than ${FILES_MAX} rule files; name a smaller folder`);
    }
  };
  for (const path of paths) walk(path, true);
  return [...new Set(files)].map(file => ({ file, text: readFileSync(file, 'utf8') }));
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
  for (const { file, text } of files) hash.update(`${file.length} ${file} ${text.length} `).update(text);
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
      complaint = '';
      const now = fingerprint(files);
      if (now === last) return;
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

/** The rule files that a command names, loaded as authors want them: with their tests, and with what ships at hand. */
import { readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Event } from '../model/event.ts';
import { readRuleFiles, shippedRules } from '../rule-files.ts';
import type { RuleTestOptions } from '../rule-tests/run.ts';
import { formatDiagnostic } from '../rules/diagnostics.ts';
import { type LoadedRules, loadRules, type RuleFile } from '../rules/load.ts';
import { decodeLine } from '../sources/json/decoder.ts';
import { CommandError, type Io } from './io.ts';
import { requirePaths } from './options.ts';

/** The shared lists and macros that ship, but for those of which `named` has files of its own. */
export function sharedFiles(named: readonly RuleFile[]): RuleFile[] {
  // A checkout's own `rules` names the shipped files differently, and another version of them holds other text.
  const own = new Set(named.map(({ file }) => place(file)));
  return readRuleFiles([join(shippedRules(), 'lists'), join(shippedRules(), 'macros')]).filter(
    ({ file }) => !own.has(place(file)),
  );
}

/** `lists/names.yaml`. */
const place = (file: string): string => join(basename(dirname(file)), basename(file));

export interface RuleSet {
  readonly loaded: LoadedRules;
  /** Whether a file is one of the named. */
  readonly own: (file: string) => boolean;
  /** The named files. */
  readonly files: readonly RuleFile[];
}

/** Files and folders; without any, the rules that ship. */
export function loadRuleSet(paths: readonly string[]): RuleSet {
  requirePaths(paths);
  const files = readRuleFiles(paths.length > 0 ? paths : [shippedRules()]);
  const names = new Set(files.map(({ file }) => file));
  return { loaded: loadRules([...sharedFiles(files), ...files]), own: file => names.has(file), files };
}

/** The rules of the named files; errors in them are told, and fail the command when nothing is left. */
export function usableRules(paths: readonly string[], io: Io): LoadedRules['rules'] {
  const { loaded, own } = loadRuleSet(paths);
  for (const diagnostic of loaded.diagnostics) {
    if (diagnostic.severity === 'error' && own(diagnostic.file)) io.problem(formatDiagnostic(diagnostic));
  }
  const rules = loaded.rules.filter(rule => own(rule.file));
  if (rules.length === 0) throw new CommandError(`no rules found in ${paths.join(', ')}`);
  return rules;
}

const CAPTURE_BYTES_MAX = 512 * 1024 * 1024;

/** What the tests inside rules need of the world: captures beside the rule's file, each read once. */
export function testOptions(): RuleTestOptions {
  const captures = new Map<string, Event[]>();
  return {
    decode: decodeLine,
    readCapture: (path, file) => {
      const key = join(dirname(file), path);
      const known = captures.get(key) ?? readEvents(key);
      captures.set(key, known);
      return known;
    },
  };
}

function readEvents(file: string): Event[] {
  const stat = statSync(file);
  // Pipes and devices have no end.
  if (!stat.isFile()) throw new Error(`${file} is not a regular file`);
  if (stat.size > CAPTURE_BYTES_MAX) throw new Error(`${file} is larger than ${CAPTURE_BYTES_MAX} bytes`);
  const bytes = readFileSync(file);
  const plain =
    bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes, { maxOutputLength: CAPTURE_BYTES_MAX }) : bytes;
  return plain
    .toString('utf8')
    .split('\n')
    .filter(line => line.trim() !== '')
    .map(decodeLine);
}

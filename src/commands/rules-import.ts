import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { shown } from '../render/alert.ts';
import { counted } from '../render/counted.ts';
import { formatDiagnostic } from '../rules/diagnostics.ts';
import { nativeFalco } from '../rules/falco/native.ts';
import { type ImportRow, type ImportStatus, SWITCHED_OFF } from '../rules/import-report.ts';
import { type LoadedRules, loadRules } from '../rules/load.ts';
import { nativeSigma, type SigmaConverted } from '../rules/sigma/native.ts';
import type { SigmaOutcome } from '../rules/sigma/outcome.ts';
import { CommandError, EXIT, type Form, Io, safeText } from './io.ts';
import { globals } from './options.ts';
import { loadRuleSet } from './rule-set.ts';
import { writeResult } from './rules-lint.ts';

const STATUSES: readonly ImportStatus[] = ['native', 'needs', 'unsupported', 'skipped'];
const APPROXIMATES = 'approximates: ';

export function registerRulesImport(rules: Command): void {
  rules
    .command('import')
    .description(
      'Says of each Sigma, Falco and native rule whether it runs here, what it needs, and what it approximates',
    )
    .argument('<path...>', 'rule files and folders')
    .option('--convert <dir>', 'write Sigma and Falco rules that run as native rules, one file each, into this folder')
    .addHelpText(
      'after',
      `
Rules load from --rules and rules.paths as they are: nothing has to be converted.

Examples:
  spoor rules import falco_rules.yaml sigma/rules/linux
  spoor rules import falco_rules.yaml -o markdown > IMPORT.md
  spoor rules import sigma -o json | jq -r 'select(.status == "unsupported") | .reasons[]'
  spoor rules import falco_rules.yaml sigma/rules/linux --convert my-rules/converted`,
    )
    .action((paths: string[], _options, command: Command) => {
      const options = command.optsWithGlobals<{ convert?: string; output: Form }>();
      const io = new Io(globals(options), ['text', 'json', 'markdown']);
      const { loaded, own } = loadRuleSet(paths);
      const rows = rowsOf(loaded).filter(({ file }) => own(file));
      // What is told in no row must not be missing in silence.
      const told = new Set(rows.filter(({ status }) => status === 'unsupported').map(({ file }) => file));
      for (const diagnostic of loaded.diagnostics)
        if (diagnostic.severity === 'error' && own(diagnostic.file) && !told.has(diagnostic.file))
          io.problem(formatDiagnostic(diagnostic));
      if (rows.length === 0) throw new CommandError(`no rules found in ${paths.join(', ')}`);
      if (options.output === 'markdown') io.out(safeText(markdown(rows)));
      else if (io.json) for (const row of rows) io.record(row);
      else show(rows, io);
      if (options.convert !== undefined) convert(loaded, own, options.convert, io);
      process.exitCode = EXIT.done;
    });
}

/** Of every rule, in the order of files and lines. */
function rowsOf({ rules, switchedOff, sigma, falco }: LoadedRules): ImportRow[] {
  const foreign = [...sigma.map(sigmaRow), ...falco.rows];
  const known = new Set([...foreign.map(({ file, line }) => `${file}:${line}`), ...falco.rows.map(({ id }) => id)]);
  const off = new Set(switchedOff);
  const native = [...rules, ...off]
    .filter(({ id, file, line }) => !known.has(id) && !known.has(`${file}:${line}`))
    .map(
      (rule): ImportRow => ({
        file: rule.file,
        line: rule.line,
        title: rule.title,
        id: rule.id,
        format: 'spoor',
        status: rule.requires.length === 0 ? 'native' : 'needs',
        reasons: [...rule.requires, ...(off.has(rule) ? [SWITCHED_OFF] : [])],
      }),
    );
  return [...foreign, ...native].sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line));
}

function sigmaRow({ file, line, title, id, status, reasons, approximates }: SigmaOutcome): ImportRow {
  const known: ImportStatus = status === 'broken' ? 'unsupported' : status;
  const told = reasons.map(reason =>
    known === 'unsupported' ? `unsupported: ${reason.text} at ${file}:${reason.line}:${reason.column}` : reason.text,
  );
  const nearly = approximates.map(({ text, line, column }) => `${APPROXIMATES}${text} at ${file}:${line}:${column}`);
  return { file, line, title, id, format: 'sigma', status: known, reasons: [...told, ...nearly] };
}

/** A reason without its place, so that equal ones add up. */
const kindOf = (reason: string): string => reason.replace(/ at \S+:\d+:\d+$/, '');

function tally(texts: Iterable<string>): [text: string, count: number][] {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
}

function totals(rows: readonly ImportRow[]): string {
  const counts = STATUSES.map(status => `${rows.filter(row => row.status === status).length} ${status}`);
  return `${counted(rows.length, 'rule')}: ${counts.join(', ')}`;
}

function show(rows: readonly ImportRow[], io: Io): void {
  const { style } = io;
  for (const { file, line, title, status, reasons } of rows) {
    const name = shown(title).padEnd(58);
    const told = reasons.filter(reason => !reason.startsWith(APPROXIMATES));
    const place = style.dim(shown(`${file}:${line}`, 300));
    io.out(`${status.padEnd(11)} ${name} ${place}${told.length === 0 ? '' : `  ${shown(told.join('; '), 1_000)}`}`);
  }
  const list = (heading: string, entries: readonly [string, number][]): void => {
    if (entries.length === 0) return;
    io.out(`\n${style.bold(heading)}`);
    for (const [text, count] of entries) io.out(`  ${String(count).padStart(5)}  ${shown(text, 300)}`);
  };
  for (const status of ['needs', 'unsupported', 'skipped'] as const) {
    const reasons = rows
      .filter(row => row.status === status)
      .flatMap(row => row.reasons.filter(reason => !reason.startsWith(APPROXIMATES)).map(kindOf));
    list(status, tally(reasons));
  }
  list('approximates', tally(approximations(rows)));
  io.out(`\n${totals(rows)}`);
}

const approximations = (rows: readonly ImportRow[]): string[] =>
  rows.flatMap(({ reasons }) =>
    reasons.filter(reason => reason.startsWith(APPROXIMATES)).map(reason => kindOf(reason.slice(APPROXIMATES.length))),
  );

const cell = (text: string): string => text.replaceAll('|', '\\|').replace(/\s+/g, ' ');

function markdown(rows: readonly ImportRow[]): string {
  const lines = rows.map(
    ({ file, line, title, format, status, reasons }) =>
      `| ${cell(title)} | ${format} | ${status} | ${cell(reasons.join('; '))} | ${cell(`${file}:${line}`)} |`,
  );
  return [
    `${totals(rows)}.`,
    '',
    '| rule | format | status | why | where |',
    '| --- | --- | --- | --- | --- |',
    ...lines,
  ].join('\n');
}

/** Writes each rule that has a native form; of the others it says why not. */
function convert(loaded: LoadedRules, own: (file: string) => boolean, folder: string, io: Io): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new CommandError(`${folder}: cannot be made: ${(error as Error).message}`);
  }
  const names = new Set<string>();
  let written = 0;
  const all = [...falcoConversions(loaded), ...sigmaConversions(loaded)].filter(({ file }) => own(file));
  for (const { file, line, title, id, made } of all) {
    const text = 'text' in made ? made.text : '';
    const reason = 'text' in made ? brokenBy(text) : made.reason;
    if (reason !== '') {
      io.problem(`${file}:${line} ${shown(title)}: ${reason}; use it as it is`);
      continue;
    }
    const name = fileName(title, id, names);
    names.add(name);
    writeResult(join(folder, `${name}.yaml`), text);
    written++;
  }
  io.note(`${written} of ${counted(all.length, 'rule')} written to ${folder}`);
}

interface Conversion {
  readonly file: string;
  readonly line: number;
  readonly title: string;
  readonly id: string;
  readonly made: SigmaConverted;
}

const falcoConversions = ({ falco }: LoadedRules): Conversion[] =>
  falco.loaded.map(one => {
    const { file, line, title, id } = one.rule;
    const text = nativeFalco(one);
    return { file, line, title, id, made: text === null ? { reason: 'too large for one native rule' } : { text } };
  });

/** Filters are part of what they narrow, and need no file of their own. */
function sigmaConversions({ sigma, sigmaLoaded }: LoadedRules): Conversion[] {
  const loaded = new Map(sigmaLoaded.map(one => [`${one.rule.file}:${one.rule.line}`, one]));
  return sigma.flatMap(({ file, line, title, id, kind, status }): Conversion[] => {
    if (kind === 'filter' || (status !== 'native' && status !== 'needs')) return [];
    const one = loaded.get(`${file}:${line}`);
    if (one !== undefined) return [{ file, line, title, id: one.rule.id, made: nativeSigma(one) }];
    const reason =
      kind === 'correlation'
        ? 'native rules count and order events, but do not correlate rules'
        : 'it does not fire by itself: a correlation uses it';
    return [{ file, line, title, id, made: { reason } }];
  });
}

/** Why a text that was made does not load, or ''. */
function brokenBy(text: string): string {
  const { rules, switchedOff, diagnostics } = loadRules([{ file: '', text }]);
  const error = diagnostics.find(({ severity }) => severity === 'error');
  if (error !== undefined) return `as a native rule: ${error.message}`;
  return rules.length + switchedOff.length === 1 ? '' : 'it would be no native rule';
}

function fileName(title: string, id: string, taken: ReadonlySet<string>): string {
  const slug = title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 80);
  return slug === '' || taken.has(slug) ? `${slug}${slug === '' ? '' : '-'}${id.slice(0, 8)}` : slug;
}

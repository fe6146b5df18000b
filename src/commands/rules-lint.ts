import { randomUUID } from 'node:crypto';
import { closeSync, fsyncSync, openSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { escapeJson } from '../model/escape.ts';
import { shown } from '../render/alert.ts';
import { counted } from '../render/counted.ts';
import { formatSarif } from '../render/sarif.ts';
import { type Diagnostic, formatDiagnostic } from '../rules/diagnostics.ts';
import { fixText } from '../rules/fix.ts';
import { loadRules, type RuleFile } from '../rules/load.ts';
import { CommandError, EXIT, type Form, Io } from './io.ts';
import { globals } from './options.ts';
import { loadRuleSet } from './rule-set.ts';

export function registerRulesLint(rules: Command, version: string): void {
  rules
    .command('lint')
    .description('Checks rule files: syntax, fields, types, identity, bounds; exit 1 when there are errors')
    .argument('[path...]', 'rule files and folders; without any, the rules that ship')
    .option(
      '--fix',
      'repair what is mechanical, in place: missing ids, old dates, levels in capitals, values given twice',
    )
    .option('--sarif <file>', 'write the findings as SARIF 2.1.0 too, for code hosts')
    .option('--strict', 'exit 1 for warnings as well')
    .addHelpText(
      'after',
      `
Every check is listed in docs/rules.md.

Examples:
  spoor rules lint my-rules
  spoor rules lint my-rules --fix
  spoor rules lint my-rules --strict --sarif lint.sarif
  spoor rules lint my-rules -o sarif > lint.sarif
  spoor rules lint my-rules -o json | jq -r .message`,
    )
    .action((paths: string[], _options, command: Command) => {
      const options = command.optsWithGlobals<{ fix?: true; sarif?: string; strict?: true; output: Form }>();
      const io = new Io(globals(options), ['text', 'json', 'sarif']);
      const sarif = options.output === 'sarif';
      if (options.fix === true) fixFiles(loadRuleSet(paths).files, io);
      const { loaded, own, files } = loadRuleSet(paths);
      // A folder that was moved must not pass for one without faults.
      if (files.length === 0) throw new CommandError(`no rule files found in ${paths.join(', ')}`);
      const findings = loaded.diagnostics.filter(({ file }) => own(file));
      if (sarif) io.out(formatSarif(findings, version).trimEnd().split('\n').map(escapeJson).join('\n'));
      else
        for (const finding of findings) {
          if (io.json) io.record(finding);
          else io.out(paint(finding, io));
        }
      if (options.sarif !== undefined) writeResult(options.sarif, formatSarif(findings, version));
      const errors = findings.filter(({ severity }) => severity === 'error').length;
      const count = [...loaded.rules, ...loaded.switchedOff].filter(({ file }) => own(file)).length;
      const warnings = findings.length - errors;
      io.note(`${counted(count, 'rule')}, ${counted(errors, 'error')}, ${counted(warnings, 'warning')}`);
      const failed = errors > 0 || (options.strict === true && findings.length > 0);
      process.exitCode = failed ? EXIT.failed : EXIT.done;
    });
}

function paint(finding: Diagnostic, io: Io): string {
  const text = shown(formatDiagnostic(finding), 1_000);
  return finding.severity === 'error' ? io.style.red(text) : io.style.yellow(text);
}

/** Says what it changed; a file whose repair would bring errors stays as it is. */
function fixFiles(files: readonly RuleFile[], io: Io): void {
  for (const { file, text, fault } of files) {
    if (fault !== undefined) continue;
    const errorsBefore = errorsIn({ file, text });
    if (errorsBefore.includes('yaml-syntax') || errorsBefore.includes('yaml-limit')) continue;
    const fixed = fixText(text, randomUUID);
    if (fixed.fixes.length === 0 || errorsIn({ file, text: fixed.text }).length > errorsBefore.length) continue;
    replaceFile(file, fixed.text);
    for (const { line, what } of fixed.fixes) io.note(`${file}:${line} fixed ${what}`);
  }
}

const errorsIn = (file: RuleFile): string[] =>
  loadRules([file])
    .diagnostics.filter(({ severity }) => severity === 'error')
    .map(({ code }) => code);

/** Whole or not at all: written beside it, then renamed; links keep pointing at the file. */
function replaceFile(named: string, text: string): void {
  const file = realpathSync(named);
  const beside = `${file}.${process.pid}.tmp`;
  try {
    const handle = openSync(beside, 'wx', statSync(file).mode & 0o777);
    try {
      writeFileSync(handle, text);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(beside, file);
  } catch (error) {
    rmSync(beside, { force: true });
    throw new CommandError(`${named}: cannot be written: ${(error as Error).message}`);
  }
}

export function writeResult(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new CommandError(`${file}: cannot be written: ${(error as Error).message}`);
  }
}

import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { shown } from '../render/alert.ts';
import { formatJunit, formatTap } from '../rule-tests/format.ts';
import { runRuleTests } from '../rule-tests/run.ts';
import { type Diagnostic, formatDiagnostic } from '../rules/diagnostics.ts';
import { CommandError, EXIT, Io } from './io.ts';
import { globals } from './options.ts';
import { loadRuleSet, testOptions } from './rule-set.ts';
import { registerRulesCoverage } from './rules-coverage.ts';
import { registerRulesDiff } from './rules-diff.ts';
import { registerRulesExcept } from './rules-except.ts';
import { registerRulesExplain } from './rules-explain.ts';
import { registerRulesNew } from './rules-new.ts';

export function registerRules(program: Command): void {
  const rules = program.command('rules').description('Check, test and list detections');

  rules
    .command('lint')
    .description('Checks rule files: syntax, fields, types, identity, bounds; exit 1 when there are errors')
    .argument('[path...]', 'rule files and folders; without any, the rules that ship')
    .addHelpText(
      'after',
      '\nExamples:\n  spoor rules lint my-rules\n  spoor rules lint my-rules -o json | jq -r .message',
    )
    .action((paths: string[], _options, command: Command) => {
      const io = new Io(globals(command.optsWithGlobals()));
      const { loaded, own } = loadRuleSet(paths);
      const findings = loaded.diagnostics.filter(diagnostic => own(diagnostic.file));
      for (const finding of findings) {
        if (io.json) io.record(finding);
        else io.out(paint(finding, io));
      }
      const errors = findings.filter(finding => finding.severity === 'error').length;
      const count = loaded.rules.filter(rule => own(rule.file)).length;
      io.note(`${count} rules, ${errors} errors, ${findings.length - errors} warnings`);
      process.exitCode = errors > 0 ? EXIT.failed : EXIT.done;
    });

  rules
    .command('test')
    .description('Runs the tests that stand inside rules; exit 1 when one fails')
    .argument('[path...]', 'rule files and folders; without any, the rules that ship')
    .option('--junit <file>', 'write the results as JUnit XML')
    .addHelpText('after', '\nExamples:\n  spoor rules test my-rules\n  spoor rules test my-rules --junit results.xml')
    .action((paths: string[], _options, command: Command) => {
      const options = command.optsWithGlobals<{ junit?: string }>();
      const io = new Io(globals(options));
      process.exitCode = test(paths, options.junit, io);
    });

  rules
    .command('list')
    .description('Lists rules with their level, techniques and the sensor settings that they need')
    .argument('[path...]', 'rule files and folders; without any, the rules that ship')
    .action((paths: string[], _options, command: Command) => {
      const io = new Io(globals(command.optsWithGlobals()));
      list(paths, io);
    });

  registerRulesDiff(rules);
  registerRulesExplain(rules);
  registerRulesNew(rules);
  registerRulesExcept(rules);
  registerRulesCoverage(rules);
}

function paint(finding: Diagnostic, io: Io): string {
  const text = shown(formatDiagnostic(finding), 1_000);
  return finding.severity === 'error' ? io.style.red(text) : io.style.yellow(text);
}

function test(paths: readonly string[], junit: string | undefined, io: Io): number {
  const { loaded, own } = loadRuleSet(paths);
  const errors = loaded.diagnostics.filter(diagnostic => diagnostic.severity === 'error' && own(diagnostic.file));
  for (const error of errors) io.problem(formatDiagnostic(error));
  const rules = loaded.rules
    .filter(rule => own(rule.file))
    .map(rule => ({ rule, tests: loaded.tests.get(rule.id) ?? [] }));
  if (rules.length === 0) throw new CommandError('no rules found there');
  const results = runRuleTests(rules, testOptions());
  if (io.json) for (const result of results) io.record(result);
  else io.out(formatTap(results));
  if (junit !== undefined) writeFileSync(junit, formatJunit(results));
  const failed = results.filter(result => !result.passed).length;
  const untested = rules.filter(({ tests }) => tests.length === 0).map(({ rule }) => rule.title);
  if (untested.length > 0) io.note(`without tests: ${untested.join(', ')}`);
  io.note(`${results.length - failed} passed, ${failed} failed, in ${rules.length} rules`);
  return failed > 0 || errors.length > 0 ? EXIT.failed : EXIT.done;
}

function list(paths: readonly string[], io: Io): void {
  const { loaded, own } = loadRuleSet(paths);
  for (const rule of loaded.rules) {
    if (!own(rule.file)) continue;
    const techniques = rule.tags.filter(tag => tag.startsWith('attack.t')).map(tag => tag.slice(7).toUpperCase());
    if (io.json) {
      const { id, title, level, tags, requires, file, line } = rule;
      io.record({ id, title, level, tags, requires, file, line });
    } else {
      const needs = rule.requires.length === 0 ? '' : io.style.dim(`  needs ${rule.requires.join(', ')}`);
      io.out(
        `${io.style.level(rule.level, rule.level.padEnd(13))} ${shown(rule.title).padEnd(58)} ${techniques.join(' ')}${needs}`,
      );
    }
  }
}

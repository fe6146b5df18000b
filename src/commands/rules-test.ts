import type { Command } from 'commander';
import { counted } from '../render/counted.ts';
import { formatJunit, formatTap } from '../rule-tests/format.ts';
import { runRuleTests } from '../rule-tests/run.ts';
import { formatDiagnostic } from '../rules/diagnostics.ts';
import { CommandError, EXIT, Io } from './io.ts';
import { globals } from './options.ts';
import { loadRuleSet, testOptions } from './rule-set.ts';
import { writeResult } from './rules-lint.ts';

export function registerRulesTest(rules: Command): void {
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
}

function test(paths: readonly string[], junit: string | undefined, io: Io): number {
  const { loaded, own } = loadRuleSet(paths);
  const errors = loaded.diagnostics.filter(diagnostic => diagnostic.severity === 'error' && own(diagnostic.file));
  for (const error of errors) io.problem(formatDiagnostic(error));
  const rules = [...loaded.rules, ...loaded.switchedOff]
    .filter(rule => own(rule.file))
    .map(rule => ({ rule, tests: loaded.tests.get(rule.id) ?? [] }));
  if (rules.length === 0) throw new CommandError('no rules found there');
  const results = runRuleTests(rules, testOptions());
  if (io.json) for (const result of results) io.record(result);
  else io.out(formatTap(results));
  if (junit !== undefined) writeResult(junit, formatJunit(results));
  const failed = results.filter(result => !result.passed).length;
  const untested = rules.filter(({ tests }) => tests.length === 0).map(({ rule }) => rule.title);
  if (untested.length > 0) io.note(`without tests: ${untested.join(', ')}`);
  io.note(`${results.length - failed} passed, ${failed} failed, in ${counted(rules.length, 'rule')}`);
  return failed > 0 || errors.length > 0 ? EXIT.failed : EXIT.done;
}

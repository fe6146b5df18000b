import { readFileSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { Alert } from '../alerts/alert.ts';
import { exceptionFor } from '../authoring/exception.ts';
import { matches, type Proof, prove } from '../authoring/proof.ts';
import { exceptionYaml, withException } from '../authoring/rule-edit.ts';
import { subjectOfAlert } from '../authoring/subject.ts';
import { shown } from '../render/alert.ts';
import { shippedRules } from '../rule-files.ts';
import type { Rule } from '../rules/rule.ts';
import { decodeLine } from '../sources/json/decoder.ts';
import { CommandError, EXIT, Io, safeText } from './io.ts';
import { collect, globals } from './options.ts';
import { openReader, type Place } from './reader.ts';
import { loadRuleSet, sharedFiles, testOptions } from './rule-set.ts';

interface ExceptOptions extends Place {
  readonly rules: string[];
  readonly write: boolean;
  readonly name?: string;
}

export function registerRulesExcept(rules: Command): void {
  rules
    .command('except')
    .description("Makes a narrow exception from an alert, and proves that the rule's own tests still pass with it")
    .argument('<alert>', "the alert's id, or the beginning of it")
    .option('--url <url>', 'API of a running Spoor', process.env.SPOOR_URL ?? 'http://127.0.0.1:8787')
    .option('--token-file <file>', 'file with the bearer token', process.env.SPOOR_TOKEN_FILE)
    .option('--db <file>', 'read a database instead')
    .option('--rules <path>', 'where the rule stands (repeatable); without it, the rules that ship', collect, [])
    .option('--name <name>', 'what the exception is called')
    .option('--write', "add it to the rule's file; comments and layout stay", false)
    .addHelpText(
      'after',
      `
The exception asks for the workload, the program with its arguments, its parent, and what it spoke to or opened. It is
written only when the proof holds; otherwise the exit status is 1.

Examples:
  spoor rules except 1f0c9a --db data/spoor.db
  spoor rules except 1f0c9a --rules my-rules --write
  spoor rules except 1f0c9a --rules my-rules -o json | jq .proof`,
    )
    .action(async (id: string, _options, command: Command) => {
      const options = command.optsWithGlobals<ExceptOptions>();
      process.exitCode = await except(id, options, new Io(globals(options)));
    });
}

async function except(id: string, options: ExceptOptions, io: Io): Promise<number> {
  const alert = await alertOf(id, options);
  const subject = subjectOfAlert(alert, decodeLine);
  if (subject === null) throw new CommandError('the evidence of this alert is gone or cannot be read');
  const { rule, shared } = ruleOf(alert, options.rules);
  const event = [...subject.evidence].reverse().find(observation => matches(rule, observation));
  if (event === undefined)
    throw new CommandError(
      `${shown(rule.title)} as it stands now does not match the evidence of this alert: there is nothing to except`,
    );
  const name = options.name ?? `alert_${alert.id.slice(0, 12)}`;
  const entry = exceptionFor(event, name);
  if (entry === null)
    throw new CommandError(
      'nothing but the workload is known of this event: an exception would silence the rule there',
    );
  const text = readFileSync(rule.file, 'utf8');
  const edited = withException(text, rule.line, entry);
  if ('problem' in edited) throw new CommandError(`${rule.file}: ${edited.problem}`);
  const file = rule.file;
  const proof = prove(rule, { file, text }, { file, text: edited.text }, shared, event, testOptions());
  if (io.json) io.record({ rule: { id: rule.id, title: rule.title, file, line: rule.line }, exception: entry, proof });
  else {
    for (const line of proofLines(rule, proof)) io.out(safeText(`# ${line}`));
    io.out(
      `exceptions:\n${safeText(
        exceptionYaml(entry)
          .replace(/^(?=.)/gm, '  ')
          .trimEnd(),
      )}`,
    );
  }
  if (!proof.holds) {
    io.problem('the proof does not hold: nothing is written');
    return EXIT.failed;
  }
  if (options.write) {
    writeFileSync(file, edited.text);
    io.note(`added to ${file}`);
    if (file.startsWith(shippedRules()))
      io.note('that file ships with Spoor: the next update brings it without the exception');
  }
  return EXIT.done;
}

async function alertOf(id: string, options: ExceptOptions): Promise<Alert> {
  const reader = await openReader(options);
  try {
    const alert = await reader.alert(id);
    if (alert === null) throw new CommandError(`no alert has an id that begins with ${shown(id)}`);
    return alert;
  } finally {
    await reader.close();
  }
}

function ruleOf(alert: Alert, paths: readonly string[]): { rule: Rule; shared: ReturnType<typeof sharedFiles> } {
  const { loaded, own, files } = loadRuleSet(paths);
  const rule = loaded.rules.find(one => own(one.file) && one.id === alert.rule.id);
  if (rule === undefined) {
    const where = paths.length === 0 ? shippedRules() : paths.join(', ');
    throw new CommandError(
      `the rule of this alert, ${shown(alert.rule.title)}, is not in ${where}; name it with --rules`,
    );
  }
  // Files of lists and macros may stand among the named ones.
  const others = files.filter(({ file }) => file !== rule.file);
  return { rule, shared: [...sharedFiles(files), ...others] };
}

const PROBLEMS_SHOWN_MAX = 4;

function proofLines(rule: Rule, proof: Proof): string[] {
  const mark = (good: boolean): string => (good ? 'ok' : 'NOT OK');
  const firing = proof.tests.filter(test => test.fires);
  return [
    `${rule.title} (${rule.file}:${rule.line})`,
    `${mark(proof.suppressed)}: the alert's event is suppressed`,
    ...proof.errors,
    ...proof.tests.flatMap(test => [
      `${mark(test.after)}: ${test.fires ? 'still fires' : 'still quiet'}: ${test.name}${test.before ? '' : ' (failed before, too)'}`,
      ...(test.after ? [] : test.problems.slice(0, PROBLEMS_SHOWN_MAX).map(problem => `  ${problem}`)),
    ]),
    ...(firing.length === 0 ? ['the rule has no test that fires: nothing shows that it still does'] : []),
  ];
}

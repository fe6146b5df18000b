import type { Command } from 'commander';
import type { Alert } from '../alerts/alert.ts';
import { diffAlerts, type RuleSetDiff } from '../authoring/diff.ts';
import { alertText, shown } from '../render/alert.ts';
import type { Rule } from '../rules/rule.ts';
import { EXIT, Io } from './io.ts';
import { globals, requireFiles } from './options.ts';
import { play, reportMalformed } from './playback.ts';
import { usableRules } from './rule-set.ts';

export function registerRulesDiff(rules: Command): void {
  rules
    .command('diff')
    .description('Compares the alerts of two versions of a rule set over recorded events: gained, lost and changed')
    .argument('<old>', 'rule file or folder as it was')
    .argument('<new>', 'the same as it is now')
    .argument('<capture...>', 'recorded events, merged by event time')
    .option('--fail-on-change', 'exit with status 1 when any alert is gained, lost or changed', false)
    .addHelpText(
      'after',
      `
Examples:
  git worktree add ../before main && spoor rules diff ../before/rules rules captures/benign/*.jsonl.gz
  spoor rules diff old.yaml new.yaml incident.jsonl.gz -o json | jq -r 'select(.change == "lost") | .alert.message'
  spoor rules diff old new captures/*/*.jsonl.gz --fail-on-change`,
    )
    .action(async (before: string, after: string, captures: string[], _options, command: Command) => {
      const options = command.optsWithGlobals<{ failOnChange: boolean }>();
      const io = new Io(globals(options));
      requireFiles(captures);
      const [old, now] = [usableRules([before], io), usableRules([after], io)];
      const diff = diffAlerts(await alertsOf(old, captures, io, true), await alertsOf(now, captures, io, false));
      if (io.json) print(diff, io);
      else show(diff, io);
      const { gained, lost, changed, unchanged } = diff;
      io.note(`${gained.length} gained, ${lost.length} lost, ${changed.length} changed, ${unchanged} the same`);
      const same = gained.length + lost.length + changed.length === 0;
      process.exitCode = options.failOnChange && !same ? EXIT.failed : EXIT.done;
    });
}

/** Each as it stands at the end, in order of time. */
async function alertsOf(rules: readonly Rule[], files: readonly string[], io: Io, first: boolean): Promise<Alert[]> {
  const alerts = new Map<string, Alert>();
  const played = await play(
    {
      files,
      rules,
      onStep: ({ changes }) => {
        for (const { alert } of changes) {
          // Later words on an alert bring only the evidence that is new.
          const evidence = alerts.get(alert.id)?.evidence ?? alert.evidence;
          alerts.set(alert.id, { ...alert, evidence });
        }
      },
    },
    io,
  );
  if (first) reportMalformed(played, io);
  return [...alerts.values()];
}

function print(diff: RuleSetDiff, io: Io): void {
  for (const alert of diff.gained) io.record({ change: 'gained', alert });
  for (const alert of diff.lost) io.record({ change: 'lost', alert });
  for (const { alert, changes } of diff.changed) io.record({ change: 'changed', changes, alert });
}

const VALUE_CHARS_MAX = 160;

function show(diff: RuleSetDiff, io: Io): void {
  const { style } = io;
  for (const alert of diff.gained) io.out(`${style.green('+')} ${alertText(alert, style)}\n`);
  for (const alert of diff.lost) io.out(`${style.red('-')} ${alertText(alert, style)}\n`);
  for (const { alert, changes } of diff.changed) {
    io.out(`${style.yellow('~')} ${alertText(alert, style)}`);
    for (const { what, before, after } of changes)
      io.out(`    ${what}: ${shown(before, VALUE_CHARS_MAX)} → ${shown(after, VALUE_CHARS_MAX)}`);
    io.out('');
  }
}

import type { Command } from 'commander';
import { byTactic, coverageOf, type RuleCoverage, SensorView } from '../authoring/coverage.ts';
import { coverageMarkdown, navigatorLayer } from '../authoring/coverage-forms.ts';
import { escapeJson } from '../model/escape.ts';
import { shown } from '../render/alert.ts';
import { EXIT, type Form, Io, safeText } from './io.ts';
import { collect, globals, requireFiles } from './options.ts';
import { play, reportMalformed } from './playback.ts';
import { usableRules } from './rule-set.ts';

export function registerRulesCoverage(rules: Command): void {
  rules
    .command('coverage')
    .description('ATT&CK techniques that the rules speak of, and which rules can fire with what the sensors report')
    .argument('[path...]', 'rule files and folders; without any, the rules that ship')
    .option('--capture <file>', 'recorded events of the sensors in question (repeatable)', collect, [])
    .addHelpText(
      'after',
      `
A recording shows what its sensors report: kinds of events, hooks of policies, credentials, namespaces, names, flows. What
it does not hold counts as missing: take one that is long enough. -o navigator is a layer (format 4.5) for the ATT&CK
Navigator on its Linux and Containers platforms.

Examples:
  spoor rules coverage
  spoor rules coverage my-rules --capture tetragon.log --capture hubble.log    # each file with its own --capture
  spoor rules coverage -o navigator > layer.json
  spoor rules coverage rules my-rules -o markdown > COVERAGE.md`,
    )
    .action(async (paths: string[], _options, command: Command) => {
      const options = command.optsWithGlobals<{ capture: string[]; output: Form }>();
      const io = new Io(globals(options), ['text', 'json', 'markdown', 'navigator']);
      requireFiles(options.capture);
      const loaded = usableRules(paths, io);
      const view = options.capture.length === 0 ? null : await viewOf(options.capture, io);
      const coverage = coverageOf(loaded, view);
      if (options.output === 'navigator') io.out(escapeJson(JSON.stringify(navigatorLayer(coverage, 'Spoor'))));
      else if (options.output === 'markdown') io.out(safeText(coverageMarkdown(coverage)));
      else if (io.json) for (const row of coverage) record(row, io);
      else show(coverage, view, io);
      process.exitCode = EXIT.done;
    });
}

async function viewOf(files: readonly string[], io: Io): Promise<SensorView> {
  const view = new SensorView();
  const played = await play({ files, rules: [], onStep: ({ observation }) => view.add(observation) }, io);
  reportMalformed(played, io);
  return view;
}

function record({ rule, techniques, tactics, missing }: RuleCoverage, io: Io): void {
  const { id, title, level, file, line } = rule;
  io.record({
    id,
    title,
    level,
    techniques,
    tactics,
    can_fire: missing === null ? null : missing.length === 0,
    missing,
    file,
    line,
  });
}

const counts = (map: ReadonlyMap<string, number>): string =>
  [...map]
    .sort(([, a], [, b]) => b - a)
    .map(([name, n]) => `${shown(name, 60)} ${n.toLocaleString('en')}`)
    .join(', ') || 'none';

function show(coverage: readonly RuleCoverage[], view: SensorView | null, io: Io): void {
  const { style } = io;
  for (const { tactic, rows } of byTactic(coverage)) {
    const firing = rows.filter(({ missing }) => missing === null || missing.length === 0).length;
    const techniques = [...new Set(rows.flatMap(row => row.techniques))].sort();
    const name = tactic === '' ? 'no tactic' : tactic.replaceAll('_', ' ');
    const share = view === null ? '' : `, ${firing} can fire`;
    io.out(`${style.bold(name.padEnd(22))} ${rows.length} rules${share}  ${style.dim(techniques.join(' '))}`);
  }
  const distinct = new Set(coverage.flatMap(row => row.techniques));
  io.note(`${coverage.length} rules for ${distinct.size} techniques and sub-techniques`);
  if (view === null) return;
  const silent = coverage.filter(({ missing }) => (missing?.length ?? 0) > 0);
  io.out(`\n${style.bold('Seen')}\n  kinds      ${counts(view.kinds)}\n  policies   ${counts(view.policies)}`);
  io.out(`  hooks      ${counts(view.functions)}`);
  io.out(`  settings   ${[...view.settings].sort().join(', ') || 'none'}; ancestors ${view.ancestors ? 'yes' : 'no'}`);
  io.out(`  not seen   ${view.missing.join(', ') || 'nothing is missing'}`);
  if (silent.length > 0) io.out(`\n${style.bold('Cannot fire with these sensors')}`);
  for (const { rule, missing } of silent)
    io.out(
      `  ${style.level(rule.level, rule.level.padEnd(13))} ${shown(rule.title)}: ${shown((missing ?? []).join(', '))}`,
    );
  io.note(`${coverage.length - silent.length} of ${coverage.length} rules can fire`);
}

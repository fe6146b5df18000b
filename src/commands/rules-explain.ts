import { existsSync, readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { Engine, type Step } from '../engine.ts';
import { nearest } from '../model/nearest.ts';
import type { Observation } from '../model/observation.ts';
import { formatInstant } from '../model/time.ts';
import { shown } from '../render/alert.ts';
import { counted } from '../render/counted.ts';
import { shippedRules } from '../rule-files.ts';
import { Explainer, type PartExplanation, type RuleExplanation } from '../rule-tests/explain.ts';
import { explanationLines } from '../rule-tests/explain-text.ts';
import { type Explanation, failureOf } from '../rules/explain.ts';
import type { Rule } from '../rules/rule.ts';
import { decodeLine } from '../sources/json/decoder.ts';
import { CommandError, EXIT, Io, UsageError } from './io.ts';
import { globals, requireFiles } from './options.ts';
import { play, reportMalformed } from './playback.ts';
import { usableRules } from './rule-set.ts';

export function registerRulesExplain(rules: Command): void {
  rules
    .command('explain')
    .description('Says why a rule fired or did not: for each step the events that came nearest, condition by condition')
    .argument('<rule>', 'a rule file, or the title or id of a rule that ships')
    .argument('[capture...]', 'recorded events, merged by event time')
    .option('--event <file>', 'events as the sensors export them, one JSON object a line; - reads stdin')
    .addHelpText(
      'after',
      `
Each condition has the value that it met and a verdict; "unknown" means that the sensors did not report the field.

Examples:
  spoor rules explain my-rule.yaml captures/exfil/*.jsonl.gz
  spoor rules explain "Netcat hands a shell to the network" incident.jsonl.gz -o json
  grep 4711 export.log | spoor rules explain my-rule.yaml --event -`,
    )
    .action(async (name: string, captures: string[], _options, command: Command) => {
      const options = command.optsWithGlobals<{ event?: string }>();
      const io = new Io(globals(options));
      if ((options.event === undefined) === (captures.length === 0))
        throw new UsageError('name captures, or one file of events with --event FILE');
      const chosen = chooseRules(name, io);
      const explainers = chosen.map(rule => new Explainer(rule));
      const alerts = new Map<string, Set<string>>();
      const onStep = ({ observation, changes }: Step): void => {
        const seen = { observation, name: nameOf(observation) };
        for (const explainer of explainers) explainer.add(seen);
        for (const { alert } of changes)
          alerts.set(alert.rule.id, (alerts.get(alert.rule.id) ?? new Set()).add(alert.id));
      };
      if (options.event === undefined) reportMalformed(await play({ files: captures, rules: chosen, onStep }, io), io);
      else playEvents(options.event, chosen, onStep);
      for (const explainer of explainers) {
        const explanation = explainer.explanation();
        const fired = alerts.get(explanation.rule.id)?.size ?? 0;
        if (io.json) io.record(jsonOf(explanation, fired));
        else show(explanation, fired, io);
      }
      process.exitCode = EXIT.done;
    });
}

/** Rules of a file, or the one of that title or id. */
function chooseRules(name: string, io: Io): readonly Rule[] {
  if (existsSync(name)) return usableRules([name], io);
  const shipped = usableRules([shippedRules()], io);
  const wanted = name.toLowerCase();
  const found = shipped.find(rule => rule.id === wanted || rule.title.toLowerCase() === wanted);
  if (found !== undefined) return [found];
  const meant = nearest(
    name,
    shipped.map(rule => rule.title),
  );
  throw new CommandError(
    `${name}: no such file, and no rule that ships has this title or id${meant === null ? '' : `; did you mean "${meant}"?`}`,
  );
}

const STDIN = 0;

/** Events in the order of the file. */
function playEvents(file: string, rules: readonly Rule[], onStep: (step: Step) => void): void {
  requireFiles([file]);
  const engine = new Engine({ rules });
  const lines = readFileSync(file === '-' ? STDIN : file, 'utf8').split('\n');
  if (lines.every(line => line.trim() === '')) throw new CommandError(`${file}: no events in it`);
  for (const [i, line] of lines.entries()) {
    if (line.trim() === '') continue;
    try {
      onStep(engine.step(decodeLine(line)));
    } catch (error) {
      throw new CommandError(`${file}:${i + 1}: ${(error as Error).message}`);
    }
  }
}

function nameOf({ event, process, pod }: Observation): string {
  const what = process === null ? '' : ` of ${process.facts.binary} (${process.facts.pid})`;
  const where = pod === null ? '' : ` in ${pod.namespace}/${pod.name}`;
  return `${event.kind} at ${formatInstant(event.time, event.ns)}${what}${where}`;
}

const LINE_CHARS_MAX = 400;

function show(explanation: RuleExplanation, alerts: number, io: Io): void {
  const { rule, events } = explanation;
  const outcome = alerts > 0 ? io.style.green(`fired, ${counted(alerts, 'alert')}`) : io.style.yellow('did not fire');
  io.out(`${io.style.bold(shown(rule.title))}: ${outcome}, ${events} events`);
  for (const line of explanationLines(explanation, alerts > 0, true))
    io.out(`  ${paint(shown(line, LINE_CHARS_MAX), io)}`);
}

const paint = (line: string, { style }: Io): string =>
  line
    .replace('[true]', style.green('[true]'))
    .replace('[false]', style.red('[false]'))
    .replace('[unknown]', style.yellow('[unknown]'));

/** One object a rule. */
function jsonOf({ rule, events, parts }: RuleExplanation, alerts: number): unknown {
  return {
    rule: { id: rule.id, title: rule.title, file: rule.file, line: rule.line },
    events,
    alerts,
    parts: parts.map(partJson),
  };
}

function partJson({ id, role, kinds, looked, matches, matched, excepted, nearest }: PartExplanation): unknown {
  return {
    id,
    role,
    kinds,
    events: looked,
    matches,
    matched: matched.map(({ observation }) => eventJson(observation)),
    excepted: excepted.map(({ observation }) => eventJson(observation)),
    nearest: nearest.map(({ observation, explanation }) => ({
      event: eventJson(observation),
      verdict: explanation.verdict,
      failed: failed(explanation),
      condition: explanation,
    })),
  };
}

function failed(explanation: Explanation): unknown {
  const failure = failureOf(explanation);
  return failure === null ? null : { asks: failure.asks, verdict: failure.verdict, value: failure.value };
}

function eventJson({ event, process, pod, attribution }: Observation): unknown {
  return {
    kind: event.kind,
    time: formatInstant(event.time, event.ns),
    node: event.node,
    pod: pod === null ? null : { namespace: pod.namespace, name: pod.name },
    process:
      process === null ? null : { exec_id: process.execId, pid: process.facts.pid, binary: process.facts.binary },
    attribution,
  };
}

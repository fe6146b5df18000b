import { type Command, Option } from 'commander';
import type { AlertChange } from '../alerts/alert.ts';
import type { Step } from '../engine.ts';
import { alertText, incidentText } from '../render/alert.ts';
import { counted } from '../render/counted.ts';
import { LEVELS, type Level } from '../rules/rule.ts';
import type { Store } from '../store/store.ts';
import { CommandError, EXIT, Io } from './io.ts';
import { LastWord } from './last-word.ts';
import { collect, globals, parseLevel, parseSpeed, parseTime } from './options.ts';
import { type Played, play, reportMalformed, rulesOrFail } from './playback.ts';
import { profileLines, ruleCosts } from './rule-costs.ts';

interface ReplayOptions {
  readonly rules: string[];
  readonly defaultRules: boolean;
  readonly speed: 'max' | number;
  readonly db?: string;
  readonly since?: number;
  readonly until?: number;
  readonly failOn?: Level;
  readonly profile?: boolean;
}

export function registerReplay(program: Command): void {
  program
    .command('replay')
    .description('Runs the detections over recorded events and prints the alerts')
    .argument(
      '<file...>',
      "captures and export files of Tetragon and Hubble, .gz allowed, merged by event time; '-' is standard input",
    )
    .option('--rules <path>', 'rule file or folder to add (repeatable)', collect, [])
    .option('--no-default-rules', 'leave out the rules that ship with Spoor')
    .addOption(
      new Option('--speed <speed>', 'max, or times as fast as it happened').argParser(parseSpeed).default('max'),
    )
    .option('--db <file>', 'store alerts and incidents in this SQLite database')
    .option('--since <time>', 'leave out events before this time (RFC 3339)', parseTime)
    .option('--until <time>', 'leave out events after this time', parseTime)
    .option('--fail-on <level>', 'exit with status 3 when an alert of this level or above fires', parseLevel)
    .option('--profile', 'tell afterwards what each rule cost: evaluations, matches, time')
    .addHelpText(
      'after',
      `
Examples:
  spoor replay captures/lateral-movement/*.jsonl.gz
  spoor replay tetragon.log hubble.log -o json | jq .rule.title
  spoor replay incident.jsonl.gz --rules ./my-rules --no-default-rules --fail-on high`,
    )
    .action(async (files: string[], _options, command: Command) => {
      const options = command.optsWithGlobals<ReplayOptions>();
      const io = new Io(globals(options));
      process.exitCode = await replay(files, options, io);
    });
}

async function openDatabase(path: string): Promise<Store> {
  const { openStore } = await import('../store/sqlite/open.ts');
  return openStore({ path }).catch((error: Error) => {
    throw new CommandError(error.message);
  });
}

async function replay(files: readonly string[], options: ReplayOptions, io: Io): Promise<number> {
  const rules = rulesOrFail({ paths: options.rules, defaults: options.defaultRules, disable: [] }, io);
  const store = options.db === undefined ? null : await openDatabase(options.db);
  const last = new LastWord();
  let worst = -1;
  const onStep = (step: Step): void => {
    for (const change of step.changes) {
      last.take(change);
      if (change.type !== 'new') continue;
      worst = Math.max(worst, LEVELS.indexOf(change.alert.rule.level));
      if (!io.json) io.out(`${alertText(change.alert, io.style)}\n`);
    }
  };
  const played = await play(
    {
      files,
      rules,
      speed: options.speed,
      since: options.since,
      until: options.until,
      profile: options.profile === true,
      onStep,
      ...(store === null
        ? {}
        : {
            store: async (changes: readonly AlertChange[]) =>
              void (await store.commit({ entries: changes.map(change => ({ change, targets: [] })) })),
          }),
    },
    io,
  );
  await store?.close();
  if (io.json) for (const alert of last.alerts) io.record(alert);
  reportMalformed(played, io);
  if (!io.json) for (const incident of last.incidents) io.out(`${incidentText(incident, io.style)}\n`);
  io.note(summary(played, last.alerts.length, last.incidents.length));
  if (options.profile === true) for (const line of profileLines(ruleCosts(rules, played.engine))) io.note(line);
  const failed = options.failOn !== undefined && worst >= LEVELS.indexOf(options.failOn);
  if (failed) return EXIT.failOn;
  return played.interrupted || played.status.counters.events === 0 ? EXIT.failed : EXIT.done;
}

const share = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(1)} %`;

function summary(played: Played, alerts: number, incidents: number): string {
  const { counters } = played.status;
  const kinds = [...played.events].sort(([, a], [, b]) => b - a).map(([kind, count]) => `${kind} ${count}`);
  let attributed = 0;
  let connections = 0;
  for (const connection of played.engine.context.connections()) {
    connections += 1;
    if (connection.process !== null) attributed += 1;
  }
  const rate = Math.round(counters.events / Math.max(played.seconds, 1e-3));
  const byKind = kinds.length === 0 ? '' : ` (${kinds.join(', ')})`;
  return [
    `${counted(counters.events, 'event')}${byKind} in ${played.seconds.toFixed(2)} s, ${rate.toLocaleString('en')} events/s`,
    `${counters.malformed} malformed, ${counters.unknownKinds} of other kinds, ${played.late} late, ${played.engine.context.stats().lostEvents} known to be lost${connections === 0 ? '' : `; ${share(attributed, connections)} of ${counted(connections, 'connection')} attributed to a process`}`,
    `${counted(alerts, 'alert')} in ${counted(incidents, 'incident')}`,
  ].join('\n');
}

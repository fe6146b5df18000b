import { type Command, Option } from 'commander';
import type { Alert, Incident } from '../alerts/alert.ts';
import { alertText, dateAndTime, incidentText, shortId, shown } from '../render/alert.ts';
import { counted } from '../render/counted.ts';
import { statusLines } from '../render/status.ts';
import { LEVELS } from '../rules/rule.ts';
import { CommandError, EXIT, Io, UsageError } from './io.ts';
import { globals } from './options.ts';
import { type ListedDelivery, openReader, type Place, type Reader } from './reader.ts';

const PAGE = 100;

interface ListOptions extends Place {
  readonly level?: string[];
  readonly namespace?: string;
  readonly pod?: string;
  readonly rule?: string;
  readonly incident?: string;
  readonly state?: string[];
  readonly limit: string;
}

interface DeliveryOptions extends Place {
  readonly state?: string[];
  readonly sink?: string;
  readonly limit: string;
  readonly replay?: string;
  readonly replayDead?: string;
  readonly to?: string;
}

export function registerQueries(program: Command): void {
  place(program.command('alerts').description('Alerts of a running Spoor or of a database, newest first'))
    .addOption(levels())
    .option('--namespace <name>', 'only this namespace')
    .option('--pod <pod>', 'only this pod, as namespace/name or name')
    .option('--rule <rule>', 'only this rule, by id or title')
    .option('--incident <id>', 'only alerts of this incident, by its id or the beginning of it')
    .option('--limit <n>', 'how many at the most', String(PAGE))
    .addHelpText(
      'after',
      `
Examples:
  spoor alerts --level high critical
  spoor alerts --pod tenant-jobs/crawler-6d4f9 --limit 20
  spoor alerts --db data/spoor.db -o json`,
    )
    .action((_options, command: Command) =>
      run<ListOptions>(command, async (reader, options, io) => {
        const query = {
          levels: options.level,
          namespace: options.namespace,
          pod: options.pod,
          rule: options.rule,
          incident: options.incident === undefined ? undefined : (await findIncident(reader, options.incident)).id,
        };
        await pages(
          Number(options.limit),
          cursor => reader.alerts({ ...query, limit: PAGE, cursor }),
          (alert: Alert) => {
            if (io.json) io.record(alert);
            else io.out(`${alertText(alert, io.style, true)}\n`);
          },
        );
      }),
    );

  place(
    program.command('incidents').description('Incidents of a running Spoor or of a database, latest activity first'),
  )
    .addOption(levels())
    .option('--namespace <name>', 'only this namespace')
    .option('--pod <pod>', 'only with alerts of this pod, as namespace/name or name')
    .addOption(states('open', 'acknowledged', 'resolved', 'merged'))
    .option('--limit <n>', 'how many at the most', String(PAGE))
    .addHelpText(
      'after',
      `
Examples:
  spoor incidents --state open
  spoor incidents --pod tenant-jobs/crawler-6d4f9
  spoor incidents --db data/spoor.db -o json`,
    )
    .action((_options, command: Command) =>
      run<ListOptions>(command, async (reader, options, io) => {
        const { level, namespace, pod, state } = options;
        const query = { levels: level, namespace, pod, states: state };
        await pages(
          Number(options.limit),
          cursor => reader.incidents({ ...query, limit: PAGE, cursor }),
          (incident: Incident) => {
            if (io.json) io.record(incident);
            else io.out(`${incidentText(incident, io.style, true)}\n`);
          },
        );
      }),
    );

  place(program.command('deliveries').description('What was or is to be delivered; dead letters can be sent again'))
    .addOption(states('pending', 'leased', 'delivered', 'dead'))
    .option('--sink <name>', 'only to this sink')
    .option('--limit <n>', 'how many at the most', String(PAGE))
    .option('--replay <id>', 'queue this delivery again')
    .option('--replay-dead <sink>', 'queue the dead letters of this sink again')
    .option('--to <sink>', 'with --replay or --replay-dead: to another sink')
    .addHelpText(
      'after',
      `
Examples:
  spoor deliveries --state dead
  spoor deliveries --sink pager --limit 20
  spoor deliveries --replay 4711
  spoor deliveries --replay-dead pager --to soc`,
    )
    .action((_options, command: Command) =>
      run<DeliveryOptions>(command, async (reader, options, io) => {
        if (options.replay !== undefined) return replay(reader, options.replay, options.to, io);
        if (options.replayDead !== undefined) return replayDead(reader, options.replayDead, options.to, io);
        if (options.to !== undefined) throw new UsageError('--to goes with --replay or --replay-dead');
        const { state, sink } = options;
        await pages(
          Number(options.limit),
          cursor => reader.deliveries({ states: state, sink, limit: PAGE, cursor }),
          delivery => {
            if (io.json) io.record(delivery);
            else io.out(deliveryLine(delivery));
          },
        );
      }),
    );

  place(program.command('status').description('Sources, lag, losses, rules, store and sinks of a running Spoor'))
    .addHelpText(
      'after',
      `
OK: it works. ...: it begins, or waits for what will come. BAD: look at it.

Examples:
  spoor status
  spoor status --url https://spoor.example.org --token-file token
  spoor status -o json`,
    )
    .action((_options, command: Command) =>
      run<Place>(command, async (reader, _options, io) => {
        const [status, sinks] = [await reader.status(), await reader.sinks()];
        if (io.json) return io.record({ ...status, sinks });
        const lastErrors = new Map<string, string>();
        for (const { name, deliveries } of sinks) {
          if (deliveries.dead === 0) continue;
          const { items } = await reader.deliveries({ states: ['dead'], sink: name, limit: 1 });
          if (items[0] !== undefined) lastErrors.set(name, items[0].error);
        }
        for (const line of statusLines(status, sinks, lastErrors, io.style)) io.out(line);
      }),
    );
}

const levels = (): Option => new Option('--level <level...>', 'only these levels').choices(LEVELS);

const states = (...choices: string[]): Option =>
  new Option('--state <state...>', 'only in these states').choices(choices);

export async function findIncident(reader: Reader, id: string): Promise<Incident> {
  const incident = await reader.incident(id);
  if (incident !== null) return incident;
  throw new CommandError(`no incident has the id ${shown(id)}, nor one that begins so (six characters or more)`);
}

async function replay(reader: Reader, id: string, to: string | undefined, io: Io): Promise<void> {
  if (!/^[1-9]\d{0,14}$/.test(id))
    throw new UsageError('--replay: expected the number of a delivery, as the list shows it');
  const refused = await reader.replay(Number(id), to);
  if (refused !== null) throw new CommandError(refused);
  io.note(`delivery ${id} is queued again`);
}

async function replayDead(reader: Reader, sink: string, to: string | undefined, io: Io): Promise<void> {
  let queued = 0;
  let more = true;
  // Given to another sink they stay dead letters of their own: asking again would give the same ones.
  for (let again = true; again; again = more && to === undefined) {
    const answer = await reader.replayDead(sink, to);
    queued += answer.replayed;
    more = answer.more && answer.replayed > 0;
  }
  const left = more ? '; the newer ones are left: replay them one by one' : '';
  io.note(`${counted(queued, 'dead letter')} of ${shown(sink)} ${queued === 1 ? 'is' : 'are'} queued again${left}`);
}

function deliveryLine({ id, state, sink, signal, alert_id, incident_id, updated_at, ...rest }: ListedDelivery): string {
  const about = alert_id === '' ? `incident ${shortId(incident_id)}` : `alert ${shortId(alert_id)}`;
  const what = signal === 'alert' ? about : `${signal} ${shortId(incident_id)}`;
  const error = rest.error === '' ? '' : `  ${shown(rest.error)}`;
  const attempts = counted(rest.attempts, 'attempt');
  return `${dateAndTime(updated_at)}  ${id}  ${state.padEnd(9)} ${shown(sink)}  ${what}  ${attempts}${error}`;
}

export function place(command: Command): Command {
  return command
    .option('--url <url>', 'API of a running Spoor', process.env.SPOOR_URL ?? 'http://127.0.0.1:8787')
    .option('--token-file <file>', 'file with the bearer token', process.env.SPOOR_TOKEN_FILE)
    .option('--db <file>', 'read a database instead');
}

export async function run<Options extends Place>(
  command: Command,
  action: (reader: Reader, options: Options, io: Io) => Promise<void>,
): Promise<void> {
  const options = command.optsWithGlobals<Options>();
  const io = new Io(globals(options));
  const limit = (options as { limit?: string }).limit;
  if (limit !== undefined && !/^[1-9]\d*$/.test(limit))
    throw new UsageError('--limit: expected a whole number above 0');
  const reader = await openReader(options);
  try {
    await action(reader, options, io);
    process.exitCode = EXIT.done;
  } finally {
    await reader.close();
  }
}

async function pages<T>(
  limit: number,
  read: (cursor: string | undefined) => Promise<{ items: readonly T[]; next: string | null }>,
  each: (item: T) => void,
): Promise<void> {
  let left = limit;
  let cursor: string | undefined;
  while (left > 0) {
    const page = await read(cursor);
    for (const item of page.items.slice(0, left)) each(item);
    left -= page.items.length;
    if (page.next === null) return;
    cursor = page.next;
  }
}

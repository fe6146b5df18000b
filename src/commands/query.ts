import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { Alert, Incident } from '../alerts/alert.ts';
import { alertText, incidentText, shown } from '../render/alert.ts';
import { Marks } from '../render/marks.ts';
import { drawnTree, type RemoteTree } from '../render/remote-tree.ts';
import { treesText } from '../render/tree-text.ts';
import { CommandError, EXIT, Io, UsageError } from './io.ts';
import { globals, parseLevel } from './options.ts';
import { openReader, type Place, type Reader } from './reader.ts';

const PAGE = 100;

interface ListOptions extends Place {
  readonly level?: string[];
  readonly namespace?: string;
  readonly rule?: string;
  readonly incident?: string;
  readonly state?: string;
  readonly limit: string;
}

export function registerQueries(program: Command): void {
  place(program.command('alerts').description('Alerts of a running Spoor or of a database, newest first'))
    .option('--level <level...>', 'only these levels')
    .option('--namespace <name>', 'only this namespace')
    .option('--rule <rule>', 'only this rule, by id or title')
    .option('--incident <id>', 'only alerts of this incident')
    .option('--limit <n>', 'how many at the most', String(PAGE))
    .addHelpText(
      'after',
      '\nExamples:\n  spoor alerts --level high critical\n  spoor alerts --db data/spoor.db -o json',
    )
    .action((_options, command: Command) =>
      run<ListOptions>(command, async (reader, options, io) => {
        const query = {
          levels: options.level?.map(parseLevel),
          namespace: options.namespace,
          rule: options.rule,
          incident: options.incident,
        };
        await pages(
          Number(options.limit),
          cursor => reader.alerts({ ...query, limit: PAGE, cursor }),
          (alert: Alert) => {
            if (io.json) io.record(alert);
            else io.out(`${alertText(alert, io.style)}\n`);
          },
        );
      }),
    );

  place(
    program.command('incidents').description('Incidents of a running Spoor or of a database, latest activity first'),
  )
    .option('--level <level...>', 'only these levels')
    .option('--namespace <name>', 'only this namespace')
    .option('--state <state>', 'open, acknowledged or resolved')
    .option('--limit <n>', 'how many at the most', String(PAGE))
    .action((_options, command: Command) =>
      run<ListOptions>(command, async (reader, options, io) => {
        const query = { levels: options.level?.map(parseLevel), namespace: options.namespace, states: options.state };
        await pages(
          Number(options.limit),
          cursor => reader.incidents({ ...query, limit: PAGE, cursor }),
          (incident: Incident) => {
            if (io.json) io.record(incident);
            else io.out(`${incidentText(incident, io.style)}\n`);
          },
        );
      }),
    );

  place(
    program
      .command('incident')
      .description('One incident with its alerts')
      .argument('<id>', 'its id, or the beginning of it'),
  )
    .option('--capture <file>', "write the incident's evidence as a capture that can be replayed anywhere")
    .addHelpText(
      'after',
      '\nExamples:\n  spoor incident 1f0c9a\n  spoor incident 1f0c9a --capture incident.jsonl && spoor replay incident.jsonl',
    )
    .action((id: string, _options, command: Command) =>
      run<Place & { capture?: string }>(command, async (reader, options, io) => {
        const incident = await reader.incident(id);
        if (incident === null) throw new CommandError(`no incident has an id that begins with ${shown(id)}`);
        if (options.capture !== undefined) {
          const lines = await reader.capture(incident.id);
          writeFileSync(options.capture, lines.map(line => `${line}\n`).join(''), { mode: 0o600 });
          io.note(`${lines.length} events in ${options.capture}`);
          return;
        }
        if (io.json) return io.record(incident);
        io.out(`${incidentText(incident, io.style)}\n`);
        const { items } = await reader.alerts({ incident: incident.id, limit: 1_000 });
        for (const alert of [...items].reverse()) io.out(`${alertText(alert, io.style)}\n`);
        if (options.db === undefined) io.out(drawing(await reader.incidentTree(incident.id), items, io));
      }),
    );

  place(program.command('deliveries').description('What was or is to be delivered; dead letters can be sent again'))
    .option('--state <state>', 'pending, leased, delivered or dead')
    .option('--replay <id>', 'queue this delivery again')
    .action((_options, command: Command) =>
      run<Place & { state?: string; replay?: string }>(command, async (reader, options, io) => {
        if (options.replay !== undefined) {
          const queued = await reader.replay(options.replay);
          if (!queued)
            throw new CommandError(`delivery ${shown(options.replay)} does not exist, or is still under way`);
          return io.note(`delivery ${options.replay} is queued again`);
        }
        const { items } = await reader.deliveries({ states: options.state, limit: PAGE });
        for (const delivery of items) {
          if (io.json) io.record(delivery);
          else
            io.out(
              `${delivery.id}  ${delivery.state.padEnd(9)} ${delivery.sink}  alert ${delivery.alert_id.slice(0, 12)}  ${delivery.attempts} attempts  ${shown(delivery.error)}`,
            );
        }
      }),
    );

  place(
    program.command('status').description('Sources, lag, losses, rules, store and sinks of a running Spoor'),
  ).action((_options, command: Command) =>
    run<Place>(command, async (reader, _options, io) => {
      const status = await reader.status();
      if (io.json) io.record(status);
      else for (const line of statusLines(status, io)) io.out(line);
    }),
  );
}

/** The incident's trees, each process with the worst rule that fired on it. */
function drawing(remote: RemoteTree, alerts: readonly Alert[], io: Io): string {
  const marks = new Marks();
  for (const alert of alerts) marks.add(alert);
  const { roots, unattributed, omitted } = drawnTree(remote);
  return treesText(roots, unattributed, omitted, io.style, marks.texts());
}

function place(command: Command): Command {
  return command
    .option('--url <url>', 'API of a running Spoor', process.env.SPOOR_URL ?? 'http://127.0.0.1:8787')
    .option('--token-file <file>', 'file with the bearer token', process.env.SPOOR_TOKEN_FILE)
    .option('--db <file>', 'read a database instead');
}

async function run<Options extends Place>(
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

interface Status {
  readonly version: string;
  readonly started: string;
  readonly sources: readonly {
    name: string;
    type: string;
    state: string;
    detail: string;
    newest: string | null;
    counters: Record<string, number>;
  }[];
  readonly rules: { loaded: number; errors: number; last_reload: string | null };
  readonly alerts: Record<string, number>;
  readonly late: number;
  readonly held: Record<string, number>;
  readonly evicted: Record<string, number>;
  readonly deliveries: Record<string, Record<string, number>>;
  readonly store: { ok: boolean; detail: string; bytes: number };
}

function statusLines(raw: unknown, io: Io): string[] {
  const status = raw as Status;
  const { style } = io;
  const mark = (good: boolean): string => (good ? style.green('OK  ') : style.red('BAD '));
  const counts = (map: Record<string, number>): string =>
    Object.entries(map)
      .filter(([, n]) => n > 0)
      .map(([key, n]) => `${n.toLocaleString('en')} ${key}`)
      .join(', ') || 'none';
  return [
    `Spoor ${status.version}, running since ${status.started}`,
    ...status.sources.map(({ name, type, state, detail, newest, counters }) => {
      const losses = ['malformed', 'lost', 'duplicates', 'reconnects']
        .filter(key => (counters[key] ?? 0) > 0)
        .map(key => `${counters[key]} ${key}`);
      return `${mark(state !== 'failed' && state !== 'waiting')} source ${name} (${type}): ${state}, ${(counters.events ?? 0).toLocaleString('en')} events${newest === null ? '' : `, newest ${newest.slice(0, 19)}Z`}${losses.length > 0 ? `; ${losses.join(', ')}` : ''}  ${style.dim(shown(detail))}`;
    }),
    `${mark(status.rules.errors === 0)} rules: ${status.rules.loaded} loaded${status.rules.errors > 0 ? `, ${status.rules.errors} with errors` : ''}`,
    `${mark(status.store.ok)} store: ${(status.store.bytes / 1e6).toFixed(1)} MB ${status.store.detail}`,
    ...Object.entries(status.deliveries).map(
      ([sink, numbers]) => `${mark((numbers.dead ?? 0) === 0)} sink ${sink}: ${counts(numbers)}`,
    ),
    `     alerts: ${counts(status.alerts)}; late events: ${status.late}; held: ${counts(status.held)}; evicted: ${counts(status.evicted)}`,
  ];
}

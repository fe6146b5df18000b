import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { type Identity, type Scaffold, type Subject, scaffoldFrom } from '../authoring/scaffold.ts';
import { subjectOfAlert, subjectOfObservation, subjectOfRecord } from '../authoring/subject.ts';
import { fromTemplate, TEMPLATE_NAMES, templateList } from '../authoring/templates.ts';
import type { Observation } from '../model/observation.ts';
import { shown } from '../render/alert.ts';
import { decodeLine } from '../sources/json/decoder.ts';
import { CommandError, EXIT, Io, safeText, UsageError } from './io.ts';
import { collect, globals, requireFiles } from './options.ts';
import { play } from './playback.ts';
import { openReader, type Place } from './reader.ts';
import { testOptions } from './rule-set.ts';

interface NewOptions extends Place {
  readonly template?: string;
  readonly fromAlert?: string;
  readonly from: string[];
  readonly execId?: string;
  readonly event?: string;
  readonly author: string;
  readonly out?: string;
}

export function registerRulesNew(rules: Command): void {
  rules
    .command('new')
    .description('Writes a rule to begin with: from a template, or one that catches a given event')
    .option('--template <name>', `one of ${TEMPLATE_NAMES.join(', ')}`)
    .option('--from-alert <id>', 'catch what this alert was about')
    .option('--from <capture>', 'recorded events (repeatable), with --exec-id', collect, [])
    .option('--exec-id <id>', 'catch the start of this process')
    .option('--event <file>', "catch this event: one record as the sensor exports it; '-' is standard input")
    .option('--url <url>', 'API of a running Spoor', process.env.SPOOR_URL ?? 'http://127.0.0.1:8787')
    .option('--token-file <file>', 'file with the bearer token', process.env.SPOOR_TOKEN_FILE)
    .option('--db <file>', 'read a database instead')
    .option('--author <name>', 'who is to be asked about the rule', 'Unknown')
    .option('--out <file>', 'write it there; an existing file is left alone')
    .addHelpText(
      'after',
      `
Templates:
${templateList()}

A rule made of an event asks for what will be the same the next time: the program, the fixed words of its arguments, what
started it, the kind of destination and its port; never for pids, ids, addresses or random names. It holds a test made of
that event and a near miss, and both have been run. Made of an alert of a sequence, it is a sequence of the same steps.

Examples:
  spoor rules new --template sequence --out my-rules/stages.yaml
  spoor rules new --from-alert 1f0c9a --db data/spoor.db
  spoor rules new --from captures/lateral-movement/tetragon.jsonl.gz --exec-id bm9kZS0x…
  grep nc.traditional tetragon.log | head -1 | spoor rules new --event -`,
    )
    .action(async (_options, command: Command) => {
      const options = command.optsWithGlobals<NewOptions>();
      const io = new Io(globals(options));
      const identity = { id: randomUUID(), date: new Date().toISOString().slice(0, 10), author: options.author };
      const text = await ruleText(options, identity, io);
      if (options.out === undefined) {
        if (io.json) io.record({ text });
        // A file gets it letter by letter; a terminal must not obey what stands in an event.
        else io.out(process.stdout.isTTY === true ? safeText(text.trimEnd()) : text.trimEnd());
      } else {
        if (existsSync(options.out)) throw new CommandError(`${options.out} exists already`);
        writeFileSync(options.out, text, { flag: 'wx' });
        io.note(`written to ${options.out}; try: spoor rules test ${options.out}`);
      }
      process.exitCode = EXIT.done;
    });
}

async function ruleText(options: NewOptions, identity: Identity, io: Io): Promise<string> {
  const ways = [options.template, options.fromAlert, options.execId, options.event].filter(way => way !== undefined);
  if (ways.length !== 1)
    throw new UsageError(
      'say what to begin with: --template NAME, --from-alert ID, --from CAPTURE --exec-id ID, or --event FILE',
    );
  if (options.template !== undefined) {
    const text = fromTemplate(options.template, identity);
    if (text === null)
      throw new UsageError(`there is no template ${options.template}; there are ${TEMPLATE_NAMES.join(', ')}`);
    return text;
  }
  const made: Scaffold = scaffoldFrom(await subject(options, io), identity, testOptions());
  if ('problem' in made) throw new CommandError(`no rule could be made: ${shown(made.problem, 1_000)}`);
  return made.text;
}

async function subject(options: NewOptions, io: Io): Promise<Subject> {
  if (options.fromAlert !== undefined) return ofAlert(options.fromAlert, options);
  if (options.event !== undefined) return ofEvent(options.event);
  return ofProcess(options.execId ?? '', options.from, io);
}

async function ofAlert(id: string, options: NewOptions): Promise<Subject> {
  const reader = await openReader(options);
  try {
    const alert = await reader.alert(id);
    if (alert === null) throw new CommandError(`no alert has an id that begins with ${shown(id)}`);
    const found = subjectOfAlert(alert, decodeLine);
    if (found === null) throw new CommandError('the evidence of this alert is gone or cannot be read');
    return found;
  } finally {
    await reader.close();
  }
}

function ofEvent(file: string): Subject {
  requireFiles([file]);
  const line = readFileSync(file === '-' ? 0 : file, 'utf8').trim();
  if (line === '') throw new CommandError(`${file}: no event in it`);
  try {
    // One record, pretty-printed or the first of several lines.
    const isWhole = line.startsWith('{') && !line.includes('}\n{');
    return subjectOfRecord(isWhole ? JSON.stringify(JSON.parse(line)) : (line.split('\n')[0] as string), decodeLine);
  } catch (error) {
    throw new CommandError(`${file}: not an event: ${(error as Error).message}`);
  }
}

async function ofProcess(execId: string, files: readonly string[], io: Io): Promise<Subject> {
  if (files.length === 0) throw new UsageError('--exec-id needs --from CAPTURE');
  let found: Observation | null = null;
  await play(
    {
      files,
      rules: [],
      onStep: ({ observation }) => {
        const { event } = observation;
        if (event.kind === 'process_exec' && event.process.execId === execId) found ??= observation;
      },
    },
    io,
  );
  if (found === null) throw new CommandError(`no process in these events has the exec_id ${shown(execId)}`);
  return subjectOfObservation(found);
}

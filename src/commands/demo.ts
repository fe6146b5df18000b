import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Command, Option } from 'commander';
import type { Incident } from '../alerts/alert.ts';
import type { App } from '../app/app.ts';
import { podTree } from '../context/views.ts';
import type { Step } from '../engine.ts';
import { alertText, incidentText } from '../render/alert.ts';
import { counted } from '../render/counted.ts';
import { Marks } from '../render/marks.ts';
import { podText } from '../render/tree-text.ts';
import { LEVELS } from '../rules/rule.ts';
import { Interrupts } from './interrupts.ts';
import { Io } from './io.ts';
import { globals, parseListen, parseSpeed } from './options.ts';

interface DemoOptions {
  readonly speed: 'max' | number;
  readonly data?: string;
  readonly listen: string;
  readonly exit?: boolean;
}

const recording = (file: string): string =>
  fileURLToPath(new URL(`../../captures/lateral-movement/${file}`, import.meta.url));

export function registerDemo(program: Command): void {
  program
    .command('demo')
    .description('Plays a recorded break-in amid ordinary traffic, prints what is detected, and serves it')
    .addOption(new Option('--speed <speed>', 'max, or times as fast as it happened').argParser(parseSpeed).default(20))
    .option('--data <dir>', 'keep the database here; without it, in a temporary folder that goes with the demo')
    .option('--listen <address>', 'address of the API', parseListen, process.env.SPOOR_API_LISTEN ?? '127.0.0.1:8787')
    .option('--exit', 'end when the recording has, instead of serving on')
    .addHelpText('after', '\nExamples:\n  spoor demo\n  spoor demo --speed max --exit\n  spoor demo --data ./demo-data')
    .action(async (_options, command: Command) => {
      const options = command.optsWithGlobals<DemoOptions>();
      const io = new Io(globals(options));
      process.exitCode = await demo(options, io);
    });
}

async function demo(options: DemoOptions, io: Io): Promise<number> {
  const data = options.data ?? mkdtempSync(join(tmpdir(), 'spoor-demo-'));
  const [{ configSchema }, { startApp, untilDone }] = await Promise.all([
    import('../config/schema.ts'),
    import('./serve.ts'),
  ]);
  const config = configSchema.parse({
    sources: [
      {
        type: 'capture',
        name: 'recorded break-in',
        path: ['tetragon.jsonl.gz', 'hubble.jsonl.gz'].map(recording),
        speed: options.speed,
      },
    ],
    store: { path: join(data, 'spoor.db') },
    api: { listen: options.listen },
    log: { level: 'warn' },
  });
  const seen: Seen = { incidents: new Map(), marks: new Marks(), quiet: 0 };
  const show = (step: Step): void => {
    for (const change of step.changes) {
      if (change.incident !== null) seen.incidents.set(change.incident.id, change.incident);
      for (const gone of change.merged) seen.incidents.delete(gone.id);
      if (change.type !== 'new') continue;
      seen.marks.add(change.alert);
      if (io.json) io.record(change.alert);
      // Facts to remember are in the database; a person wants to see what matters.
      else if (LEVELS.indexOf(change.alert.rule.level) >= LEVELS.indexOf('medium'))
        io.out(`${alertText(change.alert, io.style)}\n`);
      else seen.quiet += 1;
    }
  };
  const interrupts = new Interrupts();
  const app = await startApp(config, show);
  io.note(
    `A break-in that was recorded by Tetragon and Hubble at once, ${options.speed === 'max' ? 'as fast as it goes' : `${options.speed} times as fast as it happened`}.`,
  );
  io.note(`Alerts appear here as it happens, and with the picture on ${app.address}/\n`);
  const code = await untilDone(app, interrupts, options.exit === true, () => {
    if (!io.json) story(seen, app, io);
    if (seen.quiet > 0)
      io.note(`\n${counted(seen.quiet, 'alert')} below medium not shown: ${app.address}/api/v1/alerts`);
    io.note(`\nThe web page: ${app.address}/`);
    io.note(`The API: ${app.address}/docs   (try: curl -s ${app.address}/api/v1/incidents)`);
    io.note('Your own recordings: spoor replay tetragon.log hubble.log     Live: spoor run --help');
    if (options.exit !== true) io.note('Serving on; ctrl-c ends.');
  });
  if (options.data === undefined) rmSync(data, { recursive: true, force: true });
  return code;
}

/** What a demo remembers for its last words. */
interface Seen {
  readonly incidents: Map<string, Incident>;
  readonly marks: Marks;
  /** Alerts of levels that were not printed. */
  quiet: number;
}

function story(seen: Seen, app: App, io: Io): void {
  const marks = seen.marks.texts();
  for (const incident of seen.incidents.values()) {
    io.out(`${incidentText(incident, io.style)}\n`);
    for (const pod of incident.pods) {
      const [namespace = '', name = ''] = pod.split('/');
      const tree = podTree(app.engine.context, namespace, name);
      if (tree !== null) io.out(podText(tree, io.style, marks));
    }
  }
}

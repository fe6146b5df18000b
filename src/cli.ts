#!/usr/bin/env node
/**
 * The command line: parses, calls one command, and turns what it throws into a message and an exit status. Commands load what only
 * they need (servers, clients, the database) when they run: a replay starts in a fraction of the time.
 */
import { readFileSync } from 'node:fs';
import { Command, CommanderError, Option } from 'commander';
import { registerDemo } from './commands/demo.ts';
import { registerIncident } from './commands/incident.ts';
import { CommandError, EXIT, FORMS, safeText, UsageError } from './commands/io.ts';
import { registerLsp } from './commands/lsp.ts';
import { registerObserve } from './commands/observe.ts';
import { registerQueries } from './commands/query.ts';
import { registerRecord } from './commands/record.ts';
import { registerReplay } from './commands/replay.ts';
import { registerRun } from './commands/run.ts';
import { registerTree } from './commands/tree.ts';
import { ConfigError } from './config/error.ts';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const program = new Command('spoor')
  .description('Real-time security detection for Kubernetes: processes and connections in one picture.')
  .version(version)
  .addOption(
    new Option('-o, --output <form>', 'text for people, json for programs; tree also draws dot and svg')
      .choices(FORMS)
      .default('text'),
  )
  .option('--quiet', 'no progress and no explanations', false)
  .option('--config <file>', 'spoor.yaml to use')
  .configureHelp({ showGlobalOptions: true })
  .showSuggestionAfterError()
  .showHelpAfterError('(add --help for examples)')
  .configureOutput({ writeErr: text => process.stderr.write(safeText(text)) })
  .exitOverride()
  .addHelpText(
    'after',
    `
Examples:
  spoor demo                                    play a recorded break-in, with API on http://127.0.0.1:8787
  spoor replay tetragon.jsonl hubble.jsonl.gz   run the detections over recorded events
  spoor observe tetragon.jsonl hubble.jsonl     the joined stream: who did what, to whom
  spoor tree *.jsonl.gz --pod shop/cart-0       a pod's process tree with every process's connections
  spoor incident 1f0c9a                         one incident: its picture, what fired, its timeline
  spoor rules test rules                        run the tests inside the rules
  spoor run --config spoor.yaml                 live`,
  );

for (const register of [registerDemo, registerRun, registerReplay, registerObserve, registerTree, registerRecord]) {
  register(program);
}
const rules = program.command('rules').description('Check, test and list detections');
// All that authors need is loaded for them alone.
if (process.argv.includes('rules')) (await import('./commands/rules.ts')).registerRules(rules, version);
registerQueries(program);
registerIncident(program);
registerLsp(program, version);
// Options of the program may stand after the command, as people type them.
for (const command of allCommands(program)) {
  command.copyInheritedSettings(program).showHelpAfterError('(add --help for examples)');
}

function allCommands(command: Command): Command[] {
  return command.commands.flatMap(child => [child, ...allCommands(child)]);
}

// `spoor --help | head -1` closes the pipe early: that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

try {
  await program.parseAsync(process.argv);
} catch (error) {
  process.exitCode = exitFor(error);
}

function exitFor(error: unknown): number {
  if (error instanceof CommanderError) {
    // Commander has printed its message; help and version are no failure.
    return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  }
  const isUsage = error instanceof UsageError || (error instanceof ConfigError && error.isMissing);
  const code = isUsage ? EXIT.usage : EXIT.failed;
  process.stderr.write(`spoor: ${safeText(explained(error))}\n`);
  return code;
}

/** What a person has to mend is said without a stack; a stack means that Spoor itself is broken. */
function explained(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const isExpected = error instanceof UsageError || error instanceof CommandError || error instanceof ConfigError;
  // The system's own errors name the call and the path.
  const isSystem = 'syscall' in error && 'code' in error;
  return isExpected || isSystem ? error.message : (error.stack ?? error.message);
}

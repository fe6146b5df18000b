import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { captureWriter } from '../recorder/writer.ts';
import { counted } from '../render/counted.ts';
import { CommandError, Io, UsageError } from './io.ts';
import { globals } from './options.ts';

export function registerRecord(program: Command): void {
  program
    .command('record')
    .description('Writes what the live sources send as a capture, in the order in which it would be detected on')
    .requiredOption('--out <file>', 'capture to write; .gz compresses')
    .option('--force', 'write over a file that exists')
    .addHelpText(
      'after',
      `
Examples:
  spoor record --config spoor.yaml --out today.jsonl.gz     until ctrl-c
  spoor replay today.jsonl.gz                               the same alerts again`,
    )
    .action(async (_options, command: Command) => {
      const options = command.optsWithGlobals<{ out: string; force?: boolean }>();
      const io = new Io(globals(options));
      if (options.force !== true && existsSync(options.out)) {
        throw new UsageError(`${options.out} exists; name another file, or write over it with --force`);
      }
      const writer = captureWriter(options.out);
      let failure: Error | null = null;
      let waiting: Promise<void> = Promise.resolve();
      const { watchLive } = await import('./live.ts');
      await watchLive(globals(options), io, ({ observation }) => {
        waiting = waiting
          .then(() => writer.write([observation.event]))
          .catch((error: Error) => {
            failure ??= error;
          });
        io.progress(`${counted(writer.lines, 'event')} recorded`);
      });
      await waiting;
      await writer.close();
      io.progressDone();
      if (failure !== null) throw new CommandError(`${options.out}: ${(failure as Error).message}`);
      io.note(`${counted(writer.lines, 'event')} in ${options.out}`);
    });
}

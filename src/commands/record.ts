import type { Command } from 'commander';
import { captureWriter } from '../recorder/writer.ts';
import { CommandError, Io } from './io.ts';
import { globals } from './options.ts';

export function registerRecord(program: Command): void {
  program
    .command('record')
    .description('Writes what the live sources send as a capture, in the order in which it would be detected on')
    .requiredOption('--out <file>', 'capture to write; .gz compresses')
    .addHelpText(
      'after',
      `
Examples:
  spoor record --config spoor.yaml --out today.jsonl.gz     until ctrl-c
  spoor replay today.jsonl.gz                               the same alerts again`,
    )
    .action(async (_options, command: Command) => {
      const options = command.optsWithGlobals<{ out: string }>();
      const io = new Io(globals(options));
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
        io.progress(`${writer.lines.toLocaleString('en')} events recorded`);
      });
      await waiting;
      await writer.close();
      io.progressDone();
      if (failure !== null) throw new CommandError(`${options.out}: ${(failure as Error).message}`);
      io.note(`${writer.lines.toLocaleString('en')} events in ${options.out}`);
    });
}

import { existsSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { captureWriter } from '../recorder/writer.ts';
import { counted } from '../render/counted.ts';
import { CommandError, Io, UsageError } from './io.ts';
import { globals } from './options.ts';

/** Events that may wait for a slow disk. */
const QUEUED_EVENTS_MAX = 200_000;

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
      // A place that cannot be written is told now, not after an hour of recording.
      writeFileSync(options.out, '', { mode: 0o600 });
      const writer = captureWriter(options.out);
      const failed = new AbortController();
      const fail = (error: Error): void => {
        if (!failed.signal.aborted) failed.abort(error);
      };
      let queued = 0;
      let waiting: Promise<void> = Promise.resolve();
      const { watchLive } = await import('./live.ts');
      await watchLive(
        globals(options),
        io,
        ({ observation }) => {
          queued += 1;
          if (queued > QUEUED_EVENTS_MAX) fail(new Error('events come faster than they can be written'));
          if (failed.signal.aborted) return;
          waiting = waiting
            .then(() => writer.write([observation.event]))
            .then(() => {
              queued -= 1;
            })
            .catch(fail);
          io.progress(`${counted(writer.lines, 'event')} recorded`);
        },
        failed.signal,
      );
      await waiting;
      await writer.close().catch(fail);
      io.progressDone();
      if (failed.signal.aborted)
        throw new CommandError(
          `${options.out}: ${(failed.signal.reason as Error).message}; ${counted(writer.lines, 'event')} before that`,
        );
      io.note(`${counted(writer.lines, 'event')} in ${options.out}`);
    });
}

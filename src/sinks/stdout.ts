/** NDJSON on standard output. */
import { z } from 'zod';
import type { SinkDeps } from './deps.ts';
import { linesOf } from './lines.ts';
import type { SendResult, Sink } from './sink.ts';
import { deliveryKeys } from './units.ts';

export const stdoutConfig = z.strictObject({
  type: z.literal('stdout'),
  ...deliveryKeys,
  concurrency: deliveryKeys.concurrency.unwrap().default(1),
  rate: deliveryKeys.rate.unwrap().default(1_000),
});

export type StdoutConfig = z.infer<typeof stdoutConfig>;

export function createStdout(name: string, { stdout }: Pick<SinkDeps, 'stdout'>): Sink {
  return {
    name,
    type: 'stdout',
    // The callback comes when the reader has taken it: a stalled pipe stalls this sink, and nothing else.
    send: delivery =>
      new Promise<SendResult>(resolve => {
        if (!stdout.writable) {
          resolve({ outcome: 'retry', detail: 'standard output is closed' });
          return;
        }
        stdout.write(linesOf(delivery), error => {
          const code = (error as NodeJS.ErrnoException | null | undefined)?.code ?? 'write failed';
          resolve(error ? { outcome: 'retry', detail: code } : { outcome: 'delivered', detail: 'written' });
        });
      }),
    close: async () => {},
  };
}

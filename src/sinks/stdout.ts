/** NDJSON on standard output. */
import { z } from 'zod';
import type { SinkDeps } from './deps.ts';
import { inTurn, linesOf } from './lines.ts';
import type { SendResult, Sink } from './sink.ts';
import { deliveryKeys } from './units.ts';

export const stdoutConfig = z.strictObject({
  type: z.literal('stdout'),
  ...deliveryKeys,
  concurrency: deliveryKeys.concurrency.unwrap().default(1),
  rate: deliveryKeys.rate.unwrap().default(1_000),
});

export function createStdout(name: string, { stdout }: Pick<SinkDeps, 'stdout'>): Sink {
  /** Resolves when the reader has taken the line: a stalled pipe stalls this sink, and nothing else. */
  const write = (lines: string): Promise<SendResult> =>
    new Promise(resolve => {
      if (!stdout.writable) {
        resolve({ outcome: 'retry', detail: 'standard output is closed' });
        return;
      }
      stdout.write(lines, error => {
        const code = (error as NodeJS.ErrnoException | null | undefined)?.code ?? 'write failed';
        resolve(error ? { outcome: 'retry', detail: code } : { outcome: 'delivered', detail: 'written' });
      });
    });
  return { name, type: 'stdout', send: inTurn(delivery => write(linesOf(delivery))), close: async () => {} };
}

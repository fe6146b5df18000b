/** The helper's side: answers questions until the program that started it is gone. */
import { writeFileSync } from 'node:fs';
import { Problem } from '../../api/problem.ts';
import type { Answer, Question } from './protocol.ts';

export type Handlers = Readonly<Record<string, (given: never) => unknown>>;

const send = (answer: Answer): void => void process.send?.(answer);

export const tell = (told: unknown): void => send({ tell: told });

export function answerParent(handlers: Handlers): void {
  try {
    // Where memory runs out, this goes before the program that detects.
    writeFileSync('/proc/self/oom_score_adj', '1000');
  } catch {
    // Only Linux has it.
  }
  // Also when it was killed: nobody would read the answers.
  process.once('disconnect', () => process.exit(0));
  process.on('message', ({ id, ask, given }: Question) => {
    Promise.resolve()
      .then(() => handlers[ask]?.(given as never))
      .then(
        value => send({ id, value: value ?? null }),
        (error: unknown) => {
          const { status, code, message } =
            error instanceof Problem ? error : new Problem(500, 'internal', (error as Error).message);
          send({ id, failure: { status, code, detail: message } });
        },
      );
  });
}

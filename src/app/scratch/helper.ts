/**
 * A program of our own beside this one, for work on what others sent: it has memory, a priority and a deadline of its own. Whatever
 * happens in it, detection goes on; where memory runs out, the system ends it before anything else.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { setPriority } from 'node:os';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Answer, Failure, Question } from './protocol.ts';

export interface HelperOptions {
  /** Module in this folder, without its extension. */
  readonly module: 'replay-child' | 'rules-child';
  /** Of its heap. */
  readonly memoryMbMax: number;
  readonly onTell?: (told: unknown) => void;
}

/** It ended while it was asked something; the message says why, as far as that is known. */
export class HelperEnded extends Error {
  override readonly name = 'HelperEnded';
}

/** It did not answer in time, and was ended. */
export class HelperTooSlow extends Error {
  override readonly name = 'HelperTooSlow';
}

/** What it was asked for cannot be, for a reason that the caller should read. */
export class HelperRefused extends Error {
  override readonly name = 'HelperRefused';
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.detail);
    this.failure = failure;
  }
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout | null;
}

/** Lower than detection's. */
const NICENESS = 10;
const LAST_WORDS_CHARS = 2_000;

export class Helper {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  readonly #ended: Promise<void>;
  #next = 1;
  #over: Error | null = null;
  #lastWords = '';

  constructor(options: HelperOptions) {
    const extension = extname(fileURLToPath(import.meta.url));
    const memory = `--max-old-space-size=${options.memoryMbMax}`;
    this.#child = fork(fileURLToPath(new URL(`./${options.module}${extension}`, import.meta.url)), {
      // Run from its sources, as this program is.
      execArgv: extension === '.ts' ? [memory, '--import', 'tsx'] : [memory],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      // None of this program's secrets.
      env: { PATH: process.env.PATH ?? '' },
    });
    const { pid } = this.#child;
    if (pid !== undefined) lower(pid);
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#lastWords = (this.#lastWords + text).slice(-LAST_WORDS_CHARS);
    });
    this.#child.on('message', (message: Answer) => {
      if ('tell' in message) options.onTell?.(message.tell);
      else this.#answered(message);
    });
    this.#ended = new Promise(resolve => {
      const over = (why: string): void => {
        this.#finish(new HelperEnded(why));
        resolve();
      };
      this.#child.once('close', () => over(this.#whyEnded()));
      this.#child.once('error', error => over(error.message));
    });
  }

  get isOver(): boolean {
    return this.#over !== null;
  }

  /** Rejects with `HelperRefused`, `HelperEnded`, or after `msMax` with `HelperTooSlow`. Null: no deadline. */
  ask(what: string, given: unknown, msMax: number | null): Promise<unknown> {
    if (this.#over !== null) return Promise.reject(this.#over);
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      const late = (): void => {
        this.#finish(new HelperTooSlow(`no answer within ${(msMax ?? 0) / 1_000} s`));
        this.#child.kill('SIGKILL');
      };
      const timer = msMax === null ? null : setTimeout(late, msMax);
      this.#waiting.set(id, { resolve, reject, timer });
      const question: Question = { id, ask: what, given };
      this.#child.send(question, error => {
        if (error !== null) this.#finish(new HelperEnded(error.message));
      });
    });
  }

  /** Resolves when it is gone. */
  async end(): Promise<void> {
    this.#finish(new HelperEnded('it was ended'));
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  #answered(answer: Exclude<Answer, { tell: unknown }>): void {
    const waiting = this.#waiting.get(answer.id);
    if (waiting === undefined) return;
    this.#waiting.delete(answer.id);
    if (waiting.timer !== null) clearTimeout(waiting.timer);
    if ('failure' in answer) waiting.reject(new HelperRefused(answer.failure));
    else waiting.resolve(answer.value);
  }

  #finish(error: Error): void {
    this.#over ??= error;
    for (const { reject, timer } of this.#waiting.values()) {
      if (timer !== null) clearTimeout(timer);
      reject(this.#over);
    }
    this.#waiting.clear();
  }

  #whyEnded(): string {
    if (/heap out of memory|heap limit/i.test(this.#lastWords)) return 'it needs more memory than it may have';
    if (this.#child.signalCode === 'SIGKILL') return 'the system ended it, as it does where memory runs out';
    return `it ended unexpectedly (${this.#child.signalCode ?? `status ${this.#child.exitCode}`})`;
  }
}

function lower(pid: number): void {
  try {
    setPriority(pid, NICENESS);
  } catch {
    // Where that is not allowed it shares the processor evenly.
  }
}

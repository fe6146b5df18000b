/** What every command shares: where output goes, in which form, and how a command ends. */
import { escapeTerminal } from '../model/escape.ts';
import { type Style, style } from '../render/style.ts';

/** Exit statuses of the command line's contract. */
export const EXIT = { done: 0, failed: 1, usage: 2, failOn: 3 } as const;

/** Text of several lines made safe to show: file names and what sensors reported may hold anything. */
export const safeText = (text: string): string => text.split('\n').map(escapeTerminal).join('\n');

/** Plain colours only where somebody looks at them and wants them. */
const wantsColour = (): boolean =>
  process.stdout.isTTY === true && process.env.NO_COLOR === undefined && process.env.TERM !== 'dumb';

/** A wrong use of the command line: printed without a stack, exit 2. */
export class UsageError extends Error {}

/** Something that a person has to mend, said in full: printed without a stack, exit 1. */
export class CommandError extends Error {}

/** Forms of output; pictures are for `tree`, tables and layers for `rules coverage`, SARIF for `rules lint`. */
export const FORMS = ['text', 'json', 'dot', 'svg', 'markdown', 'navigator', 'sarif'] as const;
export type Form = (typeof FORMS)[number];

export interface GlobalOptions {
  readonly output: Form;
  readonly quiet: boolean;
  readonly config?: string;
}

export class Io {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly style: Style;
  #broken = false;

  constructor(options: GlobalOptions, forms: readonly Form[] = ['text', 'json']) {
    if (!forms.includes(options.output)) {
      throw new UsageError(`-o ${options.output}: this command gives ${forms.join(' or ')}`);
    }
    this.json = options.output === 'json';
    this.quiet = options.quiet;
    this.style = style(!this.json && wantsColour());
    // `spoor … | head` closes the pipe early: that is no failure.
    process.stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      this.#broken = true;
      process.exit(process.exitCode ?? EXIT.done);
    });
  }

  /** A result, on stdout. */
  out(text: string): void {
    if (!this.#broken) process.stdout.write(`${text}\n`);
  }

  /** A result for programs: one JSON object a line, on stdout. */
  record(value: unknown): void {
    this.out(JSON.stringify(value));
  }

  /** Progress and explanations for people, on stderr. */
  note(text: string): void {
    if (!this.quiet) process.stderr.write(`${safeText(text)}\n`);
  }

  /** A line that is written over by the next one, only on a terminal. */
  progress(text: string): void {
    if (!this.quiet && process.stderr.isTTY === true) process.stderr.write(`\r\x1b[K${text}`);
  }

  /** Ends a progress line. */
  progressDone(): void {
    this.progress('');
  }

  /** What went wrong; shown even when quiet. */
  problem(text: string): void {
    process.stderr.write(`${safeText(text)}\n`);
  }
}

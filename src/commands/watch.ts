/** A pod's picture, drawn over and over on a terminal until somebody leaves. */
import { pictureLines } from '../render/picture-text.ts';
import { screenLines, topMax } from '../render/screen.ts';
import { CommandError, type Io, safeText, UsageError } from './io.ts';
import type { Reader } from './reader.ts';

/** The screen beside the one with the shell's lines, without a cursor; and back. */
const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const CLEAR_LINE = '\x1b[K';

/** Lines down (or up) by key. */
const STEPS: Readonly<Record<string, number>> = {
  j: 1,
  '\x1b[B': 1,
  k: -1,
  '\x1b[A': -1,
  ' ': 20,
  '\x1b[6~': 20,
  b: -20,
  '\x1b[5~': -20,
  g: Number.NEGATIVE_INFINITY,
  '\x1b[H': Number.NEGATIVE_INFINITY,
  G: Number.POSITIVE_INFINITY,
  '\x1b[F': Number.POSITIVE_INFINITY,
};
const LEAVING: readonly string[] = ['q', '\x03'];
/** Several keys may come at once. */
const KEYS = /\x1b\[\d*[A-Z~]|[\s\S]/g;

export interface WatchOptions {
  /** `namespace/name`. */
  readonly pod: string;
  readonly everyMs: number;
}

/** Says why it cannot be drawn over and over; nothing when it can. */
export function requireTerminal(): void {
  if (process.stdout.isTTY === true && process.stdin.isTTY === true) return;
  throw new UsageError('--watch draws on a terminal, and this is none: leave it out for one picture');
}

class Watch {
  readonly #reader: Reader;
  readonly #options: WatchOptions;
  readonly #io: Io;
  #lines: readonly string[] = [];
  #state = 'reading …';
  #top = 0;
  #timer: NodeJS.Timeout | null = null;
  #leave: () => void = () => {};

  constructor(reader: Reader, options: WatchOptions, io: Io) {
    this.#reader = reader;
    this.#options = options;
    this.#io = io;
  }

  async run(): Promise<void> {
    const { stdin, stdout } = process;
    const left = new Promise<void>(resolve => {
      this.#leave = resolve;
    });
    const draw = (): void => this.#draw();
    const onKeys = (keys: Buffer): void => {
      for (const key of keys.toString('latin1').match(KEYS) ?? []) this.#onKey(key);
    };
    // However the program ends, the shell gets its screen back.
    const restore = (): void => void stdout.write(LEAVE);
    process.once('exit', restore);
    process.once('SIGINT', this.#leave);
    process.once('SIGTERM', this.#leave);
    stdout.write(ENTER);
    stdout.on('resize', draw);
    stdin.setRawMode(true);
    stdin.on('data', onKeys);
    stdin.once('end', this.#leave);
    stdin.resume();
    try {
      this.#draw();
      void this.#read();
      await left;
    } finally {
      if (this.#timer !== null) clearTimeout(this.#timer);
      stdout.off('resize', draw);
      stdin.off('data', onKeys);
      stdin.setRawMode(false);
      stdin.pause();
      process.off('SIGINT', this.#leave);
      process.off('SIGTERM', this.#leave);
      process.off('exit', restore);
      restore();
    }
  }

  /** Never rejects: what cannot be read now is told, and tried again. */
  async #read(): Promise<void> {
    const { pod, everyMs } = this.#options;
    try {
      const picture = await this.#reader.podPicture(pod);
      if (picture === null) this.#state = 'this pod is not known yet';
      else {
        this.#lines = pictureLines(picture, this.#io.style);
        this.#state = `live, ${new Date().toISOString().slice(11, 19)} UTC`;
      }
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      this.#state = `${this.#lines.length === 0 ? '' : 'as it was; '}${error.message}`;
    }
    this.#draw();
    this.#timer = setTimeout(() => void this.#read(), everyMs);
  }

  #onKey(key: string): void {
    const step = STEPS[key];
    if (LEAVING.includes(key)) this.#leave();
    else if (step !== undefined) {
      // Kept within what there is, so that keys past an end are not owed back.
      this.#top = Math.min(Math.max(this.#top + step, 0), this.#lines.length);
      this.#draw();
    }
  }

  #draw(): void {
    const { stdout } = process;
    const size = { columns: stdout.columns || 80, rows: stdout.rows || 24 };
    const { bold, dim } = this.#io.style;
    const last = topMax(this.#lines.length, size);
    this.#top = Math.min(Math.max(this.#top, 0), last);
    const more =
      last === 0
        ? ''
        : `  ↑↓ ${this.#top + 1}–${Math.min(this.#lines.length, this.#top + size.rows - 2)} of ${this.#lines.length}`;
    const lines = screenLines(
      {
        head: `${bold(safeText(this.#options.pod))}  ${dim(safeText(this.#state))}`,
        lines: this.#lines,
        foot: dim(`q quit${more}`),
        top: this.#top,
      },
      size,
    );
    stdout.write(`${HOME}${lines.map(line => `${line}${CLEAR_LINE}`).join('\r\n')}`);
  }
}

export const watchPod = (reader: Reader, options: WatchOptions, io: Io): Promise<void> =>
  new Watch(reader, options, io).run();

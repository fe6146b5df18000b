/** Interrupts of a program that serves, from its first step on: one that comes while it still starts ends it once it has. */
import { EXIT } from './io.ts';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

export class Interrupts {
  #asked = false;
  #answer: (() => void) | null = null;
  readonly #on = (): void => {
    if (this.#asked) process.exit(EXIT.failed);
    this.#asked = true;
    this.#answer?.();
  };

  constructor() {
    for (const signal of SIGNALS) process.on(signal, this.#on);
  }

  /** `stop` is called at the first interrupt, also when that has been; a second ends the program at once. */
  answer(stop: () => void): void {
    this.#answer = stop;
    if (this.#asked) stop();
  }

  release(): void {
    for (const signal of SIGNALS) process.off(signal, this.#on);
  }
}

/** The program as a service, for `run` and `demo`: started, and kept until it ends. */
import { readFileSync } from 'node:fs';
import { App } from '../app/app.ts';
import { createLog } from '../app/log.ts';
import type { Config } from '../config/schema.ts';
import type { Step } from '../engine.ts';
import type { Interrupts } from './interrupts.ts';
import { CommandError, EXIT } from './io.ts';

export const VERSION = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version;

/** Starts the program or says in plain words why it cannot. */
export async function startApp(config: Config, onStep?: (step: Step) => void): Promise<App> {
  try {
    return await App.start(config, {
      version: VERSION,
      log: createLog(config.log),
      ...(onStep === undefined ? {} : { onStep }),
    });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') {
      throw new CommandError(
        `api.listen: ${config.api.listen} is in use by another program; choose another address (SPOOR_API_LISTEN=127.0.0.1:0 for any free port)`,
      );
    }
    throw new CommandError(message);
  }
}

/** Runs until interrupted, or with `onceEnded` until the sources have ended. */
export function untilDone(app: App, interrupts: Interrupts, onceEnded: boolean, ended?: () => void): Promise<number> {
  return new Promise(resolve => {
    let stopping = false;
    const stop = (code: number): void => {
      if (stopping) return;
      stopping = true;
      void app.stop().then(() => {
        interrupts.release();
        resolve(code);
      });
    };
    interrupts.answer(() => stop(EXIT.done));
    app.run().then(
      () => {
        if (stopping) return;
        ended?.();
        if (onceEnded) stop(EXIT.done);
      },
      (error: Error) => {
        process.stderr.write(`spoor: ${error.message}\n`);
        stop(EXIT.failed);
      },
    );
  });
}

import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { App } from '../app/app.ts';
import { createLog } from '../app/log.ts';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import type { Step } from '../engine.ts';
import { alertText } from '../render/alert.ts';
import { CommandError, EXIT, Io } from './io.ts';
import { globals } from './options.ts';

export const VERSION = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version;

const NEEDS = `spoor run needs to know where events come from. Write a spoor.yaml such as

  sources:
    - {type: tetragon, address: 'unix:///var/run/tetragon/tetragon.sock'}   # or host:port, or dns:///name:port
    - {type: hubble, address: 'hubble-relay.kube-system:80'}
    # - {type: file, path: '/var/log/tetragon/*.log'}                       # export files, followed through rotation
    # - {type: ingest}                                                      # POST /api/v1/ingest
  sinks:
    soc: {type: slack, webhook_url_file: /run/secrets/slack}
  api: {listen: '127.0.0.1:8787'}

and start it with: spoor run --config spoor.yaml
Every key has a twin in the environment (api.listen is SPOOR_API_LISTEN), and every secret a _file twin.
To see Spoor at work without a cluster: spoor demo`;

export function registerRun(program: Command): void {
  program
    .command('run')
    .description('Live: the sources, rules, store, sinks and API of spoor.yaml')
    .option('--print', 'print alerts as they happen')
    .addHelpText('after', `\n${NEEDS}`)
    .action(async (_options, command: Command) => {
      const options = command.optsWithGlobals<{ print?: boolean }>();
      const io = new Io(globals(options));
      const file = globals(options).config ?? process.env.SPOOR_CONFIG ?? null;
      const config = loadConfig(file, process.env);
      if (config.sources.length === 0) throw new CommandError(NEEDS);
      const print = ({ changes }: Step): void => {
        for (const change of changes) {
          if (change.type !== 'new') continue;
          if (io.json) io.record(change.alert);
          else io.out(`${alertText(change.alert, io.style)}\n`);
        }
      };
      const app = await startApp(config, options.print === true || io.json ? print : undefined);
      io.note(`Spoor ${VERSION}: API on ${app.address}`);
      process.exitCode = await untilDone(app, false);
    });
}

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

/** Runs until interrupted, or with `onceEnded` until the sources have ended; a second interrupt ends at once. */
export function untilDone(app: App, onceEnded: boolean, ended?: () => void): Promise<number> {
  return new Promise(resolve => {
    let stopping = false;
    const stop = (code: number): void => {
      if (stopping) process.exit(EXIT.failed);
      stopping = true;
      void app.stop().then(() => {
        process.off('SIGINT', interrupt);
        process.off('SIGTERM', interrupt);
        resolve(code);
      });
    };
    const interrupt = (): void => stop(EXIT.done);
    process.on('SIGINT', interrupt);
    process.on('SIGTERM', interrupt);
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

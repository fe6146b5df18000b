import type { Command } from 'commander';
import type { Step } from '../engine.ts';
import { alertText } from '../render/alert.ts';
import { Interrupts } from './interrupts.ts';
import { CommandError, Io } from './io.ts';
import { globals } from './options.ts';

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
      const [{ loadConfig }, { startApp, untilDone, VERSION }] = await Promise.all([
        import('../config/load.ts'),
        import('./serve.ts'),
      ]);
      const config = loadConfig(file, process.env);
      if (config.sources.length === 0) throw new CommandError(NEEDS);
      const print = ({ changes }: Step): void => {
        for (const change of changes) {
          if (change.type !== 'new') continue;
          if (io.json) io.record(change.alert);
          else io.out(`${alertText(change.alert, io.style)}\n`);
        }
      };
      const interrupts = new Interrupts();
      const app = await startApp(config, options.print === true || io.json ? print : undefined);
      io.note(`Spoor ${VERSION}: API on ${app.address}`);
      process.exitCode = await untilDone(app, interrupts, false);
    });
}

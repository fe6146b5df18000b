import { type Command, Option } from 'commander';
import { EVENT_KINDS } from '../model/event.ts';
import type { Observation } from '../model/observation.ts';
import { baseName } from '../model/process.ts';
import { counted } from '../render/counted.ts';
import { observationRecord, observationText } from '../render/observation.ts';
import { Io } from './io.ts';
import { globals } from './options.ts';
import { play, reportMalformed } from './playback.ts';

interface ObserveOptions {
  readonly pod?: string;
  readonly namespace?: string;
  readonly kind?: string;
  readonly binary?: string;
  readonly to?: string;
}

export function registerObserve(program: Command): void {
  program
    .command('observe')
    .description(
      'The joined stream, one line an event: when, pod, process, what it did, to whom, and how that is known',
    )
    .argument('[file...]', 'recorded events; without any, the live sources of the configuration')
    .option('--pod <name>', 'namespace/name, or the beginning of it')
    .option('--namespace <name>', 'only this namespace')
    .addOption(new Option('--kind <kind>', 'only events of this kind').choices(EVENT_KINDS))
    .option('--binary <name>', 'path or base name of the process')
    .option('--to <peer>', 'address, port, pod or DNS name of the other side, or a part of it')
    .addHelpText(
      'after',
      `
Examples:
  spoor observe tetragon.jsonl.gz hubble.jsonl.gz --pod tenant-jobs/crawler
  spoor observe *.jsonl --kind flow --to amazonaws.com -o json`,
    )
    .action(async (files: string[], _options, command: Command) => {
      const options = command.optsWithGlobals<ObserveOptions>();
      const io = new Io(globals(options));
      const wanted = filter(options);
      let matched = 0;
      const show = (observation: Observation): void => {
        if (!wanted(observation)) return;
        matched += 1;
        if (io.json) io.record(observationRecord(observation));
        else io.out(observationText(observation, io.style));
      };
      if (files.length === 0) {
        const { watchLive } = await import('./live.ts');
        await watchLive(globals(options), io, ({ observation }) => show(observation));
        return;
      }
      const played = await play({ files, rules: [], onStep: ({ observation }) => show(observation) }, io);
      reportMalformed(played, io);
      const events = played.status.counters.events;
      if (matched === 0 && events > 0) io.note(`none of ${counted(events, 'event')} fits these filters`);
    });
}

function filter(options: ObserveOptions): (observation: Observation) => boolean {
  const tests: ((observation: Observation) => boolean)[] = [];
  const { pod, namespace, kind, binary, to } = options;
  if (pod !== undefined) tests.push(({ pod: p }) => p !== null && `${p.namespace}/${p.name}`.startsWith(pod));
  if (namespace !== undefined) tests.push(({ pod: p }) => p?.namespace === namespace);
  if (kind !== undefined) tests.push(({ event }) => event.kind === kind);
  if (binary !== undefined) {
    tests.push(
      ({ process }) =>
        process !== null && (process.facts.binary === binary || baseName(process.facts.binary) === binary),
    );
  }
  if (to !== undefined) {
    tests.push(({ connection }) => {
      const server = connection?.server;
      if (server === undefined) return false;
      const endpoint = server.endpoint === null ? '' : `${server.endpoint.namespace}/${server.endpoint.podName}`;
      return (
        `${server.ip}:${server.port}`.includes(to) ||
        endpoint.includes(to) ||
        server.names.some(name => name.includes(to))
      );
    });
  }
  return observation => tests.every(test => test(observation));
}

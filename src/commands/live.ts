/** Live sources without a store, for commands that only look: `observe` and `record`. */
import { buildSources } from '../app/sources.ts';
import { loadConfig } from '../config/load.ts';
import { Engine, type Step } from '../engine.ts';
import { LIMITS } from '../model/limits.ts';
import { Pipeline } from '../pipeline.ts';
import { memoryQuarantine } from '../sources/quarantine.ts';
import { memoryOffsets } from '../sources/tail/offsets.ts';
import { CommandError, type GlobalOptions, type Io } from './io.ts';

/** Runs until every source has ended, the program is interrupted or `signal` aborts. Positions are not kept: what is looked at is not consumed. */
export async function watchLive(
  globals: GlobalOptions,
  io: Io,
  onStep: (step: Step) => void,
  signal: AbortSignal = new AbortController().signal,
): Promise<void> {
  const config = loadConfig(globals.config ?? process.env.SPOOR_CONFIG ?? null, process.env);
  const watched = config.sources.filter(source => source.type !== 'ingest');
  if (watched.length < config.sources.length)
    io.note('the ingest source is left out: only a running Spoor takes events over its API');
  if (watched.length === 0) {
    throw new CommandError(
      "no live sources: name files to read, or a configuration with sources (--config spoor.yaml; 'spoor run --help' shows one)",
    );
  }
  const { sources } = buildSources(watched, () => memoryOffsets(), memoryQuarantine());
  const pipeline = new Pipeline({
    engine: new Engine({ rules: [] }),
    sources,
    ordering: { latenessMs: config.detection.lateness, eventsMax: LIMITS.reorderEventsMax },
    onStep,
    onSourceFailed: (source, error) => io.problem(`source ${source.name} cannot work: ${error.message}`),
  });
  const stop = (): void => void pipeline.stop();
  signal.addEventListener('abort', stop, { once: true });
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  await pipeline.run();
  process.off('SIGINT', stop);
  process.off('SIGTERM', stop);
}

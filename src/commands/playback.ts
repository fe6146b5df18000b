/** Recorded files through the fold: what `replay`, `observe` and `tree` have in common. */

import type { AlertChange } from '../alerts/alert.ts';
import { Engine, type Step } from '../engine.ts';
import { Pipeline } from '../pipeline.ts';
import { loadChosen, type RuleChoice, readRuleFiles, rulePaths } from '../rule-files.ts';
import { formatDiagnostic } from '../rules/diagnostics.ts';
import type { Rule } from '../rules/rule.ts';
import { captureSource } from '../sources/capture/source.ts';
import { memoryQuarantine } from '../sources/quarantine.ts';
import type { SourceStatus } from '../sources/source.ts';
import { CommandError, type Io } from './io.ts';
import { requireFiles } from './options.ts';

export interface Playback {
  readonly files: readonly string[];
  readonly rules: readonly Rule[];
  readonly speed?: 'max' | number;
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  readonly onStep?: (step: Step) => void;
  readonly store?: (changes: readonly AlertChange[]) => Promise<void>;
}

export interface Played {
  readonly engine: Engine;
  readonly events: ReadonlyMap<string, number>;
  readonly status: SourceStatus;
  readonly seconds: number;
  readonly quarantined: readonly { readonly place: string; readonly reason: string }[];
}

/** Loads rules or fails with every error in them; warnings are shown. */
export function rulesOrFail(choice: RuleChoice, io: Io): readonly Rule[] {
  let files: ReturnType<typeof readRuleFiles>;
  try {
    files = readRuleFiles(rulePaths(choice));
  } catch (error) {
    throw new CommandError((error as Error).message);
  }
  const loaded = loadChosen(choice, files);
  const errors = loaded.diagnostics.filter(diagnostic => diagnostic.severity === 'error');
  for (const error of errors) io.problem(formatDiagnostic(error));
  if (errors.length > 0 && loaded.rules.length === 0) throw new CommandError('no rule could be loaded');
  for (const name of loaded.unknown) io.problem(`rules.disable: no rule is called '${name}'`);
  return loaded.rules;
}

const PROGRESS_EVERY_MS = 500;

/** Plays files to their end. Prints progress where that takes long; malformed lines are counted and named. */
export async function play(playback: Playback, io: Io): Promise<Played> {
  requireFiles(playback.files);
  const quarantine = memoryQuarantine();
  const source = captureSource({
    paths: playback.files,
    speed: playback.speed ?? 'max',
    since: playback.since ?? null,
    until: playback.until ?? null,
    quarantine,
  });
  const engine = new Engine({ rules: playback.rules });
  let failure: Error | null = null;
  const pipeline = new Pipeline({
    engine,
    sources: [source],
    ordering: null,
    ...(playback.onStep === undefined ? {} : { onStep: playback.onStep }),
    ...(playback.store === undefined ? {} : { store: playback.store }),
    onSourceFailed: (_source, error) => {
      failure = error;
    },
  });
  const started = performance.now();
  const ticker = setInterval(
    () => io.progress(`${source.status().counters.events.toLocaleString('en')} events`),
    PROGRESS_EVERY_MS,
  );
  try {
    await pipeline.run();
  } finally {
    clearInterval(ticker);
    io.progressDone();
  }
  if (failure !== null) throw new CommandError((failure as Error).message);
  return {
    engine,
    events: pipeline.events,
    status: source.status(),
    seconds: (performance.now() - started) / 1_000,
    quarantined: quarantine.entries,
  };
}

const QUARANTINED_SHOWN_MAX = 5;

/** Says on stderr which lines could not be read. */
export function reportMalformed(played: Played, io: Io): void {
  const { malformed, unknownKinds } = played.status.counters;
  if (malformed > 0) {
    io.problem(`${malformed} malformed lines were passed over:`);
    for (const { place, reason } of played.quarantined.slice(-QUARANTINED_SHOWN_MAX))
      io.problem(`  ${place}: ${reason}`);
  }
  if (unknownKinds > 0) io.note(`${unknownKinds} events of kinds that Spoor does not use were passed over`);
}

/** Recorded files through the fold: what `replay`, `observe` and `tree` have in common. */
import { statSync } from 'node:fs';
import type { AlertChange } from '../alerts/alert.ts';
import { Engine, type Step } from '../engine.ts';
import { formatInstant } from '../model/time.ts';
import { Pipeline } from '../pipeline.ts';
import { clock } from '../render/alert.ts';
import { counted } from '../render/counted.ts';
import { loadChosen, type RuleChoice, readRuleFiles, rulePaths } from '../rule-files.ts';
import { formatDiagnostic } from '../rules/diagnostics.ts';
import type { Rule } from '../rules/rule.ts';
import { captureSource } from '../sources/capture/source.ts';
import { memoryQuarantine } from '../sources/quarantine.ts';
import type { SourceStatus } from '../sources/source.ts';
import { CommandError, type Io } from './io.ts';
import { requireFiles, requirePaths } from './options.ts';

export interface Playback {
  readonly files: readonly string[];
  readonly rules: readonly Rule[];
  readonly speed?: 'max' | number;
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  /** Times rules: see `spoor replay --profile`. */
  readonly profile?: boolean;
  readonly onStep?: (step: Step) => void;
  readonly store?: (changes: readonly AlertChange[]) => Promise<void>;
}

export interface Played {
  readonly engine: Engine;
  readonly events: ReadonlyMap<string, number>;
  readonly status: SourceStatus;
  readonly seconds: number;
  /** Events that stood after later ones in their file: folded in all the same. */
  readonly late: number;
  /** Stopped by the person at the keyboard: what follows is true of the events so far. */
  readonly interrupted: boolean;
  /** Only a part of time was asked for. */
  readonly isLimited: boolean;
  readonly quarantined: readonly { readonly place: string; readonly reason: string }[];
}

/** Loads rules or fails with every error in them; warnings are shown. */
export function rulesOrFail(choice: RuleChoice, io: Io): readonly Rule[] {
  requirePaths(choice.paths);
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
  const engine = new Engine({
    rules: playback.rules,
    ...(playback.profile === true ? { timing: { clock: () => performance.now(), every: 1 } } : {}),
  });
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
  const whole = plainBytes(playback.files);
  const ticker = setInterval(() => io.progress(progressText(source.status(), whole)), PROGRESS_EVERY_MS);
  let interrupted = false;
  const interrupt = (): void => {
    interrupted = true;
    void pipeline.stop();
  };
  // The second one ends the program at once, as the system does without us.
  process.once('SIGINT', interrupt);
  try {
    await pipeline.run();
  } finally {
    process.off('SIGINT', interrupt);
    clearInterval(ticker);
    io.progressDone();
  }
  if (failure !== null) throw new CommandError((failure as Error).message);
  return {
    engine,
    events: pipeline.events,
    status: source.status(),
    seconds: (performance.now() - started) / 1_000,
    late: pipeline.late,
    interrupted,
    isLimited: playback.since !== undefined || playback.until !== undefined,
    quarantined: quarantine.entries,
  };
}

/** How many bytes there are to read; null where some are compressed or come through a pipe. */
function plainBytes(files: readonly string[]): number | null {
  let sum = 0;
  for (const file of files) {
    const stat = file === '-' ? undefined : statSync(file, { throwIfNoEntry: false });
    if (stat?.isFile() !== true || file.endsWith('.gz')) return null;
    sum += stat.size;
  }
  return sum;
}

/** `120,000 events, up to 06:25:06, 45 MB, 30 %`. */
function progressText({ counters: { events, bytes }, newest }: SourceStatus, whole: number | null): string {
  return [
    counted(events, 'event'),
    ...(newest === null ? [] : [`up to ${clock(formatInstant(newest)).slice(0, 8)}`]),
    `${(bytes / 1e6).toFixed(0)} MB${whole === null || whole === 0 ? '' : `, ${Math.min(100, (100 * bytes) / whole).toFixed(0)} %`}`,
  ].join(', ');
}

const QUARANTINED_SHOWN_MAX = 5;

/** Says on stderr which lines could not be read. */
export function reportMalformed(played: Played, io: Io): void {
  const { malformed, unknownKinds, lost, ahead } = played.status.counters;
  if (malformed > 0) {
    const shownLines = played.quarantined.slice(-QUARANTINED_SHOWN_MAX);
    const last = malformed > shownLines.length ? `; the last ${shownLines.length}` : '';
    io.problem(`${counted(malformed, 'malformed line')} passed over${last}:`);
    for (const { place, reason } of shownLines) io.problem(`  ${place}: ${reason}`);
  }
  if (ahead > 0) {
    io.problem(
      `${counted(ahead, 'event')} put aside: a sensor's clock was far ahead, and everybody's time is event time`,
    );
  }
  if (lost > 0) io.problem('what followed in a damaged file is lost: nobody knows how much');
  if (unknownKinds > 0) io.note(`${counted(unknownKinds, 'event')} of kinds that Spoor does not use passed over`);
  if (played.interrupted) io.problem('interrupted: this is true of the events so far');
  else if (played.status.counters.events === 0)
    io.problem(
      played.isLimited && malformed === 0
        ? 'no event was found between --since and --until'
        : "no event was found: expected JSON lines as Tetragon and Hubble export them, one event a line; of an array, jq -c '.[]' makes them so",
    );
}

/** Plays a recording in an engine of its own, within limits: what comes of it goes to a store of its own. */
import { join } from 'node:path';
import { Engine } from '../../engine.ts';
import { formatInstant } from '../../model/time.ts';
import { Pipeline } from '../../pipeline.ts';
import { readRuleFiles, rulePaths } from '../../rule-files.ts';
import { Explainer } from '../../rule-tests/explain.ts';
import { explanationLines } from '../../rule-tests/explain-text.ts';
import type { RuleFile } from '../../rules/load.ts';
import type { Rule } from '../../rules/rule.ts';
import { captureSource } from '../../sources/capture/source.ts';
import { memoryQuarantine } from '../../sources/quarantine.ts';
import type { Source } from '../../sources/source.ts';
import { openStore } from '../../store/sqlite/open.ts';
import type { Store } from '../../store/store.ts';
import type { NamedFile, PlayLimits, ReplayCounts, ReplayOrder, ReplayResult } from './order.ts';
import { recordedSource } from './recorded-source.ts';
import { rulesFor } from './rules-for.ts';

const LOOK_EVERY_MS = 100;
const QUARANTINED_TOLD_MAX = 200;
const PODS_TOLD_MAX = 200;
const NEAREST_LINES_MAX = 60;

export interface Playback {
  readonly engine: Engine;
  readonly store: Store;
  readonly rules: readonly Rule[];
  readonly files: readonly RuleFile[];
  /** Resolves when it is played, or stopped at a limit. */
  run(): Promise<ReplayResult>;
  counts(): ReplayCounts;
}

export async function openPlayback(order: ReplayOrder): Promise<Playback> {
  const { limits, alerting } = order;
  const files = readRuleFiles(rulePaths(order.rules.choice));
  const rules = rulesFor(order.rules, files);
  const isTry = order.rules.type === 'text';
  const store = await openStore({ path: join(order.folder, 'alerts.db'), bytesMax: limits.storeBytesMax });
  const quarantine = memoryQuarantine();
  const source = await sourceOf(order, quarantine);
  const engine = new Engine({
    rules,
    alerting,
    ...(isTry ? { timing: { clock: () => performance.now(), every: 1 } } : {}),
  });
  const explainers = isTry ? rules.map(rule => new Explainer(rule)) : [];
  const started = performance.now();
  let from = Number.POSITIVE_INFINITY;
  let alerts = 0;
  let events = 0;
  let failure: Error | null = null;
  const pipeline = new Pipeline({
    engine,
    sources: [source],
    ordering: null,
    onStep: ({ observation, changes }) => {
      events += 1;
      const { kind, time, ns } = observation.event;
      // The boot scan of an agent tells of processes that began long before.
      if (kind !== 'node_status' && time < from) from = time;
      for (const change of changes) if (change.type === 'new') alerts += 1;
      if (explainers.length === 0) return;
      const seen = { observation, name: `the ${kind} at ${formatInstant(time, ns)}` };
      for (const explainer of explainers) explainer.add(seen);
    },
    store: async changes => void (await store.commit({ entries: changes.map(change => ({ change, targets: [] })) })),
    onSourceFailed: (_source, error) => {
      failure = error;
    },
  });

  const counts = (): ReplayCounts => {
    const { counters, newest } = source.status();
    return {
      events: Object.fromEntries(pipeline.events),
      bytes: counters.bytes,
      malformed: counters.malformed,
      unknown_kinds: counters.unknownKinds,
      lost: counters.lost + engine.context.stats().lostEvents,
      late: pipeline.late,
      alerts,
      from: from === Number.POSITIVE_INFINITY ? null : formatInstant(from),
      to: newest === null ? null : formatInstant(newest),
      seconds: (performance.now() - started) / 1_000,
    };
  };

  const run = async (): Promise<ReplayResult> => {
    let stopped = '';
    const timer = setInterval(() => {
      stopped ||= reachedLimit(limits, source.status().counters.bytes, events, performance.now() - started);
      if (stopped !== '') void pipeline.stop();
    }, LOOK_EVERY_MS);
    try {
      await pipeline.run();
    } catch (error) {
      // Of the store: what it holds is whole.
      stopped = `its alerts take more room than a replay has: ${(error as Error).message}`;
    } finally {
      clearInterval(timer);
    }
    if (failure !== null) throw failure;
    const { items } = await store.incidents({ limit: 1 }, null);
    return {
      stopped,
      rules: rules.length,
      incidents: items.length === 0 ? 0 : await countIncidents(store),
      quarantined: quarantine.entries
        .slice(0, QUARANTINED_TOLD_MAX)
        .map(({ place, reason, bytes }) => ({ place: renamed(place, order), reason, bytes: String(bytes) })),
      ...podsOf(engine),
      costs: isTry ? costsOf(rules, engine) : [],
      nearest: nearestOf(explainers, engine),
    };
  };
  return { engine, store, rules, files, run, counts };
}

async function sourceOf(order: ReplayOrder, quarantine: ReturnType<typeof memoryQuarantine>): Promise<Source> {
  const { input } = order;
  if (input.type === 'recorder') return recordedSource(input.database, input.minutes);
  return captureSource({ paths: input.files.map(({ path }) => path), quarantine });
}

const gigabytes = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;

/** Why it may not go on; '' while it may. */
function reachedLimit(limits: PlayLimits, bytes: number, events: number, ms: number): string {
  const advice = 'what follows was not played: cut the recording, or replay it with spoor replay';
  if (bytes > limits.bytesInflatedMax) return `more than ${gigabytes(limits.bytesInflatedMax)} inflated; ${advice}`;
  if (events > limits.eventsMax) return `more than ${limits.eventsMax.toLocaleString('en')} events; ${advice}`;
  if (ms > limits.playMsMax) return `it took longer than ${limits.playMsMax / 1_000} s; ${advice}`;
  if (process.memoryUsage.rss() > limits.memoryBytesMax)
    return `it needs more than ${gigabytes(limits.memoryBytesMax)} of memory; ${advice}`;
  return '';
}

/** Places name the owner's file, not ours. */
function renamed(place: string, { input }: ReplayOrder): string {
  const files: readonly NamedFile[] = input.type === 'files' ? input.files : [];
  const file = files.find(({ path }) => place === path || place.startsWith(`${path}:`));
  return file === undefined ? place : `${file.name}${place.slice(file.path.length)}`;
}

const PAGE = 500;

async function countIncidents(store: Store): Promise<number> {
  let n = 0;
  let cursor: string | undefined;
  do {
    const page = await store.incidents({ limit: PAGE, ...(cursor === undefined ? {} : { cursor }) }, null);
    n += page.items.length;
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
  return n;
}

function podsOf(engine: Engine): Pick<ReplayResult, 'pods' | 'pods_total'> {
  const processes = new Map<string, number>();
  for (const { pod } of engine.context.processes()) {
    if (pod === null) continue;
    const name = `${pod.namespace}/${pod.name}`;
    processes.set(name, (processes.get(name) ?? 0) + 1);
  }
  const pods = [...processes]
    .map(([pod, n]) => ({ pod, processes: n }))
    .sort((a, b) => b.processes - a.processes || (a.pod < b.pod ? -1 : 1));
  return { pods: pods.slice(0, PODS_TOLD_MAX), pods_total: pods.length };
}

function costsOf(rules: readonly Rule[], engine: Engine): ReplayResult['costs'] {
  const titles = new Map(rules.map(({ id, title }) => [id, title]));
  return engine.detector.stats().rules.map(({ id, evaluated, matched, findings, seconds, error }) => ({
    rule: id,
    title: titles.get(id) ?? id,
    evaluated,
    matched,
    findings,
    seconds,
    error,
  }));
}

/** Only of rules that found nothing. */
function nearestOf(explainers: readonly Explainer[], engine: Engine): string[] {
  const found = new Set(engine.detector.stats().rules.flatMap(({ id, findings }) => (findings > 0 ? [id] : [])));
  return explainers
    .map(explainer => explainer.explanation())
    .filter(({ rule }) => !found.has(rule.id))
    .flatMap(explanation => explanationLines(explanation, false))
    .slice(0, NEAREST_LINES_MAX);
}

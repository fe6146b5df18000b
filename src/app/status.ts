/** What runs, in numbers: what `/api/v1/status` and `/metrics` tell. */
import { basename } from 'node:path';
import type { EngineStatus, RuleRecord } from '../api/deps.ts';
import type { RuleStats } from '../detection/stats.ts';
import type { Engine } from '../engine.ts';
import { formatInstant } from '../model/time.ts';
import type { Pipeline } from '../pipeline.ts';
import type { RecorderStats } from '../recorder/recorder.ts';
import type { Rule } from '../rules/rule.ts';
import type { Sinks } from '../sinks/index.ts';
import type { SourceStatus } from '../sources/source.ts';
import type { RuleKeeper } from './rule-keeper.ts';

const snake = (key: string): string => key.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`);

function sourceRecord(status: SourceStatus): EngineStatus['sources'][number] {
  const { name, type, state, detail, newest, counters } = status;
  return {
    name,
    type,
    state,
    detail,
    newest: newest === null ? null : formatInstant(newest),
    counters: Object.fromEntries(Object.entries(counters).map(([key, value]) => [snake(key), value])),
  };
}

/** Of the rules that cost most. */
const COSTLY_MAX = 10;

function kindOf(rule: Rule): RuleRecord['kind'] {
  if (rule.correlation !== undefined) return 'correlation';
  if (rule.sequence !== null) return 'sequence';
  if (rule.count !== null) return 'count';
  return rule.firstSeen === null ? 'event' : 'first_seen';
}

export function ruleRecords(rules: readonly Rule[], engine: Engine): RuleRecord[] {
  const counts = new Map(engine.detector.stats().rules.map(stats => [stats.id, stats]));
  return rules.map(rule => ({
    id: rule.id,
    title: rule.title,
    level: rule.level,
    status: rule.status,
    description: rule.description,
    author: rule.author,
    tags: rule.tags,
    references: rule.references,
    falsepositives: rule.falsepositives,
    runbook: rule.runbook,
    requires: rule.requires,
    file: basename(rule.file),
    line: rule.line,
    kind: kindOf(rule),
    matches: counts.get(rule.id)?.findings ?? 0,
    evaluated: counts.get(rule.id)?.evaluated ?? 0,
    seconds: counts.get(rule.id)?.seconds ?? 0,
    held: counts.get(rule.id)?.partials ?? 0,
    evicted: counts.get(rule.id)?.evicted ?? 0,
    error: counts.get(rule.id)?.error ?? '',
  }));
}

function costly(stats: readonly RuleStats[], rules: readonly Rule[]): EngineStatus['rules']['costly'] {
  const titles = new Map(rules.map(({ id, title }) => [id, title]));
  return stats
    .filter(({ seconds }) => seconds > 0)
    .sort((a, b) => b.seconds - a.seconds)
    .slice(0, COSTLY_MAX)
    .map(({ id, seconds, evaluated, findings }) => ({
      id,
      title: titles.get(id) ?? '',
      seconds,
      evaluated,
      matches: findings,
    }));
}

export interface StatusParts {
  readonly version: string;
  readonly started: string;
  readonly engine: Engine;
  readonly pipeline: Pipeline;
  readonly rules: RuleKeeper;
  readonly sinks: Sinks;
  readonly sources: readonly { status(): SourceStatus }[];
  /** New alerts by level, and findings that only counted up, since the start. */
  readonly alerts: ReadonlyMap<string, number>;
  readonly suppressed: number;
  readonly store: EngineStatus['store'];
  readonly recorder: RecorderStats | null;
}

export function engineStatus(parts: StatusParts): EngineStatus {
  const { engine, pipeline, rules } = parts;
  const context = engine.context.stats();
  const map = engine.context.serviceMap?.stats();
  const detector = engine.detector.stats();
  const sources = parts.sources.map(source => source.status());
  return {
    version: parts.version,
    started: parts.started,
    sources: sources.map(sourceRecord),
    events: Object.fromEntries(pipeline.events),
    late: pipeline.late,
    watermark: pipeline.watermark === null ? null : formatInstant(pipeline.watermark),
    held: {
      processes: context.processes,
      connections: context.connections,
      map_edges: map?.edges ?? 0,
      partials: detector.totals.partials,
      reorder: pipeline.held,
      recorder_bytes: parts.recorder?.bytes ?? 0,
    },
    evicted: {
      processes: context.processesEvictedLive + context.processesEvictedExited,
      connections: context.connectionsEvicted,
      map_edges: map?.evicted ?? 0,
      dns_names: context.dnsNamesEvicted,
      partials: detector.totals.evicted,
      incidents: engine.alerting.evictedIncidents,
      scores: engine.alerting.evictedScores,
      unrecorded: parts.recorder?.dropped ?? 0,
      recorder_files_damaged: parts.recorder?.damaged ?? 0,
    },
    rules: {
      loaded: rules.rules().length,
      errors: rules.errors() + detector.failed,
      last_reload: rules.reloadedAt(),
      evaluated: detector.totals.evaluated,
      seconds: detector.totals.seconds,
      costly: costly(detector.rules, rules.rules()),
    },
    alerts: Object.fromEntries(parts.alerts),
    suppressed: parts.suppressed,
    deliveries: Object.fromEntries(
      parts.sinks.list().map(({ name, counters }) => [
        name,
        {
          attempts: counters.attempts,
          delivered: counters.delivered,
          retried: counters.retried,
          dead: counters.dead,
          timeouts: counters.timeouts,
        },
      ]),
    ),
    store: parts.store,
  };
}

/** Why it should not be counted on now, one reason a line: nothing can be kept, or nothing comes in. */
export function unreadyReasons(store: EngineStatus['store'], sources: readonly { status(): SourceStatus }[]): string[] {
  const all = sources.map(source => source.status());
  const live = all.filter(({ type }) => type === 'tetragon' || type === 'hubble');
  const down = live.filter(({ state }) => state !== 'connected');
  return [
    ...(store.ok ? [] : [`the store cannot be written: ${store.detail}`]),
    ...all.filter(({ state }) => state === 'failed').map(({ name, detail }) => `source ${name} cannot work: ${detail}`),
    // One of several that is away is a gap, told by its status; with all away nothing is detected.
    ...(live.length > 0 && down.length === live.length
      ? down
          .filter(({ state }) => state !== 'failed')
          .map(({ name, detail }) => `source ${name} is not connected: ${detail}`)
      : []),
  ];
}

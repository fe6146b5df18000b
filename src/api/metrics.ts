/** The engine's numbers for Prometheus: read at each scrape, so that nothing is counted twice. */
import { Counter, Gauge, type Registry } from 'prom-client';
import { MICROS_PER_SECOND, parseInstant } from '../model/time.ts';
import type { ApiDeps, EngineStatus, RuleRecord } from './deps.ts';
import type { EventStream } from './stream.ts';

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  readonly labels: readonly string[];
  samples(status: EngineStatus, deps: Deps): Iterable<Sample> | Promise<Iterable<Sample>>;
}

type Deps = Pick<ApiDeps, 'status' | 'rules' | 'store' | 'registry' | 'sinks'> & { readonly stream: EventStream };

const by = (label: string, numbers: Readonly<Record<string, number>>): Sample[] =>
  Object.entries(numbers).map(([key, value]) => [{ [label]: key }, value]);

const seconds = (time: string | null): number | null => {
  const parsed = time === null ? null : parseInstant(time);
  return parsed === null ? null : parsed.time / MICROS_PER_SECOND;
};

/** Rules with series of their own, in the order in which they are loaded; all others together are one. */
const RULE_SERIES_MAX = 1_000;

function perRule(deps: Deps, value: (rule: RuleRecord) => number): Sample[] {
  const rules = deps.rules();
  const own = rules
    .slice(0, RULE_SERIES_MAX)
    .map((rule): Sample => [{ rule: rule.id, title: rule.title }, value(rule)]);
  const others = rules.slice(RULE_SERIES_MAX).reduce((sum, rule) => sum + value(rule), 0);
  return rules.length > RULE_SERIES_MAX ? [...own, [{ rule: 'others', title: '' }, others]] : own;
}

const METRICS: readonly Metric[] = [
  {
    name: 'spoor_build_info',
    help: 'Version; always 1',
    type: 'gauge',
    labels: ['version'],
    samples: status => [[{ version: status.version }, 1]],
  },
  {
    name: 'spoor_source_total',
    help: 'What a source counted: events, bytes, malformed, unknown_kinds, ahead, duplicates, lost, reconnects …',
    type: 'counter',
    labels: ['source', 'type', 'what'],
    samples: status =>
      status.sources.flatMap(({ name, type, counters }) =>
        Object.entries(counters).map(([what, value]): Sample => [{ source: name, type, what }, value]),
      ),
  },
  {
    name: 'spoor_source_connected',
    help: '1 while the source delivers',
    type: 'gauge',
    labels: ['source', 'type'],
    samples: status =>
      status.sources.map(({ name, type, state }): Sample => [{ source: name, type }, state === 'connected' ? 1 : 0]),
  },
  {
    name: 'spoor_source_newest_event_timestamp_seconds',
    help: 'Time of the newest event of a source',
    type: 'gauge',
    labels: ['source', 'type'],
    samples: status =>
      status.sources.flatMap(({ name, type, newest }): Sample[] => {
        const at = seconds(newest);
        return at === null ? [] : [[{ source: name, type }, at]];
      }),
  },
  {
    name: 'spoor_events_total',
    help: 'Events processed, by kind',
    type: 'counter',
    labels: ['kind'],
    samples: status => by('kind', status.events),
  },
  {
    name: 'spoor_late_events_total',
    help: 'Events processed after the watermark had passed them',
    type: 'counter',
    labels: [],
    samples: status => [[{}, status.late]],
  },
  {
    name: 'spoor_watermark_timestamp_seconds',
    help: 'Event time up to which all is processed',
    type: 'gauge',
    labels: [],
    samples: status => {
      const at = seconds(status.watermark);
      return at === null ? [] : [[{}, at]];
    },
  },
  {
    name: 'spoor_held',
    help: 'What is in memory right now: processes, connections, partials …',
    type: 'gauge',
    labels: ['what'],
    samples: status => by('what', status.held),
  },
  {
    name: 'spoor_evicted_total',
    help: 'What was put out at a limit',
    type: 'counter',
    labels: ['what'],
    samples: status => by('what', status.evicted),
  },
  {
    name: 'spoor_rules',
    help: 'Rules by whether they are loaded',
    type: 'gauge',
    labels: ['state'],
    samples: ({ rules }) => by('state', { loaded: rules.loaded, error: rules.errors }),
  },
  {
    name: 'spoor_rule_matches_total',
    help: 'Findings of a rule',
    type: 'counter',
    labels: ['rule', 'title'],
    samples: (_, deps) => perRule(deps, rule => rule.matches),
  },
  {
    name: 'spoor_rule_seconds_total',
    help: 'Time that a rule took, estimated from samples',
    type: 'counter',
    labels: ['rule', 'title'],
    samples: (_, deps) => perRule(deps, rule => rule.seconds),
  },
  {
    name: 'spoor_rule_evaluations_total',
    help: 'Conditions of a rule evaluated',
    type: 'counter',
    labels: ['rule', 'title'],
    samples: (_, deps) => perRule(deps, rule => rule.evaluated),
  },
  {
    name: 'spoor_alerts_total',
    help: 'Alerts by level',
    type: 'counter',
    labels: ['level'],
    samples: status => by('level', status.alerts),
  },
  {
    name: 'spoor_suppressed_total',
    help: 'Findings that counted up on an earlier alert',
    type: 'counter',
    labels: [],
    samples: status => [[{}, status.suppressed]],
  },
  {
    name: 'spoor_delivery_attempts_total',
    help: 'Delivery attempts by sink and outcome',
    type: 'counter',
    labels: ['sink', 'outcome'],
    samples: status =>
      Object.entries(status.deliveries).flatMap(([sink, outcomes]) =>
        Object.entries(outcomes).map(([outcome, value]): Sample => [{ sink, outcome }, value]),
      ),
  },
  {
    name: 'spoor_deliveries',
    help: 'Deliveries in the outbox by sink and state',
    type: 'gauge',
    labels: ['sink', 'state'],
    samples: async (_, deps) =>
      [...(await deps.store.outbox.counts())].flatMap(([sink, { oldest: _oldest, ...states }]) =>
        Object.entries(states).map(([state, value]): Sample => [{ sink, state }, value]),
      ),
  },
  {
    name: 'spoor_sink_failing',
    help: '1 while the last attempt failed or the receiver wants nothing more, 0 else',
    type: 'gauge',
    labels: ['sink'],
    samples: (_, { sinks }) =>
      sinks
        .list()
        .map(({ name, state }): Sample => [{ sink: name }, state === 'failing' || state === 'disabled' ? 1 : 0]),
  },
  {
    name: 'spoor_store_bytes',
    help: 'Size of the store',
    type: 'gauge',
    labels: [],
    samples: status => [[{}, status.store.bytes]],
  },
  {
    name: 'spoor_store_ok',
    help: '1 while the store takes what it is given',
    type: 'gauge',
    labels: [],
    samples: status => [[{}, status.store.ok ? 1 : 0]],
  },
  {
    name: 'spoor_stream_clients',
    help: 'Clients that follow the event stream',
    type: 'gauge',
    labels: [],
    samples: (_, deps) => [[{}, deps.stream.stats().clients]],
  },
  {
    name: 'spoor_stream_clients_dropped_total',
    help: 'Clients of the event stream that the server dropped, by reason',
    type: 'counter',
    labels: ['reason'],
    samples: (_, deps) => by('reason', deps.stream.stats().dropped),
  },
];

function register(registry: Registry, metric: Metric, deps: Deps): void {
  const { name, help } = metric;
  const settings = { name, help, labelNames: [...metric.labels], registers: [registry] };
  const samples = async (): Promise<Iterable<Sample>> => metric.samples(deps.status(), deps);
  if (metric.type === 'counter') {
    new Counter({
      ...settings,
      async collect() {
        this.reset();
        for (const [labels, value] of await samples()) this.inc(labels, value);
      },
    });
  } else {
    new Gauge({
      ...settings,
      async collect() {
        this.reset();
        for (const [labels, value] of await samples()) this.set(labels, value);
      },
    });
  }
}

/** The same status for everything that is asked in one turn: all metrics of a scrape are. */
function oncePerTurn(read: () => EngineStatus): () => EngineStatus {
  let held: EngineStatus | null = null;
  return () => {
    if (held === null) {
      held = read();
      queueMicrotask(() => {
        held = null;
      });
    }
    return held;
  };
}

/** Adds the engine's metrics to the registry. */
export function registerMetrics(deps: Deps): void {
  const shared = { ...deps, status: oncePerTurn(() => deps.status()) };
  for (const metric of METRICS) register(deps.registry, metric, shared);
}

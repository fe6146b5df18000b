/** Changes as the alert stage makes them, small: for tests of stores and their benchmark. */
import type { Alert, AlertChange, Incident, Level } from '../../src/alerts/alert.ts';
import { formatInstant } from '../../src/model/time.ts';
import type { Entry, Target } from '../../src/store/store.ts';

const START = 1_780_000_000_000_000;

export const instant = (seconds: number): string => formatInstant(START + Math.round(seconds * 1_000_000));

export interface ChangeOptions {
  readonly level?: Level;
  readonly rule?: string;
  /** `namespace/name`; null for the host. */
  readonly pod?: string | null;
  readonly seconds?: number;
  /** Null for none. */
  readonly incident?: string | null;
  readonly evidence?: readonly unknown[];
}

export function makeAlert(id: string, options: ChangeOptions = {}): Alert {
  const time = instant(options.seconds ?? 0);
  const rule = options.rule ?? 'rule-1';
  const pod = options.pod === undefined ? 'shop/web-1' : options.pod;
  const [namespace = '', name = ''] = (pod ?? '').split('/');
  return {
    id,
    time,
    rule: {
      id: rule,
      title: `Title of ${rule}`,
      level: options.level ?? 'high',
      tags: ['attack.t1059.004'],
      author: 'someone',
      description: '',
      runbook: '',
      references: [],
    },
    incident_id: options.incident === undefined ? 'incident-1' : (options.incident ?? ''),
    key: id,
    trees: ['root'],
    first_seen: time,
    count: 1,
    last_seen: time,
    confidence: 'high',
    incomplete: false,
    gaps: [],
    cluster: '',
    node: 'node-1',
    pod:
      pod === null ? null : { namespace, name, workload: 'web', workload_kind: 'Deployment', labels: { app: 'web' } },
    container: null,
    process: null,
    ancestors: [],
    flows: [],
    steps: { match: { event: 0 } },
    evidence: (options.evidence ?? [{ process_exec: { n: id } }]).map(raw => ({
      kind: 'process_exec',
      time,
      step: 'match',
      raw,
    })),
    message: `something happened: ${id}`,
  };
}

export function makeIncident(id: string, alerts: readonly Alert[]): Incident {
  const times = alerts.map(alert => alert.time).sort();
  const pods = alerts.flatMap(alert => (alert.pod === null ? [] : [`${alert.pod.namespace}/${alert.pod.name}`]));
  return {
    id,
    state: 'open',
    level: alerts[0]?.rule.level ?? 'high',
    title: `story of ${id}`,
    first_seen: times[0] ?? '',
    last_seen:
      alerts
        .map(alert => alert.last_seen)
        .sort()
        .at(-1) ?? '',
    alert_count: alerts.length,
    cluster: '',
    pods: [...new Set(pods)],
    namespace: alerts[0]?.pod?.namespace ?? '',
    workload: 'web',
    rules: [...new Set(alerts.map(alert => alert.rule.title))],
    tags: [],
    merged_into: '',
    continues: '',
  };
}

export function makeChange(alert: Alert, more: Partial<AlertChange> = {}): AlertChange {
  const incident = alert.incident_id === '' ? null : makeIncident(alert.incident_id, [alert]);
  return { type: 'new', alert, incident, attached: [], merged: [], ...more };
}

export const to = (...sinks: string[]): Target[] => sinks.map(sink => ({ sink, group: '', intervalMs: 0 }));

export function entry(id: string, options: ChangeOptions = {}, sinks: readonly string[] = []): Entry {
  return { change: makeChange(makeAlert(id, options)), targets: to(...sinks) };
}

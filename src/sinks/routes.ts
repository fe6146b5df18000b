/** Which alert goes to which sinks: an ordered list of matchers, the first that matches decides unless it says `continue`. */
import { z } from 'zod';
import { type Alert, LEVELS, type Level } from '../alerts/alert.ts';
import type { AlertMatch } from '../alerts/match.ts';
import { globMatches } from './glob.ts';
import { duration } from './units.ts';

const oneOrMore = <T extends z.ZodType>(item: T) =>
  z.union([item, z.array(item).min(1)]).transform(value => [value].flat() as z.output<T>[]);
const patterns = oneOrMore(z.string().min(1)).optional();

export const routeConfig = z
  .strictObject({
    match: z
      .strictObject({
        level: oneOrMore(z.enum(LEVELS as readonly [Level, ...Level[]])).optional(),
        rule: patterns.describe('id or title'),
        tag: patterns.describe('such as attack.t1059.*'),
        namespace: patterns.describe("of the pod; '' never matches, hosts have none"),
        workload: patterns.describe('of the pod, such as the name of its Deployment'),
        pod: patterns.describe('name of the pod'),
        label: z.record(z.string(), patterns.unwrap()).optional().describe('of the pod; all of them must match'),
        cluster: patterns,
      })
      .prefault({})
      .describe('all that is given must hold; a list means any of it; * and ? are wildcards'),
    to: z.array(z.string().min(1)).min(1).describe('names of sinks'),
    continue: z.boolean().default(false).describe('go on to the routes that follow'),
    group_by: z.array(z.literal('incident')).default([]).describe('tell waiting alerts of one incident in one message'),
    interval: duration.prefault('0s').describe('least time between two messages about one incident'),
  })
  .refine(({ interval, group_by }) => interval === 0 || group_by.length > 0, {
    error: 'interval needs group_by: [incident]',
    path: ['interval'],
  });

export type Route = z.infer<typeof routeConfig>;

/** Where one alert goes; the store's outbox takes it as it is. */
export interface Target {
  readonly sink: string;
  /** Alerts of one sink and group may be told in one message; '' for none. */
  readonly group: string;
  readonly intervalMs: number;
}

/** Levels that reach people where no routes are configured. */
const DEFAULT_LEVELS: readonly Level[] = LEVELS.slice(LEVELS.indexOf('medium'));

/** Each sink at most once, by the first route that names it. Without routes, all of `sinks` get medium and above. */
export function route(alert: Alert, routes: readonly Route[], sinks: readonly string[]): Target[] {
  if (routes.length === 0) {
    return DEFAULT_LEVELS.includes(alert.rule.level) ? sinks.map(sink => ({ sink, group: '', intervalMs: 0 })) : [];
  }
  const targets = new Map<string, Target>();
  for (const one of routes) {
    if (!alertMatches(alert, one.match)) continue;
    const group = one.group_by.length > 0 && alert.incident_id !== '' ? `incident:${alert.incident_id}` : '';
    for (const sink of one.to) {
      if (!targets.has(sink)) targets.set(sink, { sink, group, intervalMs: group === '' ? 0 : one.interval });
    }
    if (!one.continue) break;
  }
  return [...targets.values()];
}

export function alertMatches(alert: Alert, match: AlertMatch): boolean {
  const { level, rule, tag, namespace, workload, pod, label, cluster } = match;
  return (
    (level === undefined || level.includes(alert.rule.level)) &&
    anyMatches(rule, [alert.rule.id, alert.rule.title]) &&
    anyMatches(tag, alert.rule.tags) &&
    anyMatches(namespace, alert.pod === null ? [] : [alert.pod.namespace]) &&
    anyMatches(workload, alert.pod === null ? [] : [alert.pod.workload]) &&
    anyMatches(pod, alert.pod === null ? [] : [alert.pod.name]) &&
    anyMatches(cluster, [alert.cluster]) &&
    Object.entries(label ?? {}).every(([key, wanted]) => {
      const labels = alert.pod?.labels ?? {};
      return anyMatches(wanted, Object.hasOwn(labels, key) ? [labels[key] as string] : []);
    })
  );
}

function anyMatches(wanted: readonly string[] | undefined, values: readonly string[]): boolean {
  return wanted === undefined || wanted.some(pattern => values.some(value => globMatches(pattern, value)));
}

/** Sinks that routes name and nobody configured, each with the index of its route. */
export function unknownSinks(routes: readonly Route[], sinks: readonly string[]): { route: number; sink: string }[] {
  return routes.flatMap(({ to }, index) =>
    to.filter(sink => !sinks.includes(sink)).map(sink => ({ route: index, sink })),
  );
}

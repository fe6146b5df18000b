/** PagerDuty Events v2: one PagerDuty incident for one of ours, resolved when ours is. */
import { z } from 'zod';
import type { SinkDeps } from './deps.ts';
import { HttpClient } from './http.ts';
import { judge, judgeFailure } from './reply.ts';
import { type Secret, secretOf, tlsOf } from './secrets.ts';
import type { Delivery, SendResult, Sink } from './sink.ts';
import { clean, cut, type Story, tell } from './story.ts';
import { deliveryKeys, httpKeys, oneOf, permittedTarget } from './units.ts';

export const pagerdutyConfig = z
  .strictObject({
    type: z.literal('pagerduty'),
    routing_key: z.string().min(1).optional().describe('integration key of an Events API v2 integration'),
    routing_key_file: z.string().min(1).optional(),
    url: z
      .url()
      .default('https://events.pagerduty.com/v2/enqueue')
      .describe('where events go; another for the EU region'),
    ...httpKeys,
    ...deliveryKeys,
  })
  .superRefine(oneOf('routing_key', true))
  .superRefine(permittedTarget('url'));

export type PagerdutyConfig = z.infer<typeof pagerdutyConfig>;

export const PAGERDUTY_LIMITS = {
  eventBytesMax: 512 * 1024,
  summaryMax: 1_024,
  dedupKeyMax: 255,
  alertsMax: 20,
} as const;

const SEVERITY: Readonly<Record<string, string>> = { critical: 'critical', high: 'error', medium: 'warning' };

const SHORT_MAX = 255;

/** Longest text in custom_details, tried in turn until the event fits. */
const BUDGETS = [1_000, 300, 100] as const;

type Action = 'trigger' | 'acknowledge' | 'resolve';

function actionOf({ signal }: Delivery): Action {
  if (signal === 'incident.acknowledged') return 'acknowledge';
  // A merged incident lives on as the older one, which has an event of its own.
  return signal === 'incident.resolved' || signal === 'incident.merged' ? 'resolve' : 'trigger';
}

function details(story: Story, budget: number): object {
  return {
    alerts: story.alerts.slice(0, PAGERDUTY_LIMITS.alertsMax).map(alert => ({
      title: cut(alert.title, budget),
      level: alert.level,
      headline: cut(alert.headline, budget),
      ...Object.fromEntries(alert.facts.map(({ label, value }) => [label.toLowerCase(), cut(value, budget)])),
      process_tree: alert.chain.map(line => cut(line, budget)),
      destinations: alert.destinations.map(line => cut(line, budget)),
    })),
    alerts_total: story.alerts.length,
  };
}

/** The event as Events v2 wants it, within its limits; `routing_key` is the caller's. */
export function pagerdutyEvent(
  delivery: Delivery,
  baseUrl: string | null,
): Record<string, unknown> & { dedup_key: string } {
  const { incident, alerts } = delivery;
  const dedupKey = (incident?.id ?? alerts[0]?.id ?? delivery.id).slice(0, PAGERDUTY_LIMITS.dedupKeyMax);
  const action = actionOf(delivery);
  if (action !== 'trigger') return { event_action: action, dedup_key: dedupKey };
  const story = tell(delivery, baseUrl);
  const first = alerts[0];
  const component = first?.pod ?? null;
  const event = (budget: number) => ({
    event_action: action,
    dedup_key: dedupKey,
    client: 'Spoor',
    ...(story.link === null
      ? {}
      : { client_url: story.link, links: [{ href: story.link, text: 'Incident in Spoor' }] }),
    payload: {
      summary: cut(`${story.badge}: ${story.headline}`, PAGERDUTY_LIMITS.summaryMax),
      source: clean(incident?.pods[0] ?? first?.node ?? 'spoor', SHORT_MAX) || 'spoor',
      severity: SEVERITY[incident?.level ?? story.level] ?? 'info',
      timestamp: first?.time ?? incident?.last_seen,
      ...(component === null
        ? {}
        : {
            component: clean(component.workload || component.name, SHORT_MAX),
            group: clean(component.namespace, SHORT_MAX),
          }),
      ...(first === undefined ? {} : { class: clean(first.rule.title, SHORT_MAX) }),
      custom_details: details(story, budget),
    },
  });
  const fits = BUDGETS.find(
    budget => Buffer.byteLength(JSON.stringify(event(budget))) < PAGERDUTY_LIMITS.eventBytesMax - 1_024,
  );
  return event(fits ?? BUDGETS[BUDGETS.length - 1] ?? 100);
}

export function createPagerduty(name: string, config: PagerdutyConfig, deps: SinkDeps): Sink {
  const client = new HttpClient({
    allowPrivate: config.allow_private,
    proxyEnv: config.proxy ? deps.proxyEnv : {},
    connections: config.concurrency,
    tls: tlsOf(config.tls),
  });
  const routingKey = secretOf(config.routing_key, config.routing_key_file) as Secret;

  const send = async (delivery: Delivery, signal: AbortSignal): Promise<SendResult> => {
    try {
      const key = routingKey();
      const body = JSON.stringify({ routing_key: key, ...pagerdutyEvent(delivery, deps.baseUrl) });
      const headers = { 'content-type': 'application/json' };
      const reply = await client.post({ url: config.url, headers, body, signal });
      const result = judge(reply, delivery.attempt, deps.now(), [key]);
      // "Invalid event": sending the same again cannot help.
      return reply.status === 400 ? { ...result, outcome: 'drop' } : result;
    } catch (error) {
      return judgeFailure(error);
    }
  };

  return { name, type: 'pagerduty', send, close: () => client.close() };
}

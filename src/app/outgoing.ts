/** From alert changes to committed rows: who is told what, and the one writer that stores it. */
import type { Alert, AlertChange } from '../alerts/alert.ts';
import type { Config } from '../config/schema.ts';
import { route } from '../sinks/index.ts';
import type { Silence } from '../store/silence.ts';
import type { Entry, Target, Webhook } from '../store/store.ts';
import { silencing } from './silences.ts';

/** The sink name of a subscription made through the API. */
const subscriptionSink = (webhook: Webhook): string => `webhook:${webhook.id}`;

function wants(webhook: Webhook, alert: Alert): boolean {
  const { levels, rules, namespaces } = webhook;
  return (
    webhook.enabled &&
    (levels.length === 0 || levels.includes(alert.rule.level)) &&
    (rules.length === 0 || rules.includes(alert.rule.id)) &&
    (namespaces === null || (alert.pod !== null && namespaces.includes(alert.pod.namespace)))
  );
}

export function entriesFor(
  changes: readonly AlertChange[],
  routes: Config['routes'],
  sinks: readonly string[],
  webhooks: readonly Webhook[],
  silences: readonly Silence[],
): Entry[] {
  const now = Date.now();
  return changes.map(change => {
    if (change.type !== 'new') return { change, targets: [] };
    const silenced = silencing(change.alert, silences, now);
    if (silenced !== null) return { change, targets: [], silenced };
    const targets: Target[] = [
      ...route(change.alert, routes, sinks),
      ...webhooks
        .filter(webhook => wants(webhook, change.alert))
        .map(webhook => ({ sink: subscriptionSink(webhook), group: '', intervalMs: 0 })),
    ];
    return { change, targets };
  });
}

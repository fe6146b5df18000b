/** What a responder must read first, as plain lines: the same facts in every chat and pager, whatever their markup. */
import { type Alert, type AlertEndpoint, type AlertProcess, LEVELS, type Level } from '../alerts/alert.ts';
import { escapeTerminal } from '../model/escape.ts';
import type { Delivery } from './sink.ts';

const STORY_LIMITS = {
  /** UTF-16 units of one name, path or argument string. */
  textMax: 1_000,
  ancestorsMax: 8,
  destinationsMax: 10,
} as const;

interface Fact {
  readonly label: string;
  readonly value: string;
}

export interface AlertStory {
  readonly level: Level;
  /** The rule's title: words of its author. */
  readonly title: string;
  readonly headline: string;
  readonly facts: readonly Fact[];
  /** The tree from the outermost ancestor down to the process, one line each, indented. */
  readonly chain: readonly string[];
  readonly destinations: readonly string[];
}

/** Every string is one line, with controls, bidi and zero-width characters made visible; markup is left to the sink. */
export interface Story {
  readonly level: Level;
  /** `CRITICAL`, `RESOLVED`, `TEST` … */
  readonly badge: string;
  readonly headline: string;
  /** `By anna at 2026-01-01T00:00:00Z: a drill` where somebody changed the incident, else ''. */
  readonly change: string;
  /** Highest level first. */
  readonly alerts: readonly AlertStory[];
  /** Incident in the API, or null without a base URL. */
  readonly link: string | null;
}

const BADGES: Readonly<Record<string, string>> = {
  'incident.acknowledged': 'ACKNOWLEDGED',
  'incident.resolved': 'RESOLVED',
  'incident.reopened': 'REOPENED',
  'incident.merged': 'MERGED',
  test: 'TEST',
};

export function tell(delivery: Delivery, baseUrl: string | null): Story {
  const { incident } = delivery;
  const alerts = delivery.alerts.map(tellAlert).sort((a, b) => LEVELS.indexOf(b.level) - LEVELS.indexOf(a.level));
  const first = alerts[0];
  const level = first?.level ?? incident?.level ?? 'informational';
  const several = alerts.length > 1 ? `${alerts.length} alerts: ` : '';
  return {
    level,
    badge: BADGES[delivery.signal] ?? level.toUpperCase(),
    headline:
      several +
      clean(several === '' ? (first?.headline ?? incident?.title ?? '') : (incident?.title ?? first?.headline ?? '')),
    change: changeOf(delivery),
    alerts,
    link:
      baseUrl === null || incident === null
        ? null
        : `${baseUrl.replace(/\/+$/, '')}/api/v1/incidents/${encodeURIComponent(incident.id)}`,
  };
}

function changeOf({ signal, incident }: Delivery): string {
  const changed = incident?.changed;
  if (changed === undefined || !/^incident\.(acknowledged|resolved|reopened)$/.test(signal)) return '';
  return clean(`By ${changed.by} at ${changed.at}${changed.reason === '' ? '' : `: ${changed.reason}`}`);
}

function tellAlert(alert: Alert): AlertStory {
  return {
    level: alert.rule.level,
    title: clean(alert.rule.title),
    headline: clean(alert.message === '' ? alert.rule.title : alert.message),
    facts: factsOf(alert).map(({ label, value }) => ({ label, value: clean(value) })),
    chain: chainOf(alert),
    destinations: destinationsOf(alert),
  };
}

function factsOf(alert: Alert): Fact[] {
  const { pod, container } = alert;
  const facts: Fact[] = [
    { label: 'Pod', value: pod === null ? `host ${alert.node}` : `${pod.namespace}/${pod.name}` },
    { label: 'Container', value: container === null ? '' : `${container.name} ${container.image}` },
    { label: 'Node', value: [alert.cluster, alert.node].filter(part => part !== '').join(' / ') },
    { label: 'Rule', value: `${alert.rule.title} (${alert.rule.level})` },
    { label: 'ATT&CK', value: techniquesOf(alert.rule.tags).join(', ') },
    { label: 'Time', value: alert.time },
    {
      label: 'Seen',
      value: alert.count > 1 ? `${alert.count} times, ${alert.count - 1} suppressed, last ${alert.last_seen}` : 'once',
    },
    {
      label: 'Confidence',
      value: alert.incomplete ? `${alert.confidence}; events were lost meanwhile` : alert.confidence,
    },
    { label: 'Runbook', value: alert.rule.runbook },
  ];
  return facts.filter(({ value }) => value.trim() !== '');
}

/** `attack.t1059.004` → `T1059.004`; tactics by name. */
function techniquesOf(tags: readonly string[]): string[] {
  return tags
    .filter(tag => tag.startsWith('attack.'))
    .map(tag => tag.slice('attack.'.length))
    .map(name => (/^[tgs]\d/.test(name) ? name.toUpperCase() : name.replaceAll(/[-_]/g, ' ')));
}

function chainOf({ process, ancestors }: Alert): string[] {
  if (process === null) return [];
  const shown = ancestors.slice(0, STORY_LIMITS.ancestorsMax).reverse();
  const omitted = ancestors.length - shown.length;
  const lines = [...shown, process].map(
    (p, depth) => `${depth === 0 ? '' : `${'   '.repeat(depth - 1)}└─ `}${processLine(p)}`,
  );
  return omitted > 0 ? [`… ${omitted} more above`, ...lines] : lines;
}

function processLine({ binary, arguments: args, pid, uid, exec_id }: AlertProcess): string {
  const command = binary === '' ? `unknown process ${exec_id}` : `${binary} ${args}`.trimEnd();
  return `${clean(command)}  (pid ${pid}${uid === null ? '' : `, uid ${uid}`})`;
}

function destinationsOf(alert: Alert): string[] {
  const lines = new Set<string>();
  for (const flow of alert.flows) {
    if (lines.size >= STORY_LIMITS.destinationsMax) break;
    const verdict = flow.verdict === '' ? '' : `, ${flow.verdict.toLowerCase()}`;
    lines.add(
      clean(`${endpointText(flow.destination)} ${flow.protocol}${verdict} (process known by: ${flow.attribution})`),
    );
  }
  return [...lines];
}

function endpointText({ ip, port, names, pod, kind }: AlertEndpoint): string {
  const address = `${ip.includes(':') ? `[${ip}]` : ip}:${port}`;
  const known = pod ?? (names.length > 0 ? names.join(', ') : kind);
  return known === '' ? address : `${known} ${address}`;
}

/** One line that cannot act. Cut first, so that the work is bounded too. */
export const clean = (text: string, max: number = STORY_LIMITS.textMax): string =>
  cut(escapeTerminal(cut(text, max)), max);

/** At most `max` UTF-16 units, the last of them `…` when cut; never half of a surrogate pair. */
export function cut(text: string, max: number): string {
  if (text.length <= max) return text;
  let end = Math.max(max - 1, 0);
  if (end > 0 && (text.charCodeAt(end - 1) & 0xfc00) === 0xd800) end -= 1;
  return `${text.slice(0, end)}…`;
}

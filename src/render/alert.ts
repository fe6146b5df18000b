/** An alert and an incident as a person reads them in a terminal. Everything that came from a pod is escaped. */
import type { Alert, AlertEndpoint, AlertFlow, AlertProcess, Incident } from '../alerts/alert.ts';
import { escapeTerminal } from '../model/escape.ts';
import { baseName } from '../model/process.ts';
import { counted } from './counted.ts';
import type { Style } from './style.ts';

const LINE_CHARS_MAX = 200;
const FLOWS_SHOWN_MAX = 4;

/** One escaped line, cut by code point. */
export function shown(text: string, charsMax = LINE_CHARS_MAX): string {
  const safe = escapeTerminal(text);
  if (safe.length <= charsMax) return safe;
  return `${[...safe.slice(0, charsMax)].slice(0, charsMax - 1).join('')}…`;
}

/** `2026-11-23T06:25:06.554993430Z` → `06:25:06.554`. */
export const clock = (time: string): string => time.slice(11, 23);

export function endpointText(endpoint: AlertEndpoint): string {
  const port = endpoint.port === 0 ? '' : `:${endpoint.port}`;
  const name = endpoint.pod ?? endpoint.names[0];
  return shown(name === undefined ? `${endpoint.ip}${port}` : `${name}${port} (${endpoint.ip})`);
}

export const flowText = (flow: AlertFlow): string =>
  `${endpointText(flow.destination)} ${flow.protocol}${flow.verdict === '' ? '' : ` ${flow.verdict}`} [${flow.attribution}]`;

const processName = (process: AlertProcess): string => `${shown(baseName(process.binary) || '?', 40)}(${process.pid})`;

/** What starts containers: above it nothing is the pod's own. */
const RUNTIME = /^(runc|crun|youki|runsc|containerd.*|conmon.*|dockerd|crio|kubelet|systemd|init|tini|<kernel>|exe)$/;

/** Oldest first, from the container's own process on: `node(4625) → sh(5734) → nc(5736)`. */
export function ancestryText(alert: Alert): string {
  if (alert.process === null) return '';
  const runtime = alert.pod === null ? -1 : alert.ancestors.findIndex(({ binary }) => RUNTIME.test(baseName(binary)));
  const own = runtime < 0 ? alert.ancestors : alert.ancestors.slice(0, runtime);
  return [alert.process, ...own].reverse().map(processName).join(' → ');
}

export function alertText(alert: Alert, style: Style): string {
  const where = alert.pod === null ? alert.node : `${alert.pod.namespace}/${alert.pod.name}`;
  const count = alert.count > 1 ? style.dim(` ×${alert.count}`) : '';
  const head = `${style.dim(clock(alert.time))} ${style.level(alert.rule.level, alert.rule.level.toUpperCase().padEnd(8))} ${style.bold(shown(alert.rule.title))}${count}`;
  const lines = [head, `             ${shown(alert.message, 400)}`];
  if (alert.process !== null) {
    lines.push(style.dim(`             ${shown(where)}  ${ancestryText(alert)}`));
  } else lines.push(style.dim(`             ${shown(where)}`));
  for (const flow of alert.flows.slice(0, FLOWS_SHOWN_MAX)) lines.push(style.dim(`             → ${flowText(flow)}`));
  if (alert.flows.length > FLOWS_SHOWN_MAX) {
    lines.push(style.dim(`             … and ${alert.flows.length - FLOWS_SHOWN_MAX} more connections`));
  }
  for (const sign of alert.risk?.contributions ?? []) {
    const by = sign.process === null ? '' : `  ${shown(baseName(sign.process.binary) || '?', 40)}(${sign.process.pid})`;
    lines.push(style.dim(`             ${clock(sign.time)} +${sign.points} ${shown(sign.rule.title)}${by}`));
  }
  if (alert.incomplete) lines.push(style.yellow('             events are known to be missing in this window'));
  return lines.join('\n');
}

const techniques = (tags: readonly string[]): string =>
  tags
    .filter(tag => tag.startsWith('attack.t'))
    .map(tag => tag.slice('attack.'.length).toUpperCase())
    .join(' ');

export function incidentText(incident: Incident, style: Style): string {
  const level = style.level(incident.level, incident.level.toUpperCase());
  return [
    `${style.bold('Incident')} ${incident.id.slice(0, 12)}  ${level}  ${incident.state}  ${counted(incident.alert_count, 'alert')}  ${clock(incident.first_seen)}–${clock(incident.last_seen)}`,
    `  ${shown(incident.title, 600)}`,
    style.dim(`  ${incident.pods.map(pod => shown(pod)).join(', ')}  ${techniques(incident.tags)}`),
  ].join('\n');
}

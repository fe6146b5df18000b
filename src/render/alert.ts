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

/** `2026-11-23T06:25:06.554993430Z` → `2026-11-23 06:25:06`. */
export const dateAndTime = (time: string): string => `${time.slice(0, 10)} ${time.slice(11, 19)}`;

/** What lists show of an id: enough to name it by. */
export const shortId = (id: string): string => id.slice(0, 12);

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

/** `listed`: among alerts of any day, with its date and the beginning of its id. */
export function alertText(alert: Alert, style: Style, listed = false): string {
  const where = alert.pod === null ? alert.node : `${alert.pod.namespace}/${alert.pod.name}`;
  const count = alert.count > 1 ? style.dim(` ×${alert.count}`) : '';
  const time = listed ? dateAndTime(alert.time) : clock(alert.time);
  const id = listed ? style.dim(`  ${shortId(alert.id)}`) : '';
  const head = `${style.dim(time)} ${style.level(alert.rule.level, alert.rule.level.toUpperCase().padEnd(8))} ${style.bold(shown(alert.rule.title))}${count}${id}`;
  const lines = [head, `             ${shown(alert.message, 400)}`];
  if (alert.process !== null) {
    lines.push(style.dim(`             ${shown(where)}  ${ancestryText(alert)}`));
  } else lines.push(style.dim(`             ${shown(where)}`));
  for (const flow of alert.flows.slice(0, FLOWS_SHOWN_MAX)) lines.push(style.dim(`             → ${flowText(flow)}`));
  if (alert.flows.length > FLOWS_SHOWN_MAX) {
    lines.push(style.dim(`             … and ${counted(alert.flows.length - FLOWS_SHOWN_MAX, 'more connection')}`));
  }
  for (const sign of alert.risk?.contributions ?? []) {
    const by = sign.process === null ? '' : `  ${shown(baseName(sign.process.binary) || '?', 40)}(${sign.process.pid})`;
    lines.push(style.dim(`             ${clock(sign.time)} +${sign.points} ${shown(sign.rule.title)}${by}`));
  }
  if (alert.silenced !== undefined) lines.push(style.dim(`             silence ${alert.silenced}: nobody was told`));
  if (alert.incomplete) lines.push(style.yellow('             events are known to be missing in this window'));
  return lines.join('\n');
}

const techniques = (tags: readonly string[]): string =>
  tags
    .filter(tag => tag.startsWith('attack.t'))
    .map(tag => tag.slice('attack.'.length).toUpperCase())
    .join(' ');

/** From first to last; the date once where both are of one day. */
function period(first: string, last: string): string {
  const end = dateAndTime(last);
  return `${dateAndTime(first)} – ${first.slice(0, 10) === last.slice(0, 10) ? end.slice(11) : end}`;
}

function changeText(state: string, { by, at, reason }: NonNullable<Incident['changed']>): string {
  const what = state === 'open' ? 'reopened' : state;
  return `${what} by ${shown(by)} ${dateAndTime(at)}${reason === '' ? '' : `: ${shown(reason)}`}`;
}

/** `listed`: among incidents of any day, with its date. */
export function incidentText(incident: Incident, style: Style, listed = false): string {
  const { first_seen, last_seen } = incident;
  const when = listed ? period(first_seen, last_seen) : `${clock(first_seen)}–${clock(last_seen)}`;
  const level = style.level(incident.level, incident.level.toUpperCase());
  return [
    `${style.bold('Incident')} ${shortId(incident.id)}  ${level}  ${incident.state}  ${counted(incident.alert_count, 'alert')}  ${when}`,
    `  ${shown(incident.title, 600)}`,
    ...(incident.continues === '' ? [] : [style.dim(`  continues ${shortId(incident.continues)}, which is full`)]),
    ...(incident.changed === undefined ? [] : [`  ${changeText(incident.state, incident.changed)}`]),
    style.dim(`  ${incident.pods.map(pod => shown(pod)).join(', ')}  ${techniques(incident.tags)}`),
  ].join('\n');
}

/** What rows, lines and destinations say. Everything from pods is made visible here. */
import { baseName, count, duration, seconds, signed, visible } from '../text.ts';
import type { End, Group, Link, PlacedRow, Row } from './types.ts';

/** `curl`, `42 × curl`, `120 more processes`. */
export function rowName({ kind, count: n, process }: Row): string {
  if (kind === 'host') return 'host';
  if (kind === 'more') return count(n, 'more process', 'more processes');
  const name = visible(baseName(process?.binary ?? '')) || '(unknown)';
  return kind === 'fold' ? `${n.toLocaleString('en')} × ${name}` : name;
}

export function rowText({ kind, process, members }: Row): string {
  if (kind === 'host') return members.map(({ binary }) => visible(baseName(binary))).join(' › ');
  return kind === 'more' ? '' : visible(process?.arguments ?? '');
}

/** `+0.13 s`; of a fold from the first to the last. */
export function rowAge({ age, process, last_start }: Row): string {
  if (age === null) return '';
  const first = process?.start_time ?? null;
  const span = last_start === null || first === null ? 0 : seconds(last_start) - seconds(first);
  return span < 1 ? signed(age) : `${signed(age)} – ${signed(age + span)}`;
}

/** What a row says to who cannot see it. */
export function rowLabel(row: PlacedRow): string {
  const { kind, process, age, late, mark, hidden } = row;
  const parts = [`${row.name} ${row.text}`.trim()];
  if (kind === 'process' && process !== null) {
    parts.push(`pid ${process.pid}`);
    if (process.uid !== null) parts.push(process.uid === 0 ? 'root' : `uid ${process.uid}`);
  }
  if (age !== null) parts.push(`${duration(age)} after the container started`);
  if (late) parts.push('late');
  if (mark !== null) parts.push(`step ${mark.step}, ${mark.level}: ${mark.rules.join(', ')}`);
  if (hidden > 0 && kind !== 'more') parts.push(`${hidden.toLocaleString('en')} not shown`);
  return parts.join(', ');
}

/** Kubernetes' own words for where a tree runs. */
export function identityOf({ kind, workload, containers, nodes, cluster, processes }: Group): string {
  if (kind === 'host') return count(processes, 'process', 'processes');
  const parts = [
    workload,
    ...containers.map(({ name, image }) => (image === '' ? name : `${name} · ${image}`)),
    ...nodes.map(name => `node ${name}`),
    cluster === '' ? '' : `cluster ${cluster}`,
  ];
  return visible(parts.filter(part => part !== '').join(' · '));
}

/** `db/postgres-0`, `39 × 10.1.2.0/24`, `88 more destinations`. */
export function endName({ kind, title, count: n, inbound }: End): string {
  if (kind === 'rest') return count(n, inbound ? 'more peer' : 'more destination');
  return kind === 'alike' ? `${n.toLocaleString('en')} × ${visible(title)}` : visible(title);
}

const KINDS: Readonly<Record<string, string>> = {
  pod: 'pod',
  service: 'service',
  host: 'host',
  remote_node: 'node',
  kube_apiserver: 'API server',
  ingress: 'ingress',
  world: 'outside',
};

export const endText = ({ kind, ports, inbound, flows }: End): string =>
  [inbound ? 'from here' : ports, KINDS[kind] ?? '', count(flows, 'flow')].filter(part => part !== '').join(' · ');

const ATTRIBUTIONS = {
  socket: 'seen at the socket',
  inferred: 'inferred: the only process that can be it',
  pod: 'process not known',
} as const;

export function linkTitle({ flows, count: n, targets, attribution, dropped, mark }: Link): string {
  const parts = [
    count(flows, 'flow'),
    ...(n > 1 ? [count(n, 'connection')] : []),
    ...(targets > 1 ? [count(targets, 'destination')] : []),
    ATTRIBUTIONS[attribution],
    ...(dropped ? ['dropped'] : []),
    ...(mark === null ? [] : [mark.rules.join(' · ')]),
  ];
  return parts.join(', ');
}

/** What the service map says of a node, a line and an edge, in words. */
import type { MapView } from '../../api/contract.ts';
import { count, visible } from '../text.ts';

export type MapNode = MapView['nodes'][number];
export type MapEdge = MapView['edges'][number];

const CLUSTER: Readonly<Partial<Record<MapNode['kind'], string>>> = {
  host: 'hosts',
  remote_node: 'other nodes',
  kube_apiserver: 'Kubernetes API',
  ingress: 'ingress',
};

/** `web`, `api.example.org`, `12 addresses`. */
export function nodeTitle({ kind, name, count: size }: MapNode): string {
  if (kind === 'addresses') return size === null ? 'more addresses' : count(size, 'address', 'addresses');
  if (kind === 'names') return count(size ?? 0, 'name');
  if (kind === 'others') return `${(size ?? 0).toLocaleString('en')} more`;
  return CLUSTER[kind] ?? visible(name);
}

export function nodeSubtitle({ kind, workload_kind, pods, more_pods, count: size }: MapNode): string {
  const known = pods.length + more_pods;
  const held = known === 0 ? '' : `, ${count(known, 'pod')}`;
  if (kind === 'workload') return `${visible(workload_kind) || 'workload'}${held}`;
  if (kind === 'namespace') return `namespace, ${count(size ?? 0, 'workload')} folded`;
  if (kind === 'name') return 'name outside';
  if (kind === 'address') return 'address';
  if (kind === 'names' || kind === 'addresses') return 'outside, folded';
  if (kind === 'others') return 'the least busy, folded';
  return CLUSTER[kind] === undefined ? kind : 'of the cluster';
}

/** With its namespace: what tells it from all others. */
export const nodeName = (node: MapNode): string =>
  node.namespace === '' || node.kind === 'namespace'
    ? nodeTitle(node)
    : `${visible(node.namespace)}/${nodeTitle(node)}`;

/** Stands for several, and can be told apart. */
export const isFolded = ({ kind, count: size }: MapNode): boolean =>
  (kind === 'addresses' && size !== null) || kind === 'names' || kind === 'namespace';

/** `TCP 443 HTTP`, `UDP, 12 ports`. */
export function edgeTitle({ protocol, port, ports, l7 }: MapEdge): string {
  const place = port === null ? `${protocol}, ${count(ports, 'port')}` : port === 0 ? protocol : `${protocol} ${port}`;
  return [place, ...l7].join(' ');
}

export const flowsOf = (edge: MapEdge, ...verdicts: readonly string[]): number =>
  verdicts.reduce((sum, verdict) => sum + (edge.verdicts[verdict] ?? 0), 0);

/** It was refused in the last hour, or never let through. */
export function isDropped(edge: MapEdge): boolean {
  const dropped = flowsOf(edge, 'DROPPED', 'ERROR');
  return edge.rates['60m'].dropped > 0 || (dropped > 0 && dropped === edge.flows);
}

/** `12 a minute`, `0.3 a minute`. */
export function rate(perMinute: number): string {
  const text = perMinute >= 10 ? Math.round(perMinute).toLocaleString('en') : String(Math.round(perMinute * 10) / 10);
  return `${text} a minute`;
}

/** `forwarded 12, dropped 3`. */
export const verdictsText = ({ verdicts }: MapEdge): string =>
  Object.entries(verdicts)
    .map(([verdict, flows]) => `${verdict.toLowerCase().replace('verdict_', '')} ${flows.toLocaleString('en')}`)
    .join(', ');

export const processesText = (names: readonly string[], more: boolean): string =>
  [...names.map(visible), ...(more ? ['more'] : [])].join(', ');

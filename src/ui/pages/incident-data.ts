/** Everything that the page of an incident reads. */
import { useQueries, useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { Alert, Page, TimelineEntry, TreeView } from '../../api/contract.ts';
import { get, query } from '../api.ts';

/** So many alerts are read with their evidence; what is behind further ones is on the list without. */
const DETAILED_MAX = 60;
const ALERTS_MAX = 500;
/** Pods that the incident's own processes reached, and which are drawn beside them. */
const PEERS_MAX = 6;

export function useIncident(id: string) {
  const path = `/incidents/${encodeURIComponent(id)}`;
  const tree = useQuery({
    queryKey: ['incident', id, 'tree'],
    queryFn: () => get<TreeView>(`${path}/tree`),
    meta: { live: true },
  });
  const timeline = useQuery({
    queryKey: ['incident', id, 'timeline'],
    queryFn: () => get<{ items: TimelineEntry[] }>(`${path}/timeline`),
    meta: { live: true },
  });
  const list = useQuery({
    queryKey: ['incident', id, 'alerts'],
    queryFn: () => get<Page<Alert>>(`/alerts${query({ incident: id, limit: ALERTS_MAX })}`),
    meta: { live: true },
  });
  const oldestFirst = useMemo(() => [...(list.data?.items ?? [])].reverse(), [list.data]);
  const detailed = useQueries({
    queries: oldestFirst.slice(0, DETAILED_MAX).map(({ id: alert, count }) => ({
      // What grows on an alert is its count; its evidence stays.
      queryKey: ['alert', alert, count],
      queryFn: () => get<Alert>(`/alerts/${alert}`),
      staleTime: Number.POSITIVE_INFINITY,
    })),
    combine: results => results.map(result => result.data),
  });
  const items = useMemo(() => oldestFirst.map((alert, at) => detailed[at] ?? alert), [oldestFirst, detailed]);
  const reached = useMemo(() => peersOf(tree.data, items), [tree.data, items]);
  const peers = useQueries({
    queries: reached.map(pod => ({
      queryKey: ['pod', pod, 'tree'],
      queryFn: () => get<TreeView>(`/pods/${pod}/tree`),
      retry: false,
    })),
    combine: results => results.map(result => result.data),
  });
  const trees = useMemo(() => peers.filter(peer => peer !== undefined).map(withoutConnections), [peers]);
  return { tree, timeline, peers: trees, alerts: { items, error: list.data === undefined ? list.error : null } };
}

export type IncidentData = ReturnType<typeof useIncident>;

/** Pods at the other end of connections that are evidence, and which the incident's tree lacks. */
function peersOf(tree: TreeView | undefined, alerts: readonly Alert[]): string[] {
  if (tree === undefined) return [];
  const own = new Set(tree.processes.map(({ pod }) => pod));
  const reached = alerts
    .flatMap(({ flows }) => flows)
    .map(({ destination }) => (destination.kind === 'world' ? null : destination.pod))
    .filter(pod => pod !== null && !own.has(pod));
  return [...new Set(reached as string[])].slice(0, PEERS_MAX);
}

/** What a reached pod does besides is another story; it is on the pod's own page. */
function withoutConnections(tree: TreeView): TreeView {
  return {
    ...tree,
    processes: tree.processes.map(process => ({ ...process, connections: [] })),
    pod_connections: [],
  };
}

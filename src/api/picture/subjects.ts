/** Pictures of what Spoor knows: an incident, or a pod, with the pods that it reached at its right. */
import type { Alert, AlertEvidence, Gap } from '../../alerts/alert.ts';
import type { Process } from '../../model/process.ts';
import { sees } from '../auth.ts';
import type { LivePod, LiveViews, Scope } from '../deps.ts';
import { incidentTree, podTree } from '../tree.ts';
import type { TreeView } from '../tree-builder.ts';
import { building, type PodIdentity } from './build.ts';
import { PICTURE_LIMITS } from './limits.ts';
import { marksOf } from './marks.ts';
import type { PictureView } from './schema.ts';
import type { Sliced } from './slices.ts';

/** What every picture is asked with. */
export interface PictureQuery {
  readonly live: LiveViews;
  readonly scope: Scope;
  readonly gaps: readonly Gap[];
  /** Cursors. */
  readonly show: readonly string[];
}

/** @param alerts with their own evidence as far as it is loaded; @param evidence of all of them. */
export function* incidentPicture(
  alerts: readonly Alert[],
  evidence: readonly AlertEvidence[],
  query: PictureQuery,
): Sliced<PictureView> {
  const tree = incidentTree(alerts, evidence, query.live, query.scope, PICTURE_LIMITS.processesMax);
  const since = alerts.reduce((first, { first_seen: time }) => (first === '' || time < first ? time : first), '');
  yield;
  return yield* pictureOf(tree, alerts, since, query, podName => query.live.pod(...split(podName)));
}

/** @param pod as it is now, or was at a past time; what it reached is drawn as it is now. */
export function* podPicture(pod: LivePod, alerts: readonly Alert[], query: PictureQuery): Sliced<PictureView> {
  const tree = podTree(pod, query.scope, PICTURE_LIMITS.processesMax);
  const own = tree.processes.find(process => process.pod !== null)?.pod;
  yield;
  return yield* pictureOf(tree, alerts, '', query, name => (name === own ? pod : query.live.pod(...split(name))));
}

function* pictureOf(
  tree: TreeView,
  alerts: readonly Alert[],
  since: string,
  { scope, gaps, show }: PictureQuery,
  podOf: (name: string) => LivePod | null,
): Sliced<PictureView> {
  const peers = peersOf(tree, alerts).flatMap(name => {
    const [namespace] = split(name);
    const pod = sees(scope, namespace) ? podOf(name) : null;
    return pod === null ? [] : [{ name, pod }];
  });
  const drawn = peers.slice(0, PICTURE_LIMITS.peersMax);
  const trees = [tree, ...drawn.map(({ pod }) => withoutConnections(podTree(pod, scope, PICTURE_LIMITS.processesMax)))];
  const identities = identitiesOf(trees, alerts, podOf);
  yield;
  return yield* building({ trees, alerts, since, gaps, show, identities });
}

function split(podName: string): [namespace: string, name: string] {
  const slash = podName.indexOf('/');
  return [podName.slice(0, slash), podName.slice(slash + 1)];
}

/** Pods at the other end of the subject's connections: those of evidence first, then by flows. */
function peersOf(tree: TreeView, alerts: readonly Alert[]): string[] {
  const own = new Set(tree.processes.map(({ pod }) => pod));
  const marks = marksOf(alerts);
  const weights = new Map<string, number>();
  const count = (connection: TreeView['pod_connections'][number]): void => {
    const { pod, kind } = connection.destination;
    if (pod === null || own.has(pod) || kind === 'world') return;
    const weight = marks.connections.of(connection) === null ? connection.flows : 1e15;
    weights.set(pod, (weights.get(pod) ?? 0) + weight);
  };
  for (const { connections } of tree.processes) for (const connection of connections) count(connection);
  for (const connection of tree.pod_connections) count(connection);
  return [...weights].sort(([, a], [, b]) => b - a).map(([name]) => name);
}

/** What a reached pod does besides is another story; it is in that pod's own picture. */
function withoutConnections(tree: TreeView): TreeView {
  return {
    ...tree,
    processes: tree.processes.map(process => ({ ...process, connections: [] })),
    pod_connections: [],
  };
}

function identitiesOf(
  trees: readonly TreeView[],
  alerts: readonly Alert[],
  podOf: (name: string) => LivePod | null,
): Map<string, PodIdentity> {
  const identities = new Map<string, PodIdentity>();
  for (const { cluster, pod } of alerts) {
    if (pod === null) continue;
    identities.set(`${pod.namespace}/${pod.name}`, { cluster, workload: workloadOf(pod.workload_kind, pod.workload) });
  }
  for (const name of new Set(trees.flatMap(({ processes }) => processes.map(({ pod }) => pod)))) {
    if (name === null || identities.has(name)) continue;
    const first: Process | undefined = podOf(name)?.processes()[0];
    if (first?.pod == null) continue;
    const { workloadKind, workload } = first.pod;
    identities.set(name, { cluster: first.cluster, workload: workloadOf(workloadKind, workload) });
  }
  return identities;
}

const workloadOf = (kind: string, name: string): string => (kind === '' ? name : `${kind}/${name}`);

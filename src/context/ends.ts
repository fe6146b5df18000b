/** Whether an event can speak of an end of a connection: addresses repeat between pods, nodes and clusters. */
import type { Endpoint } from '../model/event.ts';
import type { ConnectionRecord, PeerRecord } from './connection-record.ts';
import type { Pod } from './pods.ts';

const NODE_LABELS: ReadonlySet<string> = new Set(['reserved:host', 'reserved:remote-node', 'reserved:kube-apiserver']);

/** The identity is a node's: of processes without a pod, and of pods in their host's network. */
function isNode(endpoint: Endpoint | null): boolean {
  return endpoint?.labels.some(label => NODE_LABELS.has(label)) ?? false;
}

/** A flow says that `pod` (null: no pod, or none known) and `endpoint` are at this end. */
export function fitsFlow(
  record: ConnectionRecord,
  end: PeerRecord,
  pod: Pod | null,
  endpoint: Endpoint | null,
  node: string,
): boolean {
  if (end.pod !== null && pod !== null) return end.pod.key === pod.key;
  // Without a socket there, nothing can be attributed wrongly: one sensor only knew less than another.
  return end.node === '' || record.node === node || isNode(endpoint);
}

/** A socket of a process in `pod` (null: none, or none known) on `node` is this end. */
export function fitsSocket(record: ConnectionRecord, end: PeerRecord, pod: Pod | null, node: string): boolean {
  if (end.pod !== null && pod !== null) return end.pod.key === pod.key;
  if (end.node !== '') return end.node === node;
  return record.node === node || isNode(end.endpoint);
}

/** Who talks to whom, added up from connections: workloads, services and what is outside as nodes. Owned and mutated by `context/` only. */
import type { Protocol } from './event.ts';
import type { Micros } from './time.ts';

/** `addresses`: those of a workload that are too many to be told apart. The last four are what Cilium reserves an identity for. */
export const MAP_NODE_KINDS = [
  'workload',
  'pod',
  'service',
  'name',
  'address',
  'addresses',
  'host',
  'remote_node',
  'kube_apiserver',
  'ingress',
] as const;
export type MapNodeKind = (typeof MAP_NODE_KINDS)[number];

/** What the places of `MapEdge.verdicts` count; what Hubble may say beside these counts as the last. */
export const MAP_VERDICTS = [
  'FORWARDED',
  'DROPPED',
  'ERROR',
  'AUDIT',
  'REDIRECTED',
  'TRACED',
  'TRANSLATED',
  'VERDICT_UNKNOWN',
] as const;

/** Minutes of event time over which rates are told. */
export const MAP_WINDOWS = [1, 5, 60] as const;

export interface MapNode {
  /** Unambiguous, the same in every run. */
  readonly id: string;
  readonly kind: MapNodeKind;
  /** '' outside of namespaces. */
  readonly namespace: string;
  readonly name: string;
  /** `Deployment`, `StatefulSet` …, or ''. */
  readonly workloadKind: string;
  /** Names of its pods, those seen last, oldest first; bounded. */
  readonly pods: readonly string[];
  /** Pods that fell off `pods`. */
  readonly morePods: number;
}

/** What was counted in some minutes of event time. */
export interface MapCounts {
  connections: number;
  flows: number;
  /** Flows with the verdict DROPPED or ERROR. */
  dropped: number;
}

export const noCounts = (): MapCounts => ({ connections: 0, flows: 0, dropped: 0 });

export interface MapEdge {
  readonly client: MapNode;
  readonly server: MapNode;
  readonly protocol: Protocol;
  /** Of the server; 0 where there is none. */
  readonly port: number;
  /** `HTTP`, `DNS` as Hubble saw them, or ''. */
  readonly l7: string;
  readonly connections: number;
  readonly flows: number;
  /** Flows by verdict, in the order of MAP_VERDICTS. */
  readonly verdicts: readonly number[];
  /** `POLICY_DENIED` … of the last drop, or ''. */
  readonly dropReason: string;
  readonly firstSeen: Micros;
  readonly lastSeen: Micros;
  /** Base names of binaries at the client's end, and at the server's; bounded. */
  readonly processes: readonly string[];
  readonly serverProcesses: readonly string[];
  /** Whether there were more than these. */
  readonly hasMoreProcesses: boolean;
  /** Adds what was counted in each of MAP_WINDOWS before `now` to the counts at the same places. */
  addRecent(now: Micros, sums: readonly MapCounts[]): void;
}

export interface ServiceMapStats {
  readonly nodes: number;
  readonly edges: number;
  /** Edges put out at a limit. */
  readonly evicted: number;
  /** Connections counted under `addresses`, because their workload has too many to be told apart. */
  readonly gathered: number;
}

export interface ServiceMapView {
  /** Newest event time, micros; 0 before the first. */
  readonly now: Micros;
  /** Another one after every change. */
  readonly revision: number;
  /** Any order. */
  edges(): Iterable<MapEdge>;
  stats(): ServiceMapStats;
}

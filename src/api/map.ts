/** The service map as the API gives it: the edges that a caller may see and asked for, folded to what can be looked at. */
import { z } from 'zod';
import {
  MAP_NODE_KINDS,
  MAP_VERDICTS,
  MAP_WINDOWS,
  type MapCounts,
  type MapEdge,
  noCounts,
} from '../model/service-map.ts';
import { formatInstant, type Micros } from '../model/time.ts';
import { sees } from './auth.ts';
import type { Scope } from './deps.ts';
import { Folding, type ShownNode } from './map-folding.ts';

const MAP_SHOWN_KINDS = [...MAP_NODE_KINDS, 'names', 'namespace', 'others'] as const;

const rateSchema = z
  .object({ connections: z.number(), flows: z.number(), dropped: z.number() })
  .meta({ id: 'MapRate', description: 'A minute of event time, on average; `dropped` are flows' });

const nodeSchema = z
  .object({
    id: z.string(),
    kind: z
      .enum(MAP_SHOWN_KINDS)
      .describe('`addresses`, `names`, `namespace` and `others` stand for several: hand the id back as `unfold`'),
    namespace: z.string().describe("'' outside"),
    name: z.string(),
    workload_kind: z.string(),
    pods: z.array(z.string()).describe('namespace/name, those seen last'),
    more_pods: z.number(),
    count: z.number().nullable().describe('for how many it stands; null when that is not known'),
  })
  .meta({ id: 'MapNode' });

const edgeSchema = z
  .object({
    from: z.string().describe('id of the client’s node'),
    to: z.string().describe('id of the server’s node'),
    protocol: z.string(),
    port: z.number().nullable().describe('of the server; null where there were many'),
    ports: z.number().describe('how many it stands for'),
    l7: z.array(z.string()).describe('HTTP, DNS, as Hubble saw them'),
    connections: z.number(),
    flows: z.number(),
    verdicts: z.record(z.string(), z.number()).describe('flows by verdict, those above 0'),
    drop_reason: z.string().describe('of the last drop'),
    rates: z.object({ '1m': rateSchema, '5m': rateSchema, '60m': rateSchema }),
    first_seen: z.string(),
    last_seen: z.string(),
    processes: z.array(z.string()).describe('base names of the client’s binaries'),
    server_processes: z.array(z.string()),
    more_processes: z.boolean(),
  })
  .meta({ id: 'MapEdge' });

export const mapSchema = z
  .object({
    time: z.string().nullable().describe('event time up to which it is; null before the first event'),
    nodes: z.array(nodeSchema),
    edges: z.array(edgeSchema),
    omitted_edges: z.number().describe('the least busy, left out at the limit'),
    total: z.object({ nodes: z.number(), edges: z.number() }).describe('before folding'),
    namespaces: z.array(z.string()).describe('of everything that the caller may see, whatever the filters'),
  })
  .meta({ id: 'ServiceMap' });

export type MapView = z.infer<typeof mapSchema>;

export interface MapQuery {
  readonly namespace?: string | undefined;
  readonly q?: string | undefined;
  readonly verdict?: readonly (typeof MAP_VERDICTS)[number][] | undefined;
  readonly unfold?: readonly string[] | undefined;
  readonly limit: number;
}

const EDGES_PER_NODE = 4;
/** More ports between the same two are told as one edge. */
const PORTS_PER_PAIR_MAX = 8;
const PROCESSES_MAX = 16;
const NAMESPACES_MAX = 1_000;
/** More than an answer can be made of. */
const NODES_MAX = 2 ** 24;

/** Edges that come out as one. */
class Sum {
  readonly from: ShownNode;
  readonly to: ShownNode;
  readonly protocol: string;
  readonly port: number | null;
  readonly ports = new Set<number>();
  readonly l7 = new Set<string>();
  connections = 0;
  flows = 0;
  readonly verdicts = MAP_VERDICTS.map(() => 0);
  dropReason = '';
  readonly counts = MAP_WINDOWS.map(noCounts);
  firstSeen: Micros = Number.POSITIVE_INFINITY;
  lastSeen: Micros = 0;
  readonly processes = new Set<string>();
  readonly serverProcesses = new Set<string>();
  hasMore = false;

  constructor({ from, to, protocol, port, edges }: Group, now: Micros, scope: Scope) {
    this.from = from;
    this.to = to;
    this.protocol = protocol;
    this.port = port;
    for (const edge of edges) this.#add(edge, now, scope);
  }

  #add(edge: MapEdge, now: Micros, scope: Scope): void {
    this.ports.add(edge.port);
    if (edge.l7 !== '') this.l7.add(edge.l7);
    this.connections += edge.connections;
    this.flows += edge.flows;
    for (const [place, flows] of edge.verdicts.entries()) (this.verdicts[place] as number) += flows;
    if (edge.dropReason !== '') this.dropReason = edge.dropReason;
    edge.addRecent(now, this.counts);
    this.firstSeen = Math.min(this.firstSeen, edge.firstSeen);
    this.lastSeen = Math.max(this.lastSeen, edge.lastSeen);
    this.#name(this.processes, edge.processes, sees(scope, edge.client.namespace));
    this.#name(this.serverProcesses, edge.serverProcesses, sees(scope, edge.server.namespace));
    this.hasMore ||= edge.hasMoreProcesses;
  }

  #name(names: Set<string>, more: readonly string[], isVisible: boolean): void {
    if (!isVisible) return;
    for (const name of more) {
      if (names.size < PROCESSES_MAX) names.add(name);
      else this.hasMore ||= !names.has(name);
    }
  }

  view(): MapView['edges'][number] {
    const rate = (place: number): MapCounts => {
      const { connections, flows, dropped } = this.counts[place] as MapCounts;
      const each = (count: number): number => Math.round((count / (MAP_WINDOWS[place] as number)) * 100) / 100;
      return { connections: each(connections), flows: each(flows), dropped: each(dropped) };
    };
    return {
      from: this.from.id,
      to: this.to.id,
      protocol: this.protocol,
      port: this.port,
      ports: this.ports.size,
      l7: [...this.l7].sort(),
      connections: this.connections,
      flows: this.flows,
      verdicts: Object.fromEntries(
        MAP_VERDICTS.map((verdict, place) => [verdict, this.verdicts[place] as number] as const).filter(
          ([, flows]) => flows > 0,
        ),
      ),
      drop_reason: this.dropReason,
      rates: { '1m': rate(0), '5m': rate(1), '60m': rate(2) },
      first_seen: formatInstant(this.firstSeen),
      last_seen: formatInstant(this.lastSeen),
      processes: [...this.processes],
      server_processes: [...this.serverProcesses],
      more_processes: this.hasMore,
    };
  }
}

/** The query as one test of an edge. */
function filter({ namespace, q, verdict }: MapQuery, scope: Scope): (edge: MapEdge) => boolean {
  const places = verdict?.map(each => MAP_VERDICTS.indexOf(each));
  const text = q?.toLowerCase();
  return edge => {
    const { client, server, verdicts } = edge;
    if (namespace !== undefined && client.namespace !== namespace && server.namespace !== namespace) return false;
    if (places !== undefined && !places.some(place => (verdicts[place] as number) > 0)) return false;
    return text === undefined || textsOf(edge, scope).some(each => each.toLowerCase().includes(text));
  };
}

function textsOf(edge: MapEdge, scope: Scope): string[] {
  const { client, server } = edge;
  return [
    `${client.namespace}/${client.name}`,
    `${server.namespace}/${server.name}:${edge.port}`,
    edge.protocol,
    edge.l7,
    ...(sees(scope, client.namespace) ? edge.processes : []),
    ...(sees(scope, server.namespace) ? edge.serverProcesses : []),
  ];
}

/** Its pods only for who may see its namespace: the others are known by the workload alone. */
const nodeView = (shown: ShownNode, scope: Scope): MapView['nodes'][number] => {
  const { id, kind, namespace, name, workloadKind, count } = shown;
  const node = sees(scope, namespace) ? shown.node : null;
  return {
    id,
    kind,
    namespace,
    name,
    workload_kind: workloadKind,
    pods: node === null ? [] : node.pods.map(pod => `${node.namespace}/${pod}`),
    more_pods: node?.morePods ?? 0,
    count,
  };
};

/** What comes out as one edge. */
interface Group {
  readonly from: ShownNode;
  readonly to: ShownNode;
  readonly protocol: string;
  /** Null when it stands for many. */
  port: number | null;
  readonly edges: MapEdge[];
  /** Flows of the last hour, and of ever. */
  recent: number;
  flows: number;
}

/** Merged where they are shown alike; those between two with many ports by protocol alone. */
function grouped(edges: readonly MapEdge[], folding: Folding): Group[] {
  const found: Group[] = [];
  const byEnds = new Map<number, Group[]>();
  for (const edge of edges) {
    const from = folding.of(edge.client);
    const to = folding.of(edge.server);
    const { protocol, port } = edge;
    const ends = from.index * NODES_MAX + to.index;
    let between = byEnds.get(ends);
    if (between === undefined) {
      between = [];
      byEnds.set(ends, between);
    }
    let group = between.find(each => each.protocol === protocol && (each.port === port || each.port === null));
    if (group === undefined) {
      group = { from, to, protocol, port, edges: [], recent: 0, flows: 0 };
      if (between.push(group) > PORTS_PER_PAIR_MAX) group = withoutPorts(between, group);
    }
    group.edges.push(edge);
  }
  for (const between of byEnds.values()) found.push(...between);
  return found;
}

/** Those of one protocol become one. */
function withoutPorts(between: Group[], { protocol, from, to }: Group): Group {
  const alike = between.filter(each => each.protocol === protocol);
  const others = between.filter(each => each.protocol !== protocol);
  const edges = alike.flatMap(each => each.edges);
  const group: Group = {
    from,
    to,
    protocol,
    port: alike.length > 1 ? null : (alike[0] as Group).port,
    edges,
    recent: 0,
    flows: 0,
  };
  between.splice(0, between.length, ...others, group);
  return group;
}

/** At most `max`, the busiest first. */
function busiest(groups: readonly Group[], now: Micros, max: number): Group[] {
  const counts = MAP_WINDOWS.map(noCounts);
  const hour = counts[counts.length - 1] as MapCounts;
  for (const group of groups) {
    hour.flows = 0;
    for (const edge of group.edges) {
      edge.addRecent(now, counts);
      group.flows += edge.flows;
    }
    group.recent = hour.flows;
  }
  // Most are not shown: what is less busy than the least of those that are needs no order.
  const least = Float64Array.from(groups, ({ recent }) => recent).sort()[Math.max(groups.length - max, 0)] ?? 0;
  return groups
    .filter(({ recent }) => recent >= least)
    .sort(busiestFirst)
    .slice(0, max);
}

/** Where both are as busy, in an order that stays. */
function busiestFirst(a: Group, b: Group): number {
  return (
    b.recent - a.recent ||
    b.flows - a.flows ||
    compare(a.from.id, b.from.id) ||
    compare(a.to.id, b.to.id) ||
    compare(a.protocol, b.protocol) ||
    (a.port ?? -1) - (b.port ?? -1)
  );
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

export function mapView(all: Iterable<MapEdge>, now: Micros, query: MapQuery, scope: Scope): MapView {
  const matches = filter(query, scope);
  const edges: MapEdge[] = [];
  const namespaces = new Set<string>();
  for (const edge of all) {
    const { client, server } = edge;
    if (!sees(scope, client.namespace) && !sees(scope, server.namespace)) continue;
    if (client.namespace !== '') namespaces.add(client.namespace);
    if (server.namespace !== '') namespaces.add(server.namespace);
    if (matches(edge)) edges.push(edge);
  }
  const folding = new Folding(edges, query.limit, new Set(query.unfold), query.namespace ?? '', now);
  const groups = grouped(edges, folding);
  const kept = busiest(groups, now, query.limit * EDGES_PER_NODE);
  const shown = new Set(kept.flatMap(({ from, to }) => [from, to]));
  return {
    time: now === 0 ? null : formatInstant(now),
    nodes: [...shown].sort((a, b) => (a.id < b.id ? -1 : 1)).map(node => nodeView(node, scope)),
    edges: kept.map(group => new Sum(group, now, scope).view()),
    omitted_edges: groups.length - kept.length,
    total: { nodes: folding.nodes, edges: edges.length },
    namespaces: [...namespaces].sort().slice(0, NAMESPACES_MAX),
  };
}

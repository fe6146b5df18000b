/**
 * The service map made small enough to look at: outside ends of one workload fold to one node, then whole namespaces, largest
 * first, then what is least busy. What is folded is counted, and can be unfolded by the id of its node.
 */
import { MAP_WINDOWS, type MapEdge, type MapNode, type MapNodeKind, noCounts } from '../model/service-map.ts';

/** A node as it is shown: one of the map's, or one that stands for several. */
export interface ShownNode {
  readonly id: string;
  /** Tells it from others of the same answer. */
  readonly index: number;
  readonly kind: MapNodeKind | 'names' | 'namespace' | 'others';
  readonly namespace: string;
  readonly name: string;
  readonly workloadKind: string;
  /** The map's own node; null for one that stands for several. */
  readonly node: MapNode | null;
  /** For how many of the map's nodes it stands; null when nobody knows (addresses that the map itself gathered). */
  count: number | null;
}

/** So many outside ends that only one workload talks to are told apart. */
const OUTSIDE_MIN = 8;

const isOutside = ({ kind }: MapNode): boolean => kind === 'address' || kind === 'name';

/** Flows of the last hour, then of ever: what is shown when not all can be. */
function busyness(edges: readonly MapEdge[], now: number): Map<MapNode, number> {
  const busy = new Map<MapNode, number>();
  for (const edge of edges) {
    const recent = MAP_WINDOWS.map(noCounts);
    edge.addRecent(now, recent);
    const flows = (recent.at(-1)?.flows ?? 0) * 1e6 + edge.flows;
    for (const node of [edge.client, edge.server]) busy.set(node, (busy.get(node) ?? 0) + flows);
  }
  return busy;
}

export class Folding {
  readonly #shown = new Map<MapNode, ShownNode>();
  readonly #byId = new Map<string, ShownNode>();
  readonly #unfolded: ReadonlySet<string>;
  #nextIndex = 0;
  /** Before folding. */
  readonly nodes: number;

  /** `namespace`: that one is not folded. */
  constructor(
    edges: readonly MapEdge[],
    nodesMax: number,
    unfolded: ReadonlySet<string>,
    namespace: string,
    now: number,
  ) {
    this.#unfolded = unfolded;
    const nodes = new Set<MapNode>();
    for (const edge of edges) nodes.add(edge.client).add(edge.server);
    this.nodes = nodes.size;
    this.#foldOutside(edges);
    for (const node of nodes) if (!this.#shown.has(node)) this.#show(node);
    if (this.#byId.size > nodesMax) this.#foldNamespaces(nodesMax, namespace);
    if (this.#byId.size > nodesMax) this.#foldKinds();
    if (this.#byId.size > nodesMax) this.#foldRest(nodesMax, busyness(edges, now));
  }

  of(node: MapNode): ShownNode {
    return this.#shown.get(node) as ShownNode;
  }

  #show(node: MapNode): void {
    const { id, kind, namespace, name, workloadKind } = node;
    const count = kind === 'addresses' ? null : 1;
    const shown: ShownNode = { id, index: this.#nextIndex++, kind, namespace, name, workloadKind, node, count };
    this.#shown.set(node, shown);
    this.#byId.set(id, shown);
  }

  #fold(nodes: readonly MapNode[], id: string, kind: ShownNode['kind'], namespace: string, name: string): void {
    if (nodes.length < 2 || this.#unfolded.has(id)) return;
    const index = this.#nextIndex++;
    const shown: ShownNode = { id, index, kind, namespace, name, workloadKind: '', node: null, count: 0 };
    for (const node of nodes) {
      const before = this.#shown.get(node);
      if (before !== undefined) this.#byId.delete(before.id);
      this.#shown.set(node, shown);
    }
    shown.count = nodes.length;
    this.#byId.set(id, shown);
  }

  /** Outside ends that one and the same node talks to, or is talked to by. */
  #foldOutside(edges: readonly MapEdge[]): void {
    const partners = new Map<MapNode, { readonly other: MapNode; readonly isClient: boolean } | null>();
    const meet = (node: MapNode, other: MapNode, isClient: boolean): void => {
      const known = partners.get(node);
      if (known === undefined) partners.set(node, { other, isClient });
      else if (known !== null && (known.other !== other || known.isClient !== isClient)) partners.set(node, null);
    };
    for (const { client, server } of edges) {
      if (isOutside(client)) meet(client, server, true);
      if (isOutside(server)) meet(server, client, false);
    }
    const groups = new Map<string, MapNode[]>();
    for (const [node, partner] of partners) {
      if (partner === null) continue;
      const kind = node.kind === 'name' ? 'names' : 'addresses';
      const key = `${kind}-${partner.isClient ? 'to' : 'of'}:${partner.other.id}`;
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [node]);
      else group.push(node);
    }
    for (const [id, nodes] of groups) {
      if (nodes.length <= OUTSIDE_MIN) continue;
      this.#fold(nodes, id, id.startsWith('names') ? 'names' : 'addresses', '', '');
    }
  }

  #foldNamespaces(nodesMax: number, kept: string): void {
    const byNamespace = new Map<string, MapNode[]>();
    for (const node of this.#shown.keys()) {
      if (node.namespace === '' || node.namespace === kept) continue;
      const members = byNamespace.get(node.namespace);
      if (members === undefined) byNamespace.set(node.namespace, [node]);
      else members.push(node);
    }
    const largest = [...byNamespace].sort(([a, x], [b, y]) => y.length - x.length || (a < b ? -1 : 1));
    for (const [namespace, nodes] of largest) {
      if (this.#byId.size <= nodesMax) return;
      this.#fold(nodes, `namespace:${namespace}`, 'namespace', namespace, namespace);
    }
  }

  #foldKinds(): void {
    for (const [kind, folded] of [
      ['address', 'addresses'],
      ['name', 'names'],
    ] as const) {
      const nodes = [...this.#shown].filter(([node, shown]) => node.kind === kind && shown.node !== null);
      this.#fold(
        nodes.map(([node]) => node),
        `all-${folded}`,
        folded,
        '',
        '',
      );
    }
  }

  #foldRest(nodesMax: number, busy: ReadonlyMap<MapNode, number>): void {
    const activity = new Map<ShownNode, number>();
    for (const [node, shown] of this.#shown) activity.set(shown, (activity.get(shown) ?? 0) + (busy.get(node) ?? 0));
    const kept = new Set(
      [...activity]
        .sort(([a, x], [b, y]) => y - x || (a.id < b.id ? -1 : 1))
        .slice(0, nodesMax - 1)
        .map(([shown]) => shown),
    );
    const rest = [...this.#shown].filter(([, shown]) => !kept.has(shown)).map(([node]) => node);
    const others: ShownNode = {
      id: 'others',
      index: this.#nextIndex++,
      kind: 'others',
      namespace: '',
      name: '',
      workloadKind: '',
      node: null,
      count: rest.length,
    };
    for (const node of rest) this.#shown.set(node, others);
  }
}

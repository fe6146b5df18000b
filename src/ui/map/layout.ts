/**
 * Where everything of the service map stands: a box for each namespace, its workloads in layers inside, the boxes in layers too,
 * from who asks to who answers. Pure. What stands somewhere stays there while it is shown: what is new is put below.
 */
import { Graph, layout } from '@dagrejs/dagre';
import type { MapView } from '../../api/contract.ts';
import { visible } from '../text.ts';
import { type Bend, bendsOf } from './lanes.ts';
import { isDropped, type MapEdge, type MapNode } from './words.ts';

export const SIZE = {
  width: 196,
  height: 46,
  gap: 16,
  layer: 84,
  pad: 16,
  head: 30,
  apart: 64,
  layers: 120,
  margin: 16,
};
/** Nodes that talk to nobody of their own box stand in columns of at most so many. */
const COLUMN_MIN = 6;

interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface PlacedNode extends Rect {
  readonly node: MapNode;
  readonly box: string;
}

export interface Box extends Rect {
  readonly key: string;
  readonly title: string;
}

/** All edges from one node to another. */
export interface Line {
  readonly key: string;
  readonly from: PlacedNode;
  readonly to: PlacedNode;
  readonly edges: readonly MapEdge[];
  readonly dropped: boolean;
  /** Flows a minute, over the last hour. */
  readonly perMinute: number;
  /** Where it goes past nodes between its ends, in its direction. */
  readonly bends: readonly Bend[];
}

export interface MapLayout {
  readonly nodes: ReadonlyMap<string, PlacedNode>;
  readonly boxes: readonly Box[];
  readonly lines: readonly Line[];
  /** How many nodes there were when it was last arranged as a whole. */
  readonly arranged: number;
  readonly width: number;
  readonly height: number;
}

type View = Pick<MapView, 'nodes' | 'edges'>;
interface Point {
  readonly x: number;
  readonly y: number;
}

const OUTSIDE: ReadonlySet<MapNode['kind']> = new Set(['name', 'names', 'address', 'addresses', 'others']);

/** Which box a node stands in: its namespace, the cluster's own, or outside (who only asks stands at the other side). */
function boxesOf({ nodes, edges }: View): Map<string, string> {
  const asked = new Set(edges.map(({ to }) => to));
  return new Map(
    nodes.map(({ id, kind, namespace }) => {
      if (namespace !== '') return [id, kind === 'namespace' ? `folded ${namespace}` : `namespace ${namespace}`];
      if (!OUTSIDE.has(kind)) return [id, 'cluster'];
      return [id, asked.has(id) ? 'outside' : 'asking'];
    }),
  );
}

function titleOf(key: string): string {
  if (key === 'outside') return 'outside';
  if (key === 'asking') return 'outside, asking in';
  if (key === 'cluster') return 'the cluster itself';
  return visible(key.replace(/^(namespace|folded) /, ''));
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Top left corners in layers from left to right. */
function layered(
  sizes: ReadonlyMap<string, Size>,
  links: readonly (readonly [string, string])[],
  gap: number,
  layer: number,
): Map<string, Point> {
  const graph = new Graph();
  graph.setGraph({ rankdir: 'LR', nodesep: gap, ranksep: layer, marginx: 0, marginy: 0 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const [id, { width, height }] of sizes) graph.setNode(id, { width, height });
  for (const [from, to] of links) if (from !== to) graph.setEdge(from, to);
  layout(graph);
  return new Map(
    [...sizes].map(([id, { width, height }]) => {
      const { x, y } = graph.node(id) as unknown as Point;
      return [id, { x: Math.round(x - width / 2), y: Math.round(y - height / 2) }];
    }),
  );
}

/** One below the other, then the next column. */
function inColumns(ids: readonly string[], left: number): Map<string, Point> {
  const rows = Math.max(COLUMN_MIN, Math.ceil(Math.sqrt(ids.length) * 1.6));
  return new Map(
    ids.map((id, n) => [
      id,
      {
        x: left + Math.floor(n / rows) * (SIZE.width + SIZE.gap),
        y: (n % rows) * (SIZE.height + SIZE.gap),
      },
    ]),
  );
}

/** The nodes of one box, from its inner corner on. */
function inside(ids: readonly string[], links: readonly (readonly [string, string])[]): Map<string, Point> {
  const linked = new Set(links.filter(([from, to]) => from !== to).flat());
  const sizes = new Map(ids.filter(id => linked.has(id)).map(id => [id, SIZE]));
  const points = sizes.size === 0 ? new Map<string, Point>() : layered(sizes, links, SIZE.gap, SIZE.layer);
  const right = Math.max(0, ...[...points.values()].map(({ x }) => x + SIZE.width + SIZE.layer));
  const alone = inColumns(
    ids.filter(id => !linked.has(id)),
    right,
  );
  return new Map([...points, ...alone]);
}

const extent = (points: Iterable<Point>): Size => {
  const all = [...points];
  return {
    width: Math.max(...all.map(({ x }) => x + SIZE.width)) + 2 * SIZE.pad,
    height: Math.max(...all.map(({ y }) => y + SIZE.height)) + SIZE.head + SIZE.pad,
  };
};

function groupedBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}

/** From box to box, the way that more lines go; what is outside is where things lead to, also when it asks in. */
function between(links: readonly (readonly [string, string])[], boxOf: ReadonlyMap<string, string>) {
  const pairs = groupedBy(
    links.map(([from, to]) => [boxOf.get(from) as string, boxOf.get(to) as string] as const),
    pair => JSON.stringify(pair),
  );
  return [...pairs.values()].flatMap(same => {
    const [from, to] = same[0] as readonly [string, string];
    const back = pairs.get(JSON.stringify([to, from]))?.length ?? 0;
    const isBack =
      from === 'outside' || (to !== 'outside' && (back > same.length || (back === same.length && from > to)));
    return from === to || isBack ? [] : [[from, to] as const];
  });
}

function arrange(view: View, boxOf: ReadonlyMap<string, string>): { nodes: Map<string, PlacedNode>; boxes: Box[] } {
  const members = groupedBy(view.nodes, ({ id }) => boxOf.get(id) as string);
  const links = view.edges.map(({ from, to }) => [from, to] as const);
  const inner = new Map(
    [...members].map(([key, nodes]) => {
      const own = new Set(nodes.map(({ id }) => id));
      const within = links.filter(([from, to]) => own.has(from) && own.has(to));
      return [key, inside([...own], within)];
    }),
  );
  const sizes = new Map([...inner].map(([key, points]) => [key, extent(points.values())]));
  const corners = layered(sizes, between(links, boxOf), SIZE.apart, SIZE.layers);
  const nodes = new Map<string, PlacedNode>();
  const boxes: Box[] = [];
  for (const [key, points] of inner) {
    const corner = corners.get(key) as Point;
    const x = corner.x + SIZE.margin;
    const y = corner.y + SIZE.margin;
    boxes.push({ key, title: titleOf(key), x, y, ...(sizes.get(key) as Size) });
    for (const node of members.get(key) ?? []) {
      const at = points.get(node.id) as Point;
      nodes.set(node.id, place(node, key, x + SIZE.pad + at.x, y + SIZE.head + at.y));
    }
  }
  return { nodes, boxes };
}

const place = (node: MapNode, box: string, x: number, y: number): PlacedNode => ({
  node,
  box,
  x,
  y,
  width: SIZE.width,
  height: SIZE.height,
});

/** Everything that stood somewhere stays; what is new stands below in its box, and boxes below make room. */
function extend(view: View, boxOf: ReadonlyMap<string, string>, held: MapLayout) {
  const nodes = new Map<string, PlacedNode>();
  const boxes = new Map(held.boxes.map(box => [box.key, box]));
  let bottom = held.height;
  for (const node of view.nodes) {
    const before = held.nodes.get(node.id);
    if (before !== undefined) {
      nodes.set(node.id, { ...before, node });
      continue;
    }
    const key = boxOf.get(node.id) as string;
    const box = boxes.get(key);
    if (box === undefined) {
      const height = SIZE.head + SIZE.height + SIZE.pad;
      boxes.set(key, { key, title: titleOf(key), x: SIZE.margin, y: bottom, width: SIZE.width + 2 * SIZE.pad, height });
      nodes.set(node.id, place(node, key, SIZE.margin + SIZE.pad, bottom + SIZE.head));
      bottom += height + SIZE.apart;
    } else {
      nodes.set(node.id, place(node, key, box.x + SIZE.pad, box.y + box.height - SIZE.pad + SIZE.gap));
      boxes.set(key, { ...box, height: box.height + SIZE.gap + SIZE.height });
    }
  }
  const used = new Set([...nodes.values()].map(({ box }) => box));
  return makeRoom(
    nodes,
    [...boxes.values()].filter(({ key }) => used.has(key)),
  );
}

function makeRoom(nodes: Map<string, PlacedNode>, boxes: readonly Box[]) {
  const settled: Box[] = [];
  for (const box of [...boxes].sort((a, b) => a.y - b.y)) {
    const above = settled.filter(other => other.x < box.x + box.width && box.x < other.x + other.width);
    const y = Math.max(box.y, ...above.map(other => other.y + other.height + SIZE.gap));
    settled.push({ ...box, y });
    if (y === box.y) continue;
    for (const [id, placed] of nodes) if (placed.box === box.key) nodes.set(id, { ...placed, y: placed.y + y - box.y });
  }
  return { nodes, boxes: settled };
}

/** None between nodes of one column: their line goes around. */
function bendsBetween(from: PlacedNode, to: PlacedNode, nodes: Iterable<PlacedNode>): Bend[] {
  const [start, end] = [from.y + from.height / 2, to.y + to.height / 2];
  if (to.x >= from.x + from.width)
    return bendsOf({ x: from.x + from.width, y: start }, { x: to.x, y: end }, nodes, SIZE.gap);
  if (to.x + to.width <= from.x)
    return bendsOf({ x: from.x, y: start }, { x: to.x + to.width, y: end }, nodes, SIZE.gap);
  return [];
}

/** More than so many times as many nodes as were arranged: then what was appended has become most of it. */
const GROWTH_MAX = 2;

/** `held`: what was shown before of the same selection, or null to arrange all anew. */
export function layOut(view: View, held: MapLayout | null): MapLayout {
  const boxOf = boxesOf(view);
  const stays = held !== null && view.nodes.length <= GROWTH_MAX * held.arranged ? held : null;
  const { nodes, boxes } = stays === null ? arrange(view, boxOf) : extend(view, boxOf, stays);
  const lines: Line[] = [];
  for (const [key, edges] of groupedBy(view.edges, ({ from, to }) => JSON.stringify([from, to]))) {
    const [first] = edges;
    const from = first === undefined ? undefined : nodes.get(first.from);
    const to = first === undefined ? undefined : nodes.get(first.to);
    if (from === undefined || to === undefined) continue;
    lines.push({
      key,
      from,
      to,
      edges,
      dropped: edges.some(isDropped),
      perMinute: edges.reduce((sum, { rates }) => sum + rates['60m'].flows, 0),
      bends: bendsBetween(from, to, nodes.values()),
    });
  }
  return {
    nodes,
    boxes,
    lines,
    arranged: stays?.arranged ?? view.nodes.length,
    width: Math.max(0, ...boxes.map(({ x, width }) => x + width)) + SIZE.margin,
    height: Math.max(0, ...boxes.map(({ y, height }) => y + height)) + SIZE.margin,
  };
}

const DIRECTIONS: Readonly<Record<string, { readonly dx: number; readonly dy: number }>> = {
  ArrowLeft: { dx: -1, dy: 0 },
  ArrowRight: { dx: 1, dy: 0 },
  ArrowUp: { dx: 0, dy: -1 },
  ArrowDown: { dx: 0, dy: 1 },
};

/** The nearest node in a direction, for arrow keys; null at the edge. */
export function neighbour({ nodes }: MapLayout, from: PlacedNode, key: string): PlacedNode | null {
  const { dx, dy } = DIRECTIONS[key] ?? { dx: 0, dy: 0 };
  let best: PlacedNode | null = null;
  let least = Number.POSITIVE_INFINITY;
  for (const other of nodes.values()) {
    const along = (other.x - from.x) * dx + (other.y - from.y) * dy;
    if (along <= 0) continue;
    const across = Math.abs((other.x - from.x) * dy) + Math.abs((other.y - from.y) * dx);
    const distance = along + 3 * across;
    if (distance >= least) continue;
    least = distance;
    best = other;
  }
  return best;
}

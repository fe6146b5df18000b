import { describe, expect, it } from 'vitest';
import { type Box, layOut, type MapLayout, neighbour, type PlacedNode, SIZE } from '../../src/ui/map/layout.ts';
import { isDropped, type MapEdge, type MapNode, nodeName } from '../../src/ui/map/words.ts';

const node = (id: string, more: Partial<MapNode> = {}): MapNode => {
  const [namespace = '', name = ''] = id.split('/');
  return {
    id,
    kind: namespace === '' ? 'name' : 'workload',
    namespace,
    name,
    workload_kind: namespace === '' ? '' : 'Deployment',
    pods: [],
    more_pods: 0,
    count: 1,
    ...more,
  };
};
const none = { connections: 0, flows: 0, dropped: 0 };
const edge = (from: string, to: string, more: Partial<MapEdge> = {}): MapEdge => ({
  from,
  to,
  protocol: 'TCP',
  port: 443,
  ports: 1,
  l7: [],
  connections: 1,
  flows: 1,
  verdicts: { FORWARDED: 1 },
  drop_reason: '',
  rates: { '1m': none, '5m': none, '60m': none },
  first_seen: '2026-01-01T00:00:00Z',
  last_seen: '2026-01-01T00:00:00Z',
  processes: [],
  server_processes: [],
  more_processes: false,
  ...more,
});
const SHOP = {
  nodes: [node('shop/web'), node('shop/api'), node('data/db'), node('/pay.example'), node('/scanner')],
  edges: [
    edge('/scanner', 'shop/web'),
    edge('shop/web', 'shop/api'),
    edge('shop/api', 'data/db', { port: 5432 }),
    edge('shop/api', '/pay.example'),
    edge('shop/api', '/pay.example', { port: 80 }),
  ],
};
const apart = (a: Box, b: Box): boolean =>
  a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;

/** Every node in its box, and nothing on top of anything. */
function expectTidy({ nodes, boxes }: MapLayout): void {
  const all = [...nodes.values()];
  for (const placed of all) {
    const box = boxes.find(({ key }) => key === placed.box) as Box;
    expect(placed.x).toBeGreaterThanOrEqual(box.x);
    expect(placed.y).toBeGreaterThanOrEqual(box.y + SIZE.head);
    expect(placed.x + placed.width).toBeLessThanOrEqual(box.x + box.width);
    expect(placed.y + placed.height).toBeLessThanOrEqual(box.y + box.height);
  }
  for (const [n, a] of all.entries())
    for (const b of all.slice(n + 1))
      expect(apart({ ...a, key: '', title: '' }, { ...b, key: '', title: '' }), `${a.node.id} ${b.node.id}`).toBe(true);
  for (const [n, a] of boxes.entries())
    for (const b of boxes.slice(n + 1)) expect(apart(a, b), `${a.key} ${b.key}`).toBe(true);
}

describe('the layout of the service map', () => {
  it('reads from who asks to who answers, a box for each namespace', () => {
    const layout = layOut(SHOP, null);
    expectTidy(layout);
    const x = (id: string): number => layout.nodes.get(id)?.x ?? Number.NaN;
    const order = ['/scanner', 'shop/web', 'shop/api', 'data/db'].map(x);
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(new Set(order).size).toBe(4);
    expect(x('/pay.example')).toBeGreaterThan(x('shop/api'));
    expect(layout.boxes.map(({ title }) => title).sort()).toEqual(['data', 'outside', 'outside, asking in', 'shop']);
    expect(layout.lines.find(({ to }) => to.node.id === '/pay.example')?.edges).toHaveLength(2);
  });

  it('leaves everything where it is when something comes', () => {
    const before = layOut(SHOP, null);
    const nodes = [...SHOP.nodes, node('shop/new'), node('data/new'), node('late/app'), node('/new.example')];
    const edges = [...SHOP.edges, edge('shop/new', 'data/new'), edge('late/app', '/new.example')];
    const after = layOut({ nodes, edges }, before);
    expectTidy(after);
    for (const { node: each, x } of before.nodes.values()) expect(after.nodes.get(each.id)?.x).toBe(x);
    expect(after.nodes.get('shop/web')).toMatchObject({ y: before.nodes.get('shop/web')?.y });
    // What is the same is the same; what went away makes no difference to the rest.
    expect(layOut(SHOP, before).nodes).toEqual(before.nodes);
    const less = layOut({ nodes: SHOP.nodes.slice(1, 4), edges: [] }, before);
    expect(less.nodes.get('data/db')).toEqual(before.nodes.get('data/db'));
    expect(less.boxes.map(({ key }) => key)).not.toContain('asking');
  });

  it('is arranged as a whole once most of it is new', () => {
    const first = { nodes: SHOP.nodes.slice(0, 2), edges: SHOP.edges.slice(1, 2) };
    expect(layOut(SHOP, layOut(first, null))).toEqual(layOut(SHOP, null));
  });

  it('leads lines past what stands between their ends', () => {
    // The namespace's own store stands on the way out of it.
    const names = ['shop/api', 'shop/web', 'shop/job'];
    const edges = names.flatMap(name => [edge(name, 'shop/store'), edge(name, '/pay.example')]);
    const { lines, nodes } = layOut(
      { nodes: [...names, 'shop/store', '/pay.example'].map(id => node(id)), edges },
      null,
    );
    const store = nodes.get('shop/store') as PlacedNode;
    const out = lines.filter(({ to }) => to.node.id === '/pay.example');
    expect(out).toHaveLength(names.length);
    for (const { bends, from } of out) {
      // Each goes over the store, below it, or stood clear of it anyway.
      const y = from.y + from.height / 2;
      const isClear = y < store.y || y > store.y + store.height;
      expect(bends.length > 0 || isClear, from.node.id).toBe(true);
      for (const bend of bends) expect(bend.y < store.y || bend.y > store.y + store.height).toBe(true);
    }
    expect(out.some(({ bends }) => bends.length > 0)).toBe(true);
    for (const { bends } of lines.filter(({ to }) => to.node.id === 'shop/store')) expect(bends).toEqual([]);
  });

  it('stays tidy with hundreds of ends', () => {
    const nodes = Array.from({ length: 200 }, (_, n) => node(n % 3 === 0 ? `/name-${n}` : `team-${n % 7}/app-${n}`));
    const edges = nodes.map(({ id }, n) => edge(id, nodes[(n * 37 + 11) % nodes.length]?.id ?? ''));
    expectTidy(layOut({ nodes, edges }, null));
  });

  it('goes from node to node by arrows', () => {
    const layout = layOut(SHOP, null);
    const web = layout.nodes.get('shop/web');
    if (web === undefined) throw new Error('no web');
    expect(neighbour(layout, web, 'ArrowRight')?.node.id).toBe('shop/api');
    expect(neighbour(layout, web, 'ArrowLeft')?.node.id).toBe('/scanner');
    expect(neighbour(layout, web, 'Tab')).toBeNull();
  });

  it('calls a drop what was dropped lately, or always', () => {
    const dropped = { ...none, dropped: 0.2 };
    expect(isDropped(edge('a', 'b', { verdicts: { FORWARDED: 90, DROPPED: 3 }, flows: 93 }))).toBe(false);
    expect(isDropped(edge('a', 'b', { rates: { '1m': none, '5m': none, '60m': dropped } }))).toBe(true);
    expect(isDropped(edge('a', 'b', { verdicts: { DROPPED: 3 }, flows: 3 }))).toBe(true);
  });

  it('shows what cannot be seen', () => {
    expect(nodeName(node('/\u202egnp.exe'))).toBe('\\u202egnp.exe');
  });
});

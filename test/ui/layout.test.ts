/** Where everything of the picture stands, and how keys go through it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PictureView, TreeView } from '../../src/api/contract.ts';
import { buildPicture } from '../../src/api/picture/build.ts';
import { atOnce } from '../../src/api/picture/slices.ts';
import { podPicture } from '../../src/api/picture/subjects.ts';
import { indexOf, step, typedAhead } from '../../src/ui/picture/keys.ts';
import { layOut } from '../../src/ui/picture/layout.ts';
import { pathOf } from '../../src/ui/picture/routes.ts';
import { SIZE } from '../../src/ui/picture/size.ts';
import type { Layout } from '../../src/ui/picture/types.ts';
import { rowAge, rowLabel } from '../../src/ui/picture/words.ts';
import { liveContext, makeAlert, storedProcess } from '../api/support.ts';
import { at, connection, end, onHost, process, tree } from './trees.ts';

const picture = (trees: TreeView[], show: string[] = [], marked: string[] = []): PictureView =>
  buildPicture({
    trees,
    show,
    gaps: [],
    since: '',
    identities: new Map([['shop/cart-0', { cluster: 'prod', workload: 'StatefulSet/cart' }]]),
    alerts: marked.map((id, n) => ({ ...makeAlert(n, { process: storedProcess(id) }), flows: [] })),
  });
const draw = (trees: TreeView[], show: string[] = []): Layout => layOut(picture(trees, show));
const rows = (layout: Layout) => layout.groups.flatMap(group => group.rows);

/** A layout for people to read: its golden form. */
function written({ groups, ends, links, width, height }: Layout): string {
  const px = (...numbers: number[]): string => numbers.map(n => Math.round(n)).join(',');
  const names = new Map(groups.flatMap(group => group.rows.map(row => [row.key, row.name] as const)));
  return [
    `picture ${px(width, height)}`,
    ...groups.flatMap(group => [
      `tree ${px(group.x, group.y, group.width, group.height)} ${group.name} | ${group.subtitle}`,
      ...group.rows.map(row =>
        `  ${px(row.x, row.y)} ${row.kind} ${row.name} ${row.text} ${rowAge(row)}${row.late ? ' late' : ''}`.trimEnd(),
      ),
    ]),
    ...ends.map(each => `to ${px(each.x, each.y, each.width)} ${each.name} | ${each.subtitle}`),
    ...links.map(
      link =>
        `line ${px(link.x1, link.y1, link.x2, link.y2)} ${names.get(link.from) ?? link.from} → ${link.to} ${link.attribution} ${link.flows}`,
    ),
    '',
  ].join('\n');
}

describe('the layout of the picture', () => {
  it('draws the recorded break-in as it did before', async () => {
    const live = liveContext();
    const pod = live.pod('tenant-jobs', 'crawler-556db57cd7-tkvfd');
    if (pod === null) throw new Error('the recording has no crawler');
    const layout = layOut(atOnce(podPicture(pod, [], { live, scope: null, gaps: [], show: [] })));
    await expect(written(layout)).toMatchFileSnapshot('../golden/picture/lateral-movement.txt');
  });

  it('draws what is folded, late, dropped, unattributed and reached as it did before', async () => {
    const curls = Array.from({ length: 42 }, (_, n) =>
      process(`curl-${n}`, 2, {
        binary: '/usr/bin/curl',
        arguments: `http://x/${n}`,
        start_time: at(n),
        connections: [connection(`curl-${n}`, end('192.0.2.1', 80))],
      }),
    );
    const scan = Array.from({ length: 20 }, (_, n) =>
      connection('nmap', end(`10.1.2.${n}`, 22), { verdict: n % 2 === 0 ? 'DROPPED' : 'FORWARDED' }),
    );
    const shell = process('sh', 2, {
      start_time: at(7_200),
      connections: [
        connection('sh', end('10.0.0.2', 3306, { pod: 'shop/db-0', kind: 'pod' }), { server_exec_id: 'mysqld' }),
        connection('sh', end('198.51.100.66', 4444), { attribution: 'inferred' }),
      ],
    });
    const trees = [
      tree(
        [
          onHost('shim', 0),
          process('node', 1),
          ...curls,
          process('nmap', 2, { connections: scan }),
          shell,
          process('id', 3, { start_time: at(7_201) }),
        ],
        [connection(null, end('10.0.0.53', 53, { names: ['dns.example'] }), { protocol: 'UDP' })],
      ),
      tree([process('mysqld', 0, { pod: 'shop/db-0', container: null })]),
    ];
    await expect(written(layOut(picture(trees, [], ['sh'])))).toMatchFileSnapshot('../golden/picture/everything.txt');
  });

  it('stands a reached pod to the right, and leads the line to the process there', () => {
    const reached = process('mysqld', 0, { pod: 'shop/db-0', container: null });
    const target = end('10.0.0.2', 3306, { pod: 'shop/db-0', kind: 'pod' });
    const own = process('a', 0, { connections: [connection('a', target, { server_exec_id: 'mysqld' })] });
    const { groups, links } = draw([tree([own]), tree([reached])]);
    expect(groups.map(group => [group.name, group.column])).toEqual([
      ['shop/cart-0', 0],
      ['shop/db-0', 1],
    ]);
    expect(links[0]?.x2).toBeGreaterThan(links[0]?.x1 ?? Number.NaN);
  });

  it('heads a tree with what Kubernetes calls it', () => {
    const [group] = draw([tree([process('a', 0)])]).groups;
    expect(group?.subtitle).toBe('StatefulSet/cart · cart · cart:1 · node node-1 · cluster prod');
  });

  it('says what is late, and shows control characters and reversals as their codes', () => {
    const late = process('sh', 1, { start_time: at(600), arguments: 'a\u202eb\u001b[31m\nc' });
    const [, row] = rows(draw([tree([process('node', 0), late])]));
    expect(row?.text).toBe('a\\u202eb\\u001b[31m\\nc');
    expect(row && rowLabel(row)).toContain('10 min after the container started, late');
  });

  it('gives no two rows a place, no two boxes the same ground, and every line two ends', () => {
    const shape = fc.array(
      fc.record({
        up: fc.nat(3),
        name: fc.constantFrom('sh', 'curl', 'id'),
        text: fc.string({ unit: 'binary', maxLength: 6 }),
        pod: fc.constantFrom(null, 'a/x', 'a/y'),
        to: fc.constantFrom(null, '192.0.2.1', '192.0.2.2', 'a/y'),
      }),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(shape, drawn => {
        let depth = -1;
        const processes = drawn.map(({ up, name, text, pod, to }, n) => {
          depth = Math.max(0, depth + 1 - up);
          const target = to === null ? [] : [connection(`p${n}`, end(to, 80, { pod: to.includes('/') ? to : null }))];
          return process(`p${n}`, depth, { binary: name, arguments: text, pod, connections: target });
        });
        const layout = draw([tree(processes)]);
        for (const group of layout.groups) {
          expect(new Set(group.rows.map(row => row.y)).size).toBe(group.rows.length);
        }
        const boxes = [...layout.groups, ...layout.ends.map(each => ({ ...each, height: SIZE.destination - 2 }))];
        for (const [n, a] of boxes.entries()) {
          for (const b of boxes.slice(n + 1)) {
            if (a.column === b.column) expect(a.y + a.height <= b.y || b.y + b.height <= a.y).toBe(true);
          }
        }
        for (const link of layout.links) {
          for (const value of [link.x1, link.y1, link.x2, link.y2]) expect(Number.isFinite(value)).toBe(true);
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('the lines of the picture', () => {
  const digs = Array.from({ length: 30 }, (_, n) =>
    process(`dig-${String.fromCharCode(97 + n)}`, 1, {
      connections: [
        connection(`dig-${String.fromCharCode(97 + n)}`, end('10.96.0.10', 53), { protocol: 'UDP' }),
        connection(`dig-${String.fromCharCode(97 + n)}`, end(`192.0.${n}.1`, 443)),
      ],
    }),
  );
  const evidence = digs[7]?.connections[0];
  if (evidence === undefined) throw new Error('nothing to mark');
  const flow = { ...evidence, time: at(1), exec_id: 'dig-h' };
  const { groups, ends, links } = layOut(
    buildPicture({
      trees: [tree([process('sh', 0), ...digs])],
      show: [],
      gaps: [],
      since: '',
      identities: new Map(),
      alerts: [{ ...makeAlert(1, { process: storedProcess('dig-h') }), flows: [flow] }],
    }),
  );

  it('share lane and arrival when they look the same and lead to one place', () => {
    const shared = links.filter(({ to, mark }) => to === 'end to 10.96.0.10' && mark === null);
    expect(shared.length).toBe(29);
    expect(new Set(shared.map(({ lane, y2 }) => `${lane} ${y2}`)).size).toBe(1);
    const [marked, ...others] = links.filter(({ mark }) => mark !== null);
    expect(others).toEqual([]);
    expect([marked?.lane, marked?.y2]).not.toEqual([shared[0]?.lane, shared[0]?.y2]);
    // Above all others.
    expect(links.at(-1)).toBe(marked);
  });

  it('run between the columns, their numbers beside their rows', () => {
    const right = Math.max(...groups.map(({ x, width }) => x + width));
    const left = Math.min(...ends.map(({ x }) => x));
    for (const { lane, tag, mark } of links) {
      expect(lane).toBeGreaterThan(right);
      expect(lane).toBeLessThan(left);
      if (mark !== null) expect(tag - right).toBeLessThan(30);
    }
  });

  it('end in an arrow at whoever was reached, or in a cross', () => {
    const link = links[0];
    if (link === undefined) throw new Error('no line');
    expect(pathOf(link)).toMatch(new RegExp(`M${link.x2} ${link.y2}l-7 -4`));
    expect(pathOf({ ...link, inbound: true })).toMatch(new RegExp(`M${link.x1} ${link.y1}l7 -4`));
    expect(pathOf({ ...link, dropped: true })).toMatch(/l10 10m0 -10l-10 10$/);
  });
});

describe('the keys of the picture', () => {
  const index = indexOf(draw([tree([process('node', 0), process('sh', 1), process('id', 2), process('curl', 1)])]));
  const names = index.items.map(({ name }) => name);
  const from = (name: string, key: string): string | null => {
    const next = step(key, names.indexOf(name), index);
    return typeof next === 'number' ? (names[next] ?? null) : next;
  };

  it('go through the tree as trees do', () => {
    expect(names).toEqual(['shop/cart-0', 'node', 'sh', 'id', 'curl']);
    expect(from('node', 'ArrowDown')).toBe('sh');
    expect(from('shop/cart-0', 'ArrowUp')).toBe('shop/cart-0');
    expect(from('node', 'ArrowRight')).toBe('sh');
    expect(from('id', 'ArrowRight')).toBe('id');
    expect(from('id', 'ArrowLeft')).toBe('sh');
    expect(from('sh', 'ArrowLeft')).toBe('toggle');
    expect(from('sh', 'Home')).toBe('shop/cart-0');
    expect(from('sh', 'End')).toBe('curl');
    expect(from('sh', 'x')).toBe(null);
  });

  it('find what begins with the letters typed, and go around', () => {
    const typed = (text: string, name: string): string =>
      names[typedAhead(text, names.indexOf(name), index) ?? -1] ?? '';
    expect(typed('c', 'node')).toBe('curl');
    expect(typed('s', 'curl')).toBe('shop/cart-0');
    expect(typed('s', 'shop/cart-0')).toBe('sh');
    expect(typed('sho', 'sh')).toBe('shop/cart-0');
    expect(typed('z', 'node')).toBe('');
  });
});

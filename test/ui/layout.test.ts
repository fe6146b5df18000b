/** Where everything of the picture stands. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TreeView } from '../../src/api/contract.ts';
import { podTree } from '../../src/api/tree.ts';
import { layOut, rowLabel } from '../../src/ui/picture/layout.ts';
import { marksOf } from '../../src/ui/picture/marks.ts';
import type { Layout, Marks } from '../../src/ui/picture/types.ts';
import { liveContext, makeAlert, storedProcess } from '../api/support.ts';
import { at, connection, end, onHost, process, tree } from './trees.ts';

const NO_MARKS: Marks = { processes: new Map(), connections: new Map() };
const draw = (trees: TreeView[], marks = NO_MARKS, ...toggled: string[]): Layout =>
  layOut({ trees, marks, toggled: new Set(toggled) });
const rows = (layout: Layout) => layout.groups.flatMap(group => group.rows);
const names = (layout: Layout): string[] => rows(layout).map(row => `${' '.repeat(row.depth)}${row.name}`);

/** A layout for people to read: its golden form. */
function written({ groups, destinations, edges, width, height }: Layout): string {
  const px = (...numbers: number[]): string => numbers.map(n => Math.round(n)).join(',');
  return [
    `picture ${px(width, height)}`,
    ...groups.flatMap(group => [
      `tree ${px(group.x, group.y, group.width, group.height)} ${group.title} | ${group.subtitle}`,
      ...group.rows.map(row =>
        `  ${px(row.x, row.y)} ${row.kind} ${row.name} ${row.text}${row.late ? ' late' : ''}`.trimEnd(),
      ),
    ]),
    ...destinations.map(each => `to ${px(each.x, each.y, each.width)} ${each.title} | ${each.subtitle}`),
    ...edges.map(edge => {
      const from = rows({ groups } as Layout).find(row => row.key === edge.from)?.name ?? edge.from;
      return `line ${px(edge.x1, edge.y1, edge.x2, edge.y2)} ${from} → ${edge.to} ${edge.attribution} ${edge.flows}`;
    }),
    '',
  ].join('\n');
}

describe('the layout of the picture', () => {
  it('draws the recorded break-in as it did before', async () => {
    const pod = liveContext().pod('tenant-jobs', 'crawler-556db57cd7-tkvfd');
    if (pod === null) throw new Error('the recording has no crawler');
    const layout = draw([podTree(pod, null, 5_000)]);
    await expect(written(layout)).toMatchFileSnapshot('../golden/picture/lateral-movement.txt');
    expect(layout).toEqual(draw([podTree(pod, null, 5_000)]));
  });

  it('folds what the host runs above a container, and opens it', () => {
    const trees = [tree([onHost('systemd', 0), onHost('shim', 1), process('node', 2)])];
    expect(names(draw(trees))).toEqual(['host', ' node']);
    expect(rows(draw(trees))[0]?.text).toBe('systemd › shim');
    expect(names(draw(trees, NO_MARKS, 'host shim'))).toEqual(['host', ' systemd', '  shim', ' node']);
  });

  it('shows a host process by itself when it is evidence', () => {
    const layout = draw(
      [tree([onHost('systemd', 0), onHost('sshd', 1), onHost('quiet', 1)])],
      marksOf([makeAlert(1, { process: storedProcess('sshd'), namespace: null })]),
    );
    expect(layout.groups.map(group => [group.isHost, group.title])).toEqual([[true, 'node-1']]);
    expect(names(layout)).toEqual(['systemd', ' sshd']);
  });

  it('folds siblings that say the same but for numbers, never evidence', () => {
    const curls = Array.from({ length: 5 }, (_, n) =>
      process(`curl-${n}`, 1, { binary: '/usr/bin/curl', arguments: `http://x/${n}` }),
    );
    const trees = [tree([process('node', 0), ...curls, process('id', 1)])];
    const folded = draw(trees);
    expect(names(folded)).toEqual(['node', ' 5 × curl', ' id']);
    expect(rows(folded)[1]?.hidden).toBe(5);
    const open = draw(trees, NO_MARKS, 'fold curl-0');
    expect(names(open)).toEqual(['node', ' 5 × curl', ...curls.map(() => '  curl'), ' id']);
    const marked = draw(trees, marksOf([makeAlert(1, { process: storedProcess('curl-3') })]));
    expect(names(marked)).toEqual(['node', ' 4 × curl', ' curl', ' id']);
  });

  it('leads connections of what is folded from the fold', () => {
    const same = Array.from({ length: 3 }, (_, n) =>
      process(`c${n}`, 1, { binary: '/bin/c', connections: [connection(`c${n}`, end('192.0.2.1', 80))] }),
    );
    const { edges, destinations } = draw([tree([process('node', 0), ...same])]);
    expect(edges.map(({ from, to, flows }) => ({ from, to, flows }))).toEqual([
      { from: 'fold c0', to: 'end 192.0.2.1', flows: 3 },
    ]);
    expect(destinations).toHaveLength(1);
  });

  it('hides what stands below a closed row, evidence excepted', () => {
    const trees = [tree([process('node', 0), process('sh', 1), process('id', 2)])];
    expect(names(draw(trees, NO_MARKS, 'sh'))).toEqual(['node', ' sh']);
    const marks = marksOf([makeAlert(1, { process: storedProcess('id') })]);
    expect(names(draw(trees, marks, 'sh'))).toEqual(['node', ' sh', '  id']);
  });

  it('draws one node for one destination, with its ports', () => {
    const connections = [443, 443, 80].map(port => connection('a', end('192.0.2.1', port, { names: ['x.example'] })));
    const { destinations } = draw([tree([process('a', 0, { connections })])]);
    expect(destinations.map(({ title, subtitle }) => [title, subtitle])).toEqual([['x.example', 'TCP 443, 80']]);
  });

  it('tells drops from what went through, and who opened a connection', () => {
    const dropped = connection('a', end('192.0.2.1', 80), { verdict: 'DROPPED' });
    const inbound = connection(null, end('10.0.0.1', 80, { pod: 'shop/cart-0', kind: 'pod' }), {
      source: end('203.0.113.9', 5_555),
      server_exec_id: 'a',
    });
    const { edges } = draw([tree([process('a', 0, { connections: [dropped, inbound] })])]);
    expect(edges.map(edge => [edge.to, edge.isDropped, edge.isInbound])).toEqual([
      ['end 192.0.2.1', true, false],
      ['end 203.0.113.9', false, true],
    ]);
  });

  it('draws connections without a process from the pod', () => {
    const { edges } = draw([tree([process('a', 0)], [connection(null, end('192.0.2.1', 53))])]);
    expect(edges.map(({ from, attribution }) => [from, attribution])).toEqual([['group shop/cart-0', 'pod']]);
  });

  it('stands a reached pod to the right, and leads the line to the process there', () => {
    const reached = process('mysqld', 0, { pod: 'shop/db-0', container: null });
    const target = end('10.0.0.2', 3306, { pod: 'shop/db-0', kind: 'pod' });
    const own = process('a', 0, { connections: [connection('a', target, { server_exec_id: 'mysqld' })] });
    const { groups, edges, destinations } = draw([tree([own]), tree([reached])]);
    expect(groups.map(group => [group.title, group.column])).toEqual([
      ['shop/cart-0', 0],
      ['shop/db-0', 1],
    ]);
    expect(edges[0]).toMatchObject({ from: 'a', to: 'mysqld' });
    expect(destinations).toEqual([]);
  });

  it('numbers evidence in the order of time, without holes', () => {
    const alerts = [
      makeAlert(3, { process: storedProcess('b') }),
      makeAlert(1, { process: storedProcess('a') }),
      makeAlert(2, { process: storedProcess('not-drawn') }),
    ];
    const layout = draw([tree([process('a', 0), process('b', 1)])], marksOf(alerts));
    expect(rows(layout).map(row => row.mark?.step)).toEqual([1, 2]);
  });

  it('says what is late, and shows control characters and reversals as their codes', () => {
    const late = process('sh', 1, { start_time: at(600), arguments: 'a\u202eb\u001b[31m\nc' });
    const [, row] = rows(draw([tree([process('node', 0), late])]));
    expect(row?.late).toBe(true);
    expect(row?.text).toBe('a\\u202eb\\u001b[31m\\nc');
    expect(row && rowLabel(row)).toContain('10 min after the container started, late');
  });

  it('bears trees deeper than any stack', () => {
    const deep = Array.from({ length: 20_000 }, (_, n) => process(`p${n}`, n));
    expect(rows(draw([tree(deep)]))).toHaveLength(20_000);
  });

  it('gives every process a row, no two rows a place, and every line two ends', () => {
    const shape = fc.array(
      fc.record({
        up: fc.nat(3),
        name: fc.constantFrom('sh', 'curl', 'id'),
        text: fc.string({ unit: 'binary', maxLength: 6 }),
        pod: fc.constantFrom(null, 'a/x', 'a/y'),
        to: fc.constantFrom(null, '192.0.2.1', '192.0.2.2', 'a/y'),
        isMarked: fc.boolean(),
      }),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(shape, fc.array(fc.nat(40), { maxLength: 5 }), (drawn, opened) => {
        let depth = -1;
        const processes = drawn.map(({ up, name, text, pod, to }, n) => {
          depth = Math.max(0, depth + 1 - up);
          const target = to === null ? [] : [connection(`p${n}`, end(to, 80, { pod: to.includes('/') ? to : null }))];
          return process(`p${n}`, depth, { binary: name, arguments: text, pod, connections: target });
        });
        const marked = drawn.flatMap(({ isMarked }, n) =>
          isMarked ? [makeAlert(n, { process: storedProcess(`p${n}`) })] : [],
        );
        const toggled = opened.flatMap(n => [`p${n}`, `fold p${n}`, `host p${n}`]);
        const layout = draw([tree(processes)], marksOf(marked), ...toggled);
        const shown = rows(layout).flatMap(row => (row.kind === 'process' ? row.members : []));
        for (const [n, { isMarked }] of drawn.entries()) {
          if (isMarked) expect(shown.some(({ exec_id }) => exec_id === `p${n}`)).toBe(true);
        }
        for (const group of layout.groups) {
          expect(new Set(group.rows.map(row => row.y)).size).toBe(group.rows.length);
        }
        const boxes = [...layout.groups, ...layout.destinations.map(each => ({ ...each, height: 38 }))];
        for (const [n, a] of boxes.entries()) {
          for (const b of boxes.slice(n + 1)) {
            if (a.column === b.column) expect(a.y + a.height <= b.y || b.y + b.height <= a.y).toBe(true);
          }
        }
        for (const edge of layout.edges) {
          for (const value of [edge.x1, edge.y1, edge.x2, edge.y2]) expect(Number.isFinite(value)).toBe(true);
        }
      }),
      { numRuns: 200 },
    );
  });
});

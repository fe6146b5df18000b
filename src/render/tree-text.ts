/** The tree with every process's connections, for a terminal. */
import type { ConnectionView, PodTree, RootTree } from '../context/views.ts';
import { shown } from './alert.ts';
import type { Style } from './style.ts';
import {
  ageText,
  commandText,
  groupConnections,
  groupText,
  isDropped,
  layout,
  startedByText,
  type TreeRow,
} from './tree-layout.ts';

const rail = (row: TreeRow): string =>
  row.rails.length === 0
    ? ''
    : `${row.rails
        .slice(0, -1)
        .map(on => (on ? '│  ' : '   '))
        .join('')}${row.last ? '└─ ' : '├─ '}`;

const below = (row: TreeRow, hasChildren: boolean): string =>
  `${row.rails.map(on => (on ? '│  ' : '   ')).join('')}${hasChildren ? '│  ' : '   '}`;

/** `marks`: what to write behind a process, by exec_id (the rules that fired on it). */
export function rootText(
  root: RootTree,
  style: Style,
  marks: ReadonlyMap<string, string> = new Map(),
  origin = root.tree.process.startTime,
): string {
  const lines: string[] = [];
  const by = startedByText(root);
  if (by !== '') lines.push(style.dim(`started by ${by}`));
  const rows = layout(root);
  rows.forEach((row, index) => {
    const { process } = row;
    const next = rows[index + 1];
    const hasChildren = next !== undefined && next.rails.length > row.rails.length;
    const mark = marks.get(process.execId);
    const facts = [
      `${process.pid}`,
      process.uid === null ? '' : `uid ${process.uid}`,
      ageText(process, origin),
      process.replaces === '' || row.rails.length === 0 ? '' : 'exec over the one above',
      process.execSeen || process.placeholder ? '' : 'fork',
      process.exitSignal === '' ? '' : process.exitSignal,
    ].filter(text => text !== '');
    const folded = row.folded > 0 ? style.dim(` and ${row.folded} more like it`) : '';
    const command = mark === undefined ? commandText(process) : style.bold(style.red(commandText(process)));
    lines.push(
      `${style.dim(rail(row))}${command} ${style.dim(`(${facts.join(', ')})`)}${folded}${mark === undefined ? '' : `  ${style.yellow(`◀ ${shown(mark)}`)}`}`,
    );
    for (const group of row.connections) {
      const text = `→ ${groupText(group)}`;
      lines.push(
        `${style.dim(below(row, hasChildren))}${isDropped(group.verdict) ? style.red(text) : style.cyan(text)}`,
      );
    }
  });
  return lines.join('\n');
}

/** Several trees that belong together, then the connections whose process is not known. */
export function treesText(
  roots: readonly RootTree[],
  unattributed: readonly ConnectionView[],
  omitted: number,
  style: Style,
  marks?: ReadonlyMap<string, string>,
): string {
  // Ages are those since the first process, so that a late shell shows.
  const origin = Math.min(...roots.map(root => root.tree.process.startTime));
  const lines = roots.map(root => rootText(root, style, marks, origin));
  if (unattributed.length > 0) {
    lines.push(style.dim('connections of the pod whose process is not known'));
    for (const group of groupConnections(unattributed)) lines.push(style.cyan(`→ ${groupText(group)}`));
  }
  if (omitted > 0) lines.push(style.dim(`${omitted} more processes are not drawn`));
  return lines.join('\n');
}

export function podText(tree: PodTree, style: Style, marks?: ReadonlyMap<string, string>): string {
  const workload =
    tree.pod === null || tree.pod.workload === '' ? '' : `  ${tree.pod.workloadKind} ${tree.pod.workload}`;
  const head = `${style.bold(shown(`${tree.namespace}/${tree.name}`))}${style.dim(shown(workload))}`;
  return `${head}\n${treesText(tree.roots, tree.unattributed, tree.omitted, style, marks)}`;
}

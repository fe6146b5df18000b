/** Processes by the pod that they ran in, in tree order, with folds: everything about rows but their place. */
import type { TreeProcess, TreeView } from '../../api/contract.ts';
import { baseName, seconds, visible } from '../text.ts';
import type { Marks, Row } from './types.ts';

/** A process that starts this long after its container is nothing that the image does by itself. */
const LATE_SECONDS = 60;
/** So many siblings that say the same stand in one row. */
const FOLD_MIN = 3;

export type RowDraft = Omit<Row, 'x' | 'y' | 'chars'>;

export interface GroupDraft {
  readonly key: string;
  readonly title: string;
  readonly isHost: boolean;
  readonly subtitle: string;
  readonly rows: readonly RowDraft[];
  /** Row in which each process is to be found, visible or folded. */
  readonly rowOf: ReadonlyMap<string, string>;
  /** Earliest mark's step, else infinity. */
  readonly firstStep: number;
}

interface Node {
  readonly process: TreeProcess;
  readonly children: Node[];
}

interface Container {
  readonly key: string;
  readonly roots: Node[];
  /** Host processes above, outermost first. */
  readonly above: TreeProcess[];
}

/** Splits the trees at the borders between host and pods: each pod is a tree of its own. */
function split(trees: readonly TreeView[], marks: Marks): Container[] {
  const containers = new Map<string, Container>();
  const nodes = new Map<string, Node>();
  const hostLeaves = new Set<string>();
  const parents = new Map<string, TreeProcess>();
  for (const { processes } of trees) {
    const path: TreeProcess[] = [];
    for (const process of processes) {
      path.length = Math.min(process.depth, path.length);
      const parent = path.at(-1);
      path.push(process);
      if (nodes.has(process.exec_id)) continue;
      nodes.set(process.exec_id, { process, children: [] });
      if (parent !== undefined) parents.set(process.exec_id, parent);
    }
  }
  for (const { process } of nodes.values()) if (isHostSubject(process, marks)) keepAbove(process, parents, hostLeaves);
  for (const node of nodes.values()) {
    const { process } = node;
    if (process.pod === null && !hostLeaves.has(process.exec_id)) continue;
    const key = process.pod ?? `host ${process.node}`;
    const parent = parents.get(process.exec_id);
    const inside = parent !== undefined && (parent.pod ?? `host ${parent.node}`) === key;
    const above = parent === undefined ? undefined : nodes.get(parent.exec_id);
    if (inside && above !== undefined) {
      above.children.push(node);
      if (containers.has(key)) continue;
    }
    let container = containers.get(key);
    if (container === undefined) {
      container = { key, roots: [], above: process.pod === null ? [] : chainAbove(parent, parents) };
      containers.set(key, container);
    }
    if (!inside) container.roots.push(node);
  }
  return [...containers.values()];
}

/** A host's process stands by itself when it is evidence, or has connections. */
const isHostSubject = ({ pod, exec_id, connections, alerts }: TreeProcess, marks: Marks): boolean =>
  pod === null && (marks.processes.has(exec_id) || alerts.length > 0 || connections.length > 0);

function keepAbove(process: TreeProcess, parents: ReadonlyMap<string, TreeProcess>, kept: Set<string>): void {
  for (let at: TreeProcess | undefined = process; at !== undefined; at = parents.get(at.exec_id)) {
    if (at.pod !== null || kept.has(at.exec_id)) return;
    kept.add(at.exec_id);
  }
}

function chainAbove(parent: TreeProcess | undefined, parents: ReadonlyMap<string, TreeProcess>): TreeProcess[] {
  const chain: TreeProcess[] = [];
  for (let at = parent; at !== undefined && at.pod === null; at = parents.get(at.exec_id)) chain.unshift(at);
  return chain;
}

/** Numbers differ between siblings that say the same. */
const signatureOf = ({ process, children }: Node, memo: Map<Node, string>): string => {
  const own = `${process.binary} ${process.arguments.replace(/\d+/g, '#')}`;
  const below = [...new Set(children.map(child => memo.get(child) ?? ''))].sort();
  return below.length === 0 ? own : `${own} (${below.join('|')})`;
};

interface Facts {
  readonly signature: Map<Node, string>;
  /** Processes below. */
  readonly below: Map<Node, number>;
  readonly marked: Set<Node>;
}

/** Children before parents, without recursion: a hostile tree may be deeper than the stack. */
function factsOf(roots: readonly Node[], marks: Marks): Facts {
  const order: Node[] = [...roots];
  for (let at = 0; at < order.length; at++) order.push(...(order[at]?.children ?? []));
  const facts: Facts = { signature: new Map(), below: new Map(), marked: new Set() };
  for (const node of order.reverse()) {
    facts.below.set(
      node,
      node.children.reduce((sum, child) => sum + 1 + (facts.below.get(child) ?? 0), 0),
    );
    // A long signature is no use for telling siblings apart, and would grow with the square of the depth.
    facts.signature.set(node, signatureOf(node, facts.signature).slice(0, 512));
    if (marks.processes.has(node.process.exec_id) || node.children.some(child => facts.marked.has(child))) {
      facts.marked.add(node);
    }
  }
  return facts;
}

interface Slot {
  readonly nodes: Node[];
  readonly fold: string | null;
  readonly depth: number;
  readonly parent: string | null;
}

/** Siblings in order; those that say the same, and of which none is evidence, together where the first stands. */
function slotsOf(siblings: readonly Node[], depth: number, parent: string | null, facts: Facts): Slot[] {
  const slots = new Map<string, Node[]>();
  for (const node of siblings) {
    const key = facts.marked.has(node) ? `own ${node.process.exec_id}` : (facts.signature.get(node) ?? '');
    const slot = slots.get(key);
    if (slot === undefined) slots.set(key, [node]);
    else slot.push(node);
  }
  return [...slots.values()].flatMap((nodes): Slot[] => {
    const fold = nodes.length >= FOLD_MIN ? `fold ${nodes[0]?.process.exec_id}` : null;
    return fold === null
      ? nodes.map(node => ({ nodes: [node], fold, depth, parent }))
      : [{ nodes, fold, depth, parent }];
  });
}

export function groupsOf(trees: readonly TreeView[], marks: Marks, toggled: ReadonlySet<string>): GroupDraft[] {
  return split(trees, marks).map(container => groupOf(container, marks, toggled));
}

function groupOf({ key, roots, above }: Container, marks: Marks, toggled: ReadonlySet<string>): GroupDraft {
  const facts = factsOf(roots, marks);
  const rows: RowDraft[] = [];
  const rowOf = new Map<string, string>();
  let firstStep = Number.POSITIVE_INFINITY;
  const first = roots[0]?.process;
  const started = startOf(roots);
  const isHost = first?.pod === null;
  const hostKey = `host ${above.at(-1)?.exec_id}`;
  if (above.length > 0) {
    const open = toggled.has(hostKey);
    rows.push({
      ...blank(hostKey, 'host', above, 0, null),
      name: 'host',
      text: above.map(({ binary }) => visible(baseName(binary))).join(' › '),
      expanded: open,
      hidden: open ? 0 : above.length,
    });
    for (const [at, process] of above.entries()) {
      rowOf.set(process.exec_id, open ? process.exec_id : hostKey);
      if (open) rows.push({ ...processRow(process, at + 1, hostKey, UNKNOWN_START), expanded: null });
    }
  }
  const baseDepth = above.length > 0 ? 1 : 0;
  const parent = above.length > 0 ? hostKey : null;
  const stack = slotsOf(roots, baseDepth, parent, facts).reverse();
  for (let slot = stack.pop(); slot !== undefined; slot = stack.pop()) {
    const { nodes, fold, depth } = slot;
    const [node] = nodes;
    if (node === undefined) continue;
    if (fold !== null) {
      const open = toggled.has(fold);
      const { process } = node;
      const inside = nodes.reduce((sum, each) => sum + 1 + (facts.below.get(each) ?? 0), 0);
      rows.push({
        ...blank(
          fold,
          'fold',
          nodes.map(each => each.process),
          depth,
          slot.parent,
        ),
        name: `${nodes.length} × ${visible(baseName(process.binary))}`,
        text: visible(process.arguments),
        expanded: open,
        hidden: open ? 0 : inside,
      });
      if (open) {
        for (const each of [...nodes].reverse())
          stack.push({ nodes: [each], fold: null, depth: depth + 1, parent: fold });
      } else for (const each of nodes) place(each, fold, rowOf);
      continue;
    }
    const { process } = node;
    const mark = marks.processes.get(process.exec_id) ?? null;
    if (mark !== null) firstStep = Math.min(firstStep, mark.step);
    // Evidence is never hidden by a click that hid what was quiet.
    const closed = toggled.has(process.exec_id) && !node.children.some(child => facts.marked.has(child));
    const hidden = closed ? (facts.below.get(node) ?? 0) : 0;
    rows.push({
      ...processRow(process, depth, slot.parent, started),
      mark,
      hidden,
      expanded: node.children.length === 0 ? null : !closed,
    });
    rowOf.set(process.exec_id, process.exec_id);
    if (closed) for (const child of node.children) place(child, process.exec_id, rowOf);
    else stack.push(...slotsOf(node.children, depth + 1, process.exec_id, facts).reverse());
  }
  return {
    key,
    rows,
    rowOf,
    firstStep,
    isHost,
    title: visible(first?.pod ?? first?.node ?? ''),
    subtitle: subtitleOf(roots),
  };
}

function place(node: Node, row: string, rowOf: Map<string, string>): void {
  const queue = [node];
  for (let at = 0; at < queue.length; at++) {
    const each = queue[at] as Node;
    rowOf.set(each.process.exec_id, row);
    queue.push(...each.children);
  }
}

function blank(key: string, kind: Row['kind'], members: TreeProcess[], depth: number, parent: string | null): RowDraft {
  return {
    key,
    kind,
    members,
    depth,
    parent,
    hidden: 0,
    expanded: null,
    name: '',
    text: '',
    age: null,
    late: false,
    mark: null,
  };
}

function processRow(process: TreeProcess, depth: number, parent: string | null, { started, first }: Start): RowDraft {
  const begun = process.start_time === null ? Number.NaN : seconds(process.start_time);
  const age = started === null || Number.isNaN(begun) ? null : begun - started;
  return {
    ...blank(process.exec_id, 'process', [process], depth, parent),
    name: visible(baseName(process.binary)) || '(unknown)',
    text: visible(process.arguments),
    age,
    // The container's own first process is as old as it can be.
    late: age !== null && age >= LATE_SECONDS && begun > (first ?? begun),
  };
}

interface Start {
  /** When the container started, as it says, or else its first process; seconds, null when nothing is known. */
  readonly started: number | null;
  /** When its first process started. */
  readonly first: number | null;
}

const UNKNOWN_START: Start = { started: null, first: null };

const earliest = (times: readonly (string | null)[]): number | null => {
  const known = times.map(time => (time === null ? Number.NaN : seconds(time))).filter(value => !Number.isNaN(value));
  return known.length === 0 ? null : Math.min(...known);
};

function startOf(roots: readonly Node[]): Start {
  const first = earliest(roots.map(({ process }) => process.start_time));
  return { started: earliest(roots.map(({ process }) => process.container?.start_time ?? null)) ?? first, first };
}

function subtitleOf(roots: readonly Node[]): string {
  const containers = new Map<string, string>();
  for (const { process } of roots) {
    const { container } = process;
    if (container !== null) containers.set(container.name, container.image);
  }
  const nodes = new Set(roots.map(({ process }) => process.node).filter(name => name !== ''));
  const parts = [...containers].map(([name, image]) => (image === '' ? name : `${name} · ${image}`));
  return visible([...parts, ...[...nodes].map(name => `node ${name}`)].join(' · '));
}

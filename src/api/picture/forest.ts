/** Processes by the pod that they ran in, each pod a tree of its own, with what every process says of itself. */
import type { TreeView } from '../tree-builder.ts';
import type { TreeProcess } from '../views.ts';
import { LATE_SECONDS } from './limits.ts';
import type { Marks } from './marks.ts';

export interface Node {
  readonly process: TreeProcess;
  readonly children: Node[];
  /** Processes below it. */
  below: number;
  /** Equal for siblings that say the same. */
  says: string;
  /** It is evidence, or leads to what is. */
  isMarked: boolean;
  /** It started late, or leads to what did. */
  isPinned: boolean;
  /** Seconds since its container started; null when either is not known. */
  age: number | null;
  isLate: boolean;
}

export interface Container {
  /** `namespace/name`, or `host <node>`. */
  readonly key: string;
  readonly isHost: boolean;
  /** False for pods that the subject reached. */
  readonly isSubject: boolean;
  readonly roots: Node[];
  /** Host processes above, outermost first. */
  readonly above: TreeProcess[];
  processes: number;
}

/** Splits the trees at the borders between host and pods. The subject's trees come first. */
export function containersOf(trees: readonly TreeView[], marks: Marks): Container[] {
  const containers = new Map<string, Container>();
  const nodes = new Map<string, Node & { readonly isSubject: boolean }>();
  const parents = new Map<string, TreeProcess>();
  for (const [at, { processes }] of trees.entries()) {
    const path: TreeProcess[] = [];
    for (const process of processes) {
      path.length = Math.min(process.depth, path.length);
      const parent = path.at(-1);
      path.push(process);
      if (nodes.has(process.exec_id)) continue;
      nodes.set(process.exec_id, { ...blank(process), isSubject: at === 0 });
      if (parent !== undefined) parents.set(process.exec_id, parent);
    }
  }
  const hosts = new Set<string>();
  for (const { process } of nodes.values()) if (isHostSubject(process, marks)) keepAbove(process, parents, hosts);
  for (const node of nodes.values()) {
    const { process, isSubject } = node;
    if (process.pod === null && !hosts.has(process.exec_id)) continue;
    const key = placeOf(process);
    const parent = parents.get(process.exec_id);
    const inside = parent !== undefined && placeOf(parent) === key;
    if (inside) nodes.get(parent.exec_id)?.children.push(node);
    let container = containers.get(key);
    if (container === undefined) {
      const isHost = process.pod === null;
      const above = isHost ? [] : chainAbove(parent, parents);
      container = { key, isHost, isSubject, roots: [], above, processes: 0 };
      containers.set(key, container);
    }
    container.processes++;
    if (!inside) container.roots.push(node);
  }
  for (const container of containers.values()) judge(container, marks);
  return [...containers.values()];
}

const placeOf = ({ pod, node }: TreeProcess): string => pod ?? `host ${node}`;

function blank(process: TreeProcess): Node {
  return { process, children: [], below: 0, says: '', isMarked: false, isPinned: false, age: null, isLate: false };
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
  for (let at = parent; at !== undefined && at.pod === null; at = parents.get(at.exec_id)) chain.push(at);
  return chain.reverse();
}

/** Seconds since the epoch, or null. */
const begun = (time: string | null): number | null => {
  const ms = time === null ? Number.NaN : Date.parse(time);
  return Number.isNaN(ms) ? null : ms / 1_000;
};

const earliest = (times: readonly (string | null)[]): number | null => {
  let first: number | null = null;
  for (const time of times) {
    const value = begun(time);
    if (value !== null && (first === null || value < first)) first = value;
  }
  return first;
};

/** A long text is no use for telling siblings apart, and would grow with the square of the depth. */
const SAYS_CHARS_MAX = 512;

/** Numbers differ between siblings that say the same. */
function saying({ process, children, isLate }: Node): string {
  const own = `${process.binary} ${process.arguments.slice(0, SAYS_CHARS_MAX).replace(/\d+/g, '#')}${isLate ? ' late' : ''}`;
  const below = [...new Set(children.map(child => child.says))].sort();
  return (below.length === 0 ? own : `${own} (${below.join('|')})`).slice(0, SAYS_CHARS_MAX);
}

/** Children before parents, without recursion: a hostile tree may be deeper than the stack. */
function judge({ roots, isHost }: Container, marks: Marks): void {
  const first = earliest(roots.map(({ process }) => process.start_time));
  const started = earliest(roots.map(({ process }) => process.container?.start_time ?? null)) ?? first;
  const order: Node[] = [...roots];
  for (let at = 0; at < order.length; at++) for (const child of order[at]?.children ?? []) order.push(child);
  for (const node of order.reverse()) {
    const { process, children } = node;
    const start = begun(process.start_time);
    node.age = isHost || started === null || start === null ? null : start - started;
    // The container's own first process is as old as it can be.
    node.isLate = node.age !== null && node.age >= LATE_SECONDS && start !== null && start > (first ?? start);
    node.isMarked = isEvidence(process, marks);
    node.isPinned = node.isLate;
    for (const child of children) {
      node.below += 1 + child.below;
      node.isMarked ||= child.isMarked;
      node.isPinned ||= child.isPinned;
    }
    node.says = saying(node);
  }
}

const isEvidence = ({ exec_id, connections }: TreeProcess, marks: Marks): boolean =>
  marks.processes.has(exec_id) || connections.some(connection => marks.connections.of(connection) !== null);

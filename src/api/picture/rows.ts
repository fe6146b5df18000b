/** Which rows the picture has: siblings that say the same in one, what is left out counted, evidence always. */
import type { TreeProcess } from '../views.ts';
import { cursorOf, type Shown } from './cursors.ts';
import type { Container, Node } from './forest.ts';
import type { PictureLimits } from './limits.ts';
import type { Marks } from './marks.ts';
import type { Row } from './schema.ts';

/** One row that could be: a process, or siblings that say the same. */
interface Slot {
  readonly key: string;
  readonly isFold: boolean;
  readonly nodes: readonly Node[];
  readonly isMarked: boolean;
  readonly isPinned: boolean;
  below: readonly Slot[] | null;
}

export interface GroupRows {
  readonly rows: readonly Row[];
  /** Row in which each process is to be found, visible or folded. */
  readonly rowOf: ReadonlyMap<string, string>;
  /** Processes with a row of their own. */
  readonly shown: number;
}

const groupKey = (key: string): string => `group ${key}`;

const single = (node: Node): Slot => ({
  key: node.process.exec_id,
  isFold: false,
  nodes: [node],
  isMarked: node.isMarked,
  isPinned: node.isPinned,
  below: null,
});

/** Siblings in order; those that say the same, and of which none is evidence, together where the first stands. */
function slotsOf(siblings: readonly Node[], foldMin: number): Slot[] {
  const alike = new Map<string, Node[]>();
  for (const node of siblings) {
    const key = node.isMarked ? `own ${node.process.exec_id}` : node.says;
    const held = alike.get(key);
    if (held === undefined) alike.set(key, [node]);
    else held.push(node);
  }
  return [...alike.values()].flatMap((nodes): Slot[] => {
    if (nodes.length < foldMin) return nodes.map(single);
    const isPinned = nodes.some(node => node.isPinned);
    return [{ key: `fold ${nodes[0]?.process.exec_id}`, isFold: true, nodes, isMarked: false, isPinned, below: null }];
  });
}

function belowOf(slot: Slot, foldMin: number): readonly Slot[] {
  slot.below ??= slot.isFold ? slot.nodes.map(single) : slotsOf(slot.nodes[0]?.children ?? [], foldMin);
  return slot.below;
}

interface Owner {
  readonly key: string;
  readonly isFold: boolean;
  slots(): readonly Slot[];
}

/** Whether a slot gets a row, by what was asked of the row above it: shown, hidden, or nothing. */
type Wanted = (slot: Slot, place: 'asked' | 'closed' | 'free') => boolean;

/** Decides which slots get a row, and writes the rows of each group. */
export class Rows {
  readonly #admitted = new Set<Slot>();
  readonly #roots = new Map<Container, Slot[]>();
  readonly #shown: Shown;
  readonly #limits: PictureLimits;
  readonly #marks: Marks;

  constructor(containers: readonly Container[], marks: Marks, shown: Shown, limits: PictureLimits) {
    this.#shown = shown;
    this.#limits = limits;
    this.#marks = marks;
    for (const container of containers) this.#roots.set(container, slotsOf(container.roots, limits.foldMin));
    const subjects = containers.filter(({ isSubject }) => isSubject);
    const peers = containers.filter(({ isSubject }) => !isSubject);
    const isFree: Wanted = (_, place) => place === 'free';
    this.#admit(containers, slot => slot.isMarked, limits.openedRowsMax);
    this.#admit(subjects, (slot, place) => place !== 'closed' && slot.isPinned, limits.pinnedRowsMax);
    this.#admit(subjects, isFree, limits.rowsMax);
    for (const peer of peers) this.#admit([peer], isFree, this.#admitted.size + limits.peerRowsMax);
    // What is opened comes last: it takes no row from what was there.
    this.#admit(containers, (_, place) => place === 'asked', limits.openedRowsMax);
    this.#admit(subjects, isFree, limits.rowsMax);
  }

  /** Breadth first from the roots, through what has a row, so that what is cut is the deepest. */
  #admit(containers: readonly Container[], wanted: Wanted, max: number): void {
    const queue: Owner[] = containers.map(container => this.#rootOwner(container));
    for (let at = 0; at < queue.length; at++) {
      const owner = queue[at] as Owner;
      const asked = this.#shown.get(owner.key);
      for (const [n, slot] of owner.slots().entries()) {
        if (!this.#admitted.has(slot)) {
          const free = owner.isFold ? 'closed' : 'free';
          const place = asked === undefined ? free : n < asked ? 'asked' : 'closed';
          if (this.#admitted.size >= max || !wanted(slot, place)) continue;
          this.#admitted.add(slot);
        }
        queue.push(this.#owner(slot));
      }
    }
  }

  #rootOwner(container: Container): Owner {
    return { key: groupKey(container.key), isFold: false, slots: () => this.#roots.get(container) ?? [] };
  }

  #owner(slot: Slot): Owner {
    return { key: slot.key, isFold: slot.isFold, slots: () => belowOf(slot, this.#limits.foldMin) };
  }

  of(container: Container): GroupRows {
    const { above } = container;
    const rows: Row[] = [];
    const rowOf = new Map<string, string>();
    const hostKey = above.length === 0 ? null : `host above ${container.key}`;
    if (hostKey !== null) this.#hostRows(hostKey, above, rows);
    let shown = 0;
    const stack: (Row | { slot: Slot; depth: number; parent: string | null })[] = [];
    const push = (owner: Owner, depth: number, parent: string | null): void => {
      const slots = owner.slots();
      const drawn = slots.filter(slot => this.#admitted.has(slot));
      const left = slots.filter(slot => !this.#admitted.has(slot));
      // An owner none of whose children is shown says so itself.
      const isClosed = drawn.length === 0 && parent === owner.key;
      if (left.length > 0 && !isClosed) {
        const more = this.#moreRow(owner, left, drawn.length, depth, parent);
        stack.push(more);
        settle(left, more.key, rowOf);
      } else if (isClosed) settle(left, owner.key, rowOf);
      for (const slot of drawn.reverse()) stack.push({ slot, depth, parent });
    };
    push(this.#rootOwner(container), hostKey === null ? 0 : 1, hostKey);
    for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
      if (!('slot' in top)) {
        rows.push(top);
        continue;
      }
      const { slot, depth, parent } = top;
      rows.push(slot.isFold ? this.#foldRow(slot, depth, parent) : this.#processRow(slot, depth, parent));
      if (!slot.isFold) {
        shown++;
        rowOf.set(slot.key, slot.key);
      }
      push(this.#owner(slot), depth + 1, slot.key);
    }
    return { rows, rowOf, shown };
  }

  #hostRows(key: string, above: readonly TreeProcess[], rows: Row[]): void {
    const isOpen = (this.#shown.get(key) ?? 0) > 0;
    rows.push({
      ...emptyRow(key, 'host', 0, null),
      count: above.length,
      hidden: isOpen ? 0 : above.length,
      expanded: isOpen,
      toggle: cursorOf(isOpen ? 0 : 1, key),
      process: above[0] === undefined ? null : alone(above[0]),
      members: above.slice(-this.#limits.membersMax).map(memberOf),
    });
    if (!isOpen) return;
    for (const [at, process] of above.entries()) {
      const own = emptyRow(`${key} ${process.exec_id}`, 'process', at + 1, key);
      rows.push({ ...own, count: 1, process: alone(process) });
    }
  }

  #processRow(slot: Slot, depth: number, parent: string | null): Row {
    const { process, age, isLate } = slot.nodes[0] as Node;
    return {
      ...emptyRow(slot.key, 'process', depth, parent),
      ...this.#opening(slot),
      count: 1,
      process: alone(process),
      age,
      late: isLate,
      mark: this.#marks.processes.get(process.exec_id) ?? null,
    };
  }

  #foldRow(slot: Slot, depth: number, parent: string | null): Row {
    const { nodes } = slot;
    const [first] = nodes as [Node, ...Node[]];
    const { expanded, hidden, toggle } = this.#opening(slot);
    return {
      ...emptyRow(slot.key, 'fold', depth, parent),
      expanded,
      toggle,
      hidden,
      count: nodes.length,
      process: alone(first.process),
      members: nodes.slice(0, this.#limits.membersMax).map(({ process }) => memberOf(process)),
      last_start: nodes.reduce<string | null>(
        (last, { process: { start_time } }) => (start_time !== null && start_time > (last ?? '') ? start_time : last),
        null,
      ),
      age: first.age,
      late: first.isLate,
    };
  }

  /** Whether what stands below a row is shown, and the cursor that changes it. */
  #opening(slot: Slot): Pick<Row, 'expanded' | 'hidden' | 'toggle'> {
    const slots = belowOf(slot, this.#limits.foldMin);
    if (slots.length === 0) return { expanded: null, hidden: 0, toggle: null };
    const expanded = slots.some(each => this.#admitted.has(each));
    if (!expanded) {
      return { expanded, hidden: sizeOf(slots), toggle: cursorOf(this.#limits.page, slot.key) };
    }
    // Evidence is never hidden by a click that hides what is quiet.
    const closes = slots.some(each => this.#admitted.has(each) && !each.isMarked);
    return { expanded, hidden: 0, toggle: closes ? cursorOf(0, slot.key) : null };
  }

  #moreRow(owner: Owner, left: readonly Slot[], drawn: number, depth: number, parent: string | null): Row {
    const hidden = sizeOf(left);
    return {
      ...emptyRow(`more ${owner.key}`, 'more', depth, parent),
      count: hidden,
      hidden,
      expanded: false,
      toggle: cursorOf((this.#shown.get(owner.key) ?? drawn) + this.#limits.page, owner.key),
      late: left.some(slot => slot.isPinned),
    };
  }
}

/** Processes in slots and below them. */
function sizeOf(slots: readonly Slot[]): number {
  let size = 0;
  for (const { nodes } of slots) for (const { below } of nodes) size += 1 + below;
  return size;
}

/** Everything in the slots and below is to be found in this row. */
function settle(slots: readonly Slot[], row: string, rowOf: Map<string, string>): void {
  const queue = slots.flatMap(({ nodes }) => nodes);
  for (let node = queue.pop(); node !== undefined; node = queue.pop()) {
    rowOf.set(node.process.exec_id, row);
    for (const child of node.children) queue.push(child);
  }
}

function alone({ connections: _, ...process }: TreeProcess): Row['process'] {
  return process;
}

function memberOf({ exec_id, pid, binary, arguments: args, uid, start_time }: TreeProcess): Row['members'][number] {
  return { exec_id, pid, binary, arguments: args, uid, start_time };
}

function emptyRow(key: string, kind: Row['kind'], depth: number, parent: string | null): Row {
  return {
    key,
    kind,
    depth,
    parent,
    count: 0,
    hidden: 0,
    expanded: null,
    toggle: null,
    process: null,
    members: [],
    last_start: null,
    age: null,
    late: false,
    mark: null,
  };
}

/** Collects processes and their connections up to a limit, and puts them in tree order. */
import { z } from 'zod';
import { ancestorsOf, type Process } from '../model/process.ts';
import { sees } from './auth.ts';
import type { Scope } from './deps.ts';
import { type ConnectionView, connectionSchema, processView, type TreeProcess, treeProcessSchema } from './views.ts';

export const treeSchema = z
  .object({
    processes: z.array(treeProcessSchema).describe('in tree order: parents before children, oldest first'),
    pod_connections: z.array(connectionSchema).describe('connections whose process is not known'),
    omitted: z.number().describe('processes left out at the limit, at least; those behind alerts come first'),
  })
  .meta({ id: 'ProcessTree' });

export type TreeView = z.infer<typeof treeSchema>;

/** Two views of one connection: the live one's id holds more than its ends, the stored one's does not. */
const endsOf = ({ protocol, source, destination }: ConnectionView): string =>
  `${protocol} ${source.ip}:${source.port} ${destination.ip}:${destination.port}`;

/** Children, and the image that replaced this one: its parent is this one's. */
function belowOf(process: Process | undefined): Process[] {
  if (process === undefined) return [];
  return process.replacedBy === null ? [...process.children] : [...process.children, process.replacedBy];
}

/** Collects processes up to a limit, then puts them in tree order. */
export class TreeBuilder {
  readonly #nodes = new Map<string, TreeProcess>();
  readonly #loose = new Map<string, ConnectionView>();
  readonly #scope: Scope;
  readonly #processesMax: number;
  #omitted = 0;

  constructor(scope: Scope, processesMax: number) {
    this.#scope = scope;
    this.#processesMax = processesMax;
  }

  /** Adds what nobody knew; false when it was known or there is no room. */
  add(view: TreeProcess): boolean {
    const held = this.#nodes.get(view.exec_id);
    if (held !== undefined) {
      // What only an ancestor list named is completed by the event that told its parent.
      if (held.known !== 'live') held.parent_exec_id ??= view.parent_exec_id;
      if (held.known === 'named' && view.known === 'stored') {
        const { alerts, parent_exec_id, container } = held;
        this.#nodes.set(view.exec_id, { ...view, alerts, parent_exec_id, container, pod: held.pod ?? view.pod });
      }
      return false;
    }
    if (this.#nodes.size >= this.#processesMax) {
      this.#omitted++;
      return false;
    }
    this.#nodes.set(view.exec_id, view);
    return true;
  }

  /** A live process and the chain above it, as far as the caller may see (hosts' processes are part of the ancestry). */
  addLive(process: Process): void {
    for (const each of [process, ...ancestorsOf(process)]) {
      if (each.pod === null || sees(this.#scope, each.pod.namespace)) this.add(processView(each, this.#scope));
    }
  }

  /** Everything below `root`, breadth first, so that the limit cuts the deepest. */
  addDescendants(root: Process): void {
    const queue = [root];
    const seen = new Set(queue);
    for (let at = 0; at < queue.length; at++) {
      for (const child of belowOf(queue[at])) {
        if (seen.has(child) || (child.pod !== null && !sees(this.#scope, child.pod.namespace))) continue;
        seen.add(child);
        if (this.#nodes.size >= this.#processesMax && !this.#nodes.has(child.execId)) {
          this.#omitted++;
          continue;
        }
        this.add(processView(child, this.#scope));
        queue.push(child);
      }
    }
  }

  get(execId: string): TreeProcess | undefined {
    return this.#nodes.get(execId);
  }

  addConnection(view: ConnectionView): void {
    const owner = view.exec_id === null ? undefined : this.#nodes.get(view.exec_id);
    if (owner === undefined) {
      if (!this.#loose.has(endsOf(view))) this.#loose.set(endsOf(view), view);
    } else if (!owner.connections.some(held => endsOf(held) === endsOf(view))) {
      owner.connections.push(view);
    }
  }

  finish(): TreeView {
    return { processes: this.#ordered(), pod_connections: [...this.#loose.values()], omitted: this.#omitted };
  }

  /** What a process stands under: the image that it replaced, else its parent; null for a root. */
  #placeOf({ exec_id, replaces, parent_exec_id }: TreeProcess): string | null {
    return [replaces, parent_exec_id].find(id => id !== null && id !== exec_id && this.#nodes.has(id)) ?? null;
  }

  #ordered(): TreeProcess[] {
    const children = new Map<string | null, TreeProcess[]>();
    for (const node of this.#nodes.values()) {
      const place = this.#placeOf(node);
      const siblings = children.get(place);
      if (siblings === undefined) children.set(place, [node]);
      else siblings.push(node);
    }
    const oldestLast = (a: TreeProcess, b: TreeProcess): number => compare(b.start_time ?? '', a.start_time ?? '');
    const ordered: TreeProcess[] = [];
    const placed = new Set<TreeProcess>();
    const walk = (roots: TreeProcess[]): void => {
      const stack = roots.sort(oldestLast).map(node => ({ node, depth: 0 }));
      for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
        const { node, depth } = top;
        if (placed.has(node)) continue;
        placed.add(node);
        node.depth = depth;
        ordered.push(node);
        for (const child of (children.get(node.exec_id) ?? []).sort(oldestLast))
          stack.push({ node: child, depth: depth + 1 });
      }
    };
    walk(children.get(null) ?? []);
    // Cycles have no root: hostile or broken records still show up, from wherever they are entered.
    for (const node of this.#nodes.values()) if (!placed.has(node)) walk([node]);
    return ordered;
  }
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** What the process table keeps: bounds overall and per pod, and who goes first when one is reached. */
import type { Pod, PodTable } from './pods.ts';
import type { ProcessNode } from './process-node.ts';

export interface ProcessLimits {
  readonly processesMax: number;
  readonly processesPerPodMax: number;
  readonly exitedPerPodMax: number;
}

/** The oldest processes of a pod are what it is (its server, its shells): a flood of new ones does not push them out. */
const FIRST_KEPT = 64;
/** How far a victim is searched for before any will do. */
const SEARCH_MAX = 64;

export class Retention {
  private readonly pods: PodTable;
  private readonly limits: ProcessLimits;
  /** Takes a node out of the table's indexes. */
  private readonly forget: (node: ProcessNode) => void;
  evictedLive = 0;
  evictedExited = 0;

  constructor(pods: PodTable, limits: ProcessLimits, forget: (node: ProcessNode) => void) {
    this.pods = pods;
    this.limits = limits;
    this.forget = forget;
  }

  /** After a node was added to `owner`; `total` counts all nodes, `keep` is the one that the event is about. */
  afterAdd(owner: Pod, keep: ProcessNode, total: number): void {
    if (owner.size > this.limits.processesPerPodMax) this.evictFrom(owner, keep);
    if (total > this.limits.processesMax) this.evictMany(keep, total);
  }

  /** After a process ended and stands in its owner's list of exited ones. */
  afterExit(owner: Pod): void {
    const { exited, kept } = owner;
    while (exited.size > this.limits.exitedPerPodMax) {
      const oldest = exited.first as ProcessNode;
      if (oldest.isLeaf) {
        this.evictExited(oldest);
      } else {
        exited.remove(oldest);
        kept.push(oldest);
      }
    }
  }

  /** A batch, so that the search for those with most is paid once for many. Pods where nothing lives go first. */
  private evictMany(keep: ProcessNode, total: number): void {
    let excess = total - this.limits.processesMax + Math.ceil(this.limits.processesMax / 100);
    let fullest: Pod | null = null;
    for (const pod of this.pods.all()) {
      if (fullest === null || pod.size > fullest.size) fullest = pod;
      if (pod.live.size > 0) continue;
      while (excess > 0 && pod.size > 0) {
        const before = pod.size;
        this.evictFrom(pod, keep);
        if (pod.size === before) break;
        excess -= before - pod.size;
      }
      if (excess <= 0) return;
    }
    while (excess > 0 && fullest !== null && fullest.size > 1) {
      const before = fullest.size;
      this.evictFrom(fullest, keep);
      if (fullest.size === before) return;
      excess -= before - fullest.size;
    }
  }

  /** Exited leaves first, oldest first; then what was kept for its children; then a leaf that runs, but not of the pod's oldest. */
  private evictFrom(owner: Pod, keep: ProcessNode): void {
    let victim = owner.exited.first;
    for (let i = 0; i < SEARCH_MAX && victim !== null && !victim.isLeaf; i++) victim = victim.next;
    victim = victim?.isLeaf === true ? victim : (owner.kept.first ?? owner.exited.first);
    if (victim !== null && victim !== keep) {
      this.evictExited(victim);
      return;
    }
    victim = owner.live.first;
    const skip = Math.min(FIRST_KEPT, owner.live.size >> 1);
    for (let i = 0; i < skip && victim?.next != null; i++) victim = victim.next;
    const any: ProcessNode | null = victim;
    for (let i = 0; i < SEARCH_MAX && victim !== null && (!victim.isLeaf || victim === keep); i++) victim = victim.next;
    victim = victim?.isLeaf === true && victim !== keep ? victim : any === keep ? keep.previous : any;
    if (victim === null) return;
    this.evictedLive++;
    this.forget(victim);
  }

  private evictExited(victim: ProcessNode): void {
    let at: ProcessNode | null = victim;
    while (at !== null) {
      const parent: ProcessNode | null = at.parent;
      this.evictedExited++;
      this.forget(at);
      // Its parent may have been kept for it alone.
      const isSpent: boolean = parent?.isLeaf === true && parent.list !== null && parent.list === parent.owner?.kept;
      at = isSpent ? parent : null;
    }
  }
}

/** The process table: every process that an event named, by exec_id, joined to its parent, its pod and what it became. */
import type { ProcessEvent } from '../model/event.ts';
import { LIMITS } from '../model/limits.ts';
import type { PodFacts, Process, ProcessFacts } from '../model/process.ts';
import { baseName } from '../model/process.ts';
import { MICROS_PER_MS, type Micros } from '../model/time.ts';
import type { Pod, PodTable } from './pods.ts';
import { ProcessNode } from './process-node.ts';

/** A boot scan stamps fork times in ticks of 10 ms, and converts them from another clock than exec times. */
const SCAN_TOLERANCE = 20 * MICROS_PER_MS;

export interface ProcessLimits {
  readonly processesMax: number;
  readonly processesPerPodMax: number;
  readonly exitedPerPodMax: number;
}

export const PROCESS_LIMITS: ProcessLimits = {
  processesMax: LIMITS.processesMax,
  processesPerPodMax: LIMITS.processesPerPodMax,
  exitedPerPodMax: LIMITS.exitedPerPodMax,
};

/** A process of which only the id is known yet. */
function placeholderFacts(execId: string): ProcessFacts {
  return {
    execId,
    parentExecId: '',
    pid: 0,
    uid: null,
    auid: null,
    user: '',
    cwd: '',
    binary: '',
    arguments: '',
    flags: '',
    startTime: 0,
    startNs: 0,
    pod: null,
    docker: '',
    caps: null,
    ns: null,
    credentials: null,
    binaryProperties: null,
    inInitTree: null,
    env: null,
  };
}

/** A block of which the sensor knew pid and start time only. */
function saysNothing(facts: ProcessFacts): boolean {
  return facts.binary === '' || facts.flags.includes('unknown');
}

function isHostNamespaced(facts: ProcessFacts): boolean {
  return facts.ns?.mnt?.isHost === true && facts.ns.pid?.isHost === true;
}

/** `python3` and `python3.11`, `sh` and `sh`: a boot scan names the resolved file, an exec the path as it was called. */
function sameImage(a: ProcessFacts, b: ProcessFacts): boolean {
  const x = baseName(a.binary);
  const y = baseName(b.binary);
  return x === y || (x !== '' && y.startsWith(x)) || (y !== '' && x.startsWith(y));
}

export class ProcessTable {
  private readonly byId = new Map<string, ProcessNode>();
  private readonly byPid = new Map<string, Map<number, ProcessNode>>();
  private readonly aliases = new Map<ProcessNode, string[]>();
  /** First 31 characters of a container id → its pod. */
  private readonly byContainer = new Map<string, PodFacts>();
  private readonly pods: PodTable;
  private readonly limits: ProcessLimits;
  private nodes = 0;
  placeholders = 0;
  evictedLive = 0;
  evictedExited = 0;
  aliased = 0;

  constructor(pods: PodTable, limits: ProcessLimits = PROCESS_LIMITS) {
    this.pods = pods;
    this.limits = limits;
  }

  get size(): number {
    return this.nodes;
  }

  find(execId: string): ProcessNode | null {
    return this.byId.get(execId) ?? null;
  }

  *all(): IterableIterator<Process> {
    for (const [id, node] of this.byId) if (id === node.execId) yield node;
  }

  /** The live process that has a pid of a node now. */
  ofPid(node: string, pid: number): ProcessNode | null {
    return this.byPid.get(node)?.get(pid) ?? null;
  }

  /** Takes in everything that an event says about processes; returns its own. */
  observe(event: ProcessEvent): ProcessNode {
    const { ancestors, parent } = event;
    for (let i = ancestors.length - 1; i >= 0; i--)
      this.upsert(ancestors[i] as ProcessFacts, event.node, event.cluster);
    if (parent !== null) this.upsert(parent, event.node, event.cluster);
    const own = this.upsert(event.process, event.node, event.cluster);
    if (event.time > own.lastSeen) own.lastSeen = event.time;
    if (event.kind === 'process_exec') this.exec(own, event.process);
    else if (event.kind === 'process_exit') this.exit(own, event);
    return own;
  }

  private upsert(facts: ProcessFacts, node: string, cluster: string): ProcessNode {
    const known = this.byId.get(facts.execId);
    if (known !== undefined) {
      if (known.lastFacts !== facts) this.update(known, facts);
      return known;
    }
    return this.create(facts, node, cluster);
  }

  private create(facts: ProcessFacts, node: string, cluster: string): ProcessNode {
    const current = facts.pid > 0 ? this.ofPid(node, facts.pid) : null;
    if (current !== null && this.isSameTask(current, facts)) {
      this.alias(current, facts);
      return current;
    }
    const created = new ProcessNode(facts, node, cluster, false);
    this.add(created);
    this.describe(created);
    this.takePid(created, current);
    this.bound(created);
    return created;
  }

  private add(node: ProcessNode): void {
    this.byId.set(node.execId, node);
    this.nodes++;
    if (node.placeholder) this.placeholders++;
  }

  /** New facts about a known process. */
  private update(node: ProcessNode, facts: ProcessFacts): void {
    node.lastFacts = facts;
    if (node.execId !== facts.execId) {
      // An alias of a restarted agent: what was known before it is better than what it read from /proc.
      if (node.pod === null && facts.pod !== null) this.setPod(node, facts.pod);
      return;
    }
    if (node.placeholder) {
      node.placeholder = false;
      this.placeholders--;
      node.facts = facts;
      this.describe(node);
      this.takePid(node, this.ofPid(node.node, facts.pid));
      for (const child of node.children) this.noteReplacement(child as ProcessNode);
      return;
    }
    // The block of an exec event says most (file properties, environment): later blocks do not replace it.
    if (!node.execSeen && !saysNothing(facts)) node.facts = facts;
    if (node.parent === null) this.linkParent(node, facts.parentExecId);
    if (node.pod === null) this.findPod(node, facts);
    else if (facts.pod !== null && facts.pod !== node.pod && node.facts.pod === null) this.setPod(node, facts.pod);
  }

  private describe(node: ProcessNode): void {
    const facts = node.facts;
    if (facts.flags.includes('procFS')) node.execSeen = true;
    if (facts.pod?.container != null) this.learnContainer(facts, facts.pod);
    this.linkParent(node, facts.parentExecId);
    this.findPod(node, facts);
    this.own(node);
    this.noteReplacement(node);
  }

  private linkParent(node: ProcessNode, parentExecId: string): void {
    if (parentExecId === '' || parentExecId === node.execId) return;
    let parent = this.byId.get(parentExecId);
    if (parent === undefined) {
      parent = new ProcessNode(placeholderFacts(parentExecId), node.node, node.cluster, true);
      this.add(parent);
      this.own(parent);
    }
    for (let at: ProcessNode | null = parent, depth = 0; at !== null; at = at.parent) {
      if (at === node || ++depth > LIMITS.ancestryDepthMax) {
        if (at === node) return;
        break;
      }
    }
    node.parent = parent;
    parent.addChild(node);
  }

  private learnContainer(facts: ProcessFacts, pod: PodFacts): void {
    const id = pod.container?.id ?? '';
    const at = id.indexOf('://');
    const short = facts.docker !== '' ? facts.docker : id.slice(at < 0 ? 0 : at + 3).slice(0, 31);
    if (short !== '') this.byContainer.set(short, pod);
  }

  private findPod(node: ProcessNode, facts: ProcessFacts): void {
    if (facts.pod !== null) {
      this.setPod(node, facts.pod);
      return;
    }
    if (facts.docker !== '') {
      const pod = this.byContainer.get(facts.docker);
      if (pod !== undefined) this.setPod(node, pod);
      return;
    }
    const parent = node.parent;
    if (parent === null || parent.pod === null || isHostNamespaced(facts)) return;
    this.setPod(node, parent.pod);
  }

  private setPod(node: ProcessNode, pod: PodFacts): void {
    if (node.pod === pod) return;
    node.pod = pod;
    if (node.owner !== null) this.own(node);
    for (const each of node.children) {
      const child = each as ProcessNode;
      if (child.pod === null && !child.placeholder) this.findPod(child, child.facts);
    }
  }

  private own(node: ProcessNode): void {
    const owner = node.pod === null ? this.pods.ofHost(node.node) : this.pods.ofFacts(node.pod);
    if (owner === node.owner) return;
    this.disown(node);
    node.owner = owner;
    (node.exitTime === null ? owner.live : owner.exited).push(node);
  }

  private disown(node: ProcessNode): void {
    if (node.owner === null) return;
    (node.exitTime === null ? node.owner.live : node.owner.exited).remove(node);
    node.owner = null;
  }

  /** exec without fork: the parent named is the image that had the same pid. */
  private noteReplacement(node: ProcessNode): void {
    const parent = node.parent;
    if (parent === null || parent.placeholder || node.facts.pid === 0 || parent.facts.pid !== node.facts.pid) return;
    this.replace(parent, node);
  }

  private replace(old: ProcessNode, by: ProcessNode): void {
    if (by.replaced !== null || old === by) return;
    by.replaced = old;
    old.replacedBy = by;
    if (old.exitTime === null) this.end(old, by.facts.startTime);
  }

  /** The process holds its pid now; whoever held it before has ended, or became it. */
  private takePid(node: ProcessNode, before: ProcessNode | null): void {
    const pid = node.facts.pid;
    if (pid <= 0) return;
    let pids = this.byPid.get(node.node);
    if (pids === undefined) {
      pids = new Map();
      this.byPid.set(node.node, pids);
    }
    if (before !== null && before !== node) {
      if (before.facts.startTime > node.facts.startTime) {
        // Told late: it ended before its pid was used again.
        if (node.exitTime === null) this.end(node, before.facts.startTime);
        return;
      }
      if (before.exitTime === null) {
        if (!before.execSeen && before.parent === node.parent) this.replace(before, node);
        else this.end(before, node.facts.startTime);
      }
    }
    if (node.exitTime === null) pids.set(pid, node);
  }

  /**
   * An agent that starts anew names every live process by its fork time in ticks; before, it was named by its exec time. The
   * same pid held from that fork until now is the same task.
   */
  private isSameTask(current: ProcessNode, facts: ProcessFacts): boolean {
    if (current.exitTime !== null || current.placeholder) return false;
    const scanned = facts.flags.includes('procFS');
    const wasScanned = current.facts.flags.includes('procFS');
    if (!scanned && !wasScanned) return false;
    const apart = facts.startTime - current.facts.startTime;
    if (!sameImage(current.facts, facts)) return false;
    if (Math.abs(apart) <= SCAN_TOLERANCE) return true;
    return scanned && apart < 0;
  }

  private alias(node: ProcessNode, facts: ProcessFacts): void {
    this.byId.set(facts.execId, node);
    const names = this.aliases.get(node);
    if (names === undefined) this.aliases.set(node, [facts.execId]);
    else names.push(facts.execId);
    this.aliased++;
    this.update(node, facts);
  }

  private exec(node: ProcessNode, facts: ProcessFacts): void {
    if (node.execSeen && node.facts === facts) return;
    if (node.execId === facts.execId && (!node.execSeen || !saysNothing(facts))) node.facts = facts;
    node.execSeen = true;
  }

  private exit(node: ProcessNode, event: ProcessEvent): void {
    node.exitSignal = event.signal;
    node.exitStatus = event.status;
    if (node.exitTime === null) this.end(node, event.time);
  }

  private end(node: ProcessNode, time: Micros): void {
    const owner = node.owner;
    if (owner !== null) owner.live.remove(node);
    node.exitTime = time;
    if (owner !== null) owner.exited.push(node);
    const pids = this.byPid.get(node.node);
    if (pids?.get(node.facts.pid) === node) pids.delete(node.facts.pid);
    if (owner !== null && owner.exited.size > this.limits.exitedPerPodMax) this.forgetExited(owner);
  }

  private bound(created: ProcessNode): void {
    const owner = created.owner;
    if (owner !== null && owner.size > this.limits.processesPerPodMax) this.evictFrom(owner, created);
    if (this.nodes > this.limits.processesMax) {
      let fullest: Pod | null = null;
      for (const pod of this.pods.owners()) if (fullest === null || pod.size > fullest.size) fullest = pod;
      // A batch, so that the search for the fullest is paid once for many.
      const target = this.limits.processesMax - Math.ceil(this.limits.processesMax / 100);
      while (fullest !== null && this.nodes > target && fullest.size > 1) this.evictFrom(fullest, created);
    }
  }

  /** Exited leaves go first, oldest first; then the oldest that exited; then the oldest leaf that runs. */
  private evictFrom(owner: Pod, keep: ProcessNode): void {
    if (this.forgetExited(owner)) return;
    let victim = owner.live.first;
    for (let tries = 0; victim !== null && tries < 64 && (!victim.isLeaf || victim === keep); tries++)
      victim = victim.next;
    if (victim === null || victim === keep)
      victim = owner.live.first === keep ? owner.live.first.next : owner.live.first;
    if (victim === null) return;
    this.evictedLive++;
    this.remove(victim);
  }

  private forgetExited(owner: Pod): boolean {
    const list = owner.exited;
    let victim = list.first;
    for (let tries = 0; victim !== null && tries < 64; tries++) {
      if (victim.isLeaf) {
        this.evictedExited++;
        this.remove(victim);
        return true;
      }
      // Has descendants: keep it for their ancestry, and look at others first next time.
      list.remove(victim);
      list.push(victim);
      victim = list.first;
    }
    if (victim === null || owner.size <= this.limits.processesPerPodMax) return false;
    this.evictedExited++;
    this.remove(victim);
    return true;
  }

  private remove(node: ProcessNode): void {
    node.evicted = true;
    this.disown(node);
    this.byId.delete(node.execId);
    for (const name of this.aliases.get(node) ?? []) this.byId.delete(name);
    this.aliases.delete(node);
    const pids = this.byPid.get(node.node);
    if (pids?.get(node.facts.pid) === node) pids.delete(node.facts.pid);
    this.nodes--;
    if (node.placeholder) this.placeholders--;
    node.parent?.removeChild(node);
    // Children that stay must not hold a chain of what was evicted.
    for (const child of node.children) (child as ProcessNode).parent = null;
    if (node.replacedBy !== null) node.replacedBy.replaced = null;
  }
}

/** The process table: every process that an event named, by exec_id, joined to its parent, its pod and what it became. */
import type { ProcessEvent } from '../model/event.ts';
import { LIMITS } from '../model/limits.ts';
import type { PodFacts, Process, ProcessFacts } from '../model/process.ts';
import { baseName } from '../model/process.ts';
import { MICROS_PER_MS, type Micros } from '../model/time.ts';
import type { Pod, PodTable } from './pods.ts';
import { ProcessNode } from './process-node.ts';
import { type ProcessLimits, Retention } from './retention.ts';

/** A boot scan stamps fork times in ticks of 10 ms, and converts them from another clock than exec times. */
const SCAN_TOLERANCE = 20 * MICROS_PER_MS;

/** Container ids are learned from pods' own blocks; the oldest are forgotten beyond this. */
const CONTAINERS_MAX = LIMITS.containersMax;

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

const SHELLS: ReadonlySet<string> = new Set(['sh', 'dash', 'bash', 'ash', 'ksh', 'busybox']);

/**
 * A boot scan names the resolved file, an exec the path as it was called: `python3` and `python3.11`, `sh` and `dash`. The
 * arguments are the same either way.
 */
function sameImage(a: ProcessFacts, b: ProcessFacts): boolean {
  const x = baseName(a.binary);
  const y = baseName(b.binary);
  if (x === y || (x !== '' && y.startsWith(x)) || (y !== '' && x.startsWith(y))) return true;
  return (a.arguments !== '' && a.arguments === b.arguments) || (SHELLS.has(x) && SHELLS.has(y));
}

/** What a new exec_id says about the process that has its pid: the same image renamed, a later image of it, or a stranger. */
type Relation = 'same' | 'successor' | 'stranger';

export class ProcessTable {
  private readonly byId = new Map<string, ProcessNode>();
  private readonly byPid = new Map<string, Map<number, ProcessNode>>();
  private readonly aliases = new Map<ProcessNode, string[]>();
  /** First 31 characters of a container id → its pod. */
  private readonly byContainer = new Map<string, PodFacts>();
  private readonly pods: PodTable;
  private readonly retention: Retention;
  /** Added by the event at hand: the bounds are applied once it is taken in whole, so that nothing goes while it is joined. */
  private added: ProcessNode[] = [];
  /** Owners of those that ended by it. */
  private ended: Pod[] = [];
  private nodes = 0;
  placeholders = 0;
  aliased = 0;

  constructor(pods: PodTable, limits: ProcessLimits) {
    this.pods = pods;
    this.retention = new Retention(pods, limits, node => this.forget(node));
  }

  get evictedLive(): number {
    return this.retention.evictedLive;
  }

  get evictedExited(): number {
    return this.retention.evictedExited;
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
    if (own.pod === null && event.process.docker !== '') this.findPod(own, event.process);
    if (event.time > own.lastSeen) own.lastSeen = event.time;
    if (event.kind === 'process_exec') this.exec(own, event.process);
    else if (event.kind === 'process_exit') this.exit(own, event);
    if (this.added.length > 0 || this.ended.length > 0) this.bound(own);
    return own;
  }

  private bound(own: ProcessNode): void {
    const { added, ended } = this;
    this.added = [];
    this.ended = [];
    for (const owner of ended) this.retention.afterExit(owner);
    for (const node of added) if (node.owner !== null) this.retention.afterAdd(node.owner, own, this.nodes);
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
    const relation = current === null ? 'stranger' : relationOf(current, facts);
    if (current !== null && relation === 'same') {
      this.alias(current, facts);
      return current;
    }
    const created = new ProcessNode(facts, node, cluster, false);
    this.add(created);
    this.describe(created);
    if (current !== null && relation === 'successor') this.replace(current, created);
    this.takePid(created);
    return created;
  }

  private add(node: ProcessNode): void {
    this.byId.set(node.execId, node);
    this.added.push(node);
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
      this.takePid(node);
      for (const child of node.children) this.noteReplacement(child as ProcessNode);
      return;
    }
    // The block of an exec event says most (file properties, environment): later blocks do not replace it.
    if (!node.execSeen && !saysNothing(facts) && facts.pid === node.facts.pid) node.facts = facts;
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
    if (short === '') return;
    this.byContainer.set(short, pod);
    if (this.byContainer.size <= CONTAINERS_MAX) return;
    const oldest = this.byContainer.keys().next();
    if (oldest.done !== true) this.byContainer.delete(oldest.value);
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
    node.list?.remove(node);
    node.owner = null;
  }

  /** exec without fork: the parent named is the image that had the same pid. */
  private noteReplacement(node: ProcessNode): void {
    const parent = node.parent;
    if (parent === null || parent.placeholder || node.facts.pid === 0 || parent.facts.pid !== node.facts.pid) return;
    this.replace(parent, node);
  }

  private replace(old: ProcessNode, by: ProcessNode): void {
    // The first successor that was told stays: one image becomes one other.
    if (by.replaced !== null || old.replacedBy !== null || old === by) return;
    by.replaced = old;
    old.replacedBy = by;
    if (old.exitTime === null) this.end(old, Math.max(by.facts.startTime, old.facts.startTime));
  }

  /** The process holds its pid now; whoever held it before has ended, or became it. */
  private takePid(node: ProcessNode): void {
    const { pid, startTime } = node.facts;
    if (pid <= 0) return;
    const before = this.ofPid(node.node, pid);
    if (before !== null && before !== node) {
      if (before.facts.startTime > startTime) {
        // Told late: it ended before its pid was used again.
        if (node.exitTime === null) this.end(node, before.facts.startTime);
        return;
      }
      if (isForkOf(before, node)) this.replace(before, node);
      else if (before.exitTime === null) this.end(before, startTime);
    }
    if (node.exitTime !== null) return;
    const pids = this.byPid.get(node.node);
    if (pids === undefined) this.byPid.set(node.node, new Map([[pid, node]]));
    else pids.set(pid, node);
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
    const isOwn = node.execId === facts.execId && node.facts.pid === facts.pid;
    if (isOwn && (!node.execSeen || !saysNothing(facts))) node.facts = facts;
    node.execSeen = true;
  }

  private exit(node: ProcessNode, event: ProcessEvent): void {
    node.exitSignal = event.signal;
    node.exitStatus = event.status;
    if (node.exitTime === null) this.end(node, event.time);
    // It was taken for ended when its pid was used again; now the sensor says when.
    else if (event.time < node.exitTime) node.exitTime = event.time;
  }

  private end(node: ProcessNode, time: Micros): void {
    node.exitTime = time;
    this.releasePid(node);
    const { owner } = node;
    if (owner === null) return;
    node.list?.remove(node);
    owner.exited.push(node);
    this.ended.push(owner);
  }

  private releasePid(node: ProcessNode): void {
    const pids = this.byPid.get(node.node);
    if (pids?.get(node.facts.pid) !== node) return;
    pids.delete(node.facts.pid);
    if (pids.size === 0) this.byPid.delete(node.node);
  }

  private forget(node: ProcessNode): void {
    this.disown(node);
    this.byId.delete(node.execId);
    for (const name of this.aliases.get(node) ?? []) this.byId.delete(name);
    this.aliases.delete(node);
    this.releasePid(node);
    this.nodes--;
    if (node.placeholder) this.placeholders--;
    node.parent?.removeChild(node);
    // What stays must not hold a chain of what went.
    for (const child of node.children) (child as ProcessNode).parent = null;
    if (node.replacedBy !== null) node.replacedBy.replaced = null;
    if (node.replaced !== null) node.replaced.replacedBy = null;
  }
}

/** `fork` had the pid before and never called exec until it became `image`, which names the same parent. */
function isForkOf(fork: ProcessNode, image: ProcessNode): boolean {
  if (fork.execSeen || fork.facts.flags.includes('clone')) return false;
  return fork.facts.parentExecId === image.facts.parentExecId;
}

/**
 * An agent that starts anew names every live process by its fork time in ticks; before, it was named by its exec time. The
 * same pid held from that fork until the scan is the same task, and its image the last one that it executed.
 */
function relationOf(current: ProcessNode, facts: ProcessFacts): Relation {
  if (current.exitTime !== null || current.placeholder) return 'stranger';
  const isScan = facts.flags.includes('procFS');
  if (!isScan && !current.facts.flags.includes('procFS')) return 'stranger';
  const apart = facts.startTime - current.facts.startTime;
  if (Math.abs(apart) > SCAN_TOLERANCE && !(isScan && apart < 0)) return 'stranger';
  if (sameImage(current.facts, facts)) return 'same';
  return isScan ? 'successor' : 'stranger';
}

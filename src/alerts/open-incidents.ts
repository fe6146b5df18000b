/** Incidents that can still grow, and everything by which a later alert finds them: process trees, pods, and pods at the other ends of flows. */
import type { Micros } from '../model/time.ts';
import type { Alert, Incident } from './alert.ts';
import { opensIncident, podOfAlert, type StoryPart } from './story.ts';

const DNS_PORT = 53;
/** ATT&CK: Escape to Host. */
const ESCAPE_TAG = 'attack.t1611';
/** Full incidents that led to one, whose alerts may still count up. */
const EARLIER_MAX = 64;

export interface OpenLimits {
  readonly podsPerIncidentMax: number;
  readonly treesPerIncidentMax: number;
}

/** What is known of an incident that can still grow. */
export interface Open {
  incident: Incident;
  /** Instant of its last alert. */
  last: Micros;
  /** Longest untouched first. */
  readonly trees: Set<string>;
  /** Pods with alerts of their own, and when the last was. */
  readonly pods: Map<string, Micros>;
  /** Pods that its alerts' flows came from or went to, and when. */
  readonly peers: Map<string, Micros>;
  readonly parts: StoryPart[];
  /** Ids of the full incidents that it continues, oldest first. */
  readonly earlier: string[];
}

/** A host as a peer: no pod is called so. */
const hostOf = (alert: Alert): string => `node:${alert.node}`;

/** The pods at the other ends of an alert's flows, and the host that a pod broke out onto. */
function peersOf(alert: Alert): Set<string> {
  const own = podOfAlert(alert);
  const peers = new Set<string>();
  if (own !== '' && alert.rule.tags.includes(ESCAPE_TAG)) peers.add(hostOf(alert));
  for (const { source, destination } of alert.flows) {
    // Name servers serve everyone: they connect nobody.
    if (destination.port === DNS_PORT) continue;
    for (const { pod } of [source, destination]) if (pod !== null && pod !== own) peers.add(pod);
  }
  return peers;
}

export class OpenIncidents {
  /** Longest untouched first. */
  readonly #open = new Map<string, Open>();
  readonly #byTree = new Map<string, Open>();
  readonly #byPod = new Map<string, Open>();
  readonly #byPeer = new Map<string, Set<Open>>();
  /** By the ids of full incidents: the one that goes on for them. */
  readonly #continuing = new Map<string, Open>();
  readonly #limits: OpenLimits;
  readonly #window: Micros;

  constructor(window: Micros, limits: OpenLimits) {
    this.#window = window;
    this.#limits = limits;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Longest untouched first. */
  all(): IterableIterator<Open> {
    return this.#open.values();
  }

  /** The incident, or the one that continues it; undefined when neither can grow any more. */
  find(id: string): Open | undefined {
    return this.#open.get(id) ?? this.#continuing.get(id);
  }

  add(incident: Incident): Open {
    const open: Open = {
      incident,
      last: 0,
      trees: new Set(),
      pods: new Map(),
      peers: new Map(),
      parts: [],
      earlier: [],
    };
    this.#open.set(incident.id, open);
    return open;
  }

  /** The incidents that an alert belongs to, oldest first. */
  candidates(alert: Alert, time: Micros): Open[] {
    const found = new Set<Open>();
    const within = (open: Open | undefined, seen: Micros | undefined): void => {
      if (open !== undefined && seen !== undefined && Math.abs(time - seen) <= this.#window) found.add(open);
    };
    for (const tree of alert.trees) {
      const open = this.#byTree.get(tree);
      if (open !== undefined) found.add(open);
    }
    // Context follows the tree alone: a pod has many small oddities of its own.
    if (!opensIncident(alert)) return [...found].sort(olderFirst);
    const own = podOfAlert(alert);
    if (own !== '') {
      const open = this.#byPod.get(own);
      within(open, open?.pods.get(own));
      for (const other of this.#byPeer.get(own) ?? []) within(other, other.peers.get(own));
    } else {
      const open = this.#latestOf(hostOf(alert));
      within(open, open?.peers.get(hostOf(alert)));
    }
    for (const peer of peersOf(alert)) {
      const open = this.#byPod.get(peer);
      within(open, open?.pods.get(peer));
    }
    return [...found].sort(olderFirst);
  }

  /** Takes in everything by which later alerts find this incident. */
  index(open: Open, alert: Alert, time: Micros): void {
    const { id } = open.incident;
    open.last = Math.max(open.last, time);
    this.#open.delete(id);
    this.#open.set(id, open);
    for (const tree of alert.trees) {
      this.#addTree(open, tree);
      // Context may touch the trees of two incidents: each keeps its own.
      if (!this.#byTree.has(tree)) this.#byTree.set(tree, open);
    }
    if (!opensIncident(alert)) return;
    const pod = podOfAlert(alert);
    if (pod !== '' && this.#remember(open.pods, pod, time)) this.#byPod.set(pod, open);
    for (const peer of peersOf(alert)) if (this.#remember(open.peers, peer, time)) this.#addPeer(peer, open);
  }

  /** `from` grows no more: later alerts find `into` where they would have found it. */
  hand(from: Open, into: Open): void {
    for (const tree of from.trees) {
      this.#addTree(into, tree);
      if (this.#byTree.get(tree) === from) this.#byTree.set(tree, into);
    }
    for (const [pod, time] of from.pods) {
      if (this.#remember(into.pods, pod, time) && this.#byPod.get(pod) === from) this.#byPod.set(pod, into);
    }
    for (const [peer, time] of from.peers) if (this.#remember(into.peers, peer, time)) this.#addPeer(peer, into);
    for (const id of from.earlier.splice(0)) this.#continue(id, into);
    into.last = Math.max(into.last, from.last);
    this.forget(from);
  }

  /** As `hand`, where `from` is full: what its alerts still count up to keeps `into` alive. */
  succeed(from: Open, into: Open): void {
    this.hand(from, into);
    this.#continue(from.incident.id, into);
  }

  forget(open: Open): void {
    this.#open.delete(open.incident.id);
    for (const tree of open.trees) if (this.#byTree.get(tree) === open) this.#byTree.delete(tree);
    for (const pod of open.pods.keys()) if (this.#byPod.get(pod) === open) this.#byPod.delete(pod);
    for (const peer of open.peers.keys()) {
      const set = this.#byPeer.get(peer);
      set?.delete(open);
      if (set?.size === 0) this.#byPeer.delete(peer);
    }
    for (const id of open.earlier) this.#continuing.delete(id);
  }

  /** After a restore, which adds them in any order. */
  sortByAge(): void {
    const byAge = [...this.#open.values()].sort((a, b) => a.last - b.last || olderFirst(a, b));
    this.#open.clear();
    for (const open of byAge) this.#open.set(open.incident.id, open);
  }

  /** A host alert does not say which of two escapes led to it, and must not join them. */
  #latestOf(peer: string): Open | undefined {
    let latest: Open | undefined;
    for (const open of this.#byPeer.get(peer) ?? []) {
      if (latest === undefined || open.peers.get(peer)! > latest.peers.get(peer)!) latest = open;
    }
    return latest;
  }

  #addTree(open: Open, tree: string): void {
    open.trees.delete(tree);
    open.trees.add(tree);
    if (open.trees.size <= this.#limits.treesPerIncidentMax) return;
    const stalest = open.trees.values().next().value!;
    open.trees.delete(stalest);
    if (this.#byTree.get(stalest) === open) this.#byTree.delete(stalest);
  }

  #addPeer(peer: string, open: Open): void {
    const set = this.#byPeer.get(peer);
    if (set === undefined) this.#byPeer.set(peer, new Set([open]));
    else set.add(open);
  }

  /** False when `key` is new and there is no room for it. */
  #remember(times: Map<string, Micros>, key: string, time: Micros): boolean {
    const before = times.get(key);
    if (before === undefined && times.size >= this.#limits.podsPerIncidentMax) return false;
    times.set(key, Math.max(before ?? time, time));
    return true;
  }

  #continue(id: string, open: Open): void {
    this.#continuing.set(id, open);
    open.earlier.push(id);
    if (open.earlier.length > EARLIER_MAX) this.#continuing.delete(open.earlier.shift()!);
  }
}

function olderFirst(a: Open, b: Open): number {
  const x = a.incident;
  const y = b.incident;
  return x.first_seen < y.first_seen || (x.first_seen === y.first_seen && x.id < y.id) ? -1 : 1;
}

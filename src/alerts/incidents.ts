/**
 * Which alerts belong together: those of one process tree, of one pod within a window, of two pods that an alert's flow
 * connects, and of a host after a pod broke out onto it. Sees alerts only (not the engine's objects), so that it can go on from stored ones after a restart.
 */
import { MICROS_PER_SECOND, type Micros, parseInstant } from '../model/time.ts';
import { type Alert, type Incident, LEVELS } from './alert.ts';
import { incidentId } from './identity.ts';
import { addPart, headline, partOf, podOfAlert, type StoryPart, severity } from './story.ts';

/** A tree's alerts belong together for a day, however slow its attacker: a main process may live for months. */
export const TREE_WINDOW: Micros = 24 * 3_600 * MICROS_PER_SECOND;
const INCIDENTS_MAX = 10_000;
const PODS_PER_INCIDENT_MAX = 256;
const TREES_PER_INCIDENT_MAX = 4_096;
const TEXTS_PER_INCIDENT_MAX = 128;
const CONTEXT_TREES_MAX = 10_000;
const CONTEXT_PER_TREE_MAX = 16;
const DNS_PORT = 53;
/** ATT&CK: Escape to Host. */
const ESCAPE_TAG = 'attack.t1611';

/** What is known of an incident that can still grow. */
interface Open {
  incident: Incident;
  /** Instant of its last alert. */
  last: Micros;
  readonly trees: Set<string>;
  /** Pods with alerts of their own, and when the last was. */
  readonly pods: Map<string, Micros>;
  /** Pods that its alerts' flows came from or went to, and when. */
  readonly peers: Map<string, Micros>;
  readonly parts: StoryPart[];
}

export interface Joined {
  readonly incident: Incident | null;
  readonly attached: readonly string[];
  readonly merged: readonly Incident[];
}

const ALONE: Joined = { incident: null, attached: [], merged: [] };

const micros = (text: string): Micros => parseInstant(text)?.time ?? 0;
/** Of two instants as text; a numeric maximum would not do. */
export const later = (a: string, b: string): string => (a < b ? b : a);
const earlier = (a: string, b: string): string => (b < a ? b : a);

function union(a: readonly string[], b: readonly string[]): readonly string[] {
  const added = b.filter(text => !a.includes(text));
  return added.length === 0 ? a : [...a, ...added].slice(0, TEXTS_PER_INCIDENT_MAX);
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

function opensIncident(alert: Alert): boolean {
  return severity(alert.rule.level) >= severity('medium');
}

export class Incidents {
  /** Incidents that can still grow, longest untouched first. */
  readonly #open = new Map<string, Open>();
  readonly #byTree = new Map<string, Open>();
  readonly #byPod = new Map<string, Open>();
  readonly #byPeer = new Map<string, Set<Open>>();
  /** Alerts below `medium` without incident, by tree, oldest first. */
  readonly #context = new Map<string, Alert[]>();
  readonly #window: Micros;
  #now: Micros = 0;
  /** Incidents that stopped growing before their time, because there were too many. */
  evicted = 0;

  constructor(window: Micros) {
    this.#window = window;
  }

  /** Finds, opens or merges the incident of a new alert. */
  join(alert: Alert): Joined {
    const time = micros(alert.time);
    this.#advance(time);
    const candidates = this.#candidates(alert, time);
    if (candidates.length === 0) {
      if (opensIncident(alert)) return this.#grow(this.#create(alert), alert, time, []);
      this.#keepContext(alert);
      return ALONE;
    }
    const [winner, ...others] = candidates.sort(olderFirst);
    const merged = others.map(other => this.#merge(winner!, other));
    return this.#grow(winner!, alert, time, merged);
  }

  /** A counted alert keeps its incident alive; null when it has none, or one that no longer grows. */
  touch(alert: Alert): Incident | null {
    const time = micros(alert.last_seen);
    this.#advance(time);
    const open = this.#open.get(alert.incident_id);
    if (open === undefined) return null;
    open.incident = { ...open.incident, last_seen: later(open.incident.last_seen, alert.last_seen) };
    this.#index(open, alert, time);
    return open.incident;
  }

  /** What was stored, alerts in commit order: as if it had seen them itself. */
  restore(alerts: readonly Alert[], incidents: readonly Incident[]): void {
    for (const incident of incidents) {
      if (incident.state !== 'merged') this.#open.set(incident.id, newOpen({ ...incident, state: 'open' }));
    }
    for (const alert of alerts) {
      const time = micros(alert.last_seen);
      this.#now = Math.max(this.#now, time);
      const open = this.#open.get(alert.incident_id);
      if (open !== undefined) this.#index(open, alert, time);
      else if (alert.incident_id === '' && !opensIncident(alert)) this.#keepContext(alert);
    }
    const byAge = [...this.#open.values()].sort((a, b) => a.last - b.last || olderFirst(a, b));
    this.#open.clear();
    for (const open of byAge) this.#open.set(open.incident.id, open);
    this.#advance(this.#now);
  }

  #candidates(alert: Alert, time: Micros): Open[] {
    const found = new Set<Open>();
    const within = (open: Open | undefined, seen: Micros | undefined): void => {
      if (open !== undefined && seen !== undefined && Math.abs(time - seen) <= this.#window) found.add(open);
    };
    for (const tree of alert.trees) {
      const open = this.#byTree.get(tree);
      if (open !== undefined) found.add(open);
    }
    // Context follows the tree alone: a pod has many small oddities of its own.
    if (!opensIncident(alert)) return [...found].sort(olderFirst).slice(0, 1);
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
    return [...found];
  }

  /** A host alert does not say which of two escapes led to it, and must not join them. */
  #latestOf(peer: string): Open | undefined {
    let latest: Open | undefined;
    for (const open of this.#byPeer.get(peer) ?? []) {
      if (latest === undefined || open.peers.get(peer)! > latest.peers.get(peer)!) latest = open;
    }
    return latest;
  }

  #create(alert: Alert): Open {
    const open = newOpen({
      id: incidentId(alert.id),
      state: 'open',
      level: alert.rule.level,
      title: '',
      first_seen: alert.time,
      last_seen: alert.last_seen,
      alert_count: 0,
      cluster: alert.cluster,
      pods: [],
      namespace: '',
      workload: '',
      rules: [],
      tags: [],
      merged_into: '',
    });
    this.#open.set(open.incident.id, open);
    return open;
  }

  #grow(open: Open, alert: Alert, time: Micros, merged: readonly Incident[]): Joined {
    const attached: Alert[] = [];
    for (const tree of alert.trees) {
      for (const context of this.#context.get(tree) ?? []) {
        if (time - micros(context.last_seen) <= this.#window && !attached.includes(context)) attached.push(context);
      }
      this.#context.delete(tree);
    }
    attached.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
    for (const each of [...attached, alert]) this.#count(open, each, micros(each.last_seen));
    return { incident: open.incident, attached: attached.map(each => each.id), merged };
  }

  #count(open: Open, alert: Alert, time: Micros): void {
    const before = open.incident;
    const pod = podOfAlert(alert);
    const context = !opensIncident(alert);
    this.#index(open, alert, time);
    open.incident = {
      ...before,
      level: severity(alert.rule.level) > severity(before.level) ? alert.rule.level : before.level,
      title: headline(open.parts),
      // Context is what led to an incident, not when it began.
      first_seen: context ? before.first_seen : earlier(before.first_seen, alert.time),
      last_seen: later(before.last_seen, alert.last_seen),
      alert_count: before.alert_count + 1,
      cluster: before.cluster || alert.cluster,
      pods: pod === '' ? before.pods : union(before.pods, [pod]),
      namespace: before.namespace || (alert.pod?.namespace ?? ''),
      workload: before.workload || (alert.pod?.workload ?? ''),
      rules: union(before.rules, [alert.rule.title]),
      tags: union(before.tags, alert.rule.tags),
    };
  }

  /** Everything by which later alerts find this incident. */
  #index(open: Open, alert: Alert, time: Micros): void {
    const id = open.incident.id;
    open.last = Math.max(open.last, time);
    this.#open.delete(id);
    this.#open.set(id, open);
    for (const tree of alert.trees) {
      if (open.trees.size >= TREES_PER_INCIDENT_MAX) break;
      open.trees.add(tree);
      // Context may touch the trees of two incidents: each keeps its own.
      if (!this.#byTree.has(tree)) this.#byTree.set(tree, open);
    }
    if (!opensIncident(alert)) return;
    addPart(open.parts, partOf(alert));
    const pod = podOfAlert(alert);
    if (pod !== '' && remember(open.pods, pod, time)) this.#byPod.set(pod, open);
    for (const peer of peersOf(alert)) if (remember(open.peers, peer, time)) this.#addPeer(peer, open);
  }

  #addPeer(peer: string, open: Open): void {
    const set = this.#byPeer.get(peer);
    if (set === undefined) this.#byPeer.set(peer, new Set([open]));
    else set.add(open);
  }

  /** `other` becomes part of `winner`, visibly: answers what is left of it. */
  #merge(winner: Open, other: Open): Incident {
    const into = winner.incident;
    const from = other.incident;
    this.#forget(other);
    for (const tree of other.trees) {
      if (winner.trees.size >= TREES_PER_INCIDENT_MAX) break;
      winner.trees.add(tree);
      this.#byTree.set(tree, winner);
    }
    for (const [pod, time] of other.pods) if (remember(winner.pods, pod, time)) this.#byPod.set(pod, winner);
    for (const [peer, time] of other.peers) if (remember(winner.peers, peer, time)) this.#addPeer(peer, winner);
    for (const part of other.parts) addPart(winner.parts, part);
    winner.last = Math.max(winner.last, other.last);
    winner.incident = {
      ...into,
      level: LEVELS[Math.max(severity(into.level), severity(from.level))]!,
      title: headline(winner.parts),
      first_seen: earlier(into.first_seen, from.first_seen),
      last_seen: later(into.last_seen, from.last_seen),
      alert_count: into.alert_count + from.alert_count,
      cluster: into.cluster || from.cluster,
      pods: union(into.pods, from.pods),
      namespace: into.namespace || from.namespace,
      workload: into.workload || from.workload,
      rules: union(into.rules, from.rules),
      tags: union(into.tags, from.tags),
    };
    return { ...from, state: 'merged', merged_into: into.id, alert_count: 0 };
  }

  #forget(open: Open): void {
    this.#open.delete(open.incident.id);
    for (const tree of open.trees) if (this.#byTree.get(tree) === open) this.#byTree.delete(tree);
    for (const pod of open.pods.keys()) if (this.#byPod.get(pod) === open) this.#byPod.delete(pod);
    for (const peer of open.peers.keys()) {
      const set = this.#byPeer.get(peer);
      set?.delete(open);
      if (set?.size === 0) this.#byPeer.delete(peer);
    }
  }

  #keepContext(alert: Alert): void {
    for (const tree of alert.trees) {
      const kept = this.#context.get(tree) ?? [];
      this.#context.delete(tree);
      this.#context.set(tree, [...kept, { ...alert, evidence: [] }].slice(-CONTEXT_PER_TREE_MAX));
    }
    while (this.#context.size > CONTEXT_TREES_MAX) this.#context.delete(this.#context.keys().next().value!);
  }

  /** Lets go of incidents that nothing can join any more, and of the longest untouched beyond the bound. */
  #advance(time: Micros): void {
    this.#now = Math.max(this.#now, time);
    const horizon = this.#now - Math.max(TREE_WINDOW, this.#window);
    for (const open of this.#open.values()) {
      const tooMany = this.#open.size > INCIDENTS_MAX;
      if (open.last >= horizon && !tooMany) break;
      if (open.last >= horizon) this.evicted++;
      this.#forget(open);
    }
  }
}

function newOpen(incident: Incident): Open {
  return { incident, last: 0, trees: new Set(), pods: new Map(), peers: new Map(), parts: [] };
}

function olderFirst(a: Open, b: Open): number {
  const x = a.incident;
  const y = b.incident;
  return x.first_seen < y.first_seen || (x.first_seen === y.first_seen && x.id < y.id) ? -1 : 1;
}

/** False when `key` is new and there is no room for it. */
function remember(times: Map<string, Micros>, key: string, time: Micros): boolean {
  const before = times.get(key);
  if (before === undefined && times.size >= PODS_PER_INCIDENT_MAX) return false;
  times.set(key, Math.max(before ?? time, time));
  return true;
}

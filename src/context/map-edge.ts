/** Nodes and edges of the service map, and the minutes in which an edge was busy. */
import type { FlowEvent, Protocol } from '../model/event.ts';
import { LIMITS } from '../model/limits.ts';
import { baseName } from '../model/process.ts';
import {
  MAP_VERDICTS,
  MAP_WINDOWS,
  type MapCounts,
  type MapEdge,
  type MapNode,
  type MapNodeKind,
  noCounts,
} from '../model/service-map.ts';
import { MICROS_PER_SECOND, type Micros } from '../model/time.ts';
import type { ProcessNode } from './process-node.ts';

const MINUTE: Micros = 60 * MICROS_PER_SECOND;
/** A power of two: an hour, the minute that has begun, and some. */
const RING = 64;
const HOUR = 60;
const NAME_CHARS_MAX = 64;
const NO_NAMES: readonly string[] = Object.freeze([]);

const VERDICT_PLACES = new Map<string, number>(MAP_VERDICTS.map((verdict, place) => [verdict, place]));
const OTHER_VERDICT = MAP_VERDICTS.length - 1;

export class NodeRecord implements MapNode {
  readonly id: string;
  readonly kind: MapNodeKind;
  readonly namespace: string;
  readonly name: string;
  readonly workloadKind: string;
  /** Tells nodes apart in the keys of edges. */
  readonly seq: number;
  readonly pods: string[] = [];
  morePods = 0;
  /** Edges at which it stands. */
  degree = 0;
  /** Edges that count against it, the one used longest ago first. */
  firstEdge: EdgeRecord | null = null;
  private lastEdge: EdgeRecord | null = null;
  owned = 0;
  /** Of those it owns: how many lead to an outside address without a name. */
  addresses = 0;

  constructor(id: string, kind: MapNodeKind, namespace: string, name: string, workloadKind: string, seq: number) {
    this.id = id;
    this.kind = kind;
    this.namespace = namespace;
    this.name = name;
    this.workloadKind = workloadKind;
    this.seq = seq;
  }

  addPod(name: string): void {
    if (this.pods.includes(name)) return;
    this.pods.push(name);
    if (this.pods.length <= LIMITS.mapPodsPerNodeMax) return;
    this.pods.shift();
    this.morePods++;
  }

  own(edge: EdgeRecord): void {
    edge.previous = this.lastEdge;
    edge.next = null;
    if (this.lastEdge === null) this.firstEdge = edge;
    else this.lastEdge.next = edge;
    this.lastEdge = edge;
    this.owned++;
  }

  disown(edge: EdgeRecord): void {
    if (edge.previous === null) this.firstEdge = edge.next;
    else edge.previous.next = edge.next;
    if (edge.next === null) this.lastEdge = edge.previous;
    else edge.next.previous = edge.previous;
    edge.previous = null;
    edge.next = null;
    this.owned--;
  }
}

export class EdgeRecord implements MapEdge {
  readonly key: string;
  readonly client: NodeRecord;
  readonly server: NodeRecord;
  /** Against whose bounds it counts. */
  readonly owner: NodeRecord;
  readonly protocol: Protocol;
  readonly port: number;
  l7 = '';
  connections = 0;
  flows = 0;
  readonly verdicts: number[] = MAP_VERDICTS.map(() => 0);
  dropReason = '';
  firstSeen: Micros;
  lastSeen: Micros;
  processes: readonly string[] = NO_NAMES;
  serverProcesses: readonly string[] = NO_NAMES;
  hasMoreProcesses = false;
  removed = false;
  previous: EdgeRecord | null = null;
  next: EdgeRecord | null = null;
  /** When it last went to the end of its owner's list. */
  used: Micros;
  /** Counted in the newest minute. */
  private newest = noCounts();
  private newestMinute: number;
  /** Connections, flows and drops of each minute before, at its place in the ring; null while there was none. */
  private past: Uint32Array | null = null;

  constructor(
    key: string,
    client: NodeRecord,
    server: NodeRecord,
    owner: NodeRecord,
    protocol: Protocol,
    port: number,
    time: Micros,
  ) {
    this.key = key;
    this.client = client;
    this.server = server;
    this.owner = owner;
    this.protocol = protocol;
    this.port = port;
    this.firstSeen = time;
    this.lastSeen = time;
    this.used = time;
    this.newestMinute = Math.floor(time / MINUTE);
  }

  /** A connection that was not counted anywhere yet. */
  connect(time: Micros): void {
    this.connections++;
    this.add(time, 1, 0, 0);
  }

  count(flow: FlowEvent): void {
    const { time, verdict } = flow;
    const isDropped = verdict === 'DROPPED' || verdict === 'ERROR';
    this.flows++;
    (this.verdicts[VERDICT_PLACES.get(verdict) ?? OTHER_VERDICT] as number)++;
    if (isDropped && flow.dropReason !== '') this.dropReason = flow.dropReason;
    if (flow.dns !== null) this.l7 = 'DNS';
    else if (flow.http !== null) this.l7 = 'HTTP';
    if (time > this.lastSeen) this.lastSeen = time;
    else if (time < this.firstSeen) this.firstSeen = time;
    this.add(time, 0, 1, isDropped ? 1 : 0);
  }

  /** Takes over what another edge counted, whose one connection turned out to be one of this edge. */
  take(other: EdgeRecord): void {
    this.flows += other.flows;
    for (const [place, flows] of other.verdicts.entries()) (this.verdicts[place] as number) += flows;
    if (other.l7 !== '') this.l7 = other.l7;
    if (other.dropReason !== '') this.dropReason = other.dropReason;
    this.firstSeen = Math.min(this.firstSeen, other.firstSeen);
    this.lastSeen = Math.max(this.lastSeen, other.lastSeen);
    this.connections++;
    for (let minute = other.newestMinute - RING + 1; minute <= other.newestMinute; minute++) {
      const sum = noCounts();
      other.addMinute(minute, 1, sum);
      if (sum.connections + sum.flows > 0) this.add(minute * MINUTE, sum.connections, sum.flows, sum.dropped);
    }
  }

  addProcess(process: ProcessNode, atServer: boolean): void {
    const name = baseName(process.facts.binary).slice(0, NAME_CHARS_MAX);
    const known = atServer ? this.serverProcesses : this.processes;
    if (name === '' || known.includes(name)) return;
    if (known.length >= LIMITS.mapProcessesPerEdgeMax) {
      this.hasMoreProcesses = true;
      return;
    }
    if (atServer) this.serverProcesses = [...known, name];
    else this.processes = [...known, name];
  }

  addRecent(now: Micros, sums: readonly MapCounts[]): void {
    const minute = Math.floor(now / MINUTE);
    // The part of a window's oldest minute that lies within is estimated from all of it.
    const left = 1 - (now - minute * MINUTE) / MINUTE;
    const oldest = Math.max(minute - HOUR, this.newestMinute - RING + 1, Math.floor(this.firstSeen / MINUTE));
    for (let at = Math.min(minute, this.newestMinute); at >= oldest; at--) {
      const back = minute - at;
      for (let window = MAP_WINDOWS.length - 1; window >= 0 && back <= (MAP_WINDOWS[window] as number); window--)
        this.addMinute(at, back === MAP_WINDOWS[window] ? left : 1, sums[window] as MapCounts);
    }
  }

  /** Out of the map: a connection may still name it, and needs none of its counts. */
  remove(): void {
    this.removed = true;
    this.past = null;
  }

  /** `minute`: at most RING - 1 before the newest. */
  private addMinute(minute: number, weight: number, sum: MapCounts): void {
    const { newest, past } = this;
    if (minute === this.newestMinute) {
      sum.connections += weight * newest.connections;
      sum.flows += weight * newest.flows;
      sum.dropped += weight * newest.dropped;
    } else if (past !== null) {
      // Minutes since the epoch fit 31 bits until the year 6053.
      const place = (minute & (RING - 1)) * 3;
      sum.connections += weight * (past[place] as number);
      sum.flows += weight * (past[place + 1] as number);
      sum.dropped += weight * (past[place + 2] as number);
    }
  }

  private add(time: Micros, connections: number, flows: number, dropped: number): void {
    const minute = Math.floor(time / MINUTE);
    if (minute < this.newestMinute) {
      // What comes late by more than the ring holds counts in no window.
      if (minute > this.newestMinute - RING) this.addPast(minute, connections, flows, dropped);
      return;
    }
    if (minute > this.newestMinute) this.turnTo(minute);
    const { newest } = this;
    newest.connections += connections;
    newest.flows += flows;
    newest.dropped += dropped;
  }

  private addPast(minute: number, connections: number, flows: number, dropped: number): void {
    this.past ??= new Uint32Array(3 * RING);
    const place = (minute & (RING - 1)) * 3;
    (this.past[place] as number) += connections;
    (this.past[place + 1] as number) += flows;
    (this.past[place + 2] as number) += dropped;
  }

  /** Another minute begins: those that leave the ring are forgotten. */
  private turnTo(minute: number): void {
    const { past, newest, newestMinute } = this;
    if (past !== null) {
      for (let gone = Math.max(newestMinute, minute - RING); gone < minute; gone++) {
        const place = (gone & (RING - 1)) * 3;
        past.fill(0, place, place + 3);
      }
    }
    if (minute - newestMinute < RING) this.addPast(newestMinute, newest.connections, newest.flows, newest.dropped);
    this.newest = noCounts();
    this.newestMinute = minute;
  }
}

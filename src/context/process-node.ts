/** The node of one process in the ancestry tree: `Process` with what the table needs to keep it. */
import type { Connection } from '../model/connection.ts';
import type { PodFacts, Process, ProcessFacts } from '../model/process.ts';
import type { Micros } from '../model/time.ts';
import type { Pod, ProcessList } from './pods.ts';

const NO_CHILDREN: ReadonlySet<Process> = new Set();
const NO_CONNECTIONS: readonly Connection[] = Object.freeze([]);

/** Most processes are leaves without connections: both collections are made on first use. */
export class ProcessNode implements Process {
  readonly execId: string;
  readonly node: string;
  readonly cluster: string;
  facts: ProcessFacts;
  /** The block that was seen last: the same object again says nothing new. */
  lastFacts: ProcessFacts;
  parent: ProcessNode | null = null;
  replaced: ProcessNode | null = null;
  replacedBy: ProcessNode | null = null;
  pod: PodFacts | null = null;
  /** Whose bounds it counts against. */
  owner: Pod | null = null;
  placeholder: boolean;
  execSeen = false;
  exitTime: Micros | null = null;
  exitSignal = '';
  exitStatus: number | null = null;
  lastSeen: Micros = 0;
  /** The owner's list in which it stands, and its neighbours there. */
  list: ProcessList | null = null;
  previous: ProcessNode | null = null;
  next: ProcessNode | null = null;
  private childSet: Set<Process> | null = null;
  private connectionList: Connection[] | null = null;

  constructor(facts: ProcessFacts, node: string, cluster: string, placeholder: boolean) {
    this.execId = facts.execId;
    this.node = node;
    this.cluster = cluster;
    this.facts = facts;
    this.lastFacts = facts;
    this.placeholder = placeholder;
  }

  get children(): Set<Process> {
    return this.childSet ?? (NO_CHILDREN as Set<Process>);
  }

  get connections(): Connection[] {
    return this.connectionList ?? (NO_CONNECTIONS as Connection[]);
  }

  get isLeaf(): boolean {
    return this.childSet === null;
  }

  addChild(child: ProcessNode): void {
    this.childSet ??= new Set();
    this.childSet.add(child);
  }

  removeChild(child: ProcessNode): void {
    if (this.childSet === null) return;
    this.childSet.delete(child);
    if (this.childSet.size === 0) this.childSet = null;
  }

  addConnection(connection: Connection, max: number): Connection | null {
    this.connectionList ??= [];
    this.connectionList.push(connection);
    return this.connectionList.length > max ? (this.connectionList.shift() ?? null) : null;
  }

  removeConnection(connection: Connection): void {
    if (this.connectionList === null) return;
    const at = this.connectionList.lastIndexOf(connection);
    if (at >= 0) this.connectionList.splice(at, 1);
    if (this.connectionList.length === 0) this.connectionList = null;
  }
}

/** An event in its context: what the joined stream carries and what predicates read. */
import type { Attribution, Connection, Peer } from './connection.ts';
import type { Event } from './event.ts';
import type { PodFacts, Process } from './process.ts';

/** Facts derived from a kprobe's, lsm hook's or tracepoint's arguments, whatever hook they came from. */
export interface SocketFacts {
  readonly family: string;
  readonly protocol: string;
  readonly state: string;
  readonly sourceIp: string;
  readonly sourcePort: number;
  readonly destinationIp: string;
  readonly destinationPort: number;
}

/** One event, joined. `seq` counts from 0 in processing order; it makes every observation of a run distinct. */
export interface Observation {
  readonly seq: number;
  readonly event: Event;
  /** Own process of a process event; the attributed process (client's, or the one in `pod`'s side) of a flow; else null. */
  readonly process: Process | null;
  /** The pod it happened in: the process's, or for flows the local pod's; null on hosts and unknown. */
  readonly pod: PodFacts | null;
  /** Set on flows and on socket events. */
  readonly connection: Connection | null;
  /** Set on flows; on socket events 'socket'; else null. */
  readonly attribution: Attribution | null;
  /** Parsed from the arguments when they hold a socket or socket address; else null. */
  readonly socket: SocketFacts | null;
  /** Flows: source and destination *of the connection's direction* (reply flows are swapped back); else null. */
  readonly client: Peer | null;
  readonly server: Peer | null;
}

/** A connection: a 5-tuple over time, with its flows and, when known, its processes. Owned and mutated by `context/` only. */
import type { Endpoint, FlowEvent, Protocol } from './event.ts';
import type { Process } from './process.ts';
import type { Micros } from './time.ts';

/** How well a flow's process is known: see ARCHITECTURE.md. */
export type Attribution = 'socket' | 'inferred' | 'pod';

/** What stands at an address. */
export type PeerKind = 'pod' | 'service' | 'host' | 'remote_node' | 'kube_apiserver' | 'ingress' | 'world' | '';

/** One side of a connection, client or server. */
export interface Peer {
  ip: string;
  /** 0 when unknown. */
  port: number;
  /** DNS names of this address as the *other* side's pod resolved it; [] when unknown. No trailing dots. */
  names: readonly string[];
  endpoint: Endpoint | null;
  service: { readonly name: string; readonly namespace: string } | null;
  kind: PeerKind;
  /** ClusterIP that the other side dialled when `ip` is its backend, or ''. */
  translated: string;
}

export interface Connection {
  /** Stable within a run: protocol, client and server address and port, and first time. */
  readonly id: string;
  readonly protocol: Protocol;
  readonly client: Peer;
  readonly server: Peer;
  readonly firstSeen: Micros;
  lastSeen: Micros;
  /** The process at the client's end, and how well it is known. */
  process: Process | null;
  attribution: Attribution;
  /** The process at the server's end (accepting side), by socket events or a listener known to own the port. */
  serverProcess: Process | null;
  serverAttribution: Attribution;
  /** Worst verdict seen: DROPPED and ERROR win over FORWARDED. '' before any flow. */
  verdict: string;
  flows: number;
  closed: boolean;
  /** Bytes that socket events saw sent by the client's process; 0 when unknown. */
  bytesSent: number;
  /** The first flow, for evidence. */
  firstFlow: FlowEvent | null;
}

/** Local ports of one pod or host: who listens, who holds an unconnected datagram socket, who is about to connect. */
import { MICROS_PER_SECOND, type Micros } from '../model/time.ts';
import type { ProcessNode } from './process-node.ts';

/** A datagram socket is its port's owner for this long after it was seen to send. */
const DATAGRAM_HOLD: Micros = 5 * MICROS_PER_SECOND;
/** A connect hook that names only the destination speaks of a packet within this time. */
const INTENT_HOLD: Micros = 2 * MICROS_PER_SECOND;
/** Ports that one pod may have told of; attackers can open many. */
const PORTS_MAX = 4_096;
const INTENTS_MAX = 64;

interface Holder {
  process: ProcessNode;
  time: Micros;
}

interface Intent extends Holder {
  readonly ip: string;
  readonly port: number;
}

function put<K, V>(map: Map<K, V>, key: K, value: V): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= PORTS_MAX) return;
  const oldest = map.keys().next();
  if (oldest.done !== true) map.delete(oldest.value);
}

export class Ports {
  private readonly listeners = new Map<number, ProcessNode[]>();
  private readonly datagrams = new Map<number, Holder>();
  private readonly intents: Intent[] = [];

  /** The process accepts on the port: seen listening, accepting, or at the server's end of a connection. */
  listens(port: number, process: ProcessNode): void {
    const known = this.listeners.get(port);
    if (known === undefined) {
      put(this.listeners, port, [process]);
      return;
    }
    if (known.includes(process)) return;
    const alive = known.filter(other => other.exitTime === null);
    alive.push(process);
    put(this.listeners, port, alive.slice(-8));
  }

  isListening(port: number): boolean {
    return this.listeners.has(port);
  }

  /** The one process that had the port open at `time`; null when none or several had. */
  listener(port: number, time: Micros): ProcessNode | null {
    const known = this.listeners.get(port);
    if (known === undefined) return null;
    let found: ProcessNode | null = null;
    for (const process of known) {
      if (process.exitTime !== null && process.exitTime < time) continue;
      if (found !== null) return null;
      found = process;
    }
    return found;
  }

  sendsFrom(port: number, process: ProcessNode, time: Micros): void {
    const holder = this.datagrams.get(port);
    if (holder !== undefined && holder.process === process) holder.time = time;
    else put(this.datagrams, port, { process, time });
  }

  sender(port: number, time: Micros): ProcessNode | null {
    const holder = this.datagrams.get(port);
    if (holder === undefined) return null;
    return Math.abs(time - holder.time) <= DATAGRAM_HOLD ? holder.process : null;
  }

  connectsTo(ip: string, port: number, process: ProcessNode, time: Micros): void {
    this.intents.push({ ip, port, process, time });
    if (this.intents.length > INTENTS_MAX) this.intents.shift();
  }

  /** The one process that was about to connect there just before `time`. */
  connecting(ip: string, port: number, time: Micros): ProcessNode | null {
    let found: ProcessNode | null = null;
    for (const intent of this.intents) {
      if (intent.ip !== ip || intent.port !== port) continue;
      if (intent.time > time || time - intent.time > INTENT_HOLD || intent.process === found) continue;
      if (found !== null) return null;
      found = intent.process;
    }
    return found;
  }
}

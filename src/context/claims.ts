/** Who owns an end of a connection. The first that connected owns it; better evidence replaces worse, never the other way. */
import type { Attribution } from '../model/connection.ts';
import { LIMITS } from '../model/limits.ts';
import type { ConnectionRecord } from './connection-record.ts';
import type { ProcessNode } from './process-node.ts';

export class Claims {
  private readonly perProcessMax: number;
  /** Connections that fell off a process's list. */
  dropped = 0;

  constructor(perProcessMax: number = LIMITS.connectionsPerProcessMax) {
    this.perProcessMax = perProcessMax;
  }

  client(record: ConnectionRecord, process: ProcessNode, quality: Attribution, byConnect: boolean): void {
    const owned = record.process !== null && record.attribution === 'socket';
    if (owned && (quality !== 'socket' || !byConnect || record.connectSeen)) return;
    if (byConnect) record.connectSeen = true;
    record.attribution = quality;
    if (record.process === process) return;
    record.process?.removeConnection(record);
    record.process = process;
    this.list(record);
  }

  server(record: ConnectionRecord, process: ProcessNode, quality: Attribution): void {
    if (record.serverProcess !== null && record.serverAttribution === 'socket') return;
    record.serverAttribution = quality;
    record.serverProcess = process;
  }

  /** The direction was guessed wrong: what was the server's end is the client's. */
  turn(record: ConnectionRecord): void {
    record.process?.removeConnection(record);
    record.turn();
    this.list(record);
  }

  private list(record: ConnectionRecord): void {
    if (record.process !== null && record.process.addConnection(record, this.perProcessMax) !== null) this.dropped++;
  }
}

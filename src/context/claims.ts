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
    if (record.process !== null && record.process !== record.serverProcess) record.process.removeConnection(record);
    record.process = process;
    if (process.addConnection(record, this.perProcessMax) !== null) this.dropped++;
  }

  server(record: ConnectionRecord, process: ProcessNode, quality: Attribution): void {
    if (record.serverProcess !== null && record.serverAttribution === 'socket') return;
    record.serverAttribution = quality;
    record.serverProcess = process;
  }
}

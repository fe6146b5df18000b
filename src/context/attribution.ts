/**
 * Inference: which process a connection without socket events must belong to. The law is that nothing is attributed wrongly,
 * so a process qualifies only by naming the destination in its arguments, and only if no other process does.
 */
import { baseName } from '../model/process.ts';
import type { Micros } from '../model/time.ts';
import type { ConnectionRecord } from './connection-record.ts';
import type { Pod } from './pods.ts';
import type { ProcessNode } from './process-node.ts';

/** More live processes than this are not searched: the connection stays with its pod. */
const CANDIDATES_MAX = 512;
/** A process that exited this shortly before the packet may still be its sender. */
const EXIT_SLACK: Micros = 1_000_000;

const isWordPart = (code: number): boolean =>
  (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 45 || code === 46;

/** `name` stands in `text` as a whole host name or address, and a port that follows it is the right one. */
export function namesHost(text: string, name: string, port: number): boolean {
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + 1)) {
    const end = at + name.length;
    if (at > 0 && isWordPart(text.charCodeAt(at - 1))) continue;
    const after = text.charCodeAt(end);
    if (after === 58 /* : */) {
      const digits = /^\d{1,5}/.exec(text.slice(end + 1, end + 6))?.[0];
      if (digits !== undefined && Number(digits) !== port) continue;
      return true;
    }
    if (end < text.length && isWordPart(after) && !(after === 46 && !isWordPart(text.charCodeAt(end + 1)))) continue;
    return true;
  }
  return false;
}

function names(process: ProcessNode, connection: ConnectionRecord): boolean {
  const text = process.facts.arguments;
  if (text.length < 4) return false;
  const { server } = connection;
  if (namesHost(text, server.ip, server.port)) return true;
  if (server.translated !== '' && namesHost(text, server.translated, server.port)) return true;
  for (const name of server.names) if (name !== '' && namesHost(text, name, server.port)) return true;
  return false;
}

const SHELLS = new Set(['sh', 'bash', 'dash', 'ash', 'zsh', 'ksh']);

/** A shell speaks by itself only through its /dev/tcp; else what it names, another program will dial. */
function canSpeak(process: ProcessNode): boolean {
  if (!SHELLS.has(baseName(process.facts.binary))) return true;
  return process.facts.arguments.includes('/dev/tcp/') || process.facts.arguments.includes('/dev/udp/');
}

function couldBe(process: ProcessNode, time: Micros): boolean {
  if (process.facts.startTime > time + EXIT_SLACK / 100) return false;
  return process.exitTime === null || process.exitTime >= time - EXIT_SLACK;
}

/** The one process of the pod at the client's end that names the server, or null. */
export function infer(pod: Pod, connection: ConnectionRecord, time: Micros): ProcessNode | null {
  if (pod.live.size > CANDIDATES_MAX) return null;
  let found: ProcessNode | null = null;
  const lists = [pod.live.first, pod.exited.last] as const;
  for (let at = lists[0]; at !== null; at = at.next) {
    if (!couldBe(at, time) || !names(at, connection)) continue;
    if (found !== null) return null;
    found = at;
  }
  for (let at = lists[1]; at !== null && at.exitTime !== null && at.exitTime >= time - EXIT_SLACK; at = at.previous) {
    if (at.replacedBy !== null || !couldBe(at, time) || !names(at, connection)) continue;
    if (found !== null) return null;
    found = at;
  }
  return found !== null && canSpeak(found) ? found : null;
}

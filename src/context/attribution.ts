/**
 * Inference: which process a connection without socket events must belong to. The law is that nothing is attributed wrongly:
 * a process qualifies by naming the destination in its arguments, if nothing else of its pod mentions it and nothing that it
 * started could speak for it. Everything else stays with the pod.
 */
import { baseName } from '../model/process.ts';
import { MICROS_PER_MS, MICROS_PER_SECOND, type Micros } from '../model/time.ts';
import type { ConnectionRecord } from './connection-record.ts';
import type { Pod } from './pods.ts';
import type { ProcessNode } from './process-node.ts';

/** More processes than this are not searched: in such a crowd nobody is the only one. */
const CANDIDATES_MAX = 128;
/** A process that ended this shortly before a packet still counts as a rival: it may have handed its work on. */
const RIVAL_SLACK: Micros = MICROS_PER_SECOND;
/** The stamps of exec and of packets come from one kernel, by two ways. */
const STAMP_SLACK: Micros = 5 * MICROS_PER_MS;
/** A lone process must have been alone for this long. */
const ALONE: Micros = 5 * MICROS_PER_SECOND;

/** How an argument text speaks of a destination: not at all, of the host only, or of host and port. */
type Mention = 0 | 1 | 2;

const SCHEME_PORTS: Readonly<Record<string, number>> = {
  http: 80,
  https: 443,
  ftp: 21,
  ssh: 22,
  ws: 80,
  wss: 443,
  ldap: 389,
};

function isNamePart(code: number): boolean {
  return (
    (code >= 48 && code <= 57) ||
    (code >= 97 && code <= 122) ||
    (code >= 65 && code <= 90) ||
    code === 45 ||
    code === 46 ||
    code === 95
  );
}

/** The port that stands with a host name in an argument: `host:80`, `[::1]:80`, `host 80`, `/dev/tcp/host/80`, `http://host`; 0 for none. */
function portBeside(text: string, start: number, end: number): number {
  const explicit = /^\]?(?::|\/)(\d{1,5})(?![\w.])/.exec(text.slice(end, end + 8))?.[1];
  if (explicit !== undefined) return Number(explicit);
  const next = /^["',)\]]*\s+(\d{1,5})(?=["\s]|$)/.exec(text.slice(end, end + 12))?.[1];
  if (next !== undefined) return Number(next);
  const scheme = /([a-z]{2,5}):\/\/(?:[^/\s@]{0,64}@)?$/.exec(text.slice(Math.max(0, start - 80), start))?.[1];
  return scheme === undefined ? 0 : (SCHEME_PORTS[scheme] ?? 0);
}

/** `text` and `host` in lower case. */
function mentionOf(text: string, host: string, port: number): Mention {
  let best: Mention = 0;
  for (let at = text.indexOf(host); at >= 0; at = text.indexOf(host, at + 1)) {
    const end = at + host.length;
    if (at > 0 && isNamePart(text.charCodeAt(at - 1))) continue;
    if (end < text.length && isNamePart(text.charCodeAt(end))) {
      // A full stop after a name ends it when nothing of a name follows.
      if (text.charCodeAt(end) !== 46 || (end + 1 < text.length && isNamePart(text.charCodeAt(end + 1)))) continue;
    }
    const beside = portBeside(text, at, end);
    if (beside === 0 || beside === port) return 2;
    best = 1;
  }
  return best;
}

function mentions(process: ProcessNode, connection: ConnectionRecord): Mention {
  if (process.facts.arguments.length < 4) return 0;
  const text = process.facts.arguments.toLowerCase();
  const { server } = connection;
  let best = mentionOf(text, server.ip, server.port);
  if (server.translated !== '') best = Math.max(best, mentionOf(text, server.translated, server.port)) as Mention;
  for (const name of server.names) {
    if (best === 2) break;
    if (name !== '') best = Math.max(best, mentionOf(text, name.toLowerCase(), server.port)) as Mention;
  }
  return best;
}

const SHELLS = new Set(['sh', 'bash', 'dash', 'ash', 'zsh', 'ksh', 'rbash', 'mksh']);

function isShell(process: ProcessNode): boolean {
  const binary = baseName(process.facts.binary);
  if (SHELLS.has(binary)) return true;
  if (binary !== 'busybox') return false;
  const applet = process.facts.arguments.split(' ', 1)[0] as string;
  return SHELLS.has(applet);
}

/** Only through `/dev/tcp` does a shell speak itself; and then it is a fork of it that does, more often than not. */
function opensSockets(process: ProcessNode): boolean {
  const text = process.facts.arguments;
  return text.includes('/dev/tcp/') || text.includes('/dev/udp/');
}

/** It had started, and had not ended `slack` before. */
function wasThere(process: ProcessNode, time: Micros, slack: Micros): boolean {
  if (process.facts.startTime > time + STAMP_SLACK) return false;
  return process.exitTime === null || process.exitTime >= time - slack;
}

/** What it started may speak for it, and names the destination to nobody: a script, a launcher, a server with workers. */
function hasHelpers(process: ProcessNode, time: Micros): boolean {
  for (const child of process.children) if (wasThere(child as ProcessNode, time, RIVAL_SLACK)) return true;
  return false;
}

function onlyNamer(pod: Pod, connection: ConnectionRecord, time: Micros): ProcessNode | null {
  let found: ProcessNode | null = null;
  let rivals = 0;
  let searched = 0;
  const consider = (process: ProcessNode): void => {
    if (!wasThere(process, time, RIVAL_SLACK)) return;
    const mention = mentions(process, connection);
    if (mention === 0 || (isShell(process) && !opensSockets(process))) return;
    rivals++;
    if (mention === 2 && !isShell(process) && wasThere(process, time, 0)) found = process;
  };
  for (let at = pod.live.first; at !== null && rivals < 2; at = at.next) consider(at);
  for (let at = pod.exited.last; at !== null && rivals < 2; at = at.previous) {
    if (++searched > CANDIDATES_MAX) return null;
    if (at.exitTime !== null && at.exitTime < time - RIVAL_SLACK) break;
    consider(at);
  }
  if (rivals !== 1 || found === null || hasHelpers(found, time)) return null;
  return found;
}

/**
 * The one process that can be: a boot scan listed every process of the pod, and it was the only one, neither has it forked or
 * anything else run there since. (Of a process that was only seen to start, unseen forks may speak: workers of a server.)
 */
function onlyOne(pod: Pod, time: Micros): ProcessNode | null {
  const only = pod.live.first;
  if (only === null || pod.live.size !== 1 || !only.facts.flags.includes('procFS')) return null;
  if (only.placeholder || isShell(only) || only.children.size > 0 || !wasThere(only, time, 0)) return null;
  const last = pod.exited.last;
  return last === null || (last.exitTime !== null && last.exitTime < time - ALONE) ? only : null;
}

/** The process of `pod`, at the client's end, that must have opened the connection; null when it is not certain. */
export function infer(pod: Pod, connection: ConnectionRecord, time: Micros): ProcessNode | null {
  if (pod.live.size > CANDIDATES_MAX) return null;
  return onlyNamer(pod, connection, time) ?? onlyOne(pod, time);
}

/** What Tetragon reports about a process, and the node that stands for it in the ancestry tree. */
import type { Connection } from './connection.ts';
import type { Micros } from './time.ts';

/** One Linux namespace of a process. */
export interface Namespace {
  readonly inum: number;
  readonly isHost: boolean;
}

/** `tetragon.Namespaces`, keyed as in JSON: uts ipc mnt pid pid_for_children net time time_for_children cgroup user. */
export type Namespaces = Readonly<Record<string, Namespace>>;

export interface Capabilities {
  readonly permitted: readonly string[];
  readonly effective: readonly string[];
  readonly inheritable: readonly string[];
}

export interface Credentials {
  readonly uid: number | null;
  readonly gid: number | null;
  readonly euid: number | null;
  readonly egid: number | null;
  readonly suid: number | null;
  readonly sgid: number | null;
  readonly fsuid: number | null;
  readonly fsgid: number | null;
}

export interface BinaryProperties {
  /** Effective uid/gid that a setuid/setgid binary gave; null when the binary is neither. */
  readonly setuid: number | null;
  readonly setgid: number | null;
  readonly privilegesChanged: readonly string[];
  /** Present only when the file had no links at exec time (memfd or deleted). */
  readonly file: { readonly inode: string; readonly links: number; readonly path: string } | null;
}

/** The container and pod as Tetragon embeds them in a process. Interned by decoders: same content, same object. */
export interface PodFacts {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly workload: string;
  readonly workloadKind: string;
  readonly container: ContainerFacts | null;
}

export interface ContainerFacts {
  /** With its runtime scheme: `containerd://<64 hex>`. */
  readonly id: string;
  readonly name: string;
  readonly imageId: string;
  readonly imageName: string;
  /** Null where the sensor does not say. */
  readonly startTime: Micros | null;
  readonly maybeExecProbe: boolean;
  /** Null where the sensor does not say. */
  readonly privileged: boolean | null;
}

/**
 * A process block exactly as one event carried it. Strings are '' and optional values null where absent. Decoders return
 * the *same object* while the block's content (but for `refcnt` and `tid`, which are not kept) stays the same.
 */
export interface ProcessFacts {
  readonly execId: string;
  readonly parentExecId: string;
  readonly pid: number;
  /** Effective uid; null when not reported. */
  readonly uid: number | null;
  /** Login uid; null when unset (4294967295) or not reported. */
  readonly auid: number | null;
  readonly user: string;
  readonly cwd: string;
  readonly binary: string;
  readonly arguments: string;
  /** Space-separated, an open set: `execve clone inInitTree`. */
  readonly flags: string;
  readonly startTime: Micros;
  readonly startNs: number;
  readonly pod: PodFacts | null;
  /** First 31 characters of the container id, or ''. */
  readonly docker: string;
  readonly caps: Capabilities | null;
  readonly ns: Namespaces | null;
  readonly credentials: Credentials | null;
  readonly binaryProperties: BinaryProperties | null;
  readonly inInitTree: boolean | null;
  readonly env: readonly { readonly key: string; readonly value: string }[] | null;
}

/**
 * One executed image in the ancestry tree, identified by exec_id. Owned and mutated by `context/` only; everything else
 * reads it. Nodes may be evicted from the tree's index, but a node that something still holds stays intact.
 */
export interface Process {
  readonly execId: string;
  /** Best known facts; a placeholder's hold nothing but ids. */
  facts: ProcessFacts;
  parent: Process | null;
  /** Live and recently exited children, oldest first. */
  readonly children: Set<Process>;
  /** The image that this one replaced by exec without fork (same pid), else null. */
  replaced: Process | null;
  /** The image that replaced this one (same pid), else null. */
  replacedBy: Process | null;
  /** Own pod, or that of its container, or inherited from the nearest ancestor of the same container. */
  pod: PodFacts | null;
  readonly node: string;
  readonly cluster: string;
  /** True while nothing but its id was seen: a parent named by a child. */
  placeholder: boolean;
  /** A process_exec event (or boot scan entry) was seen: false for forks that never called exec. */
  execSeen: boolean;
  /** Null while it runs. A replaced image gets the time at which its successor started. */
  exitTime: Micros | null;
  exitSignal: string;
  exitStatus: number | null;
  /** Event time of the last event that named it as its own process. */
  lastSeen: Micros;
  /** Connections attributed to it, oldest first, bounded. */
  readonly connections: Connection[];
}

/** The chain from a process's parent upwards, nearest first; guards against cycles and is at most `limit` long. */
export function ancestorsOf(process: Process, limit = 64): Process[] {
  const chain: Process[] = [];
  let at = process.parent;
  while (at !== null && chain.length < limit && at !== process && !chain.includes(at)) {
    chain.push(at);
    at = at.parent;
  }
  return chain;
}

/** `/usr/bin/nc.traditional` → `nc.traditional`; a trailing ` (deleted)` is cut. */
export function baseName(path: string): string {
  const clean = path.endsWith(' (deleted)') ? path.slice(0, -10) : path;
  return clean.slice(clean.lastIndexOf('/') + 1);
}

/** A parsed `tetragon.Process` block → `ProcessFacts`. */
import type {
  BinaryProperties,
  Capabilities,
  ContainerFacts,
  Credentials,
  Namespace,
  Namespaces,
  PodFacts,
  ProcessFacts,
} from '../../model/process.ts';
import { CAPABILITIES, enumName, PRIVILEGES_CHANGED } from '../enums.ts';
import type { Interned } from '../intern.ts';
import {
  array,
  booleanOrNull,
  clean,
  instant,
  type Json,
  number,
  numberOrNull,
  object,
  stringMap,
  strings,
  text,
} from './values.ts';

/** What the kernel reports as login uid of a process that nobody logged in for. */
const AUID_UNSET = 4_294_967_295;

const NAMESPACE_NAMES = [
  'uts',
  'ipc',
  'mnt',
  'pid',
  'pid_for_children',
  'net',
  'time',
  'time_for_children',
  'cgroup',
  'user',
] as const;

/** Parts of a block that were recognised, and are not in what was parsed of it. */
export interface KnownParts {
  readonly pod: PodFacts | null;
  readonly caps: Capabilities | null;
  readonly ns: Namespaces | null;
}

/** Facts of one process block. Blocks inside it are interned; `parts`, when given, stand for those that are not in it. */
export function processFacts(block: Json, interned: Interned, parts: KnownParts | null = null): ProcessFacts {
  const start = instant(block.start_time);
  const credentials = object(block.process_credentials);
  const properties = object(block.binary_properties);
  const auid = numberOrNull(block.auid);
  return {
    execId: text(block.exec_id),
    parentExecId: text(block.parent_exec_id),
    pid: number(block.pid),
    uid: numberOrNull(block.uid),
    auid: auid === AUID_UNSET ? null : auid,
    user: interned.word(text(object(block.user)?.name)),
    cwd: interned.word(text(block.cwd)),
    binary: interned.word(text(block.binary)),
    arguments: text(block.arguments),
    flags: interned.word(text(block.flags)),
    startTime: start === null ? 0 : start.time,
    startNs: start === null ? 0 : start.ns,
    pod: parts === null ? podOf(block.pod, interned) : parts.pod,
    docker: interned.word(text(block.docker)),
    caps: parts === null ? capsOf(block.cap, interned) : parts.caps,
    ns: parts === null ? nsOf(block.ns, interned) : parts.ns,
    credentials: credentials === null ? null : interned.credentials(credentialsOf(credentials)),
    binaryProperties: properties === null ? null : binaryProperties(properties),
    inInitTree: booleanOrNull(block.in_init_tree),
    env: Array.isArray(block.environment_variables) ? environment(block.environment_variables) : null,
  };
}

export function podOf(value: unknown, interned: Interned): PodFacts | null {
  const block = object(value);
  return block === null || isEmpty(block) ? null : interned.pod(podFacts(block));
}

export function capsOf(value: unknown, interned: Interned): Capabilities | null {
  const block = object(value);
  return block === null ? null : interned.capabilities(capabilities(block));
}

export function nsOf(value: unknown, interned: Interned): Namespaces | null {
  const block = object(value);
  return block === null ? null : interned.namespaces(namespaces(block));
}

/**
 * Whether two blocks of one exec_id say the same. Interned parts are compared by content too: an interner may have forgotten
 * one of them in between.
 */
export function sameFacts(a: ProcessFacts, b: ProcessFacts): boolean {
  return (
    a.binary === b.binary &&
    a.arguments === b.arguments &&
    a.startTime === b.startTime &&
    a.startNs === b.startNs &&
    JSON.stringify(a) === JSON.stringify(b)
  );
}

/** Field masks and re-exports leave blocks of nothing but nulls and empty strings: they say as little as no block. */
function isEmpty(block: Json): boolean {
  return !text(block.name) && !text(block.namespace) && object(block.container) === null;
}

function podFacts(block: Json): PodFacts {
  const container = object(block.container);
  return {
    namespace: clean(block.namespace),
    name: clean(block.name),
    uid: clean(block.uid),
    labels: stringMap(block.pod_labels),
    annotations: stringMap(block.pod_annotations),
    workload: clean(block.workload),
    workloadKind: text(block.workload_kind),
    container: container === null ? null : containerFacts(container),
  };
}

function containerFacts(block: Json): ContainerFacts {
  const image = object(block.image);
  const security = object(block.security_context);
  return {
    id: text(block.id),
    name: clean(block.name),
    imageId: text(image?.id),
    imageName: text(image?.name),
    startTime: instant(block.start_time)?.time ?? null,
    maybeExecProbe: booleanOrNull(block.maybe_exec_probe) ?? false,
    // A false flag is left out by the export, so that an empty context says "not privileged".
    privileged: security === null ? null : (booleanOrNull(security.privileged) ?? false),
  };
}

function capabilities(block: Json): Capabilities {
  return {
    permitted: capabilityNames(block.permitted),
    effective: capabilityNames(block.effective),
    inheritable: capabilityNames(block.inheritable),
  };
}

function capabilityNames(value: unknown): readonly string[] {
  const list = array(value);
  if (list.every(item => typeof item === 'string')) return strings(value);
  return list.map(item => enumName(CAPABILITIES, item));
}

function namespaces(block: Json): Namespaces {
  const out: Record<string, Namespace> = {};
  for (const name of NAMESPACE_NAMES) {
    const one = object(block[name]);
    if (one !== null) out[name] = { inum: number(one.inum), isHost: booleanOrNull(one.is_host) ?? false };
  }
  return out;
}

function credentialsOf(block: Json): Credentials {
  return {
    uid: numberOrNull(block.uid),
    gid: numberOrNull(block.gid),
    euid: numberOrNull(block.euid),
    egid: numberOrNull(block.egid),
    suid: numberOrNull(block.suid),
    sgid: numberOrNull(block.sgid),
    fsuid: numberOrNull(block.fsuid),
    fsgid: numberOrNull(block.fsgid),
  };
}

function binaryProperties(block: Json): BinaryProperties {
  const file = object(block.file);
  const inode = object(file?.inode);
  return {
    setuid: numberOrNull(block.setuid),
    setgid: numberOrNull(block.setgid),
    privilegesChanged: array(block.privileges_changed).map(item => enumName(PRIVILEGES_CHANGED, item)),
    file: file === null ? null : { inode: text(inode?.number), links: number(inode?.links), path: text(file.path) },
  };
}

function environment(list: readonly unknown[]): { key: string; value: string }[] {
  return list.map(object).flatMap(one => {
    if (one === null) return [];
    return [{ key: text(one.Key ?? one.key), value: text(one.Value ?? one.value) }];
  });
}

/** `kprobe.*` and what follows from a hook's arguments, whatever hook they came from: files, sockets, mounts, namespaces, modules. */
import { isProcessEvent, type KprobeArg, type ProcessEvent } from '../../model/event.ts';
import type { Observation, SocketFacts } from '../../model/observation.ts';
import { baseName } from '../../model/process.ts';
import {
  type Field,
  type FieldFamily,
  type FieldGetter,
  type FieldType,
  type FieldValue,
  HOOK_KINDS,
} from './field.ts';

const NONE: readonly string[] = [];

function hookField(
  name: string,
  type: FieldType,
  get: (e: ProcessEvent) => FieldValue,
  describe: string,
  requires?: string,
): Field {
  return {
    name,
    type,
    kinds: HOOK_KINDS,
    get: o => (isProcessEvent(o.event) && o.event.functionName !== '' ? get(o.event) : null),
    describe,
    requires: requires === undefined ? [] : [requires],
  };
}

function socketField(name: string, type: FieldType, get: (s: SocketFacts) => FieldValue, describe: string): Field {
  return {
    name: `socket.${name}`,
    type,
    kinds: HOOK_KINDS,
    get: o => (o.socket === null ? null : get(o.socket)),
    describe,
    requires: ['policy.socket'],
  };
}

/** The value at `path` inside an argument's value; null when there is none. */
function dig(value: unknown, path: readonly string[]): unknown {
  let at = value;
  for (const key of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return null;
    at = (at as Readonly<Record<string, unknown>>)[key];
  }
  return at;
}

function scalar(value: unknown): FieldValue {
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'boolean':
      return value;
    case 'object':
      return Array.isArray(value) ? value.map(String) : null;
    default:
      return null;
  }
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
function argument(e: ProcessEvent, ...types: readonly string[]): KprobeArg | null {
  for (const arg of e.args) if (types.includes(arg.type)) return arg;
  return null;
}

function integer(arg: KprobeArg | null | undefined): number | null {
  if (arg === null || arg === undefined) return null;
  const n = typeof arg.value === 'string' && arg.value !== '' ? Number(arg.value) : arg.value;
  return typeof n === 'number' && Number.isSafeInteger(n) ? n : null;
}

/** Functions are few: those that policies name. */
const FUNCTIONS_MAX = 1_000;

/** Asked of every hook's event: the answer for each function is kept. */
function byFunction(holds: (name: string) => boolean): (e: ProcessEvent) => boolean {
  const known = new Map<string, boolean>();
  return ({ functionName }) => {
    let answer = known.get(functionName);
    if (answer === undefined) {
      answer = holds(functionName);
      if (known.size >= FUNCTIONS_MAX) known.clear();
      known.set(functionName, answer);
    }
    return answer;
  };
}

/** `__x64_sys_setns`, `sys_setns`, `syscalls/sys_enter_setns` → true for `setns`. */
const isCall = (name: string, call: string): boolean =>
  name === call || name.endsWith(`sys_${call}`) || name.endsWith(`sys_enter_${call}`);

function filePath(e: ProcessEvent): string {
  const arg = argument(e, 'file', 'path', 'linux_binprm');
  return arg === null ? '' : text(dig(arg.value, ['path']));
}

const MAY = { exec: 1, write: 2, read: 4 } as const;
const PROT = { read: 1, write: 2, exec: 4 } as const;
const CHANGING = /(truncate|unlink|rename|link|mkdir|rmdir|mknod|chmod|chown|setattr|setxattr)/;

function bits(mask: number | null, names: Readonly<Record<string, number>>): readonly string[] {
  return mask === null ? NONE : Object.keys(names).filter(name => (mask & names[name]!) !== 0);
}

function fileAccess(e: ProcessEvent): readonly string[] {
  if (filePath(e) === '') return NONE;
  const name = e.functionName;
  if (argument(e, 'linux_binprm') !== null) return ['exec'];
  if (name.includes('mmap')) return bits(integer(argument(e, 'uint', 'int', 'size')), PROT);
  if (name.includes('permission')) return bits(integer(argument(e, 'int', 'uint')), MAY);
  if (CHANGING.test(name)) return ['write'];
  return name.includes('open') || name.includes('fd_install') ? ['open'] : NONE;
}

const isMount = byFunction(name => name.endsWith('sb_mount') || isCall(name, 'mount'));

/** Source, target and type, whether the hook gives the target as text or as a path. */
function mountPart(e: ProcessEvent, index: 0 | 1 | 2): string {
  if (!isMount(e)) return '';
  const arg = e.args[index];
  if (arg === undefined) return '';
  return typeof arg.value === 'string' ? arg.value : text(dig(arg.value, ['path']));
}

/** CLONE_NEW* flags by the name of the namespace. */
const CLONE_NEW: Readonly<Record<string, number>> = {
  time: 0x80,
  mnt: 0x0002_0000,
  cgroup: 0x0200_0000,
  uts: 0x0400_0000,
  ipc: 0x0800_0000,
  user: 0x1000_0000,
  pid: 0x2000_0000,
  net: 0x4000_0000,
};

const isSetns = byFunction(name => isCall(name, 'setns'));
const isUnshare = byFunction(name => isCall(name, 'unshare'));

function namespaceKinds(e: ProcessEvent): readonly string[] {
  if (isSetns(e)) return bits(integer(e.args[1]), CLONE_NEW);
  if (isUnshare(e)) return bits(integer(e.args[0]), CLONE_NEW);
  return NONE;
}

const isOfModules = byFunction(name => name.includes('module'));

function moduleName(e: ProcessEvent): string {
  const arg = argument(e, 'module');
  if (arg !== null) return text(dig(arg.value, ['name']));
  return isOfModules(e) ? text(argument(e, 'string')?.value) : '';
}

const inside = (e: ProcessEvent, types: readonly string[], key: string): string => {
  const arg = argument(e, ...types);
  return arg === null ? '' : text(dig(arg.value, [key]));
};
const PROGRAM = ['bpf_attr', 'bpf_prog'];

export const hookFields: readonly Field[] = [
  hookField(
    'kprobe.function',
    'string',
    e => e.functionName,
    'function, LSM hook, `subsystem/event` of a tracepoint, symbol of a uprobe',
  ),
  hookField('kprobe.policy', 'string', e => e.policy, 'name of the TracingPolicy'),
  hookField('kprobe.action', 'string', e => e.action, 'KPROBE_ACTION_POST, KPROBE_ACTION_SIGKILL, …'),
  hookField('kprobe.message', 'string', e => e.message, 'message of the policy'),
  hookField('kprobe.tags', 'strings', e => e.tags, 'tags of the policy'),
  hookField(
    'kprobe.return',
    'scalar',
    e => scalar(e.returnValue?.value),
    'value returned, where the policy asks for it',
  ),
  hookField('file.path', 'string', filePath, "path of the file, relative to the process's root", 'policy.file'),
  hookField('file.name', 'string', e => baseName(filePath(e)), 'base name of the file', 'policy.file'),
  hookField('file.access', 'strings', fileAccess, 'read, write, exec, open', 'policy.file'),
  socketField('family', 'string', s => s.family, 'AF_INET, AF_INET6, AF_UNIX'),
  socketField('protocol', 'string', s => s.protocol, 'protocol of the socket'),
  socketField('state', 'string', s => s.state, 'TCP_ESTABLISHED, TCP_LISTEN, …'),
  socketField('source.ip', 'ip', s => s.sourceIp, 'local address as the socket has it'),
  socketField('source.port', 'number', s => (s.sourcePort === 0 ? null : s.sourcePort), 'local port'),
  socketField('destination.ip', 'ip', s => s.destinationIp, 'remote address as the socket has it'),
  socketField('destination.port', 'number', s => (s.destinationPort === 0 ? null : s.destinationPort), 'remote port'),
  hookField('mount.source', 'string', e => mountPart(e, 0), 'device or directory mounted', 'policy.mount'),
  hookField('mount.target', 'string', e => mountPart(e, 1), 'where it is mounted', 'policy.mount'),
  hookField('mount.type', 'string', e => mountPart(e, 2), 'file system type; absent for bind mounts', 'policy.mount'),
  hookField(
    'setns.kind',
    'strings',
    namespaceKinds,
    'namespaces entered by setns or left by unshare: mnt uts ipc user pid net cgroup time',
    'policy.namespace',
  ),
  hookField('module.name', 'string', moduleName, 'kernel module', 'policy.module'),
  hookField(
    'capability.name',
    'string',
    e => inside(e, ['capability'], 'name'),
    'capability asked for',
    'policy.capability',
  ),
  hookField('bpf.program.name', 'string', e => inside(e, PROGRAM, 'ProgName'), 'BPF program', 'policy.bpf'),
  hookField('bpf.program.type', 'string', e => inside(e, PROGRAM, 'ProgType'), 'its type', 'policy.bpf'),
  hookField('bpf.map.name', 'string', e => inside(e, ['bpf_map'], 'MapName'), 'BPF map', 'policy.bpf'),
  hookField('bpf.map.type', 'string', e => inside(e, ['bpf_map'], 'MapType'), 'its type', 'policy.bpf'),
  hookField('bpf.command', 'scalar', e => scalar(argument(e, 'bpf_cmd')?.value), 'BPF_PROG_LOAD, …', 'policy.bpf'),
];

/** Argument types of Tetragon's KprobeArgument, without `_arg`. */
const ARGUMENT_TYPES = new Set(
  (
    'string int skb size bytes path file truncated_bytes sock cred long bpf_attr perf_event bpf_map uint user_namespace capability ' +
    'process_credentials user_ns module kernel_cap_t cap_inheritable cap_permitted cap_effective linux_binprm net_dev bpf_cmd ' +
    'syscall_id sockaddr bpf_prog error sockaddrun'
  ).split(' '),
);
const ARGUMENT_INDEX_MAX = 31;

function argumentGetter(rest: string): FieldGetter | null {
  const [position, type, ...path] = rest.split('.');
  if (position === undefined || type === undefined || !/^\d{1,2}$/.test(position) || !ARGUMENT_TYPES.has(type))
    return null;
  const index = Number(position);
  if (index > ARGUMENT_INDEX_MAX || path.includes('')) return null;
  return (o: Observation) => {
    if (!isProcessEvent(o.event)) return null;
    const arg = o.event.args[index];
    return arg === undefined || arg.type !== type ? null : scalar(dig(arg.value, path));
  };
}

export const hookFamilies: readonly FieldFamily[] = [
  {
    pattern: 'kprobe.args.<n>.<type>[.<key>…]',
    prefix: 'kprobe.args.',
    type: 'scalar',
    kinds: HOOK_KINDS,
    describe:
      'argument n (from 0) of a hook, if it has that type, and what is inside it: kprobe.args.0.sock.daddr, kprobe.args.1.int',
    requires: [],
    make: argumentGetter,
  },
];

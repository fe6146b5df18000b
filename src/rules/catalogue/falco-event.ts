/** Falco's `evt.*`: the system call that an event stands for, and its arguments. */
import { isProcessEvent, type KprobeArg, type ProcessEvent } from '../../model/event.ts';
import type { Observation } from '../../model/observation.ts';
import type { FalcoRow } from './falco-row.ts';
import { callsOf, isSyscallHook } from './falco-syscall.ts';
import { ALL_KINDS, type FieldType, type FieldValue, FLOW_KINDS, HOOK_KINDS, PROCESS_KINDS } from './field.ts';
import { hookFields } from './hook.ts';
import { rendered } from './text.ts';

const NONE: readonly string[] = [];
const CALL_KINDS = [...PROCESS_KINDS, ...FLOW_KINDS];
const access = hookFields.find(field => field.name === 'file.access');

function accesses(o: Observation): readonly string[] | null {
  const value = access?.get(o, o.process) ?? null;
  return value !== null && typeof value === 'object' && value.length > 0 ? value : null;
}

const hook = (o: Observation): ProcessEvent | null =>
  isProcessEvent(o.event) && o.event.functionName !== '' ? o.event : null;

const O_ACCMODE = 3;

/** Read, write or both of an open call's own flags; null when it is none, or its flags are not reported. */
function openMode(e: ProcessEvent, o: Observation): { read: boolean; write: boolean } | null {
  if (!isSyscallHook(e) || !callsOf(o).some(call => call.startsWith('open'))) return null;
  const flags = integer(e.args.find(arg => arg.type === 'int' && arg.label !== 'dfd' && arg !== e.args[0])?.value);
  if (flags === null) return null;
  const mode = flags & O_ACCMODE;
  return { read: mode !== 1, write: mode !== 0 };
}

function opened(how: 'read' | 'write'): (o: Observation) => boolean | null {
  return o => {
    const e = hook(o);
    if (e === null || !callsOf(o).includes('openat')) return null;
    const mode = openMode(e, o);
    if (mode !== null) return mode[how];
    const found = accesses(o);
    if (found === null) return null;
    return found.includes(how) || (how === 'read' && found.includes('open'));
  };
}

const O_CREAT = 0o100;
const EXECUTABLE = 0o111;

/** Whether it makes a file that can be executed; null when no flags and mode are reported. */
function makesExecutable(o: Observation): boolean | null {
  const e = hook(o);
  if (e === null || !isSyscallHook(e)) return null;
  // After the folder's descriptor, where the call has one.
  const numbers = e.args[0]?.type === 'int' ? ints(e).slice(1) : ints(e);
  const creat = callsOf(o).includes('creat');
  const [flags, mode] = creat ? [O_CREAT, numbers[0]] : numbers;
  if ((!creat && openMode(e, o) === null) || flags == null || mode == null) return null;
  return (flags & O_CREAT) !== 0 && (mode & EXECUTABLE) !== 0;
}

function integer(value: unknown): number | null {
  const n = typeof value === 'string' && value !== '' ? Number(value) : value;
  return typeof n === 'number' && Number.isSafeInteger(n) ? n : null;
}

const ERRORS: Readonly<Record<number, string>> = {
  1: 'EPERM',
  2: 'ENOENT',
  11: 'EAGAIN',
  13: 'EACCES',
  17: 'EEXIST',
  20: 'ENOTDIR',
  21: 'EISDIR',
  22: 'EINVAL',
  110: 'ETIMEDOUT',
  111: 'ECONNREFUSED',
  113: 'EHOSTUNREACH',
  115: 'EINPROGRESS',
};

function returned(o: Observation): number | null {
  if (callsOf(o).length === 0) return null;
  const e = hook(o);
  const given = integer(e?.returnValue?.value);
  if (given !== null) return given;
  // dup2(old, new) returns the new descriptor.
  if (e !== null && callsOf(o).some(call => call.startsWith('dup')))
    return integer(e.args.filter(arg => arg.type === 'int').at(-1)?.value);
  return 0;
}

function result(o: Observation): string {
  const n = returned(o);
  return n === null ? '' : n >= 0 ? 'SUCCESS' : (ERRORS[-n] ?? `E${-n}`);
}

/** An argument as text: scalars as they are, of messages the part that names them. */
function textOf(arg: KprobeArg | undefined): string {
  const value = arg?.value;
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value !== 'object' || value === null) return '';
  for (const key of ['path', 'name', 'ProgName', 'MapName', 'daddr']) {
    const part = (value as Readonly<Record<string, unknown>>)[key];
    if (typeof part === 'string') return part;
  }
  return '';
}

const named = (value: number | null, names: Readonly<Record<number, string>>): string =>
  value === null ? '' : (names[value] ?? String(value));
const flagged = (value: number | null, names: Readonly<Record<string, number>>): string => {
  if (value === null) return '';
  const set = Object.keys(names).filter(name => (value & (names[name] as number)) === names[name]);
  return set.length === 0 ? String(value) : set.join('|');
};

const PTRACE: Readonly<Record<number, string>> = {
  0: 'PTRACE_TRACEME',
  1: 'PTRACE_PEEKTEXT',
  2: 'PTRACE_PEEKDATA',
  4: 'PTRACE_POKETEXT',
  5: 'PTRACE_POKEDATA',
  6: 'PTRACE_POKEUSR',
  7: 'PTRACE_CONT',
  13: 'PTRACE_SETREGS',
  16: 'PTRACE_ATTACH',
  16901: 'PTRACE_SETREGSET',
  16902: 'PTRACE_SEIZE',
};
const DOMAIN: Readonly<Record<number, string>> = {
  1: 'AF_UNIX',
  2: 'AF_INET',
  10: 'AF_INET6',
  16: 'AF_NETLINK',
  17: 'AF_PACKET',
};
const BPF: Readonly<Record<number, string>> = { 0: 'BPF_MAP_CREATE', 5: 'BPF_PROG_LOAD', 6: 'BPF_OBJ_PIN' };
const MODE: Readonly<Record<string, number>> = {
  S_ISUID: 0o4000,
  S_ISGID: 0o2000,
  S_ISVTX: 0o1000,
  S_IXUSR: 0o100,
  S_IXGRP: 0o10,
  S_IXOTH: 0o1,
};
const OPEN_FLAGS: Readonly<Record<string, number>> = { O_CREAT: 0o100, O_TRUNC: 0o1000, O_APPEND: 0o2000 };
const CLONE: Readonly<Record<string, number>> = {
  CLONE_NEWNS: 0x0002_0000,
  CLONE_NEWCGROUP: 0x0200_0000,
  CLONE_NEWUTS: 0x0400_0000,
  CLONE_NEWIPC: 0x0800_0000,
  CLONE_NEWUSER: 0x1000_0000,
  CLONE_NEWPID: 0x2000_0000,
  CLONE_NEWNET: 0x4000_0000,
};
const PATHS = new Set(['file', 'path', 'string', 'linux_binprm']);

const ints = (e: ProcessEvent): (number | null)[] =>
  e.args.filter(arg => ['int', 'uint', 'long', 'size'].includes(arg.type)).map(arg => integer(arg.value));
const paths = (e: ProcessEvent): string[] =>
  e.args
    .filter(arg => PATHS.has(arg.type))
    .map(textOf)
    .filter(text => text !== '');

function flags(e: ProcessEvent, calls: readonly string[], o: Observation): string {
  if (e.functionName.includes('truncate')) return 'O_TRUNC|O_WRONLY';
  if (calls.includes('unshare')) return flagged(ints(e)[0] ?? null, CLONE);
  if (calls.some(call => call.startsWith('open')) && isSyscallHook(e))
    return flagged(ints(e).at(-1) ?? null, OPEN_FLAGS);
  // A file hook knows no flags: what was written may have been created.
  if (calls.includes('openat')) return accesses(o)?.includes('write') === true ? 'O_CREAT|O_WRONLY' : '';
  return named(ints(e).at(-1) ?? null, {});
}

/** Calls that have an old path and a new one. */
const MOVES = /^(rename|link)(at2?)?$/;

/** What Falco calls the arguments of the calls that its rules look into. */
function argument(name: string, o: Observation): string {
  if (o.event.kind === 'process_exec') {
    const facts = o.event.process;
    if (name === 'exe' || name === 'filename' || name === 'trusted_exepath') return facts.binary;
    if (name === 'args') return facts.arguments;
    if (name === 'cwd') return facts.cwd;
    if (name === 'comm') return rendered(facts).name;
    return name === 'uid' && facts.uid !== null ? String(facts.uid) : '';
  }
  const e = hook(o);
  if (e === null) return '';
  const calls = callsOf(o);
  const labelled = e.args.find(arg => arg.label !== '' && arg.label === name);
  switch (name) {
    case 'request':
      return named(ints(e)[0] ?? null, PTRACE);
    case 'domain':
      return named(ints(e)[0] ?? null, DOMAIN);
    case 'cmd': {
      const given = e.args.find(arg => arg.type === 'bpf_cmd');
      return given === undefined ? named(ints(e)[0] ?? null, BPF) : textOf(given);
    }
    case 'mode':
      return flagged(ints(e).at(-1) ?? null, MODE);
    case 'flags':
      return flags(e, calls, o);
    case 'nstype':
      return flagged(ints(e).at(-1) ?? null, CLONE);
    case 'target':
      // A symlink's hook gives the text of the link last, its system call first.
      if (!calls.includes('symlink') && !calls.includes('symlinkat')) return '';
      return (isSyscallHook(e) ? paths(e)[0] : paths(e).at(-1)) ?? '';
    case 'linkpath':
      if (!calls.includes('symlink') && !calls.includes('symlinkat')) return '';
      return (isSyscallHook(e) ? paths(e).at(-1) : paths(e)[0]) ?? '';
    case 'oldpath':
      return calls.some(call => MOVES.test(call)) ? (paths(e)[0] ?? '') : '';
    case 'newpath':
      return calls.some(call => MOVES.test(call)) ? (paths(e).at(-1) ?? '') : '';
    case 'name':
    case 'path':
    case 'filename':
    case 'pathname':
      return (calls.includes('mount') && name === 'name' ? paths(e)[1] : paths(e)[0]) ?? '';
    case 'dev':
      return paths(e)[0] ?? '';
    case 'dir':
      return paths(e)[1] ?? '';
    case 'type':
      return calls.includes('mount') ? (paths(e)[2] ?? '') : String(ints(e)[1] ?? '');
    case 'uid':
    case 'gid':
    case 'euid':
    case 'ruid':
      return String(ints(e)[0] ?? '');
    case 'fd':
      return String(ints(e)[0] ?? '');
    case 'res':
      return String(returned(o) ?? '');
    default:
      return labelled === undefined ? '' : textOf(labelled);
  }
}

const ARGUMENTS = new Set(
  'request domain cmd mode flags nstype target oldpath linkpath newpath name path filename pathname dev dir type uid gid euid ruid fd res exe args cwd comm trusted_exepath'.split(
    ' ',
  ),
);

/** Of a call whose first argument Falco shows by name. */
function positional(index: number, o: Observation): string {
  const calls = callsOf(o);
  if (index === 0 && calls.includes('socket')) return argument('domain', o);
  if (index === 0 && calls.includes('ptrace')) return argument('request', o);
  if (index === 0 && calls.includes('bpf')) return argument('cmd', o);
  return textOf(hook(o)?.args[index]);
}

const row = (
  name: string,
  type: FieldType,
  get: (o: Observation) => FieldValue,
  extra: Partial<FalcoRow> = {},
): FalcoRow => ({
  name,
  type,
  kinds: CALL_KINDS,
  requires: [],
  approximates: '',
  ...extra,
  get,
});
const FILES: Partial<FalcoRow> = { kinds: HOOK_KINDS, requires: ['policy.file'] };
const UNKNOWN_MODE = 'an open whose mode the policy does not report counts as one for reading';
const CREATED = 'a written file counts as O_CREAT where the policy reports no flags of its open';
const OPENS = 'opens are the reads, writes and opens that a file policy reports';

/** `evt.arg.<name>`, `evt.arg[<n>]`; null when no call has such an argument here. */
export function falcoEventArgument(name: string, key: string): FalcoRow | null {
  if (name !== 'evt.arg' && name !== 'evt.rawarg') return null;
  if (/^\d$/.test(key)) return row(`${name}[${key}]`, 'scalar', o => positional(Number(key), o));
  if (!ARGUMENTS.has(key)) return null;
  const approximates = key === 'flags' ? CREATED : '';
  return row(`${name}.${key}`, 'scalar', o => argument(key, o), { approximates });
}

export const falcoEventRows: readonly FalcoRow[] = [
  row('evt.type', 'strings', callsOf),
  row('syscall.type', 'strings', callsOf),
  row('evt.dir', 'string', o => (callsOf(o).length === 0 ? '' : '<')),
  row('evt.num', 'number', o => o.seq + 1, { kinds: ALL_KINDS }),
  row('evt.time', 'instant', o => o.event.time, { kinds: ALL_KINDS }),
  row('evt.hostname', 'string', o => o.event.node, { kinds: ALL_KINDS }),
  row('evt.source', 'string', () => 'syscall', { kinds: ALL_KINDS }),
  row('evt.failed', 'boolean', o => (returned(o) ?? 0) < 0),
  row('evt.rawres', 'number', returned, {
    approximates: 'calls are taken as successful where no return value is reported',
  }),
  row('evt.res', 'string', result, { approximates: 'calls are taken as successful where no return value is reported' }),
  row('evt.is_open_read', 'boolean', opened('read'), { ...FILES, approximates: `${OPENS}; ${UNKNOWN_MODE}` }),
  row('evt.is_open_write', 'boolean', opened('write'), { ...FILES, approximates: OPENS }),
  row('evt.is_open_exec', 'boolean', makesExecutable, { kinds: HOOK_KINDS, requires: ['policy.sys_openat'] }),
  row('evt.args', 'string', o => {
    if (o.event.kind === 'process_exec') return o.event.process.arguments;
    return (
      hook(o)
        ?.args.map(textOf)
        .filter(text => text !== '')
        .join(' ') ?? ''
    );
  }),
  row(
    'evt.argnames',
    'strings',
    o =>
      hook(o)
        ?.args.map(arg => arg.label)
        .filter(label => label !== '') ?? NONE,
  ),
];

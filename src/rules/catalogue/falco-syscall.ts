/** Which system calls an event stands for: Falco's `evt.type`, whatever hook reported it. */
import { isProcessEvent, type ProcessEvent } from '../../model/event.ts';
import type { Observation } from '../../model/observation.ts';

const NONE: readonly string[] = [];
const EXEC: readonly string[] = ['execve', 'execveat'];
const OPEN: readonly string[] = ['open', 'openat', 'openat2'];

/** Hooks other than system calls, by a part of their name; the first that fits wins. */
const HOOKS: readonly (readonly [part: RegExp, calls: readonly string[]])[] = [
  [/unlink/, ['unlink', 'unlinkat']],
  [/rmdir/, ['rmdir', 'unlinkat']],
  [/symlink/, ['symlink', 'symlinkat']],
  [/link/, ['link', 'linkat']],
  [/rename/, ['rename', 'renameat', 'renameat2']],
  [/mkdir/, ['mkdir', 'mkdirat']],
  [/mknod/, ['mknod', 'mknodat']],
  [/chmod/, ['chmod', 'fchmod', 'fchmodat']],
  [/chown/, ['chown', 'fchown', 'lchown', 'fchownat']],
  [/truncate/, [...OPEN, 'truncate', 'ftruncate']],
  [/chroot/, ['chroot']],
  [/pivotroot|pivot_root/, ['pivot_root']],
  [/sb_umount|path_umount/, ['umount', 'umount2']],
  [/sb_mount|path_mount|move_mount/, ['mount']],
  [/ptrace/, ['ptrace']],
  [/create_user_ns|unshare/, ['unshare']],
  [/switch_task_namespaces|setns/, ['setns']],
  [/fix_setuid/, ['setuid', 'setreuid', 'setresuid']],
  [/fix_setgid/, ['setgid', 'setregid', 'setresgid']],
  [/module|load_info/, ['init_module', 'finit_module']],
  [/^(security_)?bpf|bpf_check/, ['bpf']],
  [/dup/, ['dup', 'dup2', 'dup3']],
  [/socket_create|^__sock_create/, ['socket']],
  [/socket_bind|inet_bind/, ['bind']],
  [/listen/, ['listen']],
  [/accept/, ['accept', 'accept4']],
  [/connect/, ['connect']],
  [/sendmsg|sendto/, ['sendto', 'sendmsg']],
  [/recvmsg|recvfrom/, ['recvfrom', 'recvmsg']],
  [/close/, ['close']],
  [/file_permission|file_open|mmap_file|fd_install|path_open|do_filp_open|vfs_open/, OPEN],
  [/bprm|binprm/, NONE],
  [/task_kill/, ['kill', 'tkill', 'tgkill']],
];

const callName = (functionName: string): string | null =>
  /^(?:__(?:x64|arm64|ia32)_)?sys_([a-z0-9_]+)$/.exec(functionName)?.[1] ??
  /^(?:raw_)?syscalls\/sys_(?:enter|exit)_([a-z0-9_]+)$/.exec(functionName)?.[1] ??
  null;

const ALIASES: Readonly<Record<string, readonly string[]>> = { newfstatat: ['fstatat'], clone: ['clone', 'fork'] };

const byFunction = new Map<string, readonly string[]>();
const FUNCTIONS_MAX = 4_096;

function callsOfHook(functionName: string): readonly string[] {
  const known = byFunction.get(functionName);
  if (known !== undefined) return known;
  const call = callName(functionName);
  const calls =
    call === null ? (HOOKS.find(([part]) => part.test(functionName))?.[1] ?? NONE) : [call, ...(ALIASES[call] ?? NONE)];
  if (byFunction.size >= FUNCTIONS_MAX) byFunction.clear();
  byFunction.set(functionName, calls);
  return calls;
}

/** Whether the pod or process at hand opened this connection; null when nobody knows. */
export function isClient(o: Observation): boolean | null {
  const { connection, process, event } = o;
  if (event.kind !== 'flow') {
    if (connection === null) return null;
    if (connection.process === process && process !== null) return true;
    return connection.serverProcess === process && process !== null ? false : null;
  }
  const client = o.client?.endpoint?.podName ?? '';
  const server = o.server?.endpoint?.podName ?? '';
  if (connection !== null && process !== null) {
    if (connection.process === process) return true;
    if (connection.serverProcess === process) return false;
  }
  const own = o.pod?.name ?? '';
  if (own !== '' && own === client && own !== server) return true;
  if (own !== '' && own === server && own !== client) return false;
  if (event.direction === 'EGRESS') return true;
  return event.direction === 'INGRESS' ? false : null;
}

function callsOfFlow(o: Observation): readonly string[] {
  if (o.event.kind !== 'flow' || o.event.isReply === true) return NONE;
  const client = isClient(o);
  if (client === null) return NONE;
  if (o.event.protocol === 'TCP') return client ? ['connect'] : ['accept', 'accept4'];
  if (o.event.protocol === 'UDP') return client ? ['connect', 'sendto', 'sendmsg'] : ['recvfrom', 'recvmsg'];
  return client ? ['sendto', 'sendmsg'] : ['recvfrom', 'recvmsg'];
}

/** [] when the event is no system call. */
export function callsOf(o: Observation): readonly string[] {
  const { event } = o;
  if (event.kind === 'process_exec') return EXEC;
  if (event.kind === 'process_exit') return ['procexit'];
  if (event.kind === 'flow') return callsOfFlow(o);
  return isProcessEvent(event) && event.functionName !== '' ? callsOfHook(event.functionName) : NONE;
}

export const isSyscallHook = (e: ProcessEvent): boolean => callName(e.functionName) !== null;

const FILE_CALL =
  /^f?l?(open|openat|openat2|creat|rename|renameat|renameat2|unlink|unlinkat|rmdir|mkdir|mkdirat|link|linkat|symlink|symlinkat|mknod|mknodat|chmod|fchmodat|chown|fchownat|truncate)$/;

/** The sensor setting that reports a system call: '' for what is always there, null for what no hook stands for. */
export function settingOf(call: string): string | null {
  if (/^(execve|execveat|procexit)$/.test(call)) return '';
  if (/^(connect|accept4?|sendto|sendmsg|recvfrom|recvmsg)$/.test(call)) return '';
  if (FILE_CALL.test(call)) return 'policy.file';
  if (/^(mount|umount2?|pivot_root)$/.test(call)) return 'policy.mount';
  if (/^(setns|unshare)$/.test(call)) return 'policy.namespace';
  if (/^f?init_module$/.test(call)) return 'policy.module';
  if (call === 'bpf') return 'policy.bpf';
  if (/^set(re|res)?uid$/.test(call)) return 'policy.sys_setuid';
  if (/^dup[23]?$/.test(call)) return 'policy.sys_dup';
  return /^[a-z][a-z0-9_]{0,31}$/.test(call) && !NO_CALL.has(call) ? `policy.sys_${call}` : null;
}

/** Falco's own events, which are no system calls. */
const NO_CALL = new Set(['container', 'asyncevent', 'pluginevent', 'notification', 'switch', 'drop', 'signaldeliver']);

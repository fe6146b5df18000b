/**
 * A shell command as an agent with its chart's defaults reports it: the process that runs the shell, the shell, and one exec for
 * each program of the command, without credentials, namespaces or ancestors; who is above stands only in the parent's block.
 */
import { formatInstant, MICROS_PER_SECOND, type Micros } from '../../src/model/time.ts';

/** How a command comes to run: by a request to a server, by kubectl exec, as the container's own start, by the kubelet's probe. */
export type Entry = 'web' | 'exec' | 'start' | 'probe';

export interface Setting {
  readonly entry: Entry;
  /** `namespace/name` */
  readonly pod?: string;
  readonly kind?: string;
  /** The program above the shell when a server ran it. */
  readonly server?: string;
  readonly serverArguments?: string;
  readonly at?: Micros;
  /** Age of the container at `at`, in seconds. */
  readonly age?: number;
  /** A pod that sees the node's processes: none counts as started by the container. */
  readonly hostPid?: boolean;
}

export type Json = Readonly<Record<string, unknown>>;

const EPOCH: Micros = 1_767_225_600 * MICROS_PER_SECOND;
const STEP: Micros = 20_000;
const BUILT_IN = new Set(
  'echo cd exec export read while for if do done then else fi set unset until true false trap wait source . eval umask : { } ( ) history printf shift exit local return command [ test pwd alias ulimit'.split(
    ' ',
  ),
);

/** Programs that start or become another, and the words of their own before it. */
const WRAPPERS: Readonly<Record<string, RegExp>> = {
  env: /^-\w*$|^\w+=/,
  stdbuf: /^-/,
  timeout: /^-|^\d+[smh]?$/,
  nice: /^-|^\d+$/,
  ionice: /^-/,
  setsid: /^-/,
  nohup: /^-/,
  unbuffer: /^-/,
  strace: /^-/,
  watch: /^-|^\d+$/,
  xargs: /^-/,
};

/** The command inside a wrapper, null when there is none. */
function wrapped(name: string, rest: readonly string[]): readonly string[] | null {
  const own = WRAPPERS[name];
  if (own !== undefined) {
    const from = rest.findIndex(word => !own.test(word));
    return from < 0 || rest.includes('-a') ? null : rest.slice(from);
  }
  if (name === 'find') {
    const from = rest.indexOf('-exec');
    const place =
      rest[0] === '/etc' ? '/etc/shadow' : rest[0]?.includes('secrets') ? `${rest[0]}/token` : (rest[0] ?? '');
    return from < 0
      ? null
      : rest.slice(from + 1).flatMap(word => (word === '{}' ? [place] : /^[;+]$/.test(word) ? [] : [word]));
  }
  const inner = { script: /^(.*)$/, perl: /system\("(.*)"\)/, awk: /system\("(.*)"\)/, vim: /^:!(.*)$/ }[name];
  const found =
    inner &&
    rest
      .filter(word => word.includes(' ') || word.includes('('))
      .map(word => inner.exec(word)?.[1])
      .find(Boolean);
  return found ? found.split(' ') : null;
}

/** Words of a command with their quotes taken off, and operators by themselves. */
function words(command: string): (string | { readonly op: string })[] {
  const out: (string | { readonly op: string })[] = [];
  let word = '';
  let open = false;
  let quote = '';
  const push = (): void => {
    if (open) out.push(word);
    word = '';
    open = false;
  };
  for (let i = 0; i < command.length; i++) {
    const c = command[i] as string;
    if (quote !== '') {
      if (c === quote) quote = '';
      else if (c === '\\' && quote === '"' && '"\\$`'.includes(command[i + 1] ?? '-')) word += command[++i];
      else word += c;
    } else if (c === '"' || c === "'") {
      quote = c;
      open = true;
    } else if (c === '\\') {
      word += command[++i] ?? '';
      open = true;
    } else if (/\s/.test(c)) {
      push();
      if (c === '\n') out.push({ op: ';' });
    } else if (/[;|&<>]/.test(c)) {
      const redirect = /^(\d*(>>|<>|>&|<&|&>|>|<)&?\d*-?)/.exec(command.slice(i))?.[0];
      if (redirect !== undefined) {
        if (/^\d$/.test(word)) word = '';
        if (word === '') open = false;
        push();
        i += redirect.length - 1;
        out.push({ op: /\d$|-$/.test(redirect) ? '>&' : '>' });
      } else {
        push();
        out.push({ op: c });
        if (command[i + 1] === c) i++;
      }
    } else {
      word += c;
      open = true;
    }
  }
  push();
  return out;
}

interface Program {
  readonly name: string;
  readonly arguments: string;
  /** Started by the one before it in the list. */
  readonly below: boolean;
}

/** The programs that a command starts, each with its arguments as Tetragon writes them. */
export function programs(command: string): Program[] {
  const out: Program[] = [];
  let line: string[] = [];
  const push = (name: string, rest: readonly string[], below: boolean): void => {
    out.push({
      name,
      arguments: rest.map(word => (/\s/.test(word) || word === '' ? `"${word}"` : word)).join(' '),
      below,
    });
    const inner = wrapped(name, rest);
    if (inner?.[0] !== undefined) push(inner[0], inner.slice(1), true);
  };
  const flush = (): void => {
    while (line.length > 0 && (BUILT_IN.has(line[0] as string) || /^\w+=/.test(line[0] as string))) {
      if (
        ['echo', 'printf', 'export', 'for', 'read', 'set', 'history', 'cd', 'unset', 'test', '['].includes(
          line[0] as string,
        )
      )
        line = [];
      else line.shift();
    }
    const [name, ...rest] = line;
    if (name !== undefined) push(name, rest, false);
    line = [];
  };
  const all = words(command);
  for (let i = 0; i < all.length; i++) {
    const word = all[i];
    if (typeof word === 'string') line.push(word);
    else if (word?.op === '>') i++;
    else if (word !== undefined && word.op !== '>&') flush();
  }
  flush();
  return out;
}

let made = 0;

const id = (pid: number): string => btoa(`node-1:${pid}000000000:${pid}`);

/** Records in the export's shape, in order of time. */
export function shellEvents(command: string, setting: Setting): Json[] {
  const base = 10_000 + (made++ % 100_000) * 50;
  const at = EPOCH + (setting.at ?? 0);
  const [namespace, name] = (setting.pod ?? 'shop/cart-6d4cf56db6-x7k2p').split('/') as [string, string];
  const age = setting.age ?? (setting.entry === 'start' ? 1 : 3_600);
  const pod = {
    namespace,
    name,
    workload: name.replace(/-[a-f0-9]{8,10}-[a-z0-9]{5}$/, ''),
    workload_kind: setting.kind ?? 'Deployment',
    container: {
      id: `containerd://${namespace}${name}`.padEnd(80, '0'),
      name: 'main',
      image: { id: 'registry.example/app@sha256:00', name: 'registry.example/app:1' },
      start_time: formatInstant(at - age * MICROS_PER_SECOND),
      pid: 1,
      ...(setting.entry === 'probe' ? { maybe_exec_probe: true } : {}),
    },
  };
  const docker = `${namespace}${name}`.padEnd(31, '0').slice(0, 31);
  const inTree = (setting.entry === 'web' || setting.entry === 'start') && setting.hostPid !== true;
  const block = (
    pid: number,
    parent: number,
    binary: string,
    args: string,
    time: Micros,
    flags = 'execve clone',
  ): Json => ({
    exec_id: id(pid),
    parent_exec_id: id(parent),
    pid,
    uid: 0,
    cwd: '/',
    binary,
    arguments: args,
    flags: inTree ? `${flags} inInitTree` : flags,
    start_time: formatInstant(time),
    auid: 4_294_967_295,
    pod,
    docker,
    tid: pid,
    in_init_tree: inTree,
  });
  const outside: Json = {
    exec_id: id(base),
    parent_exec_id: id(1),
    pid: base,
    uid: 0,
    cwd: '/',
    binary: '/usr/bin/runc',
    arguments: `--root /run/containerd/runc/k8s.io exec --process /tmp/runc-process1 ${docker}`,
    flags: 'execve clone',
    start_time: formatInstant(at - STEP),
    auid: 4_294_967_295,
    tid: base,
  };
  const events: Json[] = [];
  let time = at;
  const exec = (process: Json, parent: Json): void => {
    events.push({ process_exec: { process, parent }, node_name: 'node-1', time: formatInstant(time) });
    time += STEP;
  };
  const server =
    setting.entry === 'web'
      ? block(
          base + 1,
          base,
          setting.server ?? '/usr/local/bin/node',
          setting.serverArguments ?? '/app/server.js',
          at - age * MICROS_PER_SECOND,
          'procFS',
        )
      : outside;
  const serverPid = server === outside ? base : base + 1;
  const list = programs(command);
  const alone =
    list.filter(one => !one.below).length === 1 && setting.entry !== 'web' && !/[<>|;&$]|^\w+=/.test(command);
  let above = server;
  let abovePid = serverPid;
  if (!alone) {
    const shell = block(base + 2, serverPid, '/bin/sh', `-c ${/\s/.test(command) ? `"${command}"` : command}`, time);
    exec(shell, server);
    above = shell;
    abovePid = base + 2;
  }
  let last = above;
  for (const [i, program] of list.entries()) {
    const binary = program.name.includes('/') ? program.name : `/usr/bin/${program.name}`;
    const parent = program.below ? base + 2 + i : abovePid;
    const process = block(base + 3 + i, parent, binary, program.arguments, time);
    exec(process, program.below ? last : above);
    last = process;
  }
  return events;
}

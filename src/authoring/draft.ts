/** "Make a rule that catches this": the selective and lasting parts of one observation as a detection. */

import type { Observation } from '../model/observation.ts';
import { ancestorsOf, type Process } from '../model/process.ts';
import { findField } from '../rules/catalogue/catalogue.ts';
import type { FieldValue } from '../rules/catalogue/field.ts';
import {
  domainSuffix,
  fixedName,
  fixedWords,
  isVolatile,
  literal,
  temporaryDirectory,
  withoutSearchPath,
} from './words.ts';

type Selection = Readonly<Record<string, unknown>>;

export interface Draft {
  readonly title: string;
  readonly message: string;
  readonly category: string;
  readonly tags: readonly string[];
  /** By name; all of them must hold. Never empty. */
  readonly selections: ReadonlyMap<string, Selection>;
}

/** What starts containers, and everything above it. */
const RUNTIME = /^(runc|crun|youki|runsc|containerd.*|conmon.*|dockerd|crio|kubelet|systemd|init|tini|<kernel>|exe)$/;
const SHELL = /^(sh|bash|dash|ash|zsh|ksh|mksh|tcsh|csh|fish|rbash)$/;

const read = (o: Observation, name: string, subject: Process | null = o.process): FieldValue =>
  findField(name)?.get(o, subject) ?? null;
const text = (o: Observation, name: string, subject: Process | null = o.process): string => {
  const value = read(o, name, subject);
  return typeof value === 'string' ? value : '';
};

const nameOf = (o: Observation, p: Process): string => text(o, 'process.name', p);

/** The processes above it that are the container's or the host's own programs, nearest first. */
export function ownAncestors(o: Observation, process: Process): Process[] {
  const chain = ancestorsOf(process).filter(ancestor => !ancestor.placeholder);
  const runtime = chain.findIndex(ancestor => RUNTIME.test(nameOf(o, ancestor)));
  return runtime < 0 ? chain : chain.slice(0, runtime);
}

/** Null when nothing about the event would tell it from others. */
export function draftOf(o: Observation): Draft | null {
  const selections = new Map<string, Selection>();
  const about = subjectOf(o);
  const { category, tags, selection, what } = about;
  if (Object.keys(selection).length > 0) selections.set('what', selection);
  if (o.process !== null && (o.attribution === null || o.attribution !== 'pod')) {
    const program = programOf(o, o.process);
    if (Object.keys(program).length > 0) selections.set('program', program);
    const lineage = lineageOf(o, o.process);
    if (Object.keys(lineage).length > 0) selections.set('lineage', lineage);
  }
  if (!selections.has('program') && !selections.has('what')) return null;
  if (o.pod !== null) selections.set('place', { 'pod.namespace|exists': true });
  const who = o.process === null ? 'A pod' : fixedName(nameOf(o, o.process)).replace(/\*$/, '') || 'A program';
  const above = o.process === null ? undefined : ownAncestors(o, o.process).find(p => !SHELL.test(nameOf(o, p)));
  const below = above === undefined ? '' : ` below ${nameOf(o, above)}`;
  const title = `${who} ${what}${below}`.replace(/[^\x20-\x7e]/g, '?').slice(0, 120);
  const subject = o.process === null ? '{pod.namespace}/{pod.name}' : '{process.command_line} ({process.pid})';
  return { title, message: `${subject} ${`${what}${below}`.replace(/[{}]/g, '')}`, category, tags, selections };
}

interface Subject {
  readonly category: string;
  readonly tags: readonly string[];
  readonly selection: Selection;
  /** Ends a sentence that begins with the program. */
  readonly what: string;
}

function subjectOf(o: Observation): Subject {
  const { event } = o;
  switch (event.kind) {
    case 'process_exec':
      return { category: 'process_creation', tags: ['attack.execution', 'attack.t1059'], selection: {}, what: 'runs' };
    case 'process_exit': {
      const selection = event.signal === '' ? {} : { 'exit.signal': event.signal };
      return { category: 'process_termination', tags: ['attack.execution'], selection, what: 'ends' };
    }
    case 'flow':
      return event.dns !== null ? query(o) : event.http !== null ? request(o) : connection(o);
    default:
      return o.socket !== null && o.connection !== null
        ? connection(o)
        : text(o, 'file.path') !== ''
          ? file(o)
          : hook(o);
  }
}

function query(o: Observation): Subject {
  const name = text(o, 'dns.query');
  const asked = withoutSearchPath(name);
  const suffix = domainSuffix(asked);
  const match = asked !== name ? 'dns.query|contains' : suffix.startsWith('.') ? 'dns.query|endswith' : 'dns.query';
  const qtypes = read(o, 'dns.qtypes');
  const selection = {
    [match]: literal(suffix),
    ...(Array.isArray(qtypes) && qtypes.length > 0 ? { 'dns.qtypes': [...qtypes] } : {}),
  };
  return {
    category: 'dns',
    tags: ['attack.command_and_control', 'attack.t1071.004'],
    selection,
    what: `looks up a name of ${suffix.replace(/^\./, '')}`,
  };
}

function request(o: Observation): Subject {
  const path = text(o, 'http.path');
  const segments = path.split('/').filter(segment => segment !== '');
  const stable = segments.slice(0, Math.max(0, segments.findIndex(isVolatile)) || segments.length);
  const fixed = `/${stable.join('/')}`;
  const whole = stable.length === segments.length && !isVolatile(fixed);
  const selection = {
    ...(text(o, 'http.method') === '' ? {} : { 'http.method': text(o, 'http.method') }),
    ...(isVolatile(fixed) ? {} : { [whole ? 'http.path' : 'http.path|startswith']: literal(fixed) }),
  };
  return {
    category: 'http',
    tags: ['attack.command_and_control', 'attack.t1071.001'],
    selection,
    what: `requests ${isVolatile(fixed) ? 'a page' : fixed}`,
  };
}

/** Ports above are given out by the system. */
const EPHEMERAL_PORT = 32_768;

function connection(o: Observation): Subject {
  const side = 'network.destination';
  const port = read(o, `${side}.port`);
  const kind = text(o, `${side}.kind`);
  const names = read(o, `${side}.names`);
  const name = Array.isArray(names) ? (names as readonly string[])[0] : undefined;
  const workload = read(o, `${side}.workload`);
  const suffix = name === undefined ? '' : domainSuffix(name);
  const selection: Record<string, unknown> = {};
  const protocol = text(o, 'network.protocol');
  if (protocol !== '') selection['network.protocol'] = protocol;
  if (kind !== '') selection[`${side}.kind`] = kind;
  if (typeof port === 'number' && port < EPHEMERAL_PORT) selection[`${side}.port`] = port;
  if (suffix !== '') selection[`${side}.names${suffix.startsWith('.') ? '|endswith' : ''}`] = literal(suffix);
  if (kind === 'pod' && Array.isArray(workload) && workload.length > 0) selection[`${side}.workload`] = [...workload];
  if (o.event.kind === 'flow' && o.event.verdict === 'DROPPED') selection['flow.verdict'] = 'DROPPED';
  const whom = suffix !== '' ? suffix.replace(/^\./, '') : kind === 'world' ? 'the outside' : kind || 'a peer';
  const at = typeof port === 'number' && port < EPHEMERAL_PORT ? ` on port ${port}` : '';
  return {
    category: 'network_connection',
    tags: ['attack.command_and_control', 'attack.t1071'],
    selection,
    what: `connects to ${whom}${at}`,
  };
}

function file(o: Observation): Subject {
  const path = text(o, 'file.path');
  const access = read(o, 'file.access');
  const directory = temporaryDirectory(path) ?? `${path.slice(0, path.lastIndexOf('/'))}/`;
  const selection = {
    ...(isVolatile(path) || temporaryDirectory(path) !== null
      ? {
          'file.path|startswith': literal(
            directory
              .split(/(?<=\/)/)
              .filter(part => !isVolatile(part))
              .join(''),
          ),
        }
      : { 'file.path': literal(path) }),
    ...(Array.isArray(access) && access.length > 0 ? { 'file.access': [...access] } : {}),
  };
  const verb = Array.isArray(access) && access.includes('write') ? 'writes' : 'reads';
  return { category: 'file_access', tags: ['attack.collection', 'attack.t1005'], selection, what: `${verb} ${path}` };
}

/** Fields of hooks that say what was done, not by whom or when. */
const HOOK_FIELDS = ['mount.type', 'mount.target', 'setns.kind', 'module.name', 'capability.name', 'bpf.program.type'];

function hook(o: Observation): Subject {
  const called = text(o, 'kprobe.function');
  const selection: Record<string, unknown> = { 'kprobe.function': literal(called) };
  for (const name of HOOK_FIELDS) {
    const value = read(o, name);
    if (typeof value === 'string' && value !== '' && !isVolatile(value)) selection[name] = literal(value);
    if (Array.isArray(value) && value.length > 0) selection[`${name}|all`] = [...value];
  }
  return {
    category: 'kprobe',
    tags: ['attack.execution', 'attack.t1106'],
    selection,
    what: `calls ${called.replace(/^__\w+?_sys_|^sys_/, '')}`,
  };
}

function programOf(o: Observation, process: Process): Selection {
  const name = fixedName(nameOf(o, process));
  const directory = temporaryDirectory(process.facts.binary);
  const words = fixedWords(process.facts.arguments);
  return {
    ...(name === '' ? {} : { 'process.name': name.endsWith('*') ? name : literal(name) }),
    ...(directory === null ? {} : { 'process.binary|startswith': directory }),
    ...(read(o, 'process.deleted') === true ? { 'process.deleted': true } : {}),
    ...(words.length === 0 ? {} : { 'process.command_line|contains|all': words }),
  };
}

function lineageOf(o: Observation, process: Process): Selection {
  const own = ownAncestors(o, process);
  const parent = own[0];
  const parentName = parent === undefined ? '' : fixedName(nameOf(o, parent));
  const server = own.find(ancestor => !SHELL.test(nameOf(o, ancestor)));
  const serverName = server === undefined ? '' : fixedName(nameOf(o, server));
  return {
    ...(parentName === '' ? {} : { 'parent.name': parentName }),
    ...(serverName === '' || server === parent ? {} : { 'ancestors|any': { 'process.name': serverName } }),
    // Nobody's child in the container: kubectl exec, or a probe.
    ...(own.length === 0 && o.pod !== null && read(o, 'process.in_init_tree') === false
      ? { 'process.in_init_tree': false }
      : {}),
  };
}

/** Falco's `proc.*`, `thread.*`, `user.*`, `group.*`, `container.*` and `k8s.*` as the sensors can answer them. */
import type { Observation } from '../../model/observation.ts';
import { ancestorsOf, baseName, type PodFacts, type Process } from '../../model/process.ts';
import type { FalcoRow } from './falco-row.ts';
import { type FieldType, type FieldValue, SUBJECT_KINDS } from './field.ts';
import { userNames } from './process.ts';
import { rendered } from './text.ts';

const NONE: readonly string[] = [];
/** The kernel keeps 15 characters of a name. */
const COMM_CHARS_MAX = 15;
const NS_PER_MS = 1_000_000;
const NS_PER_US = 1_000;
const TTY = 34_816;

/** `proc.name`: the base name as the kernel keeps it. */
function comm(p: Process | null | undefined): string {
  return p === null || p === undefined || p.placeholder ? '' : rendered(p.facts).name.slice(0, COMM_CHARS_MAX);
}

/** Each argument string as reported and, where the sensor added quotes, without them. */
function argumentForms(p: Process): readonly string[] {
  const args = p.facts.arguments;
  if (!args.includes('"')) return args === '' ? NONE : [args];
  const bare = args.replace(/(^|\s)"/g, '$1').replace(/"(?=\s|$)/g, '');
  return bare === args ? [args] : [args, bare];
}

function commandLines(p: Process | null | undefined): readonly string[] {
  const name = comm(p);
  if (p === null || p === undefined || name === '') return NONE;
  const forms = argumentForms(p);
  return forms.length === 0 ? [name] : forms.map(args => `${name} ${args}`);
}

/** argv[0] is not reported: a program may have been called by its path or by its base name. */
function exeForms(p: Process | null | undefined): readonly string[] {
  if (p === null || p === undefined || p.facts.binary === '') return NONE;
  const base = baseName(p.facts.binary);
  return base === p.facts.binary ? [base] : [p.facts.binary, base];
}

const nth = (p: Process, n: number): Process | null => (n === 0 ? p : (ancestorsOf(p, n)[n - 1] ?? null));

/** A container runtime's second stage runs from a descriptor of its own file, below its first. */
function runtimeStage(p: Process): boolean {
  const above = p.parent;
  if (p.facts.arguments !== 'init' || above === null) return false;
  return RUNTIME.test(comm(above)) || (above.facts.binary === '/proc/self/exe' && above.facts.arguments === 'init');
}

const RUNTIME = /^(runc|crun|youki)/;

const memory = (p: Process): boolean =>
  p.facts.binary.startsWith('memfd:') ||
  p.facts.binary.startsWith('/memfd:') ||
  (/^\/(proc\/(self|\d+)|dev)\/fd\/\d+$/.test(p.facts.binary) && !runtimeStage(p));

/** Places from which images do not start programs. */
const WRITABLE = /^\/(tmp|var\/tmp|dev\/shm|run|var\/run|var\/cache|home|root|mnt|media|srv|var\/www)\//;

function upperLayer(p: Process, o: Observation): boolean | null {
  if (p.placeholder || containerOf(p, o) === '') return null;
  return p.facts.binaryProperties?.file != null || memory(p) || WRITABLE.test(p.facts.binary);
}

function terminal(p: Process): number {
  for (const ancestor of ancestorsOf(p, 16)) {
    if (/^(runc|crun|youki)$/.test(rendered(ancestor.facts).name))
      return /(^|\s)(--tty|-t|-it|-ti)(\s|$)/.test(ancestor.facts.arguments) ? TTY : 0;
  }
  return 0;
}

function podOf(p: Process | null, o: Observation): PodFacts | null {
  return p === o.process ? o.pod : (p?.pod ?? null);
}

/** Without the scheme of its runtime; '' on hosts. */
function containerOf(p: Process | null, o: Observation): string {
  const id = podOf(p, o)?.container?.id ?? '';
  return id === '' ? (p?.facts.docker ?? '') : id.slice(id.lastIndexOf('/') + 1);
}

function containerIds(p: Process | null, o: Observation): readonly string[] {
  const id = containerOf(p, o);
  if (id !== '') return id.length > 12 ? [id.slice(0, 12), id] : [id];
  return podOf(p, o) === null ? ['host'] : NONE;
}

/** A container's first process is the one that its runtime started as its own. */
function virtualPid(p: Process, o: Observation): number | null {
  if (p.placeholder) return null;
  const own = containerOf(p, o);
  if (own === '') return p.facts.pid;
  const inTree = p.facts.inInitTree ?? p.facts.flags.includes('inInitTree');
  if (!inTree) return null;
  const parent = p.parent === null ? '' : (p.parent.pod?.container?.id ?? p.parent.facts.docker);
  const parentName = p.parent === null ? '' : comm(p.parent);
  return parent === '' || /^(runc|crun|youki|containerd-shim|conmon)/.test(parentName) ? 1 : null;
}

const imageOf = (p: Process | null, o: Observation): string => podOf(p, o)?.container?.imageName ?? '';

/** `registry/path:tag@digest` → its parts. */
function imageParts(image: string): { readonly repository: string; readonly tag: string; readonly digest: string } {
  const [name = '', digest = ''] = image.split('@');
  const colon = name.indexOf(':', name.lastIndexOf('/') + 1);
  return { repository: colon < 0 ? name : name.slice(0, colon), tag: colon < 0 ? '' : name.slice(colon + 1), digest };
}

/** Images of the default registry are written with and without it. */
function repositories(image: string): readonly string[] {
  const { repository } = imageParts(image);
  if (repository === '') return NONE;
  const forms = new Set([repository]);
  const short = repository.replace(/^docker\.io\//, '');
  forms.add(short).add(short.replace(/^library\//, ''));
  const first = short.split('/')[0] ?? '';
  if (!first.includes('.') && !first.includes(':') && first !== 'localhost') {
    forms.add(`docker.io/${short}`);
    if (!short.includes('/')) forms.add(`docker.io/library/${short}`);
  }
  return [...forms];
}

type Get = (p: Process, o: Observation) => FieldValue;
const row = (name: string, type: FieldType, get: Get, extra: Partial<FalcoRow> = {}): FalcoRow => ({
  name,
  type,
  kinds: SUBJECT_KINDS,
  requires: [],
  approximates: '',
  ...extra,
  get: (o, subject) => (subject === null ? null : get(subject, o)),
});
const place = (name: string, type: FieldType, get: (p: Process | null, o: Observation) => FieldValue): FalcoRow => ({
  name,
  type,
  kinds: SUBJECT_KINDS,
  requires: [],
  approximates: '',
  get: (o, subject) => get(subject, o),
});

const EXE = 'proc.exe is the path and the base name of the program, since no sensor reports argv[0]';
const CRED = { requires: ['tetragon.process_cred'] };
const workload =
  (kind: string) =>
  (p: Process | null, o: Observation): string => {
    const pod = podOf(p, o);
    return pod?.workloadKind === kind ? pod.workload : '';
  };

export const falcoProcessRows: readonly FalcoRow[] = [
  row('proc.name', 'string', comm),
  row('proc.exe', 'strings', exeForms, { approximates: EXE }),
  row('proc.exepath', 'string', p => p.facts.binary),
  row('proc.cmdline', 'strings', commandLines),
  row('proc.exeline', 'strings', p => exeForms(p).flatMap(exe => argumentForms(p).map(args => `${exe} ${args}`)), {
    approximates: EXE,
  }),
  row('proc.args', 'strings', argumentForms),
  row('proc.cmdnargs', 'number', p => (p.facts.arguments === '' ? 0 : p.facts.arguments.split(' ').length), {
    approximates: 'arguments are counted by the spaces between them',
  }),
  row('proc.cmdlenargs', 'number', p => p.facts.arguments.replaceAll(' ', '').length),
  row('proc.cwd', 'string', p => p.facts.cwd),
  row('proc.pid', 'number', p => (p.placeholder ? null : p.facts.pid)),
  row('proc.vpid', 'number', virtualPid, {
    approximates: "proc.vpid is known for a container's first process only",
  }),
  row('proc.ppid', 'number', p => (p.parent === null || p.parent.placeholder ? null : p.parent.facts.pid)),
  row('proc.pname', 'string', p => comm(p.parent)),
  row('proc.pexe', 'strings', p => exeForms(p.parent), { approximates: EXE }),
  row('proc.pexepath', 'string', p => p.parent?.facts.binary ?? ''),
  row('proc.pcmdline', 'strings', p => commandLines(p.parent)),
  row('proc.aname', 'strings', p =>
    ancestorsOf(p)
      .map(comm)
      .filter(name => name !== ''),
  ),
  row('proc.aexe', 'strings', p => ancestorsOf(p).flatMap(exeForms), { approximates: EXE }),
  row('proc.aexepath', 'strings', p =>
    ancestorsOf(p)
      .map(a => a.facts.binary)
      .filter(name => name !== ''),
  ),
  row('proc.acmdline', 'strings', p => ancestorsOf(p).flatMap(commandLines)),
  row('proc.tty', 'number', terminal, {
    approximates: 'proc.tty is set where a container runtime gave the process a terminal, and 0 elsewhere',
  }),
  row('proc.duration', 'number', (p, o) => (p.placeholder ? null : (o.event.time - p.facts.startTime) * NS_PER_US)),
  row('proc.ppid.duration', 'number', (p, o) =>
    p.parent === null || p.parent.placeholder ? null : (o.event.time - p.parent.facts.startTime) * NS_PER_US,
  ),
  row('proc.is_exe_from_memfd', 'boolean', p => (p.placeholder ? null : memory(p)), {
    approximates: 'a program that is run from a descriptor counts as one in memory, but for container runtimes',
  }),
  row('proc.is_exe_upper_layer', 'boolean', upperLayer, {
    approximates:
      'proc.is_exe_upper_layer is true for programs in memory, without links, or in places that images do not ship programs in (/tmp, /dev/shm, /run, /home, /root, …)',
  }),
  row('proc.env', 'strings', p => p.facts.env?.map(({ key, value }) => `${key}=${value}`) ?? NONE, {
    requires: ['tetragon.env'],
  }),
  row('proc.is_container_healthcheck', 'boolean', (p, o) => podOf(p, o)?.container?.maybeExecProbe ?? null),
  row('proc.is_container_readiness_probe', 'boolean', (p, o) => podOf(p, o)?.container?.maybeExecProbe ?? null),
  row('proc.is_container_liveness_probe', 'boolean', (p, o) => podOf(p, o)?.container?.maybeExecProbe ?? null),
  row('thread.cap_effective', 'string', p => p.facts.caps?.effective.join(' ') ?? '', CRED),
  row('thread.cap_permitted', 'string', p => p.facts.caps?.permitted.join(' ') ?? '', CRED),
  row('thread.cap_inheritable', 'string', p => p.facts.caps?.inheritable.join(' ') ?? '', CRED),
  row('thread.tid', 'number', p => (p.placeholder ? null : p.facts.pid)),
  row('user.uid', 'number', p => p.facts.uid),
  row('user.name', 'strings', p => userNames(p.facts.user, p.facts.uid), {
    approximates: 'user.name is the uid as text (root for 0) where the sensor reports no names',
  }),
  row('user.loginuid', 'number', p => (p.placeholder ? null : (p.facts.auid ?? -1))),
  row('user.loginname', 'strings', p => (p.facts.auid === null ? ['<NA>'] : userNames('', p.facts.auid)), {
    approximates: 'user.loginname is the login uid as text (root for 0)',
  }),
  row('group.gid', 'number', p => p.facts.credentials?.gid ?? null, CRED),
  place('container.id', 'strings', containerIds),
  place('container.full_id', 'string', containerOf),
  place('container.name', 'string', (p, o) => podOf(p, o)?.container?.name ?? (containerOf(p, o) === '' ? 'host' : '')),
  place('container.image', 'string', imageOf),
  place('container.image.repository', 'strings', (p, o) => repositories(imageOf(p, o))),
  place('container.image.tag', 'string', (p, o) => imageParts(imageOf(p, o)).tag),
  place('container.image.digest', 'string', (p, o) => {
    const id = podOf(p, o)?.container?.imageId ?? '';
    return id.includes('@') ? id.slice(id.indexOf('@') + 1) : imageParts(imageOf(p, o)).digest;
  }),
  place('container.image.id', 'string', (p, o) => podOf(p, o)?.container?.imageId ?? ''),
  place('container.privileged', 'boolean', (p, o) => podOf(p, o)?.container?.privileged ?? null),
  place('container.type', 'string', (p, o) =>
    containerOf(p, o) === '' ? 'host' : (/^[a-z-]+/.exec(podOf(p, o)?.container?.id ?? '')?.[0] ?? ''),
  ),
  place('container.duration', 'number', (p, o) => {
    const start = podOf(p, o)?.container?.startTime ?? null;
    return start === null ? null : (o.event.time - start) * NS_PER_US;
  }),
  place('container.start_ts', 'number', (p, o) => {
    const start = podOf(p, o)?.container?.startTime ?? null;
    return start === null ? null : (start / 1_000) * NS_PER_MS;
  }),
  place('k8s.ns.name', 'string', (p, o) => podOf(p, o)?.namespace ?? ''),
  place('k8s.pod.name', 'string', (p, o) => podOf(p, o)?.name ?? ''),
  place('k8s.pod.id', 'string', (p, o) => podOf(p, o)?.uid ?? ''),
  place('k8s.pod.uid', 'string', (p, o) => podOf(p, o)?.uid ?? ''),
  place('k8s.pod.labels', 'strings', (p, o) =>
    Object.entries(podOf(p, o)?.labels ?? {}).map(([name, value]) => `${name}:${value}`),
  ),
  place('k8s.deployment.name', 'string', workload('Deployment')),
  place('k8s.rs.name', 'string', workload('ReplicaSet')),
  place('k8s.daemonset.name', 'string', workload('DaemonSet')),
  place('k8s.statefulset.name', 'string', workload('StatefulSet')),
  place('k8s.job.name', 'string', workload('Job')),
];

/** `proc.aname[2]` and their like; null when there is no such family or the argument is none. */
export function falcoProcessArgument(name: string, argument: string): FalcoRow | null {
  if (name === 'proc.env')
    return row(`${name}[${argument}]`, 'string', p => p.facts.env?.find(({ key }) => key === argument)?.value ?? '', {
      requires: ['tetragon.env'],
    });
  if (name === 'k8s.pod.label' || name === 'k8s.pod.labels')
    return place(`${name}[${argument}]`, 'string', (p, o) => {
      const labels = podOf(p, o)?.labels ?? {};
      return Object.hasOwn(labels, argument) ? (labels[argument] ?? '') : '';
    });
  if (!/^\d{1,2}$/.test(argument)) return null;
  const n = Number(argument);
  const full = `${name}[${argument}]`;
  switch (name) {
    case 'proc.aname':
      return row(full, 'string', p => comm(nth(p, n)));
    case 'proc.aexe':
      return row(full, 'strings', p => exeForms(nth(p, n)), { approximates: EXE });
    case 'proc.aexepath':
      return row(full, 'string', p => nth(p, n)?.facts.binary ?? '');
    case 'proc.acmdline':
      return row(full, 'strings', p => commandLines(nth(p, n)));
    case 'proc.apid':
      return row(full, 'number', p => {
        const at = nth(p, n);
        return at === null || at.placeholder ? null : at.facts.pid;
      });
    default:
      return null;
  }
}

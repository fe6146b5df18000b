/** `process.*`, `parent.*` and what they have in common. */
import type { Observation } from '../../model/observation.ts';
import { ancestorsOf, type Namespaces, type Process } from '../../model/process.ts';
import { MICROS_PER_MS } from '../../model/time.ts';
import { type Field, type FieldFamily, type FieldType, type FieldValue, SUBJECT_KINDS } from './field.ts';
import { type Rendered, rendered } from './text.ts';

type ProcessGetter = (p: Process, o: Observation) => FieldValue;
type Row = readonly [name: string, type: FieldType, get: ProcessGetter, describe: string, requires?: string];

const CRED = 'tetragon.process_cred';
const NS = 'tetragon.process_ns';
const NAMESPACES = [
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
];
const NONE: readonly string[] = [];

/** What is kept in lower case. */
const LOWER: Readonly<Record<string, (r: Rendered) => FieldValue>> = {
  name: r => r.nameLower,
  binary: r => r.binaryLower,
  arguments: r => r.argumentsLower,
  command_line: r => r.commandLinesLower,
};

/** The name; without one the uid stands in as text, and the one name that every system has. */
export function userNames(user: string, uid: number | null): readonly string[] {
  if (user !== '') return [user];
  if (uid === null) return NONE;
  return uid === 0 ? ['root', '0'] : [String(uid)];
}

const ROWS: readonly Row[] = [
  ['exec_id', 'string', p => p.execId, 'identity of the executed image'],
  ['pid', 'number', p => (p.placeholder ? null : p.facts.pid), 'process id on the host'],
  ['uid', 'number', p => p.facts.uid, 'effective user id'],
  ['auid', 'number', p => p.facts.auid, 'login user id; absent when unset'],
  ['user', 'string', p => p.facts.user, 'user name', 'tetragon.username'],
  [
    'user_or_uid',
    'strings',
    p => userNames(p.facts.user, p.facts.uid),
    'user name; where names are not reported the uid as text, and root for 0',
  ],
  ['gid', 'number', p => p.facts.credentials?.gid ?? null, 'group id', CRED],
  ['euid', 'number', p => p.facts.credentials?.euid ?? null, 'effective user id of its credentials', CRED],
  ['binary', 'string', p => p.facts.binary, 'path of the program as it was called'],
  [
    'name',
    'string',
    p => rendered(p.facts).name,
    'base name of the binary; for busybox and toybox the applet named by the first argument',
  ],
  [
    'arguments',
    'string',
    p => p.facts.arguments,
    'arguments as reported: joined by spaces, those with spaces in added quotes',
  ],
  [
    'command_line',
    'strings',
    p => rendered(p.facts).commandLines,
    'binary (as path, and as base name) and arguments (as reported, and without added quotes): a pattern may match any of these forms',
  ],
  ['cwd', 'string', p => p.facts.cwd, 'working directory'],
  [
    'flags',
    'strings',
    p => (p.facts.flags === '' ? NONE : p.facts.flags.split(' ')),
    'sensor flags: execve, procFS, clone, …',
  ],
  ['start_time', 'instant', p => (p.placeholder ? null : p.facts.startTime), 'when the image started'],
  [
    'age_ms',
    'number',
    (p, o) => (p.placeholder ? null : (o.event.time - p.facts.startTime) / MICROS_PER_MS),
    'milliseconds from its start to the event',
  ],
  [
    'tty',
    'boolean',
    p => terminal(p),
    'true when it was started with a terminal by a container runtime (kubectl exec -t); absent when unknown',
  ],
  ['depth', 'number', p => ancestorsOf(p).length, 'known ancestors'],
  ['caps.effective', 'strings', p => p.facts.caps?.effective ?? NONE, 'effective capabilities, CAP_ first', CRED],
  ['caps.permitted', 'strings', p => p.facts.caps?.permitted ?? NONE, 'permitted capabilities', CRED],
  ['caps.inheritable', 'strings', p => p.facts.caps?.inheritable ?? NONE, 'inheritable capabilities', CRED],
  [
    'in_init_tree',
    'boolean',
    p => initTree(p),
    "true when the container's own process started it; false for kubectl exec, probes and hosts",
  ],
  ['setuid', 'number', p => p.facts.binaryProperties?.setuid ?? null, 'effective uid that a setuid binary gave', CRED],
  ['setgid', 'number', p => p.facts.binaryProperties?.setgid ?? null, 'effective gid that a setgid binary gave', CRED],
  [
    'privileges_changed',
    'strings',
    p => p.facts.binaryProperties?.privilegesChanged ?? NONE,
    'why its privileges changed at exec',
    CRED,
  ],
  [
    'deleted',
    'boolean',
    p => (p.placeholder ? null : deleted(p)),
    'its program has no file: memory only, or deleted (fully known with process credentials)',
  ],
  [
    'forked',
    'boolean',
    p => (p.placeholder ? null : !p.execSeen),
    'a child that never called exec: it still carries the binary and arguments of its parent',
  ],
];

function deleted(p: Process): boolean {
  const binary = p.facts.binary;
  return (
    p.facts.binaryProperties?.file != null ||
    binary.endsWith(' (deleted)') ||
    binary.startsWith('memfd:') ||
    /^\/(proc\/(self|\d+)|dev)\/fd\/\d+$/.test(binary)
  );
}

function initTree(p: Process): boolean | null {
  if (p.placeholder) return null;
  return p.facts.inInitTree ?? (p.facts.flags === '' ? null : p.facts.flags.includes('inInitTree'));
}

const TTY_ANCESTORS_MAX = 16;

function terminal(p: Process): boolean | null {
  for (const ancestor of ancestorsOf(p, TTY_ANCESTORS_MAX)) {
    if (/^(runc|crun|youki)$/.test(rendered(ancestor.facts).name)) {
      return /(^|\s)(--tty|-t|-it|-ti)(\s|$)/.test(ancestor.facts.arguments) ? true : null;
    }
  }
  return null;
}

const of = {
  process: (_: Observation, subject: Process | null): Process | null => subject,
  parent: (_: Observation, subject: Process | null): Process | null => subject?.parent ?? null,
};

function fieldsOf(prefix: 'process' | 'parent'): Field[] {
  const who = of[prefix];
  const field = ([name, type, get, describe, requires]: Row): Field => {
    const lower = LOWER[name];
    const base: Field = {
      name: `${prefix}.${name}`,
      type,
      kinds: SUBJECT_KINDS,
      get: (o, subject) => {
        const p = who(o, subject);
        return p === null ? null : get(p, o);
      },
      describe,
      requires: requires === undefined ? [] : [requires],
    };
    if (lower === undefined) return base;
    return {
      ...base,
      getLower: (o, subject) => {
        const p = who(o, subject);
        return p === null ? null : lower(rendered(p.facts));
      },
    };
  };
  const rows: readonly Row[] = [
    ...ROWS,
    ...NAMESPACES.map(
      (kind): Row => [
        `ns.${kind}.is_host`,
        'boolean',
        p => hostNamespace(p.facts.ns, kind),
        `true when its ${kind} namespace is the host's`,
        NS,
      ],
    ),
  ];
  return rows.map(field);
}

/** Absent namespaces of a reported block are unknown, not the host's. */
function hostNamespace(ns: Namespaces | null, kind: string): boolean | null {
  return ns?.[kind]?.isHost ?? null;
}

function environment(prefix: 'process' | 'parent'): FieldFamily {
  const who = of[prefix];
  return {
    pattern: `${prefix}.env.<NAME>`,
    prefix: `${prefix}.env.`,
    type: 'string',
    kinds: SUBJECT_KINDS,
    describe: 'value of an environment variable',
    requires: ['tetragon.env'],
    make: name => (o, subject) => who(o, subject)?.facts.env?.find(entry => entry.key === name)?.value ?? '',
  };
}

export const processFields: readonly Field[] = [...fieldsOf('process'), ...fieldsOf('parent')];
export const processFamilies: readonly FieldFamily[] = [environment('process'), environment('parent')];

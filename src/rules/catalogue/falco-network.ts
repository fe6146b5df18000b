/** Falco's `fd.*`: files, sockets and connections, whichever sensor saw them. */
import type { Observation } from '../../model/observation.ts';
import type { FalcoRow } from './falco-row.ts';
import { callsOf, isClient } from './falco-syscall.ts';
import { type FieldType, type FieldValue, FLOW_KINDS, HOOK_KINDS } from './field.ts';
import { hookFields } from './hook.ts';

const NONE: readonly string[] = [];
const FD_KINDS = [...HOOK_KINDS, ...FLOW_KINDS];
const path = hookFields.find(field => field.name === 'file.path');

interface End {
  readonly ip: string;
  readonly port: number;
  readonly names: readonly string[];
}

interface Ends {
  readonly client: End;
  readonly server: End;
  /** The client's end is the local one; null when unknown. */
  readonly outbound: boolean | null;
}

const NO_NAMES: readonly string[] = [];

/** `get` answers the questions of one event in a row: the last answer is kept. */
let lastAsked: Observation | null = null;
let lastEnds: Ends | null = null;

function ends(o: Observation): Ends | null {
  if (o === lastAsked) return lastEnds;
  lastEnds = endsOf(o);
  lastAsked = o;
  return lastEnds;
}

function endsOf(o: Observation): Ends | null {
  const client = o.client ?? o.connection?.client ?? null;
  const server = o.server ?? o.connection?.server ?? null;
  const outbound = isClient(o);
  if (client !== null && server !== null) return { client, server, outbound };
  const { event, socket } = o;
  if (event.kind === 'flow')
    return {
      client: { ip: event.sourceIp, port: event.sourcePort, names: event.sourceNames },
      server: { ip: event.destinationIp, port: event.destinationPort, names: event.destinationNames },
      outbound,
    };
  if (socket === null || socket.family === 'AF_UNIX') return null;
  const local = { ip: socket.sourceIp, port: socket.sourcePort, names: NO_NAMES };
  const remote = { ip: socket.destinationIp, port: socket.destinationPort, names: NO_NAMES };
  const accepted = outbound === false || /^(accept|listen|recv)/.test(callsOf(o)[0] ?? '');
  return accepted
    ? { client: remote, server: local, outbound: false }
    : { client: local, server: remote, outbound: true };
}

const OPEN_CALL = /^(open|openat|openat2|creat)$/;

/** The path that an open's own system call was given, as text; '' of other events. */
function openedText(o: Observation): string {
  if (o.event.kind === 'flow' || !('args' in o.event) || !callsOf(o).some(call => OPEN_CALL.test(call))) return '';
  const text = o.event.args.find(arg => arg.type === 'string')?.value;
  return typeof text === 'string' ? text : '';
}

/** Without `.`, `..` and repeated slashes; a relative path begins at `cwd`. */
function resolved(text: string, cwd: string): string {
  const parts: string[] = [];
  for (const part of (text.startsWith('/') ? text : `${cwd}/${text}`).split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

function filePath(o: Observation): string {
  const value = path?.get(o, o.process);
  if (typeof value === 'string' && value !== '') return value;
  const text = openedText(o);
  return text === '' ? '' : resolved(text, o.process?.facts.cwd ?? '');
}

const ipOf = (end: End | null | undefined): string => end?.ip ?? '';
const portOf = (end: End | null | undefined): number | null =>
  end === null || end === undefined || end.port === 0 ? null : end.port;
const present = (...texts: readonly string[]): readonly string[] => texts.filter(text => text !== '');
const local = (o: Observation): End | null => {
  const both = ends(o);
  return both === null || both.outbound === null ? null : both.outbound ? both.client : both.server;
};
const remote = (o: Observation): End | null => {
  const both = ends(o);
  return both === null || both.outbound === null ? null : both.outbound ? both.server : both.client;
};
const six = (o: Observation): boolean => ipOf(ends(o)?.server).includes(':') || ipOf(ends(o)?.client).includes(':');

function protocol(o: Observation): string {
  if (ends(o) === null) return '';
  const named = o.event.kind === 'flow' ? o.event.protocol : o.connection?.protocol || (o.socket?.protocol ?? '');
  const short = named.replace(/^IPPROTO_/, '').toLowerCase();
  return short.startsWith('icmp') ? 'icmp' : short;
}

function typechar(o: Observation): string {
  if (ends(o) !== null) return six(o) ? '6' : '4';
  if (o.socket?.family === 'AF_UNIX') return 'u';
  const file = filePath(o);
  if (file === '') return '';
  return file.endsWith('/') ? 'd' : 'f';
}

const TYPE: Readonly<Record<string, string>> = { f: 'file', d: 'directory', 4: 'ipv4', 6: 'ipv6', u: 'unix' };

function name(o: Observation): string {
  const both = ends(o);
  if (both === null) return filePath(o);
  const { client, server } = both;
  return `${client.ip}:${client.port}->${server.ip}:${server.port}`;
}

function directory(o: Observation): string {
  const file = filePath(o);
  const at = file.lastIndexOf('/');
  return at < 0 ? '' : at === 0 ? '/' : file.slice(0, at);
}

const row = (fieldName: string, type: FieldType, get: (o: Observation) => FieldValue, approximates = ''): FalcoRow => ({
  name: fieldName,
  type,
  kinds: FD_KINDS,
  get,
  requires: [],
  approximates,
});

const file = (fieldName: string, get: (o: Observation) => FieldValue, approximates = ''): FalcoRow => ({
  ...row(fieldName, 'string', get, approximates),
  kinds: HOOK_KINDS,
  requires: ['policy.file'],
});

const RESOLVED =
  'fd.nameraw holds ../ only where a policy reports the system call of the open; others report resolved paths';
const OPENED = 'calls are taken as successful where the policy reports no return value';
const ips = (o: Observation): readonly string[] => present(ipOf(ends(o)?.client), ipOf(ends(o)?.server));
const sides: readonly (readonly [string, (o: Observation) => End | null | undefined])[] = [
  ['c', o => ends(o)?.client],
  ['s', o => ends(o)?.server],
  ['l', local],
  ['r', remote],
];

export const falcoNetworkRows: readonly FalcoRow[] = [
  row('fd.name', 'string', name),
  row('fd.nameraw', 'string', o => openedText(o) || name(o), RESOLVED),
  file('evt.abspath', filePath),
  file('fd.directory', directory),
  file('fd.filename', o => filePath(o).slice(filePath(o).lastIndexOf('/') + 1)),
  row('fd.type', 'string', o => TYPE[typechar(o)] ?? ''),
  row('fd.typechar', 'string', typechar),
  row('fd.sockfamily', 'string', o => (ends(o) !== null ? 'ip' : o.socket?.family === 'AF_UNIX' ? 'unix' : '')),
  row('fd.num', 'number', o => (typechar(o) === '' ? null : 3), OPENED),
  row('fd.l4proto', 'string', protocol),
  row('fd.connected', 'boolean', o => (ends(o) === null ? null : protocol(o) === 'tcp')),
  row(
    'fd.name_changed',
    'boolean',
    o => (ends(o) === null ? null : true),
    'fd.name_changed is true for every datagram; repeated alerts are counted together',
  ),
  row('fd.is_server', 'boolean', o => {
    const both = ends(o);
    return both === null || both.outbound === null ? null : !both.outbound;
  }),
  row('fd.ip', 'strings', ips),
  row('fd.net', 'strings', ips),
  row('fd.ip.name', 'strings', o => [...(ends(o)?.client.names ?? NONE), ...(ends(o)?.server.names ?? NONE)]),
  row('fd.port', 'strings', o => {
    const both = ends(o);
    return both === null ? null : present(String(portOf(both.client) ?? ''), String(portOf(both.server) ?? ''));
  }),
  ...sides.flatMap(([side, end]) => [
    row(`fd.${side}ip`, 'ip', o => ipOf(end(o))),
    row(`fd.${side}net`, 'ip', o => ipOf(end(o))),
    row(`fd.${side}port`, 'number', o => portOf(end(o))),
    row(`fd.${side}ip.name`, 'strings', o => end(o)?.names ?? NONE, 'names are those that pods resolved'),
  ]),
];

/** An observation as the compact event of a rule's test, and near misses of it. */
import { isProcessEvent, type KprobeArg } from '../model/event.ts';
import type { Observation } from '../model/observation.ts';
import type { Process } from '../model/process.ts';
import { findField } from '../rules/catalogue/catalogue.ts';
import { ownAncestors } from './draft.ts';

type Json = Readonly<Record<string, unknown>>;
/** `{exec: {p: A, binary: /usr/bin/nc, …}}` */
export type CompactEvent = Json;

const ANCESTORS_MAX = 6;

const list = (o: Observation, name: string): readonly string[] => {
  const value = findField(name)?.get(o, o.process) ?? null;
  return Array.isArray(value) ? (value as readonly string[]) : [];
};

/** Names processes, by exec_id, for the events of one test; null for one that needs no name. */
type Label = (execId: string) => string | null;

/** Null for facts about a stream, which no test can make. Alone, an event names its own process only. */
export function compactEvent(o: Observation, name: Label = ownOnly(o)): CompactEvent | null {
  const { event } = o;
  if (event.kind === 'flow') return { [event.dns === null ? 'flow' : 'dns']: flow(o, name) };
  if (!isProcessEvent(event)) return null;
  const who = actor(o, name);
  if (event.kind === 'process_exec') return { exec: who };
  if (event.kind === 'process_exit')
    return { exit: { ...who, ...(event.signal === '' ? { status: event.status ?? 0 } : { signal: event.signal }) } };
  const path = findField('file.path')?.get(o, o.process);
  const access = list(o, 'file.access');
  if (typeof path === 'string' && path !== '' && access.length > 0)
    return { file: { ...who, path, access: access.length === 1 ? access[0] : [...access] } };
  if (o.socket !== null && event.functionName === 'tcp_connect')
    return { connect: { ...who, to: address(o, 'server'), ...kindOf(o) } };
  return {
    kprobe: {
      ...who,
      function: event.functionName,
      ...(event.policy === '' ? {} : { policy: event.policy }),
      args: event.args.map(argument),
      ...(event.returnValue === null ? {} : { return: argument(event.returnValue) }),
      ...(event.message === '' ? {} : { message: event.message }),
    },
  };
}

const ownOnly =
  (o: Observation): Label =>
  execId =>
    execId === o.process?.execId ? 'A' : null;

/** A connection says no names: the answer from which its address got the one that is known of it; null when none is. */
export function lookupBefore(o: Observation, name: Label = ownOnly(o)): CompactEvent | null {
  const server = o.server ?? o.connection?.server;
  const query = server?.names[0];
  if (o.event.kind === 'flow' || o.process === null || server === undefined || query === undefined) return null;
  return { dns: { ...actor(o, name), query, answers: [server.ip] } };
}

/** Events of one test: each process is described where it is met first, and only named from then on. */
export function abridged(events: readonly CompactEvent[]): CompactEvent[] {
  const met = new Set<unknown>();
  return events.map(event => {
    const [type, body] = Object.entries(event)[0] as [string, Json];
    const isMet = body.p !== undefined && met.has(body.p) && type !== 'exec';
    const short = isMet ? without(body, ['pod', 'parent', ...DESCRIBED]) : withParent(body, met);
    for (let at: Json | undefined = body; at !== undefined; at = at.parent as Json | undefined) met.add(at.p);
    return { [type]: short };
  });
}

const DESCRIBED = ['binary', 'arguments', 'cwd', 'uid', 'in_init_tree'];

const without = (body: Json, keys: readonly string[]): Json =>
  Object.fromEntries(Object.entries(body).filter(([key]) => !keys.includes(key)));

function withParent(body: Json, met: ReadonlySet<unknown>): Json {
  const parent = body.parent as Json | undefined;
  if (parent === undefined) return body;
  return { ...body, parent: parent.p !== undefined && met.has(parent.p) ? parent.p : withParent(parent, met) };
}

const argument = ({ type, value }: KprobeArg): Json => ({ [type]: value });

function actor(o: Observation, label: Label): Json {
  if (o.process === null) return place(o);
  return { ...described(o, o.process, label), ...place(o), ...above(o, o.process, label) };
}

const place = (o: Observation): Json => (o.pod === null ? {} : { pod: `${o.pod.namespace}/${o.pod.name}` });

function described(o: Observation, process: Process, label: Label): Json {
  const { binary, arguments: args, cwd, uid } = process.facts;
  const inInitTree = findField('process.in_init_tree')?.get(o, process);
  const p = label(process.execId);
  return {
    ...(p === null ? {} : { p }),
    binary,
    ...(args === '' ? {} : { arguments: args }),
    ...(cwd === '' || cwd === '/' ? {} : { cwd }),
    ...(uid === null || uid === 0 ? {} : { uid }),
    ...(typeof inInitTree === 'boolean' ? { in_init_tree: inInitTree } : {}),
  };
}

function above(o: Observation, process: Process, label: Label): Json {
  const chain = ownAncestors(o, process).slice(0, ANCESTORS_MAX);
  let parent: Json | null = null;
  for (const ancestor of chain.reverse())
    parent = { ...described(o, ancestor, label), ...(parent === null ? {} : { parent }) };
  return parent === null ? {} : { parent };
}

function address(o: Observation, side: 'client' | 'server'): string {
  const peer = o[side] ?? o.connection?.[side] ?? null;
  if (peer === null) return '';
  const port = peer.port === 0 ? '' : `:${peer.port}`;
  const pod = peer.endpoint?.podName ?? '';
  if (pod !== '') return `${peer.endpoint?.namespace}/${pod}${port}`;
  return peer.ip.includes(':') ? `[${peer.ip}]${port}` : `${peer.ip}${port}`;
}

const KINDS = ['host', 'remote_node', 'kube_apiserver', 'ingress'];

function kindOf(o: Observation): Json {
  const kind = (o.server ?? o.connection?.server)?.kind ?? '';
  return KINDS.includes(kind) ? { kind } : {};
}

function flow(o: Observation, label: Label): Json {
  const { event } = o;
  if (event.kind !== 'flow') return {};
  const who = actor(o, label);
  const { dns, http } = event;
  if (dns !== null) {
    const answers = [...dns.ips, ...dns.cnames];
    return {
      ...who,
      query: dns.query,
      ...(dns.qtypes.length === 0 ? {} : { qtypes: [...dns.qtypes] }),
      ...(answers.length === 0 ? {} : { answers: [...dns.ips] }),
      ...(dns.rcode === 0 || dns.rcode === null ? {} : { rcode: dns.rcode }),
    };
  }
  const isServer = o.pod !== null && o.server?.endpoint?.podName === o.pod.name;
  const names = (o.server?.names ?? []).slice(0, 1);
  return {
    ...who,
    ...(isServer
      ? { from: address(o, 'client'), port: o.server?.port ?? 80 }
      : { to: address(o, 'server'), ...kindOf(o), ...(names.length === 0 ? {} : { names }) }),
    ...(event.protocol === 'TCP' ? {} : { protocol: event.protocol }),
    ...(event.verdict === 'FORWARDED' || event.verdict === '' ? {} : { verdict: event.verdict }),
    ...(event.dropReason === '' ? {} : { drop_reason: event.dropReason }),
    ...(o.attribution === null || o.attribution === 'socket' ? {} : { attribution: o.attribution }),
    ...(http === null
      ? {}
      : { http: { method: http.method, url: http.url, ...(http.code === 0 ? {} : { code: http.code }) } }),
  };
}

/** The same event with one thing changed that a good rule asks for; the nearest first. */
export function nearMisses(fires: CompactEvent): { readonly name: string; readonly event: CompactEvent }[] {
  const [type, body] = Object.entries(fires)[0] as [string, Json];
  const change = (name: string, more: Json, left: readonly string[] = []): { name: string; event: CompactEvent } => ({
    name,
    event: { [type]: { ...without(body, left), ...more } },
  });
  const misses: { name: string; event: CompactEvent }[] = [];
  if (type === 'exec' && body.arguments !== undefined)
    misses.push(change('with other arguments', { arguments: '--version' }));
  if (type === 'file') misses.push(change('of another file', { path: '/usr/share/doc/readme' }));
  if (type === 'dns')
    misses.push(change('for another name', { query: 'kubernetes.default.svc.cluster.local' }, ['answers']));
  if (body.http !== undefined) misses.push(change('for another page', { http: { method: 'GET', url: '/healthz' } }));
  if (body.to !== undefined) misses.push(change('to another pod', { to: 'shop/other-0:8080' }, ['kind', 'names']));
  if (body.from !== undefined) misses.push(change('on another port', { port: 8_081 }));
  if (type === 'kprobe')
    misses.push(change('of another function', { function: 'security_other', args: [] }, ['return']));
  if (body.binary !== undefined) misses.push(change('by another program', { binary: '/usr/bin/true' }, ['arguments']));
  misses.push(change('without its parent', {}, ['parent']));
  return misses;
}

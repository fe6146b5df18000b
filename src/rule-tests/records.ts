/** Records in the shape in which the sensors export them. */
import { formatInstant, type Micros } from '../model/time.ts';
import type { Actor } from './actors.ts';
import type { FlowEnd } from './addresses.ts';
import type { Json } from './places.ts';

const ANCESTORS_MAX = 32;

/** The process with its parent and ancestors. */
function cast(actor: Actor): Json {
  const ancestors: Json[] = [];
  for (let at = actor.parent?.parent ?? null; at !== null && ancestors.length < ANCESTORS_MAX; at = at.parent)
    ancestors.push(at.block);
  return {
    process: actor.block,
    ...(actor.parent === null ? {} : { parent: actor.parent.block }),
    ...(ancestors.length === 0 ? {} : { ancestors }),
  };
}

export function execRecord(actor: Actor, time: Micros): Json {
  return { process_exec: cast(actor), node_name: actor.node, time: formatInstant(time) };
}

export function exitRecord(actor: Actor, time: Micros, signal: string | null, status: number | null): Json {
  const how = signal === null ? { status: status ?? 0 } : { signal };
  return {
    process_exit: { ...cast(actor), ...how, time: formatInstant(time) },
    node_name: actor.node,
    time: formatInstant(time),
  };
}

export interface Hook {
  readonly function: string;
  readonly args: readonly Json[];
  readonly policy: string;
  readonly more?: Json;
}

export function kprobeRecord(actor: Actor, time: Micros, hook: Hook): Json {
  return {
    process_kprobe: {
      ...cast(actor),
      function_name: hook.function,
      args: hook.args,
      action: 'KPROBE_ACTION_POST',
      policy_name: hook.policy,
      ...hook.more,
    },
    node_name: actor.node,
    time: formatInstant(time),
  };
}

export function sockArg(protocol: string, local: FlowEnd, remote: FlowEnd, state: string): Json {
  return {
    sock_arg: {
      family: local.ip.includes(':') ? 'AF_INET6' : 'AF_INET',
      type: protocol === 'UDP' ? 'SOCK_DGRAM' : 'SOCK_STREAM',
      protocol: `IPPROTO_${protocol}`,
      saddr: local.ip,
      daddr: remote.ip,
      sport: local.port,
      dport: remote.port,
      state,
    },
  };
}

export interface Packet {
  readonly client: FlowEnd;
  readonly server: FlowEnd;
  readonly protocol: string;
  readonly reply: boolean;
  /** TCP flags by name; null for those of a connection's first packets. */
  readonly flags: readonly string[] | null;
  readonly node: string;
  /** Fields of the flow as Hubble exports them, over those that follow from the rest. */
  readonly more: Json;
}

export function flowRecord(packet: Packet, time: Micros, number: number): Json {
  const { client, server, protocol, reply } = packet;
  const [from, to] = reply ? [server, client] : [client, server];
  const ports = { source_port: from.port, destination_port: to.port };
  const names = packet.flags ?? (reply ? ['SYN', 'ACK'] : ['SYN']);
  const flags = Object.fromEntries(names.map(name => [name, true]));
  const isIngress = client.place === null && server.place !== null;
  const stamp = formatInstant(time);
  return {
    flow: {
      time: stamp,
      uuid: `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`,
      verdict: 'FORWARDED',
      IP: { source: from.ip, destination: to.ip, ipVersion: from.ip.includes(':') ? 'IPv6' : 'IPv4' },
      l4: { [protocol]: protocol === 'TCP' ? { ...ports, flags } : protocol.startsWith('ICMP') ? {} : ports },
      source: from.endpoint,
      destination: to.endpoint,
      Type: 'L3_L4',
      node_name: packet.node,
      ...(to.name === '' ? {} : { destination_names: [to.name] }),
      ...(from.name === '' ? {} : { source_names: [from.name] }),
      event_type: { type: 4 },
      traffic_direction: isIngress ? 'INGRESS' : 'EGRESS',
      trace_observation_point: 'TO_STACK',
      is_reply: reply,
      ...packet.more,
    },
    node_name: packet.node,
    time: stamp,
  };
}

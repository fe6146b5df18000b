/** Socket facts out of a hook's arguments: recognised by the arguments' types, whatever policy or function they came from. */
import type { KprobeArg, ProcessEvent } from '../model/event.ts';
import type { SocketFacts } from '../model/observation.ts';
import { isUnspecified, normalAddress } from './addresses.ts';

/** What the process did with the socket: `use` for hooks that say no more, `none` where the process is not the one that did it. */
type SocketAct = 'connect' | 'accept' | 'listen' | 'close' | 'send' | 'use' | 'none';

/** SocketFacts with what only the join needs. */
export interface SocketEvent extends SocketFacts {
  readonly act: SocketAct;
  /** The kernel's struct sock pointer, which tells sockets of one node apart while they live; '' when not reported. */
  readonly cookie: string;
  /** Bytes of a send, else 0. */
  readonly bytes: number;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
}

function port(value: unknown): number {
  const n = typeof value === 'number' ? value : typeof value === 'string' && value !== '' ? Number(value) : 0;
  return n > 0 && n <= 65_535 && Number.isInteger(n) ? n : 0;
}

function protocolOf(protocol: string, type: string): string {
  if (protocol.startsWith('IPPROTO_')) return protocol.slice(8);
  if (type === 'SOCK_STREAM') return 'TCP';
  return type === 'SOCK_DGRAM' ? 'UDP' : protocol;
}

/** Hooks that run when a packet comes or a timer fires: whatever process runs then has nothing to do with the socket. */
const NOT_BY_PROCESS = /rcv|receive_skb|retransmit|timer|set_state|reset|destroy|xmit|_fin|_ack|probe|free_skb/;

function actOf(functionName: string, isPacket: boolean): SocketAct {
  if (isPacket || NOT_BY_PROCESS.test(functionName)) return 'none';
  if (functionName.includes('close')) return 'close';
  if (functionName.includes('accept')) return 'accept';
  if (functionName.includes('listen')) return 'listen';
  if (functionName.includes('send')) return 'send';
  return functionName.includes('connect') ? 'connect' : 'use';
}

function isSocketType(type: string): boolean {
  return type === 'sock' || type === 'skb' || type === 'sockaddr';
}

function sizeIn(args: readonly KprobeArg[]): number {
  for (const arg of args) {
    if (arg.type !== 'int' && arg.type !== 'size' && arg.type !== 'long' && arg.type !== 'uint') continue;
    const n = Number(arg.value);
    return n > 0 && n < Number.MAX_SAFE_INTEGER ? n : 0;
  }
  return 0;
}

/** Null when the event's arguments hold no socket of the internet families. */
export function socketOf(event: ProcessEvent): SocketEvent | null {
  let sock: KprobeArg | null = null;
  let address: KprobeArg | null = null;
  const returned = event.returnValue;
  // accept() returns the new socket; its argument is only the listener.
  if (returned !== null && isSocketType(returned.type)) sock = returned;
  for (const arg of event.args) {
    if (arg.type === 'sockaddr') address ??= arg;
    else if (isSocketType(arg.type)) sock ??= arg;
  }
  if (sock === null && address === null) return null;
  const of = (sock?.value ?? null) as Record<string, unknown> | null;
  const to = (address?.value ?? null) as Record<string, unknown> | null;
  const family = text(of?.family ?? to?.family);
  if (family !== 'AF_INET' && family !== 'AF_INET6' && family !== '') return null;
  const state = text(of?.state);
  const act = actOf(event.functionName, sock?.type === 'skb');
  let destinationIp = normalAddress(text(of?.daddr));
  let destinationPort = port(of?.dport);
  if (to !== null && isUnspecified(destinationIp)) {
    destinationIp = normalAddress(text(to.addr));
    destinationPort = port(to.port);
  }
  return {
    family,
    protocol: protocolOf(text(of?.protocol), text(of?.type)),
    state,
    sourceIp: normalAddress(text(of?.saddr)),
    sourcePort: port(of?.sport),
    destinationIp,
    destinationPort,
    act,
    cookie: text(of?.cookie),
    bytes: act === 'send' ? sizeIn(event.args) : 0,
  };
}

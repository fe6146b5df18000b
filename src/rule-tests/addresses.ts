/** Where a test's flow goes to or comes from: `203.0.113.9:443`, `[2001:db8::1]:443`, `shop/db:5432`, `bucket.s3.amazonaws.com:443`. */
import { digest } from '../model/hash.ts';
import type { Given } from './given.ts';
import { type Json, type Place, type Places, podEndpoint } from './places.ts';

export interface FlowEnd {
  readonly ip: string;
  readonly port: number;
  /** The name by which it was looked up, or ''. */
  readonly name: string;
  readonly place: Place | null;
  /** As Hubble exports it. */
  readonly endpoint: Json;
}

const KINDS: Readonly<Record<string, { readonly identity: number; readonly labels: readonly string[] }>> = {
  world: { identity: 2, labels: ['reserved:world'] },
  host: { identity: 1, labels: ['reserved:host'] },
  remote_node: { identity: 6, labels: ['reserved:remote-node'] },
  kube_apiserver: { identity: 7, labels: ['reserved:kube-apiserver', 'reserved:remote-node'] },
  ingress: { identity: 8, labels: ['reserved:ingress'] },
};

/** `kind` is what the author says stands there; for pods it says nothing. */
export function flowEnd(text: string, defaultPort: number, kind: string | null, places: Places, given: Given): FlowEnd {
  const { host, port } = split(text, defaultPort);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw given.bad(`no port: '${text}'`);
  if (host === '') throw given.bad(`no address: '${text}'`);
  const place = places.named(host);
  if (place !== null) return { ip: place.ip, port, name: '', place, endpoint: podEndpoint(place) };
  const endpoint = KINDS[kind ?? 'world'];
  if (endpoint === undefined) throw given.bad(`kind must be one of ${Object.keys(KINDS).join(', ')}, not '${kind}'`);
  const isAddress = /^[\d.]+$/.test(host) || host.includes(':');
  return { ip: isAddress ? host : addressOf(host), port, name: isAddress ? '' : host, place: null, endpoint };
}

export function podEnd(place: Place, port: number): FlowEnd {
  return { ip: place.ip, port, name: '', place, endpoint: place.pod === null ? KINDS.host! : podEndpoint(place) };
}

function split(text: string, defaultPort: number): { host: string; port: number } {
  const bracketed = /^\[([^\]]*)\](?::(\d+))?$/.exec(text);
  if (bracketed !== null) return { host: bracketed[1]!, port: Number(bracketed[2] ?? defaultPort) };
  const colon = text.lastIndexOf(':');
  const isBareIpv6 = colon !== text.indexOf(':');
  if (colon < 0 || isBareIpv6) return { host: text, port: defaultPort };
  return { host: text.slice(0, colon), port: Number(text.slice(colon + 1)) };
}

/** The address that a made-up name has: of a range for documentation, the same for the same name. */
function addressOf(name: string): string {
  return `203.0.113.${1 + (Number.parseInt(digest(name).slice(0, 4), 16) % 254)}`;
}

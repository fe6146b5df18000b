/** Addresses of servers as people write them. */
import { isIP } from 'node:net';

export interface Address {
  /** What gRPC is told to connect to; for `dns` made of each resolved address. */
  readonly target: string;
  /** As shown in status and errors. */
  readonly label: string;
  /** A name that stands for one server an address, or null when there is one server. */
  readonly dns: { readonly host: string; readonly port: number } | null;
  /** `tls://` was asked for. */
  readonly tls: boolean;
}

/**
 * `host:port`, `[v6]:port`, `unix:///path`, `dns:///name:port` (a server at each of the name's addresses), `tls://host:port`.
 * Throws an `Error` in plain words for anything else.
 */
export function parseAddress(text: string): Address {
  const label = text;
  const unix = /^unix:(?:\/\/(?=\/))?(\/(?!\/).+)$/.exec(text);
  if (unix !== null) return { target: `unix://${unix[1]}`, label, dns: null, tls: false };
  const dns = /^dns:\/\/\/([^/]+)$/.exec(text);
  if (dns !== null) {
    const { host, port } = hostAndPort(dns[1] as string, text);
    return { target: '', label, dns: { host, port }, tls: false };
  }
  const tls = text.startsWith('tls://');
  const { host, port } = hostAndPort(tls ? text.slice('tls://'.length) : text, text);
  return { target: targetOf(host, port), label, dns: null, tls };
}

/** The gRPC target of a host name or IP address. */
export function targetOf(host: string, port: number): string {
  const version = isIP(host);
  if (version === 6) return `ipv6:[${host}]:${port}`;
  return version === 4 ? `ipv4:${host}:${port}` : `dns:${host}:${port}`;
}

function hostAndPort(rest: string, text: string): { host: string; port: number } {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/.exec(rest);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || !(port > 0 && port < 65_536)) {
    throw new Error(`address "${text}" is not host:port, unix:///path, dns:///name:port or tls://host:port`);
  }
  return { host, port };
}

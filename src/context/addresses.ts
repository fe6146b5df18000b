/** What an IP address says by itself: normal form, range, and with Hubble's identity labels the kind of peer it is. */
import type { PeerKind } from '../model/connection.ts';
import type { Endpoint } from '../model/event.ts';

/** `::ffff:10.0.0.1` → `10.0.0.1`; IPv6 in lower case; everything else as it is. */
export function normalAddress(ip: string): string {
  if (ip.indexOf(':') < 0) return ip;
  const lower = ip.toLowerCase();
  const dotted = lower.lastIndexOf(':');
  return lower.startsWith('::ffff:') && lower.indexOf('.', dotted) > 0 ? lower.slice(dotted + 1) : lower;
}

/** `''`, `0.0.0.0` and `::`: an address that the socket does not have (yet). */
export function isUnspecified(ip: string): boolean {
  return ip === '' || ip === '0.0.0.0' || ip === '::';
}

/** Loopback addresses mean another machine in every pod. */
export function isLoopback(ip: string): boolean {
  return ip.startsWith('127.') || ip === '::1';
}

/** 169.254.0.0/16 (with the clouds' metadata service at 169.254.169.254) and fe80::/10. */
function isLinkLocal(ip: string): boolean {
  return ip.startsWith('169.254.') || /^fe[89ab][0-9a-f]:/.test(ip);
}

/**
 * RFC 1918, 100.64.0.0/10 and fc00::/7: addresses that mean something only inside. The documentation ranges are not among
 * them: in recordings they stand for the internet.
 */
function isPrivate(ip: string): boolean {
  if (ip.startsWith('10.') || ip.startsWith('192.168.')) return true;
  if (ip.startsWith('172.')) {
    const second = Number(ip.slice(4, ip.indexOf('.', 4)));
    return second >= 16 && second <= 31;
  }
  if (ip.startsWith('100.')) {
    const second = Number(ip.slice(4, ip.indexOf('.', 4)));
    return second >= 64 && second <= 127;
  }
  return /^f[cd][0-9a-f]{2}:/.test(ip);
}

const KIND_OF_LABEL = new Map<string, PeerKind>([
  ['reserved:host', 'host'],
  ['reserved:remote-node', 'remote_node'],
  ['reserved:kube-apiserver', 'kube_apiserver'],
  ['reserved:ingress', 'ingress'],
]);

/** Which label wins where an identity has several: the API server runs on a node, and is more than a node. */
const KIND_ORDER: readonly PeerKind[] = ['kube_apiserver', 'ingress', 'host', 'remote_node'];

/**
 * The kind of a peer. `reserved:world` means no more than "not managed by Cilium": a ClusterIP and a node of a cluster with
 * tunnels have it too, so it is believed only for public addresses.
 */
export function peerKind(ip: string, endpoint: Endpoint | null, hasService: boolean): PeerKind {
  if (endpoint !== null) {
    if (endpoint.podName !== '') return 'pod';
    let found: PeerKind = '';
    for (const label of endpoint.labels) {
      const kind = KIND_OF_LABEL.get(label);
      if (kind !== undefined && (found === '' || KIND_ORDER.indexOf(kind) < KIND_ORDER.indexOf(found))) found = kind;
    }
    if (found !== '') return found;
  }
  if (hasService) return 'service';
  if (isUnspecified(ip) || isLoopback(ip) || isPrivate(ip) || isLinkLocal(ip)) return '';
  return 'world';
}

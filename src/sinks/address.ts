/**
 * Which addresses a target may have that a user of the API chose: globally reachable unicast only. Everything that leads into the
 * cluster, the node, the cloud's metadata service or a tunnel to one of them is refused, in every spelling, because the check
 * sees the bytes of the address that the socket will really use.
 */
import { BlockList, isIP } from 'node:net';

const NOT_PUBLIC_V4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10], // carrier-grade NAT; also a cloud's metadata service
  ['127.0.0.0', 8],
  ['168.63.129.16', 32], // a cloud's wire server, in public space
  ['169.254.0.0', 16], // link-local; metadata services
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24], // 6to4 relays
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
];
/** Inside 2000::/3, the only global unicast space. Tunnels are refused whole: what stands behind them is not in the address alone. */
const NOT_PUBLIC_V6: readonly (readonly [string, number])[] = [
  ['2001::', 23], // Teredo, ORCHID, benchmarking
  ['2001:db8::', 32],
  ['2002::', 16], // 6to4
  ['3fff::', 20],
];

const notPublic = new BlockList();
for (const [network, prefix] of NOT_PUBLIC_V4) notPublic.addSubnet(network, prefix, 'ipv4');
for (const [network, prefix] of NOT_PUBLIC_V6) notPublic.addSubnet(network, prefix, 'ipv6');

/** The eight groups of a valid IPv6 address without zone. */
function groupsOf(address: string): number[] {
  let text = address;
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  if (dotted !== null) {
    const [, head, a, b, c, d] = dotted;
    const group = (high: string | undefined, low: string | undefined): string =>
      (Number(high) * 256 + Number(low)).toString(16);
    text = `${head}${group(a, b)}:${group(c, d)}`;
  }
  const [left = '', right] = text.split('::');
  const parse = (part: string): number[] =>
    part === '' ? [] : part.split(':').map(group => Number.parseInt(group, 16));
  const head = parse(left);
  if (right === undefined) return head;
  const tail = parse(right);
  return [...head, ...Array<number>(8 - head.length - tail.length).fill(0), ...tail];
}

const dottedOf = (high: number, low: number): string => `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;

/**
 * True when `address`, an IP literal as the resolver or the socket prints it, is globally reachable unicast. IPv4 inside IPv6
 * (mapped, NAT64) counts as that IPv4 address; zone ids, and whatever is not a literal, are never public.
 */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !notPublic.check(address, 'ipv4');
  if (family !== 6 || address.includes('%')) return false;
  const groups = groupsOf(address);
  const [g0 = 0, g1 = 0, g2 = 0, g3 = 0, g4 = 0, g5 = 0, g6 = 0, g7 = 0] = groups;
  const zeroTo4 = (g2 | g3 | g4) === 0;
  const mapped = (g0 | g1) === 0 && zeroTo4 && g5 === 0xffff;
  const nat64 = g0 === 0x64 && g1 === 0xff9b && zeroTo4 && g5 === 0;
  if (mapped || nat64) return isPublicAddress(dottedOf(g6, g7));
  // ISATAP hides an IPv4 address behind any prefix.
  if ((g4 & 0xfdff) === 0 && g5 === 0x5efe) return false;
  return g0 >> 13 === 1 && !notPublic.check(address, 'ipv6');
}

/**
 * Why `url` may not be a target, in plain words, or null. Names pass: they are checked after resolution, when connecting.
 * The URL parser has already turned decimal, octal, hexadecimal and short IPv4 spellings into four decimals.
 */
export function refuseTarget(url: string, allowPrivate: boolean): string | null {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    return 'is not a URL';
  }
  if (parsed.protocol !== 'https:' && parsed.protocol !== 'http:') return 'must be http: or https:';
  if (parsed.username !== '' || parsed.password !== '') return 'must not hold a user name or password';
  if (allowPrivate) return null;
  const host = parsed.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0 && !isPublicAddress(host)) return `${host} is not a public address`;
  if (/(^|\.)localhost\.?$/i.test(host)) return `${host} is not a public address`;
  return null;
}

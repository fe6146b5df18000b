/** IP addresses and networks, both families, parsed once to integers. */

/** Four 32-bit words for IPv6, one for IPv4. */
type Words = readonly number[];

const DOT = 46;
const ZERO = 48;

function ipv4(text: string): Words | null {
  let word = 0;
  let byte = 0;
  let digits = 0;
  let dots = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === DOT) {
      if (digits === 0 || ++dots > 3) return null;
      word = word * 256 + byte;
      byte = 0;
      digits = 0;
    } else {
      const digit = code - ZERO;
      if (digit < 0 || digit > 9 || ++digits > 3) return null;
      byte = byte * 10 + digit;
      if (byte > 255) return null;
    }
  }
  return dots === 3 && digits > 0 ? [word * 256 + byte] : null;
}

function ipv6(text: string): Words | null {
  if (!/^[0-9a-f:.]{2,45}$/i.test(text) || !text.includes(':')) return null;
  let body = text;
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(body);
  if (dotted !== null) {
    const v4 = ipv4(dotted[2] as string)?.[0];
    if (v4 === undefined) return null;
    body = `${dotted[1]}${Math.floor(v4 / 65_536).toString(16)}:${(v4 % 65_536).toString(16)}`;
  }
  const halves = body.split('::');
  if (halves.length > 2) return null;
  const groups = (half: string | undefined): string[] => (half === undefined || half === '' ? [] : half.split(':'));
  const head = groups(halves[0]);
  const tail = groups(halves[1]);
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null;
  const all = [...head, ...Array<string>(missing).fill('0'), ...tail];
  if (!all.every(group => /^[0-9a-f]{1,4}$/i.test(group))) return null;
  const n = all.map(group => Number.parseInt(group, 16));
  const words = [0, 2, 4, 6].map(i => (n[i] as number) * 65_536 + (n[i + 1] as number));
  const mapped = words[0] === 0 && words[1] === 0 && words[2] === 0xffff;
  return mapped ? [words[3] as number] : words;
}

/** Many networks are asked about one address in a row. */
let lastText = '';
let lastWords: Words | null = null;

function address(text: string): Words | null {
  if (text === lastText) return lastWords;
  lastWords = text.includes(':') ? ipv6(text) : ipv4(text);
  lastText = text;
  return lastWords;
}

/** A test for membership, or null when `network` is no address or network. IPv4-mapped IPv6 addresses count as IPv4. */
export function parseCidr(network: string): ((ip: string) => boolean) | null {
  const slash = network.indexOf('/');
  const base = address(slash < 0 ? network : network.slice(0, slash));
  if (base === null) return null;
  const bitsMax = base.length * 32;
  const prefixText = slash < 0 ? String(bitsMax) : network.slice(slash + 1);
  if (!/^\d{1,3}$/.test(prefixText)) return null;
  const prefix = Number(prefixText);
  if (prefix > bitsMax) return null;
  return ip => {
    const words = address(ip);
    if (words === null || words.length !== base.length) return false;
    for (let i = 0, left = prefix; left > 0; i++, left -= 32) {
      const size = 2 ** (32 - Math.min(32, left));
      if (Math.floor((words[i] as number) / size) !== Math.floor((base[i] as number) / size)) return false;
    }
    return true;
  };
}

/** Which words of a command line, path or name will be the same the next time, and which belong to one run. */

const ADDRESS = /\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f]{1,4}(?::[0-9a-f]{0,4}){3,}/i;
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/i;
/** Hashes and ids: eight or more hexadecimal digits, of which one is a number. */
const HEX = /(?<![a-z0-9])(?=[a-f]*\d)[0-9a-f]{8,}(?![a-z0-9])/i;
const LONG_NUMBER = /\d{4,}/;
/** Long texts of one alphabet: keys, tokens, encoded payloads. */
const ENCODED = /[A-Za-z0-9+/_-]{32,}={0,2}/;
/** `tmp.Xk29aQ`, `a8f2k1z9`: letters and digits that take turns. */
const RANDOM = /(?<![A-Za-z0-9])(?=[A-Za-z0-9]*\d)(?:[A-Za-z]*\d+){3,}[A-Za-z]*(?![A-Za-z0-9])|^tmp\.\w{6,}$/;
const TEMPORARY = /^(\/tmp|\/var\/tmp|\/dev\/shm|\/run\/user\/\d+)(\/|$)/;
const PROCESS_DIRECTORY = /^\/proc\/\d+/;
const HOST_NAME = /^[a-z0-9-]+(\.[a-z0-9-]+)+\.?$/i;

/** It would differ the next time: an address, an id, a number, a random or encoded text. */
export const isVolatile = (text: string): boolean =>
  [ADDRESS, UUID, HEX, LONG_NUMBER, ENCODED, RANDOM].some(pattern => pattern.test(text));

/** The directory that temporary files live in, with its final slash; null for other paths. */
export function temporaryDirectory(path: string): string | null {
  const match = TEMPORARY.exec(path);
  return match === null ? null : `${match[1]}/`;
}

const WORDS_MAX = 4;
const WORD_CHARS_MAX = 60;

/**
 * The fixed words of a command line's arguments, in order, at most four: options, subcommands, lasting paths. Never addresses,
 * ports, hosts, temporary files, credentials or code. Each with the blank before it, where there is one in the command line.
 */
export function fixedWords(text: string): string[] {
  const words: string[] = [];
  let secretFollows = false;
  for (const raw of text.split(/\s+/)) {
    const word = raw.replace(/^["']+|["']+$/g, '');
    const isSecret = secretFollows;
    secretFollows = /^-+(p|u|user|pass(word)?|token|key|secret|H|header)$/i.test(word);
    if (isSecret || !isFixed(word)) continue;
    const assigned = word.indexOf('=');
    const kept = assigned > 0 ? word.slice(0, assigned + 1) : word;
    const fragment = raw.startsWith(word) ? ` ${kept}` : kept;
    if (!words.includes(fragment)) words.push(fragment);
  }
  return words.sort((a, b) => rank(b) - rank(a)).slice(0, WORDS_MAX);
}

function isFixed(word: string): boolean {
  if (word.length < 2 || word.length > WORD_CHARS_MAX) return false;
  // What would need escapes is code, not a word.
  if (!/^[\w./:=@+,-]+$/.test(word)) return false;
  const value = word.slice(word.indexOf('=') + 1);
  const head = word.slice(0, word.length - value.length);
  if (head.length > 1 && !isVolatile(head)) return true;
  if (temporaryDirectory(word) !== null || PROCESS_DIRECTORY.test(word) || isVolatile(word)) return false;
  if (/^\d+$/.test(word) || word.includes('://') || word.includes('@')) return false;
  return (
    word.startsWith('/') ||
    word.startsWith('-') ||
    !HOST_NAME.test(word) ||
    /\.(sh|py|pl|rb|js|php|jar|so|conf)$/.test(word)
  );
}

/** Options and paths say more than plain words. */
const rank = (fragment: string): number => (/^ ?\//.test(fragment) ? 2 : /^ ?-/.test(fragment) ? 1 : 0);

/** `python3.11` → `python3*`; others as they are. Empty when the name itself is random. */
export function fixedName(name: string): string {
  if (name === '' || isVolatile(name)) return '';
  const version = /^([A-Za-z][A-Za-z_-]*\d?)[\d.-]*\.\d[\d.]*$/.exec(name);
  return version === null ? name : `${version[1]}*`;
}

/** `a.b.example.com` → `.example.com`, one label more below the large clouds' own names; the name itself when it is that short. */
export function domainSuffix(name: string): string {
  const labels = name.replace(/\.$/, '').split('.');
  const keep = /(^|\.)(amazonaws\.com|googleapis\.com|core\.windows\.net|co\.\w\w|com\.\w\w)$/.test(labels.join('.'))
    ? 3
    : 2;
  return labels.length <= keep ? labels.join('.') : `.${labels.slice(-keep).join('.')}`;
}

/** `pool.example.com.shop.svc.cluster.local` → `pool.example.com`: a resolver's search path is not part of what was asked for. */
export function withoutSearchPath(name: string): string {
  const match =
    /^(.+\..+)\.[a-z0-9-]+\.svc\.cluster\.local\.?$/.exec(name) ?? /^(.+\..+)\.cluster\.local\.?$/.exec(name);
  return match?.[1] !== undefined && !match[1].endsWith('.svc') ? match[1] : name;
}

/** A value as rules write it: `*`, `?` and backslashes stand for themselves. */
export const literal = (text: string): string => text.replace(/\\(?=[*?\\])|[*?]/g, '\\$&');

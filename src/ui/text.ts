/** Texts for people. What came from a pod is hostile: what would not show, or would turn the text around, shows as its code. */

const INVISIBLE =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;
const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

const coded = (character: string): string => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`;

export function visible(text: string): string {
  return text.replace(/\n/g, '\\n').replace(/\t/g, '\\t').replace(INVISIBLE, coded).replace(LONE_SURROGATE, coded);
}

/** At most `chars` characters, the last an ellipsis when something is missing. */
export function cut(text: string, chars: number): string {
  if (text.length <= chars) return text;
  const short = text.slice(0, Math.max(chars - 1, 0));
  return `${short.replace(/[\ud800-\udbff]$/, '')}…`;
}

export const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1) || path;

/** Seconds since the epoch, with what RFC 3339 says below a millisecond lost; NaN when it says nothing. */
export const seconds = (time: string): number => Date.parse(time) / 1_000;

/** `0.13 s`, `12 s`, `85 min`, `3 h`, `4 days`. */
export function duration(value: number): string {
  const size = Math.abs(value);
  if (size < 10) return `${value.toFixed(2)} s`;
  if (size < 120) return `${Math.round(value)} s`;
  if (size < 7_200) return `${Math.round(value / 60)} min`;
  if (size < 172_800) return `${Math.round(value / 3_600)} h`;
  return `${Math.round(value / 86_400)} days`;
}

export const signed = (value: number): string => `${value < 0 ? '−' : '+'}${duration(Math.abs(value))}`;

export const count = (n: number, noun: string, plural = `${noun}s`): string =>
  `${n.toLocaleString('en')} ${n === 1 ? noun : plural}`;

const DAY = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeZone: 'UTC' });

/** `06:25:06.554`, UTC as the sensors say it. */
export const clock = (time: string): string => time.slice(11, 23).replace(/Z$/, '');

/** `Nov 23, 2026, 06:25:06 UTC`. */
export function instant(time: string): string {
  const ms = Date.parse(time);
  return Number.isNaN(ms) ? time : `${DAY.format(ms)}, ${time.slice(11, 19)} UTC`;
}

/** `12 s ago`, against the reader's clock. */
export function ago(time: string, nowMs: number): string {
  const value = (nowMs - Date.parse(time)) / 1_000;
  if (Number.isNaN(value)) return '';
  if (value < 5) return 'just now';
  return `${duration(value < 10 ? Math.round(value) : value).replace('.00', '')} ago`;
}

export function bytes(n: number): string {
  if (n < 1_000) return `${n} B`;
  if (n < 1_000_000) return `${(n / 1_000).toFixed(1)} kB`;
  if (n < 1_000_000_000) return `${(n / 1_000_000).toFixed(1)} MB`;
  return `${(n / 1_000_000_000).toFixed(1)} GB`;
}

/** Indented; line breaks between fields are ours, those inside texts JSON has escaped. */
export const json = (value: unknown): string => JSON.stringify(value, null, 2).split('\n').map(visible).join('\n');

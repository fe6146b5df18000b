/** Tolerant readers of parsed JSON: whatever is absent, null or of the wrong type becomes the model's "absent". */
import { type Instant, MICROS_PER_SECOND, parseInstant } from '../../model/time.ts';

export type Json = Readonly<Record<string, unknown>>;

const NUL = /\0/g;

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function object(value: unknown): Json | null {
  return isObject(value) ? value : null;
}

export function array(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The string, a number's or boolean's text, or ''. NULs are kept: see `clean`. */
export function text(value: unknown): string {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

/** Text without the NULs that some agents leave inside pod names. */
export function clean(value: unknown): string {
  const s = text(value);
  return s.includes('\0') ? s.replace(NUL, '') : s;
}

/** A number, also when it was sent as a string; null when it is none or not finite. */
export function numberOrNull(value: unknown): number | null {
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value !== 'string' || value === '') return null;
  const n = Number(value);
  return Number.isFinite(n) ? n : null;
}

export function number(value: unknown): number {
  return numberOrNull(value) ?? 0;
}

export function booleanOrNull(value: unknown): boolean | null {
  if (typeof value === 'boolean') return value;
  if (value === 'true') return true;
  return value === 'false' ? false : null;
}

export function strings(value: unknown): readonly string[] {
  if (!Array.isArray(value) || value.length === 0) return NONE;
  const all = value.every(item => typeof item === 'string');
  return all ? (value as string[]) : value.filter(item => typeof item === 'string');
}

const NONE: readonly string[] = Object.freeze([]) as readonly string[];

/** A map of strings; entries that are no strings are left out. */
export function stringMap(value: unknown): Readonly<Record<string, string>> {
  const source = object(value);
  if (source === null) return EMPTY;
  const entries = Object.entries(source);
  if (entries.every(entry => typeof entry[1] === 'string')) return source as Record<string, string>;
  return Object.fromEntries(entries.filter(entry => typeof entry[1] === 'string')) as Record<string, string>;
}

const EMPTY: Readonly<Record<string, string>> = Object.freeze({});

/** Seconds since the epoch above which a bare number must be milliseconds: the year 5138. */
const SECONDS_MAX = 100_000_000_000;

/** RFC 3339 text with 0 to 9 fraction digits, `{seconds, nanos}`, or seconds or milliseconds as a number; else null. */
export function instant(value: unknown): Instant | null {
  if (typeof value === 'string') return parseInstant(value);
  if (typeof value === 'number' && Number.isFinite(value)) {
    const seconds = value > SECONDS_MAX ? value / 1_000 : value;
    return { time: Math.round(seconds * MICROS_PER_SECOND), ns: 0 };
  }
  const parts = object(value);
  if (parts === null) return null;
  const seconds = numberOrNull(parts.seconds);
  if (seconds === null) return null;
  const nanos = number(parts.nanos);
  const micros = Math.floor(nanos / 1_000);
  return { time: seconds * MICROS_PER_SECOND + micros, ns: nanos - micros * 1_000 };
}

/**
 * Time, without `Date`: the sensors stamp nanoseconds, which a double cannot hold, so an instant is two integers:
 * whole microseconds since the Unix epoch (exact in a double until the year 2255) and the nanoseconds within that microsecond.
 */

/** Whole microseconds since the Unix epoch. */
export type Micros = number;

export const MICROS_PER_MS = 1_000;
export const MICROS_PER_SECOND = 1_000_000;

/** An instant: `time` in whole microseconds since the epoch, `ns` 0..999 nanoseconds beyond it. */
export interface Instant {
  readonly time: Micros;
  readonly ns: number;
}

/** Negative when `a` is earlier than `b`, zero when they are the same nanosecond. */
export function compareInstants(a: Instant, b: Instant): number {
  return a.time - b.time || a.ns - b.ns;
}

const DAYS_PER_400_YEARS = 146_097;
const DAYS_TO_1970 = 719_468;

/** Days since 1970-01-01 of a proleptic Gregorian date (month 1..12). */
function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * DAYS_PER_400_YEARS + dayOfEra - DAYS_TO_1970;
}

const RFC3339 = /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9})\d*)?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/;

/** Parses an RFC 3339 timestamp with 0 to 9 fraction digits; null when `text` is not one. */
export function parseInstant(text: string): Instant | null {
  const m = RFC3339.exec(text);
  if (m === null) return null;
  const month = Number(m[2]);
  const day = Number(m[3]);
  if (month < 1 || month > 12 || day < 1 || day > 31) return null;
  const days = daysFromCivil(Number(m[1]), month, day);
  let seconds = days * 86_400 + Number(m[4]) * 3_600 + Number(m[5]) * 60 + Number(m[6]);
  if (m[8] !== undefined) {
    const offset = Number(m[9]) * 3_600 + Number(m[10]) * 60;
    seconds += m[8] === '-' ? offset : -offset;
  }
  const nanos = m[7] === undefined ? 0 : Number(m[7].padEnd(9, '0'));
  const micros = Math.floor(nanos / 1_000);
  return { time: seconds * MICROS_PER_SECOND + micros, ns: nanos - micros * 1_000 };
}

const two = (n: number): string => (n < 10 ? `0${n}` : String(n));

/** `2026-01-01T00:00:00` of whole seconds since the epoch. */
function formatSecond(seconds: number): string {
  const days = Math.floor(seconds / 86_400);
  const rest = seconds - days * 86_400;
  const z = days + DAYS_TO_1970;
  const era = Math.floor(z / DAYS_PER_400_YEARS);
  const dayOfEra = z - era * DAYS_PER_400_YEARS;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1_460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const mp = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * mp + 2) / 5) + 1;
  const month = mp < 10 ? mp + 3 : mp - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  const hms = `${two(Math.floor(rest / 3_600))}:${two(Math.floor(rest / 60) % 60)}:${two(rest % 60)}`;
  return `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}T${hms}`;
}

/** Times that are formatted together fall into few seconds: the text of each is made once. */
const FORMATTED_MAX = 64;
const formatted: { readonly seconds: number; readonly text: string }[] = [];

function secondText(seconds: number): string {
  const slot = Math.abs(seconds) % FORMATTED_MAX;
  const held = formatted[slot];
  if (held?.seconds === seconds) return held.text;
  const text = formatSecond(seconds);
  formatted[slot] = { seconds, text };
  return text;
}

/** RFC 3339 in UTC with all nine fraction digits: `2026-01-01T00:00:00.000000000Z`. */
export function formatInstant(time: Micros, ns = 0): string {
  const seconds = Math.floor(time / MICROS_PER_SECOND);
  const nanos = (time - seconds * MICROS_PER_SECOND) * 1_000 + ns;
  return `${secondText(seconds)}.${String(nanos).padStart(9, '0')}Z`;
}

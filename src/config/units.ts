/** Durations and sizes as people write them. */
import { z } from 'zod';

const DURATION_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const SIZE_BYTES: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1_000,
  MB: 1_000_000,
  GB: 1_000_000_000,
  KiB: 1_024,
  MiB: 1_048_576,
  GiB: 1_073_741_824,
};

function parseUnits(text: string, units: Readonly<Record<string, number>>): number | null {
  const m = /^\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*$/.exec(text);
  const unit = m === null ? undefined : units[m[2] as string];
  return m === null || unit === undefined ? null : Math.round(Number(m[1]) * unit);
}

/** `2s`, `5m`, `250ms`, `1.5h`, `30d` → milliseconds; null when it is none. */
export const parseDuration = (text: string): number | null => parseUnits(text, DURATION_MS);

/** `2GiB`, `500MB`, `4096B` → bytes; null when it is none. */
export const parseSize = (text: string): number | null => parseUnits(text, SIZE_BYTES);

function unitSchema(parse: (text: string) => number | null, message: string) {
  return z.string().transform((text, context) => {
    const value = parse(text);
    if (value !== null) return value;
    context.issues.push({ code: 'custom', message, input: text });
    return z.NEVER;
  });
}

/** Schema of a duration with a unit, in milliseconds once parsed. */
export const duration = unitSchema(parseDuration, 'expected a duration with a unit, such as 500ms, 2s, 5m, 1h or 30d');

/** Schema of a size with a unit, in bytes once parsed. */
export const size = unitSchema(parseSize, 'expected a size with a unit, such as 64KiB, 500MB or 2GiB');

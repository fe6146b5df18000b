/** Durations as authors write them: `90s`, `5m`, `1h30m`, `24h`, `2d`. */
import { MICROS_PER_MS, MICROS_PER_SECOND, type Micros } from '../model/time.ts';

const UNITS: Readonly<Record<string, Micros>> = {
  ms: MICROS_PER_MS,
  s: MICROS_PER_SECOND,
  m: 60 * MICROS_PER_SECOND,
  h: 3_600 * MICROS_PER_SECOND,
  d: 86_400 * MICROS_PER_SECOND,
  w: 604_800 * MICROS_PER_SECOND,
};

/** Micros, or null when `value` is no positive duration with a unit. */
export function parseDuration(value: unknown): Micros | null {
  if (typeof value !== 'string' || value.length > 32) return null;
  const text = value.trim();
  if (!/^(\d+(\.\d+)?(ms|[smhdw]))+$/.test(text)) return null;
  let total = 0;
  for (const m of text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhdw])/g))
    total += Number(m[1]) * (UNITS[m[2] as string] as number);
  return total > 0 && Number.isSafeInteger(Math.round(total)) ? Math.round(total) : null;
}

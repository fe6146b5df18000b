/** Workloads made of the recordings: looped with new identities in each loop, so that processes are as new as in a real stream. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

const CAPTURES = join(import.meta.dirname, '..', '..', 'captures');

export function recorded(file: string): string[] {
  return gunzipSync(readFileSync(join(CAPTURES, file)))
    .toString()
    .split('\n')
    .filter(line => line !== '');
}

/** Loop `loop` of recorded lines: exec_ids, uuids, container ids and hours of their own; nothing changes its length. */
export function renewed(lines: readonly string[], loop: number): string[] {
  const mark = String.fromCharCode(65 + (loop % 26)) + String.fromCharCode(97 + (Math.floor(loop / 26) % 26));
  return lines.map(line =>
    line
      .replaceAll('"d29y', `"d${mark}y`)
      .replaceAll('"uuid":"', `"uuid":"${mark}`)
      .replace(/2026-11-23T(\d\d)/g, (_, hour: string) => shifted(Number(hour) + loop)),
  );
}

function shifted(hours: number): string {
  const day = 23 + Math.floor(hours / 24);
  // Past the end of the month the bench has seen enough.
  return `2026-11-${String(Math.min(day, 30)).padStart(2, '0')}T${String(hours % 24).padStart(2, '0')}`;
}

export const loops = (file: string, count: number): string[] => {
  const lines = recorded(file);
  return Array.from({ length: count }, (_, loop) => renewed(lines, loop)).flat();
};

/** Seconds of CPU that this process spent on `run`: what other programs do meanwhile does not count. */
export async function cpuSeconds(run: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

export const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] as number;

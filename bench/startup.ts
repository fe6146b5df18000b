/**
 * How long a start takes: `spoor replay` of two recorded lines with the rules that ship, as a user runs it, from the start of the
 * process to its end. Prints `name value goal`, seconds: the median. Needs a build (`npm run build`).
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { median, recorded } from './support/workload.ts';

const ROUNDS = 9;
const GOAL_SECONDS = 0.5;

const cli = join(import.meta.dirname, '..', 'dist', 'cli.js');
const folder = mkdtempSync(join(tmpdir(), 'spoor-bench-'));
try {
  const capture = join(folder, 'two.jsonl');
  writeFileSync(capture, `${recorded('lateral-movement/tetragon.jsonl.gz').slice(0, 2).join('\n')}\n`);
  const walls: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    const { status, stderr } = spawnSync(process.execPath, [cli, 'replay', capture], { encoding: 'utf8' });
    walls.push((performance.now() - start) / 1_000);
    if (status !== 0) throw new Error(stderr);
  }
  console.log(`start-to-first-detection-s ${median(walls).toFixed(2)} ${GOAL_SECONDS}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/**
 * The whole engine on recorded export files, the rules that ship on, against `JSON.parse` of the same lines alone: file to alerts
 * on one side, file to objects on the other. CPU time of one process, rounds in turn. Prints `name ratio goal` lines.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { replayFolder } from '../test/support/replay.ts';
import { cpuSeconds, loops, median } from './support/workload.ts';

const ROUNDS = 5;

const WORKLOADS = [
  { name: 'replay-9kB', goal: 2, files: ['benign/tetragon.jsonl.gz'], loops: 10 },
  { name: 'replay-2kB', goal: 1, files: ['variants/chart-defaults/benign/tetragon.jsonl.gz'], loops: 150 },
  { name: 'replay-flows', goal: 1, files: ['benign/hubble.jsonl.gz'], loops: 12 },
  { name: 'replay-both', goal: 1, files: ['benign/tetragon.jsonl.gz', 'benign/hubble.jsonl.gz'], loops: 8 },
];

const only = process.argv[2];
const folder = mkdtempSync(join(tmpdir(), 'spoor-bench-'));
try {
  for (const { name, goal, files, loops: count } of WORKLOADS) {
    if (only !== undefined && !name.includes(only)) continue;
    const paths = files.map((file, index) => {
      const path = join(folder, `${name}-${index}.jsonl`);
      writeFileSync(path, `${loops(file, count).join('\n')}\n`);
      return path;
    });
    const lines = paths.reduce((sum, path) => sum + readFileSync(path, 'utf8').split('\n').length - 1, 0);
    const parse = (): void => {
      for (const path of paths)
        for (const line of readFileSync(path, 'utf8').split('\n')) if (line !== '') JSON.parse(line);
    };
    const parsed: number[] = [];
    const replayed: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      parsed.push(await cpuSeconds(parse));
      replayed.push(await cpuSeconds(() => replayFolder(paths)));
    }
    const ratio = median(parsed) / median(replayed);
    process.stdout.write(`${name} ${ratio.toFixed(2)} ${goal}\n`);
    process.stdout.write(
      `  JSON.parse ${Math.round(lines / median(parsed)).toLocaleString('en')}/s, spoor ${Math.round(lines / median(replayed)).toLocaleString('en')}/s of CPU, ${lines} lines\n`,
    );
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

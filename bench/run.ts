/**
 * `npm run bench`: every bench in turn, each in a process of its own, and what they measured in `bench.json`. A line `name value
 * goal` is a measurement with a goal; lower is better for those named below. Slow is no failure; a bench that breaks is.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const BENCHES = [
  'replay',
  'decode',
  'context',
  'rules',
  'detection',
  'grpc',
  'store',
  'recorder',
  'latency',
  'startup',
  'memory',
];

/** Costs, durations and sizes; all else are ratios that should be high. */
const LOWER_IS_BETTER = /against_10_rules|-ms$|-s$|-MB$|memory-/;

interface Measured {
  readonly name: string;
  readonly value: number;
  readonly goal: number;
  readonly met: boolean;
}

const measured: Measured[] = [];

function read(line: string): void {
  const found = /^(\S+) (-?\d+(?:\.\d+)?) (-?\d+(?:\.\d+)?)$/.exec(line);
  if (found === null) {
    process.stdout.write(`${line}\n`);
    return;
  }
  const [, name = '', value, goal] = found;
  const result = { name, value: Number(value), goal: Number(goal) };
  const met = LOWER_IS_BETTER.test(name) ? result.value <= result.goal : result.value >= result.goal;
  measured.push({ ...result, met });
  process.stdout.write(`${line} ${met ? 'met' : 'not met'}\n`);
}

/** Exit status of one bench. */
async function run(bench: string): Promise<number> {
  const file = join(import.meta.dirname, `${bench}.ts`);
  const child = spawn(process.execPath, ['--import', 'tsx', file], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  lines.on('line', read);
  const [[code]] = await Promise.all([once(child, 'close'), once(lines, 'close')]);
  return (code as number | null) ?? 1;
}

const chosen = process.argv.length > 2 ? process.argv.slice(2) : BENCHES;
for (const bench of chosen) {
  const started = Date.now();
  const code = await run(bench);
  process.stderr.write(`${bench}: ${((Date.now() - started) / 1_000).toFixed(0)} s\n`);
  if (code !== 0) {
    process.stderr.write(`${bench}: failed with status ${code}\n`);
    process.exitCode = 1;
  }
}
writeFileSync(
  join(import.meta.dirname, '..', 'bench.json'),
  `${JSON.stringify({ node: process.version, measured }, null, 2)}\n`,
);
process.stdout.write(
  `${measured.filter(({ met }) => met).length} of ${measured.length} goals met; bench.json has them all\n`,
);

/**
 * `npm run bench`: every bench in turn, each in a process of its own, and what they measured in `bench.json` and a table.
 * A line `name value goal` is a measurement with a goal; its name ends in its unit, without one it is a ratio. Slow is no failure;
 * a bench that breaks is.
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
  'sigma',
  'detection',
  'rule-sets',
  'grpc',
  'store',
  'recorder',
  'latency',
  'startup',
  'memory',
  'map',
  'page',
];

/** Costs, durations and sizes; all else are ratios and rates that should be high. */
const LOWER_IS_BETTER = /against_10_rules|-(?:us|ms|s|bytes|MB|requests|elements)$|memory-/;
/** A rate is named `what-per-10000/s`. */
const UNIT = /-(us|ms|s|bytes|MB|per-\d+\/s)$/;

interface Measured {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
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
  const result = { name, value: Number(value), unit: UNIT.exec(name)?.[1] ?? 'ratio', goal: Number(goal) };
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
function table(): string {
  const rows = measured.map(({ name, value, unit, goal, met }) => [
    name,
    String(value),
    unit,
    `${LOWER_IS_BETTER.test(name) ? '≤' : '≥'} ${goal}`,
    met ? 'met' : 'not met',
  ]);
  const all = [['name', 'value', 'unit', 'goal', ''], ...rows];
  const widths = [0, 1, 2, 3].map(column => Math.max(...all.map(row => (row[column] as string).length)));
  return all
    .map(row =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

process.stdout.write(`\n${table()}\n\n`);
process.stdout.write(
  `${measured.filter(({ met }) => met).length} of ${measured.length} goals met; bench.json has them all\n`,
);

/**
 * How fast the decoders are against `JSON.parse` of the same lines, in one run. Prints `name ratio goal` lines. The recordings
 * are looped in memory with new exec_ids in each loop, so that processes are as new to the caches as in a real stream.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { JsonDecoder } from '../src/sources/json/decoder.ts';

const CAPTURES = join(import.meta.dirname, '..', 'captures');
const LOOPS = 8;
const ROUNDS = 5;

interface Workload {
  readonly name: string;
  readonly goal: number;
  readonly file: RegExp;
}

const WORKLOADS: readonly Workload[] = [
  { name: 'decode-tetragon-9kB', goal: 4, file: /^(?!variants)[^/]+\/tetragon\.jsonl\.gz$/ },
  { name: 'decode-tetragon-2kB', goal: 2.5, file: /^variants\/chart-defaults\/.*tetragon\.jsonl\.gz$/ },
  { name: 'decode-hubble', goal: 2.5, file: /hubble\.jsonl\.gz$/ },
];

function linesOf(pattern: RegExp): Buffer[] {
  const files = (readdirSync(CAPTURES, { recursive: true }) as string[]).filter(file => pattern.test(file)).sort();
  return files.flatMap(file => {
    const text = gunzipSync(readFileSync(join(CAPTURES, file))).toString();
    return text
      .split('\n')
      .filter(Boolean)
      .map(line => Buffer.from(line));
  });
}

/** The same lines with every exec_id made anew: the node's name inside it is changed, its length is not. */
function renewed(lines: readonly Buffer[], loop: number): Buffer[] {
  const mark = String.fromCharCode(65 + (loop % 26));
  return lines.map(line => Buffer.from(line.toString('latin1').replaceAll('"d29y', `"d2${mark}y`), 'latin1'));
}

/** Lines joined as a file's chunk would hold them. */
function chunked(lines: readonly Buffer[]): { chunk: Buffer; ends: Uint32Array } {
  const chunk = Buffer.concat(lines);
  const ends = new Uint32Array(lines.length);
  let at = 0;
  lines.forEach((line, i) => {
    at += line.length;
    ends[i] = at;
  });
  return { chunk, ends };
}

type Chunks = readonly { chunk: Buffer; ends: Uint32Array }[];

function each(chunks: Chunks, visit: (chunk: Buffer, start: number, end: number) => void): void {
  for (const { chunk, ends } of chunks) {
    let start = 0;
    for (const end of ends) {
      visit(chunk, start, end);
      start = end;
    }
  }
}

function seconds(run: () => void): number {
  const start = performance.now();
  run();
  return (performance.now() - start) / 1_000;
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] as number;

for (const { name, goal, file } of WORKLOADS) {
  const lines = linesOf(file);
  const chunks = Array.from({ length: LOOPS }, (_, loop) => chunked(renewed(lines, loop)));
  const total = lines.length * LOOPS;
  const parse = () => each(chunks, (chunk, start, end) => void JSON.parse(chunk.toString('utf8', start, end)));
  let fast = 0;
  const decode = () => {
    const decoder = new JsonDecoder();
    each(chunks, (chunk, start, end) => void decoder.decode(chunk, start, end));
    fast = decoder.fastEvents;
  };
  parse();
  decode();
  const ratios: number[] = [];
  const parseTimes: number[] = [];
  const decodeTimes: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    parseTimes.push(seconds(parse));
    decodeTimes.push(seconds(decode));
    ratios.push((parseTimes.at(-1) as number) / (decodeTimes.at(-1) as number));
  }
  const bytes = Math.round(lines.reduce((sum, line) => sum + line.length, 0) / lines.length);
  console.log(`${name} ${median(ratios).toFixed(2)} ${goal.toFixed(1)}`);
  console.error(
    `  ${bytes} B a line; JSON.parse ${Math.round(total / median(parseTimes))}/s, decoder ${Math.round(total / median(decodeTimes))}/s, ` +
      `${((100 * fast) / total).toFixed(1)} % by the fast path`,
  );
}

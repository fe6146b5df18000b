/**
 * What is kept in memory. A million live processes, measured on 100,000 of them after 50,000, when caches are full (real exec lines, every process with a pid,
 * an exec_id and arguments of its own, in pods of 5,000) and multiplied; and whether memory grows with what has passed:
 * after ten times as many events against after once as many, of processes that start and end in two pods, scaled to 600,000
 * events: by the first reading every bound of those pods is reached. Prints `name value goal`: megabytes, and a ratio. Garbage is collected before each reading.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Engine } from '../src/engine.ts';
import { JsonDecoder } from '../src/sources/json/decoder.ts';
import { shippedRuleSet } from '../test/support/replay.ts';
import { recorded } from './support/workload.ts';

const WARM = 50_000;
const PROCESSES = 100_000;
const PROCESSES_PER_POD = 5_000;
const MILLION = 1_000_000;
const EVENTS = 60_000;
const PODS = 2;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function megabytes(): number {
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 1e6;
}

const lines = recorded('variants/chart-defaults/benign/tetragon.jsonl.gz');
const first = (kind: string, inside: string): string => {
  const found = lines.find(line => line.startsWith(`{"${kind}"`) && line.includes(inside));
  if (found === undefined) throw new Error(`no ${kind} with ${inside} is recorded`);
  return found;
};
const exec = first('process_exec', '"container":');
const id = /"exec_id":"([^"]+)"/.exec(exec)?.[1] ?? '';
const pid = /"pid":(\d+)/.exec(exec)?.[1] ?? '';
const args = /"arguments":"((?:[^"\\]|\\.)*)"/.exec(exec)?.[1] ?? '';
const podName = /"pod":\{"namespace":"[^"]*","name":"([^"]+)"/.exec(exec)?.[1] ?? '';
const docker = /"docker":"([0-9a-f]+)"/.exec(exec)?.[1] ?? '';

/** The `n`th process: what tells it from others is its own, all else is as recorded. */
function started(n: number, pod = Math.floor(n / PROCESSES_PER_POD)): string {
  return exec
    .replaceAll(id, Buffer.from(`node-1:${String(n).padStart(14, '0')}:${10_000 + n}`).toString('base64'))
    .replace(`"pid":${pid}`, `"pid":${10_000 + n}`)
    .replace(`"arguments":"${args}"`, `"arguments":"--job ${n}"`)
    .replaceAll(podName, `${podName}-${pod}`)
    .replaceAll(docker, `${String(pod).padStart(8, '0')}${docker.slice(8)}`);
}

const ended = (n: number, pod: number): string => started(n, pod).replace('{"process_exec"', '{"process_exit"');

function feeder(): { feed(line: string): void; engine: Engine } {
  const engine = new Engine({ rules: shippedRuleSet() });
  const decoder = new JsonDecoder({ source: 'bench' });
  const feed = (line: string): void => {
    const bytes = Buffer.from(line);
    const event = decoder.decode(bytes, 0, bytes.length);
    if (!(event !== null && 'kind' in event)) throw new Error('a line was not decoded');
    engine.step(event);
  };
  return { feed, engine };
}

function liveProcesses(): void {
  const { feed, engine } = feeder();
  for (let n = 0; n < WARM; n++) feed(started(n));
  const before = megabytes();
  for (let n = WARM; n < WARM + PROCESSES; n++) feed(started(n));
  const grown = megabytes() - before;
  const { processes } = engine.context.stats();
  if (processes < WARM + PROCESSES) throw new Error(`only ${processes} processes are kept`);
  const value = (grown / PROCESSES) * MILLION;
  console.log(`memory-live-processes-MB ${Math.round(value)} 400`);
}

function growth(): void {
  const { feed } = feeder();
  let n = 0;
  const run = (events: number): void => {
    for (const end = n + events / 2; n < end; n++) {
      feed(started(n, n % PODS));
      feed(ended(n, n % PODS));
    }
  };
  run(EVENTS);
  const once = megabytes();
  run(EVENTS * 9);
  console.log(`memory-10x-events ${(megabytes() / once).toFixed(2)} 1.1`);
}

liveProcesses();
growth();

/**
 * How fast live gRPC is, decoding included, against a grpc-js client that throws the messages away; and the protobuf decoders
 * alone, against `JSON.parse` of the lines that say the same. Prints `name ratio goal` lines. The servers run in a process of
 * their own; what is compared is the client's CPU time an event, so that other work on the machine does not count. Exec_ids are
 * new in each loop over the recordings, as in a real stream.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { openClient, openStream } from '../src/sources/grpc/client.ts';
import { followRequest } from '../src/sources/hubble/request.ts';
import { hubbleSource } from '../src/sources/hubble/source.ts';
import { Interned } from '../src/sources/intern.ts';
import { HubbleDecoder } from '../src/sources/protobuf/hubble.ts';
import { TetragonDecoder } from '../src/sources/protobuf/tetragon.ts';
import type { Source } from '../src/sources/source.ts';
import { tetragonSource } from '../src/sources/tetragon/source.ts';
import { lines } from '../test/support/grpc/captures.ts';
import { encode } from '../test/support/grpc/encode.ts';
import { TestServer } from '../test/support/grpc/server.ts';

const LOOPS = 6;
const ROUNDS = 5;

const SENSORS = {
  tetragon: {
    type: 'tetragon.GetEventsResponse',
    goal: 4,
    method: '/tetragon.FineGuidanceSensors/GetEvents',
    request: () => Buffer.alloc(0),
    source: tetragonSource,
    decoder: () => new TetragonDecoder('', new Interned()),
  },
  hubble: {
    type: 'observer.GetFlowsResponse',
    goal: 2.5,
    method: '/observer.Observer/GetFlows',
    request: () => followRequest(null),
    source: hubbleSource,
    decoder: () => new HubbleDecoder('', new Interned()),
  },
} as const;

type Sensor = keyof typeof SENSORS;

/** The recorded lines of a sensor, LOOPS times, with identities of their own each time. */
function workload(sensor: Sensor): string[] {
  const recorded = lines(`benign/${sensor}.jsonl.gz`);
  return Array.from({ length: LOOPS }, (_, loop) => String.fromCharCode(65 + loop)).flatMap(mark =>
    recorded.map(line => line.replaceAll('"d29y', `"d2${mark}y`).replace('"uuid":"', `"uuid":"${mark}`)),
  );
}

const encoded = (sensor: Sensor, work: readonly string[]): Buffer[] =>
  work.map(line => encode(SENSORS[sensor].type, JSON.parse(line)));

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] as number;

/** Microseconds of CPU time since an earlier reading. */
function cpuSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

async function serve(sensor: Sensor): Promise<void> {
  const messages = encoded(sensor, workload(sensor));
  const server = await TestServer.start(sensor, {
    script: async stream => {
      for (const message of messages) await stream.send(message);
    },
  });
  process.send?.(server.address);
}

function throwAway(sensor: Sensor, address: string, total: number): Promise<number> {
  const { method, request } = SENSORS[sensor];
  const client = openClient(`dns:${address}`, null, null);
  const stream = openStream(client, method, request());
  return new Promise(resolve => {
    let count = 0;
    const before = process.cpuUsage();
    stream.on('error', () => {});
    stream.on('data', () => {
      if (++count < total) return;
      resolve(cpuSince(before));
      stream.cancel();
      client.close();
    });
  });
}

function read(source: Source, total: number): Promise<number> {
  return new Promise(resolve => {
    let count = 0;
    const before = process.cpuUsage();
    const subscription = source.batches().subscribe(batch => {
      count += batch.events.length;
      batch.done();
      if (count < total) return;
      resolve(cpuSince(before));
      setImmediate(() => subscription.unsubscribe());
    });
  });
}

async function live(sensor: Sensor, total: number): Promise<void> {
  const child = fork(import.meta.filename, ['serve', sensor]);
  const [address] = (await once(child, 'message')) as [string];
  const quarantine = { put: () => {} };
  const bare: number[] = [];
  const full: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const a = await throwAway(sensor, address, total);
    const b = await read(SENSORS[sensor].source({ name: sensor, address, quarantine }), total);
    // The first round warms up.
    if (round > 0) bare.push(a);
    if (round > 0) full.push(b);
  }
  child.kill();
  report(`grpc-${sensor}`, median(bare) / median(full), 0.6);
  console.error(`  a CPU second: ${rate(total, bare)} events thrown away, ${rate(total, full)} decoded`);
}

function decoding(sensor: Sensor, work: readonly string[]): void {
  const texts = work.map(line => Buffer.from(line));
  const messages = encoded(sensor, work);
  const parsing: number[] = [];
  const decoding: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const start = process.cpuUsage();
    for (const text of texts) JSON.parse(text.toString('utf8'));
    const parsed = cpuSince(start);
    const decoder = SENSORS[sensor].decoder();
    const middle = process.cpuUsage();
    for (const message of messages) decoder.decode(message);
    if (round > 0) parsing.push(parsed);
    if (round > 0) decoding.push(cpuSince(middle));
  }
  report(`decode-protobuf-${sensor}`, median(parsing) / median(decoding), SENSORS[sensor].goal);
  console.error(`  a CPU second: ${rate(work.length, decoding)} messages decoded`);
}

function report(name: string, ratio: number, goal: number): void {
  console.log(`${name} ${ratio.toFixed(2)} ${goal.toFixed(1)}`);
}

function rate(events: number, micros: number[]): number {
  return Math.round((events / median(micros)) * 1e6);
}

const [mode, sensor] = process.argv.slice(2);
if (mode === 'serve') await serve(sensor as Sensor);
else {
  for (const one of Object.keys(SENSORS) as Sensor[]) {
    const work = workload(one);
    decoding(one, work);
    await live(one, work.length);
  }
}

/**
 * From an event received to its alert stored (committed, `synchronous=FULL`), at half of the highest rate, the wait for late events
 * aside. Ordinary life and break-ins in turn: recorded lines, decoded as they come, through pipeline, detection and store.
 * Prints `name value goal` in milliseconds, the 99th percentile.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import { Observable } from 'rxjs';
import { Engine } from '../src/engine.ts';
import type { Event } from '../src/model/event.ts';
import { Pipeline } from '../src/pipeline.ts';
import { JsonDecoder, Malformed } from '../src/sources/json/decoder.ts';
import { newCounters, type Source } from '../src/sources/source.ts';
import { BufferedStoreWriter } from '../src/store/buffered.ts';
import { openStore } from '../src/store/sqlite/open.ts';
import { shippedRuleSet } from '../test/support/replay.ts';
import { loops } from './support/workload.ts';

const LOOPS = 40;
const GOAL_MS = 50;
const BATCH_EVENTS_MAX = 512;

const lines = ['variants/chart-defaults/benign', 'variants/chart-defaults/lateral-movement']
  .flatMap(folder => loops(`${folder}/tetragon.jsonl.gz`, LOOPS))
  .map(line => Buffer.from(line));

/** Hands out what is due: `perSecond` lines a second, or all as fast as they are taken. */
function paced(perSecond: number, received: (batch: Batch) => void): Source {
  async function run(next: (events: Event[], batch: Batch) => void): Promise<void> {
    const decoder = new JsonDecoder({ source: 'bench' });
    const start = performance.now();
    let at = 0;
    while (at < lines.length) {
      const due = ((performance.now() - start) / 1_000) * perSecond;
      const batch = { at: performance.now(), alerts: 0 };
      const end = Math.min(lines.length, due, at + BATCH_EVENTS_MAX);
      const events: Event[] = [];
      for (; at < end; at++) {
        const line = lines[at] as Buffer;
        const event = decoder.decode(line, 0, line.length);
        if (event !== null && !(event instanceof Malformed)) events.push(event);
      }
      if (events.length > 0) {
        received(batch);
        next(events, batch);
      }
      await setImmediate();
    }
  }
  return {
    name: 'bench',
    type: 'ingest',
    batches: () =>
      new Observable(subscriber => {
        void run((events, batch) => subscriber.next({ source: 'bench', events, done: () => stored(batch) })).then(() =>
          subscriber.complete(),
        );
      }),
    status: () => ({
      name: 'bench',
      type: 'ingest',
      state: 'connected',
      detail: '',
      newest: null,
      counters: newCounters(),
    }),
  };
}

interface Batch {
  readonly at: number;
  alerts: number;
}

let latencies: number[] = [];

function stored({ at, alerts }: Batch): void {
  for (let i = 0; i < alerts; i++) latencies.push(performance.now() - at);
}

/** Seconds that all lines took. */
async function pass(perSecond: number): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'spoor-bench-'));
  try {
    const store = await openStore({ path: join(folder, 'spoor.db') });
    const writer = new BufferedStoreWriter(store);
    let current: Batch = { at: 0, alerts: 0 };
    const pipeline = new Pipeline({
      engine: new Engine({ rules: shippedRuleSet() }),
      sources: [
        paced(perSecond, batch => {
          current = batch;
        }),
      ],
      ordering: null,
      onStep: ({ changes }) => {
        for (const change of changes) if (change.type === 'new') current.alerts++;
      },
      store: changes => writer.write({ entries: changes.map(change => ({ change, targets: [] })) }),
    });
    latencies = [];
    const start = performance.now();
    await pipeline.run();
    const seconds = (performance.now() - start) / 1_000;
    await writer.close();
    await store.close();
    return seconds;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await pass(Number.POSITIVE_INFINITY);
const highest = lines.length / (await pass(Number.POSITIVE_INFINITY));
await pass(highest / 2);
latencies.sort((a, b) => a - b);
const p99 = latencies[Math.floor(latencies.length * 0.99)] ?? Number.NaN;
console.log(`detection-latency-p99-ms ${p99.toFixed(1)} ${GOAL_MS}`);
console.log(
  `  ${latencies.length} alerts, ${Math.round(highest / 2)} events/s, median ${(latencies[latencies.length >> 1] ?? Number.NaN).toFixed(1)} ms`,
);

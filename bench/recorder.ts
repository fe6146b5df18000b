/**
 * What the flight recorder costs: main-thread time and bytes an event, over the largest recording, looped. Prints
 * `name value goal` lines; all of these are better when smaller.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { searchEvents } from '../src/app/event-search.ts';
import type { Event } from '../src/model/event.ts';
import { BlockBuilder, holds } from '../src/recorder/blocks.ts';
import { podKey } from '../src/recorder/keys.ts';
import { FlightRecorder } from '../src/recorder/recorder.ts';
import { JsonDecoder } from '../src/sources/json/decoder.ts';

const LOOPS = 30;
const BATCH = 512;
const folder = mkdtempSync(join(tmpdir(), 'spoor-bench-recorder-'));

const events: Event[] = [];
for (const file of ['tetragon', 'hubble']) {
  const path = join(import.meta.dirname, '..', 'captures', 'lateral-movement', `${file}.jsonl.gz`);
  const bytes = gunzipSync(readFileSync(path));
  const decoder = new JsonDecoder();
  for (let start = 0, end = bytes.indexOf(10); end >= 0; start = end + 1, end = bytes.indexOf(10, start)) {
    const event = decoder.decode(bytes, start, end);
    if (event !== null && 'kind' in event) events.push(event);
  }
}

const recorder = await FlightRecorder.open({
  path: folder,
  keep: 3_600_000_000,
  bytesMax: 4 * 1024 ** 3,
  decoder: () => new JsonDecoder(),
  isKnown: () => false,
  onProblem: message => {
    throw new Error(message);
  },
});
let appending = 0;
const began = performance.now();
for (let loop = 0; loop < LOOPS; loop++) {
  for (let at = 0; at < events.length; at += BATCH) {
    const batch = events.slice(at, at + BATCH);
    const before = performance.now();
    const { safe } = recorder.append(batch);
    appending += performance.now() - before;
    await safe;
  }
}
const total = performance.now() - began;
await recorder.close();
const again = await FlightRecorder.open({
  path: folder,
  keep: 3_600_000_000,
  bytesMax: 4 * 1024 ** 3,
  decoder: () => new JsonDecoder(),
  isKnown: () => false,
  onProblem: () => undefined,
});
// The last segment is sealed when the log is opened again.
await again.close();
const readBegan = performance.now();
let read = 0;
for await (const part of again.read()) read += part.length;
const reading = performance.now() - readBegan;

// A pod that one event in all names, as an old incident's is.
const rare = podKey('tenant-jobs', 'never-seen-again');
const lookBegan = performance.now();
let blocks = 0;
for await (const _ of again.blocks({ from: 0, to: Number.MAX_SAFE_INTEGER }, block => {
  blocks++;
  return holds(block, rare);
}));
const looking = performance.now() - lookBegan;
const newestBegan = performance.now();
const page = await searchEvents(again, { namespaces: null, kinds: null }, () => true, 100);
const newest = performance.now() - newestBegan;
if (page.items.length !== 100) throw new Error('a page is not full');

const builder = new BlockBuilder(1, 0);
const indexBegan = performance.now();
for (let loop = 0; loop < LOOPS; loop++) for (const event of events) builder.add(event, 1_600);
const indexing = performance.now() - indexBegan;
const index = readdirSync(folder)
  .filter(name => name.endsWith('.index.gz'))
  .reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);

const count = events.length * LOOPS;
const text = events.reduce((sum, event) => sum + Buffer.byteLength(event.raw.line()) + 1, 0) / events.length;
console.log(`recorder-append-us ${((appending * 1_000) / count).toFixed(2)} 2`);
console.log(`recorder-append-to-disk-us ${((total * 1_000) / count).toFixed(2)} 10`);
console.log(`recorder-read-us ${((reading * 1_000) / read).toFixed(2)} 30`);
console.log(`recorder-text-bytes ${text.toFixed(0)} 10000`);
console.log(`recorder-index-us ${((indexing * 1_000) / count).toFixed(2)} 1`);
console.log(`recorder-index-bytes ${(index / count).toFixed(2)} 10`);
console.log(`recorder-look-block-us ${((looking * 1_000) / blocks).toFixed(1)} 100`);
console.log(`recorder-newest-page-ms ${newest.toFixed(0)} 500`);
console.log(`recorder-disk-bytes ${(again.stats().bytes / count).toFixed(0)} 1000`);
rmSync(folder, { recursive: true, force: true });

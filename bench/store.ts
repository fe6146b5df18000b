/**
 * How fast alerts are stored and queued: alert, evidence, incident and two deliveries each, `synchronous=FULL`, in groups, on a
 * real file. The evidence is one recorded event of 1 to 16 kB, 8 on average. Prints `name ratio goal`; the ratio is to 10,000 alerts/s.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { gunzipSync } from 'node:zlib';
import { openStore } from '../src/store/sqlite/open.ts';
import type { Entry } from '../src/store/store.ts';
import { makeAlert, makeChange, makeIncident, to } from '../test/store/changes.ts';

const ALERTS = 20_000;
const ALERTS_PER_INCIDENT = 20;
const GROUP = 500;
const PER_SECOND_GOAL = 10_000;

const capture = join(import.meta.dirname, '..', 'captures', 'lateral-movement', 'tetragon.jsonl.gz');
const records = gunzipSync(readFileSync(capture))
  .toString()
  .split('\n')
  .filter(line => line.startsWith('{"process_exec"'))
  .map(line => JSON.parse(line) as unknown);

const entries: Entry[] = Array.from({ length: ALERTS }, (_, i) => {
  const incident = `incident-${Math.floor(i / ALERTS_PER_INCIDENT)}`;
  const evidence = [records[i % records.length]];
  const alert = makeAlert(`alert-${i}`, { incident, seconds: i / 100, evidence });
  return {
    change: makeChange(alert, { incident: makeIncident(incident, [alert]) }),
    targets: to('slack', 'pager'),
  };
});

const folder = mkdtempSync(join(tmpdir(), 'spoor-bench-'));
try {
  const store = await openStore({ path: join(folder, 'spoor.db'), now: Date.now });
  const start = performance.now();
  for (let i = 0; i < ALERTS; i += GROUP) await store.commit({ entries: entries.slice(i, i + GROUP) });
  const seconds = (performance.now() - start) / 1_000;
  console.log(`alerts-stored-per-10000/s ${(ALERTS / seconds / PER_SECOND_GOAL).toFixed(2)} 1`);
  await store.close();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

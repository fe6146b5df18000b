/**
 * Commits a fixed series of alerts, in groups of sizes that depend on the seed, going on from the stored position; prints the
 * number of alerts stored after every commit. Meant to be killed. Arguments: database, number of alerts, seed.
 */
import { writeSync } from 'node:fs';
import { openStore } from '../../src/store/sqlite/open.ts';
import { entry } from './changes.ts';

const [path = '', total = '0', seed = '1'] = process.argv.slice(2);
let random = Number(seed);
const store = await openStore({ path, now: () => 1_000 });
let at = Number((await store.position('series')) ?? 0);
writeSync(1, `${at}\n`);
while (at < Number(total)) {
  random = (random * 48_271) % 2_147_483_647;
  const end = Math.min(Number(total), at + 1 + (random % 40));
  const entries = [];
  // Begins before the position: a source that repeats what it had delivered must not double anything.
  for (let i = Math.max(0, at - 3); i < end; i++) {
    entries.push(
      entry(`a${i}`, { incident: `i${i % 7}`, seconds: i, evidence: [{ text: 'x'.repeat(500) }] }, ['slack', 'pager']),
    );
  }
  await store.commit({ entries, positions: new Map([['series', String(end)]]) });
  at = end;
  writeSync(1, `${at}\n`);
}
await store.close();

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it } from 'vitest';
import { openStore } from '../../src/store/sqlite/open.ts';

const KILLS = Number(process.env.SPOOR_KILLS ?? 24);
const ALERTS_PER_KILL = 60;
const SEED = Number(process.env.SPOOR_SEED ?? (Date.now() % 1_000_000) + 1);

/** Runs the child until it has printed `lines` lines and a moment more, then kills it; or to its end. */
async function run(
  path: string,
  total: number,
  seed: number,
  lines: number,
): Promise<{ acked: number; killed: boolean }> {
  const script = join(import.meta.dirname, 'crash-child.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', script, path, String(total), String(seed)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let acked = 0;
  let seen = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    acked = Number(line);
    // A busy wait of up to 2 ms: the kill falls anywhere in the next transaction.
    if (++seen === lines) {
      const until = performance.now() + ((seed * 7_919) % 2_000) / 1_000;
      while (performance.now() < until);
      child.kill('SIGKILL');
    }
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return { acked, killed: child.signalCode === 'SIGKILL' };
}

it(`loses nothing and doubles nothing, killed ${KILLS} times (SPOOR_SEED=${SEED})`, { timeout: 300_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'spoor-crash-'));
  try {
    const path = join(folder, 'spoor.db');
    const total = KILLS * ALERTS_PER_KILL;
    let kills = 0;
    let seed = SEED;
    for (let finished = false; !finished; ) {
      seed = (seed * 48_271) % 2_147_483_647;
      const { acked, killed } = await run(path, total, seed, kills < KILLS ? 1 + (seed % 5) : Infinity);
      if (killed) kills++;
      finished = !killed;
      const store = await openStore({ path, now: () => 1_000 });
      // Whatever was acknowledged before the kill is there.
      expect(Number((await store.position('series')) ?? 0)).toBeGreaterThanOrEqual(acked);
      await store.close();
    }
    expect(kills).toBeGreaterThan(KILLS / 2);

    const store = await openStore({ path, now: () => 1_000 });
    const ids: string[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await store.alerts({ limit: 1_000, cursor }, null);
      ids.push(...page.items.map(alert => alert.id));
      if (page.next === null) break;
      cursor = page.next;
    }
    const expected = Array.from({ length: total }, (_, i) => `a${i}`);
    expect(ids.sort()).toEqual([...expected].sort());
    for (const sink of ['slack', 'pager']) {
      const told: string[] = [];
      for (;;) {
        const leases = await store.outbox.lease(sink, 1_000, 60_000);
        if (leases.length === 0) break;
        told.push(...leases.map(lease => lease.key));
        expect(leases.every(lease => lease.alert?.evidence.length === 1 && lease.incident !== null)).toBe(true);
      }
      expect(told.sort()).toEqual([...expected].sort());
    }
    await store.close();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

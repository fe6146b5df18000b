import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { BufferedStoreWriter } from '../../src/store/buffered.ts';
import { openStore } from '../../src/store/sqlite/open.ts';
import { entry } from './changes.ts';

const folder = mkdtempSync(join(tmpdir(), 'spoor-full-'));
let mounted = false;
try {
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', folder], { stdio: 'ignore' });
  mounted = true;
} catch {
  // Only root may mount: skipped below.
}

describe.skipIf(!mounted)('on a disk of 2 MB (needs the right to mount)', () => {
  afterAll(() => {
    execFileSync('umount', [folder]);
    rmSync(folder, { recursive: true, force: true });
  });

  const path = join(folder, 'spoor.db');
  const alerts = (from: number, count: number) =>
    Array.from({ length: count }, (_, i) =>
      entry(`a${from + i}`, { incident: `i${Math.floor((from + i) / 10)}`, evidence: [{ text: 'x'.repeat(3_000) }] }, [
        's',
      ]),
    );

  let wake: () => void = () => {};
  const schedule = (next: () => void) => {
    wake = next;
    return () => {};
  };

  it('detection goes on, nothing is lost, reading and tidying up work, and it catches up', {
    timeout: 60_000,
  }, async () => {
    const store = await openStore({ path });
    const retention = { daysMax: 30, bytesMax: 1e9 };
    const writer = new BufferedStoreWriter(store, { schedule, relieve: () => store.prune(retention) });
    for (let i = 0; i < 400; i++) await writer.write({ entries: alerts(i, 1), positions: new Map([['p', String(i)]]) });

    const full = writer.health();
    expect(full).toMatchObject({ ok: false, dropped: 0, refused: 0 });
    expect(full.detail).toContain(path);
    const { alerts: stored } = await store.health();
    expect(stored).toBeGreaterThan(50);
    expect(stored + full.waiting).toBe(400);
    expect(await store.position('p')).toBe(String(stored - 1));

    // Sinks are served, and people can make room.
    const leased = await store.outbox.lease('s', 1_000, 1_000);
    expect(leased).toHaveLength(stored);
    await store.outbox.delivered(leased.map(lease => lease.id));
    const { items } = await store.incidents({ limit: 1_000 }, null);
    for (const { id } of items) await store.setIncidentState(id, 'resolved', { actor: 'ada', reason: 'seen' }, null);
    for (let tries = 0; writer.health().waiting > 0 && tries < 200; tries++) {
      wake();
      await writer.close();
      const more = await store.outbox.lease('s', 1_000, 1_000);
      await store.outbox.delivered(more.map(lease => lease.id));
      for (const { id, state } of (await store.incidents({ states: ['open'], limit: 1_000 }, null)).items) {
        if (state === 'open') await store.setIncidentState(id, 'resolved', { actor: 'ada', reason: 'seen' }, null);
      }
    }
    expect(writer.health()).toEqual({ ok: true, detail: '', waiting: 0, dropped: 0, refused: 0 });
    expect(await store.alert('a399', null)).not.toBeNull();
    expect(await store.position('p')).toBe('399');
    await store.close();
  });

  it('what is stored can be read after a restart without a byte left; a new database says why it cannot be made', async () => {
    expect(() => writeFileSync(join(folder, 'hog'), Buffer.alloc(4 * 1024 * 1024))).toThrow('ENOSPC');
    await expect(openStore({ path: join(folder, 'new.db') })).rejects.toMatchObject({ code: 'full' });
    const store = await openStore({ path });
    expect(await store.alert('a399', null)).not.toBeNull();
    await store.close();
  });
});

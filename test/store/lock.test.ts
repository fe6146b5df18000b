import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { openStore } from '../../src/store/sqlite/open.ts';
import { entry } from './changes.ts';

const folder = mkdtempSync(join(tmpdir(), 'spoor-lock-'));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('a database', () => {
  it('has one writer, any number of readers, and is free again when closed', async () => {
    const path = join(folder, 'deep', 'spoor.db');
    const store = await openStore({ path });
    await expect(openStore({ path })).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('in use by another Spoor'),
    });
    const reader = await openStore({ path, readOnly: true });
    expect((await reader.alerts({}, null)).items).toEqual([]);
    await reader.close();
    await store.close();
    await (await openStore({ path })).close();
  });

  it('gives back at once what a program that died was sending', async () => {
    const path = join(folder, 'leases.db');
    const before = await openStore({ path, now: () => 1_000 });
    await before.commit({ entries: [entry('a', {}, ['hook'])] });
    expect(await before.outbox.lease('hook', 10, 60_000)).toHaveLength(1);
    expect(await before.outbox.lease('hook', 10, 60_000)).toHaveLength(0);
    await before.close();
    const after = await openStore({ path, now: () => 2_000 });
    expect(await after.outbox.lease('hook', 10, 60_000)).toMatchObject([{ attempts: 1 }]);
    await after.close();
  });
});

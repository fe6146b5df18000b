import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openStore } from '../../src/store/sqlite/open.ts';
import { APPLICATION_ID, MIGRATIONS } from '../../src/store/sqlite/schema.ts';
import { StoreError, StoreFull } from '../../src/store/store.ts';
import { entry, makeAlert, makeChange } from './changes.ts';
import { storeConformance } from './conformance.ts';

storeConformance('SQLite', clock => openStore({ path: ':memory:', now: () => clock.now }));

describe('the SQLite file', () => {
  let folder = '';
  let path = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'spoor-store-'));
    path = join(folder, 'data', 'spoor.db');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const open = (more = {}) => openStore({ path, now: () => 1_000, ...more });
  const failure = (more = {}): Promise<unknown> =>
    open(more).then(
      () => null,
      error => error,
    );

  it('keeps everything over a restart, and is readable by its owner alone', async () => {
    const first = await open();
    await first.commit({ entries: [entry('a1', {}, ['slack'])] });
    await first.close();
    expect(statSync(path).mode & 0o077).toBe(0);
    const second = await open();
    expect((await second.alert('a1', null))?.evidence).toHaveLength(1);
    expect((await second.outbox.lease('slack', 9, 1_000)).map(l => l.key)).toEqual(['a1']);
    expect(await second.stream.head()).toBe(2);
    await second.close();
  });

  it('can be read by another program while it is written', async () => {
    const writer = await open();
    await writer.commit({ entries: [entry('a1')] });
    const reader = await open({ readOnly: true });
    expect(await reader.alert('a1', null)).not.toBeNull();
    await expect(reader.commit({ entries: [entry('a2')] })).rejects.toMatchObject({ code: 'unavailable' });
    await reader.close();
    await writer.close();
    path = join(folder, 'nothing.db');
    expect(await failure({ readOnly: true })).toMatchObject({ code: 'unavailable' });
    expect(existsSync(path)).toBe(false);
  });

  it.each([
    ['text', Buffer.from('this is no database, whatever its name says'.repeat(100))],
    ['a damaged head', Buffer.concat([Buffer.from('SQLite format 3\0'), Buffer.alloc(8_000, 0xff)])],
  ])('says which file is damaged and what to do: %s', async (_, content) => {
    path = join(folder, 'spoor.db');
    writeFileSync(path, content);
    const error = await failure();
    expect(error).toBeInstanceOf(StoreError);
    expect(error).toMatchObject({ code: 'corrupt' });
    expect((error as Error).message).toContain(path);
    expect((error as Error).message).toContain('move the file away');
  });

  it.each(['/proc/foo/spoor.db', 'file/spoor.db', '.'])('says at once where no database can be: %s', async name => {
    writeFileSync(join(folder, 'file'), '');
    path = resolve(folder, name);
    const error = await failure();
    expect(error).toMatchObject({ code: 'unavailable' });
    expect((error as Error).message).toContain(`the database ${path} cannot be used`);
  });

  it('takes over the databases of all earlier versions', async () => {
    for (let version = 1; version < MIGRATIONS.length; version++) {
      path = join(folder, `version-${version}.db`);
      const old = new Database(path);
      for (const migration of MIGRATIONS.slice(0, version)) old.exec(migration);
      old.pragma(`application_id = ${APPLICATION_ID}`);
      old.pragma(`user_version = ${version}`);
      const { evidence: _, ...body } = makeAlert('a1');
      const row = [body.id, body.time, body.last_seen, 1, 3, 1, 'shop', 'web-1', '', 1, JSON.stringify(body)];
      old.exec("INSERT INTO rules (id, title) VALUES ('r', 't')");
      old
        .prepare(`INSERT INTO alerts (id, time, last_seen, count, level, rule, namespace, pod, incident_id, stored_at, body)
        VALUES (${row.map(() => '?')})`)
        .run(row);
      old.close();
      const store = await open();
      expect((await store.alerts({}, null)).items.map(({ id }) => id)).toEqual(['a1']);
      expect(await store.silences.list(null)).toEqual([]);
      await store.close();
    }
  });

  it('refuses the database of a newer version, and of another program', async () => {
    await (await open()).close();
    const newer = new Database(path);
    newer.pragma('user_version = 99');
    newer.close();
    expect(await failure()).toMatchObject({ code: 'newer' });
    path = join(folder, 'other.db');
    const other = new Database(path);
    other.exec('CREATE TABLE theirs (x)');
    other.close();
    expect(await failure()).toMatchObject({ code: 'corrupt' });
    const check = new Database(path);
    expect(check.prepare('SELECT count(*) AS n FROM sqlite_master').get()).toEqual({ n: 1 });
    check.close();
  });

  it('stores nothing of a commit that fails', async () => {
    const store = await open();
    const bad = makeChange({ ...makeAlert('bad'), message: 1n as never });
    await expect(
      store.commit({ entries: [entry('good'), { change: bad, targets: [] }], positions: new Map([['x', '1']]) }),
    ).rejects.toThrow();
    expect(await store.alert('good', null)).toBeNull();
    expect(await store.position('x')).toBeNull();
    expect(await store.stream.head()).toBe(0);
    await store.close();
  });

  it('says when it is full, stores nothing half, and goes on once there is room', async () => {
    const store = await open({ bytesMax: 1024 * 1024 });
    const batch = (i: number) =>
      Array.from({ length: 5 }, (_, j) =>
        entry(`a${i}-${j}`, { incident: `i${i}`, evidence: [{ text: 'x'.repeat(4_000) }] }),
      );
    let stored = 0;
    const fill = async (): Promise<void> => {
      for (let i = 0; i < 1_000; i++) {
        await store.commit({ entries: batch(stored) });
        stored++;
      }
    };
    await expect(fill()).rejects.toBeInstanceOf(StoreFull);
    expect(await store.health()).toMatchObject({ ok: false, full: true, alerts: stored * 5 });
    expect((await store.health()).detail).toContain(path);
    expect(await store.alert(`a${stored}-0`, null)).toBeNull();
    expect(await store.prune({ daysMax: 30, bytesMax: 1024 * 1024 })).toBeGreaterThan(0);
    await store.commit({ entries: batch(stored) });
    expect(await store.health()).toMatchObject({ ok: true, full: false });
    expect(await store.alert(`a${stored}-0`, null)).not.toBeNull();
    await store.close();
  });

  it('holds a reserve of real bytes beside the file', async () => {
    const store = await open({ ballastBytes: 200_000 });
    expect(statSync(`${path}.ballast`).size).toBe(200_000);
    await store.close();
  });
});

import { describe, expect, it } from 'vitest';
import { type BufferedOptions, BufferedStoreWriter } from '../../src/store/buffered.ts';
import { type Commit, type CommitResult, StoreFull } from '../../src/store/store.ts';
import { entry, makeAlert, makeChange } from './changes.ts';

/** A store whose disk is full when it is told so. */
class FakeStore {
  readonly commits: Commit[] = [];
  full = false;
  /** Entries that a commit may have. */
  room = Infinity;
  poison = '';
  async commit(commit: Commit): Promise<CommitResult> {
    await null;
    if (this.full || commit.entries.length > this.room) throw new StoreFull('no space left');
    if (commit.entries.some(e => e.change.alert.id === this.poison)) throw new TypeError('cannot be stored');
    this.commits.push(commit);
    return { added: commit.entries.length, known: 0, seq: 0 };
  }
  get ids(): string[] {
    return this.commits.flatMap(commit => commit.entries.map(e => e.change.alert.id));
  }
  position(key: string): string | undefined {
    return this.commits.map(commit => commit.positions?.get(key)).findLast(value => value !== undefined);
  }
}

function setUp(options: Partial<BufferedOptions> = {}) {
  const store = new FakeStore();
  let wake: (() => void) | null = null;
  const schedule = (next: () => void) => {
    wake = next;
    return () => {
      wake = null;
    };
  };
  const writer = new BufferedStoreWriter(store, { schedule, ...options });
  return { store, writer, retry: () => wake?.(), waits: () => wake !== null };
}

const positions = (n: number) => new Map([['file', String(n)]]);

describe('the buffered writer', () => {
  it('puts what is written at the same time into one transaction', async () => {
    const { store, writer } = setUp();
    await Promise.all([1, 2, 3].map(i => writer.write({ entries: [entry(`a${i}`)], positions: positions(i) })));
    expect(store.commits).toHaveLength(1);
    expect(store.ids).toEqual(['a1', 'a2', 'a3']);
    expect(store.position('file')).toBe('3');
    await writer.write({ entries: [entry('a4')] });
    expect(store.ids).toHaveLength(4);
    expect(writer.health()).toEqual({ ok: true, detail: '', waiting: 0, dropped: 0, refused: 0 });
  });

  it('resolves at once when nothing is written', async () => {
    const { store, writer } = setUp();
    await writer.write({ entries: [] });
    expect(store.commits).toEqual([]);
  });

  it('goes on while the store is full, says so, and catches up in order', async () => {
    let relieved = 0;
    const { store, writer, retry } = setUp({ relieve: async () => void relieved++ });
    store.full = true;
    for (let i = 0; i < 2_500; i++) await writer.write({ entries: [entry(`a${i}`)], positions: positions(i) });
    expect(writer.health()).toMatchObject({ ok: false, waiting: 2_500, dropped: 0 });
    expect(writer.health().detail).toContain('no space left');
    expect(relieved).toBe(1);
    retry();
    await writer.close();
    expect(writer.health().ok).toBe(false);
    store.full = false;
    expect(await writer.close()).toBe(true);
    expect(store.ids).toEqual(Array.from({ length: 2_500 }, (_, i) => `a${i}`));
    // No position may be stored before what led to it.
    expect(store.commits.slice(0, -1).every(commit => !commit.positions?.size)).toBe(true);
    expect(store.position('file')).toBe('2499');
    expect(writer.health()).toEqual({ ok: true, detail: '', waiting: 0, dropped: 0, refused: 0 });
  });

  it('stores what still finds room, in order', async () => {
    const { store, writer, retry } = setUp();
    store.room = 3;
    await writer.write({ entries: Array.from({ length: 20 }, (_, i) => entry(`a${i}`)), positions: positions(20) });
    for (let tries = 0; writer.health().waiting > 0; tries++) {
      expect(tries).toBeLessThan(50);
      retry();
      await writer.close();
    }
    expect(store.ids).toEqual(Array.from({ length: 20 }, (_, i) => `a${i}`));
    expect(store.position('file')).toBe('20');
    expect(store.commits.filter(commit => commit.positions?.size)).toHaveLength(1);
  });

  it('keeps a bounded number: counts and mild alerts go first, and are counted', async () => {
    const { store, writer } = setUp({ entriesMax: 3 });
    store.full = true;
    await writer.write({ entries: [entry('first', { level: 'critical' })] });
    const counted = { change: makeChange(makeAlert('first'), { type: 'counted' }), targets: [] };
    await writer.write({
      entries: [
        entry('mild', { level: 'low' }),
        counted,
        entry('second', { level: 'high' }),
        entry('third', { level: 'high' }),
      ],
    });
    expect(writer.health()).toMatchObject({ waiting: 3, dropped: 2 });
    store.full = false;
    await writer.close();
    expect(store.ids).toEqual(['first', 'second', 'third']);
    expect(writer.health()).toMatchObject({
      ok: true,
      dropped: 2,
      detail: '2 changes were lost because too many waited',
    });
  });

  it('leaves out and counts what the store can never take', async () => {
    const { store, writer } = setUp();
    store.poison = 'bad';
    await writer.write({ entries: [entry('a'), entry('bad'), entry('b')], positions: positions(7) });
    expect(store.ids).toEqual(['a', 'b']);
    expect(store.position('file')).toBe('7');
    expect(writer.health()).toMatchObject({ ok: true, refused: 1, waiting: 0 });
  });

  it('says on closing when something could not be stored', async () => {
    const { store, writer, waits } = setUp();
    store.full = true;
    await writer.write({ entries: [entry('a')] });
    expect(waits()).toBe(true);
    expect(await writer.close()).toBe(false);
    expect(waits()).toBe(false);
  });
});

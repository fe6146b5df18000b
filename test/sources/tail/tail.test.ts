import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { StreamFact } from '../../../src/model/event.ts';
import { realTiming } from '../../../src/sources/capture/pace.ts';
import { decodeLine } from '../../../src/sources/json/decoder.ts';
import { memoryQuarantine } from '../../../src/sources/quarantine.ts';
import type { Batch } from '../../../src/sources/source.ts';
import { memoryOffsets, type OffsetStore } from '../../../src/sources/tail/offsets.ts';
import { tailSource } from '../../../src/sources/tail/source.ts';
import { describeSource, until } from '../conformance.ts';
import { captureLines } from '../json/lines-of.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spoor-tail-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A line whose beginning is always the same and longer than a fingerprint, as Tetragon's are. */
const SAME = 'x'.repeat(1_500);
const line = (n: number) =>
  `{"flow":{"Summary":"${SAME}${n}","verdict":"DROPPED","IP":{}},"node_name":"n","time":"2026-01-01T00:00:00.${String(n).padStart(6, '0')}Z"}`;
const timeOf = (n: number) => Date.UTC(2026, 0, 1) * 1_000 + n;
const numberOf = (summary: string) => Number(summary.slice(SAME.length));

/** What an agent does to its export file. */
class Writer {
  readonly path: string;
  #next = 0;
  #stamps = 0;

  constructor(path: string) {
    this.path = path;
    writeFileSync(path, '');
  }

  get written(): number {
    return this.#next;
  }

  /** Appends lines, the last of them first in part. */
  append(count: number): void {
    for (let i = 0; i < count; i++) {
      const text = `${line(this.#next++)}\n`;
      const cut = (this.#next * 37) % text.length;
      appendFileSync(this.path, text.slice(0, cut));
      appendFileSync(this.path, text.slice(cut));
    }
  }

  /** Rename and create, as lumberjack does. */
  rotate(): void {
    const second = String(this.#stamps++ % 60).padStart(2, '0');
    const minute = String(Math.floor(this.#stamps / 60)).padStart(2, '0');
    renameSync(this.path, join(folder, `tetragon-2026-01-01T00-${minute}-${second}.000.log`));
    writeFileSync(this.path, '');
  }

  /** Compresses every backup that is not yet. */
  compress(): void {
    for (const name of readdirSync(folder)) {
      if (!/-2026.*\.log$/.test(name)) continue;
      const path = join(folder, name);
      writeFileSync(`${path}.gz`, gzipSync(readFileSync(path)));
      unlinkSync(path);
    }
  }

  /** Copy and truncate, as logrotate may do. */
  copyTruncate(): void {
    const older = (n: number) => `${this.path}.${n}`;
    for (let n = 8; n >= 1; n--) if (existsSync(older(n))) renameSync(older(n), older(n + 1));
    copyFileSync(this.path, older(1));
    truncateSync(this.path, 0);
  }
}

/** A source that is read until it is stopped, over and over with the same offsets. */
class Reader {
  readonly offsets: OffsetStore = memoryOffsets();
  readonly got: number[] = [];
  readonly gaps: StreamFact[] = [];
  readonly quarantine = memoryQuarantine();
  lost = 0;
  #stop: (() => void) | null = null;

  start(path: string): void {
    const source = tailSource({ path, offsets: this.offsets, quarantine: this.quarantine, pollMs: 2 });
    let live = true;
    const subscription = source.batches().subscribe((batch: Batch) => {
      if (!live) return;
      for (const event of batch.events) {
        if (event.kind === 'flow') this.got.push(numberOf(event.summary));
        else if (event.kind === 'lost_events') this.gaps.push(event);
      }
      batch.done();
    });
    this.#stop = () => {
      live = false;
      subscription.unsubscribe();
      this.lost += source.status().counters.lost;
    };
  }

  stop(): void {
    this.#stop?.();
    this.#stop = null;
  }
}

describeSource('tail', () => {
  const own = mkdtempSync(join(tmpdir(), 'spoor-tail-'));
  const path = join(own, 'tetragon.log');
  const lines = captureLines('exfil/tetragon.jsonl.gz').concat(captureLines('benign/tetragon.jsonl.gz'));
  writeFileSync(path, `${[...lines.slice(0, 9), '{"broken', ...lines.slice(9)].join('\n')}\n`);
  return {
    source: tailSource({
      path,
      offsets: memoryOffsets(),
      quarantine: memoryQuarantine(),
      pollMs: 2,
      bytesInFlightMax: 1_000_000,
    }),
    events: lines.length,
    malformed: 1,
    finite: false,
    cleanup: () => rmSync(own, { recursive: true, force: true }),
  };
});

const all = (count: number) => Array.from({ length: count }, (_, i) => i);

describe('tail source', () => {
  it('follows a file as it grows, appears late and rotates', async () => {
    const path = join(folder, 'tetragon.log');
    const reader = new Reader();
    reader.start(path);
    const writer = new Writer(path);
    for (let round = 0; round < 4; round++) {
      writer.append(5);
      await until(() => reader.got.length === writer.written, 'the lines so far');
      writer.rotate();
    }
    writer.append(1);
    await until(() => reader.got.length === writer.written, 'the last line');
    reader.stop();
    expect(reader.got).toEqual(all(writer.written));
    expect(reader.lost).toBe(0);
  });

  it('reads on where it was left after rotations and compression while it was stopped', async () => {
    const path = join(folder, 'tetragon.log');
    const writer = new Writer(path);
    const reader = new Reader();
    writer.append(7);
    reader.start(path);
    await until(() => reader.got.length === 7, 'seven lines');
    reader.stop();
    writer.append(3);
    writer.rotate();
    writer.append(4);
    writer.rotate();
    writer.compress();
    writer.append(2);
    reader.start(path);
    await until(() => reader.got.length >= 16, 'what was written meanwhile');
    reader.stop();
    expect(reader.got).toEqual(all(16));
    expect(reader.lost).toBe(0);
  });

  it('finds what was not read in the copy of a file that was copied and truncated', async () => {
    const path = join(folder, 'tetragon.log');
    const writer = new Writer(path);
    const reader = new Reader();
    writer.append(5);
    reader.start(path);
    await until(() => reader.got.length === 5, 'five lines');
    writer.append(3);
    writer.copyTruncate();
    writer.append(2);
    await until(() => reader.got.length >= 10, 'all lines');
    reader.stop();
    writer.append(2);
    writer.copyTruncate();
    writer.copyTruncate();
    writer.append(30);
    reader.start(path);
    await until(() => reader.got.length >= 42, 'all lines again');
    reader.stop();
    expect(reader.got).toEqual(all(42));
  });

  it('says that text was lost when the file that it was in is gone', async () => {
    const path = join(folder, 'tetragon.log');
    const writer = new Writer(path);
    const reader = new Reader();
    writer.append(3);
    reader.start(path);
    await until(() => reader.got.length === 3, 'three lines');
    reader.stop();
    unlinkSync(path);
    const again = new Writer(path);
    again.append(2);
    reader.start(path);
    await until(() => reader.got.length === 5, 'the new lines');
    reader.stop();
    expect(reader.lost).toBe(1);
    // From the last event before to the first one after it, also over a restart.
    expect(reader.gaps).toMatchObject([
      { reason: 'SPOOR_FILE_LOST', sensor: 'hubble', node: 'n', count: 0, from: timeOf(2), to: timeOf(2) },
    ]);
    const { raw, source: _, ...gap } = reader.gaps[0]!;
    expect(decodeLine(raw.line())).toMatchObject(gap);
  });

  it('says that text may be lost when a file was emptied and no copy of it is there', async () => {
    const path = join(folder, 'tetragon.log');
    const writer = new Writer(path);
    const reader = new Reader();
    writer.append(3);
    reader.start(path);
    await until(() => reader.got.length === 3, 'three lines');
    truncateSync(path, 0);
    writer.append(1);
    await until(() => reader.got.length === 4, 'the line after it');
    reader.stop();
    expect(reader.lost).toBe(1);
    expect(reader.gaps).toMatchObject([{ reason: 'SPOOR_FILE_LOST', from: timeOf(2), to: timeOf(3) }]);
  });

  it('is connected after a restart also while nothing new is written, and waits while the file is not there', async () => {
    const path = join(folder, 'tetragon.log');
    const writer = new Writer(path);
    const reader = new Reader();
    writer.append(3);
    reader.start(path);
    await until(() => reader.got.length === 3, 'three lines');
    reader.stop();
    const stateOf = async (wanted: string): Promise<void> => {
      const source = tailSource({ path, offsets: reader.offsets, quarantine: reader.quarantine, pollMs: 2 });
      const subscription = source.batches().subscribe();
      await until(() => source.status().state === wanted, wanted);
      subscription.unsubscribe();
    };
    await stateOf('connected');
    unlinkSync(path);
    await stateOf('waiting');
  });

  it('reads the files that came after one that was deleted while it was open, and says that some may be gone', async () => {
    const path = join(folder, 'tetragon.log');
    const writer = new Writer(path);
    writeFileSync(join(folder, 'tetragon-2025-12-31T00-00-00.000.log'), `${line(999)}\n`);
    utimesSync(join(folder, 'tetragon-2025-12-31T00-00-00.000.log'), 1, 1);
    const reader = new Reader();
    writer.append(3);
    reader.start(path);
    await until(() => reader.got.length === 3, 'three lines');
    // All at once for the reader: rotated twice, and the file that it has open is kept no longer.
    unlinkSync(path);
    writer.append(2);
    writer.rotate();
    writer.append(2);
    writer.rotate();
    writer.append(2);
    await until(() => reader.got.includes(8), 'the newest line');
    reader.stop();
    expect(reader.got).toEqual(all(9));
    expect(reader.lost).toBe(1);
    expect(reader.gaps).toMatchObject([{ reason: 'SPOOR_FILE_LOST', from: timeOf(2), to: timeOf(3) }]);
  });

  it('tells of damaged text as a gap between what is left of it and what comes after it', async () => {
    const path = join(folder, 'tetragon.log');
    const writer = new Writer(path);
    const reader = new Reader();
    reader.start(path);
    writer.append(1);
    await until(() => reader.got.length === 1, 'the first line');
    reader.stop();
    writer.append(400);
    writer.rotate();
    writer.compress();
    writer.append(1);
    const backup = join(folder, readdirSync(folder).find(name => name.endsWith('.gz')) as string);
    truncateSync(backup, readFileSync(backup).length - 40);
    reader.start(path);
    await until(() => reader.got.at(-1) === 401, 'the line after it');
    reader.stop();
    const before = reader.got.at(-2) as number;
    expect(before).toBeLessThan(400);
    expect(reader.gaps.map(({ from, to }) => [from, to])).toEqual([[timeOf(before), timeOf(401)]]);
  });

  it('keeps a batch that was not done for the next start', async () => {
    const path = join(folder, 'tetragon.log');
    const writer = new Writer(path);
    const offsets = memoryOffsets();
    writer.append(3);
    const held: Batch[] = [];
    const first = tailSource({ path, offsets, quarantine: memoryQuarantine(), pollMs: 2 });
    const subscription = first.batches().subscribe(batch => held.push(batch));
    await until(() => held.length > 0, 'a batch');
    subscription.unsubscribe();
    expect([...offsets.load().values()].map(({ offset }) => offset)).toEqual([0]);
    const second = tailSource({ path, offsets, quarantine: memoryQuarantine(), pollMs: 2 });
    let got = 0;
    const again = second.batches().subscribe(batch => {
      got += batch.events.length;
      batch.done();
    });
    await until(() => got === 3, 'the same lines');
    again.unsubscribe();
    expect([...offsets.load().keys()]).toEqual([path]);
  });

  it('finds a file again that was rotated before its first line was done', async () => {
    const path = join(folder, 'tetragon.log');
    const writer = new Writer(path);
    const offsets = memoryOffsets();
    writer.append(3);
    const held: Batch[] = [];
    const first = tailSource({ path, offsets, quarantine: memoryQuarantine(), pollMs: 2 });
    const subscription = first.batches().subscribe(batch => held.push(batch));
    await until(() => held.length > 0, 'a batch');
    subscription.unsubscribe();
    writer.rotate();
    writer.append(2);
    const second = tailSource({ path, offsets, quarantine: memoryQuarantine(), pollMs: 2 });
    let got = 0;
    const again = second.batches().subscribe(batch => {
      got += batch.events.length;
      batch.done();
    });
    await until(() => got === 5, 'the lines of both files');
    again.unsubscribe();
  });

  it('follows all files of a pattern, and takes no backup for one of them', async () => {
    const reader = new Reader();
    const one = new Writer(join(folder, 'tetragon.log'));
    one.append(2);
    one.rotate();
    one.append(1);
    writeFileSync(join(folder, 'other.log'), `${line(100)}\n`);
    reader.start(join(folder, '*.log'));
    await until(() => reader.got.length >= 2, 'both files');
    reader.stop();
    expect([...reader.got].sort((a, b) => a - b)).toEqual([2, 100]);
  });

  it('takes a backup for no live file while its own is missing', async () => {
    const reader = new Reader();
    const one = new Writer(join(folder, 'tetragon.log'));
    one.append(3);
    for (const name of ['old.log.1', 'old.log-20260131', 'gone-2026-01-01T00-00-00.000.log', 'x.log.1.gz']) {
      writeFileSync(join(folder, name), `${line(50)}\n`);
    }
    writeFileSync(join(folder, 'node-1'), `${line(100)}\n`);
    reader.start(join(folder, '*'));
    await until(() => reader.got.length >= 4, 'the live files');
    renameSync(one.path, join(folder, 'tetragon-2026-01-01T00-00-00.000.log'));
    // A new file shows that the folder was listed meanwhile.
    writeFileSync(join(folder, 'late.log'), `${line(101)}\n`);
    await until(() => reader.got.includes(101), 'a later file');
    writeFileSync(one.path, `${line(3)}\n`);
    await until(() => reader.got.includes(3), 'the line after the rotation');
    reader.stop();
    expect([...reader.got].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 100, 101]);
  });

  it.each([
    ['a folder', (path: string) => mkdirSync(path), 'not a regular file'],
    ['a pipe', (path: string) => execFileSync('sh', ['-c', 'mkfifo "$0"', path]), 'not a regular file'],
    ['a link to itself', (path: string) => symlinkSync(path, path), 'ELOOP'],
    ['a file whose disk fails', (path: string) => symlinkSync('/proc/self/mem', path), 'EIO'],
  ])('says why %s cannot be read, reads the other files, and tries again', async (_, make, reason) => {
    const path = join(folder, 'bad.log');
    make(path);
    symlinkSync(path, join(folder, 'link.log'));
    const live = new Writer(join(folder, 'good.log'));
    let clock = 0;
    const timing = { ...realTiming, now: () => (clock += 60_000) };
    const options = { offsets: memoryOffsets(), quarantine: memoryQuarantine(), pollMs: 2, timing };
    const alone = tailSource({ ...options, path });
    const several = tailSource({ ...options, path: join(folder, '*.log') });
    const got: [number, number] = [0, 0];
    const subscriptions = [alone, several].map((source, i) =>
      source.batches().subscribe(batch => {
        got[i as 0 | 1] += batch.events.length;
        batch.done();
      }),
    );
    for (const source of [alone, several]) {
      await until(() => source.status().state === 'failed', 'the failure');
      expect(source.status().detail).toContain(reason);
    }
    live.append(2);
    await until(() => got[1] === 2, 'the other file');
    expect(several.status().state).toBe('failed');
    rmSync(path, { recursive: true });
    writeFileSync(path, `${line(7)}\n`);
    rmSync(join(folder, 'link.log'));
    await until(() => got[0] === 1 && alone.status().state === 'connected', 'the file that can be read now');
    for (const one of subscriptions) one.unsubscribe();
    expect(alone.status().state).toBe('ended');
  });

  it('goes on behind the last whole line after a read that failed', async () => {
    const path = join(folder, 'tetragon.log');
    const writer = new Writer(path);
    writer.append(3);
    appendFileSync(path, line(3).slice(0, 700));
    const handle = await open(path);
    const read = vi.spyOn(Object.getPrototypeOf(handle), 'read');
    await handle.close();
    const reader = new Reader();
    reader.start(path);
    await until(() => reader.got.length === 3, 'three lines');
    const failures = read.mock.calls.length;
    read.mockRejectedValueOnce(new Error('EIO: i/o error, read'));
    await until(() => read.mock.calls.length > failures + 1, 'the failed read');
    appendFileSync(path, `${line(3).slice(700)}\n${line(4)}\n`);
    await until(() => reader.got.length >= 5, 'the lines after it');
    reader.stop();
    read.mockRestore();
    expect(reader.got).toEqual(all(5));
    expect(reader.lost).toBe(0);
  });

  it('stays failed when the consumer is told of an error', async () => {
    const offsets = memoryOffsets();
    const broken = {
      ...offsets,
      load: () => {
        throw new Error('no offsets');
      },
    };
    const source = tailSource({ path: join(folder, 'x.log'), offsets: broken, quarantine: memoryQuarantine() });
    let told = '';
    source.batches().subscribe({
      error: (error: Error) => {
        told = error.message;
      },
    });
    await until(() => told !== '', 'the error');
    expect(source.status()).toMatchObject({ state: 'failed', detail: 'no offsets' });
  });

  it('reads far ahead of what is done, but not without bound', async () => {
    const path = join(folder, 'hubble.log');
    const count = 200_000;
    const short = (n: number) => `{"flow":{"uuid":"${n}","IP":{}},"time":"2026-01-01T00:00:00Z"}\n`;
    writeFileSync(path, Array.from({ length: count }, (_, n) => short(n)).join(''));
    const open: Batch[] = [];
    let got = 0;
    const bytesInFlightMax = 60 * 1024 * 1024;
    const subscription = tailSource({
      path,
      offsets: memoryOffsets(),
      quarantine: memoryQuarantine(),
      bytesInFlightMax,
    })
      .batches()
      .subscribe(batch => {
        open.push(batch);
        got += batch.events.length;
      });
    // As much as comes in the seconds for which late events are waited for.
    await until(() => got >= 50_000, 'a few seconds of events');
    for (let turn = 0; turn < 1_000; turn++) await new Promise(resolve => setImmediate(resolve));
    const bounded = got;
    expect(bounded).toBeLessThan(70_000);
    for (const batch of open) batch.done();
    await until(() => got > bounded, 'more');
    subscription.unsubscribe();
  });

  it('neither loses nor repeats a line, whatever happens when', async () => {
    const step = fc.constantFrom('append', 'append', 'append', 'rotate', 'compress', 'stop', 'start', 'wait');
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14 }), async steps => {
        for (const name of readdirSync(folder)) unlinkSync(join(folder, name));
        const path = join(folder, 'tetragon.log');
        const writer = new Writer(path);
        const reader = new Reader();
        let running = false;
        const run = (on: boolean) => {
          if (on && !running) reader.start(path);
          if (!on && running) reader.stop();
          running = on;
        };
        writer.append(1);
        // Nothing is remembered before the first batch: backups that were there before belong to nobody.
        run(true);
        await until(() => reader.got.length === 1, 'the first line');
        for (const one of steps) {
          if (one === 'append') writer.append(3);
          else if (one === 'rotate') {
            // lumberjack rotates a file that is full, never an empty one.
            writer.append(1);
            writer.rotate();
          } else if (one === 'compress') writer.compress();
          else if (one === 'wait') await until(() => !running || reader.got.length >= writer.written, 'lines');
          else run(one === 'start');
        }
        run(true);
        await until(() => reader.got.length >= writer.written, 'all lines');
        run(false);
        expect(reader.got).toEqual(all(writer.written));
        expect(reader.lost).toBe(0);
      }),
      { numRuns: 40, endOnFailure: true },
    );
  });
});

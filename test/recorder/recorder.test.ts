import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Event } from '../../src/model/event.ts';
import { formatInstant, MICROS_PER_SECOND } from '../../src/model/time.ts';
import type { RecorderOptions } from '../../src/recorder/options.ts';
import { FlightRecorder } from '../../src/recorder/recorder.ts';
import { decodeLine, JsonDecoder } from '../../src/sources/json/decoder.ts';

let folder: string;
let problems: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spoor-recorder-'));
  problems = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const START = 1_767_225_600 * MICROS_PER_SECOND;
const at = (seconds: number): string => formatInstant(START + seconds * MICROS_PER_SECOND);
const flow = (n: number, seconds = n): Event =>
  decodeLine(
    `{"flow":{"uuid":"u${n}","verdict":"FORWARDED","IP":{"source":"10.0.0.1"},"Summary":"${'x'.repeat(200)}"},"node_name":"n","time":"${at(seconds)}"}`,
  );
const exec = (id: string, seconds: number): Event =>
  decodeLine(
    `{"process_exec":{"process":{"exec_id":"${id}","pid":7,"binary":"/bin/sh","start_time":"${at(seconds)}","parent_exec_id":"p"}},"node_name":"n","time":"${at(seconds)}"}`,
  );

const options = (more: Partial<RecorderOptions> = {}): RecorderOptions => ({
  path: folder,
  keep: 3_600 * MICROS_PER_SECOND,
  bytesMax: 1e9,
  decoder: () => new JsonDecoder(),
  isKnown: () => false,
  onProblem: (message, fields) => problems.push(`${message}: ${JSON.stringify(fields)}`),
  ...more,
});

async function lines(recorder: FlightRecorder): Promise<string[]> {
  const all: string[] = [];
  for await (const part of recorder.read()) all.push(...part.map(({ event }) => event.raw.line()));
  return all;
}
async function numbers(recorder: FlightRecorder): Promise<number[]> {
  const all: number[] = [];
  for await (const part of recorder.read()) all.push(...part.map(({ seq }) => seq));
  return all;
}
const text = (events: readonly Event[]): string[] => events.map(event => event.raw.line());
const range = (from: number, to: number): Event[] => Array.from({ length: to - from }, (_, i) => flow(from + i));

describe('the flight recorder', () => {
  it('gives back what was appended, over segments, groups and runs', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 6 }), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 200, max: 20_000 }),
        async (runs, segmentBytesMax) => {
          const path = mkdtempSync(join(folder, 'log-'));
          const all: Event[] = [];
          for (const groups of runs) {
            const recorder = await FlightRecorder.open(options({ path, segmentBytesMax }));
            expect(recorder.position).toBe(all.length);
            for (const size of groups) {
              const events = range(all.length, all.length + size);
              all.push(...events);
              const { position, safe } = recorder.append(events);
              expect(position).toBe(all.length);
              if (size % 2 === 0) await safe;
            }
            expect(await lines(recorder)).toEqual(text(all));
            await recorder.close();
          }
          const recorder = await FlightRecorder.open(options({ path, segmentBytesMax }));
          expect(await lines(recorder)).toEqual(text(all));
          expect(await numbers(recorder)).toEqual(all.map((_, i) => i + 1));
          await recorder.close();
        },
      ),
      { numRuns: 25 },
    );
  });

  it('keeps what is young enough and small enough, oldest removed first', async () => {
    const recorder = await FlightRecorder.open(options({ keep: 100 * MICROS_PER_SECOND, segmentBytesMax: 4_000 }));
    const all = range(0, 1_000);
    for (let i = 0; i < all.length; i += 10) await recorder.append(all.slice(i, i + 10)).safe;
    await recorder.close();
    const young = await lines(recorder);
    expect(young).toEqual(text(all.slice(-young.length)));
    expect(young.length).toBeGreaterThanOrEqual(100);
    expect(young.length).toBeLessThan(150);

    const small = await FlightRecorder.open(options({ bytesMax: 3_000, segmentBytesMax: 4_000 }), recorder.position);
    for (let i = 0; i < 100; i += 10) await small.append(range(1_000 + i, 1_010 + i)).safe;
    await small.close();
    expect(small.stats().bytes).toBeLessThanOrEqual(3_000);
    const kept = await numbers(small);
    expect(kept.at(-1)).toBe(1_100);
    expect(kept).toEqual(kept.map((_, i) => (kept[0] as number) + i));
  });

  it('carries exec records of processes that still matter over, each once', async () => {
    const limits = { keep: 50 * MICROS_PER_SECOND, segmentBytesMax: 2_000, isKnown: (id: string) => id === 'lives' };
    const recorder = await FlightRecorder.open(options(limits));
    await recorder.append([exec('lives', 0), exec('ended', 1), exec('lives', 2)]).safe;
    for (let i = 0; i < 500; i += 5) await recorder.append(range(i + 3, i + 8)).safe;
    await recorder.close();
    const again = await FlightRecorder.open(options(limits));
    const kept = await lines(again);
    expect(kept.filter(line => line.includes('process_exec'))).toEqual([exec('lives', 2).raw.line()]);
    expect(kept[0]).toContain('lives');
    expect((await numbers(again))[0]).toBeLessThan(0);
    await again.close();
  });

  it('goes on behind a line that was torn, and never gives a number twice', async () => {
    const first = await FlightRecorder.open(options());
    await first.append(range(0, 3)).safe;
    const [name = ''] = readdirSync(folder);
    // As a kill leaves it: the file neither closed nor sealed, the last line cut.
    appendFileSync(join(folder, name), flow(3).raw.line().slice(0, 100));
    const second = await FlightRecorder.open(options(), 10);
    expect(await lines(second)).toEqual(text(range(0, 3)));
    expect(second.append([flow(4)]).position).toBe(11);
    expect(await numbers(second)).toEqual([1, 2, 3, 11]);
    await second.close();
    await first.close();
  });

  it('sets a damaged segment aside, says so, and gives the others', async () => {
    const first = await FlightRecorder.open(options({ segmentBytesMax: 1_000 }));
    for (let i = 0; i < 30; i++) await first.append([flow(i)]).safe;
    await first.close();
    const sealed = readdirSync(folder).filter(name => name.endsWith('.gz'));
    const damaged = join(folder, sealed[1] as string);
    const bytes = readFileSync(damaged);
    bytes.fill(0xff, 20, bytes.length - 8);
    writeFileSync(damaged, bytes);
    const again = await FlightRecorder.open(options());
    const kept = await lines(again);
    expect(kept.length).toBeGreaterThan(20);
    expect(kept.length).toBeLessThan(30);
    expect(problems.join()).toContain('damaged');
    expect(readdirSync(folder).filter(name => name.endsWith('.corrupt'))).toHaveLength(1);
    await again.close();
  });

  it('survives files that are none of its own, half-written ones, and both forms of a segment', async () => {
    const first = await FlightRecorder.open(options());
    await first.append(range(0, 5)).safe;
    const [plain = ''] = readdirSync(folder);
    const copy = readFileSync(join(folder, plain));
    await first.close();
    const second = await FlightRecorder.open(options());
    await second.close();
    // The program ended after a segment was sealed and before its plain form was removed.
    writeFileSync(join(folder, plain), copy);
    writeFileSync(join(folder, 'notes.txt'), 'mine');
    writeFileSync(join(folder, '0000000000000009-1-1-1.ndjson.gz.tmp'), 'half');
    const third = await FlightRecorder.open(options());
    expect(await lines(third)).toEqual(text(range(0, 5)));
    await third.close();
    expect(readdirSync(folder).filter(name => !name.endsWith('.gz'))).toEqual(['notes.txt']);
  });

  it('pauses on a full disk, counts what it misses, and goes on with whole lines', async () => {
    let room = 700;
    const openSegment = async (path: string) => {
      const file = await open(path, 'w');
      const write = async (bytes: Buffer, offset: number, length: number, position: number) => {
        const fits = Math.min(length, room);
        if (fits === 0) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
        room -= fits;
        return file.write(bytes, offset, fits, position);
      };
      return {
        write: write as FileHandle['write'],
        truncate: (n?: number) => file.truncate(n),
        datasync: () => file.datasync(),
        close: () => file.close(),
      };
    };
    const recorder = await FlightRecorder.open(options({ openSegment, retryMs: 0 }));
    await recorder.append(range(0, 2)).safe;
    await recorder.append(range(2, 6)).safe;
    expect(recorder.stats()).toMatchObject({ paused: true, dropped: 4 });
    await recorder.append(range(6, 7)).safe;
    expect(recorder.stats()).toMatchObject({ paused: true, dropped: 5 });
    expect(problems).toHaveLength(1);
    room = 1e6;
    await recorder.append(range(7, 9)).safe;
    expect(recorder.stats()).toMatchObject({ paused: false, dropped: 5 });
    expect(await lines(recorder)).toEqual(text([...range(0, 2), ...range(7, 9)]));
    await recorder.close();
    const again = await FlightRecorder.open(options());
    expect(await lines(again)).toEqual(text([...range(0, 2), ...range(7, 9)]));
    await again.close();
  });

  it('is for its owner only', async () => {
    const path = join(folder, 'inner');
    const recorder = await FlightRecorder.open(options({ path }));
    await recorder.append([flow(1)]).safe;
    expect(statSync(path).mode & 0o077).toBe(0);
    for (const name of readdirSync(path)) expect(statSync(join(path, name)).mode & 0o077).toBe(0);
    await recorder.close();
  });
});

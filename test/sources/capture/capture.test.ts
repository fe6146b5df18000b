import { execFileSync } from 'node:child_process';
import { createWriteStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createGzip, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isOrderedMarker, orderedMarkerLine } from '../../../src/model/capture.ts';
import type { Event } from '../../../src/model/event.ts';
import { parseInstant } from '../../../src/model/time.ts';
import { captureWriter } from '../../../src/recorder/writer.ts';
import { type CaptureOptions, captureSource } from '../../../src/sources/capture/source.ts';
import { memoryQuarantine } from '../../../src/sources/quarantine.ts';
import { describeSource } from '../conformance.ts';
import { captureLines } from '../json/lines-of.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const recording = (file: string) => join(root, 'captures', file);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'spoor-capture-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function read(options: Omit<CaptureOptions, 'quarantine'>) {
  const quarantine = memoryQuarantine();
  const source = captureSource({ ...options, quarantine });
  const events: Event[] = [];
  await new Promise<void>((resolve, reject) => {
    source.batches().subscribe({
      next: batch => {
        events.push(...batch.events);
        batch.done();
      },
      error: reject,
      complete: resolve,
    });
  });
  return { events, quarantine, counters: source.status().counters };
}

const flow = (second: number, note = '') =>
  `{"flow":{"time":"2026-01-01T00:00:${String(second).padStart(2, '0')}Z","verdict":"FORWARDED","Summary":"${note}"},"node_name":"n","time":"2026-01-01T00:00:00Z"}`;
const notes = (events: readonly Event[]) => events.map(event => (event.kind === 'flow' ? event.summary : event.kind));

describeSource('capture', () => {
  const lines = captureLines('exfil/tetragon.jsonl.gz').concat(captureLines('benign/tetragon.jsonl.gz'));
  const path = file('conformance.jsonl', [...lines.slice(0, 9), '{"broken', ...lines.slice(9)].join('\n'));
  return {
    source: captureSource({ paths: [path], quarantine: memoryQuarantine() }),
    events: lines.length,
    malformed: 1,
    finite: true,
  };
});

describe('capture source', () => {
  it('merges files by time and keeps the order inside each', async () => {
    const a = file('a.jsonl', [flow(1, 'a1'), flow(5, 'a5'), flow(4, 'a4'), flow(9, 'a9')].join('\n'));
    const b = file('b.jsonl.gz', gzipSync([flow(2, 'b2'), flow(5, 'b5'), flow(8, 'b8'), ''].join('\n')));
    const { events } = await read({ paths: [a, b] });
    expect(notes(events)).toEqual(['a1', 'b2', 'a5', 'a4', 'b5', 'b8', 'a9']);
  });

  it('delivers every line of a recording as it stands', async () => {
    const { events } = await read({ paths: [recording('lateral-movement/tetragon.jsonl.gz')] });
    expect(events.map(event => event.raw.line())).toEqual(captureLines('lateral-movement/tetragon.jsonl.gz'));
    expect(events.map(event => event.raw.detach().line())).toEqual(events.map(event => event.raw.line()));
  });

  it('reads several gzip members, and takes a truncated one as far as it goes', async () => {
    const text = captureLines('miner/hubble.jsonl.gz').join('\n');
    const members = Buffer.concat([gzipSync(`${flow(1, 'one')}\n`), gzipSync(`${flow(2, 'two')}\n`)]);
    expect(notes((await read({ paths: [file('members.gz', members)] })).events)).toEqual(['one', 'two']);
    const whole = gzipSync(text);
    const cut = await read({ paths: [file('cut.gz', whole.subarray(0, whole.length >> 1))] });
    expect(cut.events.length).toBeGreaterThan(50);
    expect(cut.quarantine.entries.some(entry => entry.reason.startsWith('gzip: '))).toBe(true);
  });

  it('gives all that stands before the damage in compressed text', async () => {
    const lines = captureLines('lateral-movement/tetragon.jsonl.gz');
    const packed = gzipSync(lines.join('\n'));
    const trailing = await read({ paths: [file('trailing.gz', Buffer.concat([packed, Buffer.from('no gzip')]))] });
    expect(trailing.events.map(event => event.raw.line())).toEqual(lines);
    expect(trailing.counters).toMatchObject({ malformed: 1, lost: 1 });
    // Reserved block type 3: an error where it stands.
    const parts = [0, 1, 2, 3].map(i => gzipSync(`${lines.slice(i * 100, i * 100 + 100).join('\n')}\n`));
    const broken = Buffer.concat([...parts, Buffer.from('1f8b0800000000000003ffffffff', 'hex'), gzipSync(flow(1))]);
    const { events, counters } = await read({ paths: [file('broken.gz', broken)] });
    expect(events.map(event => event.raw.line())).toEqual(lines.slice(0, 400));
    expect(counters).toMatchObject({ malformed: 1, lost: 1 });
  });

  it('reads a byte order mark, CRLF, NUL padding, blank lines and a last line without an end', async () => {
    const text = `\ufeff${flow(1, 'bom')}\r\n\r\n\0\0\0${flow(2, 'nul')}\n   \n${flow(3, 'last')}`;
    const { events, counters } = await read({ paths: [file('odd.jsonl', text)] });
    expect(notes(events)).toEqual(['bom', 'nul', 'last']);
    expect(counters.malformed).toBe(0);
  });

  it('counts bad lines, says where they are, and goes on', async () => {
    const path = file('bad.jsonl', ['{"flow":', flow(1, 'good'), '[1]', '{"new_kind":{}}', '\u0007"'].join('\n'));
    const { events, quarantine, counters } = await read({ paths: [path] });
    expect(notes(events)).toEqual(['good']);
    expect(counters).toMatchObject({ malformed: 3, unknownKinds: 1 });
    expect(quarantine.entries.map(entry => entry.place)).toEqual([`${path}:1`, `${path}:3`, `${path}:5`]);
    expect(quarantine.entries[2]?.bytes).toBe('\\x07"');
  });

  it('names a file that is missing', async () => {
    const path = join(folder, 'nowhere.jsonl');
    await expect(read({ paths: [path] })).rejects.toThrow(`${path}: no such file`);
  });

  it('gives what came through a pipe while it is open, and reads no damaged one again', async () => {
    const path = join(folder, 'pipe');
    execFileSync('sh', ['-c', 'mkfifo "$0"', path]);
    const source = captureSource({ paths: [path], quarantine: memoryQuarantine() });
    let got = 0;
    source.batches().subscribe(batch => {
      got += batch.events.length;
      batch.done();
    });
    const writer = createWriteStream(path);
    const gzip = createGzip();
    gzip.pipe(writer, { end: false });
    gzip.write(`${flow(1)}\n`);
    gzip.flush();
    await expect.poll(() => got).toBe(1);
    writer.end('no gzip');
    await expect.poll(() => source.status().state).toBe('ended');
    expect(source.status().counters).toMatchObject({ events: 1, lost: 1 });
  });

  it('reads standard input', async () => {
    const stdin = Readable.from([Buffer.from(flow(1, 'pi')), Buffer.from(`\n${flow(2, 'pe')}\n`)]);
    expect(notes((await read({ paths: ['-'], stdin })).events)).toEqual(['pi', 'pe']);
  });

  it('tells about parents again after events that were passed over', async () => {
    const all = await read({ paths: [recording('lateral-movement/tetragon.jsonl.gz')] });
    const known = new Set<string>();
    // An event in the middle whose process was seen before, so that its parent is not told again.
    const middle = all.events.find(event => {
      if (!('process' in event) || event.time < (all.events[200] as Event).time) return false;
      return event.parent === null && event.process.parentExecId !== '';
    }) as Event;
    const { events } = await read({ paths: [recording('lateral-movement/tetragon.jsonl.gz')], since: middle.time });
    expect(events.length).toBeLessThan(all.events.length);
    for (const event of events) {
      if (!('process' in event)) continue;
      if (!known.has(event.process.execId)) expect(event.parent).not.toBeNull();
      known.add(event.process.execId);
    }
  });

  it('counts kinds that it does not know also before events that were passed over', async () => {
    const lines = ['{"new_kind":{}}', flow(1, 'old'), flow(9, 'kept'), '{"new_kind":{}}'];
    const since = parseInstant('2026-01-01T00:00:05Z')?.time as number;
    const { counters } = await read({ paths: [file('unknown.jsonl', lines.join('\n'))], since });
    expect(counters).toMatchObject({ events: 1, unknownKinds: 2 });
  });

  it('plays at a multiple of its speed, cutting silences short', async () => {
    const path = file(
      'paced.jsonl',
      ['00:00:00', '00:00:10', '00:00:10.5', '01:00:00', '01:00:02']
        .map(clock => `{"flow":{"time":"2026-01-01T${clock}Z","verdict":"DROPPED"},"node_name":"n"}`)
        .join('\n'),
    );
    let nowMs = 0;
    const sleeps: number[] = [];
    const timing = {
      now: () => nowMs,
      sleep: async (ms: number) => {
        sleeps.push(Math.round(ms));
        nowMs += ms;
      },
    };
    const { events } = await read({ paths: [path], speed: 10, timing });
    expect(events.length).toBe(5);
    expect(sleeps).toEqual([1_000, 50, 100, 200]);
  });

  it('plays back what the recorder wrote, marked as ordered', async () => {
    const { events } = await read({ paths: [recording('lateral-movement/hubble.jsonl.gz')] });
    const path = join(folder, 'recorded.jsonl.gz');
    const writer = captureWriter(path);
    for (let i = 0; i < events.length; i += 100) await writer.write(events.slice(i, i + 100));
    await writer.close();
    expect(writer.lines).toBe(events.length);
    const { events: again } = await read({ paths: [path] });
    expect(isOrderedMarker(again[0] as Event)).toBe(true);
    expect(again[0]?.time).toBe(events[0]?.time);
    expect(again.slice(1).map(event => event.raw.line())).toEqual(events.map(event => event.raw.line()));
    expect(again.slice(1).some(isOrderedMarker)).toBe(false);
  });

  it('passes over what lies outside since and until', async () => {
    const path = file('span.jsonl', [1, 2, 3, 4].map(second => flow(second, `s${second}`)).join('\n'));
    const time = (text: string) => parseInstant(text)?.time ?? 0;
    const { events } = await read({
      paths: [path],
      since: time('2026-01-01T00:00:02Z'),
      until: time('2026-01-01T00:00:03Z'),
    });
    expect(notes(events)).toEqual(['s2', 's3']);
  });
});

describe('clocks far ahead in a capture', () => {
  const at = (time: string, note: string) =>
    `{"flow":{"time":"${time}","verdict":"FORWARDED","Summary":"${note}"},"node_name":"n","time":"${time}"}`;
  const plain = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, i) => flow(Math.floor((from + i) / 10), `f${from + i}`));
  const far = at('2099-06-01T00:00:00Z', 'far');
  const flowsOf = (events: readonly Event[]) => notes(events.filter(event => event.kind === 'flow'));

  it.each([
    ['at the beginning', 0],
    ['in the middle', 300],
    ['near the end', 594],
  ])('are put aside %s, counted, quarantined and told as a gap', async (_, where) => {
    const path = file('far.jsonl', [...plain(0, where), far, ...plain(where, 600)].join('\n'));
    const { events, counters, quarantine } = await read({ paths: [path] });
    expect(flowsOf(events)).toEqual(Array.from({ length: 600 }, (_, i) => `f${i}`));
    expect(counters).toMatchObject({ ahead: 1, malformed: 0 });
    expect(quarantine.entries).toMatchObject([{ place: `${path}:${where + 1}` }]);
    expect(events.filter(event => event.kind === 'lost_events')).toMatchObject([
      { reason: 'SPOOR_CLOCK_AHEAD', node: 'n', count: 1 },
    ]);
  });

  it('are put aside also when every fourth event has one', async () => {
    const lines = plain(0, 600).flatMap((line, i) => (i % 4 === 3 ? [line, far] : [line]));
    const { events, counters } = await read({ paths: [file('many.jsonl', lines.join('\n'))] });
    expect(flowsOf(events)).toHaveLength(600);
    expect(counters.ahead).toBe(150);
  });

  it('are told from nights between parts, exports that begin with the newest, and what only ends late', async () => {
    const day = (n: number, note: string) => at(`2026-01-${String(n).padStart(2, '0')}T12:00:00Z`, note);
    const parts = [1, 4, 5, 9].flatMap(n => Array.from({ length: 200 }, () => day(n, `d${n}`)));
    const newestFirst = Array.from({ length: 25 }, (_, i) => day(28 - i, `d${28 - i}`));
    const lateEnd = [...plain(0, 200), day(20, 'end'), day(20, 'end')];
    for (const lines of [parts, newestFirst, lateEnd, [day(9, 'a'), day(1, 'b')], [far, day(1, 'b')]]) {
      const { events, counters } = await read({ paths: [file('parts.jsonl', lines.join('\n'))] });
      expect(events.map(event => event.raw.line())).toEqual(lines);
      expect(counters.ahead).toBe(0);
    }
  });

  it('are not looked for in a recording, whose order is final, nor on standard input', async () => {
    const lines = [...plain(0, 300), far, ...plain(300, 600)];
    const marked = [orderedMarkerLine(1_767_225_600_000_000, 0), ...lines];
    expect((await read({ paths: [file('ordered.jsonl', marked.join('\n'))] })).events).toHaveLength(602);
    const stdin = Readable.from([Buffer.from(lines.join('\n'))]);
    expect((await read({ paths: ['-'], stdin })).events).toHaveLength(601);
  });

  it('do not take the parents with them that the decoder had told there', async () => {
    const lines = captureLines('lateral-movement/tetragon.jsonl.gz');
    const middle = lines.length >> 1;
    const lost = (lines[middle] as string).replaceAll(/"time":"20\d\d/g, '"time":"2099');
    const spoilt = [...lines.slice(0, middle), lost, ...lines.slice(middle + 1)];
    const without = [...lines.slice(0, middle), ...lines.slice(middle + 1)];
    const parents = async (name: string, text: string[]) => {
      const { events } = await read({ paths: [file(name, text.join('\n'))] });
      return new Set(
        events.flatMap(event => ('process' in event && event.parent !== null ? [event.parent.execId] : [])),
      );
    };
    expect(await parents('spoilt.jsonl', spoilt)).toEqual(await parents('without.jsonl', without));
  });
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isOrderedMarker } from '../../../src/model/capture.ts';
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

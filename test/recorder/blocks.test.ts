/** What is found by the index is what a look at everything finds, whatever became of the index. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EVENT_KINDS, type Event, isProcessEvent } from '../../src/model/event.ts';
import { formatInstant, MICROS_PER_SECOND, type Micros } from '../../src/model/time.ts';
import { holds, holdsAny } from '../../src/recorder/blocks.ts';
import { childKey, execKey, kindBit, namespaceKey, podKey, processKey } from '../../src/recorder/keys.ts';
import type { RecorderOptions } from '../../src/recorder/options.ts';
import { FlightRecorder, type StoredBlock } from '../../src/recorder/recorder.ts';
import { decodeLine, JsonDecoder } from '../../src/sources/json/decoder.ts';

let folder: string;
let problems: string[];
let lost: { from: Micros; to: Micros; count: number }[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spoor-blocks-'));
  problems = [];
  lost = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const START = 1_767_225_600 * MICROS_PER_SECOND;
const time = (seconds: number): Micros => START + seconds * MICROS_PER_SECOND;
const at = (seconds: number): string => formatInstant(time(seconds));

interface Given {
  readonly pod: number;
  readonly process: number;
  readonly kind: 'process_exec' | 'process_exit' | 'flow' | 'lost_events';
  /** Seconds that it is late. */
  readonly late: number;
}

/** Long enough that a few hundred make several blocks. */
const filler = 'x'.repeat(2_000);

function eventOf({ pod, process, kind, late }: Given, n: number): Event {
  const when = at(Math.max(0, n - late));
  if (kind === 'flow') {
    return decodeLine(
      `{"flow":{"uuid":"u${n}","verdict":"FORWARDED","IP":{"source":"10.0.0.1"},"source":{"namespace":"ns${pod % 2}","pod_name":"p${pod}"},"Summary":"${filler}"},"node_name":"n","time":"${when}"}`,
    );
  }
  if (kind === 'lost_events') {
    return decodeLine(
      `{"lost_events":{"source":"HUBBLE_RING_BUFFER","num_events_lost":"${n}"},"node_name":"n","time":"${when}"}`,
    );
  }
  const place = pod === 0 ? '' : `,"pod":{"namespace":"ns${pod % 2}","name":"p${pod}"}`;
  return decodeLine(
    `{"${kind}":{"process":{"exec_id":"x${process}","parent_exec_id":"x${process >> 1}","pid":7,"binary":"/bin/sh","arguments":"${filler}","start_time":"${when}"${place}}},"node_name":"n","time":"${when}"}`,
  );
}

const given = fc.record<Given>({
  pod: fc.integer({ min: 0, max: 4 }),
  process: fc.integer({ min: 0, max: 40 }),
  kind: fc.constantFrom('process_exec', 'process_exit', 'flow', 'lost_events'),
  late: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ max: 500, min: 0 }) }),
});

const options = (more: Partial<RecorderOptions> = {}): RecorderOptions => ({
  path: folder,
  keep: 1e15,
  bytesMax: 1e9,
  decoder: () => new JsonDecoder(),
  isKnown: () => false,
  onProblem: (message, fields) => problems.push(`${message}: ${JSON.stringify(fields)}`),
  onLost: part => lost.push(part),
  ...more,
});

interface Question {
  readonly wanted: (block: StoredBlock) => boolean;
  readonly fits: (event: Event) => boolean;
}

const podOf = (event: Event): string[] => {
  if (isProcessEvent(event))
    return event.process.pod === null ? [] : [`${event.process.pod.namespace}/${event.process.pod.name}`];
  if (event.kind !== 'flow') return [];
  return [event.sourceEndpoint, event.destinationEndpoint].flatMap(end =>
    end === null ? [] : [`${end.namespace}/${end.podName}`],
  );
};

/** By pod, namespace, process, its exec record, its children, and kind. */
const QUESTIONS: readonly Question[] = [
  { wanted: b => holds(b, podKey('ns1', 'p3')), fits: e => podOf(e).includes('ns1/p3') },
  { wanted: b => holdsAny(b, new Set([namespaceKey('ns0')])), fits: e => podOf(e).some(pod => pod.startsWith('ns0/')) },
  { wanted: b => holds(b, processKey('x5')), fits: e => isProcessEvent(e) && e.process.execId === 'x5' },
  { wanted: b => holds(b, execKey('x6')), fits: e => e.kind === 'process_exec' && e.process.execId === 'x6' },
  { wanted: b => holds(b, childKey('x2')), fits: e => isProcessEvent(e) && e.process.parentExecId === 'x2' },
  { wanted: b => (b.kinds & kindBit('lost_events')) !== 0, fits: e => e.kind === 'lost_events' },
];

async function byIndex(
  recorder: FlightRecorder,
  { wanted, fits }: Question,
  from: Micros,
  to: Micros,
  newestFirst = false,
) {
  const found: number[] = [];
  let read = 0;
  for await (const block of recorder.blocks({ from, to, newestFirst }, wanted)) {
    const events = [...(await block.events(recorder.decoder()))];
    read += events.length;
    if (newestFirst) events.reverse();
    for (const { event, seq } of events) if (event.time >= from && event.time <= to && fits(event)) found.push(seq);
  }
  return { found, read };
}

function byScan(events: readonly Event[], { fits }: Question, from: Micros, to: Micros): number[] {
  return events.flatMap((event, n) => (event.time >= from && event.time <= to && fits(event) ? [n + 1] : []));
}

describe('the index of the recording', () => {
  it('finds what a look at everything finds: written, sealed, opened again, of an older version', {
    timeout: 90_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(given, { minLength: 100, maxLength: 400 }),
        fc.integer({ min: 50_000, max: 900_000 }),
        fc.integer({ min: 0, max: 500 }),
        fc.integer({ min: 0, max: 500 }),
        fc.constantFrom('whole', 'missing', 'torn', 'of another', 'old form'),
        async (all, segmentBytesMax, a, b, fate) => {
          const path = mkdtempSync(join(folder, 'log-'));
          const events = all.map(eventOf);
          const [from, to] = [time(Math.min(a, b)), time(Math.max(a, b))];
          const expectSame = async (recorder: FlightRecorder): Promise<void> => {
            for (const question of QUESTIONS) {
              const expected = byScan(events, question, from, to);
              expect((await byIndex(recorder, question, from, to)).found).toEqual(expected);
              expect((await byIndex(recorder, question, from, to, true)).found).toEqual(expected.reverse());
            }
          };
          const recorder = await FlightRecorder.open(options({ path, segmentBytesMax }));
          for (let n = 0; n < events.length; n += 37) await recorder.append(events.slice(n, n + 37)).safe;
          await expectSame(recorder);
          await recorder.close();
          await expectSame(recorder);
          spoil(path, fate);
          const readOnly = await FlightRecorder.open(options({ path, readOnly: true }));
          await expectSame(readOnly);
          await readOnly.close();
          const again = await FlightRecorder.open(options({ path }));
          await expectSame(again);
          await again.close();
          expect(lost).toEqual([]);
        },
      ),
      { numRuns: 12 },
    );
  });

  it('reads little of a long recording', async () => {
    const recorder = await FlightRecorder.open(options({ segmentBytesMax: 1e6 }));
    const events = Array.from({ length: 3_000 }, (_, n) =>
      eventOf({ pod: n === 1_500 ? 3 : 2, process: n, kind: n === 1_500 ? 'flow' : 'process_exec', late: 0 }, n),
    );
    for (let n = 0; n < events.length; n += 100) await recorder.append(events.slice(n, n + 100)).safe;
    const [question] = QUESTIONS as [Question, ...Question[]];
    const { found, read } = await byIndex(recorder, question, 0, Number.MAX_SAFE_INTEGER);
    expect(found).toEqual([1_501]);
    expect(read).toBeLessThan(300);
    await recorder.close();
  });

  it('sets a segment with a damaged block aside, tells what is lost, and goes on with the others', async () => {
    const recorder = await FlightRecorder.open(options({ segmentBytesMax: 400_000 }));
    const events = Array.from({ length: 1_000 }, (_, n) => eventOf({ pod: 3, process: n, kind: 'flow', late: 0 }, n));
    for (let n = 0; n < events.length; n += 50) await recorder.append(events.slice(n, n + 50)).safe;
    await recorder.close();
    const [, second = ''] = readdirSync(folder).filter(name => name.endsWith('.ndjson.gz'));
    const bytes = readFileSync(join(folder, second));
    bytes.fill(0, 100, 300);
    writeFileSync(join(folder, second), bytes);
    const [question] = QUESTIONS as [Question, ...Question[]];
    const again = await FlightRecorder.open(options());
    const { found } = await byIndex(again, question, 0, Number.MAX_SAFE_INTEGER);
    expect(found.length).toBeLessThan(1_000);
    expect(found.length).toBeGreaterThan(500);
    expect(again.stats().damaged).toBe(1);
    expect(problems.join()).toContain('damaged');
    const [part] = lost;
    const missing = events.flatMap((_, n) => (found.includes(n + 1) ? [] : [time(n)]));
    expect(part?.count).toBeGreaterThanOrEqual(missing.length);
    expect(part?.from).toBeLessThanOrEqual(Math.min(...missing));
    expect(part?.to).toBeGreaterThanOrEqual(Math.max(...missing));
    expect(readdirSync(folder).filter(name => name.endsWith('.corrupt'))).toHaveLength(1);
    await again.close();
    const third = await FlightRecorder.open(options());
    expect((await byIndex(third, question, 0, Number.MAX_SAFE_INTEGER)).found.length).toBeLessThanOrEqual(found.length);
    await third.close();
  });

  it('goes on from wherever a kill left the two files of a segment', async () => {
    const events = Array.from({ length: 400 }, (_, n) => eventOf({ pod: 3, process: n, kind: 'flow', late: 0 }, n));
    const first = await FlightRecorder.open(options());
    for (let n = 0; n < events.length; n += 50) await first.append(events.slice(n, n + 50)).safe;
    const [plain = ''] = readdirSync(folder);
    const text = readFileSync(join(folder, plain));
    await first.close();
    await (await FlightRecorder.open(options())).close();
    const [index = '', data = ''] = readdirSync(folder);
    const [question] = QUESTIONS as [Question, ...Question[]];
    const kept = new Map([index, data].map(name => [name, readFileSync(join(folder, name))]));
    // Written in this order: the index, the segment; then the text goes.
    for (const left of [[], [index], [index, data]]) {
      for (const name of readdirSync(folder)) rmSync(join(folder, name));
      for (const name of left) writeFileSync(join(folder, name), kept.get(name) ?? '');
      writeFileSync(join(folder, plain), text);
      writeFileSync(join(folder, `${data}.tmp`), 'half');
      const again = await FlightRecorder.open(options());
      expect((await byIndex(again, question, 0, Number.MAX_SAFE_INTEGER)).found).toHaveLength(400);
      await again.close();
      expect(readdirSync(folder)).toEqual([index, data]);
    }
    // Removed in this order: the segment, its index.
    rmSync(join(folder, data));
    await (await FlightRecorder.open(options())).close();
    expect(readdirSync(folder)).toEqual([]);
    expect(problems).toEqual([]);
  });

  it('counts the index in what it keeps, and leaves none behind', async () => {
    const recorder = await FlightRecorder.open(options({ bytesMax: 30_000, segmentBytesMax: 100_000 }));
    const events = Array.from({ length: 600 }, (_, n) =>
      eventOf({ pod: n % 5, process: n, kind: 'process_exec', late: 0 }, n),
    );
    for (let n = 0; n < events.length; n += 20) await recorder.append(events.slice(n, n + 20)).safe;
    await recorder.close();
    expect(recorder.stats().bytes).toBeLessThanOrEqual(30_000);
    const names = readdirSync(folder);
    const bytes = names
      .filter(name => /^\d/.test(name))
      .reduce((sum, name) => sum + readFileSync(join(folder, name)).length, 0);
    expect(bytes).toBe(recorder.stats().bytes);
    for (const name of names.filter(each => each.endsWith('.index.gz')))
      expect(names).toContain(name.replace('.index.gz', '.ndjson.gz'));
  });
});

describe('a restart with a long history', () => {
  const SECONDS = 1_000;
  const window = 100 * MICROS_PER_SECOND;
  const living = new Set(['x1', 'x900']);
  const limits = { window, segmentBytesMax: 60_000, isKnown: (id: string) => living.has(id) };

  async function record(): Promise<Event[]> {
    const recorder = await FlightRecorder.open(options(limits));
    const events = Array.from({ length: SECONDS }, (_, n) =>
      eventOf({ pod: 3, process: n, kind: n % 5 === 0 || living.has(`x${n}`) ? 'process_exec' : 'flow', late: 0 }, n),
    );
    for (let n = 0; n < events.length; n += 5) await recorder.append(events.slice(n, n + 5)).safe;
    await recorder.close();
    return events;
  }
  async function restarted(recorder: FlightRecorder) {
    const parts: { seq: number; execId: string }[] = [];
    for await (const part of recorder.restart())
      for (const { seq, event } of part) parts.push({ seq, execId: isProcessEvent(event) ? event.process.execId : '' });
    return { carried: parts.filter(({ seq }) => seq < 0), relived: parts.filter(({ seq }) => seq > 0) };
  }
  const expectWindow = (relived: readonly { seq: number }[]): void => {
    expect(relived.length).toBeGreaterThanOrEqual(100);
    expect(relived.length).toBeLessThan(150);
    expect(relived.at(-1)?.seq).toBe(SECONDS);
    expect(relived.map(({ seq }) => seq)).toEqual(relived.map((_, n) => SECONDS - relived.length + 1 + n));
  };

  it('lives through its window alone, with the exec records of what still ran', async () => {
    const events = await record();
    const again = await FlightRecorder.open(options(limits));
    const { carried, relived } = await restarted(again);
    expectWindow(relived);
    expect(carried.map(({ execId }) => execId)).toEqual(['x1']);
    let all = 0;
    for await (const part of again.read()) all += part.length;
    expect(all).toBe(events.length);
    await again.close();
  });

  it('does the same where what is kept for it is damaged or gone', async () => {
    await record();
    const [name = ''] = readdirSync(folder).filter(each => each.startsWith('window-'));
    truncateSync(join(folder, name), 30);
    for (const fate of ['damaged', 'gone']) {
      const again = await FlightRecorder.open(options(limits));
      const { carried, relived } = await restarted(again);
      expectWindow(relived);
      expect(carried.map(({ execId }) => execId)).toContain('x1');
      expect(problems.some(problem => problem.includes(name))).toBe(fate === 'damaged');
      await again.close();
      problems = [];
      for (const each of readdirSync(folder).filter(file => file.startsWith('window-'))) rmSync(join(folder, each));
    }
  });

  it('needs nothing more when less than its window is kept', async () => {
    await record();
    const small = await FlightRecorder.open(options({ ...limits, bytesMax: 12_000 }));
    await small.append([eventOf({ pod: 1, process: 1, kind: 'flow', late: 0 }, SECONDS)]).safe;
    await small.close();
    const again = await FlightRecorder.open(options(limits));
    const { carried, relived } = await restarted(again);
    expect(relived.at(-1)?.seq).toBe(SECONDS + 1);
    expect(carried.map(({ execId }) => execId)).toContain('x1');
    expect(readdirSync(folder).filter(name => name.startsWith('window-')).length).toBeLessThanOrEqual(1);
    await again.close();
  });
});

describe('keys and kinds', () => {
  it('has a bit for every kind', () => {
    expect(new Set(EVENT_KINDS.map(kindBit)).size).toBe(EVENT_KINDS.length);
  });
});

/** What may become of the indexes between two runs. */
function spoil(path: string, fate: string): void {
  const indexes = readdirSync(path).filter(name => name.endsWith('.index.gz'));
  for (const [n, name] of indexes.entries()) {
    const file = join(path, name);
    const bytes = readFileSync(file);
    if (fate === 'missing') rmSync(file);
    else if (fate === 'torn') truncateSync(file, bytes.length >> 1);
    else if (fate === 'of another')
      writeFileSync(file, readFileSync(join(path, indexes[(n + 1) % indexes.length] ?? name)));
    else if (fate === 'old form') {
      // One member for the whole segment, and no index.
      const data = file.replace('.index.gz', '.ndjson.gz');
      writeFileSync(data, gzipSync(gunzipSync(readFileSync(data))));
      rmSync(file);
    }
  }
}

import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Event, ProcessEvent } from '../../../src/model/event.ts';
import { IngestJournal } from '../../../src/sources/ingest/journal.ts';
import { ingestSource } from '../../../src/sources/ingest/source.ts';
import { decodeLine } from '../../../src/sources/json/decoder.ts';
import { memoryQuarantine } from '../../../src/sources/quarantine.ts';
import type { Batch } from '../../../src/sources/source.ts';
import { describeSource, until } from '../conformance.ts';
import { captureLines } from '../json/lines-of.ts';

const lines = captureLines('lateral-movement/tetragon.jsonl.gz');

describeSource('ingest', () => {
  const many = Array.from({ length: 12 }, () => lines).flat();
  const source = ingestSource({ quarantine: memoryQuarantine(), heldBytesMax: 10_000_000 });
  const body = Buffer.from(['{"broken', ...many].join('\n'));
  return {
    // Offers arrive once somebody listens.
    source: {
      ...source,
      batches: () => {
        const batches = source.batches();
        const subscribe = batches.subscribe.bind(batches);
        batches.subscribe = ((...args: Parameters<typeof subscribe>) => {
          const subscription = subscribe(...args);
          void source.offer(body);
          return subscription;
        }) as typeof batches.subscribe;
        return batches;
      },
    },
    events: many.length,
    malformed: 1,
    finite: false,
  };
});

/** A source with a consumer that takes what it gets, or holds it. */
function consumed(options: { heldBytesMax?: number; hold?: boolean; journal?: IngestJournal } = {}) {
  const quarantine = memoryQuarantine();
  const { hold = false, ...rest } = options;
  const source = ingestSource({ quarantine, ...rest });
  const got: string[] = [];
  const events: Event[] = [];
  const held: Batch[] = [];
  const subscription = source.batches().subscribe(batch => {
    events.push(...batch.events);
    got.push(...batch.events.map(event => event.raw.line()));
    if (hold) held.push(batch);
    else batch.done();
  });
  return { source, quarantine, got, events, held, subscription };
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'spoor-ingest-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const decoded = (text: string) => decodeLine(text) as ProcessEvent;

async function* pieces(text: string, bytes: number): AsyncGenerator<Buffer> {
  const all = Buffer.from(text);
  for (let at = 0; at < all.length; at += bytes) yield all.subarray(at, at + bytes);
}

describe('ingest source', () => {
  it('takes lines, in any pieces', async () => {
    const { source, got, subscription } = consumed();
    const some = lines.slice(0, 40);
    const offered = await source.offer(pieces(`${some.join('\r\n')}\r\n`, 777));
    expect(offered).toEqual({ accepted: 40, malformed: 0, unknown: 0, ahead: 0 });
    await until(() => got.length === 40, 'the events');
    expect(got).toEqual(some);
    subscription.unsubscribe();
  });

  it('takes a JSON array, in any pieces, with brackets and quotes inside its strings', async () => {
    const { source, got, quarantine, subscription } = consumed();
    const tricky = lines[0]?.replace('"flags":"', '"flags":"]},[{\\"') as string;
    const body = ` [${[...lines.slice(0, 5), tricky, '{"a":[1,2]}', '17'].join(' ,\n')}]\n`;
    for (const bytes of [1_013, body.length]) {
      expect(await source.offer(pieces(body, bytes))).toEqual({ accepted: 6, malformed: 1, unknown: 1, ahead: 0 });
    }
    await until(() => got.length === 12, 'the events');
    expect(got[5]?.trim()).toBe(tricky);
    expect(quarantine.entries[0]).toMatchObject({ source: 'ingest', place: 'request:8', reason: 'not a JSON object' });
    expect(await source.offer(Buffer.from('[]'))).toEqual({ accepted: 0, malformed: 0, unknown: 0, ahead: 0 });
    expect(await source.offer(Buffer.from('[{"process_exec":'))).toMatchObject({ accepted: 0, malformed: 1 });
    subscription.unsubscribe();
  });

  it('is full at its limit and takes more once the consumer has caught up', async () => {
    const { source, held, subscription } = consumed({ heldBytesMax: 1_000_000, hold: true });
    const body = Buffer.from(lines.slice(0, 60).join('\n'));
    const answers: unknown[] = [];
    while (answers.at(-1) !== 'full' && answers.length < 100) answers.push(await source.offer(body));
    expect(answers.at(-1)).toBe('full');
    expect(answers.length * body.length).toBeLessThan(1_000_000 + 2 * body.length);
    for (const batch of held) batch.done();
    let answer: unknown = 'full';
    await until(() => {
      for (const batch of held) batch.done();
      void source.offer(body).then(one => {
        answer = one;
      });
      return answer !== 'full';
    }, 'room');
    subscription.unsubscribe();
  });

  it('is full while nobody reads it', async () => {
    expect(await ingestSource({ quarantine: memoryQuarantine() }).offer(Buffer.from('{}'))).toBe('full');
  });

  it('keeps what it accepts until it is processed, a line an event, and gives it to the next run', async () => {
    const folder = temporaryFolder();
    const journal = new IngestJournal(folder);
    const first = consumed({ hold: true, journal });
    const pretty = JSON.stringify(
      lines.slice(0, 5).map(line => JSON.parse(line)),
      null,
      2,
    );
    await until(() => first.source.status().state === 'connected', 'the start');
    expect(await first.source.offer(Buffer.from(pretty))).toMatchObject({ accepted: 5, malformed: 0 });
    await until(() => first.got.length === 5, 'the events');
    first.subscription.unsubscribe();
    await journal.close();

    const second = consumed({ hold: true, journal: new IngestJournal(folder) });
    await until(() => second.got.length === 5, 'the events again');
    expect(second.got.map(line => JSON.parse(line))).toEqual(lines.slice(0, 5).map(line => JSON.parse(line)));
    expect(second.source.status().counters.lost).toBe(0);
    for (const batch of second.held) batch.done();
    await until(() => readdirSync(folder).length === 0, 'the removal of what is processed');
    second.subscription.unsubscribe();
  });

  it('tells about a parent again that only an event from the future told about', async () => {
    const { source, events, subscription } = consumed();
    await until(() => source.status().state === 'connected', 'the start');
    const [first, second] = lines.filter(text => decoded(text).process.binary.endsWith('/bash')) as [string, string];
    expect(decoded(second).process).toMatchObject({ execId: decoded(first).process.execId });
    const other = lines.find(text => !decoded(text).process.binary.endsWith('/bash'));
    const future = first.replaceAll(/"time":"20\d\d/g, '"time":"2099');
    const body = Buffer.from([other, future, second].join('\n'));
    expect(await source.offer(body)).toMatchObject({ accepted: 2, ahead: 1 });
    await until(() => events.length > 1, 'the events');
    const event = events.find(one => 'process' in one && one.process.binary.endsWith('/bash'));
    expect(event).toMatchObject({ parent: { execId: (event as ProcessEvent).process.parentExecId } });
    subscription.unsubscribe();
  });

  it('counts and names what an earlier run accepted and cannot be read, and gives the rest', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, '000000000001.jsonl'));
    writeFileSync(join(folder, '000000000002.jsonl'), `${lines[0]}\n{"broken\n${lines[1]}\n`);
    const { source, got, quarantine, subscription } = consumed({ journal: new IngestJournal(folder) });
    await until(() => got.length === 2, 'what can be read');
    expect(source.status().counters).toMatchObject({ events: 2, malformed: 1, lost: 1 });
    expect(source.status().detail).toContain('000000000001.jsonl: EISDIR');
    expect(quarantine.entries).toMatchObject([{ place: join(folder, '000000000002.jsonl'), bytes: '{"broken' }]);
    await until(() => readdirSync(folder).length === 1, 'the removal of what is processed');
    subscription.unsubscribe();
  });

  it('goes on without its journal, and says so, when the disk refuses', async () => {
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    const { source, got, subscription } = consumed({ journal: new IngestJournal(file) });
    await until(() => source.status().state === 'connected', 'the start');
    expect(await source.offer(Buffer.from(lines[0] as string))).toMatchObject({ accepted: 1 });
    await until(() => got.length === 1, 'the event');
    expect(source.status().detail).toContain('would be lost by a crash: ENOTDIR');
    subscription.unsubscribe();
  });
});

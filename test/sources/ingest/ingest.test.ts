import { describe, expect, it } from 'vitest';
import { ingestSource } from '../../../src/sources/ingest/source.ts';
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
function consumed(options: { heldBytesMax?: number; hold?: boolean } = {}) {
  const quarantine = memoryQuarantine();
  const { hold = false, ...rest } = options;
  const source = ingestSource({ quarantine, ...rest });
  const got: string[] = [];
  const held: Batch[] = [];
  const subscription = source.batches().subscribe(batch => {
    got.push(...batch.events.map(event => event.raw.line()));
    if (hold) held.push(batch);
    else batch.done();
  });
  return { source, quarantine, got, held, subscription };
}

async function* pieces(text: string, bytes: number): AsyncGenerator<Buffer> {
  const all = Buffer.from(text);
  for (let at = 0; at < all.length; at += bytes) yield all.subarray(at, at + bytes);
}

describe('ingest source', () => {
  it('takes lines, in any pieces', async () => {
    const { source, got, subscription } = consumed();
    const some = lines.slice(0, 40);
    const offered = await source.offer(pieces(`${some.join('\r\n')}\r\n`, 777));
    expect(offered).toEqual({ accepted: 40, malformed: 0, unknown: 0 });
    await until(() => got.length === 40, 'the events');
    expect(got).toEqual(some);
    subscription.unsubscribe();
  });

  it('takes a JSON array, in any pieces, with brackets and quotes inside its strings', async () => {
    const { source, got, quarantine, subscription } = consumed();
    const tricky = lines[0]?.replace('"flags":"', '"flags":"]},[{\\"') as string;
    const body = ` [${[...lines.slice(0, 5), tricky, '{"a":[1,2]}', '17'].join(' ,\n')}]\n`;
    for (const bytes of [1_013, body.length]) {
      expect(await source.offer(pieces(body, bytes))).toEqual({ accepted: 6, malformed: 1, unknown: 1 });
    }
    await until(() => got.length === 12, 'the events');
    expect(got[5]?.trim()).toBe(tricky);
    expect(quarantine.entries[0]).toMatchObject({ source: 'ingest', place: 'request:8', reason: 'not a JSON object' });
    expect(await source.offer(Buffer.from('[]'))).toEqual({ accepted: 0, malformed: 0, unknown: 0 });
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
});

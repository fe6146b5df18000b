import { firstValueFrom, of, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { Overlap, resumed } from '../../src/app/overlap.ts';
import type { Event } from '../../src/model/event.ts';
import { decodeLine } from '../../src/sources/json/decoder.ts';
import { newCounters, type Source } from '../../src/sources/source.ts';

const flow = (n: number): Event =>
  decodeLine(
    `{"flow":{"uuid":"u${n}","IP":{}},"node_name":"n","time":"2026-01-01T00:00:${String(n).padStart(2, '0')}Z"}`,
  );

function source(type: Source['type'], batches: Event[][], done: () => void = () => undefined): Source {
  const name = 'it';
  return {
    name,
    type,
    batches: () => of(...batches.map(events => ({ source: name, events, done }))),
    status: () => ({ name, type, state: 'connected', detail: '', newest: null, counters: newCounters() }),
  };
}

const recorded = (...events: Event[]): Overlap => {
  const overlap = new Overlap();
  for (const event of events) overlap.add(event);
  return overlap;
};
const batchesOf = (one: Source) => firstValueFrom(one.batches().pipe(toArray()));
const lines = (events: readonly Event[]): string[] => events.map(event => event.raw.line());

describe('a source after a restart', () => {
  it('passes over what is recorded, once a copy, and counts it', async () => {
    let done = 0;
    const file = resumed(
      source(
        'file',
        [
          [flow(1), flow(2)],
          [flow(2), flow(3)],
        ],
        () => done++,
      ),
      recorded(flow(0), flow(1), flow(2), flow(5)),
    );
    const batches = await batchesOf(file);
    // A second copy of what was recorded once is an event of its own.
    expect(batches.map(batch => lines(batch.events))).toEqual([[], lines([flow(2), flow(3)])]);
    for (const batch of batches) batch.done();
    expect(done).toBe(2);
    expect(file.status().counters.duplicates).toBe(2);
  });

  it('tells which time nobody watched, where it cannot be read again', async () => {
    const [batch] = await batchesOf(
      resumed(source('hubble', [[flow(1), flow(9), flow(10)]]), recorded(flow(1), flow(3))),
    );
    const [gap, ...rest] = batch?.events ?? [];
    expect(gap).toMatchObject({ kind: 'lost_events', reason: 'SPOOR_RESTART', from: flow(3).time, to: flow(9).time });
    expect(lines(rest)).toEqual(lines([flow(9), flow(10)]));
    const [file] = await batchesOf(resumed(source('file', [[flow(9)]]), recorded(flow(3))));
    expect(lines(file?.events ?? [])).toEqual(lines([flow(9)]));
  });

  it('is as it was where nothing is recorded', async () => {
    const [batch] = await batchesOf(resumed(source('tetragon', [[flow(1), flow(1)]]), recorded()));
    expect(batch?.events).toHaveLength(2);
  });
});

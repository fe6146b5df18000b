/** What every source promises, checked from outside. A source's own tests call `describeSource`. */
import { stat } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { Batch, Source } from '../../src/sources/source.ts';

export interface SourceFixture {
  readonly source: Source;
  /** Events that it will deliver, in all; far more than fit into the batches that may be under way. */
  readonly events: number;
  /** Malformed lines or messages among them. */
  readonly malformed: number;
  /** It completes by itself after them. */
  readonly finite: boolean;
  /** How many times something was opened and not yet closed again (files, calls), when the fixture can tell. */
  open?(): number;
  cleanup?(): void | Promise<void>;
}

/** Batches that a source may have under way at most. */
const IN_FLIGHT_MAX = 8;

const WAIT_MS_MAX = 10_000;

/** Resolves when `condition` holds; rejects after ten seconds with what it waited for. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + WAIT_MS_MAX;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited in vain for: ${what}`);
    await new Promise(resolve => setTimeout(resolve, 2));
  }
}

/** Lets everything that is ready to run do so. */
async function settle(value: () => number = () => 0): Promise<void> {
  for (let quiet = 0, last = value(); quiet < 20; quiet++) {
    await new Promise(resolve => setTimeout(resolve, 1));
    // What the source has asked of the disk waits in the same queue.
    await stat('.');
    if (value() === last) continue;
    last = value();
    quiet = 0;
  }
}

export function describeSource(name: string, make: () => SourceFixture | Promise<SourceFixture>): void {
  describe(`${name} keeps a source's promises`, () => {
    const withFixture = (test: (fixture: SourceFixture) => Promise<void>) => async () => {
      const fixture = await make();
      try {
        await test(fixture);
      } finally {
        await fixture.cleanup?.();
      }
    };

    it(
      'is cold',
      withFixture(async ({ source, open }) => {
        source.batches();
        await settle();
        expect(source.status().counters).toMatchObject({ events: 0, batches: 0, malformed: 0 });
        expect(open?.() ?? 0).toBe(0);
      }),
    );

    it(
      'delivers everything, counts it, and names itself',
      withFixture(async ({ source, events, malformed, finite }) => {
        let got = 0;
        let batches = 0;
        let completed = false;
        const subscription = source.batches().subscribe({
          next: batch => {
            got += batch.events.length;
            batches++;
            expect(batch.source).toBe(source.name);
            expect(batch.events.every(event => event.source === source.name)).toBe(true);
            batch.done();
            batch.done();
          },
          complete: () => {
            completed = true;
          },
        });
        await until(() => got >= events && (completed || !finite), `${events} events (got ${got})`);
        await until(() => source.status().counters.malformed >= malformed, 'malformed counted');
        expect(got).toBe(events);
        const { counters, newest } = source.status();
        expect(counters).toMatchObject({ events, batches, malformed });
        expect(newest).not.toBeNull();
        if (finite) expect(source.status().state).toBe('ended');
        else expect(completed).toBe(false);
        subscription.unsubscribe();
      }),
    );

    it(
      'waits for a consumer that is slow',
      withFixture(async ({ source, events }) => {
        const held: Batch[] = [];
        let got = 0;
        let draining = false;
        const subscription = source.batches().subscribe(batch => {
          got += batch.events.length;
          if (draining) batch.done();
          else held.push(batch);
        });
        await until(() => held.length > 0, 'a first batch');
        await settle(() => held.length);
        expect(held.length).toBeLessThanOrEqual(IN_FLIGHT_MAX);
        expect(got).toBeLessThan(events);
        const before = held.length;
        held[0]?.done();
        held[0]?.done();
        held[0]?.done();
        await until(() => held.length === before + 1, 'one more batch for one that is done');
        await settle(() => held.length);
        expect(held.length).toBe(before + 1);
        draining = true;
        for (const batch of held) batch.done();
        await until(() => got >= events, `${events} events (got ${got})`);
        expect(got).toBe(events);
        subscription.unsubscribe();
      }),
    );

    it(
      'stops when nobody listens any more',
      withFixture(async ({ source, open }) => {
        const held: Batch[] = [];
        let after = 0;
        let stopped = false;
        const subscription = source.batches().subscribe(batch => {
          if (stopped) after++;
          held.push(batch);
        });
        await until(() => held.length > 0, 'a first batch');
        subscription.unsubscribe();
        stopped = true;
        for (const batch of held) batch.done();
        await settle();
        expect(after).toBe(0);
        const { events } = source.status().counters;
        await settle();
        expect(source.status().counters.events).toBe(events);
        if (open !== undefined) await until(() => open() === 0, 'everything closed');
      }),
    );
  });
}

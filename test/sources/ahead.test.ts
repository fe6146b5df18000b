import { expect, it } from 'vitest';
import type { StreamFact } from '../../src/model/event.ts';
import { LIMITS } from '../../src/model/limits.ts';
import { MICROS_PER_MS } from '../../src/model/time.ts';
import { Ahead } from '../../src/sources/ahead.ts';
import { memoryQuarantine } from '../../src/sources/quarantine.ts';
import { newCounters } from '../../src/sources/source.ts';
import { flowEvent } from '../support/events.ts';

const NOW = Date.parse('2026-01-01T00:00:00Z');

function guard() {
  let ms = NOW;
  const told: StreamFact[] = [];
  const counters = newCounters();
  const quarantine = memoryQuarantine();
  const ahead = new Ahead({ source: 'relay', counters, quarantine, tell: gap => told.push(gap), now: () => ms });
  const passes = (atMs: number, node = 'good'): boolean =>
    ahead.passes({ ...flowEvent('tcp 10.0.0.1:1000 > 10.0.0.2:80'), time: atMs * MICROS_PER_MS, ns: 0, node });
  return {
    passes,
    told,
    counters,
    quarantine,
    wait: (by: number) => {
      ms += by;
    },
  };
}

it('lets pass what the bound allows, and puts the rest aside with its reason', () => {
  const { passes, counters, quarantine, told } = guard();
  expect(passes(NOW + LIMITS.aheadMsMax)).toBe(true);
  expect(passes(NOW + LIMITS.aheadMsMax + 1, 'bad')).toBe(false);
  expect(counters.ahead).toBe(1);
  expect(quarantine.entries[0]).toMatchObject({
    source: 'relay',
    place: 'bad',
    reason: expect.stringContaining('ahead'),
  });
  expect(told).toEqual([]);
});

it('tells a gap of the node from the last event before to the next one, and a flood once a second', () => {
  const { passes, told, wait } = guard();
  passes(NOW);
  for (let i = 0; i < 5; i++) passes(NOW + 1e9, 'bad');
  passes(NOW + 10);
  passes(NOW + 1e9, 'bad');
  passes(NOW + 20);
  const gap = { kind: 'lost_events', node: 'bad', reason: 'SPOOR_CLOCK_AHEAD', sensor: 'hubble' };
  expect(told).toMatchObject([
    { ...gap, count: 5, from: NOW * 1_000, to: (NOW + 10) * 1_000, time: (NOW + 10) * 1_000 },
  ]);
  expect(told[0]?.raw.line()).toContain('"time":"2026-01-01T00:00:00.010Z"');
  wait(1_000);
  passes(NOW + 1_000);
  expect(told).toMatchObject([{ count: 5 }, { ...gap, count: 1 }]);
});

it('tells it by the clock of this machine when nothing else comes', () => {
  const { passes, told, wait } = guard();
  passes(NOW);
  passes(NOW + 1e9, 'bad');
  expect(told).toEqual([]);
  wait(10_000);
  passes(NOW + 1e9, 'bad');
  expect(told).toMatchObject([{ count: 2, time: (NOW + 10_000) * 1_000 }]);
});

const DAY = 86_400_000;

it('takes what a source reports as a whole when it is the clock of this machine that is behind', () => {
  const { passes, counters } = guard();
  for (let n = 0; n < 100; n++) expect(passes(NOW + 300 * DAY + n * 3_600_000)).toBe(true);
  expect(passes(NOW + 300 * DAY + 99 * 3_600_000 + DAY + 1, 'bad')).toBe(false);
  expect(passes(NOW + 300 * DAY + 100 * 3_600_000)).toBe(true);
  expect(counters.ahead).toBe(1);
});

it('goes by the clock of this machine once most events do, when the first was the one that leapt', () => {
  const { passes } = guard();
  expect(passes(NOW + 1_000 * DAY, 'bad')).toBe(true);
  for (let n = 0; n < 15; n++) expect(passes(NOW + n)).toBe(true);
  expect(passes(NOW + 1_000 * DAY, 'bad')).toBe(true);
  for (let n = 0; n < 2; n++) expect(passes(NOW + n)).toBe(true);
  expect(passes(NOW + 1_000 * DAY, 'bad')).toBe(false);
});

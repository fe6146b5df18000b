import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Orderer } from '../../src/context/order.ts';
import type { Event } from '../../src/model/event.ts';
import { compareInstants } from '../../src/model/time.ts';
import { execEvent, flowEvent, interleave, processFacts } from '../support/events.ts';
import { eventsOf } from './recordings.ts';

const at = (seconds: number, uuid = '', ns = 0): Event =>
  flowEvent('udp 10.0.0.1:1 > 10.0.0.2:2', { at: seconds, uuid, ns });
const names = (events: readonly Event[]): string[] =>
  events.map(event => (event.kind === 'flow' ? event.uuid : 'process'));

function drained(orderer: Orderer, all = false): string[] {
  const out: Event[] = [];
  orderer.drain(out, all);
  return names(out);
}

describe('one order', () => {
  it('merges sources by time once every source has passed it by the lateness bound', () => {
    const orderer = new Orderer({ latenessMs: 1_000 });
    orderer.push(at(10, 'a'), 'one');
    orderer.push(at(5, 'b'), 'two');
    expect(drained(orderer)).toEqual([]);
    orderer.push(at(7, 'c'), 'two');
    expect(drained(orderer)).toEqual(['b']);
    orderer.push(at(20, 'd'), 'two');
    expect(drained(orderer)).toEqual(['c']);
    orderer.push(at(20, 'e'), 'one');
    expect(drained(orderer)).toEqual(['a']);
    expect(drained(orderer, true)).toEqual(['e', 'd']);
  });

  it('breaks ties by nanosecond, source and arrival', () => {
    const orderer = new Orderer({ latenessMs: 0 });
    orderer.push(at(1, 'z1'), 'z');
    orderer.push(at(1, 'a1', 5), 'a');
    orderer.push(at(1, 'a2'), 'a');
    orderer.push(at(1, 'a3'), 'a');
    expect(drained(orderer, true)).toEqual(['a2', 'a3', 'z1', 'a1']);
  });

  it('an idle source holds nobody back, until its next event', () => {
    const orderer = new Orderer({ latenessMs: 1_000 });
    orderer.push(at(1, 'a'), 'quiet');
    orderer.push(at(50, 'b'), 'busy');
    expect(drained(orderer)).toEqual([]);
    orderer.setIdle('quiet', true);
    expect(drained(orderer)).toEqual(['a']);
    orderer.setIdle('quiet', false);
    orderer.push(at(60, 'c'), 'busy');
    expect(drained(orderer)).toEqual([]);
    orderer.push(at(60, 'd'), 'quiet');
    expect(drained(orderer)).toEqual(['b']);
    orderer.setIdle('quiet', true);
    orderer.setIdle('busy', true);
    expect(drained(orderer)).toEqual(['c', 'd']);
  });

  it('sends what is late at once, and counts it for its source', () => {
    const orderer = new Orderer({ latenessMs: 1_000 });
    orderer.push(at(10, 'a'), 'one');
    orderer.push(at(20, 'b'), 'one');
    expect(drained(orderer)).toEqual(['a']);
    orderer.push(at(9, 'late'), 'one');
    expect(drained(orderer)).toEqual(['late']);
    expect(orderer.stats()).toMatchObject({ late: 1, held: 1 });
    expect(orderer.stats().sources.get('one')).toMatchObject({ late: 1 });
  });

  it('holds no more than its bound', () => {
    const orderer = new Orderer({ latenessMs: 1_000_000, eventsMax: 10 });
    for (let i = 0; i < 25; i++) orderer.push(at(i, String(i)), 'one');
    expect(orderer.stats()).toMatchObject({ held: 10, early: 15 });
    expect(drained(orderer)).toEqual(Array.from({ length: 15 }, (_, i) => String(i)));
  });
});

it.each(['lateral-movement', 'exfil'])('%s comes out the same however its files are read', name => {
  const files = [eventsOf(name, 'tetragon'), eventsOf(name, 'hubble')];
  const read = (chunk: number): Event[] => {
    const orderer = new Orderer();
    const out: Event[] = [];
    for (const source of ['tetragon', 'hubble']) orderer.setIdle(source, false);
    for (let i = 0; i < 4_000; i += chunk) {
      for (const [j, source] of ['tetragon', 'hubble'].entries()) {
        for (const event of (files[j] as Event[]).slice(i, i + chunk)) orderer.push(event, source);
      }
      orderer.drain(out);
    }
    orderer.drain(out, true);
    expect(orderer.stats()).toMatchObject({ late: 0, held: 0 });
    return out;
  };
  const whole = read(4_000);
  expect(whole).toHaveLength((files[0] as Event[]).length + (files[1] as Event[]).length);
  expect(read(7)).toEqual(whole);
  expect(read(250)).toEqual(whole);
});

describe('a boot scan', () => {
  const scan = (id: string, start: number): Event => execEvent(processFacts(id, { flags: 'procFS', start }));
  const ids = (events: readonly Event[]): string[] =>
    events.map(event => ('process' in event ? event.process.execId : event.kind === 'flow' ? event.uuid : ''));

  it('at the beginning passes first, is never late and moves no watermark', () => {
    const orderer = new Orderer({ latenessMs: 1_000 });
    const out: Event[] = [];
    orderer.push(at(100, 'flow'), 'hubble');
    orderer.push(scan('init', -5_000), 'tetragon');
    orderer.push(scan('shell', 90), 'tetragon');
    orderer.push(at(100.5, 'first'), 'tetragon');
    orderer.drain(out, true);
    expect(ids(out)).toEqual(['init', 'shell', 'flow', 'first']);
    expect(orderer.stats().late).toBe(0);
  });

  it('of an agent that starts anew keeps its place in its source', () => {
    const orderer = new Orderer({ latenessMs: 1_000 });
    const out: Event[] = [];
    for (const event of [at(100, 'a'), at(101, 'b'), scan('again', 3), at(102, 'c')]) orderer.push(event, 'tetragon');
    orderer.drain(out);
    orderer.drain(out, true);
    expect(ids(out)).toEqual(['a', 'b', 'again', 'c']);
    expect(orderer.stats()).toMatchObject({ late: 0 });
  });
});

it('the order does not depend on how sources interleave, nor on when it is drained', () => {
  const LATENESS_MS = 500;
  const source = fc.array(
    fc.record({
      step: fc.integer({ min: 0, max: 400 }),
      jitter: fc.integer({ min: 0, max: LATENESS_MS - 1 }),
      ns: fc.integer({ min: 0, max: 2 }),
    }),
    { maxLength: 40, size: 'max' },
  );
  const events = (steps: readonly { step: number; jitter: number; ns: number }[], name: string): Event[] => {
    let time = 0;
    return steps.map(({ step, jitter, ns }, i) => {
      time += step;
      return at((time - jitter) / 1_000, `${name}${i}`, ns);
    });
  };
  fc.assert(
    fc.property(
      fc.array(source, { minLength: 1, maxLength: 4 }),
      fc.infiniteStream(fc.nat(1_000)),
      fc.infiniteStream(fc.boolean()),
      (specs, picks, drains) => {
        const sources = specs.map((spec, i) => events(spec, String.fromCharCode(97 + i)));
        const run = (pick: (left: number) => number, drain: () => boolean): Event[] => {
          const orderer = new Orderer({ latenessMs: LATENESS_MS });
          const out: Event[] = [];
          // Every source is known from the start, as the pipeline makes them known.
          for (const i of sources.keys()) orderer.setIdle(`s${i}`, (sources[i] as Event[]).length === 0);
          for (const [event, i] of interleave(sources, pick)) {
            orderer.push(event, `s${i}`);
            if (drain()) orderer.drain(out);
          }
          orderer.drain(out, true);
          expect(orderer.stats()).toMatchObject({ late: 0, early: 0, held: 0 });
          return out;
        };
        const plain = run(
          () => 0,
          () => false,
        );
        const pick = picks[Symbol.iterator]();
        const drain = drains[Symbol.iterator]();
        const other = run(
          () => pick.next().value as number,
          () => drain.next().value as boolean,
        );
        expect(names(other)).toEqual(names(plain));
        for (let i = 1; i < plain.length; i++)
          expect(compareInstants(plain[i - 1] as Event, plain[i] as Event)).toBeLessThanOrEqual(0);
      },
    ),
    { numRuns: 150 },
  );
});

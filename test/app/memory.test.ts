import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryKeeper, storedMemory } from '../../src/app/memory.ts';
import { Overlap } from '../../src/app/overlap.ts';
import { warmUp } from '../../src/app/warm.ts';
import { Engine } from '../../src/engine.ts';
import type { Event } from '../../src/model/event.ts';
import { MICROS_PER_SECOND } from '../../src/model/time.ts';
import { loadRules } from '../../src/rules/load.ts';
import { openStore } from '../../src/store/sqlite/open.ts';
import { execEvent, processFacts } from '../support/events.ts';

const head = (n: number, level: string) =>
  `id: 00000000-0000-4000-8000-00000000000${n}\nlevel: ${level}\ntaxonomy: spoor\nlogsource: {category: process_creation, product: linux}\n`;
const all = 'detection: {selection: {process.binary|exists: true}, condition: selection}\n';
const RULES = [
  `title: New\n${head(1, 'high')}${all}first_seen: {fields: [process.binary], by: [pod.name], learn: 20m}\n`,
  `title: Many\n${head(2, 'high')}${all}count: {gte: 4, by: [pod.name], within: 1h}\n`,
  ...[3, 4, 5, 6].map(
    n =>
      `title: Weak ${n}\n${head(n, 'low')}detection: {selection: {process.binary: /bin/t${n}}, condition: selection}\n`,
  ),
  ...['a', 'b', 'c'].map(
    (name, n) =>
      `title: Base ${name}\nname: base_${name}\nid: 00000000-0000-4000-8000-00000000010${n}\nlevel: low\nlogsource: {category: process_creation, product: linux}\ndetection: {selection: {Image: /bin/${name}}, condition: selection}\n`,
  ),
  ...Object.entries({
    event_count: 'condition: {eq: 3}',
    value_count: 'condition: {field: Image, gte: 2}',
    value_sum: 'condition: {field: ProcessId, gte: 300}',
    value_median: 'condition: {field: ProcessId, gte: 98.5}',
    temporal: '',
    temporal_ordered: '',
  }).map(
    ([type, condition], n) =>
      `title: Correlated ${type}\nid: 00000000-0000-4000-8000-00000000020${n}\nlevel: high\ncorrelation: {type: ${type}, rules: [base_a, base_b${type === 'event_count' ? '' : ', base_c'}], group-by: [Computer], timespan: 1h${condition === '' ? '' : `, ${condition}`}}\n`,
  ),
];
const loaded = loadRules(RULES.map((text, i) => ({ file: `${i}.yaml`, text })));
const HOUR = 3_600;
const KEPT = 900;

let made = 0;
const run = (at: number, binary: string, pod = 'shop/cart'): Event =>
  execEvent(
    processFacts(`e${made++}`, { start: at, binary, pod, pid: binary.charCodeAt(5), parentExecId: `main-${pod}` }),
    { at },
  );
/** Every finding is an alert of its own: what is suppressed comes from the store. */
const engine = (): Engine => new Engine({ rules: loaded.rules, alerting: { suppress: 0, incidentWindow: 0 } });
const alertsOf = (some: Engine, events: readonly Event[]): string[] =>
  events.flatMap(event =>
    some.step(event).changes.map(({ type, alert }) => `${alert.rule.title} ${alert.time} ${type} ${alert.count}`),
  );

describe('what was learned, over a restart', () => {
  it('loads', () => expect(loaded.diagnostics.filter(one => one.severity === 'error')).toEqual([]));

  it('is not learned again and does not fire again, also when the log has nothing', () => {
    const before = engine();
    alertsOf(before, [run(0, '/bin/known'), run(2 * HOUR, '/bin/new')]);
    const after = engine();
    after.remember(before.memory(KEPT * MICROS_PER_SECOND), Number.POSITIVE_INFINITY);
    const told = alertsOf(after, [
      run(20 * HOUR, '/bin/known'),
      run(20 * HOUR + 1, '/bin/new'),
      run(20 * HOUR + 2, '/bin/newer'),
    ]);
    expect(told.filter(line => line.startsWith('New'))).toHaveLength(1);
    const forgetful = alertsOf(engine(), [run(20 * HOUR, '/bin/known'), run(20 * HOUR + 1, '/bin/new')]);
    expect(forgetful).toEqual([]);
  });

  it('holds for weak signs, which add up across it', () => {
    const before = engine();
    alertsOf(
      before,
      [3, 4, 5].map(n => run(n, `/bin/t${n}`)),
    );
    const after = engine();
    after.remember(before.memory(KEPT * MICROS_PER_SECOND), Number.POSITIVE_INFINITY);
    const changes = [run(10, '/bin/t6'), run(11, '/bin/t3')].flatMap(event => after.step(event).changes);
    expect(changes.find(({ alert }) => alert.risk !== undefined)?.alert.risk?.contributions).toHaveLength(5);
  });

  it('is saved only when it changed, and nothing is restored to a rule of other content', () => {
    const before = engine();
    alertsOf(before, [run(0, '/bin/known')]);
    const texts = before.memory(0);
    expect(texts.size).toBeGreaterThan(0);
    expect(before.memory(0).size).toBe(0);
    const changed = loadRules(
      RULES.map((text, i) => ({ file: `${i}.yaml`, text: text.replace('learn: 20m', 'learn: 2h') })),
    );
    const after = new Engine({ rules: changed.rules });
    after.remember(texts, Number.POSITIVE_INFINITY);
    expect(alertsOf(after, [run(1.5 * HOUR, '/bin/new')])).toEqual([]);
  });

  /** Crash at any event: whatever was saved and logged before it, the alerts are those of a run without a crash. */
  it('makes no difference to the alerts', () => {
    const anyEvents = fc.array(
      fc.record({
        gap: fc.integer({ min: 1, max: 600 }),
        binary: fc.constantFrom('/bin/a', '/bin/b', '/bin/c'),
        pod: fc.constantFrom('shop/a', 'shop/b'),
      }),
      { minLength: 2, maxLength: 40 },
    );
    const place = fc.integer({ min: 0, max: 1_000_000 });
    fc.assert(
      fc.property(anyEvents, place, place, (list, stored, saved) => {
        let time = 0;
        const events = list.map(({ gap, binary, pod }) => {
          time += gap;
          return run(time, binary, pod);
        });
        const whole = alertsOf(engine(), events);
        const at = stored % (events.length + 1);
        const checkpoint = saved % (at + 1);

        const first = engine();
        const told = alertsOf(first, events.slice(0, checkpoint));
        const texts = first.memory(KEPT * MICROS_PER_SECOND);
        // Stored up to `at`; what was folded after that is lost with its alerts.
        const stable = events.slice(checkpoint, at).flatMap(event => first.step(event).changes);
        told.push(...stable.map(({ type, alert }) => `${alert.rule.title} ${alert.time} ${type} ${alert.count}`));

        const second = engine();
        // What is stored is restored; the log holds the last quarter of an hour before the checkpoint and all after it.
        const from = (events[checkpoint]?.time ?? 0) - KEPT * MICROS_PER_SECOND;
        const begin = events.findIndex(({ time: t }) => t >= from);
        const log = Math.min(checkpoint, begin < 0 ? checkpoint : begin);
        second.remember(texts, events[log]?.time ?? Number.POSITIVE_INFINITY);
        for (const event of events.slice(log, at)) second.relive(event);
        told.push(...alertsOf(second, events.slice(at)));
        expect(told).toEqual(whole);
      }),
      { numRuns: 300 },
    );
  });
});

describe('the keeper', () => {
  it('writes now and then, and a start reads it before the first event', async () => {
    const store = await openStore({ path: ':memory:' });
    let now = 0;
    const first = engine();
    const write = (state: ReadonlyMap<string, string>) => store.commit({ entries: [], state });
    const keeper = new MemoryKeeper(
      first,
      0,
      async state => void (await write(state)),
      () => now,
    );
    alertsOf(first, [run(0, '/bin/known')]);
    expect(keeper.checkpoint()).toBeNull();
    now = 60_000;
    await keeper.checkpoint()?.();
    now = 120_000;
    expect(keeper.checkpoint()).toBeNull();
    expect((await storedMemory(first, store)).size).toBeGreaterThan(0);

    const second = engine();
    await warmUp(second, store, null, new Overlap(), undefined);
    const told = alertsOf(second, [run(2 * HOUR, '/bin/known'), run(2 * HOUR + 1, '/bin/new')]);
    expect(told.filter(line => line.startsWith('New'))).toHaveLength(1);
    await store.close();
  });
});

/** What the joined stream costs: events are decoded first, then only `observe` is timed. Prints `name value`, one a line. */
import { performance } from 'node:perf_hooks';
import { Context } from '../src/context/context.ts';
import { Orderer } from '../src/context/order.ts';
import type { Event } from '../src/model/event.ts';
import { eventsOf, merged, recordings } from '../test/context/recordings.ts';

const streams = recordings().map(({ tetragon, hubble }) => ({
  tetragon: eventsOf(tetragon, 'tetragon'),
  hubble: eventsOf(hubble, 'hubble'),
}));
const joined = streams.map(({ tetragon, hubble }) => merged(tetragon, hubble));
const count = joined.reduce((sum, events) => sum + events.length, 0);
const ROUNDS = 25;

/** Median microseconds an event. */
function median(run: () => void): number {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    run();
    times.push(((performance.now() - start) * 1_000) / count);
  }
  times.sort((a, b) => a - b);
  return times[ROUNDS >> 1] as number;
}

const observe = median(() => {
  for (const events of joined) {
    const context = new Context();
    for (const event of events) context.observe(event);
  }
});
const order = median(() => {
  for (const { tetragon, hubble } of streams) {
    const orderer = new Orderer({ latenessMs: 2_000 });
    const out: Event[] = [];
    const most = Math.max(tetragon.length, hubble.length);
    for (let i = 0; i < most; i++) {
      if (i < tetragon.length) orderer.push(tetragon[i] as Event, 'tetragon');
      if (i < hubble.length) orderer.push(hubble[i] as Event, 'hubble');
      if (i % 100 === 0) orderer.drain(out);
    }
    orderer.drain(out, true);
  }
});
console.log(`context.events ${count}`);
console.log(`context.observe_us ${observe.toFixed(3)}`);
console.log(`context.order_us ${order.toFixed(3)}`);

/**
 * What the rule layer costs by itself: loading, and every shipped matcher on every event without an index (the index makes it
 * less; `bench/detection.ts` measures that). Prints `name value`, and the dearest matchers.
 */
import { performance } from 'node:perf_hooks';
import { Context } from '../src/context/context.ts';
import type { Observation } from '../src/model/observation.ts';
import { readRuleFiles, shippedRules } from '../src/rule-files.ts';
import { loadRules } from '../src/rules/load.ts';
import type { Matcher } from '../src/rules/rule.ts';
import { eventsOf, merged, recordings } from '../test/context/recordings.ts';

const ROUNDS = 5;
const DEAREST = 8;

const files = readRuleFiles([shippedRules()]);
const start = performance.now();
const { rules } = loadRules(files);
console.log(`rules: load, ms per rule ${((performance.now() - start) / rules.length).toFixed(2)}`);

const observations: Observation[] = recordings().flatMap(({ tetragon, hubble }) => {
  const context = new Context();
  return merged(eventsOf(tetragon, 'tetragon'), eventsOf(hubble, 'hubble')).map(event => context.observe(event));
});

const matchers = rules.flatMap(rule =>
  [...rule.branches, ...(rule.sequence?.steps ?? [])].map(matcher => ({
    name: `${rule.title} ${matcher.id}`,
    matcher,
  })),
);

/** Nanoseconds an event of its kinds, the best of several rounds. */
function cost(matcher: Matcher): { ns: number; events: number } {
  const kinds = new Set<string>(matcher.kinds);
  const events = observations.filter(o => kinds.has(o.event.kind));
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const from = performance.now();
    for (const o of events) matcher.test(o);
    best = Math.min(best, performance.now() - from);
  }
  return { ns: events.length === 0 ? 0 : (best * 1e6) / events.length, events: events.length };
}

const costs = matchers.map(({ name, matcher }) => ({ name, ...cost(matcher) }));
const total = costs.reduce((sum, c) => sum + c.ns * c.events, 0);
console.log(
  `rules: ${matchers.length} matchers without an index, ns per event ${Math.round(total / observations.length)}`,
);
for (const { name, ns } of costs.sort((a, b) => b.ns - a.ns).slice(0, DEAREST)) {
  console.log(`rules: ${name.trim()}, ns per event of its kinds ${Math.round(ns)}`);
}

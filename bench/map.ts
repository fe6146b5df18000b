/**
 * The service map of a large cluster: 100,000 connections of 3,000 pods in 60 namespaces; each workload talks to a dozen others,
 * some names outside and some addresses of the world. What a query costs (all of it, one namespace, a text, what was dropped; the slowest of those, median of its rounds),
 * what the map holds in memory beside the connections themselves, and what it adds to `observe`. Prints `name value goal`.
 */
import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { mapView } from '../src/api/map.ts';
import { Context } from '../src/context/context.ts';
import type { FlowEvent } from '../src/model/event.ts';
import { endpoint, flowEvent } from '../test/support/events.ts';
import { cpuSeconds, median } from './support/workload.ts';

const CONNECTIONS = 100_000;
const PODS = 3_000;
const PODS_PER_WORKLOAD = 3;
const NAMESPACES = 60;
const TALKS_TO = 12;
const ROUNDS = 9;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const megabytes = (): number => {
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 1e6;
};

const pods = Array.from({ length: PODS }, (_, n) => {
  const workload = Math.floor(n / PODS_PER_WORKLOAD);
  return {
    ...endpoint(`team-${workload % NAMESPACES}/app-${workload}-${n}`),
    workloads: [{ name: `app-${workload}`, kind: 'Deployment' }],
  };
});
const addressOf = (n: number): string => `10.${1 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`;

/** The `n`th connection: two of three to another pod, the others out to names and addresses. */
function connection(n: number): FlowEvent {
  const from = (n * 7) % PODS;
  const flow = { at: n / 40, verdict: n % 50 === 0 ? 'DROPPED' : 'FORWARDED' };
  const client = `${addressOf(from)}:${10_000 + (n % 50_000)}`;
  const workload = Math.floor(from / PODS_PER_WORKLOAD);
  const sourceEndpoint = pods[from] ?? null;
  if (n % 3 > 0) {
    const to = (workload * 31 + (n % TALKS_TO) * 51 + (n % PODS_PER_WORKLOAD)) % PODS;
    const event = flowEvent(`tcp ${client} > ${addressOf(to)}:${8_000 + (to % 4)}`, flow);
    return { ...event, sourceEndpoint, destinationEndpoint: pods[to] ?? null };
  }
  const names = n % 2 === 0 ? [`api-${(workload + (n % 4)) % 900}.example.org`] : [];
  const world = `198.${18 + (n % 2)}.${workload & 255}.${(n >> 4) % 8}`;
  return {
    ...flowEvent(`tcp ${client} > ${world}:443`, { ...flow, to: 'reserved:world', destinationNames: names }),
    sourceEndpoint,
  };
}

function fill(serviceMap: boolean): Context {
  const context = new Context({ serviceMap });
  for (let n = 0; n < CONNECTIONS; n++) context.observe(connection(n));
  return context;
}

fill(true);
const empty = megabytes();
const plain = fill(false);
const without = megabytes() - empty;
const kept = fill(true);
const both = megabytes() - empty - without;
const { serviceMap } = kept;
if (serviceMap === null || plain.stats().connections !== kept.stats().connections) throw new Error('not the same');
const { nodes, edges, evicted } = serviceMap.stats();
console.log(`  ${kept.stats().connections} connections, ${nodes} nodes, ${edges} edges, ${evicted} evicted`);
console.log(`map-MB ${Math.round(both - without)} 200`);

const queries = [{}, { namespace: 'team-7' }, { q: 'app-77' }, { verdict: ['DROPPED'] as const }, { limit: 1_000 }];
const slowest = queries.map(query => {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    JSON.stringify(mapView(serviceMap.edges(), serviceMap.now, { limit: 200, ...query }, null));
    times.push(performance.now() - start);
  }
  return median(times);
});
console.log(
  `  ${queries.map((query, n) => `${JSON.stringify(query)} ${(slowest[n] as number).toFixed(0)} ms`).join(', ')}`,
);
console.log(`map-query-ms ${Math.max(...slowest).toFixed(0)} 100`);

const costs = { with: [] as number[], without: [] as number[] };
for (let round = 0; round < 3; round++) {
  costs.without.push(await cpuSeconds(() => fill(false)));
  costs.with.push(await cpuSeconds(() => fill(true)));
}
const each = ((median(costs.with) - median(costs.without)) * 1e6) / CONNECTIONS;
console.log(`map-new-connection-us ${each.toFixed(2)} 5`);

/**
 * Sets of 10 to 10,000 rules, Sigma-like (single events, as people have them in folders) and sequence-heavy (four of five are
 * sequences of two or three steps): time to load, cost of an event, bytes of a partial sequence. Processor time, since the
 * machine may be shared. Prints `name value`, and `name ratio goal` where there is a goal.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Context } from '../src/context/context.ts';
import { Detector } from '../src/detection/detector.ts';
import type { Observation } from '../src/model/observation.ts';
import { loadRules } from '../src/rules/load.ts';
import type { Rule } from '../src/rules/rule.ts';
import { eventsOf, merged, recordings } from '../test/context/recordings.ts';
import { exec, makeProcess, rule, sequence, step } from '../test/support/observations.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const SIZES = [10, 100, 1_000, 10_000];
const ROUNDS = 12;
const PARTIALS = 50_000;

const TOOLS = ['curl', 'wget', 'nc', 'python3', 'bash', 'find', 'tar', 'ssh', 'kubectl', 'perl'];
const WORDS = [
  '--upload-file',
  '/etc/shadow',
  'base64 -d',
  'authorized_keys',
  '/dev/tcp/',
  'stratum+tcp',
  'LD_PRELOAD',
];

const idOf = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
const exact = (category: string, selection: string): string =>
  `logsource: {category: ${category}, product: linux}, detection: {selection: ${selection}, condition: selection}`;

function sigmaLike(n: number): string {
  const tool = TOOLS[n % TOOLS.length];
  const word = WORDS[n % WORDS.length];
  return `title: Rule ${n}
id: ${idOf(n)}
level: low
logsource: {category: process_creation, product: linux}
detection:
  image: {Image|endswith: ['/${tool}', '/${tool}-${n}']}
  words: {CommandLine|contains: ['${word} ${n}', ' -${n} ']}
  filter: {ParentImage|endswith: '/parent-${n}'}
  condition: image and words and not filter
`;
}

function sequenceHeavy(n: number): string {
  if (n % 5 === 0) return sigmaLike(n);
  const tool = `${TOOLS[n % TOOLS.length]}${n < TOOLS.length ? '' : `-${n}`}`;
  const first = `{id: a, ${exact('process_creation', `{process.name: '${tool}'}`)}}`;
  const second = `{id: b, ${exact('process_creation', `{process.arguments|contains: '${WORDS[n % WORDS.length]} ${n}'}`)}}`;
  const third = `{id: c, ${exact('network_connection', `{process.name: '${tool}'}`)}}`;
  const steps = n % 2 === 0 ? [first, third] : [first, second, third];
  const by = ['process', 'process_tree', 'pod'][n % 3];
  return `{title: Rule ${n}, id: ${idOf(n)}, level: low, taxonomy: spoor, sequence: {by: ${by}, within: 5m, steps: [${steps.join(', ')}]}}\n`;
}

const observations: Observation[] = recordings().flatMap(({ tetragon, hubble }) => {
  const context = new Context();
  return merged(eventsOf(tetragon, 'tetragon'), eventsOf(hubble, 'hubble')).map(event => context.observe(event));
});

/** Milliseconds of this process's processor time. */
const cpu = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};

function load(text: (n: number) => string, size: number): { rules: readonly Rule[]; ms: number } {
  const files = Array.from({ length: size }, (_, n) => ({ file: `${n}.yaml`, text: text(n) }));
  const start = cpu();
  const { rules, diagnostics } = loadRules(files);
  const ms = cpu() - start;
  if (rules.length !== size) throw new Error(`${rules.length} of ${size} loaded: ${JSON.stringify(diagnostics[0])}`);
  return { rules, ms };
}

for (const [name, text] of [
  ['sigma_like', sigmaLike],
  ['sequence_heavy', sequenceHeavy],
] as const) {
  const sets = SIZES.map(size => ({ size, ...load(text, size) }));
  const detectors = sets.map(({ rules }) => {
    const start = cpu();
    const detector = new Detector(rules);
    return { detector, ms: cpu() - start };
  });
  const best = sets.map(() => Number.POSITIVE_INFINITY);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, { detector }] of detectors.entries()) {
      const start = cpu();
      for (const observation of observations) detector.step(observation);
      best[i] = Math.min(best[i]!, ((cpu() - start) * 1_000) / observations.length);
    }
  }
  for (const [i, { size, ms }] of sets.entries()) {
    console.log(`rule-sets.${name}.${size}_rules: load, cpu ms ${ms.toFixed(0)}, index ${detectors[i]!.ms.toFixed(0)}`);
    console.log(`rule-sets.${name}.${size}_rules: step, cpu us ${best[i]!.toFixed(3)}`);
  }
  for (const [i, goal] of [
    [2, 1.5],
    [3, 2.5],
  ] as const) {
    console.log(`rule-sets.${name}.${SIZES[i]}_against_10_rules ${(best[i]! / best[0]!).toFixed(2)} ${goal}`);
  }
}

function bytesOfPartials(): number {
  const waiting = rule({ sequence: sequence([step('a'), step('b')], { within: 3_600_000_000 }) });
  const detector = new Detector([waiting]);
  const starts = Array.from({ length: PARTIALS }, (_, i) =>
    exec(i / PARTIALS, 'a', makeProcess(`p-${i}`, { pod: `x/${i % 1_000}` })),
  );
  collect();
  const before = process.memoryUsage().heapUsed;
  for (const observation of starts) detector.step(observation);
  collect();
  const bytes = process.memoryUsage().heapUsed - before;
  const { partials } = detector.stats().totals;
  if (partials !== PARTIALS) throw new Error(`${partials} partials are kept, not ${PARTIALS}`);
  return bytes / partials;
}
// Beyond the observation itself, which the process tree and the caller hold too.
console.log(`rule-sets.partial-bytes ${bytesOfPartials().toFixed(0)} 1000`);

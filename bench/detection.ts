/**
 * What detection costs, and how it grows with the number of rules. Recordings are joined first; then only `Detector.step` is
 * timed. Rules are made up in the shapes that detection engineers write: base names, ends of paths, words of command
 * lines, destinations. Prints `name value`, and `name ratio goal` where there is a goal.
 */
import { performance } from 'node:perf_hooks';
import { Context } from '../src/context/context.ts';
import { Detector } from '../src/detection/detector.ts';
import type { Observation } from '../src/model/observation.ts';
import { MICROS_PER_SECOND, type Micros } from '../src/model/time.ts';
import { readRuleFiles, shippedRules } from '../src/rule-files.ts';
import { loadRules } from '../src/rules/load.ts';
import type { Rule } from '../src/rules/rule.ts';
import { eventsOf, merged, recordings } from '../test/context/recordings.ts';

const ROUNDS = 40;

/** Between recordings, and between rounds: more than any rule's window. */
const PAUSE: Micros = 24 * 3_600 * MICROS_PER_SECOND;

const streams: Observation[][] = recordings().map(({ tetragon, hubble }) => {
  const context = new Context();
  return merged(eventsOf(tetragon, 'tetragon'), eventsOf(hubble, 'hubble')).map(event => context.observe(event));
});

const NAMES = ['nc', 'curl', 'wget', 'nmap', 'tcpdump', 'socat', 'kubectl', 'chroot', 'insmod', 'xmrig'];
const WORDS = [
  '/etc/shadow',
  '--upload-file',
  'authorized_keys',
  'stratum+tcp',
  'LD_PRELOAD',
  'base64 -d',
  '/dev/tcp/',
];

const where = (category: string, selection: string): string =>
  `logsource: {category: ${category}}, detection: {selection: ${selection}, condition: selection}`;

/** Rule number `n`: one of six shapes. */
function ruleText(n: number): string {
  const name = `${NAMES[n % NAMES.length]}${n < NAMES.length * 5 ? '' : `-${n}`}`;
  const word = `${WORDS[n % WORDS.length]}${n < WORDS.length * 5 ? '' : `-${n}`}`;
  const starts = where('process_creation', `{process.name: ${name}}`);
  const connects = where('network_connection', `{process.name: ${name}, process.arguments|contains: '${word}'}`);
  const shapes: readonly string[] = [
    where('process_creation', `{process.binary|endswith: '/${name}'}`),
    where(
      'process_creation',
      `{process.name: [${name}, ${name}.real], process.command_line|contains: ['${word}', ' -${n} ']}`,
    ),
    where('process_creation', `{process.command_line|contains|all: ['${word}', '${name}']}`),
    connects,
    where('file_event', `{file.path|startswith: '${word}'}`),
    `sequence: {by: process, within: 1m, steps: [{id: a, ${starts}}, {id: b, ${connects}}]}`,
  ];
  const id = `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
  return `{title: Rule ${n}, id: ${id}, level: low, taxonomy: spoor, ${shapes[n % shapes.length]}}\n`;
}

function rules(many: number): readonly Rule[] {
  const loaded = loadRules(Array.from({ length: many }, (_, n) => ({ file: `${n}.yaml`, text: ruleText(n) })));
  if (loaded.rules.length !== many)
    throw new Error(`only ${loaded.rules.length} of ${many} rules loaded: ${JSON.stringify(loaded.diagnostics[0])}`);
  return loaded.rules;
}

/** The recordings one after the other, each round later than the one before: time goes on, as it does in life. */
function oneStream(round: number): Observation[] {
  let offset = 0;
  let last = 0;
  const spans = streams.map(stream => {
    const times = stream.map(observation => observation.event.time);
    offset = last + PAUSE - Math.min(...times.filter((_, i) => !isBootScan(stream[i]!)));
    last = offset + Math.max(...times);
    return offset;
  });
  return streams.flatMap((stream, i) =>
    stream.map(observation => {
      const time = observation.event.time + spans[i]! + round * (last + PAUSE);
      return { ...observation, event: { ...observation.event, time } };
    }),
  );
}

function isBootScan({ event }: Observation): boolean {
  return event.kind === 'process_exec' && event.process.flags.includes('procFS');
}

/** A stream in which no command line was seen before: nothing that the index remembers of texts helps. */
function novel(stream: readonly Observation[], round: number): Observation[] {
  return stream.map((observation, i) => {
    const { process } = observation;
    if (process === null) return observation;
    const facts = { ...process.facts, arguments: `${process.facts.arguments} ${round}.${i}` };
    return { ...observation, process: { ...process, facts } };
  });
}

/** Microseconds an event of each rule set, the best of the rounds; measured in turns, so that a busy machine is busy for all. */
function costs(
  sets: readonly (readonly Rule[])[],
  input: (round: number) => readonly Observation[],
  indexed = true,
): number[] {
  const detectors = sets.map(set => new Detector(set, { indexed }));
  const times = sets.map((): number[] => []);
  for (let round = 0; round < ROUNDS; round++) {
    const observations = input(round);
    for (const [i, detector] of detectors.entries()) {
      const start = performance.now();
      for (const observation of observations) detector.step(observation);
      times[i]!.push(((performance.now() - start) * 1_000) / observations.length);
    }
  }
  return times.map(list => Math.min(...list));
}

const sizes = [10, 30, 1_000, 10_000];
const sets = sizes.map(rules);
const shipped = loadRules(readRuleFiles([shippedRules()])).rules;
const known = costs(sets, oneStream);
const unknown = costs(sets, round => novel(oneStream(round), round));
const [plain] = costs([rules(1_000)], round => oneStream(round).slice(0, 2_000), false);
const [own] = costs([shipped], oneStream);
console.log(`detection.events ${streams.flat().length}`);
for (const [i, size] of sizes.entries()) {
  console.log(`detection.step_us.${size}_rules ${known[i]!.toFixed(3)}`);
  console.log(`detection.step_us.${size}_rules_novel_texts ${unknown[i]!.toFixed(3)}`);
}
console.log(`detection.step_us.1000_rules_unindexed ${plain!.toFixed(3)}`);
console.log(`detection.step_us.shipped_${shipped.length}_rules ${own!.toFixed(3)}`);
for (const [i, goal] of [
  [2, 1.5],
  [3, 2.5],
] as const) {
  console.log(`detection.${sizes[i]}_against_10_rules ${(known[i]! / known[0]!).toFixed(2)} ${goal}`);
  console.log(`detection.${sizes[i]}_against_10_rules_novel_texts ${(unknown[i]! / unknown[0]!).toFixed(2)} ${goal}`);
}

/** "Make a rule that catches this story": the steps of an alert of a sequence as the steps of another. */
import type { Observation } from '../model/observation.ts';
import { ancestorsOf } from '../model/process.ts';
import { MICROS_PER_MS, MICROS_PER_SECOND, type Micros } from '../model/time.ts';
import { abridged, type CompactEvent, compactEvent, lookupBefore } from './compact.ts';
import { type Draft, draftOf } from './draft.ts';

/** A step of a story: how the alert's rule called it, and the event that filled it first. */
export interface StoryStep {
  readonly id: string;
  readonly observation: Observation;
}

export interface Story {
  readonly title: string;
  readonly message: string;
  readonly tags: readonly string[];
  /** What the events have in common, the narrowest first. */
  readonly by: 'process' | 'process_tree' | 'pod' | 'node';
  /** A round time that is at least twice what the story took. */
  readonly within: string;
  /** Two at least, in order. */
  readonly steps: readonly { readonly id: string; readonly draft: Draft }[];
  /** The events in order, each process under one label; null when one of them has no compact form. */
  readonly events: readonly CompactEvent[] | null;
}

const WITHIN: readonly (readonly [string, number])[] = [
  ['30s', 30],
  ['1m', 60],
  ['5m', 300],
  ['10m', 600],
  ['30m', 1_800],
  ['1h', 3_600],
  ['6h', 21_600],
  ['24h', 86_400],
];

/** Null when fewer than two of the steps would be told from other events, or nothing joins them. */
export function storyOf(all: readonly StoryStep[]): Story | null {
  const steps = all
    .flatMap(({ id, observation }) => {
      const draft = draftOf(observation);
      return draft === null ? [] : [{ id, observation, draft }];
    })
    .sort((a, b) => a.observation.event.time - b.observation.event.time);
  const observations = steps.map(({ observation }) => observation);
  const by = joinOf(observations);
  const [first, last] = [steps[0], steps.at(-1)];
  if (first === undefined || last === undefined || first === last || by === null) return null;
  const took = last.observation.event.time - first.observation.event.time;
  const text = steps.map(({ id, draft }) => stepMessage(id, draft.message)).join(', then ');
  return {
    title: `${first.draft.title}, then ${last.draft.title}`.slice(0, 120),
    message: text,
    tags: [...new Set(steps.flatMap(({ draft }) => draft.tags))],
    by,
    within: within(took),
    steps: steps.map(({ id, draft }) => ({ id, draft })),
    events: compactEvents(observations),
  };
}

const within = (took: Micros): string =>
  (WITHIN.find(([, seconds]) => seconds * MICROS_PER_SECOND >= 2 * took) ??
    (WITHIN.at(-1) as readonly [string, number]))[0];

/** `{process.name}` of one event as `{step.process.name}` of a story. */
const stepMessage = (id: string, message: string): string => message.replace(/\{(?=[a-z])/g, `{${id}.`);

function joinOf(list: readonly Observation[]): Story['by'] | null {
  const [first, ...rest] = list;
  if (first === undefined) return null;
  // A flow that belongs to a pod only has no process to be joined by.
  const processes = list.map(({ process, attribution }) => (attribution === 'pod' ? null : process));
  const root = processes[0];
  if (root != null) {
    if (processes.every(process => process === root)) return 'process';
    if (processes.every(process => process !== null && (process === root || ancestorsOf(process).includes(root))))
      return 'process_tree';
  }
  const pod = (o: Observation): string => (o.pod === null ? '' : `${o.pod.namespace}/${o.pod.name}`);
  if (pod(first) !== '' && rest.every(other => pod(other) === pod(first))) return 'pod';
  const node = first.event.node;
  return node !== '' && rest.every(other => other.event.node === node) ? 'node' : null;
}

function compactEvents(list: readonly Observation[]): readonly CompactEvent[] | null {
  const labels = new Map<string, string>();
  const label = (execId: string): string => {
    const known = labels.get(execId) ?? `P${labels.size + 1}`;
    labels.set(execId, known);
    return known;
  };
  const from = list[0]?.event.time ?? 0;
  const events: CompactEvent[] = [];
  for (const observation of list) {
    const lookup = lookupBefore(observation, label);
    const compact = compactEvent(observation, label);
    if (compact === null) return null;
    const ms = Math.round((observation.event.time - from) / MICROS_PER_MS);
    const at = ms === 0 ? {} : { at: ms % 1_000 === 0 ? `${ms / 1_000}s` : `${ms}ms` };
    for (const event of lookup === null ? [compact] : [lookup, compact])
      events.push(
        Object.fromEntries(Object.entries(event).map(([type, body]) => [type, { ...at, ...(body as object) }])),
      );
  }
  return abridged(events);
}

/**
 * Sequences read plainly: every story that waits is a list of events, and every event is held against all of them. Slow and simple, to hold
 * the state machines to. Events are in order of time, no two at the same.
 */
import type { Process } from '../../src/model/process.ts';

export interface Happening {
  readonly time: number;
  readonly name: string;
  readonly process: Process | null;
  readonly pod: string | null;
  readonly node: string;
  /** Pods of a connection; null for what is none, `''` for an end outside. */
  readonly connection: { readonly from: string; readonly to: string } | null;
  /** What findings are compared by. */
  readonly text: string;
}

export interface StoryStep {
  readonly name: string;
  readonly runs: number;
  readonly absent: boolean;
  /** The value that must differ in each of the runs. */
  readonly distinct?: Value | undefined;
  /** The key that this step is joined by, where it is another than the story's. */
  readonly key?: Value | undefined;
}

type Value = (event: Happening) => string | null;

export type StoryBy = 'process' | 'process_tree' | 'pod' | 'node' | 'connection' | 'cwd';

export interface Story {
  readonly by: StoryBy;
  readonly steps: readonly StoryStep[];
  readonly within: number;
  readonly until: string;
  /** A flow of nobody may be taken for one of its pod's. */
  readonly fallback: boolean;
}

/** A story that has begun. */
interface Waiting {
  readonly filled: number;
  readonly key: string;
  readonly events: readonly Happening[];
  /** Pod of its first event, or node outside of pods. */
  readonly owner: string;
  /** A flow of nobody was taken for its next event already. */
  readonly guessed: boolean;
}

const ancestry = (process: Process | null): string[] =>
  process === null ? [] : [process.execId, ...ancestry(process.parent)];

export const cwdOf: Value = event => event.process?.facts.cwd || null;
export const binaryOf: Value = event => event.process?.facts.binary || null;

/** Keys that an event joins, nearest first. */
function keysOf(by: StoryBy, event: Happening): string[] {
  const { process, pod, node, connection } = event;
  if (by === 'process_tree') return ancestry(process);
  // A connection is of both its pods; a story that it continues goes on at its server.
  if (by === 'connection')
    return connection === null ? list(pod) : [...new Set([connection.from || pod, connection.to])].flatMap(list);
  const single = { process: process?.execId ?? null, pod, node, cwd: cwdOf(event) };
  return list(single[by]);
}

const list = (key: string | null): string[] => (key === null || key === '' ? [] : [key]);

function beginning(by: StoryBy, event: Happening): string | undefined {
  const { connection, pod } = event;
  if (by !== 'connection' || connection === null) return keysOf(by, event)[0];
  return connection.to === (connection.from || pod) ? undefined : connection.to || undefined;
}

const movedTo = (by: StoryBy, step: StoryStep, key: string, { connection }: Happening): string =>
  by === 'connection' && step.key === undefined ? connection?.to || key : key;

const accepted = (by: StoryBy, step: StoryStep, event: Happening): string[] =>
  step.key === undefined ? keysOf(by, event) : list(step.key(event));

const begun = (by: StoryBy, step: StoryStep, event: Happening): string | undefined =>
  step.key === undefined ? beginning(by, event) : list(step.key(event))[0];

const ownerOf = (event: Happening): string => event.pod ?? `node ${event.node}`;
const lastOf = (one: Waiting): number => one.events.at(-1)!.time;

/** Texts of the events of every story told, joined by blanks. */
export function storiesOf(events: readonly Happening[], { by, steps, within, until, fallback }: Story): string[] {
  const wanted: { step: StoryStep; run: number }[] = [];
  /** Before position i, and at the end, these must not happen. */
  const forbidden: StoryStep[][] = [[]];
  for (const step of steps) {
    if (step.absent) forbidden.at(-1)!.push(step);
    else for (let run = 0; run < step.runs; run++) forbidden.push([]) && wanted.push({ step, run });
  }
  const end = wanted.length;
  const judgesLate = forbidden.at(-1)!.length > 0;
  const found: string[] = [];
  const tell = ({ events: chain }: Waiting): void => void found.push(chain.map(({ text }) => text).join(' '));
  const inTime = (one: Waiting, time: number): boolean => time - one.events[0]!.time <= within;
  let waiting: Waiting[] = [];

  /** Whether `event` is the next that the story waits for, whoever did it. */
  const fits = (one: Waiting, event: Happening): boolean => {
    const next = wanted[one.filled];
    if (next === undefined || next.step.name !== event.name) return false;
    if (next.step.distinct === undefined) return true;
    const value = next.step.distinct(event);
    const before = one.events.slice(one.events.length - next.run).map(next.step.distinct);
    return value !== null && !before.includes(value);
  };

  for (const [i, event] of events.entries()) {
    // A last absent step is decided when the window has passed.
    for (const one of waiting) if (one.filled === end && !inTime(one, event.time)) tell(one);
    waiting = waiting.filter(one => inTime(one, event.time));
    if (event.name === until) waiting = waiting.filter(one => !keysOf(by, event).includes(one.key));
    let told = false;
    /** Tells a story that is whole, or lets it wait. */
    const settle = (one: Waiting, into: Waiting[]): void => {
      if (one.filled < end || judgesLate) into.push(one);
      // One event ends one story, that of the nearest beginning.
      else if (!told) {
        tell(one);
        told = true;
      }
    };
    const nobodys = event.process === null && event.connection !== null;
    const stays = new Set(waiting);
    const moved: Waiting[] = [];
    for (let at = end - 1; at >= 0; at--) {
      const { step } = wanted[at]!;
      const here = waiting.filter(one => one.filled === at && stays.has(one));
      const keys = accepted(by, step, event);
      let joined = false;
      for (const key of keys) {
        for (const one of here.filter(other => other.key === key && fits(other, event))) {
          joined = true;
          stays.delete(one);
          const next = { ...one, filled: at + 1, key: movedTo(by, step, key, event), events: [...one.events, event] };
          settle({ ...next, guessed: false }, moved);
        }
      }
      if (fallback && !joined) {
        const own = here.filter(one => one.owner === ownerOf(event)).sort((a, b) => lastOf(a) - lastOf(b));
        const guess = nobodys ? own.at(-1) : own.find(one => one.key === `pod ${event.pod}`);
        if (event.pod !== null && guess !== undefined && !guess.guessed && fits(guess, event)) {
          stays.delete(guess);
          moved.push({ ...guess, guessed: true });
          settle({ ...guess, filled: at + 1, events: [...guess.events, event] }, moved);
        }
      }
    }
    const forbids = (one: Waiting): boolean =>
      forbidden[one.filled]!.some(step => step.name === event.name && accepted(by, step, event).includes(one.key));
    const kept = waiting.filter(one => stays.has(one) && !forbids(one));

    const first = wanted[0]!.step;
    const key = fallback && nobodys ? (event.pod === null ? undefined : `pod ${event.pod}`) : begun(by, first, event);
    const isHeralded = events
      .slice(0, i)
      .some(before =>
        forbidden[0]!.some(
          step =>
            step.name === before.name &&
            event.time - before.time <= within &&
            accepted(by, first, event).includes(begun(by, step, before) ?? '\0'),
        ),
      );
    const value = first.distinct === undefined ? '' : first.distinct(event);
    if (key !== undefined && event.name === first.name && value !== null && !isHeralded)
      settle({ filled: 1, key, events: [event], owner: ownerOf(event), guessed: false }, moved);

    // One waits at a place and key: the newest, but what waits for its window to pass is not put off.
    const all = [...kept, ...moved];
    waiting = all.filter(one => {
      const rivals = all.filter(other => other.filled === one.filled && other.key === one.key);
      const oldest = rivals.reduce((a, b) => (lastOf(b) < lastOf(a) ? b : a));
      const newest = rivals.reduce((a, b) => (lastOf(b) >= lastOf(a) ? b : a));
      return one === (one.filled === end ? oldest : newest);
    });
  }
  for (const one of waiting) if (one.filled === end) tell(one);
  return found;
}

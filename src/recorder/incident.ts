/**
 * An incident out of the recording: everything that its pods and process trees did around it, in the order in which it was
 * processed, with the exec records that make the ancestry whole, so that a replay finds the same again. Of a long recording
 * only the blocks are read that the index says may hold some of it.
 */
import { type Event, isProcessEvent, type ProcessEvent, STREAM_FACT_KINDS } from '../model/event.ts';
import { LIMITS } from '../model/limits.ts';
import type { Micros } from '../model/time.ts';
import { holdsAny } from './blocks.ts';
import { childKey, execKey, kindBit, kindBits, podKey, processKey } from './keys.ts';
import type { FlightRecorder, StoredBlock } from './recorder.ts';
import type { Recorded } from './records.ts';

export interface Selection {
  /** `namespace/name`. */
  readonly pods: ReadonlySet<string>;
  /** exec_ids; their descendants belong to it too, in whatever pod. */
  readonly trees: ReadonlySet<string>;
  /** Without what came from here on there is no story; `from` may lie before what is recorded. Micros. */
  readonly needed: Micros;
  /** Micros, both inclusive. */
  readonly from: Micros;
  readonly to: Micros;
  /** Namespaces that the reader may see, or null for all: of other pods and of the host only exec records of ancestors. */
  readonly namespaces: readonly string[] | null;
}

type Recording = Pick<FlightRecorder, 'blocks' | 'carried' | 'decoder' | 'oldest'>;

interface Known {
  readonly parent: string;
  readonly pod: string;
  /** Number of its newest exec record from before the selected time; 0 when there is none. */
  exec: number;
  /** It had ended before the selected time began. */
  gone: boolean;
  /** It did something in the selected time. */
  seen: boolean;
}

const PROCESSES_MAX = LIMITS.processesMax;
/** Read of what a story's pods did before its time, to know who lived when it began. */
const LIVED_EVENTS_MAX = 100_000;
/** What was missed is part of every story. */
const STREAM_BITS = kindBits(STREAM_FACT_KINDS);
const LIFE_BITS = kindBit('process_exec') | kindBit('process_exit');

/** The selected events, in order; null when the recorder does not reach back to their beginning. */
export async function incidentEvents(recorder: Recording, selection: Selection): Promise<AsyncGenerator<Event> | null> {
  const { oldest } = recorder;
  if (oldest === null || oldest > selection.needed) return null;
  const chosen = await new Choice(recorder, selection).make();
  return chosen.own.size === 0 ? null : events(recorder, selection, chosen);
}

interface Chosen {
  /** Whose events belong to it. */
  readonly own: ReadonlySet<string>;
  /** Whose exec records are needed, ancestors included. */
  readonly lineage: ReadonlySet<string>;
  /** Which exec records from before the selected time are needed. */
  readonly before: ReadonlySet<number>;
}

/** Looks until nothing new turns up: a process found may have children elsewhere, and ancestors long before. */
class Choice {
  readonly #recorder: Recording;
  readonly #selection: Selection;
  readonly #processes = new Map<string, Known>();
  /** Numbers of the first lines of blocks that were read. */
  readonly #read = new Set<number>();
  /** What to look for anywhere up to the end of the selected time. */
  #keys = new Set<number>();

  constructor(recorder: Recording, selection: Selection) {
    this.#recorder = recorder;
    this.#selection = selection;
  }

  async make(): Promise<Chosen> {
    const { pods, trees } = this.#selection;
    for (const id of trees) this.#wantTree(id);
    const podKeys = keysOf(pods);
    for await (const part of this.#recorder.carried()) this.#noteAll(part, 0);
    const { from } = this.#selection;
    const inTime = (block: StoredBlock): boolean => newestIn(block) >= from;
    await this.#look(block => holdsAny(block, podKeys) && inTime(block));
    // Of what the pods did before the time, only who lived then; who started whom is looked for by itself, however long ago.
    await this.#look(block => holdsAny(block, podKeys) && (block.kinds & LIFE_BITS) !== 0, LIVED_EVENTS_MAX);
    let own = this.#own();
    for (let before = -1; before !== this.#processes.size; own = this.#own()) {
      before = this.#processes.size;
      this.#keys = new Set();
      for (const id of [...trees, ...own]) this.#wantTree(id);
      for (const id of this.#lineage(own)) if (!this.#hasExec(id)) this.#keys.add(execKey(id));
      const keys = this.#keys;
      await this.#look(block => holdsAny(block, keys));
    }
    const lineage = this.#lineage(own);
    const before = new Set<number>();
    for (const id of lineage) before.add(this.#processes.get(id)?.exec ?? 0);
    return { own, lineage, before };
  }

  #wantTree(id: string): void {
    this.#keys.add(processKey(id));
    this.#keys.add(childKey(id));
  }

  #hasExec(id: string): boolean {
    const known = this.#processes.get(id);
    return known !== undefined && known.exec !== 0;
  }

  /** The newest first, in blocks of at most so many events. */
  async #look(wanted: (block: StoredBlock) => boolean, eventsMax = Number.POSITIVE_INFINITY): Promise<void> {
    const decoder = this.#recorder.decoder();
    const range = { from: 0, to: this.#selection.to, newestFirst: true };
    let events = 0;
    for await (const block of this.#recorder.blocks(range, b => !this.#read.has(b.first) && wanted(b))) {
      events += block.count;
      if (events > eventsMax) return;
      this.#read.add(block.first);
      this.#noteAll(await block.events(decoder), block.before);
    }
  }

  #noteAll(part: readonly Recorded[], before: Micros): void {
    const { from, to } = this.#selection;
    let now = before;
    for (const { event, seq } of part) {
      if (seq > 0 && event.time > now) now = event.time;
      if (now > to) return;
      if (isProcessEvent(event)) this.#note(event, seq, seq > 0 && now >= from);
    }
  }

  /** In any order: blocks are found in several rounds. */
  #note(event: ProcessEvent, seq: number, inTime: boolean): void {
    const { process, kind } = event;
    const before = this.#processes.get(process.execId);
    const known = before ?? {
      parent: process.parentExecId,
      pod: process.pod === null ? '' : `${process.pod.namespace}/${process.pod.name}`,
      exec: 0,
      gone: false,
      seen: false,
    };
    if (inTime) known.seen = true;
    else if (kind === 'process_exec') known.exec = known.exec === 0 ? seq : Math.max(known.exec, seq);
    else if (kind === 'process_exit') known.gone = true;
    if (before === undefined && this.#processes.size < PROCESSES_MAX) this.#processes.set(process.execId, known);
  }

  #own(): Set<string> {
    const { pods, trees } = this.#selection;
    const own = new Set<string>();
    for (const [id, { pod }] of this.#processes) if (pods.has(pod) || this.#descends(id, trees)) own.add(id);
    return own;
  }

  #descends(id: string, trees: ReadonlySet<string>): boolean {
    let at = id;
    for (let depth = 0; at !== '' && depth < LIMITS.ancestryDepthMax; depth++) {
      if (trees.has(at)) return true;
      at = this.#processes.get(at)?.parent ?? '';
    }
    return false;
  }

  #lineage(own: ReadonlySet<string>): Set<string> {
    const lineage = new Set<string>();
    for (const id of own) {
      const process = this.#processes.get(id);
      if (process === undefined || (process.gone && !process.seen)) continue;
      for (let at = id; at !== '' && !lineage.has(at); at = this.#processes.get(at)?.parent ?? '') lineage.add(at);
    }
    return lineage;
  }
}

/** The time of an event is the newest so far: boot scans carry old ones. */
const newestIn = ({ before, to }: StoredBlock): Micros => Math.max(before, to);

function keysOf(pods: ReadonlySet<string>): Set<number> {
  const keys = new Set<number>();
  for (const pod of pods) {
    const slash = pod.indexOf('/');
    keys.add(podKey(pod.slice(0, slash), pod.slice(slash + 1)));
  }
  return keys;
}

async function* events(recorder: Recording, selection: Selection, chosen: Chosen): AsyncGenerator<Event> {
  const { from, to, pods } = selection;
  for await (const part of recorder.carried()) {
    for (const { event, seq } of part) if (chosen.before.has(seq)) yield event;
  }
  const keys = keysOf(pods);
  for (const id of chosen.own) keys.add(processKey(id));
  for (const id of chosen.lineage) keys.add(execKey(id));
  const numbers = [...chosen.before].filter(seq => seq > 0).sort((a, b) => a - b);
  const isNeededBefore = ({ first, count }: StoredBlock): boolean => {
    const next = numbers[lowerBound(numbers, first)];
    return next !== undefined && next < first + count;
  };
  const wanted = (block: StoredBlock): boolean =>
    isNeededBefore(block) || (newestIn(block) >= from && ((block.kinds & STREAM_BITS) !== 0 || holdsAny(block, keys)));
  const decoder = recorder.decoder();
  for await (const block of recorder.blocks({ from: 0, to }, wanted)) {
    let now = block.before;
    for (const { event, seq } of await block.events(decoder)) {
      if (event.time > now) now = event.time;
      if (now > to) return;
      if (now >= from ? belongs(event, selection, chosen) : chosen.before.has(seq)) yield event;
    }
  }
}

/** Index of the first number that is not below `n`. */
function lowerBound(numbers: readonly number[], n: number): number {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((numbers[middle] as number) < n) low = middle + 1;
    else high = middle;
  }
  return low;
}

function belongs(event: Event, { pods, namespaces }: Selection, { own, lineage }: Chosen): boolean {
  if (event.kind === 'flow') {
    return [event.sourceEndpoint, event.destinationEndpoint].some(
      end => end !== null && end.podName !== '' && pods.has(`${end.namespace}/${end.podName}`),
    );
  }
  // Losses and throttles: what was not seen is part of the story.
  if (!isProcessEvent(event)) return true;
  const { execId, pod } = event.process;
  if (event.kind === 'process_exec' && lineage.has(execId)) return true;
  return own.has(execId) && (namespaces === null || (pod !== null && namespaces.includes(pod.namespace)));
}

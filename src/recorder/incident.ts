/**
 * An incident out of the recording: everything that its pods and process trees did around it, in the order in which it was
 * processed, with the exec records that make the ancestry whole, so that a replay finds the same again.
 */
import { type Event, isProcessEvent, type ProcessEvent } from '../model/event.ts';
import { LIMITS } from '../model/limits.ts';
import type { Micros } from '../model/time.ts';
import type { FlightRecorder } from './recorder.ts';

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

/** The selected events, in order; null when the recorder does not reach back to their beginning. */
export async function incidentEvents(
  recorder: Pick<FlightRecorder, 'read' | 'oldest'>,
  selection: Selection,
): Promise<AsyncGenerator<Event> | null> {
  const { oldest } = recorder;
  if (oldest === null || oldest > selection.needed) return null;
  const chosen = await choose(recorder, selection);
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

async function choose(recorder: Pick<FlightRecorder, 'read'>, selection: Selection): Promise<Chosen> {
  const processes = new Map<string, Known>();
  for await (const { event, seq, inTime } of timed(recorder, selection)) {
    if (isProcessEvent(event)) note(processes, event, seq, inTime);
  }
  const own = new Set<string>();
  for (const [id, { pod }] of processes) {
    if (selection.pods.has(pod) || descends(processes, id, selection.trees)) own.add(id);
  }
  const lineage = new Set<string>();
  for (const id of own) {
    const process = processes.get(id);
    if (process === undefined || (process.gone && !process.seen)) continue;
    for (let at = id; at !== '' && !lineage.has(at); at = processes.get(at)?.parent ?? '') lineage.add(at);
  }
  const before = new Set<number>();
  for (const id of lineage) before.add(processes.get(id)?.exec ?? 0);
  return { own, lineage, before };
}

function note(processes: Map<string, Known>, event: ProcessEvent, seq: number, inTime: boolean): void {
  const { process, kind } = event;
  const before = processes.get(process.execId);
  const known = before ?? {
    parent: process.parentExecId,
    pod: process.pod === null ? '' : `${process.pod.namespace}/${process.pod.name}`,
    exec: 0,
    gone: false,
    seen: false,
  };
  if (inTime) known.seen = true;
  else if (kind === 'process_exec') known.exec = seq;
  else if (kind === 'process_exit') known.gone = true;
  if (before === undefined && processes.size < PROCESSES_MAX) processes.set(process.execId, known);
}

function descends(processes: ReadonlyMap<string, Known>, id: string, trees: ReadonlySet<string>): boolean {
  let at = id;
  for (let depth = 0; at !== '' && depth < LIMITS.ancestryDepthMax; depth++) {
    if (trees.has(at)) return true;
    at = processes.get(at)?.parent ?? '';
  }
  return false;
}

async function* events(
  recorder: Pick<FlightRecorder, 'read'>,
  selection: Selection,
  chosen: Chosen,
): AsyncGenerator<Event> {
  for await (const { event, seq, inTime } of timed(recorder, selection)) {
    if (inTime ? belongs(event, selection, chosen) : chosen.before.has(seq)) yield event;
  }
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

interface Timed {
  readonly event: Event;
  /** Its number; carried exec records have negative ones. */
  readonly seq: number;
  readonly inTime: boolean;
}

/** Events up to the end of the selected time, by the newest event time so far: boot scans carry old times. */
async function* timed(
  recorder: Pick<FlightRecorder, 'read'>,
  { from, to }: Pick<Selection, 'from' | 'to'>,
): AsyncGenerator<Timed> {
  let now: Micros = 0;
  for await (const part of recorder.read(segment => segment.from <= to)) {
    for (const { event, seq } of part) {
      if (seq > 0 && event.time > now) now = event.time;
      if (now > to) return;
      yield { event, seq, inTime: seq > 0 && now >= from };
    }
  }
}

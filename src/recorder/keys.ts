/**
 * What a block of the recording is found by: 32-bit hashes of pods, namespaces and processes. Two texts with one hash make a
 * reading look at a block in vain, and nothing else.
 */
import { type Endpoint, EVENT_KINDS, type Event, type EventKind, isProcessEvent } from '../model/event.ts';
import type { ProcessFacts } from '../model/process.ts';

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

function hash(text: string): number {
  let h = FNV_OFFSET | 0;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), FNV_PRIME);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  return Math.imul(h ^ (h >>> 13), 0xc2b2ae35) | 0;
}

/** Events of a pod's processes, and flows with it at an end. */
export const podKey = (namespace: string, name: string): number => hash(`p${namespace}/${name}`);
/** The same for all pods of a namespace. */
export const namespaceKey = (namespace: string): number => hash(`n${namespace}`);
/** Events of a process. */
export const processKey = (execId: string): number => hash(`x${execId}`);
/** Its exec record. */
export const execKey = (execId: string): number => hash(`e${execId}`);
/** Events of processes that this one started. */
export const childKey = (execId: string): number => hash(`c${execId}`);

const BITS = new Map<EventKind, number>(EVENT_KINDS.map((kind, at) => [kind, 1 << at]));

/** A bit a kind. */
export const kindBit = (kind: EventKind): number => BITS.get(kind) ?? 0;
export const kindBits = (kinds: Iterable<EventKind>): number => {
  let bits = 0;
  for (const kind of kinds) bits |= kindBit(kind);
  return bits;
};

/** Decoders give the same block of facts as long as its content is the same. */
const ofProcess = new WeakMap<ProcessFacts, readonly number[]>();
const ofEndpoint = new WeakMap<Endpoint, readonly number[]>();
const NONE: readonly number[] = [];

function processKeys(facts: ProcessFacts): readonly number[] {
  let keys = ofProcess.get(facts);
  if (keys === undefined) {
    const { pod, execId, parentExecId } = facts;
    keys = [
      processKey(execId),
      childKey(parentExecId),
      ...(pod === null ? [] : [podKey(pod.namespace, pod.name), namespaceKey(pod.namespace)]),
    ];
    ofProcess.set(facts, keys);
  }
  return keys;
}

function endpointKeys(end: Endpoint | null): readonly number[] {
  if (end === null || end.podName === '') return NONE;
  let keys = ofEndpoint.get(end);
  if (keys === undefined) {
    keys = [podKey(end.namespace, end.podName), namespaceKey(end.namespace)];
    ofEndpoint.set(end, keys);
  }
  return keys;
}

export function addKeys(event: Event, keys: Set<number>): void {
  if (isProcessEvent(event)) {
    for (const key of processKeys(event.process)) keys.add(key);
    if (event.kind === 'process_exec') keys.add(execKey(event.process.execId));
  } else if (event.kind === 'flow') {
    for (const key of endpointKeys(event.sourceEndpoint)) keys.add(key);
    for (const key of endpointKeys(event.destinationEndpoint)) keys.add(key);
  }
}

/** `pod.*`, `container.*`, `node.*`, `cluster.*`, `event.*`, `exit.*`, `stream.*`: where it happened, and what kind of event it was. */
import { isProcessEvent, type StreamFact } from '../../model/event.ts';
import type { Observation } from '../../model/observation.ts';
import type { ContainerFacts, PodFacts, Process } from '../../model/process.ts';
import { MICROS_PER_MS } from '../../model/time.ts';
import {
  ALL_KINDS,
  type Field,
  type FieldFamily,
  type FieldGetter,
  type FieldType,
  type FieldValue,
  STREAM_KINDS,
  SUBJECT_KINDS,
} from './field.ts';

/** The observation's pod; of an ancestor, its own. */
const podOf = (o: Observation, subject: Process | null): PodFacts | null =>
  subject === o.process ? o.pod : (subject?.pod ?? null);

function podField(name: string, type: FieldType, get: (pod: PodFacts) => FieldValue, describe: string): Field {
  return {
    name: `pod.${name}`,
    type,
    kinds: SUBJECT_KINDS,
    describe,
    requires: [],
    get: (o, subject) => {
      const pod = podOf(o, subject);
      return pod === null ? null : get(pod);
    },
  };
}

type ContainerGetter = (container: ContainerFacts, o: Observation) => FieldValue;

function containerField(name: string, type: FieldType, get: ContainerGetter, describe: string): Field {
  return {
    name: `container.${name}`,
    type,
    kinds: SUBJECT_KINDS,
    describe,
    requires: [],
    get: (o, subject) => {
      const container = podOf(o, subject)?.container ?? null;
      return container === null ? null : get(container, o);
    },
  };
}

const containerId: FieldGetter = (o, subject) => podOf(o, subject)?.container?.id || (subject?.facts.docker ?? '');

function streamField(name: string, type: FieldType, get: (fact: StreamFact) => FieldValue, describe: string): Field {
  return {
    name: `stream.${name}`,
    type,
    kinds: STREAM_KINDS,
    describe,
    requires: [],
    get: o => ('count' in o.event ? get(o.event) : null),
  };
}

const everywhere = (name: string, get: FieldGetter, describe: string): Field => ({
  name,
  type: 'string',
  kinds: ALL_KINDS,
  get,
  describe,
  requires: [],
});

export const placeFields: readonly Field[] = [
  podField('namespace', 'string', pod => pod.namespace, 'namespace of the pod'),
  podField('name', 'string', pod => pod.name, 'name of the pod'),
  podField('uid', 'string', pod => pod.uid, 'uid of the pod'),
  podField('workload', 'string', pod => pod.workload, 'name of its workload'),
  podField('workload_kind', 'string', pod => pod.workloadKind, 'Deployment, DaemonSet, Job, …'),
  {
    name: 'container.id',
    type: 'string',
    kinds: SUBJECT_KINDS,
    get: containerId,
    describe: 'container id with its runtime scheme; without pod facts its first 31 characters',
    requires: [],
  },
  containerField('name', 'string', c => c.name, 'name of the container'),
  containerField('image.id', 'string', c => c.imageId, 'image id, usually with its digest'),
  containerField('image.name', 'string', c => c.imageName, 'image name with its tag'),
  containerField('start_time', 'instant', c => c.startTime, 'when the container started'),
  containerField(
    'age_ms',
    'number',
    (c, o) => (c.startTime === null ? null : (o.event.time - c.startTime) / MICROS_PER_MS),
    'milliseconds from the start of the container to the event; absent when its start is unknown',
  ),
  containerField('privileged', 'boolean', c => c.privileged, 'true for a privileged container'),
  containerField(
    'maybe_exec_probe',
    'boolean',
    c => c.maybeExecProbe,
    'the process may be an exec probe of the kubelet',
  ),
  everywhere('node.name', o => o.event.node, 'node on which it happened'),
  everywhere('cluster.name', o => o.event.cluster, 'cluster in which it happened'),
  {
    name: 'event.time',
    type: 'instant',
    kinds: ALL_KINDS,
    get: o => o.event.time,
    describe: 'when it happened',
    requires: [],
  },
  everywhere('event.kind', o => o.event.kind, 'kind of the event: process_exec, flow, …'),
  {
    name: 'exit.signal',
    type: 'string',
    kinds: ['process_exit'],
    get: o => (isProcessEvent(o.event) ? o.event.signal : ''),
    describe: 'signal that ended the process: SIGKILL',
    requires: [],
  },
  {
    name: 'exit.status',
    type: 'number',
    kinds: ['process_exit'],
    get: o => (isProcessEvent(o.event) ? o.event.status : null),
    describe: 'exit status; absent after a signal',
    requires: [],
  },
  streamField('reason', 'string', f => f.reason, 'who lost events, the change of a node, or the type of throttling'),
  streamField('count', 'number', f => f.count, 'events lost'),
  streamField('message', 'string', f => f.message, 'message of the sensor'),
  streamField('nodes', 'strings', f => f.nodeNames, 'nodes concerned'),
  streamField('cgroup', 'string', f => f.cgroup, 'throttled cgroup'),
];

export const placeFamilies: readonly FieldFamily[] = [
  {
    pattern: 'pod.labels.<NAME>',
    prefix: 'pod.labels.',
    type: 'string',
    kinds: SUBJECT_KINDS,
    describe: 'value of a label of the pod',
    requires: [],
    make: name => (o, subject) => own(podOf(o, subject)?.labels, name),
  },
  {
    pattern: 'pod.annotations.<NAME>',
    prefix: 'pod.annotations.',
    type: 'string',
    kinds: SUBJECT_KINDS,
    describe: 'value of an annotation of the pod',
    requires: ['tetragon.pod_annotations'],
    make: name => (o, subject) => own(podOf(o, subject)?.annotations, name),
  },
];

function own(record: Readonly<Record<string, string>> | undefined, name: string): string {
  return record !== undefined && Object.hasOwn(record, name) ? (record[name] ?? '') : '';
}

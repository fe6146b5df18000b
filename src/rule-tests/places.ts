/** Pods of a rule's test, with everything that the author left out. What is said of a pod holds from then on. */
import { digest } from '../model/hash.ts';
import { formatInstant, MICROS_PER_SECOND, type Micros } from '../model/time.ts';
import type { Given } from './given.ts';

export type Json = Readonly<Record<string, unknown>>;

/** Where a test's time begins: 2026-01-01T00:00:00Z. */
export const TEST_EPOCH: Micros = 1_767_225_600 * MICROS_PER_SECOND;

const CONTAINER_AGE: Micros = 600 * MICROS_PER_SECOND;
const POD_NAME = /^[^/\s:]+\/[^/\s:]+$/;

/** A pod, or the host. */
export interface Place {
  /** `namespace/name`, or null for the host. */
  readonly pod: string | null;
  readonly namespace: string;
  readonly name: string;
  readonly ip: string;
  readonly workload: string;
  readonly workloadKind: string;
  readonly labels: Readonly<Record<string, string>>;
  /** As Tetragon exports it. */
  readonly container: Json;
}

export const HOST: Place = {
  pod: null,
  namespace: '',
  name: '',
  ip: '192.168.1.10',
  workload: '',
  workloadKind: '',
  labels: {},
  container: {},
};

export class Places {
  readonly #places = new Map<string, Place>();

  /** The pod that the event names with what it says of it; else `inherited`; else the host. */
  of(given: Given, inherited: Place | null): Place {
    const named = given.text('pod');
    const workload = given.text('workload');
    const workloadKind = given.text('workload_kind');
    const labels = given.object('labels') as Readonly<Record<string, string>> | null;
    const container = containerOf(given);
    if (named === null) return inherited ?? HOST;
    const known = this.named(named);
    if (known === null) throw given.bad(`pod must be namespace/name, not '${named}'`);
    const place: Place = {
      ...known,
      workload: workload ?? known.workload,
      workloadKind: workloadKind ?? known.workloadKind,
      labels: labels ?? known.labels,
      container: { ...known.container, ...container },
    };
    this.#places.set(named, place);
    return place;
  }

  /** The pod of that name, made up when it is new; null when the text is no pod's name. */
  named(name: string): Place | null {
    if (!POD_NAME.test(name)) return null;
    const known = this.#places.get(name);
    if (known !== undefined) return known;
    const [namespace = '', podName = ''] = name.split('/');
    const workload = workloadOf(podName);
    const number = this.#places.size + 2;
    const place: Place = {
      pod: name,
      namespace,
      name: podName,
      ip: `10.244.${1 + (number >> 8)}.${number & 255}`,
      workload,
      workloadKind: 'Deployment',
      labels: { app: workload },
      container: {
        id: `containerd://${digest(name)}${digest(`${name} container`)}`,
        name: workload,
        image: {
          id: `registry.example/${workload}@sha256:${digest(workload)}`,
          name: `registry.example/${workload}:1.0`,
        },
        start_time: formatInstant(TEST_EPOCH - CONTAINER_AGE),
        pid: 1,
      },
    };
    this.#places.set(name, place);
    return place;
  }
}

/** What the event says of its container, in the export's shape. */
function containerOf(given: Given): Json {
  const name = given.text('container');
  const image = given.text('image');
  const age = given.duration('container_age');
  const privileged = given.flag('privileged');
  const probe = given.flag('exec_probe');
  return {
    ...(name === null ? {} : { name }),
    ...(image === null ? {} : { image: { id: `${image}@sha256:${digest(image)}`, name: image } }),
    ...(age === null ? {} : { start_time: formatInstant(TEST_EPOCH - age) }),
    ...(privileged === null ? {} : { security_context: { privileged } }),
    ...(probe === null ? {} : { maybe_exec_probe: probe }),
  };
}

/** `cart-6d4cf56db6-x7k2p` → `cart`; `job-abc12` → `job`; `db-0` → `db`. */
function workloadOf(name: string): string {
  return name.replace(/-[a-f0-9]{8,10}-[a-z0-9]{5}$/, '').replace(/-([a-z0-9]{5}|\d{1,3})$/, '') || name;
}

/** The pod as a Tetragon process block names it; nothing on hosts. */
export function podBlock(place: Place): Json {
  if (place.pod === null) return {};
  const id = String(place.container.id);
  return {
    pod: {
      namespace: place.namespace,
      name: place.name,
      uid: digest(`${place.pod} uid`),
      container: place.container,
      pod_labels: place.labels,
      workload: place.workload,
      workload_kind: place.workloadKind,
    },
    docker: id.slice('containerd://'.length, 'containerd://'.length + 31),
  };
}

/** The pod as an end of a flow. */
export function podEndpoint(place: Place): Json {
  const labels = Object.entries(place.labels).map(([key, value]) => `k8s:${key}=${value}`);
  return {
    ID: 1_000 + Number.parseInt(digest(place.name).slice(0, 3), 16),
    identity: 10_000 + Number.parseInt(digest(place.workload).slice(0, 3), 16),
    namespace: place.namespace,
    labels: [...labels, `k8s:io.kubernetes.pod.namespace=${place.namespace}`],
    pod_name: place.name,
    workloads: [{ name: place.workload, kind: place.workloadKind }],
  };
}

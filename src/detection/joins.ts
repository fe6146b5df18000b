/** What ties the steps of a sequence together: under which key a first step starts, and which keys a later one may join. */
import type { Peer } from '../model/connection.ts';
import { LIMITS } from '../model/limits.ts';
import type { Observation } from '../model/observation.ts';
import type { Process } from '../model/process.ts';
import type { Correlation } from '../rules/rule.ts';
import { type FieldLookup, type FieldReader, podOf, readersOf, readKey } from './fields.ts';

export interface Join {
  /** Key of a partial that begins with this observation; null: it never joins. */
  start(observation: Observation): string | null;
  /** Keys of the partials that this observation may continue, the nearest first; none: it never joins. */
  accepts(observation: Observation): readonly string[];
  /** Key of a partial under `key` after this observation has continued it. */
  follow(key: string, observation: Observation): string;
}

const NONE: readonly string[] = [];

/** All steps carry the same key. */
function byKey(keyOf: (observation: Observation) => string | null): Join {
  return {
    start: keyOf,
    accepts(observation) {
      const key = keyOf(observation);
      return key === null ? NONE : [key];
    },
    follow: key => key,
  };
}

/**
 * The process and what it descends from, nearest first. A process that replaced another image by exec continues it, so the
 * replaced image comes before the parent.
 */
function lineage(process: Process): string[] {
  const chain: string[] = [];
  let at: Process | null = process;
  while (at !== null && chain.length < LIMITS.ancestryDepthMax && !chain.includes(at.execId)) {
    chain.push(at.execId);
    at = at.replaced ?? at.parent;
  }
  return chain;
}

/** Descendants of earlier steps' processes all descend from the first one's, whose exec_id is therefore the key. */
const byTree: Join = {
  start: observation => observation.process?.execId ?? null,
  accepts: observation => (observation.process === null ? NONE : lineage(observation.process)),
  follow: key => key,
};

function peerPod(peer: Peer): string | null {
  const endpoint = peer.endpoint;
  return endpoint === null || endpoint.podName === '' ? null : `${endpoint.namespace}/${endpoint.podName}`;
}

/** Where an observation leaves from and where it leads: a connection leads from its client's pod to its server's. */
function clientPod(observation: Observation): string | null {
  const connection = observation.connection;
  return connection === null ? podOf(observation) : (peerPod(connection.client) ?? podOf(observation));
}

function serverPod(observation: Observation): string | null {
  const connection = observation.connection;
  return connection === null ? null : peerPod(connection.server);
}

/** The key is the pod that the story has reached: a connection from there moves it on to the destination's pod. */
const byConnection: Join = {
  start(observation) {
    const from = clientPod(observation);
    if (observation.connection === null) return from;
    const to = serverPod(observation);
    // A connection within one pod leads nowhere, and one to the outside where nothing more is seen.
    return to === from ? null : to;
  },
  accepts(observation) {
    const from = clientPod(observation);
    const to = serverPod(observation);
    const keys: string[] = [];
    if (from !== null) keys.push(from);
    if (to !== null && to !== from) keys.push(to);
    return keys;
  },
  follow(key, observation) {
    return serverPod(observation) ?? key;
  },
};

function byFields(readers: readonly FieldReader[]): Join {
  return byKey(observation => readKey(readers, observation));
}

/** The join of one step: its own `by` fields where it has them, else the sequence's correlation. */
export function joinOf(by: Correlation, stepFields: readonly string[] | null, lookup: FieldLookup): Join {
  if (stepFields !== null) return byFields(readersOf(stepFields, lookup));
  switch (by.type) {
    case 'process':
      return byKey(observation => observation.process?.execId ?? null);
    case 'process_tree':
      return byTree;
    case 'pod':
      return byKey(podOf);
    case 'node':
      return byKey(observation => (observation.event.node === '' ? null : observation.event.node));
    case 'connection':
      return byConnection;
    case 'fields':
      return byFields(readersOf(by.fields, lookup));
  }
}

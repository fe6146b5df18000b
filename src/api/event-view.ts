/** Events of the joined stream as the API gives them, and what a caller may see of them. */
import { z } from 'zod';
import { EVENT_KINDS, isProcessEvent } from '../model/event.ts';
import type { Observation } from '../model/observation.ts';
import { formatInstant } from '../model/time.ts';
import { sees } from './auth.ts';
import type { Scope } from './deps.ts';
import type { EventsPort } from './events-port.ts';
import { attributionSchema } from './schemas.ts';

export const eventSchema = z
  .object({
    id: z.string().describe('of the recording’s events, it stays the same'),
    time: z.string(),
    kind: z.enum(EVENT_KINDS),
    node: z.string(),
    pod: z.string().nullable().describe('namespace/name of where it happened; null on hosts'),
    process: z
      .object({ exec_id: z.string(), pid: z.number(), binary: z.string(), arguments: z.string() })
      .nullable()
      .describe('a flow’s is the one that it is attributed to'),
    attribution: attributionSchema.nullable(),
    what: z.string().describe('what happened, in one line of unescaped text'),
    fields: z
      .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]))
      .describe('the fields of the catalogue that it carries'),
    raw: z.unknown().describe('the record as the sensor’s export prints it'),
  })
  .meta({ id: 'Event', description: 'One event of the joined stream' });

export type EventView = z.infer<typeof eventSchema>;

const podOf = (end: { readonly namespace: string; readonly podName: string } | null | undefined): string | null =>
  end == null || end.podName === '' ? null : `${end.namespace}/${end.podName}`;

/** Both ends of a flow, and the pod of a process. */
export function podsOf({ event, pod }: Observation): (string | null)[] {
  const own = pod === null ? null : `${pod.namespace}/${pod.name}`;
  return event.kind === 'flow' ? [own, podOf(event.sourceEndpoint), podOf(event.destinationEndpoint)] : [own];
}

const namespaceOf = (pod: string): string => pod.slice(0, pod.indexOf('/'));

/**
 * What a caller may know of an event, or null for nothing. Flows are for those who see either end; whose process it was, only
 * for those who see that process.
 */
export function visibleTo(observation: Observation, scope: Scope): Observation | null {
  if (scope === null) return observation;
  const { process, pod, event } = observation;
  if (event.kind !== 'flow') {
    return isProcessEvent(event) && pod !== null && sees(scope, pod.namespace) ? observation : null;
  }
  const ends = podsOf(observation).filter(each => each !== null);
  if (!ends.some(each => sees(scope, namespaceOf(each)))) return null;
  const hidesProcess = process !== null && !sees(scope, process.pod?.namespace ?? '');
  const hidesPod = pod !== null && !sees(scope, pod.namespace);
  if (!hidesProcess && !hidesPod) return observation;
  return {
    ...observation,
    process: hidesProcess ? null : process,
    pod: hidesPod ? null : pod,
    attribution: hidesProcess ? 'pod' : observation.attribution,
  };
}

function rawOf({ event }: Observation): unknown {
  try {
    return JSON.parse(event.raw.line());
  } catch {
    return event.raw.line();
  }
}

export function eventView(id: string, observation: Observation, { describe, values }: EventsPort): EventView {
  const { event, process, pod, attribution } = observation;
  return {
    id,
    time: formatInstant(event.time, event.ns),
    kind: event.kind,
    node: event.node,
    pod: pod === null ? null : `${pod.namespace}/${pod.name}`,
    process:
      process === null
        ? null
        : {
            exec_id: process.execId,
            pid: process.facts.pid,
            binary: process.facts.binary,
            arguments: process.facts.arguments,
          },
    attribution,
    what: describe(observation),
    fields: values(observation) as EventView['fields'],
    raw: rawOf(observation),
  };
}

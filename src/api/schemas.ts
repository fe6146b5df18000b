/** Shapes that several routes share, each with its name in the OpenAPI document. The compiler holds them to the types. */
import { z } from 'zod';
import type {
  Alert,
  AlertEndpoint,
  AlertEvidence,
  AlertFlow,
  AlertProcess,
  AlertRisk,
  Gap,
  Incident,
  IncidentState,
} from '../alerts/alert.ts';
import type { Attribution, PeerKind } from '../model/connection.ts';
import { formatInstant, parseInstant } from '../model/time.ts';
import { LEVELS, type Level } from '../rules/rule.ts';
import type { Page } from './deps.ts';
import { ID_BEGINNING_CHARS_MIN } from './whole-id.ts';

/** A time that the store keeps in milliseconds, as RFC 3339. */
export const timestamp = z.string().meta({ format: 'date-time' });
export const timestampOf = (ms: number): string => new Date(ms).toISOString();
export const timestampOrNull = (ms: number | null): string | null => (ms === null ? null : timestampOf(ms));

export const levelSchema: z.ZodType<Level> = z.enum(LEVELS);
const INCIDENT_STATES = ['open', 'acknowledged', 'resolved', 'merged'] as const satisfies readonly IncidentState[];
const ATTRIBUTIONS = ['socket', 'inferred', 'pod'] as const satisfies readonly Attribution[];
const PEER_KINDS = [
  'pod',
  'service',
  'host',
  'remote_node',
  'kube_apiserver',
  'ingress',
  'world',
  '',
] as const satisfies readonly PeerKind[];

export const attributionSchema: z.ZodType<Attribution> = z
  .enum(ATTRIBUTIONS)
  .describe('how well the process is known: by a socket event, inferred, or only its pod');

const processSchema: z.ZodType<AlertProcess> = z
  .object({
    exec_id: z.string(),
    pid: z.number(),
    binary: z.string(),
    arguments: z.string(),
    uid: z.number().nullable(),
    cwd: z.string(),
    start_time: z.string().nullable(),
  })
  .meta({ id: 'Process' });

export const endpointSchema: z.ZodType<AlertEndpoint> = z
  .object({
    ip: z.string(),
    port: z.number(),
    pod: z.string().nullable().describe('namespace/name'),
    names: z.array(z.string()).describe('DNS names of the address as the other side resolved it'),
    kind: z.enum(PEER_KINDS),
  })
  .meta({ id: 'Endpoint' });

const flowSchema: z.ZodType<AlertFlow> = z
  .object({
    time: z.string(),
    attribution: attributionSchema,
    protocol: z.string(),
    source: endpointSchema,
    destination: endpointSchema,
    verdict: z.string(),
    exec_id: z.string().nullable(),
  })
  .meta({ id: 'Flow' });

const evidenceSchema: z.ZodType<AlertEvidence> = z
  .object({ kind: z.string(), time: z.string(), step: z.string(), raw: z.unknown() })
  .meta({
    id: 'Evidence',
    description: 'An event behind an alert; `raw` is the record as the sensor’s export prints it',
  });

export const gapSchema: z.ZodType<Gap> = z
  .object({
    source: z.string(),
    node: z.string(),
    count: z.number().describe('lost events; 0 when unknown'),
    from: z.string(),
    to: z.string(),
    reason: z.string(),
  })
  .meta({ id: 'Gap', description: 'A period in which events are known to be lost' });

const riskSchema: z.ZodType<AlertRisk> = z
  .object({
    scope: z.enum(['process_tree', 'pod', 'workload']),
    name: z.string().describe("exec_id of the tree's root, or the name of the pod or workload"),
    score: z.number(),
    threshold: z.number(),
    message: z.string(),
    contributions: z
      .array(
        z.object({
          time: z.string(),
          alert_id: z.string(),
          rule: z.object({ id: z.string(), title: z.string(), level: levelSchema }),
          points: z.number(),
          process: z.object({ exec_id: z.string(), pid: z.number(), binary: z.string() }).nullable(),
          pod: z.string().nullable(),
        }),
      )
      .describe('oldest first'),
  })
  .meta({ id: 'Risk', description: 'Weak signs that together passed a threshold' });

export const alertSchema: z.ZodType<Alert> = z
  .object({
    id: z.string(),
    time: z.string(),
    rule: z.object({
      id: z.string(),
      title: z.string(),
      level: levelSchema,
      tags: z.array(z.string()),
      author: z.string(),
      description: z.string(),
      runbook: z.string(),
      references: z.array(z.string()),
    }),
    incident_id: z.string().describe("'' while no incident has taken it in"),
    key: z.string(),
    trees: z.array(z.string()),
    first_seen: z.string().describe('time of its earliest evidence'),
    count: z.number(),
    last_seen: z.string(),
    confidence: z.enum(['high', 'low']),
    incomplete: z.boolean().describe('its window overlaps a gap'),
    gaps: z.array(gapSchema),
    cluster: z.string(),
    node: z.string(),
    pod: z
      .object({
        namespace: z.string(),
        name: z.string(),
        workload: z.string(),
        workload_kind: z.string(),
        labels: z.record(z.string(), z.string()),
      })
      .nullable(),
    container: z
      .object({ id: z.string(), name: z.string(), image: z.string(), start_time: z.string().nullable() })
      .nullable(),
    process: processSchema.nullable(),
    ancestors: z.array(processSchema).describe('nearest first'),
    flows: z.array(flowSchema),
    steps: z.record(z.string(), z.object({ event: z.number() })),
    evidence: z.array(evidenceSchema).describe('[] in lists'),
    message: z.string(),
    silenced: z.string().exactOptional().describe('id of the silence for which nobody was told of it'),
    risk: riskSchema.optional().describe('set when weak signs added up to it'),
  })
  .meta({ id: 'Alert' });

export const incidentSchema: z.ZodType<Incident> = z
  .object({
    id: z.string(),
    state: z.enum(INCIDENT_STATES),
    level: levelSchema,
    title: z.string(),
    first_seen: z.string(),
    last_seen: z.string(),
    alert_count: z.number(),
    cluster: z.string(),
    pods: z.array(z.string()),
    namespace: z.string(),
    workload: z.string(),
    rules: z.array(z.string()),
    tags: z.array(z.string()),
    merged_into: z.string().describe("id of the incident that took it in when `state` is merged, else ''"),
    continues: z
      .string()
      .describe("id of the full incident (5,000 alerts, or seven days old) that this one goes on for, else ''"),
    changed: z
      .object({ by: z.string(), at: timestamp, reason: z.string() })
      .exactOptional()
      .describe('who set its state last, when and why; absent while nobody has'),
  })
  .meta({ id: 'Incident' });

/** A page of a list. */
export function pageOf<T>(item: z.ZodType<T>): z.ZodType<Page<T>> {
  return z.object({
    items: z.array(item),
    next: z.string().nullable().describe('hand it back as `cursor`; null on the last page'),
  });
}

/** Query parameter with several values: repeated, or separated by commas. */
export function listOf<T extends string>(values: readonly T[]): z.ZodType<T[] | undefined> {
  const member = z.enum(values as readonly [T, ...T[]], { error: `expected one of: ${values.join(', ')}` });
  return z
    .preprocess(
      value => (value === undefined ? undefined : [value].flat().flatMap(text => String(text).split(','))),
      z.array(member).min(1).max(20).optional(),
    )
    .meta({ type: 'array', items: { type: 'string', enum: [...values] } }) as z.ZodType<T[] | undefined>;
}

/** RFC 3339 in, the same instant as the store writes it out. */
export const instant = z
  .string()
  .max(64)
  .transform((text, context) => {
    const parsed = parseInstant(text);
    if (parsed !== null) return formatInstant(parsed.time, parsed.ns);
    context.issues.push({ code: 'custom', message: 'expected a time such as 2026-01-31T12:00:00Z', input: text });
    return z.NEVER;
  })
  .meta({ format: 'date-time' });

export const LEVEL_LIST = listOf(LEVELS);
export const INCIDENT_STATE_LIST = listOf(INCIDENT_STATES);

/** A whole number in a URL: decimal digits alone. */
export function wholeNumber(minimum: number, maximum: number, what = 'a whole number') {
  const message = `expected ${what} from ${minimum} to ${maximum}`;
  return z
    .string(message)
    .regex(/^\d{1,16}$/, message)
    .transform(Number)
    .refine(n => n >= minimum && n <= maximum, message)
    .meta({ type: 'integer', minimum, maximum });
}

/** Query parameters that every list has. */
export const paging = {
  limit: wholeNumber(1, 1_000).optional().describe('items a page; 100 when absent'),
  cursor: z.string().min(1).max(512).optional().describe('`next` of the page before'),
};

export const timeRange = {
  since: instant.optional().describe('inclusive, RFC 3339'),
  until: instant.optional().describe('exclusive, RFC 3339'),
};

/** Names of Kubernetes objects: DNS-1123 subdomains. */
export const kubeName = z
  .string()
  .max(253)
  .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, 'expected the name of a Kubernetes object');

/** A pod by its name, or by `namespace/name`. */
export const podName = z
  .string()
  .max(507)
  .regex(
    /^([a-z0-9]([-a-z0-9]*[a-z0-9])?\/)?[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/,
    'expected name or namespace/name of a pod',
  )
  .describe('`name` or `namespace/name`');

/** Ids that Spoor makes: hex digests, numbers, random words. */
export const idSchema = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,64}$/, 'expected an id')
  .describe('as lists print it');

export const idOrBeginning = idSchema.describe(
  `whole, or its first ${ID_BEGINNING_CHARS_MIN} characters or more where no other begins with them`,
);

export const execIdSchema = z
  .string()
  .regex(/^[!-~]{1,512}$/, 'expected an exec_id')
  .describe('as Tetragon prints it, percent-encoded');

/** A person's words. */
export const freeText = z.string().max(1_000);

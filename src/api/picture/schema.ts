/** The picture as the API gives it: rows, lines and destinations, folded; whoever draws it has only to lay it out. */
import { z } from 'zod';
import { attributionSchema, gapSchema, levelSchema } from '../schemas.ts';
import { connectionSchema, treeProcessSchema } from '../views.ts';

const cursor = z
  .string()
  .nullable()
  .describe('given back as `show`, it opens, closes, or shows more; null when there is nothing to');

const markSchema = z
  .object({
    step: z.number().describe('place in the story, from 1'),
    level: levelSchema.describe('the highest of the rules'),
    rules: z.array(z.string()).describe('titles, first fired first'),
    alert_ids: z.array(z.string()),
    time: z.string(),
  })
  .meta({ id: 'PictureMark' });

export type Mark = z.infer<typeof markSchema>;

const memberSchema = treeProcessSchema.pick({
  exec_id: true,
  pid: true,
  binary: true,
  arguments: true,
  uid: true,
  start_time: true,
});

const rowSchema = z
  .object({
    key: z.string(),
    kind: z
      .enum(['process', 'fold', 'host', 'more'])
      .describe('a process, siblings that say the same, the host’s processes above a container, or children left out'),
    depth: z.number(),
    parent: z.string().nullable().describe('key of the row above it in the tree'),
    count: z.number().describe('processes that this row stands for, those below it aside'),
    hidden: z.number().describe('processes in it or below it that have no row'),
    expanded: z.boolean().nullable().describe('null when there is nothing below it'),
    toggle: cursor,
    process: treeProcessSchema.omit({ connections: true }).nullable().describe('the (first) one; null for `more`'),
    members: z.array(memberSchema).describe('of a fold or of the host’s processes, the first ones'),
    last_start: z.string().nullable().describe('of a fold: when the last of them started'),
    age: z.number().nullable().describe('seconds from the container’s start to the process’s'),
    late: z.boolean().describe('started long after its container'),
    mark: markSchema.nullable(),
  })
  .meta({ id: 'PictureRow' });

export type Row = z.infer<typeof rowSchema>;

const groupSchema = z
  .object({
    key: z.string().describe('namespace/name of a pod, `host <node>` of a host'),
    kind: z.enum(['pod', 'host']),
    title: z.string(),
    cluster: z.string(),
    workload: z.string().describe('kind/name, or empty'),
    nodes: z.array(z.string()),
    containers: z.array(z.object({ name: z.string(), image: z.string() })),
    is_subject: z.boolean().describe('false for pods that the subject reached'),
    processes: z.number().describe('known of it'),
    rows: z.array(rowSchema).describe('in tree order'),
  })
  .meta({ id: 'PictureGroup' });

export type Group = z.infer<typeof groupSchema>;

const endSchema = z
  .object({
    key: z.string(),
    title: z.string(),
    kind: z.string().describe('what stands there: pod, service, world …; `alike` and `rest` for folded ones'),
    ports: z.string(),
    count: z.number().describe('destinations in it'),
    addresses: z.array(z.string()).describe('some of them'),
    connections: z.number(),
    flows: z.number(),
    inbound: z.boolean().describe('it opened the connections'),
    toggle: cursor,
  })
  .meta({ id: 'PictureEnd' });

export type End = z.infer<typeof endSchema>;

const linkSchema = z
  .object({
    key: z.string(),
    from: z.string().describe('key of a row, or `group <key>` when the process is not known'),
    to: z.string().describe('key of an end, a row, or `group <key>`'),
    attribution: attributionSchema,
    dropped: z.boolean(),
    inbound: z.boolean().describe('the other end opened it'),
    ports: z.string(),
    count: z.number().describe('connections in it'),
    flows: z.number(),
    targets: z.number().describe('destinations at its end'),
    first_seen: z.string(),
    last_seen: z.string(),
    mark: markSchema.nullable(),
    sample: z.array(connectionSchema).describe('the first of its connections'),
    toggle: cursor,
  })
  .meta({ id: 'PictureLink' });

export type Link = z.infer<typeof linkSchema>;

export const pictureSchema = z
  .object({
    groups: z.array(groupSchema).describe('the subject’s first, what fired first before what did not'),
    ends: z.array(endSchema),
    links: z.array(linkSchema),
    totals: z.object({
      processes: z.number().describe('known, with those that were not read'),
      shown: z.number().describe('processes with a row of their own'),
      connections: z.number(),
      flows: z.number(),
      pods: z.number().describe('pods and hosts with a tree'),
    }),
    ticks: z.array(z.object({ time: z.string(), level: levelSchema.nullable() })).describe('what happened when'),
    gaps: z.array(gapSchema).describe('losses in the time that the picture shows'),
  })
  .meta({ id: 'Picture' });

export type PictureView = z.infer<typeof pictureSchema>;

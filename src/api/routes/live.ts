/** What the engine knows right now: processes, pods and connections. */
import { z } from 'zod';
import type { Connection, Peer } from '../../model/connection.ts';
import { ancestorsOf, type Process } from '../../model/process.ts';
import { formatInstant, parseInstant } from '../../model/time.ts';
import { sees } from '../auth.ts';
import type { ApiLimits } from '../config.ts';
import type { ApiDeps, PastPod, Scope } from '../deps.ts';
import { gapFor } from '../limited.ts';
import { showQuery } from '../picture/cursors.ts';
import { gapsFor, withEvidence } from '../picture/evidence.ts';
import { PICTURE_LIMITS } from '../picture/limits.ts';
import { pictureSchema } from '../picture/schema.ts';
import { inSlices } from '../picture/slices.ts';
import { podPicture } from '../picture/subjects.ts';
import { notFound, Problem } from '../problem.ts';
import { type Route, route } from '../route.ts';
import { execIdSchema, gapSchema, instant, kubeName, listOf, timeRange, timestamp, wholeNumber } from '../schemas.ts';
import { podTree } from '../tree.ts';
import { treeSchema } from '../tree-builder.ts';
import { namedConnectionSchema, namedConnectionView, processView, treeProcessSchema } from '../views.ts';

const flowQuery = z.strictObject({
  ...timeRange,
  namespace: kubeName.optional().describe('of either end'),
  pod: kubeName.optional().describe('of either end'),
  to: z.string().min(1).max(255).optional().describe('address, DNS name or namespace/pod of the server, exact'),
  port: wholeNumber(0, 65_535).optional().describe('of the server'),
  exec_id: execIdSchema.optional().describe('process at either end'),
  verdict: listOf(['FORWARDED', 'DROPPED', 'ERROR', 'AUDIT', 'REDIRECTED', 'TRACED', 'TRANSLATED']),
  attribution: listOf(['socket', 'inferred', 'pod']),
  limit: wholeNumber(1, 1_000).default(100),
});

type FlowQuery = z.infer<typeof flowQuery>;

const namespaceOf = (peer: Peer): string => peer.endpoint?.namespace ?? '';

function isVisible(connection: Connection, scope: Scope): boolean {
  return scope === null || sees(scope, namespaceOf(connection.client)) || sees(scope, namespaceOf(connection.server));
}

const seesProcess = (scope: Scope, process: Process): boolean => sees(scope, process.pod?.namespace ?? '');

function goesTo(server: Peer, to: string): boolean {
  if (server.ip === to || server.translated === to || server.names.includes(to)) return true;
  return server.endpoint !== null && `${server.endpoint.namespace}/${server.endpoint.podName}` === to;
}

/** The query as one test of a connection; its times are parsed once. */
function flowFilter(query: FlowQuery, scope: Scope): (connection: Connection) => boolean {
  const since = query.since === undefined ? null : (parseInstant(query.since)?.time ?? null);
  const until = query.until === undefined ? null : (parseInstant(query.until)?.time ?? null);
  const { namespace, pod, to, port, verdict, attribution } = query;
  return connection => {
    const { client, server } = connection;
    if (since !== null && connection.lastSeen < since) return false;
    if (until !== null && connection.firstSeen >= until) return false;
    if (namespace !== undefined && namespaceOf(client) !== namespace && namespaceOf(server) !== namespace) return false;
    if (pod !== undefined && client.endpoint?.podName !== pod && server.endpoint?.podName !== pod) return false;
    if (port !== undefined && server.port !== port) return false;
    if (to !== undefined && !goesTo(server, to)) return false;
    if (verdict !== undefined && !verdict.some(each => each === connection.verdict)) return false;
    if (attribution !== undefined && !attribution.includes(connection.attribution)) return false;
    if (query.exec_id !== undefined) {
      const ends = [connection.process, connection.serverProcess];
      if (!ends.some(end => end !== null && end.execId === query.exec_id && seesProcess(scope, end))) return false;
    }
    return isVisible(connection, scope);
  };
}

/** How many more than asked for are gathered before they are sorted and cut. */
const SORTED_SLACK = 4_096;

function keepNewest(connections: Connection[], limit: number): void {
  connections.sort((a, b) => b.lastSeen - a.lastSeen);
  connections.length = Math.min(connections.length, limit);
}

const pastSchema = z
  .object({
    from: timestamp.describe('events from this time on were read'),
    is_whole: z.boolean().describe('false when there was more than one reading takes in'),
    gaps: z.array(gapSchema).describe('losses in what was read; for tokens of some namespaces without their number'),
  })
  .nullable()
  .describe('what a tree of a past time was made of; null for the present');

const podTreeSchema = treeSchema.extend({ past: pastSchema }).meta({ id: 'PodTree' });
const podPictureSchema = pictureSchema.extend({ past: pastSchema }).meta({ id: 'PodPicture' });

export type PodPictureView = z.infer<typeof podPictureSchema>;

const pastView = ({ from, isWhole, gaps }: PastPod, scope: Scope) => ({
  from: formatInstant(from),
  is_whole: isWhole,
  gaps: gaps.map(gap => gapFor(gap, scope)),
});

export function liveRoutes(
  { store, live, recording }: Pick<ApiDeps, 'store' | 'live' | 'recording'>,
  limits: ApiLimits,
): Route[] {
  const pastPod = async (namespace: string, name: string, at: string): Promise<PastPod> => {
    if (recording === null)
      throw new Problem(404, 'not-found', 'nothing is recorded: `recorder.keep` is 0 or the store is in memory');
    const time = parseInstant(at)?.time ?? 0;
    const past = await recording.podAt(namespace, name, time);
    if (past === null) throw new Problem(404, 'not-found', `nothing is recorded of this pod up to ${at}`);
    return past;
  };
  return [
    route({
      method: 'GET',
      path: '/api/v1/processes/:exec_id',
      id: 'getProcess',
      tag: 'context',
      summary: 'A process with its ancestors, its children and its connections',
      scope: 'read',
      params: z.strictObject({ exec_id: execIdSchema }),
      answer: {
        status: 200,
        description: 'The process',
        schema: z.object({
          process: treeProcessSchema,
          ancestors: z.array(treeProcessSchema).describe('nearest first'),
          children: z.array(treeProcessSchema),
        }),
      },
      problems: [404],
      handle: ({ params, caller: { namespaces } }) => {
        const process = live.process(params.exec_id);
        if (process === null || !seesProcess(namespaces, process)) throw notFound('this process');
        const visible = (other: Process): boolean => other.pod === null || seesProcess(namespaces, other);
        const view = (other: Process) => processView(other, namespaces);
        return {
          process: view(process),
          ancestors: ancestorsOf(process).filter(visible).map(view),
          children: [...process.children].filter(visible).slice(0, limits.treeProcessesMax).map(view),
        };
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/pods/:namespace/:name/tree',
      id: 'getPodTree',
      tag: 'context',
      summary: 'The processes of a pod, with their connections and the host’s processes above them',
      scope: 'read',
      params: z.strictObject({ namespace: kubeName, name: kubeName }),
      query: z.strictObject({ at: instant.optional().describe('as it was then, from the recorder; now when absent') }),
      answer: { status: 200, description: 'The tree', schema: podTreeSchema },
      problems: [404],
      handle: async ({ params, query, caller: { namespaces } }) => {
        const { namespace, name } = params;
        if (!sees(namespaces, namespace)) throw notFound('this pod');
        if (query.at !== undefined) {
          const past = await pastPod(namespace, name, query.at);
          return { ...podTree(past.pod, namespaces, limits.treeProcessesMax), past: pastView(past, namespaces) };
        }
        const pod = live.pod(namespace, name);
        if (pod === null) throw notFound('this pod');
        return { ...podTree(pod, namespaces, limits.treeProcessesMax), past: null };
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/pods/:namespace/:name/picture',
      id: 'getPodPicture',
      tag: 'context',
      summary: 'A pod’s processes and their connections, folded to what can be read; every fold opens by its cursor',
      scope: 'read',
      params: z.strictObject({ namespace: kubeName, name: kubeName }),
      query: z.strictObject({
        at: instant.optional().describe('as it was then, from the recorder; now when absent'),
        show: showQuery,
      }),
      answer: { status: 200, description: 'The picture', schema: podPictureSchema },
      problems: [404],
      handle: async ({ params, query: { at, show }, caller: { namespaces: scope } }) => {
        const { namespace, name } = params;
        if (!sees(scope, namespace)) throw notFound('this pod');
        const past = at === undefined ? null : await pastPod(namespace, name, at);
        const pod = past?.pod ?? live.pod(namespace, name);
        if (pod === null) throw notFound('this pod');
        const until = at === undefined ? {} : { until: at };
        const [{ items }, gaps] = await Promise.all([
          store.alerts({ pod: `${namespace}/${name}`, limit: PICTURE_LIMITS.alertsMax, ...until }, scope),
          gapsFor(store, scope),
        ]);
        const alerts = await withEvidence(store, items, scope);
        const picture = await inSlices(podPicture(pod, alerts, { live, scope, gaps, show }));
        return { ...picture, past: past === null ? null : pastView(past, scope) };
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/flows',
      id: 'listFlows',
      tag: 'context',
      summary: 'Recent connections, latest activity first, as far as the engine remembers them',
      scope: 'read',
      query: flowQuery,
      answer: {
        status: 200,
        description: 'Connections',
        schema: z.object({
          items: z.array(namedConnectionSchema),
          total: z.number().describe('how many match; the latest `limit` are in the answer'),
        }),
      },
      handle: ({ query, caller: { namespaces } }) => {
        const matches = flowFilter(query, namespaces);
        const found: Connection[] = [];
        let total = 0;
        for (const connection of live.connections()) {
          if (!matches(connection)) continue;
          total++;
          if (found.push(connection) >= query.limit + SORTED_SLACK) keepNewest(found, query.limit);
        }
        keepNewest(found, query.limit);
        return { items: found.map(connection => namedConnectionView(connection, namespaces)), total };
      },
    }),
  ];
}

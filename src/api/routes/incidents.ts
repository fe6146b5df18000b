/** What happened, as a whole: incidents with their tree, their timeline and their evidence. */
import { pipeline, Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { z } from 'zod';
import type { Alert, AlertEvidence, Incident } from '../../alerts/alert.ts';
import type { Caller } from '../auth.ts';
import type { ApiLimits } from '../config.ts';
import type { ApiDeps, Scope } from '../deps.ts';
import { showQuery } from '../picture/cursors.ts';
import { gapsFor, withEvidence } from '../picture/evidence.ts';
import { pictureSchema } from '../picture/schema.ts';
import { inSlices } from '../picture/slices.ts';
import { incidentPicture } from '../picture/subjects.ts';
import { notFound } from '../problem.ts';
import { type Route, route } from '../route.ts';
import {
  freeText,
  INCIDENT_STATE_LIST,
  idOrBeginning,
  incidentSchema,
  kubeName,
  LEVEL_LIST,
  pageOf,
  paging,
  podName,
  timeRange,
} from '../schemas.ts';
import { distinctGaps, timeline, timelineSchema } from '../timeline.ts';
import { incidentTree } from '../tree.ts';
import { treeSchema } from '../tree-builder.ts';
import { wholeId } from '../whole-id.ts';

const idParams = z.strictObject({ id: idOrBeginning });
const MERGES_FOLLOWED_MAX = 16;
const PAGE = 500;
const COMMENT = 'incident.comment';

type Deps = Pick<ApiDeps, 'store' | 'live' | 'recording'>;

/** All alerts of an incident, newest first, up to `max`. */
async function alertsOf(store: Deps['store'], incident: string, scope: Scope, max: number): Promise<Alert[]> {
  const alerts: Alert[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.alerts({ incident, limit: Math.min(PAGE, max - alerts.length), cursor }, scope);
    alerts.push(...page.items);
    cursor = page.next ?? undefined;
  } while (cursor !== undefined && alerts.length < max);
  return alerts;
}

function* evidenceLines(evidence: readonly AlertEvidence[]): Generator<string> {
  for (const record of evidence) yield JSON.stringify(record.raw);
}

async function* text(lines: Iterable<string> | AsyncIterable<string>): AsyncGenerator<string> {
  for await (const line of lines) yield `${line}\n`;
}

export function incidentRoutes({ store, live, recording }: Deps, limits: ApiLimits): Route[] {
  const find = async (id: string, caller: Caller): Promise<Incident> => {
    const scope = caller.namespaces;
    const exact = await store.incident(id, scope);
    if (exact !== null) return exact;
    const whole = await wholeId(id, (text, limit) => store.incidentIds(text, limit, scope), 'this incident');
    const incident = await store.incident(whole, scope);
    if (incident === null) throw notFound('this incident');
    return incident;
  };
  /** The incident that has the evidence by now: a merged one's is with the one that took it in. */
  const findCurrent = async (id: string, caller: Caller): Promise<Incident> => {
    let incident = await find(id, caller);
    for (let n = 0; incident.state === 'merged' && n < MERGES_FOLLOWED_MAX; n++) {
      incident = await find(incident.merged_into, caller);
    }
    return incident;
  };
  const stateRoute = (verb: 'acknowledge' | 'resolve' | 'reopen', state: 'acknowledged' | 'resolved' | 'open'): Route =>
    route({
      method: 'POST',
      path: `/api/v1/incidents/:id/${verb}`,
      id: `${verb}Incident`,
      tag: 'incidents',
      summary: `Set the incident’s state to ${state}; the sinks that were told of it are told`,
      scope: 'write',
      params: idParams,
      body: z.strictObject({ reason: freeText.default('') }),
      answer: { status: 200, description: 'The incident as it is now', schema: incidentSchema },
      problems: [404, 409],
      handle: async ({ params, body, caller }) => {
        const by = { actor: caller.name, reason: body.reason };
        const { id } = await find(params.id, caller);
        const incident = await store.setIncidentState(id, state, by, caller.namespaces);
        if (incident === null) throw notFound('this incident');
        return incident;
      },
    });

  return [
    route({
      method: 'GET',
      path: '/api/v1/incidents',
      id: 'listIncidents',
      tag: 'incidents',
      summary: 'Incidents, latest activity first; merged ones only when asked for',
      scope: 'read',
      query: z.strictObject({
        ...timeRange,
        level: LEVEL_LIST,
        state: INCIDENT_STATE_LIST,
        namespace: kubeName.optional(),
        pod: podName.optional(),
        ...paging,
      }),
      answer: { status: 200, description: 'A page of incidents', schema: pageOf(incidentSchema) },
      handle: ({ query: { level, state, ...rest }, caller }) =>
        store.incidents({ ...rest, levels: level, states: state }, caller.namespaces),
    }),
    route({
      method: 'GET',
      path: '/api/v1/incidents/:id',
      id: 'getIncident',
      tag: 'incidents',
      summary: 'One incident',
      scope: 'read',
      params: idParams,
      answer: { status: 200, description: 'The incident', schema: incidentSchema },
      problems: [404],
      handle: ({ params, caller }) => find(params.id, caller),
    }),
    route({
      method: 'GET',
      path: '/api/v1/incidents/:id/tree',
      id: 'getIncidentTree',
      tag: 'incidents',
      summary: 'Its process trees with the connections of every process',
      scope: 'read',
      params: idParams,
      answer: { status: 200, description: 'The trees', schema: treeSchema },
      problems: [404],
      handle: async ({ params, caller }) => {
        const { id } = await findCurrent(params.id, caller);
        const scope = caller.namespaces;
        const [alerts, evidence] = await Promise.all([
          alertsOf(store, id, scope, limits.treeAlertsMax),
          store.incidentEvidence(id, limits.timelineEntriesMax, scope),
        ]);
        return incidentTree(alerts, evidence, live, scope, limits.treeProcessesMax);
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/incidents/:id/picture',
      id: 'getIncidentPicture',
      tag: 'incidents',
      summary: 'Its processes and their connections, folded to what can be read; every fold opens by its cursor',
      scope: 'read',
      params: idParams,
      query: z.strictObject({ show: showQuery }),
      answer: { status: 200, description: 'The picture', schema: pictureSchema },
      problems: [404],
      handle: async ({ params, query: { show }, caller }) => {
        const { id } = await findCurrent(params.id, caller);
        const scope = caller.namespaces;
        const [alerts, evidence, gaps] = await Promise.all([
          alertsOf(store, id, scope, limits.treeAlertsMax).then(found => withEvidence(store, found, scope)),
          store.incidentEvidence(id, limits.timelineEntriesMax, scope),
          gapsFor(store, scope),
        ]);
        const query = { live, scope, show, gaps: gaps.length > 0 ? gaps : distinctGaps(alerts) };
        return inSlices(incidentPicture(alerts, evidence, query));
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/incidents/:id/timeline',
      id: 'getIncidentTimeline',
      tag: 'incidents',
      summary: 'What happened, oldest first: events, alerts, gaps, and what people did',
      scope: 'read',
      params: idParams,
      answer: { status: 200, description: 'The timeline', schema: timelineSchema },
      problems: [404],
      handle: async ({ params, caller }) => {
        const { id } = await findCurrent(params.id, caller);
        const [alerts, evidence, audit] = await Promise.all([
          alertsOf(store, id, caller.namespaces, limits.treeAlertsMax),
          store.incidentEvidence(id, limits.timelineEntriesMax, caller.namespaces),
          store.auditLog({ target: id, limit: PAGE }),
        ]);
        return timeline(alerts, evidence, audit.items);
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/incidents/:id/capture',
      id: 'getIncidentCapture',
      tag: 'incidents',
      summary:
        'A capture that `spoor replay` reads, one record a line as the sensors export it: what its pods and process trees did around it, or its evidence where that is no longer recorded',
      scope: 'read',
      params: idParams,
      query: z.strictObject({
        format: z.enum(['jsonl', 'jsonl.gz']).default('jsonl'),
      }),
      answer: { status: 200, description: 'The capture', media: 'application/x-ndjson' },
      problems: [404],
      requestsPerMinuteMax: 60,
      handle: async ({ params, query, caller, reply }) => {
        const { id } = await findCurrent(params.id, caller);
        const scope = caller.namespaces;
        const evidence = await store.incidentEvidence(id, limits.captureRecordsMax, scope);
        const alerts = recording === null ? [] : await alertsOf(store, id, scope, limits.treeAlertsMax);
        const recorded = (await recording?.capture(alerts, evidence, scope)) ?? null;
        const lines = Readable.from(text(recorded ?? evidenceLines(evidence)));
        reply.header('content-disposition', `attachment; filename="incident-${id}.${query.format}"`);
        reply.header('cache-control', 'no-store');
        if (recorded === null && evidence.length >= limits.captureRecordsMax) reply.header('spoor-truncated', 'true');
        if (query.format === 'jsonl') return reply.type('application/x-ndjson').send(lines);
        // An error of either stream destroys the reply; there is nobody left to tell.
        return reply.type('application/gzip').send(pipeline(lines, createGzip(), () => {}));
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/incidents/:id/comments',
      id: 'commentIncident',
      tag: 'incidents',
      summary: 'Say something about the incident; it stands in its timeline',
      scope: 'write',
      params: idParams,
      body: z.strictObject({ text: freeText.trim().min(1) }),
      answer: { status: 204, description: 'It is kept' },
      problems: [404],
      handle: async ({ params, body, caller }) => {
        const { id } = await findCurrent(params.id, caller);
        await store.audit({ actor: caller.name, action: COMMENT, target: id, detail: body.text });
      },
    }),
    stateRoute('acknowledge', 'acknowledged'),
    stateRoute('resolve', 'resolved'),
    stateRoute('reopen', 'open'),
  ];
}

/** The joined stream: its past from the recorder, its present as it happens, and the fields by which it is searched. */
import { z } from 'zod';
import { EVENT_KINDS, type EventKind } from '../../model/event.ts';
import type { Observation } from '../../model/observation.ts';
import { formatInstant, type Micros, parseInstant } from '../../model/time.ts';
import { sees } from '../auth.ts';
import type { ApiLimits } from '../config.ts';
import type { ApiDeps, Scope } from '../deps.ts';
import { eventTail } from '../event-tail.ts';
import { eventSchema, eventView, podsOf, visibleTo } from '../event-view.ts';
import type { EventSearch } from '../events-port.ts';
import { invalid, notFound, Problem } from '../problem.ts';
import { type Route, route } from '../route.ts';
import { execIdSchema, kubeName, listOf, timeRange, timestamp, wholeNumber } from '../schemas.ts';
import type { EventStream } from '../stream.ts';

const FILTERS_MAX = 20;
const FILTER_CHARS_MAX = 1_000;

const filters = z
  .preprocess(
    value => (value === undefined ? undefined : [value].flat()),
    z.array(z.string().min(1).max(FILTER_CHARS_MAX)).max(FILTERS_MAX).optional(),
  )
  .meta({ type: 'array', items: { type: 'string' } })
  .describe(
    'such as `process.binary|endswith=/nc` or `flow.verdict!=FORWARDED`: a field of the catalogue, modifiers as in rules, and a value; all have to fit, those with the same field and modifiers in any one value',
  ) as z.ZodType<string[] | undefined>;

const which = {
  kind: listOf(EVENT_KINDS),
  namespace: kubeName.optional().describe('of the process, or of either end of a flow'),
  pod: z
    .string()
    .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?\/[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, 'expected namespace/name of a pod')
    .max(507)
    .optional()
    .describe('namespace/name, of the process or of either end of a flow'),
  exec_id: execIdSchema.optional().describe('of the process, or of one that a flow is attributed to'),
  filter: filters,
};
const tailQuery = z.strictObject(which);
const historyQuery = z.strictObject({
  ...timeRange,
  ...which,
  limit: wholeNumber(1, 500).default(100),
  cursor: wholeNumber(1, Number.MAX_SAFE_INTEGER, 'a cursor of this list,')
    .optional()
    .describe('`next` of the page before'),
});

const pageSchema = z.object({
  items: z.array(eventSchema),
  next: z.string().nullable().describe('hand it back as `cursor`; null when everything was looked at'),
  searched_until: timestamp
    .nullable()
    .describe('set when so much was read that the page ends here: with `next` it goes on from this time'),
});

export type EventsPage = z.infer<typeof pageSchema>;

const fieldsSchema = z.object({
  items: z.array(
    z.object({
      name: z.string().describe('`<…>` stands for a part that varies'),
      type: z.string(),
      kinds: z.array(z.enum(EVENT_KINDS)).describe('of events that can carry it'),
      describe: z.string(),
      requires: z.array(z.string()).describe('sensor settings without which it is never there'),
    }),
  ),
  modifiers: z.array(z.string()),
});

export type FieldsView = z.infer<typeof fieldsSchema>;

interface Wanted {
  test(observation: Observation): boolean;
  readonly kinds: readonly EventKind[] | null;
}

/** The query as one test of an event. Throws a 400 problem that names every filter that is none. */
function wantedBy(query: z.infer<typeof tailQuery>, { events }: Pick<ApiDeps, 'events'>): Wanted {
  const compiled = events.compile(query.filter ?? []);
  if ('problems' in compiled) {
    throw invalid(compiled.problems.map(({ at, message }) => ({ in: 'query', field: `filter.${at}`, message })));
  }
  const { kind, namespace, pod, exec_id: execId } = query;
  const kinds = kind ?? null;
  return {
    kinds: compiled.kinds === null ? kinds : (kinds ?? EVENT_KINDS).filter(each => compiled.kinds?.includes(each)),
    test(observation) {
      const { event, process } = observation;
      if (kinds !== null && !kinds.includes(event.kind)) return false;
      if (execId !== undefined && process?.execId !== execId) return false;
      if (pod !== undefined && !podsOf(observation).includes(pod)) return false;
      if (namespace !== undefined && !podsOf(observation).some(each => each?.startsWith(`${namespace}/`) === true))
        return false;
      return compiled.test(observation);
    },
  };
}

/** Namespaces that the answer can be about; null for all. Throws when the caller may not see the one asked for. */
function namespacesOf({ namespace, pod }: z.infer<typeof tailQuery>, scope: Scope): Scope {
  const asked = namespace ?? pod?.slice(0, pod.indexOf('/'));
  if (asked === undefined) return scope;
  if (!sees(scope, asked)) throw notFound('this namespace');
  return [asked];
}

function searchOf(
  { pod, exec_id: execId }: z.infer<typeof tailQuery>,
  kinds: readonly EventKind[] | null,
  namespaces: Scope,
): Pick<EventSearch, 'kinds' | 'namespaces' | 'pod' | 'execId'> {
  const [namespace = '', name = ''] = pod?.split('/') ?? [];
  return { kinds, namespaces, pod: pod === undefined ? undefined : { namespace, name }, execId };
}

const micros = (text: string | undefined): Micros | undefined =>
  text === undefined ? undefined : parseInstant(text)?.time;

export function eventRoutes(deps: Pick<ApiDeps, 'events'>, stream: EventStream, limits: ApiLimits): Route[] {
  const { events } = deps;
  let searching = 0;
  return [
    route({
      method: 'GET',
      path: '/api/v1/events',
      id: 'listEvents',
      tag: 'events',
      summary:
        'Recorded events with their processes, pods and connections, newest first, as far back as the recorder goes',
      scope: 'read',
      query: historyQuery,
      answer: {
        status: 200,
        description: 'A page of events',
        schema: pageSchema,
      },
      problems: [404, 503],
      handle: async ({ query, caller: { namespaces: scope } }) => {
        const wanted = wantedBy(query, deps);
        const namespaces = namespacesOf(query, scope);
        if (events.search === null) {
          throw new Problem(
            404,
            'not-recorded',
            'nothing is recorded here: `recorder.keep` is 0, or there is no database',
          );
        }
        if (searching >= limits.eventSearchesMax) {
          throw new Problem(503, 'busy', 'other searches are under way', { headers: { 'retry-after': '1' } });
        }
        searching++;
        try {
          const found = await events.search(
            {
              ...searchOf(query, wanted.kinds, namespaces),
              since: micros(query.since),
              until: micros(query.until),
              before: query.cursor,
            },
            observation => {
              const seen = visibleTo(observation, scope);
              return seen !== null && wanted.test(seen);
            },
            query.limit,
          );
          return {
            items: found.items.flatMap(({ seq, observation }) => {
              const seen = visibleTo(observation, scope);
              return seen === null ? [] : [eventView(String(seq), seen, events)];
            }),
            next: found.next === null ? null : String(found.next),
            searched_until: found.searchedUntil === null ? null : formatInstant(found.searchedUntil),
          };
        } finally {
          searching--;
        }
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/events/tail',
      id: 'tailEvents',
      tag: 'events',
      summary:
        'Server-sent `event`s as they happen; `dropped` with the `count` of those that fitted and were more than is sent; `close` with the reason when the server ends it. Nothing is resumed: the past is at /api/v1/events',
      scope: 'read',
      query: tailQuery,
      answer: { status: 200, description: 'The stream', media: 'text/event-stream' },
      problems: [404, 503],
      handle: ({ query, caller: { namespaces: scope }, request, reply }) => {
        const { test } = wantedBy(query, deps);
        namespacesOf(query, scope);
        if (!stream.hasRoomForTail()) {
          throw new Problem(503, 'too-many-streams', 'too many clients follow the events', {
            headers: { 'retry-after': '30' },
          });
        }
        reply.hijack();
        // Security headers that hooks have put on the reply go out with the raw answer too.
        for (const [name, value] of Object.entries(reply.getHeaders())) {
          if (value !== undefined) reply.raw.setHeader(name, value);
        }
        stream.serveTail(reply.raw, eventTail(events, test, scope, limits), request.headers.authorization);
        return reply;
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/fields',
      id: 'listFields',
      tag: 'events',
      summary: 'The field catalogue: what filters of events and rules can test',
      scope: 'read',
      answer: {
        status: 200,
        description: 'Fields and modifiers',
        schema: fieldsSchema,
      },
      handle: () => ({
        items: events.fields.map(field => ({ ...field, kinds: [...field.kinds], requires: [...field.requires] })),
        modifiers: [...events.modifiers],
      }),
    }),
  ];
}

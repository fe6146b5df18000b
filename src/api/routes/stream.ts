/** Alerts and incidents as they change: server-sent events, resumed from the store by Last-Event-ID. */
import { z } from 'zod';
import type { ApiDeps } from '../deps.ts';
import { invalid, Problem } from '../problem.ts';
import { type Route, route } from '../route.ts';
import { wholeNumber } from '../schemas.ts';
import type { EventStream } from '../stream.ts';

const sequence = wholeNumber(0, Number.MAX_SAFE_INTEGER, 'an id of this stream,');

export function streamRoute({ store }: Pick<ApiDeps, 'store'>, stream: EventStream): Route {
  return route({
    method: 'GET',
    path: '/api/v1/stream',
    id: 'stream',
    tag: 'stream',
    summary:
      'Server-sent events `alert`, `alert.counted`, `alert.amended` (it turned out that events were lost in its window) and `incident`, each with what changed; `missed` when some are no longer kept; ' +
      '`close` with the reason when the server ends it. Starts now, or after `Last-Event-ID`',
    scope: 'read',
    query: z.strictObject({
      since: sequence
        .optional()
        .describe('like the header Last-Event-ID, for a first connection; 0 for all that is kept'),
    }),
    answer: { status: 200, description: 'The stream', media: 'text/event-stream' },
    problems: [503],
    handle: async ({ query, caller, request, reply }) => {
      const header = request.headers['last-event-id'];
      const resumed = header === undefined ? null : sequence.safeParse(header);
      if (resumed?.success === false) {
        throw invalid([{ in: 'header', field: 'last-event-id', message: 'expected an id of this stream' }]);
      }
      const cursor = resumed?.data ?? query.since ?? (await store.stream.head());
      if (!stream.hasRoom()) {
        throw new Problem(503, 'too-many-streams', 'too many clients follow the stream', {
          headers: { 'retry-after': '30' },
        });
      }
      reply.hijack();
      // Security headers that hooks have put on the reply go out with the raw answer too.
      for (const [name, value] of Object.entries(reply.getHeaders())) {
        if (value !== undefined) reply.raw.setHeader(name, value);
      }
      stream.serve(reply.raw, cursor, caller.namespaces, request.headers.authorization);
      return reply;
    },
  });
}

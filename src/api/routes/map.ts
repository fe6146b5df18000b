/** Who talks to whom: the service map. */
import { z } from 'zod';
import { MAP_VERDICTS } from '../../model/service-map.ts';
import type { ApiDeps } from '../deps.ts';
import { mapSchema, mapView } from '../map.ts';
import { type Route, route } from '../route.ts';
import { kubeName, listOf, wholeNumber } from '../schemas.ts';

const NODES_DEFAULT = 200;
const UNFOLDED_MAX = 50;

const mapQuery = z.strictObject({
  namespace: kubeName.optional().describe('of either end; it is not folded'),
  q: z.string().min(1).max(253).optional().describe('part of a name at either end, of a process, `:port` or protocol'),
  verdict: listOf(MAP_VERDICTS).describe('edges with flows of such a verdict'),
  unfold: z
    .preprocess(
      value => (value === undefined ? undefined : [value].flat()),
      z.array(z.string().max(600)).max(UNFOLDED_MAX).optional(),
    )
    .meta({ type: 'array', items: { type: 'string' } })
    .describe('ids of nodes that stand for several; repeated'),
  limit: wholeNumber(10, 1_000).default(NODES_DEFAULT).describe('nodes at the most; what is more is folded'),
});

export function mapRoutes({ serviceMap }: Pick<ApiDeps, 'serviceMap'>): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/v1/map',
      id: 'getMap',
      tag: 'context',
      summary:
        'Who talks to whom: workloads, services and outside names with their connections added up, rates and verdicts; the same ETag while nothing changed',
      scope: 'read',
      query: mapQuery,
      answer: { status: 200, description: 'The map', schema: mapSchema },
      handle: ({ query, caller: { namespaces }, request, reply }) => {
        // It tells how much happens everywhere: not for who sees some namespaces only.
        if (namespaces === null) {
          const etag = `W/"${serviceMap?.now ?? 0}-${serviceMap?.revision ?? 0}"`;
          reply.header('etag', etag);
          if (request.headers['if-none-match'] === etag) return reply.code(304).send();
        }
        return mapView(serviceMap?.edges() ?? [], serviceMap?.now ?? 0, query, namespaces);
      },
    }),
  ];
}

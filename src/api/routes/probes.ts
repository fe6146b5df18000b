/** For the machinery around: liveness, readiness and metrics. */
import { z } from 'zod';
import type { ApiDeps } from '../deps.ts';
import { Problem } from '../problem.ts';
import { type Route, route } from '../route.ts';

export function probeRoutes({ unready, registry }: Pick<ApiDeps, 'unready' | 'registry'>): Route[] {
  return [
    route({
      method: 'GET',
      path: '/health',
      id: 'health',
      tag: 'probes',
      summary: 'It runs',
      scope: null,
      answer: { status: 200, description: 'It runs', schema: z.object({ status: z.literal('ok') }) },
      requestsPerMinuteMax: false,
      handle: () => ({ status: 'ok' as const }),
    }),
    route({
      method: 'GET',
      path: '/ready',
      id: 'ready',
      tag: 'probes',
      summary: 'It takes events and keeps alerts; 503 with the reasons when it does not',
      scope: null,
      answer: {
        status: 200,
        description: 'It is ready',
        schema: z.object({ ready: z.literal(true) }),
      },
      problems: [503],
      requestsPerMinuteMax: false,
      handle: async () => {
        const reasons = await unready();
        if (reasons.length > 0) throw new Problem(503, 'not-ready', reasons.join('; '));
        return { ready: true as const };
      },
    }),
    route({
      method: 'GET',
      path: '/metrics',
      id: 'metrics',
      tag: 'probes',
      summary: 'Counters in Prometheus’ text format',
      scope: 'read',
      allNamespaces: true,
      answer: { status: 200, description: 'Metrics', media: 'text/plain' },
      handle: async ({ reply }) => reply.type(registry.contentType).send(await registry.metrics()),
    }),
  ];
}

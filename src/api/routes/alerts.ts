/** What fired. */
import { z } from 'zod';
import type { ApiDeps } from '../deps.ts';
import { notFound } from '../problem.ts';
import { type Route, route } from '../route.ts';
import {
  alertSchema,
  INCIDENT_STATE_LIST,
  idOrBeginning,
  idSchema,
  kubeName,
  LEVEL_LIST,
  pageOf,
  paging,
  podName,
  timeRange,
} from '../schemas.ts';
import { wholeId } from '../whole-id.ts';

export function alertRoutes({ store }: Pick<ApiDeps, 'store'>): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/v1/alerts',
      id: 'listAlerts',
      tag: 'alerts',
      summary: 'Alerts, newest first, without their evidence',
      scope: 'read',
      query: z.strictObject({
        ...timeRange,
        level: LEVEL_LIST,
        rule: z.string().min(1).max(512).optional().describe('id or title of the rule, exact'),
        namespace: kubeName.optional(),
        pod: podName.optional(),
        incident: idSchema.optional(),
        state: INCIDENT_STATE_LIST.describe('state of the alert’s incident'),
        ...paging,
      }),
      answer: { status: 200, description: 'A page of alerts', schema: pageOf(alertSchema) },
      handle: ({ query: { level, state, ...rest }, caller }) =>
        store.alerts({ ...rest, levels: level, states: state }, caller.namespaces),
    }),
    route({
      method: 'GET',
      path: '/api/v1/alerts/:id',
      id: 'getAlert',
      tag: 'alerts',
      summary: 'One alert with its whole evidence',
      scope: 'read',
      params: z.strictObject({ id: idOrBeginning }),
      answer: { status: 200, description: 'The alert', schema: alertSchema },
      problems: [404],
      handle: async ({ params, caller }) => {
        const scope = caller.namespaces;
        const exact = await store.alert(params.id, scope);
        if (exact !== null) return exact;
        const id = await wholeId(params.id, (text, limit) => store.alertIds(text, limit, scope), 'this alert');
        const alert = await store.alert(id, scope);
        if (alert === null) throw notFound('this alert');
        return alert;
      },
    }),
  ];
}

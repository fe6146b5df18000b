/** What fired. */
import { z } from 'zod';
import type { Alert } from '../../alerts/alert.ts';
import type { ApiDeps, Scope } from '../deps.ts';
import { notFound } from '../problem.ts';
import { type Route, route } from '../route.ts';
import { exceptionSchema, whySchema } from '../rulebook.ts';
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

const alertParams = z.strictObject({ id: idOrBeginning });

export function alertRoutes({ store, rulebook }: Pick<ApiDeps, 'store' | 'rulebook'>): Route[] {
  const find = async (given: string, scope: Scope): Promise<Alert> => {
    const exact = await store.alert(given, scope);
    if (exact !== null) return exact;
    const id = await wholeId(given, (text, limit) => store.alertIds(text, limit, scope), 'this alert');
    const alert = await store.alert(id, scope);
    if (alert === null) throw notFound('this alert');
    return alert;
  };
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
      params: alertParams,
      answer: { status: 200, description: 'The alert', schema: alertSchema },
      problems: [404],
      handle: ({ params, caller }) => find(params.id, caller.namespaces),
    }),
    route({
      method: 'GET',
      path: '/api/v1/alerts/:id/why',
      id: 'getAlertWhy',
      tag: 'alerts',
      summary:
        'Why it fired: for each part of its rule the events that filled it, each condition with the value that met it',
      scope: 'read',
      params: alertParams,
      answer: {
        status: 200,
        description: 'By the rule that runs now, and whether that is still the same',
        schema: whySchema,
      },
      problems: [404],
      handle: async ({ params, caller }) => rulebook.why(await find(params.id, caller.namespaces)),
    }),
    route({
      method: 'GET',
      path: '/api/v1/alerts/:id/exception',
      id: 'proposeException',
      tag: 'alerts',
      summary:
        'A narrow exception from this alert, the proof that the rule’s own tests still pass, and which stored alerts it would have kept from firing; nothing is changed',
      scope: 'read',
      params: alertParams,
      answer: { status: 200, description: 'The proposal, to be put into the rule’s file', schema: exceptionSchema },
      problems: [404],
      // It runs the rule's tests.
      requestsPerMinuteMax: 30,
      handle: async ({ params, caller }) =>
        rulebook.exception(await find(params.id, caller.namespaces), caller.namespaces),
    }),
  ];
}

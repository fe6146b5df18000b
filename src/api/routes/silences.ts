/** Silences: alerts that match are stored, and nobody is told of them. */
import { z } from 'zod';
import type { ApiDeps, SilenceRecord } from '../deps.ts';
import { notFound } from '../problem.ts';
import { type Route, route } from '../route.ts';
import { freeText, idSchema, instant, levelSchema, timestamp, timestampOf } from '../schemas.ts';

const SILENCE_MS_MAX = 366 * 24 * 3_600_000;

const patterns = z.array(z.string().min(1).max(512)).min(1).max(100);

const matchSchema = z
  .strictObject({
    level: z.array(levelSchema).min(1).max(5).exactOptional(),
    rule: patterns.exactOptional().describe('id or title'),
    tag: patterns.exactOptional().describe('such as attack.t1059.*'),
    namespace: patterns.exactOptional().describe('of the pod; hosts have none'),
    workload: patterns.exactOptional().describe('of the pod, such as the name of its Deployment'),
    pod: patterns.exactOptional().describe('name of the pod'),
    label: z
      .record(z.string().min(1).max(317), patterns)
      .exactOptional()
      .describe('of the pod; all of them must match'),
    cluster: patterns.exactOptional(),
  })
  .refine(match => Object.keys(match).length > 0, 'expected at least one condition: else everything is silenced')
  .describe('all that is given must hold; a list means any of it; * and ? are wildcards');

const silenceSchema = z
  .object({
    id: z.string(),
    match: matchSchema,
    until: timestamp,
    active: z.boolean(),
    author: z.string(),
    reason: z.string(),
    created_at: timestamp,
    alerts: z.number().describe('stored alerts of which it kept people from being told'),
  })
  .meta({ id: 'Silence' });

export type SilenceView = z.infer<typeof silenceSchema>;

function silenceView({ match, until, created_at, ...rest }: SilenceRecord): SilenceView {
  return {
    ...rest,
    match: match as z.infer<typeof matchSchema>,
    until: timestampOf(until),
    active: until > Date.now(),
    created_at: timestampOf(created_at),
  };
}

const silenceBody = z.strictObject({
  match: matchSchema,
  until: instant
    .transform(text => Date.parse(text))
    .refine(ms => ms > Date.now(), 'lies in the past')
    .refine(ms => ms <= Date.now() + SILENCE_MS_MAX, 'lies more than a year ahead')
    .describe('RFC 3339, a year ahead at the most'),
  reason: freeText.min(1).describe('why nobody is to be told'),
});

const idParams = z.strictObject({ id: idSchema });

export function silenceRoutes({ store, silencesChanged }: Pick<ApiDeps, 'store' | 'silencesChanged'>): Route[] {
  const { silences } = store;
  return [
    route({
      method: 'GET',
      path: '/api/v1/silences',
      id: 'listSilences',
      tag: 'silences',
      summary: 'Silences, newest first; ended ones are kept for a while',
      scope: 'read',
      answer: { status: 200, description: 'All silences', schema: z.object({ items: z.array(silenceSchema) }) },
      handle: async ({ caller }) => ({ items: (await silences.list(caller.namespaces)).map(silenceView) }),
    }),
    route({
      method: 'POST',
      path: '/api/v1/silences',
      id: 'createSilence',
      tag: 'silences',
      summary: 'Store alerts that match, and tell nobody of them, until a time',
      scope: 'write',
      body: silenceBody,
      answer: { status: 201, description: 'The silence', schema: silenceSchema },
      problems: [409],
      handle: async ({ body, caller }) => {
        const silence = await silences.create({ ...body, author: caller.name }, caller.namespaces);
        const detail = `until ${timestampOf(silence.until)}: ${silence.reason}`;
        await store.audit({ actor: caller.name, action: 'silence.create', target: silence.id, detail });
        await silencesChanged();
        return silenceView(silence);
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/silences/:id',
      id: 'getSilence',
      tag: 'silences',
      summary: 'One silence',
      scope: 'read',
      params: idParams,
      answer: { status: 200, description: 'The silence', schema: silenceSchema },
      problems: [404],
      handle: async ({ params, caller }) => {
        const silence = await silences.get(params.id, caller.namespaces);
        if (silence === null) throw notFound('this silence');
        return silenceView(silence);
      },
    }),
    route({
      method: 'DELETE',
      path: '/api/v1/silences/:id',
      id: 'endSilence',
      tag: 'silences',
      summary: 'End a silence now; what it silenced stays untold',
      scope: 'write',
      params: idParams,
      answer: { status: 204, description: 'It has ended' },
      problems: [404],
      handle: async ({ params, caller }) => {
        if (!(await silences.end(params.id, caller.namespaces))) throw notFound('this silence');
        await store.audit({ actor: caller.name, action: 'silence.end', target: params.id, detail: '' });
        await silencesChanged();
      },
    }),
  ];
}

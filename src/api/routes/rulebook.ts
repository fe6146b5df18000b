/** Rules for those who look after them: what fired, what can fire here, and each rule as its author wrote it. */
import { z } from 'zod';
import type { ApiDeps } from '../deps.ts';
import { notFound } from '../problem.ts';
import { type Route, route } from '../route.ts';
import { coverageSchema } from '../rulebook.ts';
import { idSchema } from '../schemas.ts';

const HOURS = 24;
const HOUR_MS = 3_600_000;

const statisticsSchema = z
  .object({
    from: z
      .string()
      .nullable()
      .describe('beginning of the first hour of `hours`: the last one has the newest alert of all'),
    items: z.array(
      z.object({
        rule: z.string().describe('its id'),
        alerts: z.number().describe('stored ones'),
        last: z.string().describe('time of the newest'),
        hours: z.array(z.number()).describe(`alerts in each of ${HOURS} hours`),
      }),
    ),
  })
  .meta({ id: 'RuleStatistics', description: 'Of rules that have stored alerts which the caller may see' });

export type RuleStatistics = z.infer<typeof statisticsSchema>;

type Deps = Pick<ApiDeps, 'store' | 'rulebook'>;

export function rulebookRoutes({ store, rulebook }: Deps): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/v1/rules/statistics',
      id: 'getRuleStatistics',
      tag: 'rules',
      summary: 'Stored alerts of each rule: how many, when last, and in each of 24 hours',
      scope: 'read',
      answer: { status: 200, description: 'Rules that fired', schema: statisticsSchema },
      handle: async ({ caller }) => {
        const fires = await store.ruleFires(caller.namespaces);
        const last = fires.map(({ last }) => Date.parse(last)).reduce((a, b) => Math.max(a, b), 0);
        if (fires.length === 0) return { from: null, items: [] };
        const from = Math.floor(last / HOUR_MS) * HOUR_MS - (HOURS - 1) * HOUR_MS;
        const hours = new Map(fires.map(({ rule }) => [rule, new Array<number>(HOURS).fill(0)]));
        for (const { rule, hour, alerts } of await store.ruleHours(new Date(from).toISOString(), caller.namespaces)) {
          const at = (Date.parse(`${hour}:00:00Z`) - from) / HOUR_MS;
          const row = hours.get(rule);
          if (row?.[at] !== undefined) row[at] += alerts;
        }
        return {
          from: new Date(from).toISOString(),
          items: fires.map(({ rule, alerts, last }) => ({ rule, alerts, last, hours: hours.get(rule) ?? [] })),
        };
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/rules/:id/source',
      id: 'getRuleSource',
      tag: 'rules',
      summary: 'A rule as its author wrote it; its exceptions may name workloads of any namespace',
      scope: 'read',
      allNamespaces: true,
      params: z.strictObject({ id: idSchema }),
      answer: {
        status: 200,
        description: 'Its document in its file',
        schema: z.object({ file: z.string(), line: z.number(), text: z.string() }),
      },
      problems: [404],
      handle: ({ params }) => {
        const source = rulebook.source(params.id);
        if (source === null) throw notFound('this rule, or its file,');
        return source;
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/coverage',
      id: 'getCoverage',
      tag: 'rules',
      summary: 'ATT&CK techniques that the rules speak of, and which rules can fire with what the sensors report here',
      scope: 'read',
      answer: {
        status: 200,
        description: 'The coverage; for tokens that are limited to namespaces without what the sensors report',
        schema: coverageSchema,
      },
      handle: ({ caller }) => {
        const coverage = rulebook.coverage();
        if (caller.namespaces === null) return coverage;
        return { ...coverage, since: null, rules: coverage.rules.map(rule => ({ ...rule, missing: null })) };
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/coverage/navigator',
      id: 'getNavigatorLayer',
      tag: 'rules',
      summary: 'The same as a layer (format 4.5) for the ATT&CK Navigator',
      scope: 'read',
      answer: { status: 200, description: 'The layer', media: 'application/json' },
      handle: ({ caller, reply }) => {
        reply.header('content-disposition', 'attachment; filename="spoor-attack-layer.json"');
        return reply.type('application/json').send(JSON.stringify(rulebook.layer(caller.namespaces === null)));
      },
    }),
  ];
}

/** How it goes: rules, gaps, sources, engine. */
import { z } from 'zod';
import type { ApiDeps, RuleRecord } from '../deps.ts';
import { gapFor, limitedRuleSchema, limitedStatusSchema, ruleFields } from '../limited.ts';
import { type Route, route } from '../route.ts';
import { gapSchema, instant, LEVEL_LIST, pageOf, paging } from '../schemas.ts';

const ruleSchema: z.ZodType<RuleRecord> = z
  .object({
    ...ruleFields,
    matches: z.number().describe('findings since the start, or since its content last changed'),
    evaluated: z.number().describe('times that one of its conditions was evaluated'),
    seconds: z.number().describe('time that it took, estimated from samples'),
    held: z.number().describe('partial sequences, counted keys and combinations seen that it holds now'),
    evicted: z.number().describe('what it held and dropped at a limit'),
  })
  .meta({ id: 'Rule' });

const numbers = z.record(z.string(), z.number());

const statusSchema = z
  .object({
    version: z.string(),
    started: z.string(),
    sources: z.array(
      z.object({
        name: z.string(),
        type: z.string(),
        state: z.string(),
        detail: z.string(),
        newest: z.string().nullable().describe('time of the newest event'),
        counters: numbers.describe('since the start; every loss is one of these'),
      }),
    ),
    events: numbers.describe('processed, by kind'),
    late: z.number().describe('processed after the watermark had passed them'),
    watermark: z.string().nullable().describe('event time up to which all is processed'),
    held: numbers.describe('what is in memory right now'),
    evicted: numbers.describe('what was put out at a limit'),
    rules: z.object({
      loaded: z.number(),
      errors: z.number(),
      last_reload: z.string().nullable(),
      evaluated: z.number().describe('conditions evaluated'),
      seconds: z.number().describe('time spent in rules, estimated from samples'),
      costly: z
        .array(
          z.object({
            id: z.string(),
            title: z.string(),
            seconds: z.number(),
            evaluated: z.number(),
            matches: z.number(),
          }),
        )
        .describe('the rules that took most time, the worst first'),
    }),
    alerts: numbers.describe('by level'),
    suppressed: z.number(),
    deliveries: z.record(z.string(), numbers).describe('attempts by sink and outcome'),
    store: z.object({ ok: z.boolean(), detail: z.string(), bytes: z.number() }),
    ready: z.boolean(),
    unready: z.array(z.string()).describe('why it is not ready'),
  })
  .meta({ id: 'Status' });

export function statusRoutes(deps: Pick<ApiDeps, 'store' | 'rules' | 'status' | 'unready'>): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/v1/status',
      id: 'getStatus',
      tag: 'status',
      summary: 'Sources, engine, rules, deliveries and store in numbers, counted from the start',
      scope: 'read',
      answer: {
        status: 200,
        description: 'The status; for tokens that are limited to namespaces without what counts all of them',
        schema: z.union([statusSchema, limitedStatusSchema]) as z.ZodType<object>,
      },
      handle: async ({ caller }) => {
        const unready = await deps.unready();
        const status = { ...deps.status(), ready: unready.length === 0, unready };
        return caller.namespaces === null ? status : limitedStatusSchema.parse(status);
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/rules',
      id: 'listRules',
      tag: 'rules',
      summary: 'Rules that are loaded',
      scope: 'read',
      query: z.strictObject({
        level: LEVEL_LIST,
        tag: z.string().min(1).max(128).optional().describe('such as `attack.t1059.004`, exact'),
      }),
      answer: {
        status: 200,
        description: 'All rules; for tokens that are limited to namespaces without what they counted',
        schema: z.object({ items: z.array(z.union([ruleSchema, limitedRuleSchema])) }),
      },
      handle: ({ query: { level, tag }, caller }) => {
        const items = deps
          .rules()
          .filter(rule => level === undefined || level.includes(rule.level))
          .filter(rule => tag === undefined || rule.tags.includes(tag.toLowerCase()));
        return { items: caller.namespaces === null ? items : items.map(rule => limitedRuleSchema.parse(rule)) };
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/gaps',
      id: 'listGaps',
      tag: 'status',
      summary: 'Periods in which events are known to be lost, newest first',
      scope: 'read',
      query: z.strictObject({ since: instant.optional().describe('RFC 3339'), ...paging }),
      answer: {
        status: 200,
        description: 'A page of gaps; for tokens that are limited to namespaces without how many events were lost',
        schema: pageOf(gapSchema),
      },
      handle: async ({ query, caller: { namespaces } }) => {
        const { items, next } = await deps.store.gaps(query);
        return { items: items.map(gap => gapFor(gap, namespaces)), next };
      },
    }),
  ];
}

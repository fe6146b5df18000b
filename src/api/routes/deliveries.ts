/** Where alerts went, and whether they arrived. */
import { z } from 'zod';
import type { ApiDeps, DeliveryCounts, DeliveryRecord, DeliveryState, Scope, SinkRecord } from '../deps.ts';
import { notFound, Problem } from '../problem.ts';
import { type Route, route } from '../route.ts';
import { idSchema, listOf, pageOf, paging, timestamp, timestampOf, timestampOrNull, wholeNumber } from '../schemas.ts';

const DELIVERY_STATES = ['pending', 'leased', 'delivered', 'dead'] as const satisfies readonly DeliveryState[];

const sinkName = z
  .string()
  .regex(/^[A-Za-z0-9][\w:.-]{0,127}$/, 'expected the name of a sink')
  .describe('as in the configuration, or `webhook:<id>`');

const replayBody = z.strictObject({ sink: sinkName.optional().describe('another sink; its own when absent') });

/** Dead letters that one request queues again. */
const SINK_REPLAYS_MAX = 1_000;

const deliverySchema = z
  .object({
    id: z.number(),
    key: z.string().describe('idempotency key: the same over all attempts'),
    sink: z.string(),
    group: z.string(),
    signal: z.string(),
    state: z.enum(DELIVERY_STATES),
    alert_id: z.string(),
    incident_id: z.string(),
    attempts: z.number(),
    error: z.string().describe('answer or error of the last attempt'),
    created_at: timestamp,
    due_at: timestamp.describe('when it is tried next'),
    updated_at: timestamp.describe('when its state last changed'),
  })
  .meta({ id: 'Delivery' });

export type DeliveryView = z.infer<typeof deliverySchema>;

function deliveryView({ created_at, due_at, updated_at, ...rest }: DeliveryRecord): DeliveryView {
  return {
    ...rest,
    created_at: timestampOf(created_at),
    due_at: timestampOf(due_at),
    updated_at: timestampOf(updated_at),
  };
}

const sinkSchema = z
  .object({
    name: z.string(),
    type: z.string(),
    state: z
      .enum(['idle', 'ok', 'failing', 'disabled'])
      .describe(
        'by the last attempt: `idle` when nothing was tried since the start, `failing` until one arrives again',
      ),
    detail: z.string().describe('last result in plain words'),
    last_success_at: timestamp.nullable(),
    last_failure_at: timestamp.nullable(),
    deliveries: z.object({
      pending: z.number(),
      leased: z.number(),
      delivered: z.number(),
      dead: z.number(),
      oldest_pending: timestamp.nullable().describe('when the oldest that waits was queued'),
    }),
  })
  .meta({ id: 'Sink' });

export type SinkView = z.infer<typeof sinkSchema>;

function withCounts(sink: SinkRecord, counts: DeliveryCounts): SinkView {
  const { name, type, state, detail, lastSuccessMs, lastFailureMs } = sink;
  const { oldest = null, ...states } = counts.get(name) ?? {};
  return {
    name,
    type,
    state,
    detail,
    last_success_at: timestampOrNull(lastSuccessMs),
    last_failure_at: timestampOrNull(lastFailureMs),
    deliveries: { pending: 0, leased: 0, delivered: 0, dead: 0, ...states, oldest_pending: timestampOrNull(oldest) },
  };
}

type Deps = Pick<ApiDeps, 'store' | 'sinks'>;

/** Sinks of the configuration carry everyone's alerts: callers of some namespaces see only their own webhooks'. */
async function visibleSinks({ store, sinks }: Deps, scope: Scope): Promise<SinkRecord[]> {
  const all = [...sinks.list()];
  if (scope === null) return all;
  const own = new Set((await store.webhooks.list(scope)).map(webhook => `webhook:${webhook.id}`));
  return all.filter(sink => own.has(sink.name));
}

async function requireSink(deps: Deps, name: string, scope: Scope): Promise<void> {
  if (!(await visibleSinks(deps, scope)).some(sink => sink.name === name)) throw notFound('this sink');
}

export function deliveryRoutes(deps: Deps, sinkTestMsMax: number): Route[] {
  const { store, sinks } = deps;
  return [
    route({
      method: 'GET',
      path: '/api/v1/sinks',
      id: 'listSinks',
      tag: 'delivery',
      summary: 'Sinks with what waits for them',
      scope: 'read',
      answer: { status: 200, description: 'All sinks', schema: z.object({ items: z.array(sinkSchema) }) },
      handle: async ({ caller }) => {
        const [visible, counts] = await Promise.all([visibleSinks(deps, caller.namespaces), store.outbox.counts()]);
        return { items: visible.map(sink => withCounts(sink, counts)) };
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/sinks/:name/test',
      id: 'testSink',
      tag: 'delivery',
      summary: 'Send a made-up alert to this sink, once, and say what it answered',
      scope: 'write',
      params: z.strictObject({ name: sinkName }),
      answer: {
        status: 200,
        description: 'What the sink made of it',
        schema: z.object({ outcome: z.string().describe('`delivered` or why not'), detail: z.string() }),
      },
      problems: [404],
      requestsPerMinuteMax: 30,
      handle: async ({ params, caller }) => {
        await requireSink(deps, params.name, caller.namespaces);
        const result = await sinks.test(params.name, AbortSignal.timeout(sinkTestMsMax));
        if (result === null) throw notFound('this sink');
        await store.audit({ actor: caller.name, action: 'sink.test', target: params.name, detail: result.outcome });
        return { outcome: result.outcome, detail: result.detail };
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/deliveries',
      id: 'listDeliveries',
      tag: 'delivery',
      summary: 'Deliveries, newest first; `state=dead` lists the dead letters',
      scope: 'read',
      query: z.strictObject({
        sink: sinkName.optional(),
        state: listOf(DELIVERY_STATES),
        alert: idSchema.optional(),
        incident: idSchema.optional(),
        ...paging,
      }),
      answer: { status: 200, description: 'A page of deliveries', schema: pageOf(deliverySchema) },
      handle: async ({ query: { state, ...rest }, caller }) => {
        const { items, next } = await store.outbox.list({ ...rest, states: state }, caller.namespaces);
        return { items: items.map(deliveryView), next };
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/sinks/:name/replay',
      id: 'replaySink',
      tag: 'delivery',
      summary: `Queue the dead letters of this sink again, the oldest ${SINK_REPLAYS_MAX} at the most, to it or to another`,
      scope: 'write',
      // Also a sink that is no more: its dead letters are what another is to be given.
      params: z.strictObject({ name: sinkName }),
      body: replayBody,
      answer: {
        status: 202,
        description: 'They are queued',
        schema: z.object({ replayed: z.number(), more: z.boolean().describe('whether dead letters are left') }),
      },
      problems: [404],
      handle: async ({ params, body, caller }) => {
        const target = body.sink ?? params.name;
        await requireSink(deps, target, caller.namespaces);
        const ids = await store.outbox.deadLetters(params.name, SINK_REPLAYS_MAX + 1, caller.namespaces);
        const chosen = ids.slice(0, SINK_REPLAYS_MAX);
        const replayed = await store.outbox.replay(chosen, body.sink ?? null, caller.namespaces);
        await store.audit({
          actor: caller.name,
          action: 'sink.replay',
          target: params.name,
          detail: `${replayed} dead letters${body.sink === undefined ? '' : ` to ${body.sink}`}`,
        });
        return { replayed, more: ids.length > chosen.length };
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/deliveries/:id/replay',
      id: 'replayDelivery',
      tag: 'delivery',
      summary: 'Queue a delivered or dead delivery again, to its own sink or to another',
      scope: 'write',
      params: z.strictObject({ id: wholeNumber(1, Number.MAX_SAFE_INTEGER, 'the number of a delivery') }),
      body: replayBody,
      answer: { status: 202, description: 'It is queued', schema: z.object({ replayed: z.number() }) },
      problems: [404, 409],
      handle: async ({ params, body, caller }) => {
        const delivery = await store.outbox.get(params.id, caller.namespaces);
        if (delivery === null) throw notFound('this delivery');
        if (body.sink !== undefined) await requireSink(deps, body.sink, caller.namespaces);
        const replayed = await store.outbox.replay([params.id], body.sink ?? null, caller.namespaces);
        if (replayed === 0) {
          const detail = `this delivery is ${delivery.state}: only what is delivered or dead can be sent again`;
          throw new Problem(409, 'not-replayable', detail);
        }
        await store.audit({
          actor: caller.name,
          action: 'delivery.replay',
          target: String(params.id),
          detail: body.sink === undefined ? '' : `to ${body.sink}`,
        });
        return { replayed };
      },
    }),
  ];
}

/**
 * Subscriptions: alerts that match are posted to a URL, signed as Standard Webhooks. Private addresses are refused here; names are
 * checked when they are resolved for a delivery, and one that only leads to such addresses disables its subscription.
 */
import { z } from 'zod';
import type { ApiDeps, WebhookRecord } from '../deps.ts';
import { notFound } from '../problem.ts';
import { type Route, route } from '../route.ts';
import { freeText, idSchema, kubeName, levelSchema, timestamp, timestampOf } from '../schemas.ts';

const ROTATION_OVERLAP_MS_DEFAULT = 24 * 3_600_000;
const ROTATION_OVERLAP_MS_MAX = 7 * ROTATION_OVERLAP_MS_DEFAULT;

const URL_CHARS_MAX = 2_048;

/**
 * Refused with the reason: other protocols, private addresses, and credentials, which every reader of the list would see. Kept as
 * it will be used, so that what people read is where it leads: hosts in ASCII, addresses in decimals.
 */
function targetSchema(refuse: ApiDeps['refuseWebhook']) {
  return z
    .string()
    .max(URL_CHARS_MAX)
    .regex(/^https?:\/\/[^\s\p{C}]+$/iu, 'expected an http or https URL without white space')
    .transform((text, { issues }) => {
      const refused = refuse(text);
      if (refused === null) return new URL(text).href;
      issues.push({ code: 'custom', message: refused, input: text });
      return z.NEVER;
    })
    .refine(text => text.length <= URL_CHARS_MAX, `expected at most ${URL_CHARS_MAX} characters, percent-encoded`)
    .meta({ format: 'uri' })
    .describe('http or https, at a public address; a name that only leads to private ones disables the webhook');
}

const spec = {
  description: freeText,
  levels: z.array(levelSchema).max(5).describe('[] for all'),
  rules: z.array(idSchema).max(1_000).describe('rule ids; [] for all'),
  namespaces: z.array(kubeName).min(1).max(1_000).nullable().describe('null for all'),
};

const webhookSchema = z
  .object({
    id: z.string(),
    url: z.string(),
    description: z.string(),
    levels: z.array(levelSchema),
    rules: z.array(z.string()),
    namespaces: z.array(z.string()).nullable(),
    enabled: z.boolean(),
    disabled_reason: z
      .string()
      .describe('why deliveries ended by themselves: its receiver said 410, or its name leads to no public address'),
    created_at: timestamp,
  })
  .meta({ id: 'Webhook' });

export type WebhookView = z.infer<typeof webhookSchema>;

function webhookView({ levels, rules, namespaces, created_at, ...rest }: WebhookRecord): WebhookView {
  return {
    ...rest,
    levels: [...levels],
    rules: [...rules],
    namespaces: namespaces === null ? null : [...namespaces],
    created_at: timestampOf(created_at),
  };
}

const secretSchema = z.string().describe('`whsec_…`: shown once, never again');
/** Without the keys that hold nothing: a patch leaves those alone. */
function defined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, held]) => held !== undefined)) as never;
}

const idParams = z.strictObject({ id: idSchema });

type Deps = Pick<ApiDeps, 'store' | 'refuseWebhook' | 'webhooksChanged'>;

export function webhookRoutes({ store, refuseWebhook, webhooksChanged }: Deps): Route[] {
  const { webhooks } = store;
  const url = targetSchema(refuseWebhook);
  const changed = async (actor: string, action: string, id: string): Promise<void> => {
    await store.audit({ actor, action: `webhook.${action}`, target: id, detail: '' });
    await webhooksChanged();
  };
  return [
    route({
      method: 'GET',
      path: '/api/v1/webhooks',
      id: 'listWebhooks',
      tag: 'webhooks',
      summary: 'Subscriptions',
      scope: 'read',
      answer: { status: 200, description: 'All webhooks', schema: z.object({ items: z.array(webhookSchema) }) },
      handle: async ({ caller }) => ({ items: (await webhooks.list(caller.namespaces)).map(webhookView) }),
    }),
    route({
      method: 'POST',
      path: '/api/v1/webhooks',
      id: 'createWebhook',
      tag: 'webhooks',
      summary: 'Subscribe a URL; the answer holds the signing secret, once',
      scope: 'write',
      body: z.strictObject({
        url,
        description: spec.description.default(''),
        levels: spec.levels.default([]),
        rules: spec.rules.default([]),
        namespaces: spec.namespaces.optional().describe('null for all that the caller may see'),
      }),
      answer: {
        status: 201,
        description: 'The webhook and its secret',
        schema: z.object({ webhook: webhookSchema, secret: secretSchema }),
      },
      handle: async ({ body, caller }) => {
        const namespaces = body.namespaces ?? caller.namespaces;
        const created = await webhooks.create({ ...body, namespaces }, caller.namespaces);
        await changed(caller.name, 'create', created.webhook.id);
        return { webhook: webhookView(created.webhook), secret: created.secret };
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/webhooks/:id',
      id: 'getWebhook',
      tag: 'webhooks',
      summary: 'One subscription',
      scope: 'read',
      params: idParams,
      answer: { status: 200, description: 'The webhook', schema: webhookSchema },
      problems: [404],
      handle: async ({ params, caller }) => {
        const webhook = await webhooks.get(params.id, caller.namespaces);
        if (webhook === null) throw notFound('this webhook');
        return webhookView(webhook);
      },
    }),
    route({
      method: 'PATCH',
      path: '/api/v1/webhooks/:id',
      id: 'updateWebhook',
      tag: 'webhooks',
      summary: 'Change a subscription; `enabled: true` also ends a disablement by its receiver',
      scope: 'write',
      params: idParams,
      body: z.strictObject({ url, ...spec, enabled: z.boolean() }).partial(),
      answer: { status: 200, description: 'The webhook as it is now', schema: webhookSchema },
      problems: [404],
      handle: async ({ params, body, caller }) => {
        // "All" is all that the caller may see.
        const patch = body.namespaces === null ? { ...body, namespaces: caller.namespaces } : body;
        const webhook = await webhooks.update(params.id, defined(patch), caller.namespaces);
        if (webhook === null) throw notFound('this webhook');
        await changed(caller.name, 'update', params.id);
        return webhookView(webhook);
      },
    }),
    route({
      method: 'DELETE',
      path: '/api/v1/webhooks/:id',
      id: 'deleteWebhook',
      tag: 'webhooks',
      summary: 'End a subscription; what it was not sent yet becomes dead letters',
      scope: 'write',
      params: idParams,
      answer: { status: 204, description: 'It is gone' },
      problems: [404],
      handle: async ({ params, caller }) => {
        if (!(await webhooks.delete(params.id, caller.namespaces))) throw notFound('this webhook');
        await changed(caller.name, 'delete', params.id);
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/webhooks/:id/rotate',
      id: 'rotateWebhookSecret',
      tag: 'webhooks',
      summary: 'A new signing secret; the old one stays valid beside it for a while',
      scope: 'write',
      params: idParams,
      body: z.strictObject({
        overlap_ms: z.int().min(0).max(ROTATION_OVERLAP_MS_MAX).default(ROTATION_OVERLAP_MS_DEFAULT),
      }),
      answer: { status: 200, description: 'The new secret', schema: z.object({ secret: secretSchema }) },
      problems: [404],
      handle: async ({ params, body, caller }) => {
        const secret = await webhooks.rotate(params.id, body.overlap_ms, caller.namespaces);
        if (secret === null) throw notFound('this webhook');
        await changed(caller.name, 'rotate', params.id);
        return { secret };
      },
    }),
  ];
}

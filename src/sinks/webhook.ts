/** Standard Webhooks: signed JSON to any URL. */
import { createHmac } from 'node:crypto';
import { z } from 'zod';
import type { SinkDeps } from './deps.ts';
import { HttpClient, HttpFailure } from './http.ts';
import { judge, judgeFailure, secretParts } from './reply.ts';
import { type Secret, secretOf, tlsOf } from './secrets.ts';
import type { Delivery, SendResult, Sink } from './sink.ts';
import { deliveryKeys, httpKeys, oneOf, permittedTarget } from './units.ts';

const PREFIX = 'whsec_';
const secret = z
  .string()
  .refine(text => keyOf(text) !== null, `expected ${PREFIX} and 24 to 64 bytes in base64`)
  .optional();

export const webhookConfig = z
  .strictObject({
    type: z.literal('webhook'),
    url: z.url().optional().describe('where deliveries are POSTed'),
    url_file: z.string().min(1).optional(),
    secret: secret.describe(`key that signs every delivery: ${PREFIX} and 24 to 64 bytes in base64`),
    secret_file: z.string().min(1).optional(),
    previous_secret: secret.describe('the key before, while receivers change over: signs as well'),
    previous_secret_file: z.string().min(1).optional(),
    ...httpKeys,
    ...deliveryKeys,
  })
  .superRefine(oneOf('url', true))
  .superRefine(oneOf('secret', true))
  .superRefine(oneOf('previous_secret', false))
  .superRefine(permittedTarget('url'));

export type WebhookConfig = z.infer<typeof webhookConfig>;

/** Past this, the evidence's raw records are left out: the receiver asks the API for them. */
export const WEBHOOK_BODY_BYTES_MAX = 1024 * 1024;

/** What a webhook needs, wherever it was set up: in the configuration or through the API. */
export interface WebhookTarget {
  url(): string;
  /** `whsec_…` texts, newest first: each signs. */
  secrets(): Promise<readonly string[]> | readonly string[];
  readonly client: HttpClient;
}

export function createWebhook(name: string, config: WebhookConfig, deps: SinkDeps): Sink {
  const current = secretOf(config.secret, config.secret_file) as Secret;
  const previous = secretOf(config.previous_secret, config.previous_secret_file);
  return webhookSink(name, deps, {
    url: secretOf(config.url, config.url_file) as Secret,
    secrets: () => (previous === null ? [current()] : [current(), previous()]),
    client: new HttpClient({
      allowPrivate: config.allow_private,
      proxyEnv: config.proxy ? deps.proxyEnv : {},
      connections: config.concurrency,
      tls: tlsOf(config.tls),
    }),
  });
}

/**
 * A target that a user of the API chose: public addresses only, and always a direct connection, since a proxy would resolve
 * the name out of the guard's sight. One that leads nowhere else is disabled, for its user to see: nobody else can mend it.
 */
export function createSubscription(
  name: string,
  target: Omit<WebhookTarget, 'client'>,
  deps: Pick<SinkDeps, 'now' | 'lookup'>,
): Sink {
  const { lookup } = deps;
  const options = { allowPrivate: false, proxyEnv: {}, connections: 2, tls: null };
  const client = new HttpClient(lookup === undefined ? options : { ...options, lookup });
  return webhookSink(name, deps, { ...target, client }, error => {
    if (error instanceof HttpFailure && error.kind !== 'failed') return { outcome: 'disable', detail: error.message };
    return judgeFailure(error);
  });
}

function webhookSink(
  name: string,
  deps: Pick<SinkDeps, 'now'>,
  target: WebhookTarget,
  judgeError: (error: unknown) => SendResult = judgeFailure,
): Sink {
  const send = async (delivery: Delivery, signal: AbortSignal): Promise<SendResult> => {
    try {
      const keys = (await target.secrets()).map(keyOf);
      // Unsigned is never right: a receiver could not tell it from a forgery.
      if (keys.length === 0 || keys.includes(null)) return { outcome: 'retry', detail: 'no usable signing secret' };
      const url = target.url();
      const body = delivery.body ?? webhookBody(delivery);
      const timestamp = Math.floor(deps.now() / 1_000);
      const headers = {
        'content-type': 'application/json',
        'user-agent': 'Spoor',
        'webhook-id': delivery.id,
        'webhook-timestamp': String(timestamp),
        'webhook-signature': keys.map(key => sign(key as Buffer, delivery.id, timestamp, body)).join(' '),
      };
      const reply = await target.client.post({ url, headers, body, signal });
      const result = judge(reply, delivery.attempt, deps.now(), secretParts(url));
      return reply.status === 410 ? { ...result, outcome: 'disable' } : result;
    } catch (error) {
      return judgeError(error);
    }
  };
  return { name, type: 'webhook', render: webhookBody, send, close: () => target.client.close() };
}

/** The key's bytes, or null when `text` is no such secret. */
function keyOf(text: string): Buffer | null {
  const base64 = text.startsWith(PREFIX) ? text.slice(PREFIX.length) : '';
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return null;
  const key = Buffer.from(base64, 'base64');
  return key.length >= 24 && key.length <= 64 ? key : null;
}

function sign(key: Buffer, id: string, timestamp: number, body: string): string {
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
}

/** `{type, timestamp, data}`. */
function webhookBody({ signal, alerts, incident }: Delivery): string {
  const type = signal === 'alert' ? 'alert.created' : signal;
  const timestamp = alerts.at(-1)?.last_seen ?? incident?.last_seen ?? '';
  const body = JSON.stringify({ type, timestamp, data: { alerts, incident } });
  if (Buffer.byteLength(body) <= WEBHOOK_BODY_BYTES_MAX) return body;
  const slim = alerts.map(alert => ({
    ...alert,
    evidence: alert.evidence.map(e => ({ ...e, raw: null })),
    evidence_omitted: true,
  }));
  return JSON.stringify({ type, timestamp, data: { alerts: slim, incident } });
}

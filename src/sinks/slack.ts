/** Slack: an incoming webhook, or chat.postMessage with one thread an incident. */
import { z } from 'zod';
import type { SinkDeps } from './deps.ts';
import { HttpClient, type HttpReply, parseRetryAfter } from './http.ts';
import { judge, judgeFailure, refusal, secretParts } from './reply.ts';
import { type Secret, secretOf, tlsOf } from './secrets.ts';
import type { Delivery, SendResult, Sink } from './sink.ts';
import { type SlackMessage, slackMessage } from './slack-blocks.ts';
import { tell } from './story.ts';
import { deliveryKeys, httpKeys, oneOf, permittedTarget } from './units.ts';

export const slackConfig = z
  .strictObject({
    type: z.literal('slack'),
    webhook_url: z.url().optional().describe('incoming webhook, a secret; or token and channel'),
    webhook_url_file: z.string().min(1).optional(),
    token: z.string().min(1).optional().describe('bot token with chat:write, for threads: one an incident'),
    token_file: z.string().min(1).optional(),
    channel: z.string().min(1).optional().describe('channel id or name that the token posts to'),
    api_url: z.url().default('https://slack.com/api').describe('base of the Web API'),
    ...httpKeys,
    ...deliveryKeys,
    // A channel takes one message a second, in the order in which they are to be read.
    rate: deliveryKeys.rate.unwrap().default(1),
    concurrency: deliveryKeys.concurrency.unwrap().default(1),
  })
  .superRefine(oneOf('webhook_url', false))
  .superRefine(oneOf('token', false))
  .superRefine(permittedTarget('webhook_url'))
  .superRefine(permittedTarget('api_url'))
  .superRefine((config, context) => {
    const webhook = config.webhook_url !== undefined || config.webhook_url_file !== undefined;
    const token = config.token !== undefined || config.token_file !== undefined;
    const message = webhook === token ? 'set either webhook_url(_file) or token(_file) with channel' : '';
    const problem = message === '' && token && config.channel === undefined ? 'token needs channel' : message;
    if (problem !== '') context.issues.push({ code: 'custom', message: problem, input: '', path: [] });
  });

export type SlackConfig = z.infer<typeof slackConfig>;

/** Errors of chat.postMessage that pass by themselves. */
const PASSING = new Set([
  'ratelimited',
  'rate_limited',
  'message_limit_exceeded',
  'internal_error',
  'fatal_error',
  'service_unavailable',
  'request_timeout',
  'team_added_to_org',
]);
/** Errors that say that this very message can never be posted. */
const MALFORMED = new Set([
  'invalid_blocks',
  'invalid_blocks_format',
  'msg_too_long',
  'msg_blocks_too_long',
  'no_text',
]);
/** The thread's first message is gone. */
const THREAD_GONE = new Set(['thread_not_found', 'message_not_found', 'cannot_reply_to_message']);

export function createSlack(name: string, config: SlackConfig, deps: SinkDeps): Sink {
  const client = new HttpClient({
    allowPrivate: config.allow_private,
    proxyEnv: config.proxy ? deps.proxyEnv : {},
    connections: config.concurrency,
    tls: tlsOf(config.tls),
  });
  const webhook = secretOf(config.webhook_url, config.webhook_url_file);
  const token = secretOf(config.token, config.token_file);

  const send = async (delivery: Delivery, signal: AbortSignal): Promise<SendResult> => {
    const message = slackMessage(tell(delivery, deps.baseUrl));
    try {
      return webhook === null
        ? await postMessage(token as Secret, message, delivery, signal)
        : await postWebhook(webhook(), message, delivery, signal);
    } catch (error) {
      return judgeFailure(error);
    }
  };

  const postWebhook = async (url: string, message: SlackMessage, delivery: Delivery, signal: AbortSignal) => {
    const headers = { 'content-type': 'application/json; charset=utf-8' };
    const reply = await client.post({ url, headers, body: JSON.stringify(message), signal });
    return judge(reply, delivery.attempt, deps.now(), secretParts(url));
  };

  const postMessage = async (secret: Secret, message: SlackMessage, delivery: Delivery, signal: AbortSignal) => {
    const bearer = secret();
    const threadKey = delivery.incident === null ? null : `slack:${name}:${config.channel}:${delivery.incident.id}`;
    const thread = threadKey === null ? null : await deps.threads.get(threadKey).catch(() => null);
    const body = {
      channel: config.channel,
      ...message,
      ...(thread === null ? {} : { thread_ts: thread }),
      metadata: { event_type: 'spoor_delivery', event_payload: { id: delivery.id } },
    };
    const headers = { 'content-type': 'application/json; charset=utf-8', authorization: `Bearer ${bearer}` };
    const url = `${config.api_url.replace(/\/+$/, '')}/chat.postMessage`;
    const reply = await client.post({ url, headers, body: JSON.stringify(body), signal });
    if (reply.status !== 200) return judge(reply, delivery.attempt, deps.now(), [bearer]);
    const answer = parseAnswer(reply);
    if (answer === null) return { outcome: 'retry', detail: 'HTTP 200 without a readable answer' } as const;
    if (answer.ok) {
      if (threadKey !== null && thread === null && answer.ts !== '') {
        // It is posted: a thread that cannot be remembered must not make it be posted again.
        await deps.threads.set(threadKey, answer.ts).catch(() => {});
      }
      return { outcome: 'delivered', detail: 'ok' } as const;
    }
    if (threadKey !== null && THREAD_GONE.has(answer.error)) {
      await deps.threads.set(threadKey, null).catch(() => {});
      return { outcome: 'retry', detail: `${answer.error}: starting a new thread` } as const;
    }
    return judgeError(answer.error, reply, delivery.attempt);
  };

  const judgeError = (error: string, reply: HttpReply, attempt: number): SendResult => {
    const detail = `Slack says ${error}`;
    if (PASSING.has(error)) {
      return { outcome: 'retry', retryAfterMs: parseRetryAfter(reply.header('retry-after'), deps.now()), detail };
    }
    return MALFORMED.has(error) ? { outcome: 'drop', detail } : refusal(attempt, detail);
  };

  return { name, type: 'slack', send, close: () => client.close() };
}

/** Null when the body is not a whole answer: it may or may not have been posted. */
function parseAnswer(reply: HttpReply): { ok: boolean; error: string; ts: string } | null {
  if (!reply.complete) return null;
  try {
    const { ok, error, ts } = JSON.parse(reply.body) as { ok?: unknown; error?: unknown; ts?: unknown };
    if (typeof ok !== 'boolean') return null;
    // Error codes are words of Slack's; anything else is not repeated.
    const code = typeof error === 'string' && /^[a-z_]{1,64}$/.test(error) ? error : 'unknown_error';
    return { ok, error: code, ts: typeof ts === 'string' ? ts : '' };
  } catch {
    return null;
  }
}

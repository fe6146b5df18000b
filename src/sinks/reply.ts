/** What an HTTP answer, or the lack of one, means for a delivery: the same for every HTTP sink but for what each adds. */
import { escapeTerminal } from '../model/escape.ts';
import { HttpFailure, type HttpReply, parseRetryAfter } from './http.ts';
import { SecretUnreadable } from './secrets.ts';
import type { SendResult } from './sink.ts';

/** A refusal that a person may be repairing (wrong path, expired token, redirect): tried so often before it is final. */
const REFUSAL_ATTEMPTS_MAX = 10;
const DETAIL_CHARACTERS_MAX = 200;

/** 408, 425 and 429 say "later" although they are 4xx; all of 5xx may pass. */
const later = (status: number): boolean => status === 408 || status === 425 || status === 429 || status >= 500;

/**
 * 2xx delivered; "later" statuses retry and honour `Retry-After`; other answers, redirects among them, are refusals.
 * `secrets` are cut out of what the receiver echoed.
 */
export function judge(reply: HttpReply, attempt: number, nowMs: number, secrets: readonly string[]): SendResult {
  const detail = describeReply(reply, secrets);
  if (reply.status >= 200 && reply.status < 300) return { outcome: 'delivered', detail: `HTTP ${reply.status}` };
  if (later(reply.status)) {
    return { outcome: 'retry', retryAfterMs: parseRetryAfter(reply.header('retry-after'), nowMs), detail };
  }
  return refusal(attempt, detail);
}

export function refusal(attempt: number, detail: string): SendResult {
  return { outcome: attempt < REFUSAL_ATTEMPTS_MAX ? 'retry' : 'drop', detail };
}

/** What a throw of `HttpClient.post`, or of reading a secret, means. */
export function judgeFailure(error: unknown): SendResult {
  if (error instanceof HttpFailure)
    return { outcome: error.kind === 'refused' ? 'drop' : 'retry', detail: error.message };
  if (error instanceof SecretUnreadable) return { outcome: 'retry', detail: error.message };
  throw error;
}

function describeReply(reply: HttpReply, secrets: readonly string[]): string {
  const location = reply.status >= 300 && reply.status < 400 ? ' (redirects are not followed)' : '';
  let text = reply.body;
  for (const secret of secrets) if (secret.length > 3) text = text.replaceAll(secret, '…');
  const shown = escapeTerminal([...text.slice(0, 4 * DETAIL_CHARACTERS_MAX)].slice(0, DETAIL_CHARACTERS_MAX).join(''));
  return `HTTP ${reply.status}${location}${shown === '' ? '' : `: ${shown}`}`;
}

/** The parts of a URL that must not be repeated: all but its origin. */
export function secretParts(url: string): string[] {
  const { pathname, search } = new URL(url);
  return [`${pathname}${search}`, pathname, search].filter(part => part.length > 1);
}

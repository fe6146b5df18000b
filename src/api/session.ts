/**
 * Sign-in of the web page. The browser holds a random cookie that scripts cannot read and other sites cannot send; the server
 * holds which token it stands for, in memory: a restart signs everyone out, and a revoked token ends its sessions.
 */
import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Authenticator } from './auth.ts';
import { type Route, route } from './route.ts';

const COOKIE = 'spoor_session';
const SESSION_MS_MAX = 12 * 3_600_000;
const SESSIONS_MAX = 1_000;
/** Guesses of a token a minute and caller. */
const SIGN_INS_PER_MINUTE_MAX = 30;

interface Session {
  readonly authorization: string;
  readonly until: number;
}

const digest = (secret: string): string => createHash('sha256').update(secret).digest('hex');

function secretIn(cookies: string | undefined): string | null {
  const found = (cookies ?? '').split(';').find(each => each.trim().startsWith(`${COOKIE}=`));
  return found === undefined ? null : found.trim().slice(COOKIE.length + 1);
}

export class Sessions {
  readonly #sessions = new Map<string, Session>();

  /** The Authorization header for which a request's cookies stand. */
  authorization(cookies: string | undefined): string | undefined {
    const secret = secretIn(cookies);
    if (secret === null) return undefined;
    const id = digest(secret);
    const session = this.#sessions.get(id);
    if (session === undefined) return undefined;
    if (session.until > Date.now()) return session.authorization;
    this.#sessions.delete(id);
    return undefined;
  }

  /** A new session's secret. At the limit the oldest ends. */
  begin(authorization: string): string {
    const [oldest] = this.#sessions.keys();
    if (this.#sessions.size >= SESSIONS_MAX && oldest !== undefined) this.#sessions.delete(oldest);
    const secret = randomBytes(32).toString('base64url');
    this.#sessions.set(digest(secret), { authorization, until: Date.now() + SESSION_MS_MAX });
    return secret;
  }

  end(cookies: string | undefined): void {
    const secret = secretIn(cookies);
    if (secret !== null) this.#sessions.delete(digest(secret));
  }
}

/** @param isSecure whether the page is reached by TLS: then the cookie never goes without. */
export function sessionRoutes(sessions: Sessions, authenticator: Authenticator, isSecure: boolean): Route[] {
  const cookie = (value: string, seconds: number): string =>
    `${COOKIE}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${seconds}${isSecure ? '; Secure' : ''}`;
  return [
    route({
      method: 'GET',
      path: '/api/v1/session',
      id: 'getSession',
      tag: 'session',
      summary: 'Who calls',
      scope: 'read',
      answer: {
        status: 200,
        description: 'The caller',
        schema: z.object({
          name: z.string().describe('of the token; `anonymous` where none is needed'),
          signed_in: z.boolean().describe('by a cookie of this API'),
          namespaces: z.array(z.string()).nullable().describe('that it may see; null for all'),
        }),
      },
      handle: ({ caller, request }) => ({
        name: caller.name,
        signed_in: sessions.authorization(request.headers.cookie) !== undefined,
        namespaces: caller.namespaces === null ? null : [...caller.namespaces],
      }),
    }),
    route({
      method: 'POST',
      path: '/api/v1/session',
      id: 'signIn',
      tag: 'session',
      summary: 'Sign in with a token; a cookie stands for it afterwards, until the browser or 12 hours end',
      scope: null,
      body: z.strictObject({ token: z.string().min(1).max(256) }),
      answer: { status: 204, description: 'Signed in' },
      problems: [401],
      requestsPerMinuteMax: SIGN_INS_PER_MINUTE_MAX,
      handle: async ({ body, request, reply }) => {
        const authorization = `Bearer ${body.token}`;
        await authenticator.identify(authorization);
        sessions.end(request.headers.cookie);
        reply.header('set-cookie', cookie(sessions.begin(authorization), SESSION_MS_MAX / 1_000));
      },
    }),
    route({
      method: 'DELETE',
      path: '/api/v1/session',
      id: 'signOut',
      tag: 'session',
      summary: 'Sign out',
      scope: null,
      answer: { status: 204, description: 'Signed out' },
      handle: ({ request, reply }) => {
        sessions.end(request.headers.cookie);
        reply.header('set-cookie', cookie('', 0));
      },
    }),
  ];
}

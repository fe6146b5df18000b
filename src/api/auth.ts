/** Who calls. Bearer tokens by their hashes; on loopback without any token everyone on the machine may do everything. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { ApiStore, Scope, TokenScope } from './deps.ts';
import { Problem } from './problem.ts';

export interface Caller {
  /** Token's name, `admin` for the configured one, or `anonymous`: who the audit log names. */
  readonly name: string;
  /** Key for rate limits: the token's id, or ''. */
  readonly id: string;
  readonly scopes: ReadonlySet<TokenScope>;
  readonly namespaces: Scope;
}

const EVERYTHING: ReadonlySet<TokenScope> = new Set(['read', 'write', 'ingest', 'admin']);

const ANONYMOUS: Caller = { name: 'anonymous', id: '', scopes: EVERYTHING, namespaces: null };
/** May see only what is open to anyone. */
export const NOBODY: Caller = { name: 'nobody', id: '', scopes: new Set(), namespaces: [] };
const ADMIN: Caller = { name: 'admin', id: 'admin', scopes: EVERYTHING, namespaces: null };

/** Wider than RFC 6750's b64token: people choose tokens of their own, too. */
const BEARER = /^bearer +([!-~]{1,256}) *$/i;

/** Throws when a configured token could be guessed, or could never be sent. */
export function checkConfiguredToken(token: string | null): void {
  if (token === null || /^[!-~]{16,256}$/.test(token)) return;
  throw new Error(
    'api: the admin token has to be 16 to 256 visible ASCII characters without spaces; make one with: openssl rand -hex 32',
  );
}

const challenge = (parameters = ''): Record<string, string> => ({
  'www-authenticate': `Bearer realm="spoor"${parameters}`,
});

/** Write implies read, admin implies all. */
function implied(scopes: readonly TokenScope[]): ReadonlySet<TokenScope> {
  if (scopes.includes('admin')) return EVERYTHING;
  return new Set(scopes.includes('write') ? [...scopes, 'read'] : scopes);
}

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();

export interface Authenticator {
  /** No token exists and nobody but this machine can connect: no token is asked for. */
  open(): Promise<boolean>;
  /** Throws a 401 problem. */
  identify(authorization: string | undefined): Promise<Caller>;
}

export function createAuthenticator(
  tokens: ApiStore['tokens'],
  adminToken: () => string | null,
  loopback: boolean,
): Authenticator {
  const open = async (): Promise<boolean> => loopback && adminToken() === null && !(await tokens.any());
  return {
    open,
    async identify(authorization) {
      if (await open()) return ANONYMOUS;
      if (authorization === undefined) {
        throw new Problem(401, 'unauthenticated', 'a bearer token is needed', { headers: challenge() });
      }
      const secret = BEARER.exec(authorization)?.[1];
      const refused = new Problem(401, 'unauthenticated', 'the bearer token is not valid', {
        headers: challenge(', error="invalid_token"'),
      });
      if (secret === undefined) throw refused;
      const admin = adminToken();
      if (admin !== null && timingSafeEqual(sha256(secret), sha256(admin))) return ADMIN;
      const token = await tokens.authenticate(secret);
      if (token === null) throw refused;
      return { name: token.name, id: token.id, scopes: implied(token.scopes), namespaces: token.namespaces };
    },
  };
}

/** What a token of some namespaces could administer or ingest would reach into others. */
export const needsAllNamespaces = (scope: TokenScope | null): boolean => scope === 'admin' || scope === 'ingest';

/** Throws a 403 problem. `allNamespaces`: whether tokens of some namespaces alone are refused. */
export function requireScope(caller: Caller, scope: TokenScope, allNamespaces: boolean): void {
  const limited = allNamespaces && caller.namespaces !== null;
  if (caller.scopes.has(scope) && !limited) return;
  throw new Problem(
    403,
    'forbidden',
    `this needs a token with the scope "${scope}"${limited ? ' that is not limited to namespaces' : ''}`,
    { headers: challenge(`, error="insufficient_scope", scope="${scope}"`) },
  );
}

/** True when the caller may see things of this namespace; host things ('') are for callers without a limit. */
export function sees(scope: Scope, namespace: string): boolean {
  return scope === null || (namespace !== '' && scope.includes(namespace));
}

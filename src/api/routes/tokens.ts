/** Who may call this API, and who did what. */
import { z } from 'zod';
import type { ApiDeps, TokenRecord, TokenScope } from '../deps.ts';
import { invalid, notFound, Problem } from '../problem.ts';
import { type Route, route } from '../route.ts';
import { idSchema, instant, kubeName, pageOf, paging, timestamp, timestampOf, timestampOrNull } from '../schemas.ts';

const TOKEN_SCOPES = ['read', 'write', 'ingest', 'admin'] as const satisfies readonly TokenScope[];

const tokenSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    scopes: z.array(z.enum(TOKEN_SCOPES)),
    namespaces: z.array(z.string()).nullable(),
    created_at: timestamp,
    expires_at: timestamp.nullable().describe('null for never'),
    last_used_at: timestamp.nullable(),
  })
  .meta({ id: 'Token' });

export type TokenView = z.infer<typeof tokenSchema>;

function tokenView({ id, name, scopes, namespaces, ...times }: TokenRecord): TokenView {
  return {
    id,
    name,
    scopes: [...scopes],
    namespaces: namespaces === null ? null : [...namespaces],
    created_at: timestampOf(times.created_at),
    expires_at: timestampOrNull(times.expires_at),
    last_used_at: timestampOrNull(times.last_used_at),
  };
}

const auditSchema = z
  .object({
    id: z.number(),
    at: timestamp,
    actor: z.string(),
    action: z.string(),
    target: z.string(),
    detail: z.string(),
  })
  .meta({ id: 'AuditEntry' });

const tokenBody = z.strictObject({
  name: z.string().regex(/^[\w][\w .@-]{0,63}$/, 'expected up to 64 letters, digits, spaces or . @ _ -'),
  scopes: z
    .array(z.enum(TOKEN_SCOPES))
    .min(1)
    .max(4)
    .transform(scopes => [...new Set(scopes)]),
  namespaces: z.array(kubeName).min(1).max(1_000).nullable().default(null).describe('null for all'),
  expires_at: instant
    .transform(text => Date.parse(text))
    .refine(ms => ms > Date.now(), 'lies in the past')
    .nullable()
    .default(null)
    .describe('RFC 3339; null for never'),
});

const isAdmin = (token: Pick<TokenRecord, 'scopes' | 'expires_at'>): boolean =>
  token.scopes.includes('admin') && (token.expires_at === null || token.expires_at > Date.now());

/** What a token of some namespaces cannot be held to. */
function checkScopes(body: z.infer<typeof tokenBody>): void {
  if (body.namespaces === null || !body.scopes.some(scope => scope === 'admin' || scope === 'ingest')) return;
  throw invalid([
    { in: 'body', field: 'namespaces', message: 'admin and ingest tokens cannot be limited to namespaces' },
  ]);
}

export function tokenRoutes({ store }: Pick<ApiDeps, 'store'>, hasConfiguredAdmin: () => boolean): Route[] {
  const { tokens } = store;
  return [
    route({
      method: 'GET',
      path: '/api/v1/tokens',
      id: 'listTokens',
      tag: 'administration',
      summary: 'Tokens, without their secrets',
      scope: 'admin',
      answer: { status: 200, description: 'All tokens', schema: z.object({ items: z.array(tokenSchema) }) },
      handle: async () => ({ items: (await tokens.list()).map(tokenView) }),
    }),
    route({
      method: 'POST',
      path: '/api/v1/tokens',
      id: 'createToken',
      tag: 'administration',
      summary: 'A new token; its secret is in this answer, once. From the first token on, every request needs one',
      scope: 'admin',
      body: tokenBody,
      answer: {
        status: 201,
        description: 'The token and its secret',
        schema: z.object({ token: tokenSchema, secret: z.string().describe('shown once, never again') }),
      },
      problems: [409],
      handle: async ({ body, caller }) => {
        checkScopes(body);
        // The first token closes the open API: without an administrator nobody could ever open it again from here.
        if (!isAdmin(body) && !hasConfiguredAdmin() && !(await tokens.any())) {
          throw new Problem(409, 'admin-first', 'the first token has to have the scope "admin"');
        }
        const created = await tokens.create(body);
        await store.audit({
          actor: caller.name,
          action: 'token.create',
          target: created.token.id,
          detail: `${body.name}: ${body.scopes.join(' ')}`,
        });
        return { token: tokenView(created.token), secret: created.secret };
      },
    }),
    route({
      method: 'DELETE',
      path: '/api/v1/tokens/:id',
      id: 'revokeToken',
      tag: 'administration',
      summary: 'Revoke a token; at once',
      scope: 'admin',
      params: z.strictObject({ id: idSchema }),
      answer: { status: 204, description: 'It is revoked' },
      problems: [404, 409],
      handle: async ({ params, caller }) => {
        // Revoking the last administrator would lock everyone out, or, with it the last token, let everyone in.
        const admins = (await tokens.list()).filter(isAdmin);
        if (!hasConfiguredAdmin() && admins.length === 1 && admins[0]?.id === params.id) {
          throw new Problem(409, 'last-admin', 'this is the last token with the scope "admin": make another one first');
        }
        if (!(await tokens.revoke(params.id))) throw notFound('this token');
        await store.audit({ actor: caller.name, action: 'token.revoke', target: params.id, detail: '' });
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/audit',
      id: 'listAudit',
      tag: 'administration',
      summary: 'Who changed what, newest first',
      scope: 'admin',
      query: z.strictObject({ target: z.string().min(1).max(256).optional(), ...paging }),
      answer: { status: 200, description: 'A page of the audit log', schema: pageOf(auditSchema) },
      handle: async ({ query }) => {
        const { items, next } = await store.auditLog(query);
        return { items: items.map(({ at, ...rest }) => ({ ...rest, at: timestampOf(at) })), next };
      },
    }),
  ];
}

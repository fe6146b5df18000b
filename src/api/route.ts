/** A route is data: what it takes, what it answers and who may call it. Fastify, the OpenAPI document and the tests read it. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type Caller, needsAllNamespaces } from './auth.ts';
import type { TokenScope } from './deps.ts';
import { type FieldError, fieldErrors, invalid } from './problem.ts';

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

/** JSON with a schema, or a raw answer that the handler sends itself. */
type Answer<R> =
  | { readonly status: 200 | 201 | 202; readonly description: string; readonly schema: z.ZodType<R> }
  | { readonly status: 204; readonly description: string }
  | { readonly status: 200; readonly description: string; readonly media: string };

/** Any bytes: the OpenAPI document shows the media types, the handler decodes. */
interface RawBody {
  readonly media: readonly string[];
  readonly description: string;
}

interface RouteInput<P, Q, B> {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  readonly caller: Caller;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

export interface RouteSpec<P, Q, B, R> {
  readonly method: Method;
  /** As Fastify writes it: `/api/v1/alerts/:id`. */
  readonly path: string;
  /** operationId. */
  readonly id: string;
  readonly tag: string;
  readonly summary: string;
  /** Scope that the caller needs; null for anyone. */
  readonly scope: TokenScope | null;
  /** Tells of all namespaces at once: not for tokens of some. So are all routes of the scopes `admin` and `ingest`. */
  readonly allNamespaces?: true;
  readonly params?: z.ZodType<P>;
  readonly query?: z.ZodType<Q>;
  readonly body?: z.ZodType<B>;
  readonly rawBody?: RawBody;
  readonly answer: Answer<R>;
  /** Statuses of problem documents beside those that every route has. */
  readonly problems?: readonly number[];
  /** Requests a minute and caller, where the general limit does not fit; false for none. */
  readonly requestsPerMinuteMax?: number | false;
  /** A raw answer's handler sends by itself and returns the reply. */
  handle(input: RouteInput<P, Q, B>): Promise<R | FastifyReply> | R | FastifyReply;
}

// biome-ignore lint/suspicious/noExplicitAny: a list of routes of every shape; each was checked where it was written.
export type Route = RouteSpec<any, any, any, any>;

/** Lets the compiler infer a route's shapes from its schemas, and check its handler against them. */
export function route<P = Record<string, never>, Q = Record<string, never>, B = undefined, R = undefined>(
  spec: RouteSpec<P, Q, B, R>,
): Route {
  return spec;
}

const nothing = z.strictObject({});
const ERRORS_MAX = 20;

/** Validates all parts of a request at once, so that the caller hears of every mistake together. */
function validate(spec: Route, request: FastifyRequest): { params: unknown; query: unknown; body: unknown } {
  const errors: FieldError[] = [];
  const check = (place: FieldError['in'], schema: z.ZodType, value: unknown): unknown => {
    const result = schema.safeParse(value);
    if (result.success) return result.data;
    errors.push(...fieldErrors(place, result.error));
    return undefined;
  };
  const params = check('path', spec.params ?? nothing, request.params ?? {});
  const query = check('query', spec.query ?? nothing, request.query ?? {});
  // Without a body schema there is nothing to read: an empty body and `{}` are the same.
  const body = spec.body === undefined ? request.body : check('body', spec.body, request.body ?? {});
  if (errors.length > 0) throw invalid(errors.slice(0, ERRORS_MAX));
  return { params, query, body };
}

/** Whether HEAD is answered too: not for what never ends. */
export const hasHead = (spec: Route): boolean =>
  spec.method === 'GET' && !('media' in spec.answer && spec.answer.media === 'text/event-stream');

export function addRoute(app: FastifyInstance, spec: Route): void {
  app.route({
    method: spec.method,
    url: spec.path,
    exposeHeadRoute: hasHead(spec),
    config: {
      scope: spec.scope,
      allNamespaces: spec.allNamespaces ?? needsAllNamespaces(spec.scope),
      ...(spec.requestsPerMinuteMax === undefined
        ? {}
        : { rateLimit: spec.requestsPerMinuteMax === false ? false : { max: spec.requestsPerMinuteMax } }),
    },
    handler: async (request, reply) => {
      const result = await spec.handle({ ...validate(spec, request), caller: request.caller, request, reply });
      if (result === reply) return reply;
      if (spec.answer.status === 204) return reply.code(204).send();
      return reply.code(spec.answer.status).type('application/json').send(JSON.stringify(result));
    },
  });
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Scope that the caller needs; null or absent for anyone. */
    scope?: TokenScope | null;
    allNamespaces?: boolean;
  }
  interface FastifyRequest {
    caller: Caller;
  }
}

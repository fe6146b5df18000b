/** The HTTP API: what it is made of, and in which order a request meets it. */
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import { type Authenticator, checkConfiguredToken, createAuthenticator, NOBODY, requireScope } from './auth.ts';
import { checkHost, checkOrigin, isLoopback } from './browser-guard.ts';
import type { ApiConfig } from './config.ts';
import type { ApiDeps } from './deps.ts';
import { registerMetrics } from './metrics.ts';
import { isVisit, pageRoutes } from './page.ts';
import { PROBLEM_TYPE, Problem, problemBody, sendProblem, toProblem } from './problem.ts';
import { addRoute, hasHead, type Route } from './route.ts';
import { alertRoutes } from './routes/alerts.ts';
import { caseRoutes } from './routes/case.ts';
import { deliveryRoutes } from './routes/deliveries.ts';
import { documentRoutes } from './routes/documents.ts';
import { eventRoutes } from './routes/events.ts';
import { incidentRoutes } from './routes/incidents.ts';
import { boundReceiving, ingestRoute } from './routes/ingest.ts';
import { liveRoutes } from './routes/live.ts';
import { mapRoutes } from './routes/map.ts';
import { probeRoutes } from './routes/probes.ts';
import { replayRoutes, uploadRoutes } from './routes/replays.ts';
import { ruleLabRoutes } from './routes/rule-lab.ts';
import { rulebookRoutes } from './routes/rulebook.ts';
import { silenceRoutes } from './routes/silences.ts';
import { statusRoutes } from './routes/status.ts';
import { streamRoute } from './routes/stream.ts';
import { tokenRoutes } from './routes/tokens.ts';
import { webhookRoutes } from './routes/webhooks.ts';
import { Sessions, sessionRoutes } from './session.ts';
import { createEventStream } from './stream.ts';

export interface Api {
  /** Starts to serve; the address as a URL without a path. Throws when it would be open to more than this machine. */
  listen(): Promise<string>;
  /** Ends streams, lets requests finish, closes. Idempotent. */
  close(): Promise<void>;
  /** Every route, for documents and tests. */
  readonly routes: readonly Route[];
}

/** Nothing but its own style sheets: no answer of the API runs anything. The web page has a policy of its own. */
const CONTENT_SECURITY_POLICY = {
  useDefaults: false,
  directives: {
    'default-src': ["'none'"],
    'style-src': ["'self'"],
    'base-uri': ["'none'"],
    'form-action': ["'none'"],
    'frame-ancestors': ["'none'"],
  },
};

const MINUTE_MS = 60_000;
const HEADERS_MS_MAX = 10_000;
/** Requests under way get this long when the server stops. */
const CLOSE_GRACE_MS = 5_000;
/** How often connections are looked at for requests that take too long. */
const SLOW_CHECK_MS = 2_000;
const KEEP_ALIVE_MS = 10_000;
const PATH_PARAMETER_LENGTH_MAX = 1_024;

export async function createApi(deps: ApiDeps, config: ApiConfig): Promise<Api> {
  const { limits } = config;
  const loopback = isLoopback(config.host);
  const authenticator = createAuthenticator(deps.store.tokens, config.adminToken, loopback);
  const stream = createEventStream(deps, authenticator, limits);
  const sessions = new Sessions();
  const isSecure = config.tls !== null || config.publicUrl?.startsWith('https:') === true;
  const jsonRoutes: Route[] = [
    ...alertRoutes(deps),
    ...incidentRoutes(deps, limits),
    ...liveRoutes(deps, limits),
    ...mapRoutes(deps),
    ...deliveryRoutes(deps, limits.sinkTestMsMax),
    ...webhookRoutes(deps),
    ...silenceRoutes(deps),
    ...statusRoutes(deps),
    ...rulebookRoutes(deps),
    ...ruleLabRoutes(deps),
    ...replayRoutes(deps.replays, caseRoutes(deps, limits), limits),
    streamRoute(deps, stream),
    ...eventRoutes(deps, stream, limits),
    ...tokenRoutes(deps, () => config.adminToken() !== null),
    ...sessionRoutes(sessions, authenticator, isSecure),
    ...probeRoutes(deps),
  ];
  const ingest = ingestRoute(deps, limits);
  const uploads = uploadRoutes(deps.replays);
  const described = [...jsonRoutes, ingest, ...uploads];
  const page = config.pageFolder === undefined ? [] : pageRoutes(config.pageFolder);
  const documents = documentRoutes(described, deps.status().version);
  const routes = [...described, ...documents];
  // Where there is a page, it is what `/` shows.
  const pathsOfPage = new Set(page.map(({ path }) => path));
  const served = [...routes.filter(({ path }) => !pathsOfPage.has(path)), ...page];
  registerMetrics({ ...deps, stream });

  const app = createServer(config);
  // The form of body that any page can send across origins without asking.
  app.removeContentTypeParser('text/plain');
  app.setErrorHandler(async (error, request, reply) => {
    const problem = toProblem(error);
    // Being unready is an answer, not a failure of the one who gives it.
    if (problem.status >= 500 && !(error instanceof Problem)) logFailure(deps, request, problem, error);
    await sendProblem(reply, problem);
  });
  const home = page.find(({ path }) => path === '/');
  app.setNotFoundHandler(async (request, reply) => {
    // Whoever mistyped an address is led back by the page.
    if (home !== undefined && isVisit(request)) {
      reply.code(404);
      return home.handle({ params: {}, query: {}, body: undefined, caller: NOBODY, request, reply });
    }
    await sendProblem(reply, new Problem(404, 'not-found', 'there is nothing at this path'));
  });
  app.addHook('onResponse', async (request, reply) => logRequest(deps, request, reply.statusCode, reply.elapsedTime));

  await app.register(helmet, { contentSecurityPolicy: CONTENT_SECURITY_POLICY, hsts: config.tls !== null });
  await addAdmission(app, authenticator, sessions, config);
  await app.register(async scope => {
    for (const each of served) if (each !== ingest && !uploads.includes(each)) addRoute(scope, each);
  });
  await app.register(async scope => {
    scope.removeAllContentTypeParsers();
    // Whoever handles it writes it to the disk as it comes, within bounds of its own.
    scope.addContentTypeParser('*', (_request, body, done) => done(null, body));
    for (const each of uploads) addRoute(scope, each);
  });
  await app.register(async scope => {
    scope.removeAllContentTypeParsers();
    const options = { parseAs: 'buffer', bodyLimit: limits.ingestBodyBytesMax } as const;
    scope.addContentTypeParser('*', options, (_request, body, done) => done(null, body));
    scope.addHook('onRequest', boundReceiving(limits));
    addRoute(scope, ingest);
  });
  refuseOtherMethods(app, served);

  let closing: Promise<void> | null = null;
  return {
    routes,
    async listen() {
      checkConfiguredToken(config.adminToken());
      if (!loopback && config.adminToken() === null && !(await deps.store.tokens.any())) {
        throw new Error(
          `api: refusing to listen on ${config.host} without tokens: everyone who reaches it could read and change everything. ` +
            'Listen on 127.0.0.1, or give it an admin token (api.admin_token_file)',
        );
      }
      return app.listen({ host: config.host.replace(/^\[(.*)\]$/, '$1'), port: config.port });
    },
    close() {
      closing ??= (async () => {
        stream.close();
        const force = setTimeout(() => app.server.closeAllConnections(), CLOSE_GRACE_MS);
        await app.close();
        clearTimeout(force);
      })();
      return closing;
    },
  };
}

/** Who calls, whether they may, and how often: before any body is read. */
async function addAdmission(
  app: FastifyInstance,
  authenticator: Authenticator,
  sessions: Sessions,
  { limits, publicUrl }: ApiConfig,
): Promise<void> {
  app.decorateRequest('caller');
  await app.register(rateLimit, {
    max: limits.requestsPerMinuteMax,
    timeWindow: MINUTE_MS,
    keyGenerator: request => (request.caller.id === '' ? request.ip : `token ${request.caller.id}`),
    errorResponseBuilder: (_request, { ttl }) => tooMany('too many requests', ttl),
  });
  const countRefusal = app.createRateLimit({
    max: limits.refusalsPerMinuteMax,
    timeWindow: MINUTE_MS,
    keyGenerator: request => `refused ${request.ip}`,
  });
  app.addHook('onRequest', async (request, reply) => {
    request.caller = NOBODY;
    // What is in here is nobody's to keep: browsers and proxies may not.
    reply.header('cache-control', 'no-store');
    checkOrigin(request.method, request.headers, publicUrl);
    if (await authenticator.open()) checkHost(request.headers.host, publicUrl);
    const { scope = null, allNamespaces = true } = request.routeOptions.config;
    if (scope === null) return;
    // A session stands for its token, also where a long answer asks again whether the token still holds.
    request.headers.authorization ??= sessions.authorization(request.headers.cookie);
    try {
      request.caller = await authenticator.identify(request.headers.authorization);
    } catch (error) {
      if (toProblem(error).status !== 401) throw error;
      const count = await countRefusal(request);
      throw !count.isAllowed && count.isExceeded ? tooMany('too many refused tokens', count.ttl) : error;
    }
    requireScope(request.caller, scope, allNamespaces);
  });
}

function tooMany(detail: string, waitMs: number): Problem {
  return new Problem(429, 'rate-limited', detail, { headers: { 'retry-after': String(Math.ceil(waitMs / 1_000)) } });
}

function createServer({ limits, tls }: ApiConfig): FastifyInstance {
  const options = {
    logger: false,
    genReqId: () => randomBytes(8).toString('hex'),
    bodyLimit: limits.bodyBytesMax,
    requestTimeout: limits.requestMsMax,
    handlerTimeout: limits.answerMsMax,
    keepAliveTimeout: KEEP_ALIVE_MS,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: PATH_PARAMETER_LENGTH_MAX },
    frameworkErrors: (error: Error, _request: FastifyRequest, reply: Parameters<typeof sendProblem>[0]) => {
      void sendProblem(reply, toProblem(error));
    },
    clientErrorHandler: answerBrokenRequest,
    http: {
      headersTimeout: Math.min(HEADERS_MS_MAX, limits.requestMsMax),
      connectionsCheckingInterval: Math.min(SLOW_CHECK_MS, limits.requestMsMax),
    },
    ...(tls === null ? {} : { https: { cert: tls.cert, key: tls.key, minVersion: 'TLSv1.2' } }),
  };
  const app = Fastify(options as Parameters<typeof Fastify>[0]) as unknown as FastifyInstance;
  app.server.maxConnections = limits.connectionsMax;
  return app;
}

/** Bytes that are no HTTP, headers that are too long or too slow: answered on the bare socket. */
function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? new Problem(408, 'too-slow', 'the request took too long')
      : error.code === 'HPE_HEADER_OVERFLOW'
        ? new Problem(431, 'too-large', 'the headers are too long')
        : new Problem(400, 'bad-request', 'this is not HTTP');
  const document = problemBody(problem, '');
  const body = JSON.stringify(document);
  socket.end(
    `HTTP/1.1 ${problem.status} ${document.title}\r\ncontent-type: ${PROBLEM_TYPE}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n` +
      `connection: close\r\n\r\n${body}`,
  );
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

/** A known path with another method is 405, with what is allowed. */
function refuseOtherMethods(app: FastifyInstance, routes: readonly Route[]): void {
  for (const path of new Set(routes.map(spec => spec.path))) {
    const allowed = routes
      .filter(spec => spec.path === path)
      .flatMap((spec): string[] => (hasHead(spec) ? [spec.method, 'HEAD'] : [spec.method]));
    app.route({
      method: METHODS.filter(method => !allowed.includes(method)),
      url: path,
      exposeHeadRoute: false,
      handler: async () => {
        throw new Problem(405, 'method-not-allowed', 'this path does not know this method', {
          headers: { allow: allowed.join(', ') },
        });
      },
    });
  }
}

/** Never the query, the headers or the body: people put secrets into all of them. */
function requestFields(request: FastifyRequest): Record<string, unknown> {
  return {
    request_id: request.id,
    method: request.method,
    route: request.routeOptions.url ?? '',
    caller: request.caller?.name ?? '',
  };
}

function logRequest({ log }: ApiDeps, request: FastifyRequest, status: number, ms: number): void {
  log('debug', 'request', { ...requestFields(request), status, ms: Math.round(ms) });
}

function logFailure({ log }: ApiDeps, request: FastifyRequest, problem: Problem, error: unknown): void {
  const cause = error instanceof Error ? (error.stack ?? error.message) : String(error);
  log('error', 'request failed', { ...requestFields(request), status: problem.status, error: cause });
}

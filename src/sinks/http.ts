/** The one HTTP client of all sinks: bounded in time and memory, follows no redirect, and never connects where it must not. */
import { lookup as systemLookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { Agent, buildConnector, type Dispatcher, ProxyAgent, request } from 'undici';
import { escapeTerminal } from '../model/escape.ts';
import { isPublicAddress, refuseTarget } from './address.ts';
import { proxyFor } from './proxy.ts';
import type { TlsMaterial } from './secrets.ts';

const HTTP_LIMITS = {
  connectMsMax: 5_000,
  headersMsMax: 30_000,
  bodyIdleMsMax: 10_000,
  replyBytesMax: 64 * 1024,
  replyHeaderBytesMax: 16 * 1024,
  keepAliveMs: 30_000,
  retryAfterMsMax: 3_600_000,
} as const;

export interface HttpReply {
  readonly status: number;
  /** Of the last such header; '' when absent. */
  header(name: string): string;
  /** At most `replyBytesMax` bytes of it. */
  readonly body: string;
  /** False when the body was cut: too long, too slow or reset. The status stands all the same. */
  readonly complete: boolean;
}

export interface HttpOptions {
  /** True lets it reach private addresses: for targets of the configuration file that say so. */
  readonly allowPrivate: boolean;
  /** Environment with `https_proxy`, `http_proxy`, `no_proxy`; {} for none. A proxied name is resolved and guarded by the proxy. */
  readonly proxyEnv: Readonly<Record<string, string | undefined>>;
  readonly connections: number;
  /** Called before each request; a new `version` makes new connections. Null: the system's trust store, no client certificate. */
  readonly tls: (() => TlsMaterial) | null;
  /** For tests of what names resolve to. */
  readonly lookup?: LookupFunction;
}

export interface HttpRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly signal: AbortSignal;
}

/**
 * Why a request got no answer. `refused`: by the URL itself, for ever. `private`: its name leads to private addresses alone, which
 * whoever owns the name may change. `failed`: anything that may pass.
 */
type FailureKind = 'refused' | 'private' | 'failed';

/** The request did not get an answer. The message is one line, without the URL's path and query. */
export class HttpFailure extends Error {
  readonly kind: FailureKind;
  constructor(message: string, kind: FailureKind = 'failed') {
    super(message);
    this.name = 'HttpFailure';
    this.kind = kind;
  }
}

export class HttpClient {
  readonly #options: HttpOptions;
  readonly #agents = new Map<string, Dispatcher>();
  #tlsVersion = '';

  constructor(options: HttpOptions) {
    this.#options = options;
  }

  /** POSTs and reads the answer. Throws only HttpFailure. */
  async post({ url, headers, body, signal }: HttpRequest): Promise<HttpReply> {
    const refused = refuseTarget(url, this.#options.allowPrivate);
    if (refused !== null) throw new HttpFailure(`target ${refused}`, 'refused');
    let reply: Dispatcher.ResponseData;
    try {
      const dispatcher = this.#dispatcherFor(new URL(url));
      reply = await request(url, { method: 'POST', headers: { ...headers }, body, signal, dispatcher });
    } catch (error) {
      throw failureOf(error);
    }
    const header = (name: string): string => {
      const value = reply.headers[name];
      return (Array.isArray(value) ? value.at(-1) : value) ?? '';
    };
    return { status: reply.statusCode, header, ...(await readCapped(reply.body)) };
  }

  async close(): Promise<void> {
    const agents = [...this.#agents.values()];
    this.#agents.clear();
    await Promise.all(agents.map(agent => agent.destroy()));
  }

  #dispatcherFor(url: URL): Dispatcher {
    const tls = this.#options.tls?.() ?? null;
    if (tls !== null && tls.version !== this.#tlsVersion) {
      // Requests under way finish on the old connections.
      for (const agent of this.#agents.values()) void agent.close();
      this.#agents.clear();
      this.#tlsVersion = tls.version;
    }
    const proxy = proxyFor(url, this.#options.proxyEnv);
    const key = proxy ?? '';
    let agent = this.#agents.get(key);
    if (agent === undefined) {
      agent = proxy === null ? this.#direct(tls) : this.#proxied(proxy, tls);
      this.#agents.set(key, agent);
    }
    return agent;
  }

  #agentOptions(): Agent.Options {
    return {
      connections: this.#options.connections,
      headersTimeout: HTTP_LIMITS.headersMsMax,
      bodyTimeout: HTTP_LIMITS.bodyIdleMsMax,
      maxHeaderSize: HTTP_LIMITS.replyHeaderBytesMax,
      keepAliveTimeout: HTTP_LIMITS.keepAliveMs,
      pipelining: 1,
    };
  }

  #direct(tls: TlsMaterial | null): Agent {
    const lookup = this.#options.lookup ?? (systemLookup as LookupFunction);
    const connect = buildConnector({
      ...tls?.options,
      timeout: HTTP_LIMITS.connectMsMax,
      lookup: this.#options.allowPrivate ? lookup : guarded(lookup),
    });
    return new Agent({
      ...this.#agentOptions(),
      connect: this.#options.allowPrivate ? connect : guardedConnect(connect),
    });
  }

  #proxied(uri: string, tls: TlsMaterial | null): ProxyAgent {
    return new ProxyAgent({
      ...this.#agentOptions(),
      uri,
      connectTimeout: HTTP_LIMITS.connectMsMax,
      ...(tls === null ? {} : { requestTls: tls.options }),
    });
  }
}

/** Why none of the addresses of a name may be connected to, or null when one may. */
function refuseAddresses(hostname: string, addresses: readonly string[]): string | null {
  const [first] = addresses;
  if (first === undefined || addresses.some(isPublicAddress)) return null;
  return `target ${hostname} resolves to ${first}, which is not a public address`;
}

/**
 * Why `url` leads to private addresses alone as its name resolves now, or null; also null when it cannot be resolved, which may
 * pass. For subscriptions, ahead of their first delivery: every connection is guarded all the same.
 */
export async function refuseResolved(url: string, lookup = systemLookup as LookupFunction): Promise<string | null> {
  const refused = refuseTarget(url, false);
  if (refused !== null) return `target ${refused}`;
  const { hostname } = new URL(url);
  // An IPv6 literal that is public.
  if (hostname.startsWith('[')) return null;
  return new Promise(resolve => {
    lookup(hostname, { all: true }, (error, found) => {
      if (error !== null) return resolve(null);
      const addresses = typeof found === 'string' ? [found] : found.map(({ address }) => address);
      resolve(refuseAddresses(hostname, addresses));
    });
  });
}

/** Resolves as `lookup` does and hands the socket those addresses, unless one of them is not public: then none. */
function guarded(lookup: LookupFunction): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, options, (error, address, family) => {
      if (error !== null) return callback(error, address, family);
      const addresses = typeof address === 'string' ? [address] : address.map(a => a.address);
      const refused = addresses.find(a => !isPublicAddress(a));
      if (refused === undefined) return callback(null, address, family);
      const all = refuseAddresses(hostname, addresses);
      const some = `target ${hostname} resolves to ${refused}, among others, which is not a public address`;
      callback(all === null ? new HttpFailure(some) : new HttpFailure(all, 'private'), '', 0);
    });
  };
}

/** Literals never reach a lookup; and what the socket is connected to is asked once more before anything is sent. */
function guardedConnect(connect: buildConnector.connector): buildConnector.connector {
  return (options, callback) => {
    if (isIP(options.hostname) !== 0 && !isPublicAddress(options.hostname)) {
      callback(new HttpFailure(`target ${options.hostname} is not a public address`), null);
      return;
    }
    connect(options, (...[error, socket]) => {
      if (error !== null) return callback(error, null);
      if (isPublicAddress(socket.remoteAddress ?? '')) return callback(null, socket);
      socket.destroy();
      callback(new HttpFailure(`target ${options.hostname} is not a public address`), null);
    });
  };
}

async function readCapped(body: Dispatcher.ResponseData['body']): Promise<{ body: string; complete: boolean }> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  let complete = true;
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      const room = HTTP_LIMITS.replyBytesMax - bytes;
      chunks.push(chunk.length > room ? chunk.subarray(0, room) : chunk);
      bytes += chunk.length;
      // Leaving the loop destroys the stream and its connection.
      if (bytes > HTTP_LIMITS.replyBytesMax) {
        complete = false;
        break;
      }
    }
  } catch {
    complete = false;
  }
  return { body: Buffer.concat(chunks).toString('utf8'), complete };
}

/** One short line of an error and its causes: code and message, which name at most the host. */
function failureOf(error: unknown): HttpFailure {
  if (error instanceof HttpFailure) return error;
  if (!(error instanceof Error)) return new HttpFailure('request failed');
  if (error.name === 'AbortError' || error.name === 'TimeoutError') return new HttpFailure('timed out');
  const inner = error instanceof AggregateError ? (error.errors[0] as unknown) : error.cause;
  if (inner instanceof Error) return failureOf(inner);
  const code = (error as NodeJS.ErrnoException).code;
  const text = code === undefined || error.message.includes(code) ? error.message : `${code}: ${error.message}`;
  return new HttpFailure(escapeTerminal(text).slice(0, 200));
}

/** Milliseconds that a `Retry-After` header asks for (delta seconds or HTTP date), capped; undefined when absent or nonsense. */
export function parseRetryAfter(value: string, nowMs: number): number | undefined {
  const text = value.trim();
  if (text === '') return undefined;
  // A date begins with the name of a day; `Date.parse` alone would take much else for one.
  const date = /^[A-Za-z]{3}/.test(text) ? Date.parse(text) : Number.NaN;
  const ms = /^\d+$/.test(text) ? Number(text) * 1_000 : date - nowMs;
  if (Number.isNaN(ms)) return undefined;
  return Math.min(Math.max(ms, 0), HTTP_LIMITS.retryAfterMsMax);
}

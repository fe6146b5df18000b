/** A gRPC client that neither encodes nor decodes: requests and messages are bytes. */
import { readFileSync } from 'node:fs';
import grpc from '@grpc/grpc-js';
import { LIMITS } from '../../model/limits.ts';

export interface TlsOptions {
  /** PEM file of the authorities to trust; the system's when absent. */
  readonly caFile?: string;
  /** PEM files of the client's own certificate and key, for servers that ask for one. */
  readonly certFile?: string;
  readonly keyFile?: string;
  /** Name to expect in the server's certificate, when it is not the one in the address. */
  readonly serverName?: string;
}

/**
 * Servers made with grpc-go close a connection that is pinged more often than once in five minutes; whether a stream is alive
 * in the meantime is the watchdog's business.
 */
const KEEPALIVE_MS = 310_000;
const KEEPALIVE_TIMEOUT_MS = 20_000;

/** Opens a client; the files of `tls` are read now, so that renewed certificates count at the next connect. */
export function openClient(target: string, tls: TlsOptions | null, defaultServerName: string | null): grpc.Client {
  const serverName = tls?.serverName ?? defaultServerName;
  return new grpc.Client(target, tls === null ? grpc.credentials.createInsecure() : secure(tls), {
    'grpc.max_receive_message_length': LIMITS.lineBytesMax,
    'grpc.keepalive_time_ms': KEEPALIVE_MS,
    'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
    'grpc.enable_retries': 0,
    // Each source has connections of its own: a stuck one must not be handed to the next attempt.
    'grpc.use_local_subchannel_pool': 1,
    ...(tls !== null && serverName !== null
      ? { 'grpc.ssl_target_name_override': serverName, 'grpc.default_authority': serverName }
      : {}),
  });
}

function secure(tls: TlsOptions): grpc.ChannelCredentials {
  const read = (path: string | undefined): Buffer | null => (path === undefined ? null : readFileSync(path));
  return grpc.credentials.createSsl(read(tls.caFile), read(tls.keyFile), read(tls.certFile));
}

const identity = (bytes: Buffer): Buffer => bytes;

/** Starts a server-streaming call. */
export function openStream(client: grpc.Client, path: string, request: Buffer): grpc.ClientReadableStream<Buffer> {
  return client.makeServerStreamRequest(path, identity, identity, request, new grpc.Metadata());
}

/** Makes a unary call; rejects with a `grpc.ServiceError`. */
export function callOnce(client: grpc.Client, path: string, request: Buffer, timeoutMs: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const deadline = Date.now() + timeoutMs;
    client.makeUnaryRequest(path, identity, identity, request, new grpc.Metadata(), { deadline }, (error, reply) => {
      if (error !== null) reject(error);
      else resolve(reply ?? Buffer.alloc(0));
    });
  });
}

/** Resolves with true once the channel stands, with false when the client is closed before. */
export const untilReady = (client: grpc.Client): Promise<boolean> =>
  new Promise(resolve => client.waitForReady(Number.POSITIVE_INFINITY, error => resolve(error === undefined)));

const DETAIL_MAX = 300;

/** An error of a call in one line: the status by name and what the server said. */
export function describeError(error: unknown): string {
  let text = error instanceof Error ? error.message : String(error);
  if (error instanceof Error && 'code' in error && 'details' in error) {
    text = `${grpc.status[error.code as number] ?? String(error.code)}: ${String(error.details)}`;
  }
  // grpc-js ends with a note that is mostly empty.
  return text
    .replace(/\s+/g, ' ')
    .replace(/ ?Resolution note: $/, '')
    .slice(0, DETAIL_MAX);
}

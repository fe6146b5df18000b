/** A gRPC server that speaks either sensor's streaming call, message by message as a test's script says. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import grpc from '@grpc/grpc-js';
import { protoRoot } from '../../../src/sources/protobuf/schema.ts';

const certs = join(dirname(fileURLToPath(import.meta.url)), 'certs');

export function certFile(name: string): string {
  return join(certs, name);
}

/** One stream that a client opened. */
interface Stream {
  /** 0 for the first call of the server, 1 for the next … */
  readonly index: number;
  /** The decoded request. */
  readonly request: Record<string, unknown>;
  /** Resolves when the transport took it: a client that does not read holds the script up. */
  send(bytes: Buffer): Promise<void>;
  /** Ends the stream with an error status. */
  fail(code: grpc.status, details: string): void;
  end(): void;
  readonly closed: boolean;
}

export interface ServerOptions {
  readonly script: (stream: Stream) => Promise<void> | void;
  /** Reply to GetDebug: bytes, an error status, or `hang`. */
  readonly debug?: () => Buffer | grpc.status | 'hang';
  readonly tls?: 'server' | 'mutual';
  /** Header sent with each stream. */
  readonly metadata?: Record<string, string>;
  /** Where to listen; a free loopback port when absent. */
  readonly at?: string;
}

const identity = (bytes: Buffer): Buffer => bytes;

const METHODS = {
  tetragon: { path: '/tetragon.FineGuidanceSensors/GetEvents', request: 'tetragon.GetEventsRequest' },
  hubble: { path: '/observer.Observer/GetFlows', request: 'observer.GetFlowsRequest' },
};

export class TestServer {
  readonly #server: grpc.Server;
  readonly #address: string;
  /** Calls of the streaming method so far. */
  streams = 0;
  debugCalls = 0;
  /** Streams that are open now. */
  open = 0;

  private constructor(server: grpc.Server, address: string) {
    this.#server = server;
    this.#address = address;
  }

  static async start(sensor: keyof typeof METHODS, options: ServerOptions): Promise<TestServer> {
    const server = new grpc.Server({ 'grpc.max_send_message_length': -1 });
    let self: TestServer | null = null;
    const method = METHODS[sensor];
    const definition = (path: string, responseStream: boolean): grpc.MethodDefinition<Buffer, Buffer> => ({
      path,
      requestStream: false,
      responseStream,
      requestSerialize: identity,
      requestDeserialize: identity,
      responseSerialize: identity,
      responseDeserialize: identity,
    });
    const requestType = protoRoot().lookupType(method.request);
    const service = { stream: definition(method.path, true), debug: definition(DEBUG, false) };
    server.addService(service, {
      stream: (call: grpc.ServerWritableStream<Buffer, Buffer>) => {
        const server = self as TestServer;
        const index = server.streams++;
        server.open++;
        call.once('close', () => server.open--);
        if (options.metadata !== undefined) call.sendMetadata(metadataOf(options.metadata));
        const request = requestType.toObject(requestType.decode(call.request), { longs: Number });
        void options.script(streamOf(call, index, request));
      },
      debug: (_call: grpc.ServerUnaryCall<Buffer, Buffer>, reply: grpc.sendUnaryData<Buffer>) => {
        (self as TestServer).debugCalls++;
        const answer = options.debug?.() ?? grpc.status.UNIMPLEMENTED;
        if (typeof answer === 'number') reply({ code: answer, details: 'not here' });
        else if (answer !== 'hang') reply(null, answer);
      },
    });
    const at = options.at ?? '127.0.0.1:0';
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync(at, credentials(options.tls), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    self = new TestServer(server, at.startsWith('unix:') ? at : `127.0.0.1:${port}`);
    return self;
  }

  get address(): string {
    return this.#address;
  }

  get port(): number {
    return Number(this.#address.slice(this.#address.lastIndexOf(':') + 1));
  }

  /** Cuts all connections and frees the port. */
  stop(): void {
    this.#server.forceShutdown();
  }
}

const DEBUG = '/tetragon.FineGuidanceSensors/GetDebug';

function streamOf(call: grpc.ServerWritableStream<Buffer, Buffer>, index: number, request: Stream['request']): Stream {
  const state = { closed: false, wake: (): void => {} };
  const close = (): void => {
    state.closed = true;
    state.wake();
  };
  call.on('cancelled', close);
  call.on('error', close);
  call.on('close', close);
  return {
    index,
    request,
    async send(bytes) {
      if (state.closed || call.write(bytes)) return;
      await new Promise<void>(resolve => {
        state.wake = resolve;
        call.once('drain', resolve);
      });
    },
    fail: (code, details) => call.emit('error', { code, details }),
    end: () => call.end(),
    get closed() {
      return state.closed;
    },
  };
}

function metadataOf(entries: Record<string, string>): grpc.Metadata {
  const metadata = new grpc.Metadata();
  for (const [key, value] of Object.entries(entries)) metadata.set(key, value);
  return metadata;
}

function credentials(tls: ServerOptions['tls']): grpc.ServerCredentials {
  if (tls === undefined) return grpc.ServerCredentials.createInsecure();
  const read = (name: string): Buffer => readFileSync(certFile(name));
  const pair = { private_key: read('server-key.pem'), cert_chain: read('server.pem') };
  return grpc.ServerCredentials.createSsl(read('ca.pem'), [pair], tls === 'mutual');
}

/**
 * One stream to one server, for ever: connect, read, notice that it is dead, wait, connect again. Knows nothing of what the
 * messages mean.
 */
import type grpc from '@grpc/grpc-js';
import { describeError } from './client.ts';
import type { Clock } from './clock.ts';

export interface LinkTimes {
  /** A stream that brings nothing for this long, up to twice as long, is taken for dead and opened anew. */
  readonly staleMsMax: number;
  readonly backoffMsMin: number;
  readonly backoffMsMax: number;
}

export const LINK_TIMES: LinkTimes = { staleMsMax: 300_000, backoffMsMin: 500, backoffMsMax: 30_000 };

export interface LinkHandlers {
  /** A new client; throws when a certificate cannot be read. */
  open(): grpc.Client;
  /** Starts the stream. */
  start(client: grpc.Client): grpc.ClientReadableStream<Buffer>;
  /** Work between the start of the stream and its first message, which is held back meanwhile. True: the server answered. */
  prepare(client: grpc.Client): Promise<boolean>;
  message(bytes: Buffer): void;
  /** What the server says about itself, before its first message. */
  metadata(metadata: grpc.Metadata): void;
  /** A stream broke, or ended, and will be opened again. */
  lost(): void;
}

export type LinkState = 'starting' | 'connected' | 'waiting';

/** Doublings after which the wait has long reached its maximum. */
const DOUBLINGS_MAX = 16;

export class Link {
  readonly #handlers: LinkHandlers;
  readonly #clock: Clock;
  readonly #times: LinkTimes;
  state: LinkState = 'starting';
  /** The last error, or ''. */
  error = '';
  #client: grpc.Client | null = null;
  #stream: grpc.ClientReadableStream<Buffer> | null = null;
  #failures = 0;
  #heard = false;
  #held = true;
  #paused = false;
  #stopped = false;
  #cancelTimer: () => void = () => {};

  constructor(handlers: LinkHandlers, clock: Clock, times: LinkTimes) {
    this.#handlers = handlers;
    this.#clock = clock;
    this.#times = times;
  }

  start(): void {
    if (this.#stopped) return;
    try {
      this.#client = this.#handlers.open();
      this.#listen(this.#client, this.#handlers.start(this.#client));
    } catch (error) {
      this.#again(describeError(error));
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#close();
  }

  pause(): void {
    this.#paused = true;
    this.#stream?.pause();
  }

  resume(): void {
    this.#paused = false;
    if (!this.#held) this.#stream?.resume();
  }

  #listen(client: grpc.Client, stream: grpc.ClientReadableStream<Buffer>): void {
    this.#stream = stream;
    this.#held = true;
    stream.on('metadata', metadata => {
      if (this.#stream !== stream) return;
      this.#connected();
      this.#handlers.metadata(metadata);
    });
    stream.on('data', (bytes: Buffer) => {
      if (this.#stream !== stream) return;
      this.#heard = true;
      if (this.state !== 'connected' || this.#failures > 0) this.#connected();
      this.#handlers.message(bytes);
    });
    const ended = (reason: string): void => {
      if (this.#stream !== stream) return;
      this.#drain(stream);
      this.#again(reason);
    };
    stream.on('error', error => ended(describeError(error)));
    stream.on('end', () => ended('the server ended the stream'));
    // Adding a data listener made the stream flow.
    stream.pause();
    this.#watch();
    this.#handlers.prepare(client).then(
      answered => this.#release(stream, answered),
      error => ended(describeError(error)),
    );
  }

  #release(stream: grpc.ClientReadableStream<Buffer>, answered: boolean): void {
    if (this.#stream !== stream) return;
    if (answered) this.#connected();
    this.#held = false;
    if (!this.#paused) stream.resume();
  }

  #connected(): void {
    this.state = 'connected';
    this.error = '';
    if (this.#heard) this.#failures = 0;
  }

  /** Messages that had arrived before the stream broke, while it was paused. */
  #drain(stream: grpc.ClientReadableStream<Buffer>): void {
    for (let bytes = stream.read() as Buffer | null; bytes !== null; bytes = stream.read() as Buffer | null) {
      // `read` emits `data` too, which has handled it.
      if (this.#stream !== stream) return;
    }
  }

  #watch(): void {
    this.#heard = false;
    this.#cancelTimer();
    this.#cancelTimer = this.#clock.after(this.#times.staleMsMax, () => {
      // A paused stream is silent because we asked for it.
      if (this.#heard || this.#paused) this.#watch();
      else this.#again(`nothing received for ${Math.round(this.#times.staleMsMax / 1_000)} s`);
    });
  }

  #again(reason: string): void {
    const opened = this.#stream !== null;
    this.#close();
    if (this.#stopped) return;
    this.state = 'waiting';
    this.error = reason;
    if (opened) this.#handlers.lost();
    const { backoffMsMin, backoffMsMax } = this.#times;
    const wait = Math.min(backoffMsMax, backoffMsMin * 2 ** Math.min(this.#failures, DOUBLINGS_MAX));
    this.#failures++;
    this.#cancelTimer = this.#clock.after(wait * (0.5 + this.#clock.random() / 2), () => this.start());
  }

  #close(): void {
    this.#cancelTimer();
    const stream = this.#stream;
    this.#stream = null;
    if (stream !== null) {
      // Cancelling is an error too, of no interest any more.
      stream.removeAllListeners();
      stream.on('error', () => {});
      stream.cancel();
    }
    this.#client?.close();
    this.#client = null;
  }
}

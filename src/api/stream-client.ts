/**
 * One client of server-sent events, at its own pace: what waits for it is at most one batch, one text of it in the socket's
 * buffer, and a client that does not take that within a time is dropped with a reason.
 */
import type { ServerResponse } from 'node:http';
import type { ApiLimits } from './config.ts';

/** Time to read the goodbye before the socket is destroyed. */
const GOODBYE_MS = 2_000;
const RECONNECT_MS = 3_000;

export type CloseReason = 'slow' | 'shutdown' | 'unauthenticated' | 'store';

type Limits = Pick<ApiLimits, 'streamHeartbeatMs' | 'streamStallMsMax' | 'streamBatchEntriesMax'>;

/** What comes after `from`: texts of whole server-sent events, and where it ends. */
export type Read = (
  from: number,
  limit: number,
) => Promise<{ readonly texts: readonly string[]; readonly seq: number }>;

export class StreamClient {
  readonly #response: ServerResponse;
  readonly #read: Read;
  readonly #limits: Limits;
  #cursor: number;
  #gone = false;
  #stopping = false;
  #changed = false;
  #wake: (() => void) | null = null;

  constructor(response: ServerResponse, cursor: number, read: Read, limits: Limits) {
    this.#response = response;
    this.#cursor = cursor;
    this.#read = read;
    this.#limits = limits;
    response.once('close', () => {
      this.#gone = true;
      this.wake();
    });
    // A reset is not a failure of ours; `close` follows.
    response.on('error', () => {});
  }

  /** Something changed: look again. */
  wake(): void {
    this.#changed = true;
    this.#wake?.();
  }

  stop(): void {
    this.#stopping = true;
    this.wake();
  }

  /** Until the end; answers why the server ended it, or null when the client left. */
  async run(allowed: () => Promise<boolean>): Promise<CloseReason | null> {
    this.#response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    this.#response.write(`retry: ${RECONNECT_MS}\n\n`);
    const reason = await this.#follow(allowed);
    if (reason !== null) this.#goodbye(reason);
    return reason;
  }

  async #follow(allowed: () => Promise<boolean>): Promise<CloseReason | null> {
    let checkAt = Date.now() + this.#limits.streamHeartbeatMs;
    while (!this.#gone) {
      if (this.#stopping) return 'shutdown';
      if (Date.now() >= checkAt) {
        if (!(await allowed())) return 'unauthenticated';
        checkAt = Date.now() + this.#limits.streamHeartbeatMs;
      }
      this.#changed = false;
      const from = this.#cursor;
      const batch = await this.#read(from, this.#limits.streamBatchEntriesMax).catch(() => null);
      if (batch === null) return 'store';
      this.#cursor = batch.seq;
      for (const text of batch.texts) if (!(await this.#write(text))) return this.#gone ? null : 'slow';
      if (batch.seq !== from) continue;
      if (await this.#somethingNew()) continue;
      // The id of a heartbeat moves a resuming client past what its scope hid.
      if (!(await this.#write(`: heartbeat\nid: ${this.#cursor}\n\n`))) return this.#gone ? null : 'slow';
    }
    return null;
  }

  /** True as soon as there is something to look at, false after a heartbeat's time. */
  async #somethingNew(): Promise<boolean> {
    if (this.#changed) return true;
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, this.#limits.streamHeartbeatMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = null;
    return this.#changed;
  }

  /** False when the client has not taken it in time, or is gone. */
  async #write(text: string): Promise<boolean> {
    if (this.#gone) return false;
    if (this.#response.write(text)) return true;
    return new Promise<boolean>(resolve => {
      const done = (taken: boolean): void => {
        clearTimeout(timer);
        this.#response.off('drain', onDrain).off('close', onClose);
        resolve(taken);
      };
      const onDrain = (): void => done(true);
      const onClose = (): void => done(false);
      const timer = setTimeout(() => done(false), this.#limits.streamStallMsMax);
      this.#response.once('drain', onDrain).once('close', onClose);
    });
  }

  #goodbye(reason: CloseReason): void {
    this.#response.end(`event: close\ndata: ${JSON.stringify({ reason })}\n\n`);
    setTimeout(() => this.#response.destroy(), GOODBYE_MS).unref();
  }
}

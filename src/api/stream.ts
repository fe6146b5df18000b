/**
 * The event stream's clients. Each reads the store from its own cursor at its own pace: what waits for it is at most one batch,
 * one entry of it in the socket's buffer, and a client that does not take that within a time is dropped with a reason. Nothing
 * is lost by that: it resumes.
 */
import type { ServerResponse } from 'node:http';
import type { Authenticator } from './auth.ts';
import type { ApiLimits } from './config.ts';
import type { ApiDeps, Scope, StreamEntry } from './deps.ts';

/** Time to read the goodbye before the socket is destroyed. */
const GOODBYE_MS = 2_000;
const RECONNECT_MS = 3_000;

type CloseReason = 'slow' | 'shutdown' | 'unauthenticated' | 'store';

export interface EventStream {
  hasRoom(): boolean;
  /** Answers with the stream from after `cursor` until the client goes, stalls, or `close` is called. */
  serve(response: ServerResponse, cursor: number, scope: Scope, authorization: string | undefined): void;
  /** Clients now, and how many were dropped for what. */
  stats(): { readonly clients: number; readonly dropped: Readonly<Record<CloseReason, number>> };
  close(): void;
}

type Limits = Pick<ApiLimits, 'streamClientsMax' | 'streamHeartbeatMs' | 'streamStallMsMax' | 'streamBatchEntriesMax'>;

export function createEventStream(
  { store, log }: Pick<ApiDeps, 'store' | 'log'>,
  authenticator: Authenticator,
  limits: Limits,
): EventStream {
  const clients = new Set<Client>();
  const dropped: Record<CloseReason, number> = { slow: 0, shutdown: 0, unauthenticated: 0, store: 0 };
  const unsubscribe = store.stream.subscribe(() => {
    for (const client of clients) client.wake();
  });
  return {
    hasRoom: () => clients.size < limits.streamClientsMax,
    serve(response, cursor, scope, authorization) {
      const client = new Client(response, cursor, (from, limit) => store.stream.since(from, limit, scope), limits);
      clients.add(client);
      client
        .run(() =>
          // A revoked or expired token ends what it opened.
          authenticator.identify(authorization).then(
            () => true,
            () => false,
          ),
        )
        .then(reason => {
          if (reason === null) return;
          dropped[reason]++;
          log('info', 'event stream client dropped', { reason });
        })
        .catch((error: unknown) => log('error', 'event stream failed', { error: String(error) }))
        .finally(() => clients.delete(client));
    },
    stats: () => ({ clients: clients.size, dropped }),
    close() {
      unsubscribe();
      for (const client of clients) client.stop();
    },
  };
}

const MISSED = `event: missed\ndata: ${JSON.stringify({
  detail: 'changes after your id are no longer kept; read the lists again',
})}\n\n`;

type Read = (from: number, limit: number) => Promise<{ entries: readonly StreamEntry[]; seq: number; missed: boolean }>;

class Client {
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
      const texts = batch.missed ? [MISSED, ...batch.entries.map(entryText)] : batch.entries.map(entryText);
      for (const text of texts) if (!(await this.#write(text))) return this.#gone ? null : 'slow';
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

function entryText({ seq, type, alert, incident }: StreamEntry): string {
  return `event: ${type}\nid: ${seq}\ndata: ${JSON.stringify({ alert, incident })}\n\n`;
}

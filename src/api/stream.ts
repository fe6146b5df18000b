/**
 * The event stream's clients. Each reads the store from its own cursor at its own pace: what waits for it is at most one batch,
 * one entry of it in the socket's buffer, and a client that does not take that within a time is dropped with a reason. Nothing
 * is lost by that: it resumes.
 */
import type { ServerResponse } from 'node:http';
import type { Authenticator } from './auth.ts';
import type { ApiLimits } from './config.ts';
import type { ApiDeps, Scope, StreamEntry } from './deps.ts';
import { type CloseReason, type Read, StreamClient } from './stream-client.ts';

export interface EventStream {
  hasRoom(): boolean;
  /** Answers with the stream from after `cursor` until the client goes, stalls, or `close` is called. */
  serve(response: ServerResponse, cursor: number, scope: Scope, authorization: string | undefined): void;
  hasRoomForTail(): boolean;
  /** Answers with what a source gives from now on, in the same way. */
  serveTail(response: ServerResponse, source: TailSource, authorization: string | undefined): void;
  /** Clients now, and how many were dropped for what. */
  stats(): { readonly clients: number; readonly dropped: Readonly<Record<CloseReason, number>> };
  close(): void;
}

/** What happens from now on, kept nowhere. */
export interface TailSource {
  readonly read: Read;
  /** Begins to gather; `wake` when there is something to read. Returns what ends it. */
  begin(wake: () => void): () => void;
}

type Limits = Pick<
  ApiLimits,
  'streamClientsMax' | 'tailClientsMax' | 'streamHeartbeatMs' | 'streamStallMsMax' | 'streamBatchEntriesMax'
>;

export function createEventStream(
  { store, log }: Pick<ApiDeps, 'store' | 'log'>,
  authenticator: Authenticator,
  limits: Limits,
): EventStream {
  const clients = new Set<StreamClient>();
  const dropped: Record<CloseReason, number> = { slow: 0, shutdown: 0, unauthenticated: 0, store: 0 };
  const unsubscribe = store.stream.subscribe(() => {
    for (const client of clients) client.wake();
  });
  const tails = new Set<StreamClient>();
  const run = async (client: StreamClient, authorization: string | undefined): Promise<void> => {
    // A revoked or expired token ends what it opened.
    const allowed = (): Promise<boolean> =>
      authenticator.identify(authorization).then(
        () => true,
        () => false,
      );
    try {
      const reason = await client.run(allowed);
      if (reason === null) return;
      dropped[reason]++;
      log('info', 'event stream client dropped', { reason });
    } catch (error) {
      log('error', 'event stream failed', { error: String(error) });
    }
  };
  return {
    hasRoom: () => clients.size < limits.streamClientsMax,
    serve(response, cursor, scope, authorization) {
      const client = new StreamClient(
        response,
        cursor,
        async (from, limit) => {
          const { entries, seq, missed } = await store.stream.since(from, limit, scope);
          return { texts: [...(missed ? [MISSED] : []), ...entries.map(entryText)], seq };
        },
        limits,
      );
      clients.add(client);
      void run(client, authorization).finally(() => clients.delete(client));
    },
    hasRoomForTail: () => tails.size < limits.tailClientsMax,
    serveTail(response, source, authorization) {
      const client = new StreamClient(response, 0, source.read, limits);
      tails.add(client);
      const end = source.begin(() => client.wake());
      void run(client, authorization).finally(() => {
        end();
        tails.delete(client);
      });
    },
    stats: () => ({ clients: clients.size + tails.size, dropped }),
    close() {
      unsubscribe();
      for (const client of [...clients, ...tails]) client.stop();
    },
  };
}

const MISSED = `event: missed\ndata: ${JSON.stringify({
  detail: 'changes after your id are no longer kept; read the lists again',
})}\n\n`;

function entryText({ seq, type, alert, incident }: StreamEntry): string {
  return `event: ${type}\nid: ${seq}\ndata: ${JSON.stringify({ alert, incident })}\n\n`;
}

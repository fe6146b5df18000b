/** What changes on the server reaches the page without a reload: the event stream makes the queries read again. */
import type { QueryClient } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';

export type LiveState = 'connecting' | 'live' | 'lost';

let state: LiveState = 'connecting';
const listeners = new Set<() => void>();

function become(next: LiveState): void {
  if (next === state) return;
  state = next;
  for (const listener of listeners) listener();
}

export const useLiveState = (): LiveState =>
  useSyncExternalStore(
    listener => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => state,
  );

/** Many changes in a moment are one reading. */
const GATHER_MS = 400;
const RECONNECT_MS = 3_000;

/** Follows the stream until the page goes. */
export function follow(client: QueryClient): void {
  let gathering = false;
  const changed = (): void => {
    if (gathering) return;
    gathering = true;
    setTimeout(() => {
      gathering = false;
      void client.invalidateQueries({ predicate: ({ meta }) => meta?.live === true });
    }, GATHER_MS);
  };
  const connect = (): void => {
    const source = new EventSource('/api/v1/stream');
    source.onopen = () => {
      // What happened while nobody listened is read again.
      if (state === 'lost') void client.invalidateQueries();
      become('live');
    };
    source.onerror = () => {
      become('lost');
      // A browser does not try again after an answer that is no stream: the server may be back, or want another token.
      if (source.readyState !== EventSource.CLOSED) return;
      setTimeout(connect, RECONNECT_MS);
    };
    for (const type of ['alert', 'alert.counted', 'alert.amended', 'incident', 'missed'])
      source.addEventListener(type, changed);
  };
  connect();
}

/** What sinks are given by the program. */
import type { Writable } from 'node:stream';

/** Small texts that outlive a delivery, such as the thread of an incident. A null value removes. */
export interface Memory {
  get(key: string): Promise<string | null>;
  set(key: string, value: string | null): Promise<void>;
}

export interface SinkDeps {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Where links in messages lead, or null for none. */
  readonly baseUrl: string | null;
  readonly threads: Memory;
  /** For `stdout`. */
  readonly stdout: Writable;
  /** `https_proxy`, `http_proxy`, `no_proxy`. */
  readonly proxyEnv: Readonly<Record<string, string | undefined>>;
}

const MEMORY_ENTRIES_MAX = 10_000;

/** Forgets the least recently set at its limit, and everything at exit: a new thread is then begun. */
export function volatileMemory(): Memory {
  const entries = new Map<string, string>();
  return {
    get: async key => entries.get(key) ?? null,
    set: async (key, value) => {
      entries.delete(key);
      if (value !== null) entries.set(key, value);
      if (entries.size > MEMORY_ENTRIES_MAX) entries.delete(entries.keys().next().value as string);
    },
  };
}

/** What sinks are given by the program. */
import type { LookupFunction } from 'node:net';
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
  /** How the names of subscriptions are resolved; the system's way when absent. */
  readonly lookup?: LookupFunction;
}

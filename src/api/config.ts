/** Settings and bounds of the API, each with its unit last. */

export interface ApiConfig {
  /** `127.0.0.1`, `::1`, `localhost`: no tokens needed. Anything else only with tokens. */
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  /** PEM texts; null for plain HTTP. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
  /** Where people reach it, when not at `host:port`: its origin is trusted like the API's own. */
  readonly publicUrl: string | null;
  /** Folder of the built web page; without it, `/` shows the contract. */
  readonly pageFolder?: string;
  /** A token of scope admin that is not in the store, read at every use so that its file may change; null for none. */
  adminToken(): string | null;
  readonly limits: ApiLimits;
}

export interface ApiLimits {
  readonly bodyBytesMax: number;
  readonly ingestBodyBytesMax: number;
  readonly ingestInflatedBytesMax: number;
  /** Ingest bodies received at once: with their size, this bounds the memory that senders can take. */
  readonly ingestReceivedMax: number;
  /** Ingest bodies worked on at once; more are told to come back. */
  readonly ingestConcurrentMax: number;
  readonly ingestRetryAfterSeconds: number;
  /** Per caller (token, or address without one). */
  readonly requestsPerMinuteMax: number;
  readonly ingestRequestsPerMinuteMax: number;
  /** Refused tokens per address, after which refusals are 429. */
  readonly refusalsPerMinuteMax: number;
  /** From the first byte of a request to its last. */
  readonly requestMsMax: number;
  /** From a request's headers to its answer; more than `requestMsMax`, so that slow senders are told that they are. */
  readonly answerMsMax: number;
  readonly connectionsMax: number;
  readonly streamClientsMax: number;
  /** Clients that follow the joined stream: each tests every event. */
  readonly tailClientsMax: number;
  /** A tail's client is told of so many events a second, and how many there were beyond. */
  readonly tailEventsPerSecondMax: number;
  /** Events that wait for a tail's client. */
  readonly tailHeldEventsMax: number;
  /** Searches of the recording at once. */
  readonly eventSearchesMax: number;
  readonly streamHeartbeatMs: number;
  /** A stream client that has not taken what is buffered for it within this time is dropped. */
  readonly streamStallMsMax: number;
  readonly streamBatchEntriesMax: number;
  readonly captureRecordsMax: number;
  readonly treeProcessesMax: number;
  readonly treeAlertsMax: number;
  readonly timelineEntriesMax: number;
  readonly sinkTestMsMax: number;
}

export const API_LIMITS: ApiLimits = {
  bodyBytesMax: 64 * 1024,
  ingestBodyBytesMax: 16 * 1024 * 1024,
  ingestInflatedBytesMax: 64 * 1024 * 1024,
  ingestReceivedMax: 32,
  ingestConcurrentMax: 4,
  ingestRetryAfterSeconds: 1,
  requestsPerMinuteMax: 1_200,
  ingestRequestsPerMinuteMax: 12_000,
  refusalsPerMinuteMax: 60,
  requestMsMax: 30_000,
  answerMsMax: 60_000,
  connectionsMax: 1_024,
  streamClientsMax: 64,
  tailClientsMax: 16,
  tailEventsPerSecondMax: 500,
  tailHeldEventsMax: 1_000,
  eventSearchesMax: 4,
  streamHeartbeatMs: 15_000,
  streamStallMsMax: 30_000,
  streamBatchEntriesMax: 200,
  captureRecordsMax: 50_000,
  treeProcessesMax: 5_000,
  treeAlertsMax: 1_000,
  timelineEntriesMax: 10_000,
  sinkTestMsMax: 15_000,
};

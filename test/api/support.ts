/** An API on a free port, over a real store in memory and a real context fed from a recording. */
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { expect } from 'vitest';
import type { Alert, AlertProcess, Incident } from '../../src/alerts/alert.ts';
import { API_LIMITS, type ApiConfig, type ApiLimits } from '../../src/api/config.ts';
import type { ApiDeps, EngineStatus, LiveViews, RuleRecord } from '../../src/api/deps.ts';
import type { Route } from '../../src/api/route.ts';
import { type Api, createApi } from '../../src/api/server.ts';
import { EventTail } from '../../src/app/event-tail.ts';
import { eventsPort } from '../../src/app/events.ts';
import { createRulebook } from '../../src/app/rulebook.ts';
import { Replays, type ReplaysOptions } from '../../src/app/scratch/replays.ts';
import { type RuleLabOptions, ScratchRuleLab } from '../../src/app/scratch/rule-lab.ts';
import { Sensors } from '../../src/app/sensors.ts';
import { Context } from '../../src/context/context.ts';
import type { Process } from '../../src/model/process.ts';
import { formatInstant } from '../../src/model/time.ts';
import { refuseTarget } from '../../src/sinks/address.ts';
import { openStore } from '../../src/store/sqlite/open.ts';
import type { Store } from '../../src/store/store.ts';
import { eventsOf, merged } from '../context/recordings.ts';

const NOTHING_LIVE: LiveViews = { process: () => null, pod: () => null, connections: () => [] };

let played: Context | null = null;

/** The context after `lateral-movement`; shared, nothing here changes it. */
export function liveContext(): Context {
  if (played === null) {
    played = new Context({ serviceMap: true });
    for (const event of merged(eventsOf('lateral-movement', 'tetragon'), eventsOf('lateral-movement', 'hubble'))) {
      played.observe(event);
    }
  }
  return played;
}

/** The first process of a pod with this binary's base name. */
export function liveProcess(name: string): Process {
  for (const process of liveContext().processes()) {
    if (process.pod !== null && process.facts.binary.endsWith(`/${name}`)) return process;
  }
  throw new Error(`the recording has no ${name} in a pod`);
}

const STARTED = '2026-01-01T00:00:00.000000000Z';

export const STATUS: EngineStatus = {
  version: '1.2.3-test',
  started: STARTED,
  sources: [
    {
      name: 'relay',
      type: 'hubble',
      state: 'connected',
      detail: 'hubble-relay:443',
      newest: '2026-01-01T00:00:05.000000000Z',
      counters: { events: 10, lost: 3, malformed: 1 },
    },
  ],
  events: { flow: 7, process_exec: 3 },
  late: 2,
  watermark: '2026-01-01T00:00:04.000000000Z',
  held: { processes: 5, partials: 1 },
  evicted: { processes: 4 },
  rules: { loaded: 2, errors: 1, last_reload: null, evaluated: 500, seconds: 0.25, costly: [] },
  alerts: { high: 2 },
  suppressed: 6,
  deliveries: { soc: { delivered: 8, retry: 9 } },
  store: { ok: true, detail: '', bytes: 4_096 },
};

export const RULES: readonly RuleRecord[] = [
  {
    id: 'r1',
    title: 'Reverse shell by netcat',
    level: 'critical',
    status: 'stable',
    description: 'd',
    author: 'a',
    tags: ['attack.t1059.004'],
    references: [],
    falsepositives: [],
    runbook: '',
    requires: [],
    file: 'reverse-shell.yaml',
    line: 1,
    kind: 'sequence',
    matches: 11,
    evaluated: 500,
    seconds: 0.25,
    held: 3,
    evicted: 0,
    error: '',
  },
  {
    id: 'r2',
    title: 'Upload to S3',
    level: 'low',
    status: 'stable',
    description: '',
    author: '',
    tags: ['attack.t1567.002'],
    references: [],
    falsepositives: [],
    runbook: '',
    requires: ['hubble.dns'],
    file: 'exfiltration.yaml',
    line: 9,
    kind: 'event',
    matches: 0,
    evaluated: 0,
    seconds: 0,
    held: 0,
    evicted: 0,
    error: '',
  },
];

const second = (n: number): string => formatInstant(1_767_225_600_000_000 + n * 1_000_000);

export interface AlertOptions {
  readonly namespace?: string | null;
  readonly incident?: string;
  readonly level?: Alert['rule']['level'];
  readonly process?: AlertProcess | null;
  readonly ancestors?: readonly AlertProcess[];
  readonly text?: string;
}

export const hexId = (n: number, prefix = 'a'): string => `${prefix}${n.toString(16).padStart(31, '0')}`;

export function storedProcess(execId: string, text = '-e /bin/sh', seconds = 0): AlertProcess {
  return {
    exec_id: execId,
    pid: 7,
    binary: '/usr/bin/nc',
    arguments: text,
    uid: 0,
    cwd: '/',
    start_time: second(seconds),
  };
}

/** What the alert stage would say of a live process. */
export function asAlertProcess({ execId, facts }: Process): AlertProcess {
  const { pid, binary, arguments: args, uid, cwd, startTime, startNs } = facts;
  return { exec_id: execId, pid, binary, arguments: args, uid, cwd, start_time: formatInstant(startTime, startNs) };
}

export function makeAlert(n: number, options: AlertOptions = {}): Alert {
  const { namespace = 'shop', incident = hexId(0, 'b'), level = 'high', text = '-e /bin/sh' } = options;
  const process = options.process === undefined ? storedProcess('ZXhlYzox', text, 1) : options.process;
  const raw = {
    process_exec: {
      process: { ...process, parent_exec_id: 'cGFyZW50' },
      parent: { exec_id: 'cGFyZW50', pid: 6, binary: '/bin/sh', arguments: '', start_time: second(0) },
    },
    node_name: 'node-1',
    time: second(n),
  };
  return {
    id: hexId(n),
    time: second(n),
    rule: {
      id: 'r1',
      title: 'Reverse shell by netcat',
      level,
      tags: ['attack.t1059.004'],
      author: 'spoor',
      description: '',
      runbook: '',
      references: [],
    },
    incident_id: incident,
    key: `key-${n}`,
    trees: ['cGFyZW50'],
    first_seen: second(n),
    count: 1,
    last_seen: second(n),
    confidence: 'high',
    incomplete: false,
    gaps: [],
    cluster: 'c1',
    node: 'node-1',
    pod:
      namespace === null
        ? null
        : { namespace, name: 'web-1', workload: 'web', workload_kind: 'Deployment', labels: { app: 'web' } },
    container: namespace === null ? null : { id: 'containerd://1', name: 'web', image: 'web:1', start_time: null },
    process,
    ancestors: options.ancestors ?? [{ ...storedProcess('cGFyZW50', '', 0), binary: '/bin/sh', pid: 6 }],
    flows: [
      {
        time: second(n),
        attribution: 'socket',
        protocol: 'TCP',
        source: {
          ip: '10.0.0.1',
          port: 40_000,
          pod: namespace === null ? null : `${namespace}/web-1`,
          names: [],
          kind: 'pod',
        },
        destination: { ip: '198.51.100.66', port: 4_444, pod: null, names: ['evil.example'], kind: 'world' },
        verdict: 'FORWARDED',
        exec_id: process?.exec_id ?? null,
      },
    ],
    steps: { match: { event: 0 } },
    evidence: [{ kind: 'process_exec', time: second(n), step: 'match', raw }],
    message: `nc ${text}`,
  };
}

export function makeIncident(n: number, options: Partial<Incident> = {}): Incident {
  return {
    id: hexId(n, 'b'),
    state: 'open',
    level: 'high',
    title: 'nc opened a shell',
    first_seen: second(0),
    last_seen: second(n),
    alert_count: 1,
    cluster: 'c1',
    pods: ['shop/web-1'],
    namespace: 'shop',
    workload: 'web',
    rules: ['Reverse shell by netcat'],
    tags: ['attack.t1059.004'],
    merged_into: '',
    continues: '',
    ...options,
  };
}

export async function commitAlert(store: Store, alert: Alert, incident: Incident | null, sink = ''): Promise<void> {
  await store.commit({
    entries: [
      {
        change: { type: 'new', alert, incident, attached: [], merged: [] },
        targets: sink === '' ? [] : [{ sink, group: '', intervalMs: 0 }],
      },
    ],
  });
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape.
  readonly json: any;
}

export interface Harness {
  readonly api: Api;
  readonly store: Store;
  readonly url: string;
  readonly deps: ApiDeps;
  readonly logged: string[];
  /** One request; a JSON answer is held to the schema of its route. */
  call(method: string, path: string, init?: CallInit): Promise<Answer>;
  get(path: string, init?: CallInit): Promise<Answer>;
  post(path: string, body?: unknown, init?: CallInit): Promise<Answer>;
  close(): Promise<void>;
}

interface CallInit {
  readonly token?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array;
}

export interface HarnessOptions {
  readonly replays?: Partial<ReplaysOptions>;
  readonly ruleLab?: Partial<RuleLabOptions>;
  readonly deps?: Partial<ApiDeps>;
  readonly limits?: Partial<ApiLimits>;
  readonly config?: Partial<ApiConfig>;
}

export async function startApi(options: HarnessOptions = {}): Promise<Harness> {
  const store = await openStore({ path: ':memory:' });
  const logged: string[] = [];
  const scratch = new Replays({
    folder: join(tmpdir(), `spoor-api-${randomUUID()}`),
    recorded: null,
    rules: { paths: [], defaults: true, disable: [] },
    alerting: { suppress: 300_000_000, incidentWindow: 1_800_000_000 },
    log: () => {},
    ...options.replays,
  });
  const lab = new ScratchRuleLab({ paths: [], rules: () => [], ...options.ruleLab });
  const deps: ApiDeps = {
    store,
    replays: scratch,
    ruleLab: lab,
    live: NOTHING_LIVE,
    serviceMap: null,
    ingest: null,
    recording: null,
    events: eventsPort(null, new EventTail(() => {})),
    sinks: { list: () => [], test: async () => null },
    refuseWebhook: url => refuseTarget(url, false),
    webhooksChanged: () => {},
    silencesChanged: () => {},
    rules: () => RULES,
    rulebook: createRulebook({ rules: () => [], files: () => [], sensors: new Sensors(), store }),
    status: () => STATUS,
    unready: () => [],
    registry: new Registry(),
    log: (level, message, fields) => logged.push(JSON.stringify({ level, message, ...fields })),
    ...options.deps,
  };
  const config: ApiConfig = {
    host: '127.0.0.1',
    port: 0,
    tls: null,
    publicUrl: null,
    adminToken: () => null,
    ...options.config,
    limits: { ...API_LIMITS, requestsPerMinuteMax: 100_000, ...options.limits },
  };
  const api = await createApi(deps, config);
  const url = await api.listen();
  const call: Harness['call'] = async (method, path, { token, headers = {}, body } = {}) => {
    const response = await fetch(`${url}${path}`, {
      method,
      redirect: 'manual',
      headers: { ...headers, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
      // The two type libraries under which this is read name a body differently.
      ...(body === undefined ? {} : { body: body as string }),
    });
    const text = await response.text();
    const isJson = /^application\/(problem\+)?json/.test(response.headers.get('content-type') ?? '');
    const json: unknown = isJson && text !== '' ? JSON.parse(text) : null;
    if (response.ok && json !== null) expectDocumented(api.routes, method, path, json);
    if (response.status >= 400) expectProblem(response, json);
    return { status: response.status, headers: response.headers, text, json };
  };
  return {
    api,
    store,
    url,
    deps,
    logged,
    call,
    get: (path, init) => call('GET', path, init),
    post: (path, body, init = {}) =>
      call('POST', path, {
        ...init,
        ...(body === undefined
          ? {}
          : { headers: { 'content-type': 'application/json', ...init.headers }, body: JSON.stringify(body) }),
      }),
    async close() {
      await api.close();
      await Promise.all([scratch.close(), lab.close()]);
      await store.close();
    },
  };
}

const matcher = (path: string): RegExp => new RegExp(`^${path.replace(/:\w+/g, '[^/]+')}$`);

/** Nothing is answered that the contract does not have: a schema strips what it does not know. */
function expectDocumented(routes: readonly Route[], method: string, path: string, json: unknown): void {
  const bare = path.split('?')[0] as string;
  const found = routes.find(route => route.method === method && matcher(route.path).test(bare));
  // A format of others, which the handler writes by itself.
  if (found !== undefined && 'media' in found.answer) return;
  if (found === undefined || !('schema' in found.answer))
    throw new Error(`no route answers ${method} ${path} with JSON`);
  expect(found.answer.schema.parse(json)).toEqual(json);
}

function expectProblem(response: Response, json: unknown): void {
  expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  expect(json).toMatchObject({ status: response.status, detail: expect.any(String), title: expect.any(String) });
  expect((json as { type: string }).type).toMatch(/^urn:spoor:problem:[a-z-]+$/);
}

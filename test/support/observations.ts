/** Small observations and rules for tests of detection: times in seconds, everything else plausible. */
import type { Attribution, Connection, Peer } from '../../src/model/connection.ts';
import type { FlowEvent, ProcessEvent, RawRecord } from '../../src/model/event.ts';
import type { Observation } from '../../src/model/observation.ts';
import type { PodFacts, Process, ProcessFacts } from '../../src/model/process.ts';
import { MICROS_PER_SECOND } from '../../src/model/time.ts';
import type {
  Branch,
  CorrelationInput,
  Matcher,
  Predicate,
  Rule,
  SequenceSpec,
  SequenceStep,
  SigmaCorrelation,
} from '../../src/rules/rule.ts';

export const START = 1_780_000_000 * MICROS_PER_SECOND;
export const seconds = (n: number): number => Math.round(n * MICROS_PER_SECOND);
export const at = (n: number): number => START + seconds(n);

export class TestRecord implements RawRecord {
  readonly detached: boolean;
  constructor(detached = false) {
    this.detached = detached;
  }
  line(): string {
    return '{}';
  }
  detach(): RawRecord {
    return new TestRecord(true);
  }
}

const pods = new Map<string, PodFacts>();

export function pod(name: string): PodFacts {
  let found = pods.get(name);
  if (found === undefined) {
    const [namespace = '', podName = ''] = name.split('/');
    found = {
      namespace,
      name: podName,
      uid: `uid-${name}`,
      labels: {},
      annotations: {},
      workload: '',
      workloadKind: '',
      container: null,
    };
    pods.set(name, found);
  }
  return found;
}

export interface ProcessOptions {
  readonly parent?: Process;
  readonly replaced?: Process;
  readonly binary?: string;
  readonly arguments?: string;
  readonly pod?: string;
}

export function makeProcess(execId: string, options: ProcessOptions = {}): Process {
  const own = options.pod === undefined ? (options.parent?.pod ?? null) : pod(options.pod);
  const facts: ProcessFacts = {
    execId,
    parentExecId: options.parent?.execId ?? '',
    pid: 100,
    uid: 0,
    auid: null,
    user: '',
    cwd: '/',
    binary: options.binary ?? '/bin/sh',
    arguments: options.arguments ?? '',
    flags: 'execve clone',
    startTime: START,
    startNs: 0,
    pod: own,
    docker: '',
    caps: null,
    ns: null,
    credentials: null,
    binaryProperties: null,
    inInitTree: null,
    env: null,
  };
  return {
    execId,
    facts,
    parent: options.parent ?? null,
    children: new Set(),
    replaced: options.replaced ?? null,
    replacedBy: null,
    pod: own,
    node: 'node-1',
    cluster: '',
    placeholder: false,
    execSeen: true,
    exitTime: null,
    exitSignal: '',
    exitStatus: null,
    lastSeen: START,
    connections: [],
  };
}

let seq = 0;

/** An observation of kind process_exec by `process`, `time` seconds after the start, with `name` as its message. */
export function exec(
  time: number,
  name: string,
  process: Process | null,
  more: Partial<Observation> = {},
): Observation {
  const facts = process?.facts ?? makeProcess('none').facts;
  const event: ProcessEvent = {
    time: at(time),
    ns: 0,
    source: '',
    node: 'node-1',
    cluster: '',
    raw: new TestRecord(),
    kind: 'process_exec',
    process: facts,
    parent: null,
    ancestors: [],
    functionName: '',
    args: [],
    returnValue: null,
    policy: '',
    message: name,
    tags: [],
    action: '',
    signal: '',
    status: null,
  };
  return {
    seq: seq++,
    event,
    process,
    pod: process?.pod ?? null,
    connection: null,
    attribution: null,
    socket: null,
    client: null,
    server: null,
    ...more,
  };
}

export interface FlowOptions {
  readonly process?: Process | null;
  readonly attribution?: Attribution;
  readonly pod?: string;
  readonly from?: string;
  readonly to?: string;
}

function peer(name: string | undefined): Peer {
  const endpoint =
    name === undefined
      ? null
      : {
          id: 1,
          identity: 1,
          namespace: name.split('/')[0] ?? '',
          podName: name.split('/')[1] ?? '',
          cluster: '',
          labels: [],
          workloads: [],
        };
  return { ip: '10.0.0.1', port: 80, names: [], endpoint, service: null, kind: 'pod', translated: '' };
}

/** An observation of a flow; `name` is its summary. */
export function flow(time: number, name: string, options: FlowOptions = {}): Observation {
  const process = options.process ?? null;
  const client = peer(options.from);
  const server = peer(options.to);
  const event: FlowEvent = {
    time: at(time),
    ns: 0,
    source: '',
    node: 'node-1',
    cluster: '',
    raw: new TestRecord(),
    kind: 'flow',
    uuid: '',
    verdict: 'FORWARDED',
    dropReason: '',
    sourceIp: '10.0.0.1',
    sourceXlated: '',
    destinationIp: '203.0.113.9',
    protocol: 'TCP',
    sourcePort: 40_000,
    destinationPort: 443,
    tcpFlags: 'SYN',
    sourceEndpoint: client.endpoint,
    destinationEndpoint: server.endpoint,
    sourceNames: [],
    destinationNames: [],
    sourceService: null,
    destinationService: null,
    type: 'L3_L4',
    eventType: 4,
    eventSubType: 0,
    direction: 'EGRESS',
    observationPoint: '',
    traceReason: '',
    isReply: false,
    l7Type: '',
    latencyNs: 0,
    dns: null,
    http: null,
    interfaceName: '',
    proxyPort: 0,
    policies: [],
    summary: name,
  };
  const connection: Connection = {
    id: name,
    protocol: 'TCP',
    client,
    server,
    firstSeen: at(time),
    lastSeen: at(time),
    process,
    attribution: options.attribution ?? (process === null ? 'pod' : 'socket'),
    serverProcess: null,
    serverAttribution: 'pod',
    verdict: 'FORWARDED',
    flows: 1,
    closed: false,
    bytesSent: 0,
    firstFlow: event,
  };
  return {
    seq: seq++,
    event,
    process,
    pod: options.pod === undefined ? (process?.pod ?? null) : pod(options.pod),
    connection,
    attribution: connection.attribution,
    socket: null,
    client,
    server,
  };
}

/** The name that `exec` or `flow` was given. */
export function nameOf(observation: Observation): string {
  const { event } = observation;
  return event.kind === 'flow' ? event.summary : 'message' in event ? event.message : '';
}

/** Matches observations whose name is one of `names`; `a1` is an `a`. */
export function named(...names: string[]): Matcher {
  const test: Predicate = observation => names.includes(nameOf(observation).replace(/[\d.]+$/, ''));
  return { kinds: ['process_exec', 'process_exit', 'flow'], test, hints: null, fields: [] };
}

export function branch(matcher: Matcher, id = ''): Branch {
  return { ...matcher, id };
}

export function step(id: string, more: Partial<SequenceStep> = {}): SequenceStep {
  return { ...named(id), id, by: null, runs: 1, absent: false, count: null, ...more };
}

export function sequence(steps: readonly SequenceStep[], more: Partial<SequenceSpec> = {}): SequenceSpec {
  return { by: { type: 'process' }, within: seconds(60), fallback: null, steps, until: null, ...more };
}

/** A correlation of rules that match observations of these names, by process. */
export function correlation(names: readonly string[], more: Partial<SigmaCorrelation> = {}): SigmaCorrelation {
  const inputs = names.map((name): CorrelationInput => {
    const of = { type: 'rule', rule: rule({ branches: [branch(named(name))] }), key: ['process.exec_id'] } as const;
    return { name, values: [], of };
  });
  return {
    type: 'temporal',
    timespan: seconds(60),
    inputs,
    grouped: true,
    bounds: [{ comparison: 'gte', value: names.length }],
    expression: null,
    percentile: 50,
    ...more,
  };
}

let rules = 0;

export function rule(more: Partial<Rule>): Rule {
  const id = more.id ?? `rule-${rules++}`;
  return {
    id,
    title: id,
    level: 'high',
    status: 'stable',
    description: '',
    author: '',
    date: '',
    references: [],
    tags: [],
    falsepositives: [],
    runbook: '',
    message: '',
    hash: `hash-${id}`,
    file: 'rule.yml',
    line: 1,
    requires: [],
    branches: [],
    sequence: null,
    count: null,
    firstSeen: null,
    excepted: () => false,
    ...more,
  };
}

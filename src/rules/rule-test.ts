/** Tests inside a rule, as written: compact events and what is expected of them. `rule-tests/` runs them. */

export const TEST_EVENT_TYPES = ['exec', 'exit', 'flow', 'kprobe', 'file', 'connect', 'dns', 'raw'] as const;
export type TestEventType = (typeof TEST_EVENT_TYPES)[number];

const PLACE_KEYS = [
  'pod',
  'workload',
  'workload_kind',
  'labels',
  'container',
  'image',
  'container_age',
  'privileged',
  'exec_probe',
] as const;
const PROCESS_KEYS = [
  'p',
  'node',
  'pid',
  'binary',
  'arguments',
  'cwd',
  'flags',
  'uid',
  'auid',
  'user',
  'in_init_tree',
  'parent',
  'process',
  ...PLACE_KEYS,
] as const;
const HOOK_KEYS = ['policy', 'message', 'tags', 'action'] as const;

/** Keys of a parent that is given as a map. */
export const TEST_PARENT_KEYS: readonly string[] = PROCESS_KEYS;

/** Every key that a compact event may have; null: any, as the sensors export it. */
export const TEST_EVENT_KEYS: Readonly<Record<TestEventType, readonly string[] | null>> = {
  exec: ['at', ...PROCESS_KEYS, 'replaces'],
  exit: ['at', ...PROCESS_KEYS, 'signal', 'status'],
  flow: [
    'at',
    ...PROCESS_KEYS,
    'to',
    'from',
    'port',
    'sport',
    'protocol',
    'reply',
    'attribution',
    'kind',
    'tcp_flags',
    'http',
    'names',
    'verdict',
    'drop_reason',
    'direction',
    'service',
    'peer_labels',
    'set',
  ],
  kprobe: ['at', ...PROCESS_KEYS, ...HOOK_KEYS, 'function', 'args', 'return'],
  file: ['at', ...PROCESS_KEYS, ...HOOK_KEYS, 'path', 'access', 'function'],
  connect: ['at', ...PROCESS_KEYS, 'to', 'sport', 'protocol', 'kind'],
  dns: ['at', ...PROCESS_KEYS, 'query', 'answers', 'rcode', 'qtypes', 'sport', 'set'],
  raw: null,
};

/** One compact event: `{exec: {p: A, binary: /usr/bin/nc, pod: shop/cart}}`. */
export interface TestEvent {
  readonly type: TestEventType;
  /** As written under the type: `at` (duration from the first event), `p` (name of a process), `pod`, `binary`, `to` … */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly line: number;
}

export interface TestExpectation {
  /** How many alerts the rule makes. */
  readonly alerts: number;
  /** One pattern for each alert, in any order: dotted field (`pod`, `level`, `step.<id>.process.pid`) → value or wildcard text. */
  readonly matching: readonly Readonly<Record<string, string | number | boolean | null>>[];
  /** Attribution of every alert's flow, or null when it does not matter. */
  readonly attribution: 'socket' | 'inferred' | 'pod' | null;
  readonly confidence: 'high' | 'low' | null;
}

export interface RuleTest {
  readonly name: string;
  readonly events: readonly TestEvent[];
  /** Captures to replay (paths relative to the rule's file), before `events` are added. */
  readonly captures: readonly string[];
  readonly expect: TestExpectation;
  readonly file: string;
  readonly line: number;
}

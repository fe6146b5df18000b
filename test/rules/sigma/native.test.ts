/** Sigma rules written as native ones: the same alerts, the same words about them, and a reason where there is no native form. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Observation } from '../../../src/model/observation.ts';
import { type LoadedRules, loadRules } from '../../../src/rules/load.ts';
import { nativeSigma } from '../../../src/rules/sigma/native.ts';
import { flowEvent, hook, processEvent, processes } from '../../support/rule-observations.ts';

const load = (...texts: readonly string[]): LoadedRules =>
  loadRules(texts.map((text, i) => ({ file: `r${i}.yml`, text })));

const errorsOf = ({ diagnostics }: LoadedRules): string[] =>
  diagnostics.filter(({ severity }) => severity === 'error').map(({ message }) => message);

/** The native texts of what is loaded; fails when one has none. */
function converted({ sigmaLoaded }: LoadedRules): string[] {
  return sigmaLoaded.map(one => {
    const made = nativeSigma(one);
    expect(made).not.toHaveProperty('reason');
    return 'text' in made ? made.text : '';
  });
}

const fires = ({ rules }: LoadedRules, o: Observation): boolean[] =>
  rules.map(({ branches: [branch] }) => branch?.kinds.includes(o.event.kind) === true && branch.test(o));

const ids = ['6f0c1f2e-0b6c-4f3f-9d55-2a3f8e1f0a01', '6f0c1f2e-0b6c-4f3f-9d55-2a3f8e1f0a02'] as const;
const rule = (detection: string, category = 'process_creation', id: string = ids[0]): string =>
  `title: A rule ${id}\nid: ${id}\nlogsource:\n  product: linux\n  category: ${category}\ndetection:\n${detection}\n`;

const filter = (selection: string, condition: string): string =>
  `title: Quiet\nlogsource:\n  product: linux\n  category: process_creation\nfilter:\n  rules: any\n${selection}\n  condition: ${condition}\n`;

const run = (binary: string, args: string, user: string, parent: string, cwd: string): Observation =>
  processEvent({ process: processes({ binary, arguments: args, user, cwd, auid: 0 }, { binary: parent }) });
const file = (path: string, mode: number): Observation =>
  hook('security_file_permission', ['file', { path }], ['int', mode]);

const events = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('/usr/bin/bash', '/bin/Bash', '/bin/sh', '/tmp/x*y', '/usr/bin/python3.9'),
      fc.constantFrom('', '-c "a b"', '/r -x', '–r 10', 'L2Jpbi9zaA==', 'a\\b'),
      fc.constantFrom('root', 'www-data', ''),
      fc.constantFrom('/usr/bin/bash', '/usr/sbin/nginx'),
      fc.constantFrom('/w', '/'),
    )
    .map(facts => run(...facts)),
  fc.tuple(fc.constantFrom('/etc/shadow', '/tmp/y'), fc.constantFrom(2, 4)).map(facts => file(...facts)),
  fc
    .constantFrom('security_path_unlink', 'security_path_rename', 'security_file_open')
    .map(name => hook(name, ['path', { path: '/var/log/x' }])),
  fc
    .tuple(fc.constantFrom('10.0.0.9', '203.0.113.7'), fc.constantFrom(22, 4444))
    .map(([ip, port]) => flowEvent({ server: { ip, port, names: ['a.example'] } })),
);

/** The native rules load, and answer every event as the originals do. */
function alike(...texts: readonly string[]): void {
  const originals = load(...texts);
  expect(errorsOf(originals)).toEqual([]);
  const native = load(...converted(originals));
  expect(errorsOf(native)).toEqual([]);
  expect(native.sigma).toEqual([]);
  expect(native.rules.map(({ requires }) => requires)).toEqual(originals.rules.map(({ requires }) => requires));
  fc.assert(
    fc.property(events, o => {
      expect(fires(native, o)).toEqual(fires(originals, o));
    }),
  );
}

describe('a converted rule', () => {
  it.each<[string, ...string[]]>([
    [
      'fields, modifiers and quantifiers',
      rule(
        '  s:\n    Image|endswith: [/bash, /sh]\n    CommandLine|contains|all: [c, a]\n    User: www-data\n  condition: s',
      ),
    ],
    [
      'unused selections and two conditions',
      rule('  a:\n    User: root\n  b:\n    LogonId: 0\n  z:\n    User: x\n  condition:\n    - a\n    - not b'),
    ],
    ['no condition at all', rule('  only:\n    ParentImage|endswith: /nginx')],
    ['keywords', rule("  k: ['a b', nginx]\n  l:\n    '|all': [bash, root]\n  condition: k or l")],
    [
      'encodings',
      rule(
        "  s:\n    CommandLine|windash|contains: ' -r'\n  t:\n    CommandLine|base64offset|contains: /bin/sh\n  condition: 1 of them",
      ),
    ],
    ['references to fields', rule('  s:\n    Image|fieldref: ParentImage\n  condition: s')],
    ['absence', rule('  s:\n    User: null\n  t:\n    CurrentDirectory|exists: false\n  condition: s and not t')],
    ['files written', rule('  s:\n    TargetFilename|startswith: [/etc, /var]\n  condition: 1 of them', 'file_event')],
    ['files removed', rule('  s:\n    TargetFilename|contains: log\n  condition: all of them', 'file_delete')],
    ['files renamed', rule('  s:\n    TargetFilename|contains: log\n  condition: s', 'file_rename')],
    [
      'connections',
      rule(
        '  s:\n    DestinationPort: [4444, 22]\n  f:\n    DestinationIp|cidr: 10.0.0.0/8\n  condition: s and not f',
        'network_connection',
      ),
    ],
    ['dates', rule('  s:\n    UtcTime|year: 2026\n    User|neq: root\n  condition: s')],
    ['no log source', 'title: T\ndetection:\n  s:\n    DestinationHostname|endswith: .example\n  condition: s\n'],
    [
      'filters of both polarities',
      rule('  s:\n    Image|contains: /\n  condition: s'),
      filter('  f:\n    User: root\n    Image|endswith: [h, x\\*y]', 'not f'),
      filter("  g:\n    - CommandLine|contains|all: [a, '10?*']\n    - ParentImage|re|i: NGINX", 'g'),
    ],
    [
      'filters with keywords and numbers',
      rule('  s:\n    Image|contains: /\n  condition: s'),
      filter(
        "  f:\n    '|all': [bash, a]\n  g:\n    LogonId|gte: 1\n  h:\n    User|neq: [root, 'www*']",
        'not f and not g and not h',
      ),
    ],
    [
      'filters that mind case, and names alone',
      rule('  s:\n    Image|contains: /\n  condition: s'),
      filter(
        "  f:\n    Image|cased|endswith: [Bash, 'x\\*y']\n  g:\n    Image|name: [sh]\n  h:\n    '|cased': [nginx]",
        'not (f or g) and not h',
      ),
    ],
  ])('with %s', (_, ...texts) => alike(...texts));

  it('takes its lists with it', () => {
    const texts = [
      `lists:\n  shells: [bash, sh]\n`,
      rule("  s:\n    Image|endswith|expand: '/%shells%'\n  condition: s"),
    ];
    const [text = ''] = converted(load(...texts));
    expect(text).toContain('lists:');
    alike(...texts);
  });

  it('with any detection', () => {
    const key = fc
      .tuple(
        fc.constantFrom('Image', 'CommandLine', 'ParentImage', 'User', 'CurrentDirectory'),
        fc.constantFrom('', '|contains', '|startswith', '|endswith'),
        fc.constantFrom('', '|cased'),
        fc.constantFrom('', '|all'),
        fc.constantFrom('', '|neq'),
      )
      .map(parts => parts.join(''));
    const value = fc.array(fc.constantFrom('bash', '/usr', '*sh', 'a?b', 'ROOT', 'root', '\\*', 'x\\*y', 'a\\b', '-'), {
      minLength: 1,
      maxLength: 3,
    });
    const map = fc.dictionary(key, value, { minKeys: 1, maxKeys: 3, noNullPrototype: true });
    const selection = fc.oneof(map, fc.array(map, { minLength: 1, maxLength: 2 }));
    const detection = fc.tuple(
      selection,
      selection,
      fc.constantFrom('a and b', 'a or not b', '1 of *', 'all of them', 'a'),
    );
    fc.assert(
      fc.property(detection, map, fc.array(events, { minLength: 1, maxLength: 5 }), ([a, b, condition], f, list) => {
        const value = JSON.stringify({
          title: 'T',
          id: ids[0],
          logsource: { product: 'linux', category: 'process_creation' },
          detection: { a, b, condition },
        });
        const narrowing = JSON.stringify({ title: 'F', filter: { rules: [ids[0]], f, condition: 'not f' } });
        const texts = condition.includes('*') ? [value] : [value, narrowing];
        const originals = load(...texts);
        fc.pre(originals.rules.length === 1);
        const native = load(...converted(originals));
        expect(errorsOf(native)).toEqual([]);
        for (const o of list) expect(fires(native, o)).toEqual(fires(originals, o));
      }),
      { numRuns: 150 },
    );
  });

  it('keeps what it says of itself, in the form of native rules', () => {
    const text = `title: Old
id: ${ids[1]}
name: old_rule
related: [{ id: ${ids[0]}, type: similar }]
status: test
description: What it means
references: [https://example.org/a]
author: A. Author
license: DRL-1.1
date: 2021/02/03
modified: soon
custom: dropped
tags: [attack.Execution, attack.t1059]
logsource: { product: linux, category: process_creation, definition: dropped }
detection: { s: { Image: /x }, condition: s }
fields: [Image, CommandLine]
falsepositives: [Admins]
level: HIGH
`;
    const native = load(...converted(load(text)));
    expect(native.diagnostics.map(({ code }) => code)).toEqual(['missing-tests']);
    const { id, title, level, status, description, author, date, references, tags, falsepositives } = native
      .rules[0] as LoadedRules['rules'][number];
    expect({ id, title, level, status, description, author, date, references, tags, falsepositives }).toEqual({
      id: ids[1],
      title: 'Old',
      level: 'high',
      status: 'test',
      description: 'What it means',
      author: 'A. Author',
      date: '2021-02-03',
      references: ['https://example.org/a'],
      tags: ['attack.execution', 'attack.t1059'],
      falsepositives: ['Admins'],
    });
    const [written = ''] = converted(load(text));
    for (const kept of ['name: old_rule', 'license: DRL-1.1', 'type: similar', '- process.command_line'])
      expect(written).toContain(kept);
    for (const dropped of ['custom', 'definition', 'soon']) expect(written).not.toContain(dropped);
  });

  it('has a reason when there is none', () => {
    const reasons = (text: string): unknown[] => load(text).sigmaLoaded.map(nativeSigma);
    expect(reasons(rule('  s:\n    TargetFilename|contains: x\n  condition: 1 of *', 'file_event'))).toEqual([
      { reason: 'a pattern in its condition would mean what is added to it' },
    ]);
    expect(reasons(rule('  s:\n    Image: /x\n    process.binary: /x\n  condition: s'))).toEqual([
      { reason: 'one selection asks for process.binary under two names' },
    ]);
  });
});

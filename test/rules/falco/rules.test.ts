/** Falco files as they are: what they mean, what becomes of them, and the same once converted. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FALCO_FIELD_TEXTS } from '../../../src/authoring/falco-keys.ts';
import type { Observation } from '../../../src/model/observation.ts';
import { FALCO_NAMES } from '../../../src/rules/catalogue/falco.ts';
import { nativeFalco } from '../../../src/rules/falco/native.ts';
import { type LoadedRules, loadRules } from '../../../src/rules/load.ts';
import type { Rule } from '../../../src/rules/rule.ts';
import { flowEvent, hook, processEvent, processes } from '../../support/rule-observations.ts';

const load = (...texts: readonly string[]): LoadedRules =>
  loadRules(texts.map((text, i) => ({ file: `f${i}.yaml`, text })));
const fires = (rule: Rule | undefined, o: Observation): boolean =>
  rule?.branches.some(branch => branch.kinds.includes(o.event.kind) && branch.test(o)) === true && !rule.excepted(o);
const only = (condition: string): Rule | undefined =>
  load(`- rule: One\n  desc: d\n  condition: >\n    ${condition}\n  output: o\n  priority: WARNING\n`).rules[0];
const exec = (binary: string, args = '', ...above: readonly string[]): Observation =>
  processEvent({
    process: processes(
      { binary, arguments: args, uid: 0, auid: null, user: '' },
      ...above.map(path => ({ binary: path })),
    ),
  });

const COMMON = `
- required_engine_version: 0.40.0
- list: shells
  items: [bash, sh, '"zsh"']
- list: all_shells
  items: [shells, ash]
- macro: spawned
  condition: (evt.type in (execve, execveat) and evt.dir=<)
- macro: opened_for_writing
  condition: (evt.type in (open,openat,openat2) and evt.is_open_write=true and fd.typechar='f' and fd.num>=0)
- macro: opened_for_reading
  condition: (evt.type in (open,openat,openat2) and evt.is_open_read=true and fd.typechar='f' and fd.num>=0)
- macro: outgoing
  condition: >
    (evt.type = connect and evt.dir=< and (fd.typechar = 4 or fd.typechar = 6)
     and fd.net != "127.0.0.0/8" and (evt.rawres >= 0 or evt.res = EINPROGRESS))
`;
const PACK = `${COMMON}
- rule: Shell below a web server
  desc: d
  condition: >
    spawned
    # not what operators do
    and proc.name in (all_shells) and proc.aname in (nginx, httpd)
  output: "shell %proc.name below %proc.aname[2] (%user.name) %container.info"
  priority: ERROR
  tags: [maturity_stable, mitre_execution, T1059.004]
- rule: Write below etc
  desc: d
  condition: opened_for_writing and fd.name startswith /etc/
  output: o
  priority: WARNING
- rule: Shadow read
  desc: d
  condition: opened_for_reading and fd.name in (/etc/shadow)
  output: o
  priority: WARNING
- rule: Metadata service
  desc: d
  condition: outgoing and fd.sip="169.254.169.254" and fd.sport in (80)
  output: o
  priority: NOTICE
- rule: Namespace change
  desc: d
  condition: evt.type=setns
  output: o
  priority: NOTICE
- rule: Trace by another
  desc: d
  condition: evt.type=ptrace and evt.arg.request contains PTRACE_ATTACH
  output: o
  priority: CRITICAL
- rule: Setuid bit
  desc: d
  condition: evt.type in (chmod, fchmodat) and evt.arg.mode contains S_ISUID
  output: o
  priority: NOTICE
`;
const EVENTS: Readonly<Record<string, Observation>> = {
  'Shell below a web server': exec('/bin/bash', '-c id', '/usr/bin/php', '/usr/sbin/nginx'),
  'Write below etc': hook('security_file_permission', ['file', { path: '/etc/hosts' }], ['int', 2]),
  'Shadow read': hook('security_file_permission', ['file', { path: '/etc/shadow' }], ['int', 4]),
  'Metadata service': flowEvent({
    server: { ip: '169.254.169.254', port: 80 },
    event: { isReply: false, protocol: 'TCP', direction: 'EGRESS', destinationIp: '169.254.169.254' },
  }),
  'Namespace change': hook('__x64_sys_setns', ['int', 6], ['int', 0x2000_0000]),
  'Trace by another': hook('__x64_sys_ptrace', ['int', 16], ['int', 7]),
  'Setuid bit': hook('__x64_sys_fchmodat', ['int', -100], ['string', '/tmp/x'], ['int', 0o4755]),
};

describe('a pack', () => {
  const { rules, falco, diagnostics } = load(PACK);

  it('loads without a complaint', () => {
    expect(diagnostics).toEqual([]);
    expect(rules.map(({ title }) => title)).toEqual(Object.keys(EVENTS));
    expect(falco.rows.map(({ status }) => status)).toEqual([
      'native',
      'needs',
      'needs',
      'native',
      'needs',
      'needs',
      'needs',
    ]);
  });

  it.each(Object.keys(EVENTS))('%s fires on its event and on no other', title => {
    const found = Object.entries(EVENTS).filter(([, o]) =>
      fires(
        rules.find(rule => rule.title === title),
        o,
      ),
    );
    expect(found.map(([name]) => name)).toEqual([title]);
  });

  it('keeps level, tags and output', () => {
    expect(rules[0]).toMatchObject({
      level: 'high',
      status: 'stable',
      tags: ['attack.execution', 'attack.t1059.004'],
      message:
        'shell {falco.proc.name} below {falco.proc.aname[2]} ({falco.user.name}) container={falco.container.name} image={falco.container.image}',
    });
  });

  it('matches the same events once converted', () => {
    const names = ['bash', 'dash', 'nginx', 'a-name-longer-than-15', 'x*y'];
    const events = fc.oneof(
      fc
        .tuple(
          fc.constantFrom(...names),
          fc.constantFrom('', '-c id', '"a b" c'),
          fc.array(fc.constantFrom(...names), { maxLength: 3 }),
        )
        .map(([name, args, above]) => exec(`/bin/${name}`, args, ...above.map(each => `/bin/${each}`))),
      fc
        .tuple(fc.constantFrom('/etc/shadow', '/etc/x', '/tmp/y'), fc.constantFrom(2, 4, 6))
        .map(([path, mode]) => hook('security_file_permission', ['file', { path }], ['int', mode])),
      fc.constantFrom(...Object.values(EVENTS)),
    );
    const odd = `
- rule: Odd
  desc: d
  condition: >
    (proc.cmdline glob "bash*i?" or proc.args = "" or len(proc.name) > 10 or tolower(proc.pname) = nginx
     or proc.name = "x*y" or fd.name pmatch (/etc) or basename(fd.name) = y or proc.name = val(proc.pname))
    and not proc.aname[2] exists
  output: o
  priority: DEBUG
  exceptions:
    - name: tuple
      fields: [proc.name, proc.args]
      comps: [=, contains]
      values: [[dash, id]]
`;
    const direct = load(PACK, odd);
    expect(direct.diagnostics).toEqual([]);
    const converted = load(...direct.falco.loaded.map(one => nativeFalco(one) as string));
    expect(converted.diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(converted.rules.map(({ id }) => id)).toEqual(direct.rules.map(({ id }) => id));
    fc.assert(
      fc.property(events, o => {
        expect(converted.rules.map(rule => fires(rule, o))).toEqual(direct.rules.map(rule => fires(rule, o)));
      }),
    );
  });
});

describe('the language', () => {
  const bash = exec('/bin/bash', '-c "echo a" x', '/usr/sbin/nginx');
  it.each([
    ['proc.name = bash and not proc.name = sh', true],
    ['proc.name = sh or proc.name = bash and proc.name = zsh', false],
    ['(proc.name = sh or proc.name = bash) and proc.pname != sshd', true],
    ['proc.name = Bash', false],
    ['proc.name icontains BAS', true],
    ["proc.cmdline = 'bash -c echo a x'", true],
    ['proc.exepath endswith /bash and proc.exe in (bash)', true],
    ['fd.name != /etc/passwd and proc.name = bash', false],
    ['not fd.name = /etc/passwd and proc.name = bash', true],
    ['not fd.name exists and proc.name exists', true],
    ['user.name = root and user.name = "0" and user.uid = 0 and user.loginuid = -1', true],
    ['proc.name regex "ba[s]h"', true],
    ['proc.name regex "as"', false],
    ['proc.exepath glob "/bin/[a-c]ash"', true],
    ['proc.name in (ksh, "bash")', true],
    ['proc.name intersects (bash)', true],
    ['toupper(proc.name) = BASH', true],
    ['len(proc.name) = 4', true],
    ['basename(proc.exepath) = val(proc.name)', true],
    ['evt.num >= 0', true],
    ['evt.type != execve', false],
    ['evt.dir=> and evt.type=execve', true],
  ])('%s', (condition, expected) => {
    expect(fires(only(condition), bash)).toBe(expected);
  });

  it('cuts names as the kernel does', () => {
    const long = exec('/usr/bin/a-very-long-name-of-a-program');
    expect(fires(only('proc.name = a-very-long-nam'), long)).toBe(true);
  });
});

describe('overrides', () => {
  it('appends and replaces, by the old form and the new, from later files', () => {
    const later = `
- list: shells
  override: {items: append}
  items: [ksh]
- macro: spawned
  append: true
  condition: and proc.name != sh
- rule: Shell below a web server
  override: {condition: append, priority: replace, tags: append}
  condition: and not proc.args contains health
  priority: NOTICE
  tags: [T1190]
- rule: Namespace change
  enabled: false
`;
    const { rules, diagnostics, falco } = load(PACK, later);
    expect(diagnostics).toEqual([]);
    const [shell] = rules;
    expect(shell).toMatchObject({ level: 'low', tags: ['attack.execution', 'attack.t1059.004', 'attack.t1190'] });
    const below = (binary: string, args = ''): boolean => fires(shell, exec(binary, args, '/usr/sbin/nginx'));
    expect([below('/bin/ksh'), below('/bin/sh'), below('/bin/ash'), below('/bin/ash', 'health')]).toEqual([
      true,
      false,
      true,
      false,
    ]);
    expect(rules.map(({ title }) => title)).not.toContain('Namespace change');
    expect(falco.rows.find(({ title }) => title === 'Namespace change')?.reasons).toContain(
      'switched off by enabled: false',
    );
  });

  it('excepts by one field, by tuples and by lists', () => {
    const [rule] = load(`
- rule: R
  desc: d
  condition: evt.type = execve
  output: o
  priority: INFO
  exceptions:
    - {name: one, fields: proc.name, comps: in, values: [ls, cat]}
    - {name: two, fields: [proc.name, proc.pname], comps: [=, in], values: [[ps, [cron, init]]]}
- rule: R
  override: {exceptions: append}
  exceptions: [{name: one, values: [id]}]
`).rules;
    const seen = [
      exec('/bin/ls'),
      exec('/bin/id'),
      exec('/bin/ps', '', '/sbin/init'),
      exec('/bin/ps', '', '/bin/sh'),
      exec('/bin/df'),
    ];
    expect(seen.map(o => fires(rule, o))).toEqual([false, false, false, true, true]);
  });
});

describe('what no sensor gives', () => {
  const row = (condition: string): { status: string; reasons: readonly string[] } | undefined =>
    load(`- rule: R\n  desc: d\n  condition: ${condition}\n  output: o\n  priority: INFO\n`).falco.rows[0];

  it('is unsupported with its place when the rule needs it', () => {
    expect(row('evt.type = execve and evt.buffer contains x')).toMatchObject({
      status: 'unsupported',
      reasons: ['unsupported: evt.buffer at f0.yaml:3:36'],
    });
  });

  it('is left out and told where the rule can do without', () => {
    expect(row('evt.type = execve and (proc.name = a or evt.buffer contains x)')).toMatchObject({
      status: 'native',
      reasons: ['approximates: without the alternative that asks for evt.buffer at f0.yaml:3:54'],
    });
    expect(row('evt.type = execve and not evt.buffer contains x')?.reasons).toEqual([
      'approximates: without the exclusion by evt.buffer at f0.yaml:3:40',
    ]);
  });

  it('skips other event sources', () => {
    const text =
      '- rule: R\n  desc: d\n  condition: ka.verb = create\n  output: o\n  priority: INFO\n  source: k8s_audit\n';
    expect(load(text).falco.rows[0]).toMatchObject({ status: 'skipped' });
  });
});

describe('hostile files', () => {
  const failing = (text: string): string => {
    const { rules, diagnostics } = load(text);
    expect(rules).toEqual([]);
    return diagnostics.map(({ message }) => message).join('\n');
  };
  const rule = (condition: string): string =>
    `- rule: R\n  desc: d\n  condition: ${condition}\n  output: o\n  priority: INFO\n`;
  const macro = (name: string, condition: string): string => `- macro: ${name}\n  condition: ${condition}\n`;

  it('are told in bounded time', () => {
    expect(failing(rule(`${'('.repeat(10_000)}proc.name=a${')'.repeat(10_000)}`))).toContain('nested deeper');
    expect(failing(rule(`${'tolower('.repeat(5_000)}proc.name${')'.repeat(5_000)} = a`))).toContain('nested deeper');
    expect(failing(macro('a', 'b') + macro('b', 'a') + rule('a'))).toContain('refers to itself: a → b → a');
    expect(failing(`- list: a\n  items: [b]\n- list: b\n  items: [a]\n${rule('proc.name in (a)')}`)).toContain(
      'refers to itself',
    );
    const bomb = Array.from({ length: 60 }, (_, i) => macro(`m${i + 1}`, `m${i} and m${i} or m${i}`)).join('');
    expect(failing(macro('m0', 'proc.name=a') + bomb + rule('m60'))).toContain('more than');
    const full = Array.from({ length: 12 }, (_, i) => macro(`n${i + 1}`, `n${i} and n${i}`)).join('');
    const many = Array.from({ length: 300 }, (_, i) => rule(`n12 and proc.pid=${i}`).replace('R', `R${i}`)).join('');
    expect(load(macro('n0', 'proc.name=a or fd.name=b') + full + many).rules).toHaveLength(300);
    const calls = Array.from({ length: 19_000 }, (_, i) => `c${i}`).join(',');
    expect(load(rule(`evt.type in (${calls})`)).rules).toHaveLength(1);
    const lists = Array.from({ length: 40 }, (_, i) => `- list: l${i + 1}\n  items: [l${i}, l${i}, x${i}]\n`).join('');
    expect(
      load(`- list: l0\n  items: [a]\n${lists}${rule('evt.type=execve and proc.name in (l40)')}`).rules,
    ).toHaveLength(1);
    expect(failing(rule('"proc.name = \\0a"'))).toContain('NUL');
    expect(failing(rule('proc.name = "a'))).toContain('does not end');
    expect(failing(rule('spawnd_process'))).toContain('unknown macro');
    expect(failing(rule('proc.name contains'))).toContain('a value is missing');
  });

  it('never throw', () => {
    const token = fc.constantFrom(
      'proc.name',
      '=',
      'in',
      '(',
      ')',
      'and',
      'or',
      'not',
      'x',
      '"',
      "'",
      ',',
      '\\',
      'exists',
      'fd.net',
      '[1]',
      '#',
      'val(',
    );
    fc.assert(
      fc.property(fc.array(token, { maxLength: 20 }), tokens => void load(rule(JSON.stringify(tokens.join(' '))))),
    );
  });
});

describe('what a lint finding of a condition tells', () => {
  const findings = (...texts: readonly string[]) =>
    load(...texts).diagnostics.map(({ file, line, column, code, message }) => ({ file, line, column, code, message }));

  it('has the place in the condition, and the field that was meant', () => {
    const rule = (condition: string): string =>
      `- rule: R\n  desc: d\n  condition: >\n    evt.type = execve\n    and ${condition}\n  output: o\n  priority: INFO\n`;
    const at = { file: 'f0.yaml', line: 5, column: 9 };
    const code = 'falco-unsupported';
    expect(findings(rule('proc.nam = x'))).toEqual([
      { ...at, code, message: 'R: unsupported: proc.nam (did you mean proc.name?)' },
    ]);
    expect(findings(rule('tolower(proc.nam) = x'))[0]?.message).toContain('did you mean proc.name?');
    // One of Falco's own that no sensor gives: nothing else was meant.
    expect(findings(rule('evt.buffer contains x'))[0]?.message).toBe('R: unsupported: evt.buffer');
    expect(findings(rule('proc.name ='))).toMatchObject([{ file: 'f0.yaml', code: 'bad-falco' }]);
    expect(findings(rule('no_macro'))).toMatchObject([{ ...at, code: 'bad-falco' }]);
  });

  it('stays at the rule when a macro of another file is at fault', () => {
    const macro = '- macro: m\n  condition: (evt.buffer contains x)\n';
    const rule = '- rule: R\n  desc: d\n  condition: evt.type = execve and m\n  output: o\n  priority: INFO\n';
    expect(findings(macro, rule)).toEqual([
      {
        file: 'f1.yaml',
        line: 1,
        column: 9,
        code: 'falco-unsupported',
        message: 'R: unsupported: evt.buffer at f0.yaml:2:15',
      },
    ]);
  });
});

it('every field is explained, and nothing else', () => {
  expect(Object.keys(FALCO_FIELD_TEXTS).sort()).toEqual([...FALCO_NAMES].sort());
});

/** What becomes of Falco rules that ask for what is absent, for what some sensors report, and for what none does. */
import { describe, expect, it } from 'vitest';
import { SensorView } from '../../../src/authoring/coverage.ts';
import type { Observation } from '../../../src/model/observation.ts';
import { type LoadedRules, loadRules } from '../../../src/rules/load.ts';
import type { Rule } from '../../../src/rules/rule.ts';
import { hook, processEvent, processes } from '../../support/rule-observations.ts';

const load = (...texts: readonly string[]): LoadedRules =>
  loadRules(texts.map((text, i) => ({ file: `f${i}.yaml`, text })));
const text = (condition: string): string =>
  `- rule: R\n  desc: d\n  condition: ${condition}\n  output: o\n  priority: INFO\n`;
const row = (condition: string): { status: string; reasons: readonly string[] } | undefined =>
  load(text(condition)).falco.rows[0];
const only = (condition: string): Rule | undefined =>
  load(`- rule: R\n  desc: d\n  condition: >\n    ${condition}\n  output: o\n  priority: INFO\n`).rules[0];
const fires = (rule: Rule | undefined, o: Observation): boolean =>
  rule?.branches.some(branch => branch.kinds.includes(o.event.kind) && branch.test(o)) === true && !rule.excepted(o);
const exec = (binary: string): Observation => processEvent({ process: processes({ binary }) });

describe('what is asked of absence', () => {
  it('takes <NA> and N/A for no value, however it is written', () => {
    const known = exec('/bin/ls');
    const unknown = processEvent({ process: null });
    const both = (condition: string): boolean[] => [fires(only(condition), known), fires(only(condition), unknown)];
    expect(both('proc.name != "<NA>"')).toEqual([true, false]);
    expect(both('not proc.name in ("<NA>", "N/A")')).toEqual([true, false]);
    expect(both('evt.num > 0 and proc.name in ("<NA>", bash)')).toEqual([false, true]);
  });

  it('needs the value of a field that no sensor gives when it may not be absent', () => {
    expect(row('evt.type = execve and not container.mount.dest[/proc*] in ("<NA>","N/A")')).toMatchObject({
      status: 'unsupported',
      reasons: ['unsupported: container.mount.dest[/proc*] at f0.yaml:3:40'],
    });
    expect(row('evt.type = execve and not not evt.buffer contains x')?.status).toBe('unsupported');
    expect(row('evt.type = execve and container.mount.dest[/proc*] = N/A')?.reasons).toEqual([
      'approximates: without the exclusion by container.mount.dest[/proc*] at f0.yaml:3:36',
    ]);
  });

  it('skips a rule that matches nothing until a list is filled', () => {
    const list = '- list: watched\n  items: []\n';
    const rule =
      '- rule: R\n  desc: d\n  condition: evt.type = execve and k8s.ns.name in (watched)\n  output: o\n  priority: INFO\n';
    expect(load(list + rule).falco.rows[0]).toMatchObject({
      status: 'skipped',
      reasons: ['nothing to compare k8s.ns.name with: watched is empty at f0.yaml:5:36'],
    });
    expect(load(list + rule).diagnostics).toEqual([]);
    const filled = '- list: watched\n  override: {items: append}\n  items: [shop]\n';
    expect(load(list + rule, filled).falco.rows[0]?.status).toBe('native');
  });
});

describe('system calls', () => {
  it('tells what some of the calls need, and what all do', () => {
    expect(row('evt.type in (connect, listen) and fd.sport = 22')).toMatchObject({
      status: 'native',
      reasons: ['for some of its events: policy.sys_listen'],
    });
    expect(row('evt.type in (unshare, userfaultfd)')).toMatchObject({
      status: 'needs',
      reasons: ['one of policy.namespace, policy.sys_userfaultfd'],
    });
    expect(row('evt.type in (unshare, userfaultfd) and thread.cap_effective contains CAP')).toMatchObject({
      status: 'needs',
      reasons: ['tetragon.process_cred', 'one of policy.namespace, policy.sys_userfaultfd'],
    });
    expect(row('evt.type in (setns, unshare)')).toMatchObject({ status: 'needs', reasons: ['policy.namespace'] });
  });

  it('are seen in recordings by the names that rules need them by', () => {
    const view = new SensorView();
    view.add(hook('__x64_sys_ptrace', ['int', 16], ['int', 7]));
    view.add(hook('security_task_kill', ['int', 9]));
    expect([...view.settings].filter(setting => setting.startsWith('policy.sys_')).sort()).toEqual([
      'policy.sys_kill',
      'policy.sys_ptrace',
      'policy.sys_tgkill',
      'policy.sys_tkill',
    ]);
  });

  it('does not guess which socket a copied descriptor is', () => {
    expect(row('evt.type in (dup, dup2) and evt.rawres in (0, 1) and fd.type in (ipv4)')).toMatchObject({
      status: 'unsupported',
      reasons: ['unsupported: fd.type of a descriptor that dup is given at f0.yaml:3:14'],
    });
    expect(row('evt.type = dup2 and evt.rawres = 0')).toMatchObject({
      status: 'needs',
      reasons: [expect.stringMatching(/sys_dup/), expect.any(String)],
    });
  });

  it('gives each call the arguments that Falco gives it', () => {
    const removed = hook('security_path_unlink', ['path', { path: '/srv/.x' }]);
    const moved = hook('security_path_rename', ['path', { path: '/srv/a' }], ['path', { path: '/srv/.x' }]);
    const hidden = only('evt.type in (rename, unlink) and evt.arg.newpath contains "/."');
    expect([fires(hidden, removed), fires(hidden, moved)]).toEqual([false, true]);
    const open = (path: string, flags: number, mode: number): Observation =>
      hook('__x64_sys_openat', ['int', -100], ['string', path], ['int', flags], ['int', mode]);
    const made = only('evt.type in (open, openat) and evt.is_open_exec = true');
    expect([open('/x', 0o101, 0o755), open('/x', 0o101, 0o644), open('/x', 0, 0o755)].map(o => fires(made, o))).toEqual(
      [true, false, false],
    );
  });

  it('knows the path of an open as it was given and as it is', () => {
    const up = hook('__x64_sys_openat', ['int', -100], ['string', '/srv/../../etc//shadow'], ['int', 0]);
    const rule = only('evt.is_open_read = true and fd.nameraw contains "../" and fd.name = /etc/shadow');
    expect(fires(rule, up)).toBe(true);
  });
});

describe('programs in memory', () => {
  it('are not the stages of a container runtime', () => {
    const fileless = only('evt.type = execve and proc.is_exe_from_memfd = true');
    const run = (binary: string, args: string, ...above: readonly [string, string]): boolean =>
      fires(
        fileless,
        processEvent({
          process: processes({ binary, arguments: args }, { binary: above[0], arguments: above[1] }),
        }),
      );
    expect(run('/proc/self/fd/3', '', '/usr/bin/python3', '')).toBe(true);
    expect(run('memfd:x', 'init', '/usr/bin/python3', '')).toBe(true);
    expect(run('/dev/fd/5', 'init', '/usr/bin/python3', '')).toBe(true);
    expect(run('/dev/fd/5', 'init', '/proc/self/exe', 'init')).toBe(false);
    expect(run('/proc/self/fd/6', 'init', '/usr/sbin/runc', 'create x')).toBe(false);
  });
});

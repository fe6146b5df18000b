/** `rules lint`, `test` and `explain` as a child process: exit statuses, files written, what is shown. */
import { execFileSync } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { spoor, temporaryFolder } from './cli.ts';

const RULE = `title: Netcat # its title
id: 9d6f4d31-6cf5-4f7c-8a52-5b53d7a1c002
level: Low
description: d
tags: [attack.t1059]
taxonomy: spoor
logsource: {category: process_creation}
detection: {sel: {process.name: nc, process.arguments|contains: ' -e '}}
tests:
- {name: fires, events: [{exec: {binary: /bin/nc, arguments: 'x -e y', pod: a/b}}], expect: {alerts: 1}}
- {name: quiet, events: [{exec: {binary: /bin/nc, pod: a/b}}], expect: {alerts: 0}}
`;

const exec = (args: string): string =>
  JSON.stringify({
    process_exec: {
      process: { exec_id: 'bjo5OTo3', pid: 7, binary: '/usr/bin/nc', arguments: args, cwd: '/', flags: 'execve' },
    },
    node_name: 'n',
    time: '2026-01-01T00:00:00Z',
  });

describe('lint', () => {
  it('repairs in place, through a link, and says what; then nothing is left to say', async () => {
    const folder = temporaryFolder();
    const file = join(folder, 'rule.yaml');
    writeFileSync(file, RULE);
    chmodSync(file, 0o640);
    const link = join(folder, 'link.yaml');
    symlinkSync(file, link);
    expect((await spoor(['rules', 'lint', link])).code).toBe(1);
    const fixed = await spoor(['rules', 'lint', link, '--fix']);
    expect(fixed).toMatchObject({ code: 0, stdout: '' });
    expect(fixed.stderr).toContain(`${link}:3 fixed level: Low → low`);
    expect(readFileSync(file, 'utf8')).toBe(RULE.replace('Low', 'low'));
    expect(statSync(file).mode & 0o777).toBe(0o640);
    expect(readdirSync(folder).sort()).toEqual(['link.yaml', 'rule.yaml']);
  });

  it('does not take a folder without rules for one without faults', async () => {
    const empty = await spoor(['rules', 'lint', temporaryFolder()]);
    expect(empty).toMatchObject({ code: 1, stderr: expect.stringContaining('no rule files found') });
  });

  it('writes SARIF, and is strict when asked', async () => {
    const folder = temporaryFolder();
    const file = join(folder, 'rule.yaml');
    writeFileSync(file, RULE.replace('Low', 'low').replace('description: d\n', ''));
    const sarif = join(folder, 'lint.sarif');
    const lax = await spoor(['rules', 'lint', file, '--sarif', sarif]);
    expect(lax).toMatchObject({ code: 0, stdout: expect.stringContaining('missing-description') });
    const log = JSON.parse(readFileSync(sarif, 'utf8'));
    expect(log.version).toBe('2.1.0');
    expect(log.runs[0].results[0]).toMatchObject({ ruleId: 'missing-description', level: 'warning' });
    const printed = await spoor(['rules', 'lint', file, '-o', 'sarif']);
    expect({ code: printed.code, log: JSON.parse(printed.stdout) }).toEqual({ code: 0, log });
    expect((await spoor(['rules', 'lint', file, '--strict'])).code).toBe(1);
    const unwritable = await spoor(['rules', 'lint', file, '--sarif', join(folder, 'no', 'such')]);
    expect(unwritable.code).toBe(1);
    expect(unwritable.stderr).toContain('cannot be written');
  });
});

describe('test', () => {
  it('names the nearest event and the one condition that it failed', async () => {
    const folder = temporaryFolder();
    const file = join(folder, 'rule.yaml');
    writeFileSync(file, RULE.replace('Low', 'low').replace('x -e y', 'x -f y'));
    const junit = join(folder, 'tests.xml');
    const { code, stdout } = await spoor(['rules', 'test', file, '--junit', junit]);
    expect(code).toBe(1);
    expect(stdout).toContain('not ok 1 - Netcat › fires');
    expect(stdout).toContain('event 1 (exec): failed [false] process.arguments: * -e * — is "x -f y"');
    expect(readFileSync(junit, 'utf8')).toContain('<failure message="expected 1 alert, got 0"');
  });
});

describe('a capture of a test', () => {
  it.each([
    ['a pipe', (file: string) => execFileSync('sh', ['-c', 'mkfifo "$0"', file]), 'is not a regular file'],
    ['a device', (file: string) => symlinkSync('/dev/zero', file), 'is not a regular file'],
    ['what is no recording', (file: string) => writeFileSync(file, 'text\n'), 'not JSON'],
  ])('fails on %s for a capture, and ends', async (_, make, message) => {
    const folder = temporaryFolder();
    const file = join(folder, 'rule.yaml');
    make(join(folder, 'capture'));
    writeFileSync(file, `${RULE.replace('Low', 'low')}- {name: recorded, capture: capture, expect: {alerts: 0}}\n`);
    const { code, stdout } = await spoor(['rules', 'test', file]);
    expect(code).toBe(1);
    expect(stdout).toContain(message);
    expect(stdout).toContain('# 2 passed, 1 failed');
  });
});

describe('explain', () => {
  const setUp = (): string => {
    const file = join(temporaryFolder(), 'rule.yaml');
    writeFileSync(file, RULE.replace('Low', 'low'));
    return file;
  };

  it('tells of events on stdin, condition by condition', async () => {
    const rule = setUp();
    const { code, stdout } = await spoor(['rules', 'explain', rule, '--event', '-'], { stdin: `${exec('-z db')}\n` });
    expect(code).toBe(0);
    expect(stdout).toContain('Netcat: did not fire, 1 events');
    expect(stdout).toContain('[true] process.name: nc — is "nc"');
    expect(stdout).toContain('[false] process.arguments: * -e * — is "-z db"');
    const fired = await spoor(['rules', 'explain', rule, '--event', '-'], { stdin: `${exec('x -e y')}\n` });
    expect(fired.stdout).toContain('Netcat: fired, 1 alert');
    expect(fired.stdout).toContain('[true] process.arguments: * -e * — is "x -e y"');
  });

  it('gives JSON with the value met and a verdict', async () => {
    const rule = setUp();
    const stdin = `${exec('-z db')}\n${exec('x -e y')}\n`;
    const { stdout } = await spoor(['rules', 'explain', rule, '--event', '-', '-o', 'json', '--quiet'], { stdin });
    const { events, alerts, parts } = JSON.parse(stdout);
    expect({ events, alerts }).toEqual({ events: 2, alerts: 1 });
    expect(parts[0]).toMatchObject({ role: 'rule', events: 2, matches: 1 });
    expect(parts[0].nearest.map((near: { verdict: string }) => near.verdict)).toEqual(['true', 'false']);
    expect(parts[0].nearest[1].failed).toEqual({ asks: 'process.arguments: * -e *', verdict: 'false', value: '-z db' });
  });

  it('finds a rule that ships by its title, and plays recordings', async () => {
    const capture = 'captures/lateral-movement/tetragon.jsonl.gz';
    const { code, stdout } = await spoor(['rules', 'explain', 'reverse shell by a network tool', capture]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Reverse shell by a network tool: fired, \d+ alerts?/);
    const typo = await spoor(['rules', 'explain', 'Reverse shel by a network tool', capture]);
    expect(typo.code).toBe(1);
    expect(typo.stderr).toContain('did you mean "Reverse shell by a network tool"?');
  });

  it('wants captures or events, and readable ones', async () => {
    const rule = setUp();
    expect((await spoor(['rules', 'explain', rule])).code).toBe(2);
    expect((await spoor(['rules', 'explain', rule, '--event', '/no/such'])).code).toBe(2);
    const broken = await spoor(['rules', 'explain', rule, '--event', '-'], { stdin: '{"a":\n' });
    expect(broken.code).toBe(1);
    expect(broken.stderr).toContain('-:1: ');
  });
});

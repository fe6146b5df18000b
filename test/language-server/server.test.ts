/** The language server as editors meet it: a child process that speaks JSON-RPC. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../cli/cli.ts';
import { Editor } from './client.ts';

const RULE = `title: Netcat
id: 4f2cbb51-0f53-4d43-9d25-2b8a87a4a001
status: test
level: high
taxonomy: spoor
description: A netcat.
author: x
date: 2026-11-25
tags: [attack.execution, attack.t1059.004]
falsepositives: [None known.]
runbook: Look.
logsource: { category: process_creation }
detection:
  tool: { process.name|expand: '%own_tools%' }
  condition: tool and own_place
tests:
  - name: fires
    events:
      - exec: { binary: /usr/bin/ours, pod: shop/cart }
    expect: { alerts: 1 }
  - name: quiet
    events:
      - exec: { binary: /usr/bin/ls, pod: shop/cart }
    expect: { alerts: 0 }
`;

interface Item {
  label: string;
  detail: string;
  textEdit: { range: { start: { character: number } }; newText: string };
}
interface Lens {
  range: { start: { line: number } };
  command: { title: string; command: string; arguments: unknown[] };
}

function folderWithLists(): { folder: string; uri: (name: string) => string } {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'lists'));
  writeFileSync(
    join(folder, 'lists', 'own.yaml'),
    'taxonomy: spoor\nlists:\n  # ours\n  own_tools: [ours, theirs]\nmacros:\n  own_place: { pod.name|exists: true }\n',
  );
  return { folder, uri: name => pathToFileURL(join(folder, name)).href };
}

it('checks, completes, explains, finds and runs', async () => {
  const { folder, uri } = folderWithLists();
  const editor = await Editor.start(folder);
  const rule = uri('rule.yaml');
  expect(editor.capabilities).toMatchObject({ hoverProvider: true, definitionProvider: true });

  // Lint as you type.
  await editor.type(rule, RULE);
  expect(await editor.diagnostics(rule)).toEqual([]);
  await editor.type(rule, RULE.replace('process.name|', 'process.nmae|'));
  const [wrong] = await editor.diagnostics(rule, found => found.length > 0);
  expect(wrong).toMatchObject({
    code: 'unknown-field',
    severity: 1,
    source: 'spoor',
    range: { start: { line: 13, character: 10 }, end: { line: 13, character: 29 } },
  });
  expect(wrong?.message).toContain('process.name');

  // Completion.
  const labels = async (marked: string): Promise<string[]> => {
    const position = await editor.type(rule, marked);
    return (await editor.request<Item[]>('textDocument/completion', rule, { position })).map(({ label }) => label);
  };
  expect(await labels(`${RULE}cou‸`)).toContain('count');
  expect(await labels(RULE.replace('tool: {', 'tool: { process.b‸'))).toContain('process.binary');
  expect(await labels(RULE.replace('process.name|expand', 'process.name|‸'))).toContain('process.name|endswith');
  expect(await labels(RULE.replace("'%own_tools%'", "'%‸'"))).toEqual(
    expect.arrayContaining(['%own_tools%', '%shells%']),
  );
  expect(await labels(RULE.replace('tool and own_place', 'tool and ‸'))).toEqual(
    expect.arrayContaining(['tool', 'own_place', 'in_pod', 'not']),
  );
  expect(await labels(RULE.replace('attack.t1059.004', 'attack.t‸'))).toContain('attack.t1059.004');
  expect(await labels(RULE.replace('category: process_creation', 'category: ‸'))).toContain('dns');
  expect(await labels(RULE.replace('level: high', 'level: ‸'))).toContain('critical');
  expect(await labels(`${RULE}sequence:\n  ‸`)).toContain('within');
  expect(await labels(`${RULE}sequence:\n  steps:\n    - id: a\n      ab‸`)).toContain('absent');
  expect(await labels(`${RULE}count:\n  by: [pod.‸`)).toContain('pod.namespace');
  expect(await labels(RULE.replace('- exec: { binary: /usr/bin/ls', '- ‸'))).toContain('kprobe');

  // What replaces the word starts at the word.
  const position = await editor.type(rule, RULE.replace('tool: {', 'tool: { process.b‸'));
  const items = await editor.request<Item[]>('textDocument/completion', rule, { position });
  expect(items.find(({ label }) => label === 'process.binary')?.textEdit).toMatchObject({
    newText: 'process.binary',
    range: { start: { character: 10 } },
  });

  // Hover and definition.
  const hover = async (marked: string): Promise<string> => {
    const at = await editor.type(rule, marked);
    const found = await editor.request<{ contents: { value: string } } | null>('textDocument/hover', rule, {
      position: at,
    });
    return found?.contents.value ?? '';
  };
  expect(await hover(RULE.replace('process.name', 'process.na‸me'))).toContain('base name of the binary');
  expect(await hover(RULE.replace('|expand', '|exp‸and'))).toContain('every value of a list');
  expect(await hover(RULE.replace('%own_', '%ow‸n_'))).toContain('[ours, theirs]');
  expect(await hover(RULE.replace('logsource:', 'logs‸ource:'))).toContain('Kinds of events');
  const definition = async (marked: string): Promise<{ uri: string; range: { start: unknown } } | null> => {
    const at = await editor.type(rule, marked);
    return editor.request('textDocument/definition', rule, { position: at });
  };
  expect(await definition(RULE.replace('%own_', '%ow‸n_'))).toMatchObject({
    uri: uri('lists/own.yaml'),
    range: { start: { line: 3, character: 2 } },
  });
  expect(await definition(RULE.replace('and own_p', 'and own‸_p'))).toMatchObject({
    uri: uri('lists/own.yaml'),
    range: { start: { line: 5, character: 2 } },
  });
  expect(await definition(RULE.replace('condition: tool', 'condition: to‸ol'))).toMatchObject({
    uri: rule,
    range: { start: { line: 13, character: 2 } },
  });
  expect(await definition(RULE.replace('title: Netcat', 'title: Net‸cat'))).toBeNull();

  // Run the test.
  await editor.type(rule, RULE);
  const lenses = await editor.request<Lens[]>('textDocument/codeLens', rule);
  expect(lenses.map(({ range, command }) => [range.start.line, command.title])).toEqual([
    [0, '▶ run all 2 tests'],
    [16, '▶ run the test'],
    [20, '▶ run the test'],
  ]);
  const { command, arguments: args } = lenses[0]!.command;
  expect(await editor.execute(command, args)).toMatchObject([{ passed: true }, { passed: true }]);
  await expect.poll(() => editor.shown).toContain('Spoor: 2 tests passed');
  await editor.type(rule, RULE.replace('alerts: 1', 'alerts: 2'));
  const only = (await editor.request<Lens[]>('textDocument/codeLens', rule))[1]!.command;
  expect(await editor.execute(only.command, only.arguments)).toMatchObject([{ test: 'fires', passed: false }]);
  const failures = await editor.diagnostics(rule, found => found.some(({ code }) => code === 'test-failed'));
  expect(failures.find(({ code }) => code === 'test-failed')).toMatchObject({ range: { start: { line: 16 } } });
  await expect(editor.execute('spoor.runTests', [1])).rejects.toThrow('takes a URI');

  expect(editor.stderr).toBe('');
  expect(await editor.end()).toBe(0);
}, 60_000);

it('lives through what is typed badly', async () => {
  const { folder, uri } = folderWithLists();
  const editor = await Editor.start(folder);
  const rule = uri('bad.yaml');
  for (const text of [
    '',
    '‸',
    ':',
    '- - -',
    '[[[[',
    'a: &a [*a]',
    `${'['.repeat(5_000)}`,
    'detection:\n  a: {‸',
    '\t\u0000',
    'tests: 5\ntitle: {}',
    '%‸%',
  ]) {
    const position = await editor.type(rule, text);
    await editor.request('textDocument/completion', rule, { position });
    await editor.request('textDocument/hover', rule, { position });
    await editor.request('textDocument/definition', rule, { position });
    await editor.request('textDocument/codeLens', rule);
    await editor.diagnostics(rule);
  }
  await editor.type('untitled:Untitled-1', RULE.replace('level: high', 'level: hihg'));
  expect((await editor.diagnostics('untitled:Untitled-1')).map(({ code }) => code)).toContain('bad-level');
  expect(editor.stderr).toBe('');
  expect(await editor.end()).toBe(0);
}, 60_000);

const COMMON = `- required_engine_version: 0.40.0
- list: shells
  items: [bash, sh]
- macro: spawned
  condition: (evt.type = execve)
`;
const FALCO = `- list: more_shells
  items: [shells, zsh]
- rule: Shell below a server
  desc: d
  condition: >
    spawned and proc.pname = nginx
    and proc.name in (more_shells)
  output: shell %proc.cmdline
  priority: WARNING
  exceptions:
    - name: ours
      fields: [proc.cwd]
      values: [/srv]
`;

it('knows the files of Falco', async () => {
  const { folder, uri } = folderWithLists();
  writeFileSync(join(folder, 'common.yaml'), COMMON);
  const editor = await Editor.start(folder);
  const rule = uri('falco.yaml');

  // Macros of another file are there; what is wrong stands where it is written.
  await editor.type(rule, FALCO);
  expect(await editor.diagnostics(rule)).toEqual([]);
  await editor.type(rule, FALCO.replace('proc.name in', 'proc.nmae in'));
  const [wrong] = await editor.diagnostics(rule, found => found.length > 0);
  expect(wrong).toMatchObject({
    code: 'falco-unsupported',
    range: { start: { line: 6, character: 8 }, end: { line: 6, character: 17 } },
  });
  expect(wrong?.message).toContain('did you mean proc.name?');

  const labels = async (marked: string): Promise<string[]> => {
    const position = await editor.type(rule, marked);
    return (await editor.request<Item[]>('textDocument/completion', rule, { position })).map(({ label }) => label);
  };
  const inCondition = await labels(FALCO.replace('and proc.name in', 'and ‸ in'));
  expect(inCondition).toEqual(expect.arrayContaining(['proc.aname', 'spawned', 'more_shells', 'icontains', 'tolower']));
  // Names of native rules mean nothing here.
  expect(inCondition).not.toContain('in_pod');
  expect(inCondition).not.toContain('process.name');
  expect(await labels(FALCO.replace('%proc.cmdline', '%pr‸'))).toContain('%proc.aname');
  expect(await labels(FALCO.replace('[shells,', '[sh‸,'))).toEqual(['more_shells', 'shells']);
  expect(await labels(FALCO.replace('WARNING', '‸'))).toContain('NOTICE');
  expect(await labels(FALCO.replace('[proc.cwd]', '[proc.‸]'))).toContain('proc.cwd');
  expect(await labels(`${FALCO}- ru‸`)).toContain('rule');
  expect(await labels(`${FALCO}- macro: spawned\n  override:\n    ‸`)).toContain('condition');
  expect(await labels(`${FALCO}- macro: spawned\n  override: {condition: ‸`)).toEqual(['append', 'replace']);

  const hover = async (marked: string): Promise<string> => {
    const position = await editor.type(rule, marked);
    const found = await editor.request<{ contents: { value: string } } | null>('textDocument/hover', rule, {
      position,
    });
    return found?.contents.value ?? '';
  };
  expect(await hover(FALCO.replace('proc.pname', 'proc.pn‸ame'))).toContain('of the parent');
  expect(await hover(FALCO.replace('%proc.cmdline', '%proc.cmd‸line'))).toContain('name and arguments');
  expect(await hover(FALCO.replace('(more_shells)', '(more‸_shells)'))).toContain('[shells, zsh]');
  expect(await hover(FALCO.replace('spawned and', 'spaw‸ned and'))).toContain('evt.type = execve');
  expect(await hover(FALCO.replace('name in', 'name i‸n'))).toContain('one of the values');
  expect(await hover(FALCO.replace('exceptions:', 'excep‸tions:'))).toContain('What is not reported');
  expect(await hover(FALCO.replace('fields:', 'fie‸lds:'))).toContain('all of a row');
  expect(await hover(FALCO.replace('desc: d', 'desc: construc‸tor'))).toBe('');

  const definition = async (marked: string): Promise<unknown> => {
    const position = await editor.type(rule, marked);
    return editor.request('textDocument/definition', rule, { position });
  };
  expect(await definition(FALCO.replace('spawned and', 'spaw‸ned and'))).toMatchObject({
    uri: uri('common.yaml'),
    range: { start: { line: 3, character: 9 } },
  });
  expect(await definition(FALCO.replace('[shells,', '[she‸lls,'))).toMatchObject({
    uri: uri('common.yaml'),
    range: { start: { line: 1, character: 8 } },
  });
  expect(await definition(FALCO.replace('(more_shells)', '(more‸_shells)'))).toMatchObject({
    uri: rule,
    range: { start: { line: 0, character: 8 } },
  });

  // Native rules may read Falco's fields too.
  const native = uri('rule.yaml');
  const position = await editor.type(native, RULE.replace('tool: {', 'tool: { falco.‸'));
  const items = await editor.request<Item[]>('textDocument/completion', native, { position });
  expect(items.map(({ label }) => label)).toContain('falco.proc.aname');
});

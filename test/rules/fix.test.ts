/** Repairs keep comments and layout, and no rule means anything else afterwards. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readRuleFiles, shippedRules } from '../../src/rule-files.ts';
import { fixText } from '../../src/rules/fix.ts';
import { loadRules } from '../../src/rules/load.ts';

const ID = '00000000-0000-4000-8000-000000000001';
const fix = (text: string): ReturnType<typeof fixText> => fixText(text, () => ID);
const codes = (text: string): string[] => loadRules([{ file: 'r.yaml', text }]).diagnostics.map(d => d.code);

const RULE = `# What it is for.
title: A rule # its title
status: stable
level: 'High'
date: 2026/01/02 # the first day
taxonomy: spoor
logsource: {category: process_creation}
detection:
  sel:
    process.name: [nc, ncat, nc] # tools
    process.arguments|contains:
    - ' -e '
    - ' -c '
    - ' -e '
    - ' -e ' # kept for its comment
  condition: sel
`;

describe('a repair', () => {
  it('changes what is mechanical and nothing else', () => {
    expect(fix(RULE).text).toBe(
      RULE.replace('status:', `id: ${ID}\nstatus:`)
        .replace("'High'", "'high'")
        .replace('2026/01/02', '2026-01-02')
        .replace(', nc]', ']')
        .replace("    - ' -c '\n    - ' -e '\n", "    - ' -c '\n"),
    );
    expect(fix(RULE).fixes.map(({ line }) => line)).toEqual([3, 4, 5, 10, 14]);
  });

  it('is done once', () => {
    const { text } = fix(RULE);
    expect(fix(text)).toEqual({ text, fixes: [] });
  });

  it('leaves what is no rule, and what cannot be read, alone', () => {
    for (const text of ['', 'lists: {a: [x, x]}\n', 'title: [\ndate: 2026/01/01\n', 'just text', '- 1\n'])
      expect(fix(text)).toEqual({ text, fixes: [] });
  });

  it('keeps every document of a file apart', () => {
    const { text, fixes } = fix(`${RULE}---\n${RULE}`);
    expect(text.match(/^id: /gm)).toHaveLength(2);
    expect(fixes).toHaveLength(10);
  });

  it('brings no new complaint, for every bad rule', () => {
    const folder = new URL('bad/', import.meta.url);
    for (const name of readdirSync(folder)) {
      const text = readFileSync(new URL(name, folder), 'utf8');
      const before = codes(text);
      for (const code of codes(fix(text).text)) expect(before, name).toContain(code);
    }
  });

  it('finds nothing to do in the rules that ship', () => {
    const changed = readRuleFiles([shippedRules()]).filter(({ text }) => fix(text).fixes.length > 0);
    expect(changed.map(({ file }) => file)).toEqual([]);
  });
});

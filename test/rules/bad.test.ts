/** Every code has a file in `bad/` that has this one mistake; the file's name is the code. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readRuleFiles } from '../../src/rule-files.ts';
import { DIAGNOSTIC_CODES, type DiagnosticCode } from '../../src/rules/diagnostics.ts';
import { loadRules, type RuleFile } from '../../src/rules/load.ts';

const folder = new URL('bad/', import.meta.url);
const names = readdirSync(folder).map(file => file.replace(/\.yaml$/, ''));

describe('a bad rule', () => {
  it('exists for every code', () => {
    expect(names.sort()).toEqual(Object.keys(DIAGNOSTIC_CODES).sort());
  });

  it.each(names)('%s', name => {
    const code = name as DiagnosticCode;
    const good = readFileSync(new URL('../good.yaml', folder), 'utf8');
    const [read] = readRuleFiles([fileURLToPath(new URL(`${name}.yaml`, folder))]);
    const bad = { ...(read as RuleFile), file: `${name}.yaml` };
    const { rules, diagnostics } = loadRules([bad, { file: 'good.yaml', text: good }]);
    expect(diagnostics.map(d => d.code)).toEqual([code]);
    const [found] = diagnostics;
    expect(found).toMatchObject({ file: `${name}.yaml`, severity: DIAGNOSTIC_CODES[code] });
    expect(found?.message).not.toBe('');
    if (code === 'unreadable-file') return;
    const line = bad.text.split('\n')[(found?.line ?? 0) - 1] as string;
    expect(found?.column).toBeGreaterThanOrEqual(1);
    expect(found?.column).toBeLessThanOrEqual(line.length);
    const loaded = rules.filter(rule => rule.file === bad.file).length;
    if (DIAGNOSTIC_CODES[code] === 'warning' || code === 'duplicate-id') expect(loaded).toBe(1);
    else expect(loaded).toBe(0);
    expect(rules.some(rule => rule.file === 'good.yaml')).toBe(true);
  });
});

/** The authors' pages tell the truth: tables are made from the code, every example loads without a complaint, and its tests pass. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { withCheckTable } from '../../scripts/checks-doc.ts';
import { withFieldTable } from '../../scripts/fields-doc.ts';
import { testOptions } from '../../src/commands/rule-set.ts';
import { readRuleFiles, shippedRules } from '../../src/rule-files.ts';
import { runRuleTests } from '../../src/rule-tests/run.ts';
import { loadRules } from '../../src/rules/load.ts';
import { MODIFIERS } from '../../src/rules/modifiers.ts';
import { TEST_EVENT_KEYS } from '../../src/rules/rule-test.ts';
import { RULE_KEYS } from '../../src/rules/schema.ts';

const folder = new URL('../../docs/', import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, folder), 'utf8');
const reference = read('rules.md');
const shared = readRuleFiles(['lists', 'macros'].map(name => `${shippedRules()}/${name}`));

interface Example {
  readonly page: string;
  readonly title: string;
  readonly text: string;
  /** Codes that the page says lint reports: ```yaml lint=missing-tests. */
  readonly codes: readonly string[];
}

const examples: readonly Example[] = ['rules.md', 'writing-rules.md'].flatMap(page =>
  [...read(page).matchAll(/^```yaml(?: lint=(\S+))?\n([\s\S]*?)^```/gm)].map(match => {
    const text = match[2] as string;
    return { page, title: /^title: (.*)$/m.exec(text)?.[1] ?? text, text, codes: match[1]?.split(',') ?? [] };
  }),
);

describe.each(examples)('$page: $title', ({ page, text, codes }) => {
  // Captures are named from the place of the page.
  const file = new URL(page, folder).pathname;
  const { rules, diagnostics, tests } = loadRules([...shared, { file, text }]);

  it('loads without a complaint', () => {
    expect(diagnostics.map(({ code, message }) => (codes.includes(code) ? code : `${code}: ${message}`))).toEqual(
      codes,
    );
    expect(rules).toHaveLength(1);
  });

  it('passes its tests', () => {
    const results = runRuleTests(
      rules.map(rule => ({ rule, tests: tests.get(rule.id) ?? [] })),
      testOptions(),
    );
    expect(results.flatMap(({ test, problems }) => problems.map(problem => `${test}: ${problem}`))).toEqual([]);
    if (!codes.includes('missing-tests')) {
      expect(results.some(({ alerts }) => alerts > 0)).toBe(true);
      expect(results.some(({ alerts }) => alerts === 0)).toBe(true);
    }
  });
});

describe('the reference', () => {
  it('has the field table of the catalogue (else run scripts/fields-doc.ts)', () => {
    expect(withFieldTable(reference)).toBe(reference);
  });

  it('has a line for every check (else run scripts/checks-doc.ts)', () => {
    expect(withCheckTable(reference)).toBe(reference);
  });

  it('names every modifier, every key of a rule and every key of a test’s event', () => {
    const names = [...MODIFIERS, ...Object.values(TEST_EVENT_KEYS).flatMap(keys => keys ?? [])];
    const missing = [
      ...names.filter(name => !new RegExp(`\`${name}[\`: ]`).test(reference)),
      ...RULE_KEYS.filter(key => !reference.includes(`\`${key}`)),
    ];
    expect(missing).toEqual([]);
  });
});

it('the guide has ten worked rules', () => {
  expect(examples.filter(({ page }) => page === 'writing-rules.md').length).toBeGreaterThanOrEqual(10);
});

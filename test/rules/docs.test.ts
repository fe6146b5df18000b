/** The authors' reference tells the truth: its field table is the catalogue's, and its example loads without a complaint. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { withFieldTable } from '../../scripts/fields-doc.ts';
import { loadRules } from '../../src/rules/load.ts';
import { MODIFIERS } from '../../src/rules/modifiers.ts';

const document = readFileSync(new URL('../../docs/rules.md', import.meta.url), 'utf8');

it('has the field table of the catalogue (else run scripts/fields-doc.ts)', () => {
  expect(withFieldTable(document)).toBe(document);
});

it('has an example that loads', () => {
  const text = /```yaml\n([\s\S]*?)```/.exec(document)?.[1] ?? '';
  const { rules, diagnostics } = loadRules([{ file: 'docs/rules.md', text }]);
  expect(diagnostics).toEqual([]);
  expect(rules).toHaveLength(1);
});

it('names every modifier', () => {
  for (const modifier of MODIFIERS) expect(document).toContain(`\`${modifier}\``);
});

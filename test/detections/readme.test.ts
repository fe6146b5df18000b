import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { rulesReadme } from '../../scripts/rules-readme.ts';
import { shippedRuleSet } from '../support/replay.ts';

it('rules/README.md is current: node --import tsx scripts/rules-readme.ts', () => {
  expect(readFileSync('rules/README.md', 'utf8')).toBe(rulesReadme());
});

it('every rule names a technique, a false positive and what to do', () => {
  const poor = shippedRuleSet().filter(
    rule =>
      !rule.tags.some(tag => /^attack\.t\d{4}/.test(tag)) || rule.falsepositives.length === 0 || rule.runbook === '',
  );
  expect(poor.map(rule => rule.title)).toEqual([]);
});

it('no two rules share an id', () => {
  const ids = shippedRuleSet().map(rule => rule.id);
  expect(new Set(ids).size).toBe(ids.length);
});

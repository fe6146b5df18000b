import type { Command } from 'commander';
import { registerRulesCoverage } from './rules-coverage.ts';
import { registerRulesDiff } from './rules-diff.ts';
import { registerRulesExcept } from './rules-except.ts';
import { registerRulesExplain } from './rules-explain.ts';
import { registerRulesImport } from './rules-import.ts';
import { registerRulesLint } from './rules-lint.ts';
import { registerRulesList } from './rules-list.ts';
import { registerRulesNew } from './rules-new.ts';
import { registerRulesSchema } from './rules-schema.ts';
import { registerRulesTest } from './rules-test.ts';

/** The commands of the group `rules`. */
export function registerRules(rules: Command, version: string): void {
  registerRulesLint(rules, version);
  registerRulesTest(rules);
  registerRulesList(rules);
  registerRulesDiff(rules);
  registerRulesExplain(rules);
  registerRulesNew(rules);
  registerRulesExcept(rules);
  registerRulesCoverage(rules);
  registerRulesImport(rules);
  registerRulesSchema(rules);
}

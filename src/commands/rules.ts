import type { Command } from 'commander';
import { shown } from '../render/alert.ts';
import { Io } from './io.ts';
import { globals } from './options.ts';
import { loadRuleSet } from './rule-set.ts';
import { registerRulesCoverage } from './rules-coverage.ts';
import { registerRulesDiff } from './rules-diff.ts';
import { registerRulesExcept } from './rules-except.ts';
import { registerRulesExplain } from './rules-explain.ts';
import { registerRulesLint } from './rules-lint.ts';
import { registerRulesNew } from './rules-new.ts';
import { registerRulesSchema } from './rules-schema.ts';
import { registerRulesTest } from './rules-test.ts';

export function registerRules(program: Command): void {
  const rules = program.command('rules').description('Check, test and list detections');

  registerRulesLint(rules);
  registerRulesTest(rules);

  rules
    .command('list')
    .description('Lists rules with their level, techniques and the sensor settings that they need')
    .argument('[path...]', 'rule files and folders; without any, the rules that ship')
    .action((paths: string[], _options, command: Command) => {
      const io = new Io(globals(command.optsWithGlobals()));
      list(paths, io);
    });

  registerRulesDiff(rules);
  registerRulesExplain(rules);
  registerRulesNew(rules);
  registerRulesExcept(rules);
  registerRulesCoverage(rules);
  registerRulesSchema(rules);
}

function list(paths: readonly string[], io: Io): void {
  const { loaded, own } = loadRuleSet(paths);
  for (const rule of loaded.rules) {
    if (!own(rule.file)) continue;
    const techniques = rule.tags.filter(tag => tag.startsWith('attack.t')).map(tag => tag.slice(7).toUpperCase());
    if (io.json) {
      const { id, title, level, tags, requires, file, line } = rule;
      io.record({ id, title, level, tags, requires, file, line });
    } else {
      const needs = rule.requires.length === 0 ? '' : io.style.dim(`  needs ${rule.requires.join(', ')}`);
      io.out(
        `${io.style.level(rule.level, rule.level.padEnd(13))} ${shown(rule.title).padEnd(58)} ${techniques.join(' ')}${needs}`,
      );
    }
  }
}

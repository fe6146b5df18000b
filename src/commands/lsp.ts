import type { Command } from 'commander';
import { loadRuleSet, sharedFiles, testOptions } from './rule-set.ts';

export function registerLsp(program: Command, version: string): void {
  program
    .command('lsp')
    .description('Language server for rule files, on standard input and output: editors start it')
    .option('--stdio', 'the only way there is; editors say it', true)
    .addHelpText(
      'after',
      `
It checks as you type, completes keys, fields, modifiers, lists, macros and tags, explains what is under the cursor, goes
to the list or macro that is named, and runs the tests inside rules. docs/editors.md shows how to set up VS Code and Neovim.

Example, Neovim:
  vim.lsp.start({ name = 'spoor', cmd = { 'spoor', 'lsp' }, root_dir = vim.fn.getcwd() })`,
    )
    .action(async () => {
      const { serve } = await import('../language-server/server.ts');
      const { rulesBelow } = await import('../language-server/folder.ts');
      const tags = () => loadRuleSet([]).loaded.rules.flatMap(rule => rule.tags);
      const files = { shipped: () => sharedFiles([]), folder: rulesBelow, tags, tests: testOptions };
      serve(process.stdin, process.stdout, files, version);
    });
}

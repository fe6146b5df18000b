import { type Command, Option } from 'commander';
import { shown } from '../render/alert.ts';
import type { Level } from '../rules/rule.ts';
import { Io } from './io.ts';
import { globals } from './options.ts';
import { openReader } from './reader.ts';
import { profileLines } from './rule-costs.ts';
import { loadRuleSet } from './rule-set.ts';

export function registerRulesList(rules: Command): void {
  rules
    .command('list')
    .description('Lists rules with their level, techniques and the sensor settings that they need')
    .argument('[path...]', 'rule files and folders; without any, the rules that ship')
    .addOption(
      new Option('--url [url]', 'ask a running Spoor: its rules with their matches and what they cost').preset(
        process.env.SPOOR_URL ?? 'http://127.0.0.1:8787',
      ),
    )
    .option('--token-file <file>', 'API token of the running Spoor')
    .addHelpText('after', '\nExamples:\n  spoor rules list my-rules\n  spoor rules list --url http://127.0.0.1:8787')
    .action(async (paths: string[], _options, command: Command) => {
      const options = command.optsWithGlobals<{ url?: string; tokenFile?: string }>();
      const io = new Io(globals(options));
      if (options.url === undefined) listFiles(paths, io);
      else
        await listRunning(
          { url: options.url, ...(options.tokenFile === undefined ? {} : { tokenFile: options.tokenFile }) },
          io,
        );
    });
}

function listFiles(paths: readonly string[], io: Io): void {
  const { loaded, own } = loadRuleSet(paths);
  const off = new Set(loaded.switchedOff);
  for (const rule of [...loaded.rules, ...off]) {
    if (!own(rule.file)) continue;
    const enabled = !off.has(rule);
    if (io.json) {
      const { id, title, level, tags, requires, file, line } = rule;
      io.record({ id, title, level, tags, requires, enabled, file, line });
    } else io.out(`${ruleLine(rule, io)}${enabled ? '' : io.style.dim('  switched off')}`);
  }
}

async function listRunning(place: { readonly url: string; readonly tokenFile?: string }, io: Io): Promise<void> {
  const reader = await openReader(place);
  const all = await reader.rules();
  if (io.json) for (const rule of all) io.record(rule);
  else for (const line of profileLines(all)) io.out(line);
}

function ruleLine(
  rule: {
    readonly level: Level;
    readonly title: string;
    readonly tags: readonly string[];
    readonly requires: readonly string[];
  },
  io: Io,
): string {
  const techniques = rule.tags.filter(tag => tag.startsWith('attack.t')).map(tag => tag.slice(7).toUpperCase());
  const needs = rule.requires.length === 0 ? '' : io.style.dim(`  needs ${rule.requires.join(', ')}`);
  return `${io.style.level(rule.level, rule.level.padEnd(13))} ${shown(rule.title).padEnd(58)} ${techniques.join(' ')}${needs}`;
}

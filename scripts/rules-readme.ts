/** Writes rules/README.md from the rules; with `--check` only says whether it is current (exit 1 if not). */
import { readFileSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readRuleFiles, shippedRules } from '../src/rule-files.ts';
import { loadRules } from '../src/rules/load.ts';
import { LEVELS, type Rule } from '../src/rules/rule.ts';

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');

function techniques(rule: Rule): string {
  return rule.tags
    .filter(tag => /^attack\.t\d/.test(tag))
    .map(tag => tag.slice(7).toUpperCase())
    .join(' ');
}

function row(rule: Rule, file: string): string {
  const needs = rule.requires.length === 0 ? 'process events' : rule.requires.join(' ');
  return `| [${cell(rule.title)}](${file}) | ${rule.level} | ${techniques(rule)} | ${needs} |`;
}

/** The document for the rules that ship. */
export function rulesReadme(): string {
  const folder = shippedRules();
  const { rules } = loadRules(readRuleFiles([folder]));
  const byTactic = new Map<string, { readonly rule: Rule; readonly file: string }[]>();
  for (const rule of rules) {
    const file = relative(folder, rule.file);
    const tactic = file.split('/')[0] ?? '';
    byTactic.set(tactic, [...(byTactic.get(tactic) ?? []), { rule, file }]);
  }
  const counts = [...LEVELS].reverse().map(level => `${rules.filter(rule => rule.level === level).length} ${level}`);
  const parts = [
    '# Rules that ship',
    '',
    '<!-- made by scripts/rules-readme.ts -->',
    '',
    `${rules.length} rules: ${counts.join(', ')}. *Needs* names the sensor settings and policies without which a rule stays silent;`,
    'all others work with the settings of the charts. *Low* and *informational* are facts to remember: they join the incident of their',
    'process tree and wake nobody. `docs/rules.md` is the language; lists and macros that the rules share are in `lists/` and `macros/`.',
  ];
  for (const [tactic, of] of [...byTactic].sort(([a], [b]) => a.localeCompare(b))) {
    const name = tactic.replaceAll('-', ' ');
    parts.push('', `## ${name.charAt(0).toUpperCase()}${name.slice(1)}`, '');
    parts.push('| rule | level | techniques | needs |', '| --- | --- | --- | --- |');
    parts.push(...of.sort((a, b) => a.file.localeCompare(b.file)).map(({ rule, file }) => row(rule, file)));
  }
  return `${parts.join('\n')}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const file = new URL('../rules/README.md', import.meta.url);
  const text = rulesReadme();
  if (!process.argv.includes('--check')) writeFileSync(file, text);
  else if (readFileSync(file, 'utf8') !== text) {
    process.stderr.write('rules/README.md is not current: run node --import tsx scripts/rules-readme.ts\n');
    process.exitCode = 1;
  }
}

/** The rules that a replay runs. */
import { Problem } from '../../api/problem.ts';
import { loadChosen } from '../../rule-files.ts';
import { formatDiagnostic } from '../../rules/diagnostics.ts';
import { loadRules, type RuleFile } from '../../rules/load.ts';
import type { Rule } from '../../rules/rule.ts';
import type { ReplayRules } from './order.ts';

/** Only such documents matter to other files. */
const SHARES = /^(lists|macros):/m;
const PROBLEMS_TOLD_MAX = 3;
export const POSTED = 'posted.yaml';

/** Throws a 400 problem when a posted rule has errors, or is none. */
export function rulesFor(wanted: ReplayRules, files: readonly RuleFile[]): readonly Rule[] {
  if (wanted.type === 'chosen') return loadChosen(wanted.choice, files).rules;
  const shared = files.filter(({ text }) => SHARES.test(text));
  const { rules, diagnostics } = loadRules([...shared, { file: POSTED, text: wanted.text }], { tests: false });
  const errors = diagnostics.filter(({ file, severity }) => file === POSTED && severity === 'error');
  const own = rules.filter(({ file }) => file === POSTED);
  if (own.length > 0 && errors.length === 0) return own;
  const why = errors.slice(0, PROBLEMS_TOLD_MAX).map(formatDiagnostic).join('; ');
  throw new Problem(400, 'bad-rule', why === '' ? 'there is no rule in the text' : `the rule has errors: ${why}`);
}

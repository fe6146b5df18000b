/** The running rule set: loaded once, loaded again when its files change, and never replaced by a worse one. */
import { fingerprint, loadChosen, type RuleChoice, readRuleFiles, rulePaths, watchRuleFiles } from '../rule-files.ts';
import { type Diagnostic, formatDiagnostic } from '../rules/diagnostics.ts';
import type { RuleFile } from '../rules/load.ts';
import type { Rule } from '../rules/rule.ts';
import type { Log } from './log.ts';

export interface RuleKeeper {
  rules(): readonly Rule[];
  /** As they are on disk now. Throws when they cannot be read. */
  files(): readonly RuleFile[];
  /** Errors of the last attempt to load. */
  errors(): number;
  /** When the rules last changed, RFC 3339; null since the start. */
  reloadedAt(): string | null;
  stop(): void;
}

const errorsOf = (diagnostics: readonly Diagnostic[]): Diagnostic[] =>
  diagnostics.filter(one => one.severity === 'error');

/** Throws when nothing can be loaded at the start; later a set with errors is reported and the last good one kept. */
export function keepRules(
  choice: RuleChoice,
  watch: boolean,
  log: Log,
  changed: (rules: readonly Rule[]) => void,
): RuleKeeper {
  const paths = rulePaths(choice);
  let files: RuleFile[];
  try {
    files = readRuleFiles(paths);
  } catch (error) {
    throw new Error(`rules.paths: ${(error as Error).message}`);
  }
  const first = loadChosen(choice, files);
  let rules: readonly Rule[] = first.rules;
  let errors = errorsOf(first.diagnostics).length;
  let reloadedAt: string | null = null;
  for (const error of errorsOf(first.diagnostics))
    log('error', 'rule not loaded', { problem: formatDiagnostic(error) });
  for (const name of first.unknown) log('warn', `rules.disable: no rule is called '${name}'`);
  if (rules.length === 0 && errors > 0) throw new Error('no rule could be loaded; `spoor rules lint` says why');
  if (rules.length === 0) log('warn', 'no rules: events are joined and shown, nothing is detected');

  const stop = watch
    ? watchRuleFiles(
        paths,
        fingerprint(files),
        now => {
          const loaded = loadChosen(choice, now);
          const problems = errorsOf(loaded.diagnostics);
          errors = problems.length;
          if (problems.length > 0) {
            for (const problem of problems)
              log('error', 'changed rules have errors', { problem: formatDiagnostic(problem) });
            log('warn', 'the rules that were running go on', { rules: rules.length });
            return;
          }
          // A file caught between being emptied and being written, or moved away, must not switch detection off.
          if (loaded.rules.length === 0 && rules.length > 0) {
            errors = 1;
            log('warn', 'no rule is left in the files; the rules that were running go on', { rules: rules.length });
            return;
          }
          rules = loaded.rules;
          reloadedAt = new Date().toISOString();
          changed(rules);
          log('info', 'rules loaded again', { rules: rules.length });
        },
        error => {
          errors = 1;
          log('error', 'rule files cannot be read; the rules that were running go on', { problem: error.message });
        },
      )
    : () => undefined;

  return {
    rules: () => rules,
    files: () => readRuleFiles(paths),
    errors: () => errors,
    reloadedAt: () => reloadedAt,
    stop,
  };
}

/** That an exception does what it is for and nothing else: the rule's own tests before and after it, and the event that it is for. */
import type { Observation } from '../model/observation.ts';
import { type RuleTestOptions, runRuleTests } from '../rule-tests/run.ts';
import { formatDiagnostic } from '../rules/diagnostics.ts';
import { loadRules, type RuleFile } from '../rules/load.ts';
import type { Rule } from '../rules/rule.ts';

export interface Proof {
  readonly holds: boolean;
  /** The rule matched one of the events before. */
  readonly matched: boolean;
  /** It matches the event no more. */
  readonly suppressed: boolean;
  readonly tests: readonly {
    readonly name: string;
    /** It expects an alert. */
    readonly fires: boolean;
    readonly before: boolean;
    readonly after: boolean;
    readonly problems: readonly string[];
  }[];
  /** What is wrong with the rule's text after the change. */
  readonly errors: readonly string[];
}

/** `shared` are the files of lists and macros that the rule may use. */
export function prove(
  rule: Rule,
  before: RuleFile,
  after: RuleFile,
  shared: readonly RuleFile[],
  event: Observation,
  options: RuleTestOptions,
): Proof {
  const [old, now] = [before, after].map(file => loadRules([...shared, file])) as [Loaded, Loaded];
  const changed = now.rules.find(other => other.id === rule.id && other.file === after.file);
  const errors = now.diagnostics
    .filter(diagnostic => diagnostic.severity === 'error' && diagnostic.file === after.file)
    .map(formatDiagnostic);
  const first = old.rules.find(other => other.id === rule.id) ?? rule;
  const run = (of: Rule, loaded: Loaded) => runRuleTests([{ rule: of, tests: loaded.tests.get(of.id) ?? [] }], options);
  const earlier = run(first, old);
  const later = changed === undefined ? [] : run(changed, now);
  const written = old.tests.get(first.id) ?? [];
  const tests = earlier.map((result, i) => ({
    name: result.test,
    fires: (written[i]?.expect.alerts ?? 0) > 0,
    before: result.passed,
    after: later[i]?.passed ?? false,
    problems: later[i]?.problems ?? [],
  }));
  const matched = matches(first, event);
  const suppressed = changed !== undefined && !matches(changed, event);
  const holds = errors.length === 0 && matched && suppressed && tests.every(test => test.after || !test.before);
  return { holds, matched, suppressed, tests, errors };
}

type Loaded = ReturnType<typeof loadRules>;

/** Whether the event would be taken for any part of the rule. */
export function matches(rule: Rule, o: Observation): boolean {
  const parts = rule.sequence?.steps.filter(step => !step.absent) ?? rule.branches;
  return !rule.excepted(o) && parts.some(part => part.kinds.includes(o.event.kind) && part.test(o));
}

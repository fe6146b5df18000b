/** What is odd about a rule that loads: conditions, cost, windows, exceptions and tests. Run for authors, not for who only runs rules. */
import type { EventKind } from '../model/event.ts';
import { MICROS_PER_SECOND } from '../model/time.ts';
import { HOOK_KINDS, PROCESS_KINDS } from './catalogue/field.ts';
import { conditionOf } from './compile.ts';
import { contradictionOf } from './contradiction.ts';
import { implies } from './implies.ts';
import { lintCondition } from './lint-condition.ts';
import { lintValues } from './lint-values.ts';
import type { Matcher, Rule } from './rule.ts';
import type { RuleTest, TestEventType } from './rule-test.ts';
import { isRecord, type Path, type Problems } from './yaml.ts';

type Source = Readonly<Record<string, unknown>>;

export function lintRule(rule: Rule, value: Source, tests: readonly RuleTest[], problems: Problems): void {
  for (const { detection, path } of detectionsOf(value)) {
    lintCondition(detection, path, problems);
    for (const [name, selection] of Object.entries(isRecord(detection) ? detection : {}))
      if (name !== 'condition') lintValues(selection, [...path, name], problems);
  }
  lintLogsources(value, problems);
  const parts = partsOf(rule);
  for (const { matcher, path } of parts) lintMatcher(matcher, path, problems);
  lintBranches(rule, problems);
  lintWindows(rule, problems);
  lintExceptions(rule, value, problems);
  lintTests(tests, parts, problems);
}

interface Detection {
  readonly detection: unknown;
  readonly logsource: unknown;
  readonly path: Path;
}

function detectionsOf(value: Source): Detection[] {
  const of = (owner: unknown, path: Path): Detection[] =>
    isRecord(owner) && owner.detection !== undefined
      ? [{ detection: owner.detection, logsource: owner.logsource, path: [...path, 'detection'] }]
      : [];
  const { sequence } = value;
  const steps = isRecord(sequence) && Array.isArray(sequence.steps) ? sequence.steps : [];
  return [
    ...of(value, []),
    ...(Array.isArray(value.any) ? value.any : []).flatMap((branch, i) => of(branch, ['any', i])),
    ...steps.flatMap((step, i) => of(step, ['sequence', 'steps', i])),
    ...(isRecord(sequence) ? of(sequence.until, ['sequence', 'until']) : []),
  ];
}

function lintLogsources(value: Source, problems: Problems): void {
  if (value.logsource !== undefined) return;
  const bare = detectionsOf(value).find(({ logsource }) => logsource === undefined);
  if (bare === undefined) return;
  problems.add(
    'missing-logsource',
    bare.path,
    'logsource is missing: the detection is tried on every kind of event that has its fields',
    'logsource: {category: process_creation}',
    'key',
  );
}

interface Part {
  readonly matcher: Matcher;
  readonly path: Path;
  /** It must happen. */
  readonly wanted: boolean;
}

function partsOf({ branches, sequence }: Rule): Part[] {
  if (sequence !== null)
    return sequence.steps.map((matcher, i) => ({ matcher, path: ['sequence', 'steps', i], wanted: !matcher.absent }));
  const single = branches.length === 1 && branches[0]?.id === '';
  return branches.map((matcher, i) => ({ matcher, path: single ? ['detection'] : ['any', i], wanted: true }));
}

function lintMatcher(matcher: Matcher, path: Path, problems: Problems): void {
  const condition = conditionOf(matcher.test);
  const why = condition === null ? null : contradictionOf(condition);
  if (why !== null) problems.add('always-false', path, `no event can match: ${why}`);
  const frequent = matcher.kinds.some(kind => kind === 'flow' || PROCESS_KINDS.includes(kind));
  if (matcher.hints === null && frequent)
    problems.add(
      'expensive-rule',
      path,
      'nothing in it can be looked up in the index: it is tried on every event of its kinds',
      'ask for a literal of two characters or more, or for a field that few events have',
    );
}

function lintBranches(rule: Rule, problems: Problems): void {
  const conditions = rule.branches.map(branch => conditionOf(branch.test));
  for (const [i, later] of conditions.entries()) {
    const earlier = conditions
      .slice(0, i)
      .findIndex(other => other !== null && later !== null && implies(later, other));
    if (earlier < 0) continue;
    problems.add(
      'unreachable-branch',
      ['any', i],
      `branch ${rule.branches[i]?.id} adds nothing: whenever it matches, ${rule.branches[earlier]?.id} does`,
      'remove it',
    );
  }
}

/** Beyond this, what waits for its window is more likely evicted or lost to a restart than completed. */
const WINDOW_MAX = 24 * 3_600 * MICROS_PER_SECOND;

function lintWindows({ sequence, count }: Rule, problems: Problems): void {
  for (const [key, within] of [
    ['sequence', sequence?.within ?? 0],
    ['count', count?.within ?? 0],
  ] as const) {
    if (within > WINDOW_MAX)
      problems.add(
        'long-window',
        [key, 'within'],
        'a window of more than 24h is longer than its state is kept',
        'the flight recorder carries minutes over a restart, and busy pods evict older state',
      );
  }
}

function lintExceptions(rule: Rule, value: Source, problems: Problems): void {
  const exception = conditionOf(rule.excepted);
  if (exception === null) return;
  const swallowed = partsOf(rule).filter(({ matcher, wanted }) => {
    const condition = conditionOf(matcher.test);
    return wanted && condition !== null && implies(condition, exception);
  });
  const all = rule.sequence !== null ? swallowed.length > 0 : swallowed.length === rule.branches.length;
  if (!all || !Array.isArray(value.exceptions)) return;
  problems.add(
    'exception-swallows-rule',
    ['exceptions'],
    'everything that the rule matches is excepted: it can never fire',
    'narrow the exception, or disable the rule',
    'key',
  );
}

const KINDS_OF: Readonly<Record<TestEventType, readonly EventKind[] | null>> = {
  exec: ['process_exec'],
  exit: ['process_exit'],
  flow: ['flow'],
  dns: ['flow'],
  kprobe: HOOK_KINDS,
  file: HOOK_KINDS,
  connect: HOOK_KINDS,
  raw: null,
};

function lintTests(tests: readonly RuleTest[], parts: readonly Part[], problems: Problems): void {
  const kinds = new Set(parts.flatMap(({ matcher }) => matcher.kinds));
  for (const [i, test] of tests.entries()) {
    if (test.expect.alerts > 0 || test.captures.length > 0) continue;
    if (test.events.some(({ type }) => KINDS_OF[type]?.some(kind => kinds.has(kind)) ?? true)) continue;
    problems.add(
      'test-asserts-nothing',
      ['tests', i],
      `test "${test.name}" expects silence of events that the rule never looks at`,
      'give it an event that nearly matches',
    );
  }
  if (tests.length === 0) return;
  if (!tests.some(test => test.expect.alerts > 0))
    problems.add('no-firing-test', ['tests'], 'no test shows that the rule fires', '', 'key');
  if (!tests.some(test => test.expect.alerts === 0))
    problems.add('no-quiet-test', ['tests'], 'no test shows a near miss on which the rule stays quiet', '', 'key');
}

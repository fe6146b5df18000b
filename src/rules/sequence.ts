/** `sequence`, `count`, `first_seen` as written → specifications. */
import { LIMITS } from '../model/limits.ts';
import type { Condition } from './condition.ts';
import { type DetectionScope, parseMatcher } from './detection.ts';
import { parseDuration } from './duration.ts';
import { toMatcher } from './matcher.ts';
import type { Correlation, CountSpec, FirstSeenSpec, Matcher, SequenceSpec, SequenceStep } from './rule.ts';
import { countSchema, firstSeenSchema, sequenceSchema, stepSchema } from './schema.ts';
import { resolveField } from './scope.ts';
import { parseShape } from './shape.ts';
import type { Path } from './yaml.ts';

export interface ParsedSequence {
  readonly spec: SequenceSpec;
  /** Of every step and `until`, for the rule's `requires`. */
  readonly conditions: readonly Condition[];
}

/** Micros, or null after reporting. */
function duration(value: unknown, path: Path, scope: DetectionScope): number | null {
  const micros = parseDuration(value);
  if (micros === null)
    scope.problems.add(
      'bad-duration',
      path,
      `not a duration: ${JSON.stringify(value)}`,
      'a number with a unit: 30s, 5m, 1h30m, 7d',
    );
  return micros;
}

/** Catalogue names of fields that must exist, or null after reporting. */
function fields(names: readonly string[], path: Path, scope: DetectionScope): string[] | null {
  const found = names.map(name => resolveField(name, path, scope, 'value')?.name ?? null);
  return found.every(name => name !== null) ? found : null;
}

export function parseSequence(value: unknown, defaultLogsource: unknown, scope: DetectionScope): ParsedSequence | null {
  const { problems } = scope;
  const path: Path = ['sequence'];
  const shape = parseShape(sequenceSchema, value, path, problems, 'bad-sequence');
  if (shape === null) return null;
  if (shape.within === undefined) {
    problems.add(
      'sequence-without-within',
      path,
      'a sequence needs within',
      'the longest time from its first event to its last: within: 5m',
      'key',
    );
    return null;
  }
  const within = duration(shape.within, [...path, 'within'], scope);
  const by = correlation(shape.by, [...path, 'by'], scope);
  const conditions: Condition[] = [];
  const steps: SequenceStep[] = [];
  const errors = problems.errors();
  for (const [i, raw] of shape.steps.entries()) {
    const at: Path = [...path, 'steps', i];
    const step = parseShape(stepSchema, raw, at, problems, 'bad-sequence');
    if (step === null) continue;
    if (!/^[A-Za-z_][A-Za-z0-9_-]*$/.test(step.id))
      problems.add('bad-sequence', [...at, 'id'], `a step's id is a word, not ${JSON.stringify(step.id)}`);
    if (steps.some(other => other.id === step.id))
      problems.add('duplicate-name', [...at, 'id'], `two steps are called ${step.id}`);
    if (step.absent && (step.runs > 1 || step.count !== null))
      problems.add('bad-sequence', at, 'an absent step can have no runs and no count');
    const stepBy = step.by === null ? null : fields(step.by, [...at, 'by'], scope);
    if (stepBy !== null && (by?.type !== 'fields' || by.fields.length !== stepBy.length)) {
      problems.add('bad-sequence', [...at, 'by'], "a step's by names as many fields as the sequence's by");
    }
    const distinct =
      step.count?.distinct == null ? null : fields([step.count.distinct], [...at, 'count', 'distinct'], scope);
    const condition = parseMatcher(
      step.logsource ?? defaultLogsource,
      step.logsource === undefined ? ['logsource'] : [...at, 'logsource'],
      step.detection,
      [...at, 'detection'],
      scope,
    );
    const matcher = condition === null ? null : toMatcher(condition, at, problems);
    if (condition === null || matcher === null) continue;
    if (!step.absent) conditions.push(condition);
    const counted = step.count === null ? null : { distinct: distinct?.[0] ?? null, gte: step.count.gte };
    steps.push({ ...matcher, id: step.id, by: stepBy, runs: step.runs, absent: step.absent, count: counted });
  }
  if (steps.length === shape.steps.length) order(steps, path, scope);
  let until: Matcher | null = null;
  if (shape.until !== null) {
    const condition = parseMatcher(
      shape.until.logsource ?? defaultLogsource,
      [...path, 'until', 'logsource'],
      shape.until.detection,
      [...path, 'until', 'detection'],
      scope,
    );
    until = condition === null ? null : toMatcher(condition, [...path, 'until'], problems);
  }
  if (problems.errors() > errors || within === null || by === null) return null;
  return { spec: { by, within, fallback: shape.fallback, steps, until }, conditions };
}

function order(steps: readonly SequenceStep[], path: Path, scope: DetectionScope): void {
  const present = steps.filter(step => !step.absent);
  const stages = present.reduce((sum, step) => sum + Math.max(1, step.count?.gte ?? step.runs), 0);
  if (stages > LIMITS.sequenceStagesMax)
    scope.problems.add(
      'bad-sequence',
      [...path, 'steps'],
      `a sequence of ${stages} stages: every repetition of a step is one`,
      `at most ${LIMITS.sequenceStagesMax}; count: {gte} on a rule of one detection has no such bound`,
    );
  if (present.length === 0)
    scope.problems.add(
      'bad-sequence',
      [...path, 'steps'],
      'a sequence of absent steps alone is never begun',
      'one step at least has to happen',
    );
  else if (steps.length < 2 && (present[0]?.runs ?? 1) < 2 && present[0]?.count === null) {
    scope.problems.add(
      'bad-sequence',
      [...path, 'steps'],
      'a sequence of one event is a detection',
      'give it a second step, runs or count',
    );
  }
}

function correlation(by: string | readonly string[], path: Path, scope: DetectionScope): Correlation | null {
  if (typeof by === 'string') return { type: by as 'process' | 'process_tree' | 'pod' | 'node' | 'connection' };
  const names = fields(by, path, scope);
  return names === null ? null : { type: 'fields', fields: names };
}

/** Intervals from which on evenness says something. */
const INTERVALS_MIN = 4;

export function parseCount(value: unknown, scope: DetectionScope): CountSpec | null {
  const path: Path = ['count'];
  const shape = parseShape(countSchema, value, path, scope.problems, 'bad-count');
  if (shape === null) return null;
  const within = duration(shape.within, [...path, 'within'], scope);
  const by = fields(shape.by, [...path, 'by'], scope);
  const distinct = shape.distinct === null ? [] : fields([shape.distinct], [...path, 'distinct'], scope);
  if (shape.jitter !== null && (shape.distinct !== null || shape.gte < INTERVALS_MIN + 1)) {
    scope.problems.add(
      'bad-count',
      [...path, 'jitter'],
      'intervals are those between matches, and few of them are even by chance',
      `leave out distinct, and count gte: ${INTERVALS_MIN + 1} or more`,
    );
    return null;
  }
  if (within === null || by === null || distinct === null) return null;
  const count = { gte: shape.gte, distinct: distinct[0] ?? null, by, within };
  return shape.jitter === null ? count : { ...count, jitter: shape.jitter };
}

export function parseFirstSeen(value: unknown, scope: DetectionScope): FirstSeenSpec | null {
  const path: Path = ['first_seen'];
  const shape = parseShape(firstSeenSchema, value, path, scope.problems, 'bad-count');
  if (shape === null) return null;
  const learn = duration(shape.learn, [...path, 'learn'], scope);
  const seen = fields(shape.fields, [...path, 'fields'], scope);
  const by = fields(shape.by, [...path, 'by'], scope);
  return learn === null || seen === null || by === null ? null : { fields: seen, by, learn };
}

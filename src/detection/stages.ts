/** A sequence as a chain of stages: `runs` and `count` repeat a step, absent steps guard the ways between. */
import { LIMITS } from '../model/limits.ts';
import type { SequenceSpec, SequenceStep } from '../rules/rule.ts';
import { type FieldLookup, type FieldReader, readersOf } from './fields.ts';
import { type Join, joinOf } from './joins.ts';

/** One event to come. */
export interface Stage {
  /** Position of its step in the rule. */
  readonly step: number;
  readonly id: string;
  readonly join: Join;
  /** Values of this field must differ within the step's repetitions; null: any event fills it. */
  readonly distinct: FieldReader | null;
  /** How many stages of the same step come before. */
  readonly repetition: number;
  /** Absent steps that must not happen while waiting for this stage. */
  readonly guards: readonly Guard[];
}

export interface Guard {
  readonly step: number;
  readonly join: Join;
}

export interface StageChain {
  readonly stages: readonly Stage[];
  /** Absent steps that must not happen after the last stage, until the window closes. */
  readonly trailing: readonly Guard[];
}

/** `count` without a distinct field is `runs` by another name. */
function repetitions(step: SequenceStep): number {
  return Math.max(1, step.count?.gte ?? step.runs);
}

/** Throws for a sequence that nothing can begin, or that has too many stages. */
export function chainOf(spec: SequenceSpec, lookup: FieldLookup): StageChain {
  const stages: Stage[] = [];
  let guards: Guard[] = [];
  for (const [position, step] of spec.steps.entries()) {
    const join = joinOf(spec.by, step.by, lookup);
    if (step.absent) {
      guards.push({ step: position, join });
      continue;
    }
    if (stages.length + repetitions(step) > LIMITS.sequenceStagesMax)
      throw new Error(`a sequence may have ${LIMITS.sequenceStagesMax} stages: every repetition of a step is one`);
    const field = step.count?.distinct ?? null;
    const distinct = field === null ? null : readersOf([field], lookup)[0]!;
    for (let repetition = 0; repetition < repetitions(step); repetition++) {
      stages.push({ step: position, id: step.id, join, distinct, repetition, guards });
      guards = [];
    }
  }
  if (stages.length === 0) throw new Error('a sequence needs a step that must happen');
  return { stages, trailing: guards };
}

/** A condition → what detection runs. */
import { fieldNamesOf, kindsOf } from './analysis.ts';
import { compileCondition } from './compile.ts';
import type { Condition } from './condition.ts';
import { alternativeHintsOf, hintsOf } from './hints.ts';
import type { Matcher } from './rule.ts';
import type { Path, Problems } from './yaml.ts';

/** Null after reporting that no event can ever satisfy it. */
export function toMatcher(condition: Condition, path: Path, problems: Problems): Matcher | null {
  const kinds = kindsOf(condition);
  if (kinds.length === 0) {
    problems.add(
      'impossible-kinds',
      path,
      'no kind of event carries all that is asked for',
      'the log source and the fields exclude each other: use sequence or any',
    );
    return null;
  }
  return {
    kinds,
    test: compileCondition(condition),
    hints: hintsOf(condition),
    alternatives: alternativeHintsOf(condition),
    fields: fieldNamesOf(condition),
  };
}

/** Why a condition holds on an event or not: every part with the value that it met. */
import type { Observation } from '../model/observation.ts';
import { ancestorsOf, type Process } from '../model/process.ts';
import type { FieldValue } from './catalogue/field.ts';
import { nodeHolds } from './compile.ts';
import type { Condition } from './condition.ts';
import { describeCondition } from './describe.ts';

/** `unknown`: the sensors did not report the field, so that the comparison does not match; `not` around it holds. */
export type Verdict = 'true' | 'false' | 'unknown';

export interface Explanation {
  readonly type: Condition['type'];
  /** As an author would write it: `process.name: nc, ncat`; `all of`, `any of`, `not` where it joins others. */
  readonly asks: string;
  readonly verdict: Verdict;
  /** What the field held; null when it was absent or nothing is read. */
  readonly value: FieldValue;
  readonly of: readonly Explanation[];
}

/** Ancestors of which each condition is told; those that come nearest first. */
const ANCESTORS_SHOWN = 3;

/** The verdict of the whole is `true` exactly when the compiled condition holds. */
export function explainCondition(
  condition: Condition,
  o: Observation,
  subject: Process | null = o.process,
): Explanation {
  const { type } = condition;
  const asks = describeCondition(condition);
  switch (condition.type) {
    case 'and': {
      const of = condition.of.map(child => explainCondition(child, o, subject));
      return { type, asks, verdict: allOf(of), value: null, of };
    }
    case 'or': {
      const of = condition.of.map(child => explainCondition(child, o, subject));
      return { type, asks, verdict: atLeast(1, of), value: null, of };
    }
    case 'some': {
      const of = condition.of.map(child => explainCondition(child, o, subject));
      return { type, asks, verdict: atLeast(condition.n, of), value: null, of };
    }
    case 'not': {
      const of = explainCondition(condition.of, o, subject);
      return { type, asks, verdict: of.verdict === 'true' ? 'false' : 'true', value: null, of: [of] };
    }
    case 'ancestor':
      return explainAncestors(condition.of, asks, o, subject);
    default: {
      const value = valueMet(condition, o, subject);
      const absent = 'field' in condition && condition.type !== 'exists' && isAbsent(value);
      const verdict = nodeHolds(condition, o, subject) ? 'true' : absent ? 'unknown' : 'false';
      return { type, asks, verdict, value: isAbsent(value) ? null : value, of: [] };
    }
  }
}

function explainAncestors(of: Condition, asks: string, o: Observation, subject: Process | null): Explanation {
  const chain = subject === null ? [] : [...ancestorsOf(subject)];
  const each = chain.map(ancestor => ({
    ...explainCondition(of, o, ancestor),
    value: ancestor.facts.binary as FieldValue,
  }));
  const verdict: Verdict = chain.length === 0 ? 'unknown' : atLeast(1, each);
  const shown = each.toSorted((a, b) => nearness(b) - nearness(a)).slice(0, ANCESTORS_SHOWN);
  return { type: 'ancestor', asks, verdict, value: chain.map(ancestor => ancestor.facts.binary), of: shown };
}

function valueMet(condition: Condition, o: Observation, subject: Process | null): FieldValue {
  if ('field' in condition) return condition.field.get(o, subject);
  return condition.type === 'kind' || condition.type === 'category' ? o.event.kind : null;
}

const isAbsent = (value: FieldValue): boolean =>
  value === null || value === '' || (typeof value === 'object' && value.length === 0);

function allOf(of: readonly Explanation[]): Verdict {
  if (of.some(({ verdict }) => verdict === 'false')) return 'false';
  return of.some(({ verdict }) => verdict === 'unknown') ? 'unknown' : 'true';
}

function atLeast(n: number, of: readonly Explanation[]): Verdict {
  const count = (wanted: Verdict): number => of.filter(({ verdict }) => verdict === wanted).length;
  if (count('true') >= n) return 'true';
  return count('true') + count('unknown') >= n ? 'unknown' : 'false';
}

/** How much of it holds: 1 when all does, 0 when nothing does. */
export function nearness({ type, verdict, of }: Explanation): number {
  if (verdict === 'true') return 1;
  if (of.length === 0 || type === 'not') return 0;
  const each = of.map(nearness);
  if (type === 'and') return each.reduce((sum, one) => sum + one, 0) / each.length;
  return Math.max(...each) * 0.99;
}

/** The one part to look at when it does not hold: the part that failed, of what came nearest; null when it holds. */
export function failureOf(explanation: Explanation): Explanation | null {
  if (explanation.verdict === 'true') return null;
  const { type, of } = explanation;
  if (of.length === 0 || type === 'not') return explanation;
  const failed = of.filter(({ verdict }) => verdict !== 'true').toSorted((a, b) => nearness(b) - nearness(a));
  const [nearest] = failed;
  return nearest === undefined ? explanation : failureOf(nearest);
}

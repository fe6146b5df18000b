/** Why a rule made no alert of some events: for each of its parts the events that came nearest, and what kept matches from joining. */
import type { EventKind } from '../model/event.ts';
import type { Observation } from '../model/observation.ts';
import { conditionOf } from '../rules/compile.ts';
import { type Explanation, explainCondition, nearness } from '../rules/explain.ts';
import type { Matcher, Rule, SigmaCorrelation } from '../rules/rule.ts';

/** An observation with the words by which the reader knows it. */
export interface Seen {
  readonly observation: Observation;
  readonly name: string;
}

export interface NearEvent extends Seen {
  readonly explanation: Explanation;
  /** Of how much holds: 1 when all does. */
  readonly nearness: number;
}

export interface PartExplanation {
  /** Of the step or branch; '' for a rule of one detection. */
  readonly id: string;
  readonly role: 'rule' | 'branch' | 'step' | 'absent' | 'until';
  readonly kinds: readonly EventKind[];
  /** Events of those kinds. */
  readonly looked: number;
  /** Events that meet all of it. */
  readonly matches: number;
  /** The first of those. */
  readonly matched: readonly Seen[];
  /** The first of those that an exception suppressed. */
  readonly excepted: readonly Seen[];
  /** Best first, the earlier first among equals. */
  readonly nearest: readonly NearEvent[];
}

export interface RuleExplanation {
  readonly rule: Rule;
  readonly events: number;
  readonly parts: readonly PartExplanation[];
}

const NEAREST_MAX = 3;
const MATCHED_MAX = 20;

/** Fed with events one by one; keeps only what it will tell. */
export class Explainer {
  readonly #rule: Rule;
  readonly #parts: readonly Part[];
  #events = 0;

  constructor(rule: Rule) {
    this.#rule = rule;
    this.#parts = partsOf(rule).map(({ matcher, id, role }) => new Part(matcher, id, role));
  }

  add(seen: Seen): void {
    this.#events++;
    for (const part of this.#parts) part.add(seen, this.#rule);
  }

  explanation(): RuleExplanation {
    return { rule: this.#rule, events: this.#events, parts: this.#parts.map(part => part.explanation()) };
  }
}

/** What looks at events one by one, as the rule's findings name it. */
export interface RulePart {
  readonly matcher: Matcher;
  readonly id: PartExplanation['id'];
  readonly role: PartExplanation['role'];
}

export function partsOf({ sequence, branches, correlation }: Rule): RulePart[] {
  if (correlation !== undefined) return inputsOf(correlation);
  if (sequence === null)
    return branches.map(branch => ({ matcher: branch, id: branch.id, role: branch.id === '' ? 'rule' : 'branch' }));
  return [
    ...sequence.steps.map((step): RulePart => ({ matcher: step, id: step.id, role: step.absent ? 'absent' : 'step' })),
    ...(sequence.until === null ? [] : [{ matcher: sequence.until, id: 'until', role: 'until' } satisfies RulePart]),
  ];
}

/** The rules that a correlation counts, those of chained correlations included. */
function inputsOf(correlation: SigmaCorrelation): RulePart[] {
  return correlation.inputs.flatMap(({ name, of }) =>
    of.type === 'rule'
      ? of.rule.branches.map((matcher): RulePart => ({ matcher, id: name, role: 'step' }))
      : inputsOf(of.correlation),
  );
}

class Part {
  readonly #matcher: Matcher;
  readonly #id: string;
  readonly #role: PartExplanation['role'];
  readonly #matched: Seen[] = [];
  readonly #excepted: Seen[] = [];
  readonly #nearest: NearEvent[] = [];
  #looked = 0;
  #matches = 0;

  constructor(matcher: Matcher, id: string, role: PartExplanation['role']) {
    this.#matcher = matcher;
    this.#id = id;
    this.#role = role;
  }

  add(seen: Seen, rule: Rule): void {
    const { observation } = seen;
    if (!this.#matcher.kinds.includes(observation.event.kind)) return;
    this.#looked++;
    if (this.#matcher.test(observation)) {
      this.#matches++;
      if (this.#matched.length < MATCHED_MAX) this.#matched.push(seen);
      const wanted = this.#role !== 'absent' && this.#role !== 'until';
      if (wanted && this.#excepted.length < MATCHED_MAX && rule.excepted(observation)) this.#excepted.push(seen);
    }
    const condition = conditionOf(this.#matcher.test);
    if (condition === null) return;
    const explanation = explainCondition(condition, observation);
    const near = { ...seen, explanation, nearness: nearness(explanation) };
    const at = this.#nearest.findIndex(other => other.nearness < near.nearness);
    this.#nearest.splice(at < 0 ? this.#nearest.length : at, 0, near);
    if (this.#nearest.length > NEAREST_MAX) this.#nearest.pop();
  }

  explanation(): PartExplanation {
    return {
      id: this.#id,
      role: this.#role,
      kinds: this.#matcher.kinds,
      looked: this.#looked,
      matches: this.#matches,
      matched: this.#matched,
      excepted: this.#excepted,
      nearest: this.#nearest,
    };
  }
}

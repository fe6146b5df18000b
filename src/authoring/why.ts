/** Why an alert fired: for each part of its rule the events that filled it, and each condition with the value that met it. */
import type { Alert } from '../alerts/alert.ts';
import { alertIdFor } from '../alerts/identity.ts';
import type { Event } from '../model/event.ts';
import type { Observation } from '../model/observation.ts';
import { MICROS_PER_SECOND } from '../model/time.ts';
import { partsOf, type RulePart } from '../rule-tests/explain.ts';
import type { FieldValue } from '../rules/catalogue/field.ts';
import { conditionOf } from '../rules/compile.ts';
import { type Explanation, explainCondition, nearness, type Verdict } from '../rules/explain.ts';
import type { Rule } from '../rules/rule.ts';
import { observationsOf } from './subject.ts';

/** One line of a condition tree, in its order. */
export interface WhyCondition {
  /** How deep it stands below the whole condition, which has 0. */
  readonly depth: number;
  readonly asks: string;
  readonly verdict: Verdict;
  /** As text, cut; null when absent, or when nothing is read. */
  readonly value: string | null;
}

export interface WhyEvent {
  /** Its place in the alert's evidence. */
  readonly event: number;
  readonly kind: string;
  readonly time: string;
  /** Whether all of it holds now; null when the event cannot be read any more. */
  readonly holds: boolean | null;
  readonly conditions: readonly WhyCondition[];
  /** Conditions beyond those. */
  readonly more: number;
}

export interface WhyPart {
  /** Of the step or branch; '' for a rule of one detection. */
  readonly id: string;
  readonly role: RulePart['role'];
  readonly kinds: readonly string[];
  readonly events: readonly WhyEvent[];
  /** Events that filled it beyond those. */
  readonly more: number;
}

export interface Why {
  /**
   * Whether the rule that runs now is the one that fired. `changed`: its content differs; `gone`: none of that id runs;
   * `built_in`: no rule file made it, its `risk` says why; `unknown`: the evidence is no longer whole enough to tell.
   */
  readonly rule: 'same' | 'changed' | 'gone' | 'built_in' | 'unknown';
  /** What ties the parts together, one sentence each. */
  readonly ties: readonly string[];
  readonly parts: readonly WhyPart[];
}

const EVENTS_MAX = 10;
const CONDITIONS_MAX = 80;
const ASKS_CHARS_MAX = 500;
const VALUE_CHARS_MAX = 1_000;

const NOTHING: Pick<Why, 'ties' | 'parts'> = { ties: [], parts: [] };

/** `rule`: the one of that id that runs now, or null. */
export function whyOf(alert: Alert, rule: Rule | null, decode: (line: string) => Event): Why {
  if (alert.risk !== undefined) return { rule: 'built_in', ...NOTHING };
  if (rule === null) return { rule: 'gone', ...NOTHING };
  const observations = observationsOf(alert, decode);
  const parts = partsOf(rule).map(part => explainPart(part, alert, observations));
  return {
    rule: identityOf(alert, rule, observations),
    ties: tiesOf(rule),
    // Of several branches those that matched; all of them when none does any more.
    parts: parts.some(({ role, events }) => role === 'branch' && events.some(({ holds }) => holds === true))
      ? parts.filter(({ events }) => events.some(({ holds }) => holds === true))
      : parts,
  };
}

/** An alert's id is made of its rule's content and two of its events: it tells whether the rule is still the same. */
function identityOf(alert: Alert, rule: Rule, observations: readonly (Observation | null)[]): Why['rule'] {
  const first = observations[0]?.event;
  if (first === undefined) return 'unknown';
  const isSame = observations
    .toReversed()
    .some(trigger => trigger !== null && alertIdFor(rule, alert.key, first, trigger.event) === alert.id);
  if (isSame) return 'same';
  return observations.includes(null) ? 'unknown' : 'changed';
}

function explainPart(
  { matcher, id, role }: RulePart,
  { evidence, steps }: Alert,
  observations: readonly (Observation | null)[],
): WhyPart {
  const named = evidence.flatMap(({ step }, at) => (step === id || steps[id]?.event === at ? [at] : []));
  // Rules of one detection and those of branches call all their evidence by one name.
  const filled = role === 'rule' || role === 'branch' ? evidence.map((_, at) => at) : named;
  const candidates = filled.filter(at => {
    const observation = observations[at];
    return observation == null || matcher.kinds.includes(observation.event.kind);
  });
  const events = candidates.slice(0, EVENTS_MAX).map((at): WhyEvent => {
    const { kind, time } = evidence[at]!;
    const observation = observations[at] ?? null;
    if (observation === null) return { event: at, kind, time, holds: null, conditions: [], more: 0 };
    const condition = conditionOf(matcher.test);
    const lines = condition === null ? [] : linesOf(explainCondition(condition, observation), 0);
    return {
      event: at,
      kind,
      time,
      holds: matcher.test(observation),
      conditions: lines.slice(0, CONDITIONS_MAX),
      more: Math.max(0, lines.length - CONDITIONS_MAX),
    };
  });
  return { id, role, kinds: matcher.kinds, events, more: candidates.length - events.length };
}

/** Of alternatives, where one holds, those that hold; where none does, the one that comes nearest. */
function linesOf({ type, asks, verdict, value, of }: Explanation, depth: number): WhyCondition[] {
  const isChoice = type === 'or' || type === 'some' || type === 'ancestor';
  const met = of.filter(child => child.verdict === 'true');
  const shown = !isChoice ? of : met.length > 0 ? met : of.toSorted((a, b) => nearness(b) - nearness(a)).slice(0, 1);
  const line = { depth, asks: cut(asks, ASKS_CHARS_MAX), verdict, value: textOf(value) };
  return [line, ...shown.flatMap(child => linesOf(child, depth + 1))];
}

function textOf(value: FieldValue): string | null {
  if (value === null) return null;
  return cut(Array.isArray(value) ? value.join(', ') : String(value), VALUE_CHARS_MAX);
}

const cut = (text: string, chars: number): string =>
  text.length <= chars ? text : `${text.slice(0, chars - 1).replace(/[\ud800-\udbff]$/, '')}…`;

const within = (micros: number): string => `within ${(micros / MICROS_PER_SECOND).toLocaleString('en')} s`;

function tiesOf({ sequence, count, firstSeen, correlation }: Rule): string[] {
  if (sequence !== null) {
    const { by, fallback } = sequence;
    const one = by.type === 'fields' ? `with the same ${by.fields.join(', ')}` : `of one ${by.type.replace('_', ' ')}`;
    return [
      `The steps came in this order, ${one}, ${within(sequence.within)}.`,
      ...(fallback === null
        ? []
        : ['Where a flow’s process is not known, its pod does; the alert then has low confidence.']),
      ...sequence.steps.flatMap(({ id, runs, absent, count: counted }) => [
        ...(absent ? [`Step ${id} did not happen in that time.`] : []),
        ...(runs > 1 ? [`Step ${id} happened ${runs} times in a row.`] : []),
        ...(counted === null ? [] : [`Step ${id} took at least ${amount(counted.gte, counted.distinct)}.`]),
      ]),
    ];
  }
  if (count !== null) {
    const one = count.by.length === 0 ? '' : ` with the same ${count.by.join(', ')}`;
    const steady = count.jitter === undefined ? '' : ', at even intervals';
    return [`It took at least ${amount(count.gte, count.distinct)}${one}, ${within(count.within)}${steady}.`];
  }
  if (firstSeen !== null) {
    const one = firstSeen.by.length === 0 ? '' : ` for one ${firstSeen.by.join(', ')}`;
    return [`Its ${firstSeen.fields.join(', ')} had never been seen before${one}.`];
  }
  if (correlation === undefined) return [];
  const bounds = correlation.bounds.map(({ comparison, value }) => `${comparison} ${value}`).join(' and ');
  return [`It took ${correlation.type} ${bounds}, ${within(correlation.timespan)}.`];
}

const amount = (n: number, distinct: string | null): string =>
  distinct === null ? `${n} matches` : `${n} different ${distinct}`;

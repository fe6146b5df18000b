/** An explanation in lines for people. Values are as the sensors gave them: whoever shows the lines escapes them. */
import type { Observation } from '../model/observation.ts';
import type { FieldValue } from '../rules/catalogue/field.ts';
import { type Explanation, failureOf } from '../rules/explain.ts';
import type { Rule } from '../rules/rule.ts';
import type { NearEvent, PartExplanation, RuleExplanation } from './explain.ts';

const VALUE_CHARS_SHOWN = 120;
const NAMES_SHOWN = 5;
/** Parts of one condition that are shown; the rest is counted. */
const LINES_MAX = 60;

/** `whole`: the conditions of what matched, too. */
export function explanationLines({ rule, events, parts }: RuleExplanation, fired: boolean, whole = false): string[] {
  const lines = parts.flatMap(part => partLines(part, events, whole));
  const missing = parts.some(({ role, matches }) => (role === 'rule' || role === 'step') && matches === 0);
  if (rule.sequence !== null && !missing && !fired) lines.push(...joinLines(rule, parts));
  if (!fired && parts.some(({ matches }) => matches > 0)) lines.push(...thresholdLines(rule));
  return lines;
}

/** What matches alone do not suffice for. */
function thresholdLines({ count, firstSeen, correlation }: Rule): string[] {
  if (count !== null) {
    const what = count.distinct === null ? 'matches' : `different ${count.distinct}`;
    const by = count.by.length === 0 ? '' : ` for one ${count.by.join(', ')}`;
    return [`it takes ${count.gte} ${what}${by} within ${count.within / 1_000_000} s`];
  }
  if (firstSeen !== null)
    return [`nothing was new in ${firstSeen.fields.join(', ')} after ${firstSeen.learn / 1_000_000} s of learning`];
  if (correlation === undefined) return [];
  const bounds = correlation.bounds.map(({ comparison, value }) => `${comparison} ${value}`).join(' and ');
  return [`it takes ${correlation.type} ${bounds} within ${correlation.timespan / 1_000_000} s`];
}

const titleOf = ({ id, role }: PartExplanation): string =>
  role === 'rule'
    ? 'the rule'
    : role === 'absent'
      ? `step ${id} (absent)`
      : role === 'until'
        ? 'until'
        : `${role} ${id}`;

function partLines(part: PartExplanation, events: number, whole = false): string[] {
  const title = titleOf(part);
  if (part.matches > 0) {
    const names = part.matched.slice(0, NAMES_SHOWN).map(({ name }) => name);
    const more = part.matches > names.length ? ` and ${part.matches - names.length} more` : '';
    return [
      `${title} matched ${names.join(', ')}${more}`,
      ...(whole ? matchLines(part) : []),
      ...part.excepted.map(({ name }) => `${title}: an exception suppressed ${name}`),
    ];
  }
  // What must not happen and did not happen is no reason.
  if (part.role === 'absent' || part.role === 'until') return [];
  if (part.looked === 0)
    return [`${title} matched no event: there is none of kind ${part.kinds.join(', ')} among ${events}`];
  return [`${title} matched no event; nearest of ${part.looked}:`, ...part.nearest.flatMap(nearLines)];
}

/** Every condition of the first match: nothing is nearer. */
function matchLines({ nearest: [first], matches }: PartExplanation): string[] {
  if (first === undefined || first.explanation.verdict !== 'true') return [];
  return [...(matches === 1 ? [] : [`  ${first.name}:`]), ...conditionLines(first.explanation)];
}

/** Of the nearest events the condition that failed; all conditions of the first one. */
function nearLines(near: NearEvent, i: number): string[] {
  const failure = failureOf(near.explanation);
  const because = failure === null ? '' : `: failed ${asked(failure)}`;
  const lines = [`  ${near.name}${because}`];
  if (i > 0) return lines;
  return [...lines, ...conditionLines(near.explanation)];
}

function conditionLines(explanation: Explanation): string[] {
  const tree = treeLines(explanation, 2);
  const shown = tree.slice(0, LINES_MAX);
  return tree.length > shown.length ? [...shown, `    … ${tree.length - shown.length} more`] : shown;
}

function treeLines(explanation: Explanation, depth: number): string[] {
  const line = `${'  '.repeat(depth)}${asked(explanation)}`;
  return [line, ...explanation.of.flatMap(child => treeLines(child, depth + 1))];
}

function asked({ asks, verdict, value, of }: Explanation): string {
  const met = of.length > 0 && value === null ? '' : ` — ${value === null ? 'absent' : `is ${show(value)}`}`;
  return `[${verdict}] ${asks}${verdict === 'true' && of.length > 0 ? '' : met}`;
}

function show(value: FieldValue): string {
  const text = JSON.stringify(value);
  return text.length > VALUE_CHARS_SHOWN ? `${text.slice(0, VALUE_CHARS_SHOWN)}…` : text;
}

/** Every step matched something: what kept them apart. */
function joinLines(rule: Rule, parts: readonly PartExplanation[]): string[] {
  const sequence = rule.sequence;
  if (sequence === null) return [];
  const by = sequence.by.type === 'fields' ? sequence.by.fields.join(', ') : sequence.by.type;
  const seen = [...new Map(parts.flatMap(part => part.matched.map(item => [item.observation.seq, item]))).values()];
  seen.sort((a, b) => a.observation.seq - b.observation.seq);
  return [
    `the matches did not join by ${by} within ${sequence.within / 1_000_000} s, in order:`,
    ...seen.map(({ observation, name }) => {
      const filled = parts.filter(part => part.matched.some(item => item.observation.seq === observation.seq));
      return `  ${name}: ${keysOf(observation)}, for ${filled.map(({ id }) => id).join(', ')}`;
    }),
  ];
}

function keysOf({ process, pod, event, attribution }: Observation): string {
  const who =
    process === null ? 'no process known' : `process ${process.facts.pid} ${process.facts.binary} (${process.execId})`;
  const where = pod === null ? `node ${event.node}` : `pod ${pod.namespace}/${pod.name}`;
  return `${who}, ${where}${attribution === null ? '' : `, attribution ${attribution}`}`;
}

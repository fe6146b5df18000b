/** Why a rule made no alert of a test's events: which predicates held on what, and what kept the matches from joining. */
import type { Observation } from '../model/observation.ts';
import { ancestorsOf, type Process } from '../model/process.ts';
import { findField } from '../rules/catalogue/catalogue.ts';
import type { Matcher, Rule } from '../rules/rule.ts';

/** An observation with the words by which the test's author knows it. */
export interface Seen {
  readonly observation: Observation;
  readonly name: string;
}

/** The first condition of the predicate that the observation does not meet, or null when the rules layer cannot tell. */
export type ExplainMatcher = (matcher: Matcher, observation: Observation) => string | null;

const CANDIDATES_SHOWN = 3;
const FIELDS_SHOWN = 8;
const VALUE_CHARS_SHOWN = 120;

export function explain(rule: Rule, seen: readonly Seen[], explainMatcher: ExplainMatcher | null): string[] {
  const parts = rule.sequence?.steps ?? rule.branches;
  const lines: string[] = [];
  let allMatch = true;
  for (const [i, part] of parts.entries()) {
    const absent = rule.sequence?.steps[i]?.absent === true;
    const name = rule.sequence === null ? (part.id === '' ? 'the rule' : `branch ${part.id}`) : `step ${part.id}`;
    const matching = seen.filter(({ observation }) => holds(part, observation));
    const excepted = absent ? [] : matching.filter(({ observation }) => rule.excepted(observation));
    if (matching.length === 0) {
      if (absent) continue;
      allMatch = false;
      lines.push(`${name} matched no event${nearest(part, seen, explainMatcher)}`);
    } else {
      lines.push(`${name}${absent ? ' (absent)' : ''} matched ${matching.map(match => match.name).join(', ')}`);
    }
    for (const item of excepted) lines.push(`${name}: an exception suppressed ${item.name}`);
  }
  const { sequence } = rule;
  if (sequence !== null && allMatch) {
    const until = sequence.until === null ? [] : seen.filter(({ observation }) => holds(sequence.until!, observation));
    for (const item of until) lines.push(`until matched ${item.name}`);
    lines.push(`the matches did not join by ${joinName(rule)} within ${sequence.within / 1_000_000} s, in order:`);
    for (const { observation, name } of seen) {
      if (!parts.some(part => holds(part, observation))) continue;
      lines.push(`  ${name}: ${keysOf(observation)}`);
    }
  }
  return lines;
}

function holds(matcher: Matcher, observation: Observation): boolean {
  if (!matcher.kinds.includes(observation.event.kind)) return false;
  try {
    return matcher.test(observation);
  } catch {
    return false;
  }
}

/** What the predicate read of the events that it could have matched; the rules layer may know better which condition failed. */
function nearest(matcher: Matcher, seen: readonly Seen[], explainMatcher: ExplainMatcher | null): string {
  const candidates = seen.filter(({ observation }) => matcher.kinds.includes(observation.event.kind));
  if (candidates.length === 0) return `: there is none of kind ${matcher.kinds.join(', ')}`;
  const told = candidates.slice(0, CANDIDATES_SHOWN).map(({ observation, name }) => {
    const why = explainMatcher?.(matcher, observation) ?? readings(matcher, observation);
    return `\n  ${name}: ${why}`;
  });
  return `; it read${told.join('')}`;
}

function readings(matcher: Matcher, observation: Observation): string {
  const parts = matcher.fields.slice(0, FIELDS_SHOWN).map(name => {
    if (name === 'ancestors') return `ancestors: ${chainOf(observation.process)}`;
    const field = findField(name);
    const value = field === null ? null : field.get(observation, observation.process);
    return `${name}: ${show(value)}`;
  });
  return parts.join(', ') || 'nothing';
}

function show(value: unknown): string {
  if (value === null || value === '' || (Array.isArray(value) && value.length === 0)) return 'absent';
  const text = JSON.stringify(value);
  return text.length > VALUE_CHARS_SHOWN ? `${text.slice(0, VALUE_CHARS_SHOWN)}…` : text;
}

function chainOf(process: Process | null): string {
  if (process === null) return 'no process known';
  return (
    ancestorsOf(process)
      .map(ancestor => ancestor.facts.binary)
      .join(' < ') || 'none known'
  );
}

function joinName(rule: Rule): string {
  const by = rule.sequence?.by;
  if (by === undefined) return '';
  return by.type === 'fields' ? by.fields.join(', ') : by.type;
}

function keysOf(observation: Observation): string {
  const { process, pod, event, attribution } = observation;
  const who =
    process === null ? 'no process known' : `process ${process.facts.pid} ${process.facts.binary} (${process.execId})`;
  const where = pod === null ? `node ${event.node}` : `pod ${pod.namespace}/${pod.name}`;
  return `${who}, ${where}${attribution === null ? '' : `, attribution ${attribution}`}`;
}

/** What a test may expect of an alert: names → values. */
import type { Attribution } from '../model/connection.ts';
import type { Observation } from '../model/observation.ts';
import { findField } from '../rules/catalogue/catalogue.ts';
import type { Finding } from '../rules/finding.ts';

/** Null: the alert does not have it. Undefined: there is no such name. */
export type Fact = unknown;

/**
 * `level confidence key branch matches attribution pod node`; `step.<id>.<field>` is a catalogue field of that step's first
 * event; any other catalogue field is that of the event that completed the alert, else of the newest event that has it.
 */
export function factOf(finding: Finding, name: string): Fact {
  switch (name) {
    case 'level':
      return finding.rule.level;
    case 'confidence':
    case 'key':
    case 'branch':
    case 'matches':
      return finding[name];
    case 'attribution':
      return attributionOf(finding);
    case 'pod':
      return podOf(finding.trigger);
    case 'node':
      return finding.trigger.event.node;
    default:
      return name.startsWith('step.') ? stepFact(finding, name.slice(5)) : fieldOf(finding, name);
  }
}

/** Of the newest event that has one; null when the alert saw no connection. */
export function attributionOf(finding: Finding): Attribution | null {
  if (finding.trigger.attribution !== null) return finding.trigger.attribution;
  for (const { observation } of [...finding.evidence].reverse())
    if (observation.attribution !== null) return observation.attribution;
  return null;
}

function podOf(observation: Observation): string | null {
  const { pod } = observation;
  return pod === null ? null : `${pod.namespace}/${pod.name}`;
}

/** Steps' ids may have dots: the longest id that is one counts. */
function stepFact(finding: Finding, rest: string): Fact {
  const { rule, evidence } = finding;
  const ids = rule.sequence?.steps.map(step => step.id) ?? ['match'];
  const id = ids.filter(known => rest.startsWith(`${known}.`)).sort((a, b) => b.length - a.length)[0];
  if (id === undefined) return undefined;
  const name = rest.slice(id.length + 1);
  const event = evidence.find(item => item.step === id)?.observation ?? null;
  if (name === 'pod') return event === null ? null : podOf(event);
  if (name === 'attribution') return event?.attribution ?? null;
  const field = findField(name);
  if (field === null) return undefined;
  return event === null ? null : present(field.get(event, event.process));
}

function fieldOf(finding: Finding, name: string): Fact {
  const field = findField(name);
  if (field === null) return undefined;
  const { trigger, evidence } = finding;
  for (const observation of [trigger, ...evidence.map(item => item.observation).reverse()]) {
    const value = present(field.get(observation, observation.process));
    if (value !== null) return value;
  }
  return null;
}

function present(value: unknown): unknown {
  return value === '' || (Array.isArray(value) && value.length === 0) ? null : value;
}

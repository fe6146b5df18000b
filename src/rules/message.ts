/** `message`: one line for people, with `{field}` and `{step.field}` filled from the events that fired the rule. */
import type { Observation } from '../model/observation.ts';
import { findField } from './catalogue/catalogue.ts';
import type { FieldValue } from './catalogue/field.ts';
import { sigmaField } from './catalogue/sigma.ts';
import { didYouMean } from './names.ts';
import type { Rule } from './rule.ts';
import type { Problems } from './yaml.ts';

const PLACEHOLDER = /\{([^{}]*)\}/g;
const VALUE_CHARS_MAX = 300;

interface Reference {
  readonly step: string;
  readonly get: (o: Observation) => FieldValue;
}

/** What a placeholder names, or null. A step's id before the field picks that step's event. */
function reference(name: string, steps: readonly string[]): Reference | null {
  const dot = name.indexOf('.');
  const step = dot > 0 && steps.includes(name.slice(0, dot)) ? name.slice(0, dot) : '';
  const wanted = step === '' ? name : name.slice(dot + 1);
  const field = findField(wanted) ?? findField(sigmaField(wanted) ?? '');
  return field === null ? null : { step, get: o => field.get(o, o.process) };
}

/** Reports placeholders that name nothing. */
export function checkMessage(message: string, steps: readonly string[], native: boolean, problems: Problems): void {
  for (const m of message.matchAll(PLACEHOLDER)) {
    const name = m[1] as string;
    if (reference(name, steps) !== null && (!native || sigmaField(name) === null || findField(name) !== null)) continue;
    problems.add(
      'bad-placeholder',
      ['message'],
      `{${name}} is no field${steps.length > 0 ? ' or step.field' : ''}`,
      didYouMean(
        name,
        steps.map(step => `${step}.process.name`),
      ),
    );
  }
}

/** Values as they are, controls and all: whoever shows them escapes for the place. */
function show(value: FieldValue): string {
  if (value === null || value === '') return '?';
  const text = typeof value === 'object' ? (value[0] ?? '?') : String(value);
  return text.length > VALUE_CHARS_MAX ? `${text.slice(0, VALUE_CHARS_MAX)}…` : text;
}

/**
 * The rule's message filled in; its title when it has none. A field without a step is read from the trigger, else from the first
 * piece of evidence that carries it. Absent values show as `?`.
 */
export function renderMessage(
  rule: Rule,
  trigger: Observation,
  evidence: readonly { readonly step: string; readonly observation: Observation }[] = [],
): string {
  if (rule.message === '') return rule.title;
  const steps = rule.sequence?.steps.map(step => step.id) ?? [];
  return rule.message.replace(PLACEHOLDER, (_, name: string) => {
    const found = reference(name, steps);
    if (found === null) return '?';
    const candidates =
      found.step === ''
        ? [trigger, ...evidence.map(e => e.observation)]
        : evidence.filter(e => e.step === found.step).map(e => e.observation);
    for (const observation of candidates) {
      const text = show(found.get(observation));
      if (text !== '?') return text;
    }
    return '?';
  });
}

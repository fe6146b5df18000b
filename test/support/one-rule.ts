/** One selection as a loaded rule's predicate. */
import { stringify } from 'yaml';
import type { Observation } from '../../src/model/observation.ts';
import type { Diagnostic } from '../../src/rules/diagnostics.ts';
import { loadRules } from '../../src/rules/load.ts';
import type { Rule } from '../../src/rules/rule.ts';

export interface Loaded {
  readonly rule: Rule | undefined;
  readonly errors: readonly Diagnostic[];
  readonly test: (o: Observation) => boolean;
}

export function loadOne(parts: Readonly<Record<string, unknown>>): Loaded {
  const text = stringify({ title: 'One', level: 'low', taxonomy: 'spoor', ...parts });
  const { rules, diagnostics } = loadRules([{ file: 'one.yaml', text }]);
  const errors = diagnostics.filter(d => d.severity === 'error');
  const [rule] = rules;
  return { rule, errors, test: o => rule?.branches.some(branch => branch.test(o)) === true };
}

/** A rule of one selection; fails when it does not load. */
export function select(selection: unknown, more: Readonly<Record<string, unknown>> = {}): (o: Observation) => boolean {
  const { errors, test } = loadOne({ detection: { selection, condition: 'selection' }, ...more });
  if (errors.length > 0) throw new Error(errors.map(e => e.message).join('; '));
  return test;
}

/** What selections may refer to: fields of a taxonomy, and value lists. */
import { nearest } from '../model/nearest.ts';
import { findField, nearestField } from './catalogue/catalogue.ts';
import type { Field } from './catalogue/field.ts';
import { SIGMA_NAMES, sigmaField } from './catalogue/sigma.ts';
import type { Path, Problems } from './yaml.ts';

/** What selections of one rule may refer to. */
export interface SelectionScope {
  readonly problems: Problems;
  /** Field names are the catalogue's; otherwise Sigma's are mapped too. */
  readonly native: boolean;
  /** The value lists for `|expand`, by name. */
  readonly lists: ReadonlyMap<string, readonly string[]>;
  /** Filled with the names of the lists used. */
  readonly listsUsed: Set<string>;
  /** The document loaded before without an error: its regular expressions need not be compiled to know that they can be. */
  readonly proven?: boolean;
}

/** The field of that name in the rule's taxonomy, or null after reporting. */
export function resolveField(
  name: string,
  path: Path,
  scope: SelectionScope,
  at: 'key' | 'value' = 'key',
): Field | null {
  const mapped = scope.native ? null : sigmaField(name);
  const field = findField(mapped ?? name);
  if (field !== null) return field;
  let hint: string;
  const sigma = sigmaField(name);
  if (scope.native && sigma !== null) hint = `${name} is Sigma's name; with taxonomy: spoor it is ${sigma}`;
  else {
    const match = (scope.native ? null : nearest(name, SIGMA_NAMES)) ?? nearestField(name);
    hint = match === null ? 'docs/rules.md lists the fields' : `did you mean ${match}?`;
  }
  scope.problems.add('unknown-field', path, `unknown field ${name}`, hint, at);
  return null;
}

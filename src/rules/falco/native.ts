/** A compiled Falco rule → the text of a native rule that matches the same events, with author and licence kept. */
import { Document } from 'yaml';
import type { Condition } from '../condition.ts';
import { SelectionWriter } from '../written.ts';
import type { FalcoLoaded } from './rules.ts';

const EXPRESSION_CHARS_MAX = 9_500;

/** Null when it is larger than one native rule may be. */
export function nativeFalco({ rule, condition, enabled, excepted, license }: FalcoLoaded): string | null {
  const writer = new SelectionWriter('s');
  const whole: Condition =
    excepted === null ? condition : { type: 'and', of: [condition, { type: 'not', of: excepted }] };
  const expression = writer.expression(whole);
  if (expression === null || expression.length > EXPRESSION_CHARS_MAX) return null;
  const kinds = rule.branches.flatMap(branch => branch.kinds);
  const value = {
    title: rule.title,
    id: rule.id,
    status: rule.status,
    level: rule.level,
    description: rule.description || `Converted from the Falco rule ${rule.title}`,
    ...(rule.author === '' ? {} : { author: rule.author }),
    ...(license === '' ? {} : { license }),
    ...(enabled ? {} : { enabled }),
    taxonomy: 'spoor',
    tags: rule.tags,
    falsepositives: ['Unknown'],
    ...(rule.requires.length === 0 ? {} : { requires: rule.requires }),
    // Falco has no log sources: the kinds follow from the calls and fields of the condition.
    ...(kinds.length === 0 ? {} : { logsource: { kind: kinds.length === 1 ? kinds[0] : kinds } }),
    detection: { ...Object.fromEntries(writer.selections), condition: expression },
    ...(rule.message === '' ? {} : { message: rule.message }),
  };
  return new Document(value, { aliasDuplicateObjects: false }).toString({ lineWidth: 120 });
}

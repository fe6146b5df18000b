/** What is wrong with a rule beyond its detection: metadata that people and tools rely on. */
import { parseInstant } from '../model/time.ts';
import { didYouMean } from './names.ts';
import { LEVELS, type Level } from './rule.ts';
import { RULE_KEYS } from './schema.ts';
import { isRecord, type Problems } from './yaml.ts';

export interface UsedNames {
  readonly ownLists: ReadonlyMap<string, unknown>;
  readonly ownMacros: ReadonlyMap<string, unknown>;
  readonly listsUsed: ReadonlySet<string>;
  readonly macrosUsed: ReadonlySet<string>;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const DATE = /^(\d{4})[-/](0[1-9]|1[0-2])[-/](0[1-9]|[12]\d|3[01])$/;
/** Tactics of the enterprise, mobile and industrial matrices. */
const TACTICS: readonly string[] = [
  'reconnaissance',
  'resource-development',
  'initial-access',
  'execution',
  'persistence',
  'privilege-escalation',
  'defense-evasion',
  'stealth',
  'defense-impairment',
  'credential-access',
  'discovery',
  'lateral-movement',
  'collection',
  'command-and-control',
  'exfiltration',
  'impact',
  'evasion',
  'inhibit-response-function',
  'impair-process-control',
  'network-effects',
  'remote-service-effects',
];
/** `attack.t1059`, `attack.t1059.004`, `attack.g0016`, `attack.s0154`, tactics with - or _. */
const ATTACK = /^attack\.(t\d{4}(\.\d{3})?|[gs]\d{4}|ta\d{4}|[a-z]+([-_][a-z]+)*)$/;
const TACTIC = /^attack\.[a-z]+([-_][a-z]+)*$/;
const TAG = /^[a-z0-9_-]+(\.[a-z0-9_-]+)+$/i;

export function lintMetadata(value: Readonly<Record<string, unknown>>, problems: Problems, names: UsedNames): void {
  for (const key of Object.keys(value)) {
    if (!RULE_KEYS.includes(key))
      problems.add('unknown-key', [key], `unknown key ${key}`, didYouMean(key, RULE_KEYS), 'key');
  }
  if (typeof value.id === 'string' && !isUuid(value.id)) problems.add('bad-id', ['id'], `${value.id} is not a UUID`);
  if (value.id === undefined)
    problems.add('missing-id', [], 'id is missing', 'a UUID that stays the same for the life of the rule');
  if (value.level === undefined) problems.add('missing-level', [], 'level is missing', LEVELS.join(', '));
  else if (!LEVELS.some(level => level === value.level)) {
    const written = typeof value.level === 'string' ? value.level : JSON.stringify(value.level);
    const hint = didYouMean(written, LEVELS) || `one of ${LEVELS.join(', ')}`;
    problems.add('bad-level', ['level'], `unknown level ${written}`, hint);
  }
  if (typeof value.description !== 'string' || value.description.trim() === '')
    problems.add('missing-description', [], 'description is missing');
  lintDates(value, problems);
  lintTags(value.tags, problems);
  if (FALSE_POSITIVES_FROM.some(level => level === value.level) && value.falsepositives === undefined)
    problems.add(
      'missing-falsepositives',
      [],
      'falsepositives are missing',
      'what else looks like this, for who must decide at night',
    );
  if (Array.isArray(isRecord(value.detection) ? value.detection.condition : undefined))
    problems.add(
      'deprecated-form',
      ['detection', 'condition'],
      'a list of conditions is deprecated in Sigma',
      'join them with or',
    );
  for (const name of names.ownLists.keys()) {
    if (!names.listsUsed.has(name))
      problems.add(
        'unused-list',
        ['lists', name],
        `list ${name} is not used`,
        `write field|expand: '%${name}%'`,
        'key',
      );
  }
  for (const name of names.ownMacros.keys()) {
    if (!names.macrosUsed.has(name))
      problems.add('unused-macro', ['macros', name], `macro ${name} is not used in a condition`, '', 'key');
  }
}

/** Levels at which somebody is called. */
const FALSE_POSITIVES_FROM: readonly Level[] = ['medium', 'high', 'critical'];

/** `YYYY-MM-DD` of a date, which old rules write with slashes; '' when it is none. */
export function dayOf(date: string): string {
  const parts = DATE.exec(date);
  const day = parts === null ? '' : `${parts[1]}-${parts[2]}-${parts[3]}`;
  return parts === null || parseInstant(`${day}T00:00:00Z`) === null ? '' : day;
}

export const isUuid = (text: string): boolean => UUID.test(text);

function lintDates(value: Readonly<Record<string, unknown>>, problems: Problems): void {
  const days: Record<string, string> = {};
  for (const key of ['date', 'modified']) {
    const date = value[key];
    if (typeof date !== 'string') continue;
    const day = dayOf(date);
    if (day === '') {
      problems.add('bad-date', [key], `${date} is not a date`, 'YYYY-MM-DD');
      continue;
    }
    days[key] = day;
    if (date.includes('/'))
      problems.add('deprecated-form', [key], `${date} has the form of old Sigma rules`, `write ${day}`);
  }
  const { date, modified } = days;
  if (date !== undefined && modified !== undefined && modified < date)
    problems.add('modified-before-date', ['modified'], `modified on ${modified}, before it was written on ${date}`);
}

function lintTags(tags: unknown, problems: Problems): void {
  if (!Array.isArray(tags) || tags.length === 0) {
    problems.add('missing-tags', [], 'tags are missing', 'name the ATT&CK technique: attack.t1059.004');
    return;
  }
  for (const [i, tag] of tags.entries()) {
    if (typeof tag !== 'string') continue;
    const lower = tag.toLowerCase();
    if (!TAG.test(tag) || (lower.startsWith('attack.') && !ATTACK.test(lower))) {
      problems.add('bad-tag', ['tags', i], `${tag} is not a tag`, 'attack.t1059, attack.t1059.004, attack.execution');
      continue;
    }
    if (!TACTIC.test(lower)) continue;
    const tactic = lower.slice('attack.'.length).replaceAll('_', '-');
    if (!TACTICS.includes(tactic))
      problems.add('unknown-tactic', ['tags', i], `${tag} is no tactic of ATT&CK`, didYouMean(tactic, TACTICS));
  }
}

export function lintTests(value: Readonly<Record<string, unknown>>, problems: Problems): void {
  if (!Array.isArray(value.tests) || value.tests.length === 0)
    problems.add('missing-tests', [], 'the rule has no tests', 'one that fires and one that does not');
}

/** An exception from an alert, proposed with proof and with what it would have covered. Nothing is written: rules are files. */
import { basename } from 'node:path';
import type { Alert } from '../alerts/alert.ts';
import type { Scope } from '../api/deps.ts';
import type { ExceptionView } from '../api/rulebook.ts';
import { type ExceptionEntry, exceptionFor } from '../authoring/exception.ts';
import { matches, prove } from '../authoring/proof.ts';
import { exceptionYaml, withException } from '../authoring/rule-edit.ts';
import { observationsOf } from '../authoring/subject.ts';
import { loadRules, type RuleFile } from '../rules/load.ts';
import type { Rule } from '../rules/rule.ts';
import { decodeLine } from '../sources/json/decoder.ts';
import { smallCaptures } from './rule-test-captures.ts';
import type { RulebookParts } from './rulebook.ts';

/** Stored alerts of the rule that are looked at, the newest. */
const ALERTS_MAX = 300;

type Store = RulebookParts['store'];

export async function proposeException(
  alert: Alert,
  rule: Rule | null,
  readFiles: () => readonly RuleFile[],
  store: Store,
  scope: Scope,
): Promise<ExceptionView> {
  const { id, title } = alert.rule;
  const place = { id, title, file: rule === null ? '' : basename(rule.file), line: rule?.line ?? 0 };
  const none = (reason: string): ExceptionView => ({
    rule: place,
    reason,
    exception: null,
    proof: null,
    covers: { alerts: 0, of: 0, more: false },
  });
  if (rule === null) return none('no rule of this id runs any more: there is nothing to except from');
  const evidence = observationsOf(alert, decodeLine).filter(observation => observation !== null);
  if (evidence.length === 0) return none('the evidence of this alert is gone or cannot be read');
  const event = evidence.findLast(observation => matches(rule, observation));
  if (event === undefined) return none('the rule as it stands now does not match what is kept of this alert');
  const entry = exceptionFor(event, `alert_${alert.id.slice(0, 12)}`);
  if (entry === null)
    return none('nothing but the workload is known of this event: an exception would silence the rule there');
  const files = readFiles();
  const before = files.find(({ file }) => file === rule.file);
  if (before === undefined) return none('the file of this rule is gone');
  const edited = withException(before.text, rule.line, entry);
  if ('problem' in edited) return none(edited.problem);
  const after: RuleFile = { file: before.file, text: edited.text };
  const shared = files.filter(({ file, text }) => file !== before.file && IS_SHARED.test(text));
  const { holds, suppressed, tests, errors } = prove(rule, before, after, shared, event, smallCaptures());
  const changed = loadRules([...shared, after], { tests: false }).rules.find(one => one.id === rule.id);
  return {
    rule: place,
    reason: '',
    exception: {
      name: entry.name,
      conditions: conditionsOf(entry),
      yaml: `exceptions:\n${indented(exceptionYaml(entry))}`,
    },
    proof: { holds, suppressed, tests, errors },
    covers: changed === undefined ? { alerts: 0, of: 0, more: false } : await covered(rule, changed, store, scope),
  };
}

/** Files that lend their lists and macros to others. */
const IS_SHARED = /^(lists|macros):/m;

const indented = (yaml: string): string => yaml.replace(/^(?=.)/gm, '  ');

const conditionsOf = ({
  fields,
  comps,
  values: [row],
}: ExceptionEntry): { field: string; comp: string; value: string }[] =>
  fields.map((field, i) => ({ field, comp: comps[i] ?? '=', value: String(row[i] ?? '') }));

/** An alert would not have been when nothing is left that could fill one of its steps. */
async function covered(rule: Rule, changed: Rule, store: Store, scope: Scope): Promise<ExceptionView['covers']> {
  const { items, next } = await store.alerts({ rule: rule.id, limit: ALERTS_MAX }, scope);
  let alerts = 0;
  for (const { id } of items) {
    // One at a time, so that whatever else waits for the program gets its turn.
    const alert = await store.alert(id, scope);
    if (alert === null) continue;
    const left = new Map<string, boolean>();
    for (const [at, observation] of observationsOf(alert, decodeLine).entries()) {
      const step = alert.evidence[at]?.step ?? '';
      const stays = observation === null || rule.excepted(observation) || !changed.excepted(observation);
      left.set(step, (left.get(step) ?? false) || stays);
    }
    if ([...left.values()].includes(false)) alerts += 1;
  }
  return { alerts, of: items.length, more: next !== null };
}

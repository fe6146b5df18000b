/** What two versions of a rule set made of the same events: alerts gained, lost and changed. */
import type { Alert } from '../alerts/alert.ts';

export interface AlertChanges {
  readonly alert: Alert;
  /** What differs, as a person would name it: `level`, `message`, `matches` … */
  readonly changes: readonly { readonly what: string; readonly before: string; readonly after: string }[];
}

export interface RuleSetDiff {
  readonly gained: readonly Alert[];
  readonly lost: readonly Alert[];
  readonly changed: readonly AlertChanges[];
  readonly unchanged: number;
}

/** Rules are the same by id; a rule without one has an id made of its content, and is the same by title. */
export function diffAlerts(before: readonly Alert[], after: readonly Alert[]): RuleSetDiff {
  const afterIds = new Set(after.map(alert => alert.rule.id));
  const beforeIds = new Set(before.map(alert => alert.rule.id));
  const ruleOf = ({ rule }: Alert): string =>
    beforeIds.has(rule.id) && afterIds.has(rule.id) ? rule.id : `title ${rule.title}`;
  const left = new Map<string, Alert[]>();
  for (const alert of after) {
    const key = `${ruleOf(alert)} ${alert.key}`;
    left.set(key, [...(left.get(key) ?? []), alert]);
  }
  const lost: Alert[] = [];
  const changed: AlertChanges[] = [];
  let unchanged = 0;
  // Those of the same instant first, so that one alert more in a row shows as gained and not as many changes.
  const open: Alert[] = [];
  const settle = (old: Alert, found: Alert): void => {
    const changes = changesOf(old, found);
    if (changes.length === 0) unchanged += 1;
    else changed.push({ alert: found, changes });
  };
  const take = (old: Alert, fits: (other: Alert) => boolean): boolean => {
    const candidates = left.get(`${ruleOf(old)} ${old.key}`) ?? [];
    const at = candidates.findIndex(fits);
    if (at < 0) return false;
    const [found] = candidates.splice(at, 1);
    settle(old, found as Alert);
    return true;
  };
  for (const old of before) if (!take(old, other => other.time === old.time)) open.push(old);
  for (const old of open) if (!take(old, () => true)) lost.push(old);
  const gained = after.filter(alert => left.get(`${ruleOf(alert)} ${alert.key}`)?.includes(alert) === true);
  return { gained, lost, changed, unchanged };
}

type Facet = readonly [what: string, read: (alert: Alert) => string];

const FACETS: readonly Facet[] = [
  ['time', alert => alert.time],
  ['title', alert => alert.rule.title],
  ['level', alert => alert.rule.level],
  ['tags', alert => alert.rule.tags.join(' ')],
  ['message', alert => alert.message],
  ['confidence', alert => alert.confidence],
  ['count', alert => String(alert.count)],
  ['process', alert => alert.process?.exec_id ?? ''],
  ['evidence', alert => alert.evidence.map(item => `${item.step} ${item.kind} ${item.time}`).join(', ')],
];

function changesOf(before: Alert, after: Alert): AlertChanges['changes'] {
  return FACETS.map(([what, read]) => ({ what, before: read(before), after: read(after) })).filter(
    change => change.before !== change.after,
  );
}

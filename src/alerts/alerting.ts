/** The alert stage: findings in, alerts and incidents out. Pure: event time only, the same findings give the same answers. */
import { gapIdentity } from '../model/gap.ts';
import { LIMITS } from '../model/limits.ts';
import { formatInstant, MICROS_PER_SECOND, type Micros, parseInstant } from '../model/time.ts';
import type { Finding } from '../rules/finding.ts';
import type { Alert, AlertChange, Gap, Incident } from './alert.ts';
import { buildAlert, MESSAGE_CHARS_MAX, TREES_MAX } from './build.ts';
import { alertId } from './identity.ts';
import { type IncidentLimits, Incidents, later, TREE_WINDOW } from './incidents.ts';
import { RecentAlerts, type Told, told } from './recent.ts';
import { RISK_DEFAULTS, type RiskFinding, type RiskOptions, RiskScores, type SavedScore } from './risk.ts';
import { cut } from './text.ts';

export interface AlertingOptions {
  /** The same rule and key within this time of the last finding counts up. Micros. */
  readonly suppress: Micros;
  /** How long after its last alert an incident still takes in alerts of its pods and of their peers. Micros. */
  readonly incidentWindow: Micros;
  /** How weak signs add up; without it as by default. */
  readonly risk?: RiskOptions;
}

const ALERTING_DEFAULTS: AlertingOptions = {
  suppress: 5 * 60 * MICROS_PER_SECOND,
  incidentWindow: 30 * 60 * MICROS_PER_SECOND,
};

const COUNTING_MAX = 20_000;

/** An alert on which further findings of the same rule and key count up. */
interface Counting {
  readonly told: Told;
  last: Micros;
  /** Id that the last finding would have as an alert: the same one again (a retry) does not count. */
  lastId: string;
  /** Of a restored alert: what it had counted up to; findings until then are repeats of a source. '' otherwise. */
  counted: string;
}

export class Alerting {
  readonly #options: AlertingOptions;
  readonly #incidents: Incidents;
  readonly #risk: RiskScores;
  #savedChanges = 0;
  /** By rule and key, longest untouched first. */
  readonly #counting = new Map<string, Counting>();
  readonly #recent = new RecentAlerts();

  /** `limits`: other bounds than the usual ones, for tests. */
  constructor(options: AlertingOptions = ALERTING_DEFAULTS, limits?: IncidentLimits) {
    this.#options = options;
    this.#incidents = new Incidents(options.incidentWindow, limits);
    this.#risk = new RiskScores(options.risk ?? RISK_DEFAULTS);
  }

  /** Scores of process trees, pods and workloads that were dropped at a limit. */
  get evictedScores(): number {
    return this.#risk.evicted;
  }

  /** Incidents that stopped growing early because there were too many at once. */
  get evictedIncidents(): number {
    return this.#incidents.evicted;
  }

  /**
   * What becomes of a finding, then of the weak signs that it completes. Findings must come in the order in which detection
   * made them. `gaps`: the known ones of the recent past.
   */
  accept(finding: Finding, gaps: readonly Gap[]): AlertChange[] {
    const change = this.#accept(finding, gaps, null);
    const risen = this.#risk.add(finding, change.alert.id);
    return risen === null ? [change] : [change, this.#accept(risen.finding, gaps, risen)];
  }

  /** Scores as kept over restarts, or null when there is nothing new since the last call. */
  saveScores(): readonly SavedScore[] | null {
    if (this.#risk.changes === this.#savedChanges) return null;
    this.#savedChanges = this.#risk.changes;
    return this.#risk.save();
  }

  /** Before the first finding. `before`: time of the first event that is lived through again. */
  restoreScores(saved: readonly SavedScore[], before: Micros): void {
    this.#risk.restore(saved, before);
  }

  /**
   * Alerts whose evidence lies in a period in which events were lost, as a report says that comes after them. `gap`: the whole
   * of what is lost there by now; `from` and `to`: what the report adds to it.
   */
  amend({ gap, from, to }: { readonly gap: Gap; readonly from: string; readonly to: string }): AlertChange[] {
    const changes: AlertChange[] = [];
    for (const each of this.#recent.within({ node: gap.node, from, to })) {
      const gaps = each.amended < LIMITS.amendmentsPerAlertMax ? withGap(each.alert.gaps, gap) : null;
      if (gaps === null) continue;
      each.amended++;
      each.alert = { ...each.alert, incomplete: true, gaps };
      changes.push(changed('amended', each.alert, null));
    }
    return changes;
  }

  /** Goes through a finding that is stored already: only scores still have to know of it. */
  relive(finding: Finding): void {
    const counting = this.#counting.get(suppressionKey(finding.rule.id, finding.key));
    this.#risk.add(finding, counting?.told.alert.id ?? alertId(finding));
  }

  #accept(finding: Finding, gaps: readonly Gap[], risen: RiskFinding | null): AlertChange {
    const key = suppressionKey(finding.rule.id, finding.key);
    const counting = this.#counting.get(key);
    if (counting !== undefined && finding.time - counting.last < this.#options.suppress) {
      return this.#count(key, counting, finding);
    }
    const built = risen === null ? buildAlert(finding, gaps) : withRisk(buildAlert(finding, gaps), risen);
    const joined = this.#incidents.join(built);
    const alert = joined.incident === null ? built : { ...built, incident_id: joined.incident.id };
    this.#follow(joined.attached, joined.merged, joined.incident);
    this.#keep(key, { told: this.#remember(alert), last: finding.time, lastId: alert.id, counted: '' });
    return { type: 'new', alert, ...joined };
  }

  /**
   * Goes on from what is stored: alerts of the last day in commit order (see `restoreSince`), and their incidents.
   * `exact`: the findings to come begin right after those that are stored; otherwise a source may repeat some of them, and
   * findings at or before an alert's `last_seen` are taken for repeats.
   */
  restore(stored: { readonly alerts: readonly Alert[]; readonly incidents: readonly Incident[] }, exact = false): void {
    this.#incidents.restore(stored.alerts, stored.incidents);
    const remembered = new Map(stored.alerts.map(alert => [alert.id, this.#remember(alert)]));
    const entries = stored.alerts.map(alert => ({ alert, last: parseInstant(alert.last_seen)?.time ?? 0 }));
    for (const { alert, last } of entries.sort((a, b) => a.last - b.last)) {
      const key = suppressionKey(alert.rule.id, alert.key);
      this.#keep(key, {
        told: remembered.get(alert.id)!,
        last,
        lastId: alert.id,
        counted: exact ? '' : alert.last_seen,
      });
    }
  }

  #count(key: string, counting: Counting, finding: Finding): AlertChange {
    const id = alertId(finding);
    const seen = formatInstant(finding.time, finding.ns);
    if (id !== counting.lastId && seen > counting.counted) {
      const { alert } = counting.told;
      counting.told.alert = { ...alert, count: alert.count + 1, last_seen: later(seen, alert.last_seen) };
      counting.lastId = id;
    }
    counting.last = Math.max(counting.last, finding.time);
    this.#keep(key, counting);
    const { alert } = counting.told;
    return changed('counted', alert, this.#incidents.touch(alert));
  }

  /** Alerts that still count must name the incident that has taken them over. */
  #follow(attached: readonly string[], merged: readonly Incident[], incident: Incident | null): void {
    if (incident === null || (attached.length === 0 && merged.length === 0)) return;
    const move = (each: Told): void => {
      each.alert = { ...each.alert, incident_id: incident.id };
    };
    for (const id of attached) {
      const each = this.#recent.get(id);
      if (each !== undefined) move(each);
    }
    if (merged.length === 0) return;
    const gone = new Set(merged.map(other => other.id));
    for (const each of this.#recent.all()) if (gone.has(each.alert.incident_id)) move(each);
    for (const { told: each } of this.#counting.values()) if (gone.has(each.alert.incident_id)) move(each);
  }

  #remember(alert: Alert): Told {
    const one = told(alert);
    this.#recent.add(one);
    return one;
  }

  #keep(key: string, counting: Counting): void {
    this.#counting.delete(key);
    this.#counting.set(key, counting);
    // By number alone: also those too old to count tell a source that repeats itself after a restart.
    if (this.#counting.size > COUNTING_MAX) this.#counting.delete(this.#counting.keys().next().value!);
  }
}

/** An alert about weak signs takes in those of every tree that contributed. */
function withRisk(alert: Alert, { risk, trees }: RiskFinding): Alert {
  return {
    ...alert,
    message: cut(risk.message, MESSAGE_CHARS_MAX),
    trees: [...new Set([...alert.trees, ...trees])].slice(0, TREES_MAX),
    risk,
  };
}

/** Null when the gap is known to be there just so, or when there is no room for it. */
function withGap(gaps: readonly Gap[], gap: Gap): readonly Gap[] | null {
  const identity = gapIdentity(gap);
  const at = gaps.findIndex(other => gapIdentity(other) === identity);
  const before = gaps[at];
  if (before === undefined) return gaps.length < LIMITS.gapsPerAlertMax ? [...gaps, gap] : null;
  return before.to === gap.to && before.count === gap.count ? null : gaps.with(at, gap);
}

/** No new alert: one that counts up, that was known with all that it counts, or that turned out to be incomplete. */
function changed(type: 'counted' | 'amended', alert: Alert, incident: Incident | null): AlertChange {
  return { type, alert, incident, attached: [], merged: [] };
}

/** How far back stored alerts still matter to `restore`, given the instant of the newest (RFC 3339). */
export function restoreSince(newest: string): string {
  return formatInstant(Math.max(0, (parseInstant(newest)?.time ?? 0) - TREE_WINDOW));
}

function suppressionKey(rule: string, key: string): string {
  return `${rule}\u0000${key}`;
}

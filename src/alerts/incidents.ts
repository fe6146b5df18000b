/**
 * Which alerts belong together: those of one process tree, of one pod within a window, of two pods that an alert's flow
 * connects, and of a host after a pod broke out onto it. Sees alerts only (not the engine's objects), so that it can go on from
 * stored ones after a restart. A full incident takes no new alerts: another one opens that says which it continues.
 */
import { LIMITS } from '../model/limits.ts';
import { MICROS_PER_SECOND, type Micros, parseInstant } from '../model/time.ts';
import { type Alert, type Incident, LEVELS } from './alert.ts';
import { incidentId } from './identity.ts';
import { type Open, OpenIncidents, type OpenLimits } from './open-incidents.ts';
import { addPart, headline, opensIncident, partOf, podOfAlert, severity } from './story.ts';

/** A tree's alerts belong together for a day, however slow its attacker: a main process may live for months. */
export const TREE_WINDOW: Micros = 24 * 3_600 * MICROS_PER_SECOND;

export interface IncidentLimits extends OpenLimits {
  readonly incidentsMax: number;
  readonly alertsPerIncidentMax: number;
  readonly incidentAgeSecondsMax: number;
  readonly textsPerIncidentMax: number;
  readonly contextTreesMax: number;
  readonly contextAlertsPerTreeMax: number;
}

export interface Joined {
  readonly incident: Incident | null;
  readonly attached: readonly string[];
  readonly merged: readonly Incident[];
}

const ALONE: Joined = { incident: null, attached: [], merged: [] };

const micros = (text: string): Micros => parseInstant(text)?.time ?? 0;
/** Of two instants as text; a numeric maximum would not do. */
export const later = (a: string, b: string): string => (a < b ? b : a);
const earlier = (a: string, b: string): string => (b < a ? b : a);

export class Incidents {
  readonly #open: OpenIncidents;
  /** Alerts below `medium` without incident, by tree, oldest first. */
  readonly #context = new Map<string, Alert[]>();
  readonly #window: Micros;
  readonly #limits: IncidentLimits;
  #now: Micros = 0;
  /** Incidents that stopped growing before their time, because there were too many. */
  evicted = 0;

  constructor(window: Micros, limits: IncidentLimits = LIMITS) {
    this.#window = window;
    this.#limits = limits;
    this.#open = new OpenIncidents(window, limits);
  }

  /** Finds, opens or merges the incident of a new alert. */
  join(alert: Alert): Joined {
    const time = micros(alert.time);
    this.#advance(time);
    const candidates = this.#open.candidates(alert, time);
    const [winner, ...others] = candidates.filter(open => !this.#isFull(open, time));
    if (winner !== undefined) {
      // Context may touch two incidents, and must not join them.
      const joined = opensIncident(alert) ? others.filter(other => this.#fits(winner, other)) : [];
      const merged = joined.map(other => this.#merge(winner, other));
      return this.#grow(winner, alert, time, merged);
    }
    if (!opensIncident(alert)) {
      this.#keepContext(alert);
      return ALONE;
    }
    const [full] = candidates;
    const opened = this.#create(alert, full?.incident.id ?? '');
    if (full !== undefined) this.#open.succeed(full, opened);
    return this.#grow(opened, alert, time, []);
  }

  /** A counted alert keeps its incident alive; null when it has none, or one that no longer grows. */
  touch(alert: Alert): Incident | null {
    const time = micros(alert.last_seen);
    this.#advance(time);
    const open = this.#open.find(alert.incident_id);
    if (open === undefined) return null;
    open.incident = { ...open.incident, last_seen: later(open.incident.last_seen, alert.last_seen) };
    this.#open.index(open, alert, time);
    return open.incident;
  }

  /** What was stored, alerts in commit order: as if it had seen them itself. */
  restore(alerts: readonly Alert[], incidents: readonly Incident[]): void {
    const known = incidents.filter(({ state }) => state !== 'merged');
    for (const incident of known) this.#open.add({ ...incident, state: 'open' });
    for (const { id, continues } of known) {
      const full = continues === '' ? undefined : this.#open.find(continues);
      const next = this.#open.find(id);
      if (full !== undefined && next !== undefined && full !== next) this.#open.succeed(full, next);
    }
    for (const alert of alerts) {
      const time = micros(alert.last_seen);
      this.#now = Math.max(this.#now, time);
      const open = this.#open.find(alert.incident_id);
      if (open !== undefined) {
        this.#open.index(open, alert, time);
        if (opensIncident(alert) && open.incident.id === alert.incident_id) addPart(open.parts, partOf(alert));
      } else if (alert.incident_id === '' && !opensIncident(alert)) this.#keepContext(alert);
    }
    this.#open.sortByAge();
    this.#advance(this.#now);
  }

  #isFull({ incident }: Open, time: Micros): boolean {
    const { alertsPerIncidentMax, incidentAgeSecondsMax } = this.#limits;
    if (incident.alert_count >= alertsPerIncidentMax) return true;
    return time - micros(incident.first_seen) > incidentAgeSecondsMax * MICROS_PER_SECOND;
  }

  /** Whether there is room for both and the alert that joins them. What continues another stays where its line leads. */
  #fits(winner: Open, other: Open): boolean {
    if (other.incident.continues !== '') return false;
    return winner.incident.alert_count + other.incident.alert_count < this.#limits.alertsPerIncidentMax;
  }

  #create(alert: Alert, continues: string): Open {
    return this.#open.add({
      id: incidentId(alert.id),
      state: 'open',
      level: alert.rule.level,
      title: '',
      first_seen: alert.time,
      last_seen: alert.last_seen,
      alert_count: 0,
      cluster: alert.cluster,
      pods: [],
      namespace: '',
      workload: '',
      rules: [],
      tags: [],
      merged_into: '',
      continues,
    });
  }

  #grow(open: Open, alert: Alert, time: Micros, merged: readonly Incident[]): Joined {
    const found = new Set<Alert>();
    for (const tree of alert.trees) {
      for (const context of this.#context.get(tree) ?? []) {
        if (time - micros(context.last_seen) <= this.#window) found.add(context);
      }
      this.#context.delete(tree);
    }
    const room = this.#limits.alertsPerIncidentMax - open.incident.alert_count - 1;
    const attached = [...found]
      .sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0))
      .slice(0, Math.max(0, room));
    for (const each of [...attached, alert]) this.#count(open, each, micros(each.last_seen));
    return { incident: open.incident, attached: attached.map(each => each.id), merged };
  }

  #count(open: Open, alert: Alert, time: Micros): void {
    const before = open.incident;
    const pod = podOfAlert(alert);
    const context = !opensIncident(alert);
    this.#open.index(open, alert, time);
    if (!context) addPart(open.parts, partOf(alert));
    open.incident = {
      ...before,
      level: severity(alert.rule.level) > severity(before.level) ? alert.rule.level : before.level,
      title: headline(open.parts),
      // Context is what led to an incident, not when it began.
      first_seen: context ? before.first_seen : earlier(before.first_seen, alert.time),
      last_seen: later(before.last_seen, alert.last_seen),
      alert_count: before.alert_count + 1,
      cluster: before.cluster || alert.cluster,
      pods: pod === '' ? before.pods : this.#union(before.pods, [pod]),
      namespace: before.namespace || (alert.pod?.namespace ?? ''),
      workload: before.workload || (alert.pod?.workload ?? ''),
      rules: this.#union(before.rules, [alert.rule.title]),
      tags: this.#union(before.tags, alert.rule.tags),
    };
  }

  #union(a: readonly string[], b: readonly string[]): readonly string[] {
    const added = b.filter(text => !a.includes(text));
    return added.length === 0 ? a : [...a, ...added].slice(0, this.#limits.textsPerIncidentMax);
  }

  /** `other` becomes part of `winner`, visibly: answers what is left of it. */
  #merge(winner: Open, other: Open): Incident {
    const into = winner.incident;
    const from = other.incident;
    this.#open.hand(other, winner);
    for (const part of other.parts) addPart(winner.parts, part);
    winner.incident = {
      ...into,
      level: LEVELS[Math.max(severity(into.level), severity(from.level))]!,
      title: headline(winner.parts),
      first_seen: earlier(into.first_seen, from.first_seen),
      last_seen: later(into.last_seen, from.last_seen),
      alert_count: into.alert_count + from.alert_count,
      cluster: into.cluster || from.cluster,
      pods: this.#union(into.pods, from.pods),
      namespace: into.namespace || from.namespace,
      workload: into.workload || from.workload,
      rules: this.#union(into.rules, from.rules),
      tags: this.#union(into.tags, from.tags),
    };
    return { ...from, state: 'merged', merged_into: into.id, alert_count: 0 };
  }

  #keepContext(alert: Alert): void {
    for (const tree of alert.trees) {
      const kept = this.#context.get(tree) ?? [];
      this.#context.delete(tree);
      this.#context.set(tree, [...kept, { ...alert, evidence: [] }].slice(-this.#limits.contextAlertsPerTreeMax));
    }
    while (this.#context.size > this.#limits.contextTreesMax) {
      this.#context.delete(this.#context.keys().next().value!);
    }
  }

  /** Lets go of incidents that nothing can join any more, and of the longest untouched beyond the bound. */
  #advance(time: Micros): void {
    this.#now = Math.max(this.#now, time);
    const horizon = this.#now - Math.max(TREE_WINDOW, this.#window);
    for (const open of this.#open.all()) {
      const tooMany = this.#open.size > this.#limits.incidentsMax;
      if (open.last >= horizon && !tooMany) break;
      if (open.last >= horizon) this.evicted++;
      this.#open.forget(open);
    }
  }
}

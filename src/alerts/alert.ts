/** Alert and incident as stored, sent and printed: the JSON of the command line's contract. Fields may be added, never renamed. */
import type { Attribution, PeerKind } from '../model/connection.ts';
import type { Gap } from '../model/gap.ts';
import type { Level } from '../rules/rule.ts';

export type { Gap } from '../model/gap.ts';
export { LEVELS, type Level } from '../rules/rule.ts';

export interface AlertProcess {
  readonly exec_id: string;
  readonly pid: number;
  readonly binary: string;
  readonly arguments: string;
  readonly uid: number | null;
  readonly cwd: string;
  /** RFC 3339, nine fraction digits; null when only its id is known. */
  readonly start_time: string | null;
}

export interface AlertEndpoint {
  readonly ip: string;
  readonly port: number;
  /** `namespace/name` or null. */
  readonly pod: string | null;
  readonly names: readonly string[];
  readonly kind: PeerKind;
}

export interface AlertFlow {
  readonly time: string;
  readonly attribution: Attribution;
  readonly protocol: string;
  /** The connection's client and server, whichever way this packet went. */
  readonly source: AlertEndpoint;
  readonly destination: AlertEndpoint;
  readonly verdict: string;
  /** exec_id of the attributed process, or null. */
  readonly exec_id: string | null;
}

export interface AlertEvidence {
  readonly kind: string;
  readonly time: string;
  readonly step: string;
  /** The record as the sensor's export prints it. */
  readonly raw: unknown;
}

export interface AlertRule {
  readonly id: string;
  readonly title: string;
  readonly level: Level;
  readonly tags: readonly string[];
  readonly author: string;
  readonly description: string;
  readonly runbook: string;
  readonly references: readonly string[];
}

/** What collects points: a process tree, a pod (`namespace/name`) or a workload (`namespace/name`). */
export type RiskScope = 'process_tree' | 'pod' | 'workload';

/** One weak sign that added to a score. */
export interface RiskContribution {
  readonly time: string;
  /** The alert that tells of it. */
  readonly alert_id: string;
  readonly rule: { readonly id: string; readonly title: string; readonly level: Level };
  /** What it added then; a rule that repeats itself adds less each time. */
  readonly points: number;
  readonly process: { readonly exec_id: string; readonly pid: number; readonly binary: string } | null;
  readonly pod: string | null;
}

/** Weak signs that together passed the threshold. */
export interface AlertRisk {
  readonly scope: RiskScope;
  /** exec_id of the tree's root, or the name of the pod or workload. */
  readonly name: string;
  /** Points when it crossed the threshold, decayed. */
  readonly score: number;
  readonly threshold: number;
  readonly message: string;
  /** Oldest first. */
  readonly contributions: readonly RiskContribution[];
}

export interface Alert {
  /** Hex; the same for the same evidence and rule content, on every run. */
  readonly id: string;
  readonly time: string;
  readonly rule: AlertRule;
  /** '' for an alert below `medium` that no incident has taken in (yet). */
  readonly incident_id: string;
  /** Correlation key of the finding: the same rule and key within `suppress` count up on this alert. */
  readonly key: string;
  /** exec_ids of the roots (inside their container) of the process trees that it touches: what incidents are joined by. */
  readonly trees: readonly string[];
  /** Time of its earliest evidence: with `time`, the window in which a gap makes it incomplete. */
  readonly first_seen: string;
  /** Id of the silence for which nobody was told of it; absent when there was none. The store adds it. */
  readonly silenced?: string;
  /** Findings behind it: grows while the same rule and key fire again within `suppress`. */
  readonly count: number;
  readonly last_seen: string;
  readonly confidence: 'high' | 'low';
  readonly incomplete: boolean;
  readonly gaps: readonly Gap[];
  readonly cluster: string;
  readonly node: string;
  readonly pod: {
    readonly namespace: string;
    readonly name: string;
    readonly workload: string;
    readonly workload_kind: string;
    readonly labels: Readonly<Record<string, string>>;
  } | null;
  readonly container: {
    readonly id: string;
    readonly name: string;
    readonly image: string;
    /** When the container, or else its first process, started; null when not known. */
    readonly start_time: string | null;
  } | null;
  readonly process: AlertProcess | null;
  /** Nearest first. */
  readonly ancestors: readonly AlertProcess[];
  readonly flows: readonly AlertFlow[];
  /** Step id → index into `evidence` (the first event of that step). */
  readonly steps: Readonly<Record<string, { readonly event: number }>>;
  readonly evidence: readonly AlertEvidence[];
  readonly message: string;
  /** Set when weak signs added up to it. */
  readonly risk?: AlertRisk | undefined;
}

/** `merged`: it turned out to be part of an older incident, `merged_into`, which has taken over its alerts. */
export type IncidentState = 'open' | 'acknowledged' | 'resolved' | 'merged';

export interface Incident {
  /** Hex, derived from its first alert: the same on every run. */
  readonly id: string;
  readonly state: IncidentState;
  readonly level: Level;
  /** Headline in one sentence. */
  readonly title: string;
  readonly first_seen: string;
  readonly last_seen: string;
  readonly alert_count: number;
  readonly cluster: string;
  /** `namespace/name` of every pod in it, first seen first. */
  readonly pods: readonly string[];
  readonly namespace: string;
  readonly workload: string;
  /** Distinct rule titles, first fired first. */
  readonly rules: readonly string[];
  readonly tags: readonly string[];
  /** Id of the incident that took it in when `state` is `merged`, else ''. */
  readonly merged_into: string;
  /** Id of the full incident that this one goes on for, else ''. */
  readonly continues: string;
  /** Who set its state last, when (RFC 3339) and why; absent while nobody has, or when it is long ago. The store adds it. */
  readonly changed?: { readonly by: string; readonly at: string; readonly reason: string };
}

/**
 * What the alert stage decided about one finding. `new`: an alert; `counted`: an earlier one's `count` and `last_seen` grew;
 * `amended`: events were lost in the window of an earlier one, whose `incomplete` and `gaps` say so now.
 * The stage knows no people: `incident.state` is `open`, the store keeps what people made of it.
 */
export interface AlertChange {
  readonly type: 'new' | 'counted' | 'amended';
  readonly alert: Alert;
  /** The incident after this change; null for a context alert without one, and when nothing about it has changed. */
  readonly incident: Incident | null;
  /** Ids of earlier context alerts that belong to `incident` from now on. */
  readonly attached: readonly string[];
  /** Incidents that turned out to be part of `incident`: state `merged`; all their alerts belong to `incident` now. */
  readonly merged: readonly Incident[];
}

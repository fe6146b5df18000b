/** What a helper is asked to play, and what it tells of it. */
import type { AlertingOptions } from '../../alerts/alerting.ts';
import type { RuleChoice } from '../../rule-files.ts';

export interface NamedFile {
  /** Where it is. */
  readonly path: string;
  /** What its owner calls it: shown, never opened. */
  readonly name: string;
}

export type ReplayInput =
  | { readonly type: 'files'; readonly files: readonly NamedFile[] }
  /** What the flight recorder of a database holds from a time on. */
  | { readonly type: 'recorder'; readonly database: string; readonly minutes: number };

export type ReplayRules =
  | { readonly type: 'chosen'; readonly choice: RuleChoice }
  /** A rule that somebody writes, with what is shared by the chosen. */
  | { readonly type: 'text'; readonly text: string; readonly choice: RuleChoice };

export interface PlayLimits {
  readonly bytesInflatedMax: number;
  readonly eventsMax: number;
  readonly playMsMax: number;
  /** Of the helper: heap and buffers. */
  readonly memoryBytesMax: number;
  /** Of alerts with their evidence. */
  readonly storeBytesMax: number;
}

export interface ReplayOrder {
  readonly input: ReplayInput;
  readonly rules: ReplayRules;
  readonly alerting: AlertingOptions;
  /** Of its own: the alerts go there. */
  readonly folder: string;
  readonly limits: PlayLimits;
}

export interface ReplayCounts {
  readonly events: Readonly<Record<string, number>>;
  /** Inflated. */
  readonly bytes: number;
  readonly malformed: number;
  readonly unknown_kinds: number;
  /** Known to be lost: by the sensors, or with the end of a damaged file. */
  readonly lost: number;
  /** After a later one in their file; used all the same. */
  readonly late: number;
  readonly alerts: number;
  readonly from: string | null;
  readonly to: string | null;
  /** Spent so far. */
  readonly seconds: number;
}

export interface ReplayResult {
  /** Why it did not play all; '' when it did. */
  readonly stopped: string;
  readonly rules: number;
  readonly incidents: number;
  readonly quarantined: readonly { readonly place: string; readonly reason: string; readonly bytes: string }[];
  /** Those with most processes first. */
  readonly pods: readonly { readonly pod: string; readonly processes: number }[];
  readonly pods_total: number;
  /** What each rule cost; of a rule that is tried alone. */
  readonly costs: readonly {
    readonly rule: string;
    readonly title: string;
    readonly evaluated: number;
    readonly matched: number;
    readonly findings: number;
    readonly seconds: number;
    readonly error: string;
  }[];
  /** Why a rule that is tried made no alert, line by line. */
  readonly nearest: readonly string[];
}

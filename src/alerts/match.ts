/** Which alerts are meant: in routes of the configuration and in silences alike. */
import type { Level } from '../rules/rule.ts';

type Patterns = readonly string[] | undefined;

/** All that is given must hold; a list means any of it; `*` and `?` are wildcards. What hosts do not have never matches them. */
export interface AlertMatch {
  readonly level?: readonly Level[] | undefined;
  /** Id or title. */
  readonly rule?: Patterns;
  readonly tag?: Patterns;
  readonly namespace?: Patterns;
  readonly workload?: Patterns;
  /** Name of the pod. */
  readonly pod?: Patterns;
  readonly label?: Readonly<Record<string, readonly string[]>> | undefined;
  readonly cluster?: Patterns;
}

/** What became of each rule that was written for another engine: a row a rule, whatever its format. */

/** Why a rule that could run does not. */
export const SWITCHED_OFF = 'switched off by enabled: false';

export type ImportFormat = 'sigma' | 'falco' | 'spoor';

/**
 * `native` runs as it is; `needs` runs once the sensor settings or policies of its reasons are there; `unsupported` cannot run, each
 * reason says what and where (`… at file:line:column`); `skipped` is for another product or switched off.
 */
export type ImportStatus = 'native' | 'needs' | 'unsupported' | 'skipped';

export interface ImportRow {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly title: string;
  readonly id: string;
  readonly format: ImportFormat;
  readonly status: ImportStatus;
  /** One a line for people; those that begin with `approximates: ` do not keep a rule from running. */
  readonly reasons: readonly string[];
}

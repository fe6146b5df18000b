/** What became of each Sigma document: for the import report and for the counts of a start. */
import type { SigmaKind } from './document.ts';

/**
 * `native`: runs as it is. `needs`: runs once the sensors report what it reads. `unsupported`: asks for what they never report, or
 * for what Spoor does not do. `skipped`: meant for another product, or given up by its authors. `broken`: not a valid Sigma document.
 */
export type SigmaStatus = 'native' | 'needs' | 'unsupported' | 'skipped' | 'broken';

export interface SigmaReason {
  readonly text: string;
  /** Both count from 1. */
  readonly line: number;
  readonly column: number;
}

export interface SigmaOutcome {
  readonly file: string;
  readonly line: number;
  readonly title: string;
  readonly id: string;
  readonly kind: SigmaKind;
  readonly status: SigmaStatus;
  /** For `needs` the sensor settings; empty for `native`. */
  readonly reasons: readonly SigmaReason[];
  /** Of what runs: where it gets something near to what it asks for. */
  readonly approximates: readonly SigmaReason[];
}

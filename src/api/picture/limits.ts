/** What one picture may hold. Everything beyond is folded and counted, and opens in pages. */

export const PICTURE_LIMITS = {
  /** Processes that are read for one picture; those behind alerts come first. */
  processesMax: 20_000,
  /** Rows that are drawn unasked. */
  rowsMax: 400,
  /** Rows that are drawn unasked when evidence, what leads to it, and late processes need them. */
  pinnedRowsMax: 1_000,
  /** Rows, whatever was opened. */
  openedRowsMax: 3_000,
  /** Rows of a pod that the subject reached, unasked. */
  peerRowsMax: 12,
  /** Children that one opening shows. */
  page: 100,
  /** Pods and hosts with a tree of their own. */
  groupsMax: 60,
  /** Pods that the subject reached and whose trees stand beside it. */
  peersMax: 6,
  /** Destinations that have a node of their own. */
  endsMax: 150,
  /** Destinations that leave a fold when it is opened. */
  openedEndsMax: 600,
  /** Destinations that are alike fold from this number on. */
  alikeMin: 6,
  /** Lines of one row to nodes of their own. */
  linesPerRowMax: 12,
  /** Lines of one picture. */
  linesMax: 500,
  /** Connections that a line tells one by one, and destinations that a folded one names. */
  samplesMax: 20,
  /** Connections that all lines of one picture tell, those of evidence first. */
  allSamplesMax: 300,
  /** Processes that a fold tells one by one. */
  membersMax: 20,
  /** Siblings that say the same fold from this number on. */
  foldMin: 3,
  /** Folds that can be open. */
  cursorsMax: 200,
  ticksMax: 600,
  gapsMax: 200,
  /** Alerts that are read with their evidence. */
  alertsMax: 200,
} as const;

export type PictureLimits = { readonly [key in keyof typeof PICTURE_LIMITS]: number };

/** A process that starts this long after its container is nothing that the image does by itself. */
export const LATE_SECONDS = 60;

/** Sizes of the picture’s parts in CSS pixels. */
export const SIZE = {
  row: 24,
  head: 46,
  /** A character of the picture's 12 px monospaced type. */
  char: 7.23,
  indent: 18,
  /** Left of a row's text: badge and toggle. */
  lead: 44,
  /** Right of a row's text: pid, uid and age. */
  trail: 178,
  destination: 40,
  gap: 28,
  gutter: 150,
  margin: 16,
} as const;

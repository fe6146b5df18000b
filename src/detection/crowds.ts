/** Which of the things that must be so a rule is indexed by: the one that the fewest other rules wait for. */
import { weight } from '../rules/hints.ts';
import type { IndexHint, Matcher } from '../rules/rule.ts';

/** Points that a hint loses with each doubling of the rules that wait for the same literal. */
const POINTS_PER_DOUBLING = 10;
/** Fewer rules than this are tried faster than anything about them is found out. */
const CROWD_MIN = 8;

export class Crowds {
  readonly #sizes = new Map<string, number>();

  constructor(matchers: readonly Matcher[]) {
    for (const { hints, alternatives } of matchers) {
      // A literal of two alternatives of one rule is still one rule that waits for it.
      const keys = new Set<string>();
      for (const list of [hints ?? [], ...(alternatives ?? [])]) for (const hint of list) addKeys(hint, keys);
      for (const key of keys) this.#sizes.set(key, (this.#sizes.get(key) ?? 0) + 1);
    }
  }

  /** The list to index the matcher by; null when nothing must be so. `isUsable`: whether a list can be indexed at all. */
  choose(
    { hints, alternatives }: Matcher,
    isUsable: (hints: readonly IndexHint[]) => boolean,
  ): readonly IndexHint[] | null {
    if (hints === null) return null;
    let best: readonly IndexHint[] | null = null;
    let bestPoints = Number.NEGATIVE_INFINITY;
    for (const list of [hints, ...(alternatives ?? [])]) {
      if (!isUsable(list)) continue;
      const points = weight(list) - POINTS_PER_DOUBLING * Math.log2(Math.max(1, this.#largest(list) / CROWD_MIN));
      if (points <= bestPoints) continue;
      best = list;
      bestPoints = points;
    }
    return best;
  }

  #largest(list: readonly IndexHint[]): number {
    const keys = new Set<string>();
    for (const hint of list) addKeys(hint, keys);
    let largest = 1;
    for (const key of keys) largest = Math.max(largest, this.#sizes.get(key) ?? 1);
    return largest;
  }
}

function addKeys({ field, match, literals }: IndexHint, keys: Set<string>): void {
  if (match === 'present') keys.add(`${field} present`);
  for (const literal of literals) keys.add(`${field} ${match} ${literal}`);
}

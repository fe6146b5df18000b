/** The nearest right word for a wrong one. */

const WORD_CHARS_MAX = 64;

/** Edit distance with adjacent transpositions counted as one, over at most `WORD_CHARS_MAX` characters. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min(previous[j]! + 1, row[j - 1]! + 1, previous[j - 1]! + change);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, before[j - 2]! + 1);
      row.push(best);
    }
    before = previous;
    previous = row;
  }
  return previous[b.length]!;
}

/** The candidate closest to `word`, or null when none is close enough to be what was meant: `most` changes by default a third of it. */
export function nearest(
  word: string,
  candidates: Iterable<string>,
  most = Math.max(1, Math.floor(Math.min(word.length, WORD_CHARS_MAX) / 3)),
): string | null {
  const wanted = word.slice(0, WORD_CHARS_MAX).toLowerCase();
  let best: string | null = null;
  let least = most + 1;
  for (const candidate of candidates) {
    const found = distance(wanted, candidate.slice(0, WORD_CHARS_MAX).toLowerCase());
    if (found < least) {
      least = found;
      best = candidate;
    }
  }
  return best;
}

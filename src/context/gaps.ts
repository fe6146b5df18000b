/** Periods in which events are known to be lost: an alert whose window overlaps one says so. */
import type { StreamFact } from '../model/event.ts';
import { type Gap, gapIdentity } from '../model/gap.ts';
import { formatInstant, MICROS_PER_SECOND, type Micros } from '../model/time.ts';

interface OpenGap {
  readonly source: string;
  readonly node: string;
  readonly reason: string;
  readonly from: Micros;
  to: Micros;
  count: number;
}

/** A gap that began or grew, and the period that it covers since then. */
export interface Loss {
  readonly gap: Gap;
  readonly from: string;
  readonly to: string;
}

const GAPS_MAX = 1_000;
/** Losses this close together are one gap: floods of tens of thousands a second must stay a few records. */
const GAP_JOIN: Micros = 10 * MICROS_PER_SECOND;
/** How many of the newest gaps a loss may join: several sources lose at once. */
const GAP_SEARCH = 16;
/** Gaps that changed and were not asked for: more than what is known now can never be of use. */
const CHANGED_MAX = GAPS_MAX;

export class Gaps {
  private readonly open: OpenGap[] = [];
  private plain: readonly Gap[] | null = null;
  /** By identity, longest unchanged first. */
  private readonly changed = new Map<string, Gap>();
  lost = 0;

  /** Null when nothing was lost. */
  observe(fact: StreamFact): Loss | null {
    if (fact.kind === 'node_status') return null;
    this.plain = null;
    this.lost += fact.count;
    const reason = fact.kind === 'lost_events' ? fact.reason : fact.kind;
    const joined = this.find(fact, reason);
    if (joined === null) {
      const { sensor: source, node, from, count } = fact;
      const gap = { source, node, reason, from, to: Math.max(from, fact.to), count };
      this.open.push(gap);
      if (this.open.length > GAPS_MAX) this.open.shift();
      return this.loss(gap, gap.from, gap.to);
    }
    // What lies between two losses that are one gap counts as lost too.
    const from = Math.min(fact.from, joined.to);
    joined.count += fact.count;
    joined.to = Math.max(joined.to, fact.to);
    return this.loss(joined, from, Math.max(from, fact.to));
  }

  /** Oldest first. */
  all(): readonly Gap[] {
    this.plain ??= this.open.map(plain);
    return this.plain;
  }

  /** Those that began or grew since the last call, as they are now. */
  takeChanged(): Gap[] {
    const gaps = [...this.changed.values()];
    this.changed.clear();
    return gaps;
  }

  /** The gap that a loss makes grow. It never grows backwards: when it began is what it is known by. */
  private find(fact: StreamFact, reason: string): OpenGap | null {
    const { open } = this;
    for (let i = open.length - 1; i >= Math.max(0, open.length - GAP_SEARCH); i--) {
      const gap = open[i] as OpenGap;
      if (gap.source !== fact.sensor || gap.node !== fact.node || gap.reason !== reason) continue;
      if (fact.from >= gap.from && fact.from - gap.to <= GAP_JOIN) return gap;
    }
    return null;
  }

  private loss(open: OpenGap, from: Micros, to: Micros): Loss {
    const gap = plain(open);
    const identity = gapIdentity(gap);
    this.changed.delete(identity);
    this.changed.set(identity, gap);
    if (this.changed.size > CHANGED_MAX) this.changed.delete(this.changed.keys().next().value as string);
    return { gap, from: formatInstant(from), to: formatInstant(to) };
  }
}

function plain({ source, node, reason, from, to, count }: OpenGap): Gap {
  return { source, node, reason, from: formatInstant(from), to: formatInstant(to), count };
}

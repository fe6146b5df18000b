/** Periods in which events are known to be lost: an alert whose window overlaps one says so. */
import type { StreamFact } from '../model/event.ts';
import { type Gap, gapIdentity } from '../model/gap.ts';
import { formatInstant, MICROS_PER_SECOND, type Micros, parseInstant } from '../model/time.ts';

interface OpenGap {
  readonly source: string;
  readonly node: string;
  readonly reason: string;
  readonly from: Micros;
  to: Micros;
  count: number;
  /** What was reported up to here is counted already; null for gaps that began in this run, and once the log was lived through. */
  toldTo: Micros | null;
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
  private isReliving = false;
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
      const gap = { source, node, reason, from, to: Math.max(from, fact.to), count, toldTo: null };
      this.open.push(gap);
      if (this.open.length > GAPS_MAX) this.open.shift();
      return this.loss(gap, gap.from, gap.to);
    }
    if (joined.toldTo !== null && fact.to <= joined.toldTo) return this.loss(joined, fact.from, fact.to);
    // What lies between two losses that are one gap counts as lost too.
    const from = Math.min(fact.from, joined.to);
    joined.count += fact.count;
    joined.to = Math.max(joined.to, fact.to);
    return this.loss(joined, from, Math.max(from, fact.to));
  }

  /**
   * Gaps of earlier runs, oldest first, before the first event: what comes may be a part of them. Until the answer is called,
   * events are lived through again, and what was reported of a gap is not counted once more.
   */
  restore(gaps: readonly Gap[]): () => void {
    const restored = gaps.flatMap(({ source, node, reason, count, ...period }): OpenGap[] => {
      const from = parseInstant(period.from)?.time;
      const to = parseInstant(period.to)?.time;
      return from === undefined || to === undefined ? [] : [{ source, node, reason, from, to, count, toldTo: to }];
    });
    this.open.unshift(...restored.slice(-GAPS_MAX));
    this.plain = null;
    this.isReliving = true;
    return () => {
      this.isReliving = false;
      for (const gap of restored) gap.toldTo = null;
    };
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
    const least = this.isReliving ? 0 : Math.max(0, open.length - GAP_SEARCH);
    for (let i = open.length - 1; i >= least; i--) {
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

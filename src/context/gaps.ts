/** Periods in which events are known to be lost: an alert whose window overlaps one says so. */
import type { StreamFact } from '../model/event.ts';
import type { Gap } from '../model/gap.ts';
import { formatInstant, MICROS_PER_SECOND, type Micros } from '../model/time.ts';

interface OpenGap {
  readonly source: string;
  readonly node: string;
  readonly reason: string;
  readonly from: Micros;
  to: Micros;
  count: number;
}

const GAPS_MAX = 1_000;
/** Losses this close together are one gap: floods of tens of thousands a second must stay a few records. */
const GAP_JOIN: Micros = 10 * MICROS_PER_SECOND;
/** How many of the newest gaps a loss may join: several sources lose at once. */
const GAP_SEARCH = 16;

export class Gaps {
  private readonly open: OpenGap[] = [];
  private plain: readonly Gap[] | null = null;
  lost = 0;
  /** Gaps so far, those included that were put out at the limit. */
  begun = 0;

  observe(fact: StreamFact): void {
    if (fact.kind === 'node_status') return;
    this.plain = null;
    this.lost += fact.count;
    const reason = fact.kind === 'lost_events' ? fact.reason : fact.kind;
    const { open } = this;
    for (let i = open.length - 1; i >= Math.max(0, open.length - GAP_SEARCH); i--) {
      const last = open[i] as OpenGap;
      if (last.source !== fact.source || last.node !== fact.node || last.reason !== reason) continue;
      if (fact.from - last.to > GAP_JOIN || fact.to < last.from) break;
      last.count += fact.count;
      if (fact.to > last.to) last.to = fact.to;
      return;
    }
    open.push({ source: fact.source, node: fact.node, reason, from: fact.from, to: fact.to, count: fact.count });
    this.begun++;
    if (open.length > GAPS_MAX) open.shift();
  }

  /** Oldest first. */
  all(): readonly Gap[] {
    this.plain ??= this.open.map(gap => ({ ...gap, from: formatInstant(gap.from), to: formatInstant(gap.to) }));
    return this.plain;
  }
}

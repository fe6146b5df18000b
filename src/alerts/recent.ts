/** Alerts of the recent past as they are now: what changes about one after it was told, and which a late report of a loss concerns. */
import { LIMITS } from '../model/limits.ts';
import type { Alert, Gap } from './alert.ts';
import { later } from './incidents.ts';

/** One alert, shared by all who may change what is known of it. */
export interface Told {
  /** Without evidence: that is stored, and need not be kept. */
  alert: Alert;
  /** How often gaps were added to it. */
  amended: number;
}

interface Entry {
  readonly told: Told;
  /** Time of the newest alert up to this one: a late event may have made one that is older than its neighbours. */
  readonly newest: string;
}

export function told(alert: Alert): Told {
  return { alert: { ...alert, evidence: [] }, amended: 0 };
}

/** Whether events were lost on a node between two instants, as far as `gap` says. */
export function overlaps(gap: Pick<Gap, 'node' | 'from' | 'to'>, node: string, from: string, to: string): boolean {
  return (gap.node === '' || gap.node === node) && gap.from <= to && gap.to >= from;
}

export class RecentAlerts {
  readonly #byId = new Map<string, Told>();
  /** Oldest first; those before `#first` are forgotten. */
  #entries: Entry[] = [];
  #first = 0;

  get(id: string): Told | undefined {
    return this.#byId.get(id);
  }

  all(): IterableIterator<Told> {
    return this.#byId.values();
  }

  add(one: Told): void {
    const { id, time } = one.alert;
    if (this.#byId.has(id)) return;
    const before = this.#entries.at(-1)?.newest ?? '';
    this.#byId.set(id, one);
    this.#entries.push({ told: one, newest: later(time, before) });
    if (this.#byId.size <= LIMITS.amendableAlertsMax) return;
    this.#byId.delete(this.#entries[this.#first++]!.told.alert.id);
    if (this.#first < LIMITS.amendableAlertsMax) return;
    this.#entries = this.#entries.slice(this.#first);
    this.#first = 0;
  }

  /** Alerts whose evidence lies in a period of a gap, oldest first. */
  within(period: Pick<Gap, 'node' | 'from' | 'to'>): Told[] {
    const found: Told[] = [];
    for (let i = this.#entries.length - 1; i >= this.#first; i--) {
      const entry = this.#entries[i] as Entry;
      if (entry.newest < period.from) break;
      const { node, first_seen, time } = entry.told.alert;
      if (overlaps(period, node, first_seen, time)) found.push(entry.told);
    }
    return found.reverse();
  }
}

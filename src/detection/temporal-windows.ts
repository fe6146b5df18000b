/** Windows of temporal correlations: which inputs occurred, in any order or in their own. */
import type { Micros } from '../model/time.ts';
import type { Evidence } from '../rules/finding.ts';
import type { Entry, Summary, Window } from './windows.ts';

/** The newest occurrence of each input. */
export class PresenceWindow implements Window {
  readonly #last: (Entry | null)[];

  constructor(inputs: number) {
    this.#last = Array<Entry | null>(inputs).fill(null);
  }

  get size(): number {
    return this.#entries().length;
  }

  oldest(): Micros {
    return this.#entries().reduce((least, { time }) => Math.min(least, time), Number.POSITIVE_INFINITY);
  }

  expire(horizon: Micros): void {
    for (const [i, entry] of this.#last.entries()) if (entry !== null && entry.time <= horizon) this.#last[i] = null;
  }

  drop(): void {
    this.expire(this.oldest());
  }

  add(entries: readonly Entry[]): void {
    for (const entry of entries) {
      const last = this.#last[entry.input] ?? null;
      if (last === null || last.time <= entry.time) this.#last[entry.input] = entry;
    }
  }

  measure(): number {
    return this.size;
  }

  present(): readonly boolean[] {
    return this.#last.map(entry => entry !== null);
  }

  summary(): Summary {
    const entries = this.#entries().sort((a, b) => a.time - b.time);
    return {
      evidence: inOrder(entries.flatMap(entry => entry.evidence)),
      confidence: entries.every(entry => entry.confidence === 'high') ? 'high' : 'low',
      matches: entries.length,
      from: this.oldest(),
    };
  }

  entries(): readonly (readonly Entry[])[] {
    return this.#entries().map(entry => [entry]);
  }

  restore(entries: readonly (readonly Entry[])[]): void {
    for (const one of entries) this.add(one);
  }

  #entries(): Entry[] {
    return this.#last.filter(entry => entry !== null);
  }
}

/** Occurrences of inputs in the order of the inputs, each a different event. */
interface Chain {
  readonly length: number;
  readonly start: Micros;
  readonly end: Micros;
  readonly entries: readonly Entry[];
}

/**
 * For each input and each length the chain that ends there and began last: no other can outlive it. `whole` keeps only those
 * that leave no input out.
 */
export class OrderedWindow implements Window {
  readonly #inputs: number;
  readonly #whole: boolean;
  /** At `input * inputs + length - 1`. */
  readonly #chains: (Chain | null)[];

  constructor(inputs: number, whole: boolean) {
    this.#inputs = inputs;
    this.#whole = whole;
    this.#chains = Array<Chain | null>(inputs * inputs).fill(null);
  }

  get size(): number {
    return this.#alive().length;
  }

  oldest(): Micros {
    return this.#alive().reduce((least, { start }) => Math.min(least, start), Number.POSITIVE_INFINITY);
  }

  expire(horizon: Micros): void {
    for (const [i, chain] of this.#chains.entries())
      if (chain !== null && chain.start <= horizon) this.#chains[i] = null;
  }

  drop(): void {
    this.expire(this.oldest());
  }

  /** One event is at most one place of a chain: all of its entries continue what was there before it. */
  add(entries: readonly Entry[]): void {
    const made: [at: number, chain: Chain][] = [];
    for (const entry of entries) {
      const { input, time } = entry;
      for (let length = this.#whole ? input + 1 : 1; length <= input + 1; length++) {
        const before = length === 1 ? null : this.#before(input, length - 1, time);
        if (length > 1 && before === null) continue;
        const earlier = before?.entries ?? [];
        const chain = { length, start: before?.start ?? time, end: time, entries: [...earlier, entry] };
        made.push([input * this.#inputs + length - 1, chain]);
      }
    }
    for (const [at, chain] of made) this.#put(at, chain);
  }

  entries(): readonly (readonly Entry[])[] {
    return this.#alive().map(chain => chain.entries);
  }

  /** A beginning of a chain is a chain. */
  restore(entries: readonly (readonly Entry[])[]): void {
    for (const chain of entries) {
      const first = chain[0];
      const last = chain.at(-1);
      if (first === undefined || last === undefined || last.input >= this.#inputs) continue;
      const { length } = chain;
      this.#put(last.input * this.#inputs + length - 1, { length, start: first.time, end: last.time, entries: chain });
    }
  }

  #put(at: number, chain: Chain): void {
    const known = this.#chains[at] ?? null;
    if (known === null || known.start <= chain.start) this.#chains[at] = chain;
  }

  /** The chain of that length that ends at an earlier input, not after `time`, and began last. */
  #before(input: number, length: number, time: Micros): Chain | null {
    let best: Chain | null = null;
    for (let i = this.#whole ? input - 1 : 0; i < input; i++) {
      const chain = this.#chains[i * this.#inputs + length - 1] ?? null;
      if (chain !== null && chain.end <= time && (best === null || chain.start > best.start)) best = chain;
    }
    return best;
  }

  measure(): number {
    return this.#longest()?.length ?? Number.NaN;
  }

  present(): readonly boolean[] {
    return [];
  }

  summary(): Summary {
    const chain = this.#longest();
    const entries = chain?.entries ?? [];
    return {
      evidence: inOrder(entries.flatMap(entry => entry.evidence)),
      confidence: entries.every(entry => entry.confidence === 'high') ? 'high' : 'low',
      matches: entries.length,
      from: chain?.start ?? Number.POSITIVE_INFINITY,
    };
  }

  #alive(): Chain[] {
    return this.#chains.filter(chain => chain !== null);
  }

  #longest(): Chain | null {
    let best: Chain | null = null;
    for (const chain of this.#chains) {
      if (chain === null) continue;
      if (best === null || chain.length > best.length || (chain.length === best.length && chain.end > best.end))
        best = chain;
    }
    return best;
  }
}

/** What an inner correlation saw may be older than what came before its firing. */
function inOrder(evidence: readonly Evidence[]): Evidence[] {
  return evidence.toSorted((a, b) => a.observation.event.time - b.observation.event.time);
}

/**
 * Items bounded in all and by owner: at a limit the owner's own oldest goes, so that one pod cannot push out another's state.
 */
import { LIMITS } from '../model/limits.ts';

export interface StateLimits {
  readonly perRule: number;
  readonly perOwner: number;
}

export const STATE_LIMITS: StateLimits = { perRule: LIMITS.partialsPerRuleMax, perOwner: LIMITS.partialsPerPodMax };

export interface Owned {
  /** Pod (or node, on hosts) whose share of the memory it counts against. */
  readonly owner: string;
}

export class OwnedItems<T extends Owned> {
  evicted = 0;
  #size = 0;
  readonly #limits: StateLimits;
  readonly #drop: (item: T) => void;
  /** Items of each owner, oldest first. */
  readonly #owners = new Map<string, Set<T>>();

  /** `drop` is told of evictions only. */
  constructor(limits: StateLimits, drop: (item: T) => void) {
    this.#limits = limits;
    this.#drop = drop;
  }

  get size(): number {
    return this.#size;
  }

  of(owner: string): Iterable<T> {
    return this.#owners.get(owner) ?? [];
  }

  /** Owner by owner, each one's oldest first. */
  *all(): Iterable<T> {
    for (const owned of this.#owners.values()) yield* owned;
  }

  add(item: T): void {
    this.#makeRoom(item.owner);
    let owned = this.#owners.get(item.owner);
    if (owned === undefined) {
      owned = new Set();
      this.#owners.set(item.owner, owned);
    }
    owned.add(item);
    this.#size++;
  }

  remove(item: T): void {
    const owned = this.#owners.get(item.owner);
    if (owned?.delete(item) !== true) return;
    if (owned.size === 0) this.#owners.delete(item.owner);
    this.#size--;
  }

  /** Makes `item` its owner's newest. */
  touch(item: T): void {
    const owned = this.#owners.get(item.owner);
    if (owned?.delete(item) === true) owned.add(item);
  }

  #makeRoom(owner: string): void {
    const owned = this.#owners.get(owner);
    if (owned !== undefined && owned.size >= this.#limits.perOwner) this.#evictFrom(owned);
    if (this.#size < this.#limits.perRule) return;
    // Whoever asks for more gives up its own oldest; an owner that has nothing yet takes from the one that came first.
    const share = this.#owners.get(owner) ?? this.#owners.values().next().value;
    if (share !== undefined) this.#evictFrom(share);
  }

  #evictFrom(owned: ReadonlySet<T>): void {
    const oldest = owned.values().next().value;
    if (oldest === undefined) return;
    this.remove(oldest);
    this.evicted++;
    this.#drop(oldest);
  }
}

/** A bounded map from key to state. */
export class KeyedState<T extends Owned> {
  readonly #map = new Map<string, T>();
  readonly #keys = new Map<T, string>();
  readonly #items: OwnedItems<T>;
  #changes = 0;
  readonly #dropped: (item: T) => void;

  /** `dropped` is told of whatever is not kept any longer. */
  constructor(limits: StateLimits, dropped: (item: T) => void = () => undefined) {
    this.#dropped = dropped;
    this.#items = new OwnedItems<T>(limits, item => this.#unmap(item));
  }

  get size(): number {
    return this.#map.size;
  }

  get evicted(): number {
    return this.#items.evicted;
  }

  /** Put in so far: tells whether there is something new. */
  get changes(): number {
    return this.#changes;
  }

  /** Put in again in this order, they are evicted in the same order. */
  *entries(): Iterable<readonly [key: string, item: T]> {
    for (const item of this.#items.all()) yield [this.#keys.get(item)!, item];
  }

  get(key: string): T | undefined {
    return this.#map.get(key);
  }

  /** Makes it its owner's newest. */
  touch(key: string): T | undefined {
    const item = this.#map.get(key);
    if (item !== undefined) this.#items.touch(item);
    return item;
  }

  put(key: string, item: T): T {
    const old = this.#map.get(key);
    if (old !== undefined) this.#remove(old);
    this.#changes++;
    this.#items.add(item);
    this.#map.set(key, item);
    this.#keys.set(item, key);
    return item;
  }

  /** Drops every state that `stale` names; not counted as eviction. */
  sweep(stale: (item: T) => boolean): void {
    for (const item of this.#map.values()) if (stale(item)) this.#remove(item);
  }

  #remove(item: T): void {
    this.#items.remove(item);
    this.#unmap(item);
  }

  #unmap(item: T): void {
    const key = this.#keys.get(item);
    this.#keys.delete(item);
    if (key !== undefined) this.#map.delete(key);
    this.#dropped(item);
  }
}

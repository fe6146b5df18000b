/**
 * Same content, same object: pods, capabilities, namespaces, credentials and endpoints repeat in nearly every event, so that
 * the decoders of JSON and protobuf keep one object of each. Bounded by two generations: what was not asked for during a whole
 * generation is forgotten, and later made anew.
 */
import type { Endpoint } from '../model/event.ts';
import type { Capabilities, Credentials, Namespaces, PodFacts } from '../model/process.ts';

/** A map of at most `2 × generationMax` entries that forgets those not used for a generation. */
export class GenerationMap<K, V> {
  readonly generationMax: number;
  #young = new Map<K, V>();
  #old = new Map<K, V>();
  /** Entries forgotten so far. */
  evicted = 0;

  constructor(generationMax: number) {
    this.generationMax = generationMax;
  }

  get(key: K): V | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old === undefined) return undefined;
    this.#old.delete(key);
    this.set(key, old);
    return old;
  }

  set(key: K, value: V): void {
    this.#young.set(key, value);
    if (this.#young.size < this.generationMax) return;
    for (const kept of this.#old.keys()) if (!this.#young.has(kept)) this.evicted++;
    this.#old = this.#young;
    this.#young = new Map();
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }
}

const PODS_MAX = 10_000;
const CAPABILITIES_MAX = 1_000;
const NAMESPACES_MAX = 10_000;
const CREDENTIALS_MAX = 1_000;
const ENDPOINTS_MAX = 20_000;
const WORDS_MAX = 20_000;
/** Longer texts seldom repeat. */
const WORD_CHARS_MAX = 256;

class Interner<T> {
  readonly #known: GenerationMap<string, T>;

  constructor(generationMax: number) {
    this.#known = new GenerationMap(generationMax);
  }

  /** The object of this content that was seen first. Keys in the same order, as the decoders build them, count as same. */
  intern(value: T): T {
    const key = JSON.stringify(value);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    this.#known.set(key, value);
    return value;
  }
}

/** One decoder's interned objects. */
export class Interned {
  readonly #pods = new Interner<PodFacts>(PODS_MAX);
  readonly #capabilities = new Interner<Capabilities>(CAPABILITIES_MAX);
  readonly #namespaces = new Interner<Namespaces>(NAMESPACES_MAX);
  readonly #credentials = new Interner<Credentials>(CREDENTIALS_MAX);
  readonly #endpoints = new Interner<Endpoint>(ENDPOINTS_MAX);
  readonly #words = new GenerationMap<string, string>(WORDS_MAX);

  /** The same string: programs, folders, flags and containers are those of many processes, and all are kept in memory. */
  word(text: string): string {
    if (text === '' || text.length > WORD_CHARS_MAX) return text;
    const known = this.#words.get(text);
    if (known !== undefined) return known;
    this.#words.set(text, text);
    return text;
  }

  pod(facts: PodFacts): PodFacts {
    return this.#pods.intern(facts);
  }

  capabilities(facts: Capabilities): Capabilities {
    return this.#capabilities.intern(facts);
  }

  namespaces(facts: Namespaces): Namespaces {
    return this.#namespaces.intern(facts);
  }

  credentials(facts: Credentials): Credentials {
    return this.#credentials.intern(facts);
  }

  endpoint(facts: Endpoint): Endpoint {
    return this.#endpoints.intern(facts);
  }
}

/** `cluster/node` → both parts; a bare node has no cluster. */
export function splitNodeName(name: string): { readonly node: string; readonly cluster: string } {
  const slash = name.lastIndexOf('/');
  return slash < 0 ? { node: name, cluster: '' } : { node: name.slice(slash + 1), cluster: name.slice(0, slash) };
}

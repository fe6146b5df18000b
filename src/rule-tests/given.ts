/** What an author wrote under one compact event: typed reads, and complaints about what nothing has read. */

import { nearest } from '../model/nearest.ts';
import { MICROS_PER_SECOND, type Micros } from '../model/time.ts';
import { parseDuration } from '../rules/duration.ts';

/** A test that cannot be run as it is written. */
export class BadTest extends Error {}

type Json = Readonly<Record<string, unknown>>;

export class Given {
  readonly #fields: Json;
  readonly #known = new Set<string>();
  readonly #what: string;

  /** `what` names the event in complaints: `exec`. */
  constructor(what: string, fields: Json) {
    this.#what = what;
    this.#fields = fields;
  }

  has(key: string): boolean {
    return this.#read(key) !== undefined;
  }

  text(key: string): string | null {
    const value = this.#read(key);
    if (value === undefined || value === null) return null;
    if (typeof value === 'string') return value;
    if (typeof value === 'number' || typeof value === 'boolean') return String(value);
    throw this.#wrong(key, 'text');
  }

  number(key: string): number | null {
    const value = this.#read(key);
    if (value === undefined || value === null) return null;
    if (typeof value === 'number') return value;
    throw this.#wrong(key, 'a number');
  }

  flag(key: string): boolean | null {
    const value = this.#read(key);
    if (value === undefined || value === null) return null;
    if (typeof value === 'boolean') return value;
    throw this.#wrong(key, 'true or false');
  }

  /** Texts; one text stands for a list of one. */
  texts(key: string): readonly string[] | null {
    const value = this.#read(key);
    if (value === undefined || value === null) return null;
    const list = Array.isArray(value) ? value : [value];
    return list.map(item => {
      if (typeof item === 'string' || typeof item === 'number') return String(item);
      throw this.#wrong(key, 'text or a list of texts');
    });
  }

  list(key: string): readonly unknown[] | null {
    const value = this.#read(key);
    if (value === undefined || value === null) return null;
    if (Array.isArray(value)) return value;
    throw this.#wrong(key, 'a list');
  }

  object(key: string): Json | null {
    const value = this.#read(key);
    if (value === undefined || value === null) return null;
    if (isObject(value)) return value;
    throw this.#wrong(key, 'a map');
  }

  /** The value if it is a map, else null: for keys that take text too. */
  map(key: string): Json | null {
    const value = this.#read(key);
    return isObject(value) ? value : null;
  }

  /** `2s`, `1h30m`; a bare number is seconds. */
  duration(key: string): Micros | null {
    const value = this.#read(key);
    if (value === undefined || value === null) return null;
    if (typeof value === 'number' && value >= 0) return Math.round(value * MICROS_PER_SECOND);
    const parsed = value === '0' || value === '0s' ? 0 : parseDuration(value);
    if (parsed === null) throw this.#wrong(key, 'a duration such as 2s or 1h30m');
    return parsed;
  }

  /** Call when all is read: anything left is a mistake. */
  done(): void {
    for (const key of Object.keys(this.#fields)) {
      if (this.#known.has(key)) continue;
      const meant = nearest(key, [...this.#known]);
      throw new BadTest(`${this.#what}: unknown key '${key}'${meant === null ? '' : `; did you mean '${meant}'?`}`);
    }
  }

  bad(problem: string): BadTest {
    return new BadTest(`${this.#what}: ${problem}`);
  }

  #read(key: string): unknown {
    this.#known.add(key);
    return Object.hasOwn(this.#fields, key) ? this.#fields[key] : undefined;
  }

  #wrong(key: string, wanted: string): BadTest {
    return this.bad(`'${key}' must be ${wanted}, not ${JSON.stringify(this.#fields[key])}`);
  }
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Messages that stand in many others (pods, capabilities, endpoints …), recognised by their bytes and made once a content. */
import { GenerationMap } from '../intern.ts';
import { readJson } from './export-json.ts';
import type { Reader } from './reader.ts';
import { type MessageSpec, messageSpec } from './schema.ts';

/** Contents a generation, for each kind of part. */
const PARTS_MAX = 8_192;

export class Parts<T> {
  readonly #known = new GenerationMap<string, { value: T | null }>(PARTS_MAX);
  readonly #spec: MessageSpec;
  readonly #make: (block: unknown) => T | null;

  constructor(type: string, make: (block: unknown) => T | null) {
    this.#spec = messageSpec(type);
    this.#make = make;
  }

  /** The part whose bytes stand next in `reader`. */
  next(reader: Reader): T | null {
    const end = reader.length();
    const key = reader.bytes.latin1Slice(reader.pos, end);
    const known = this.#known.get(key);
    if (known !== undefined) {
      reader.pos = end;
      return known.value;
    }
    const value = this.#make(readJson(this.#spec, reader, end));
    this.#known.set(key, { value });
    return value;
  }
}

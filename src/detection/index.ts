/**
 * The rule index: which matchers are worth evaluating on an event. A matcher is skipped only when its hints prove that it
 * cannot match, so that results are those of evaluating every one. Cost depends on the event, not on the number of rules.
 */
import type { EventKind } from '../model/event.ts';
import type { Observation } from '../model/observation.ts';
import type { IndexHint, Matcher } from '../rules/rule.ts';
import { Crowds } from './crowds.ts';
import { type FieldLookup, type FieldReader, textOf } from './fields.ts';
import { TextIndex } from './text-index.ts';

interface FieldIndex {
  readonly reader: FieldReader;
  readonly texts: TextIndex;
  /** Matchers for which it is enough that the field is there. */
  readonly present: number[];
}

interface KindIndex {
  /** Bit of this kind in `#kinds`. */
  readonly bit: number;
  /** Matchers without usable hints. */
  readonly always: number[];
  readonly fields: FieldIndex[];
}

/** Above this many candidates the built-in sort beats insertion. */
const INSERTION_SORT_MAX = 32;

export class RuleIndex {
  /** Positions of the candidates of the last `find`, ascending. */
  readonly found: Int32Array;
  readonly #byKind = new Map<EventKind, KindIndex>();
  readonly #kinds: Int32Array;
  readonly #stamps: Uint32Array;
  #stamp = 0;

  constructor(matchers: readonly Matcher[], lookup: FieldLookup) {
    this.found = new Int32Array(matchers.length);
    this.#kinds = new Int32Array(matchers.length);
    this.#stamps = new Uint32Array(matchers.length);
    const fields = new Map<string, FieldIndex>();
    const crowds = new Crowds(matchers);
    const isUsable = (hints: readonly IndexHint[]): boolean =>
      hints.every(hint => indexable(hint) && lookup(hint.field) !== null);
    for (const [position, matcher] of matchers.entries()) {
      const hinted = this.#hinted(crowds.choose(matcher, isUsable), fields, lookup);
      for (const { hint, field } of hinted ?? []) {
        if (hint.match === 'present') field.present.push(position);
        else field.texts.add(hint, position);
      }
      for (const kind of matcher.kinds) {
        const entry = this.#kind(kind);
        this.#kinds[position]! |= entry.bit;
        if (hinted === null) entry.always.push(position);
        else for (const { field } of hinted) if (!entry.fields.includes(field)) entry.fields.push(field);
      }
    }
    for (const field of fields.values()) field.texts.build();
  }

  /** Number of candidates for the observation; their positions are in `found`. */
  find(observation: Observation): number {
    const kind = this.#byKind.get(observation.event.kind);
    if (kind === undefined) return 0;
    this.#stamp = (this.#stamp + 1) >>> 0;
    if (this.#stamp === 0) {
      this.#stamps.fill(0);
      this.#stamp = 1;
    }
    const always = kind.always;
    for (let i = 0; i < always.length; i++) this.found[i] = always[i]!;
    let count = always.length;
    for (const field of kind.fields) {
      const value = field.reader(observation);
      if (!isPresent(value)) continue;
      if (field.present.length > 0) count = this.#take(field.present, kind.bit, count);
      if (Array.isArray(value)) {
        for (const item of value) count = this.#gather(field.texts, item, kind.bit, count);
      } else {
        count = this.#gather(field.texts, value, kind.bit, count);
      }
    }
    if (count > always.length) sortAscending(this.found, count);
    return count;
  }

  #gather(texts: TextIndex, value: unknown, bit: number, count: number): number {
    const text = textOf(value);
    return text === null ? count : this.#take(texts.lookup(text), bit, count);
  }

  #take(positions: readonly number[], bit: number, count: number): number {
    let end = count;
    for (const position of positions) {
      if ((this.#kinds[position]! & bit) === 0 || this.#stamps[position] === this.#stamp) continue;
      this.#stamps[position] = this.#stamp;
      this.found[end++] = position;
    }
    return end;
  }

  #kind(kind: EventKind): KindIndex {
    let entry = this.#byKind.get(kind);
    if (entry === undefined) {
      entry = { bit: 1 << this.#byKind.size, always: [], fields: [] };
      this.#byKind.set(kind, entry);
    }
    return entry;
  }

  /** Each hint with its field; null when the matcher has to be evaluated whatever they say. */
  #hinted(
    hints: readonly IndexHint[] | null,
    fields: Map<string, FieldIndex>,
    lookup: FieldLookup,
  ): { readonly hint: IndexHint; readonly field: FieldIndex }[] | null {
    return (
      hints?.map(hint => {
        const field = fields.get(hint.field) ?? {
          reader: lookup(hint.field) as FieldReader,
          texts: new TextIndex(),
          present: [],
        };
        fields.set(hint.field, field);
        return { hint, field };
      }) ?? null
    );
  }
}

/**
 * Hints are looked up in folded text. Folding ASCII text is the same in any surroundings, but that of other text is not, so
 * that a cased literal with other characters proves nothing there.
 */
function indexable(hint: IndexHint): boolean {
  if (hint.match === 'present') return true;
  return hint.literals.every(literal => literal !== '' && (!hint.cased || /^[\0-\x7f]*$/.test(literal)));
}

const isPresent = (value: unknown): boolean =>
  value !== null && value !== undefined && value !== '' && (!Array.isArray(value) || value.length > 0);

function sortAscending(positions: Int32Array, count: number): void {
  if (count > INSERTION_SORT_MAX) {
    positions.subarray(0, count).sort();
    return;
  }
  for (let i = 1; i < count; i++) {
    const position = positions[i]!;
    let at = i - 1;
    while (at >= 0 && positions[at]! > position) {
      positions[at + 1] = positions[at]!;
      at--;
    }
    positions[at + 1] = position;
  }
}

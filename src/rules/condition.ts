/**
 * The typed condition tree: what every front end makes and the compiler reads. Nothing in it depends on YAML. Any comparison with
 * an absent field is false, also a negated one; only `not` around it makes it true.
 */
import type { Field } from './catalogue/field.ts';
import type { Category } from './categories.ts';

/** `any`: one value suffices. `all`: every value must match. */
export type Quantifier = 'any' | 'all';

/** Pieces between `*`; inside a piece null stands for `?`. */
export type GlobPiece = readonly (string | null)[];

export type Pattern =
  | { readonly type: 'equals' | 'contains' | 'startswith' | 'endswith'; readonly text: string }
  /** `pieces` in order with anything between them; the first and last are anchored at the ends of the text. */
  | { readonly type: 'glob'; readonly pieces: readonly GlobPiece[] };

export type Comparison = 'eq' | 'gt' | 'gte' | 'lt' | 'lte';

interface Test {
  readonly field: Field;
  /** `neq`: true when the field is present and the test is not satisfied. */
  readonly negated: boolean;
}

export interface TextTest extends Test {
  readonly type: 'text';
  readonly patterns: readonly Pattern[];
  readonly quantifier: Quantifier;
  /** False compares in lower case; patterns are then lower-cased already. */
  readonly cased: boolean;
  /** Compare the base name of the value. */
  readonly baseName: boolean;
}

export interface RegexTest extends Test {
  readonly type: 'regex';
  readonly sources: readonly string[];
  readonly quantifier: Quantifier;
  /** Any of `ims`. */
  readonly flags: string;
  readonly baseName: boolean;
}

export interface NumberTest extends Test {
  readonly type: 'number';
  readonly comparison: Comparison;
  readonly values: readonly number[];
  readonly quantifier: Quantifier;
}

export interface CidrTest extends Test {
  readonly type: 'cidr';
  readonly networks: readonly string[];
  readonly quantifier: Quantifier;
}

export interface FieldrefTest extends Test {
  readonly type: 'fieldref';
  readonly match: 'equals' | 'contains' | 'startswith' | 'endswith';
  readonly others: readonly Field[];
  readonly quantifier: Quantifier;
  readonly cased: boolean;
}

/** Text anywhere in the event. */
export interface KeywordTest {
  readonly type: 'keywords';
  readonly patterns: readonly Pattern[];
  readonly quantifier: Quantifier;
  readonly cased: boolean;
}

export type Condition =
  | { readonly type: 'and' | 'or'; readonly of: readonly Condition[] }
  | { readonly type: 'not'; readonly of: Condition }
  /** At least `n` (1 or more) of them. */
  | { readonly type: 'some'; readonly n: number; readonly of: readonly Condition[] }
  | TextTest
  | RegexTest
  | NumberTest
  | CidrTest
  | FieldrefTest
  | { readonly type: 'boolean'; readonly field: Field; readonly value: boolean; readonly negated: boolean }
  | { readonly type: 'exists'; readonly field: Field; readonly value: boolean }
  | KeywordTest
  /** Some ancestor satisfies `of`, whose fields then speak of that ancestor. */
  | { readonly type: 'ancestor'; readonly of: Condition }
  | { readonly type: 'category'; readonly category: Category }
  | { readonly type: 'kind'; readonly kinds: readonly string[] };

export const ALWAYS: Condition = { type: 'and', of: [] };

/** Both, without useless nesting. */
export function both(a: Condition, b: Condition): Condition {
  if (a === ALWAYS) return b;
  if (b === ALWAYS) return a;
  return { type: 'and', of: [a, b] };
}

/** The parts of a condition, for walks. */
export function childrenOf(condition: Condition): readonly Condition[] {
  switch (condition.type) {
    case 'and':
    case 'or':
    case 'some':
      return condition.of;
    case 'not':
    case 'ancestor':
      return [condition.of];
    default:
      return [];
  }
}

/** The fields that one node reads itself. */
export function fieldsOf(condition: Condition): readonly Field[] {
  if (condition.type === 'fieldref') return [condition.field, ...condition.others];
  return 'field' in condition ? [condition.field] : [];
}

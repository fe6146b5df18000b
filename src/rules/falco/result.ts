/** What a part of a Falco condition comes to: a condition, always, never, or unknown since no sensor gives what it asks for. */
import type { Condition } from '../condition.ts';
import type { Place } from './source.ts';

/** Something that no sensor gives. */
export interface Unsupported {
  readonly what: string;
  readonly place: Place;
}

interface Common {
  /** What is only approximated; each once. */
  readonly notes: ReadonlySet<string>;
  /** Nodes once macros are written out. */
  readonly size: number;
}

export type Result = Common &
  (
    | { readonly kind: 'condition'; readonly condition: Condition }
    | { readonly kind: 'always' | 'never' }
    | {
        readonly kind: 'unknown';
        readonly because: readonly Unsupported[];
        /** It asks that something be absent or otherwise: an event can match without it. */
        readonly excludes: boolean;
      }
  );

export const NO_NOTES: ReadonlySet<string> = new Set();

export const where = ({ file, line, column }: Place): string => `${file}:${line}:${column}`;

const BECAUSE_MAX = 10;

export const unknown = (what: string, place: Place, excludes = false): Result => ({
  kind: 'unknown',
  because: [{ what, place }],
  excludes,
  notes: NO_NOTES,
  size: 1,
});

function union(results: readonly Result[]): ReadonlySet<string> {
  const full = results.filter(({ notes }) => notes.size > 0);
  if (full.length < 2) return full[0]?.notes ?? NO_NOTES;
  return new Set(full.flatMap(({ notes }) => [...notes]));
}

const because = (results: readonly Result[]): Unsupported[] =>
  results.flatMap(each => (each.kind === 'unknown' ? each.because : [])).slice(0, BECAUSE_MAX);

const conditions = (results: readonly Result[]): Condition[] =>
  results.flatMap(each => (each.kind === 'condition' ? [each.condition] : []));

/** All of them, each with the size of one. */
export const allOf = (of: readonly Result[]): Result => and(of, of.length + 1);
export const anyOf = (of: readonly Result[]): Result => or(of, of.length + 1);

export function and(of: readonly Result[], size: number): Result {
  const never = of.find(({ kind }) => kind === 'never');
  if (never !== undefined) return { ...never, size: 1 };
  const open = because(of.filter(each => each.kind === 'unknown' && !each.excludes));
  if (open.length > 0) return { kind: 'unknown', because: open, excludes: false, notes: NO_NOTES, size };
  const all = conditions(of);
  const excluded = because(of);
  if (all.length === 0 && excluded.length > 0)
    return { kind: 'unknown', because: excluded, excludes: true, notes: NO_NOTES, size };
  const notes = new Set(union(of));
  for (const { what, place } of excluded) notes.add(`without the exclusion by ${what} at ${where(place)}`);
  if (all.length === 0) return { kind: 'always', notes, size: 1 };
  return {
    kind: 'condition',
    condition: all.length === 1 ? (all[0] as Condition) : { type: 'and', of: all },
    notes,
    size,
  };
}

export function or(of: readonly Result[], size: number): Result {
  const always = of.find(({ kind }) => kind === 'always');
  if (always !== undefined) return { kind: 'always', notes: always.notes, size: 1 };
  const any = conditions(of);
  const open = because(of);
  if (any.length === 0 && open.length > 0) {
    const excludes = of.every(each => each.kind !== 'unknown' || each.excludes);
    return { kind: 'unknown', because: open, excludes, notes: NO_NOTES, size };
  }
  if (any.length === 0) return { kind: 'never', notes: union(of), size: 1 };
  const notes = new Set(union(of.filter(({ kind }) => kind !== 'never')));
  for (const { what, place } of open) notes.add(`without the alternative that asks for ${what} at ${where(place)}`);
  return {
    kind: 'condition',
    condition: any.length === 1 ? (any[0] as Condition) : { type: 'or', of: any },
    notes,
    size,
  };
}

export function not(of: Result): Result {
  switch (of.kind) {
    case 'always':
      return { ...of, kind: 'never' };
    case 'never':
      // Why nothing matches says nothing of what is excluded by it.
      return { ...of, kind: 'always', notes: NO_NOTES };
    case 'unknown':
      return { ...of, excludes: !of.excludes };
    case 'condition':
      return { ...of, condition: { type: 'not', of: of.condition } };
  }
}

/** What of a picture is open: the cursors that it is asked with. */
import { useCallback, useMemo, useState } from 'react';

/** Folds open at once; beyond, the one that was opened first closes. */
const CURSORS_MAX = 100;

export interface Show {
  /** For `show` of the API, one for each key. */
  readonly cursors: readonly string[];
  readonly toggle: (cursor: string) => void;
  readonly reset: () => void;
}

const keyOf = (cursor: string): string => cursor.slice(cursor.indexOf('.') + 1);

export function useShow(): Show {
  const [cursors, setCursors] = useState<readonly string[]>([]);
  const toggle = useCallback((cursor: string) => {
    setCursors(held => [...held.filter(each => keyOf(each) !== keyOf(cursor)), cursor].slice(-CURSORS_MAX));
  }, []);
  const reset = useCallback(() => setCursors([]), []);
  return useMemo(() => ({ cursors, toggle, reset }), [cursors, toggle, reset]);
}

/** `?show=…&show=…`, or nothing. */
export const showQuery = (cursors: readonly string[]): string =>
  cursors.length === 0 ? '' : `?${new URLSearchParams(cursors.map(cursor => ['show', cursor]))}`;

/** Filters live in the address: what is shown can be sent to somebody. */
import { useCallback } from 'react';
import { useSearchParams } from 'wouter';

export interface Filters {
  get(name: string): string | undefined;
  list(name: string): string[];
  set(name: string, value: string | readonly string[]): void;
  /** All of them, as the API takes them. */
  readonly all: Readonly<Record<string, string>>;
}

export function useFilters(): Filters {
  const [params, setParams] = useSearchParams();
  const set = useCallback(
    (name: string, value: string | readonly string[]) => {
      const text = typeof value === 'string' ? value : value.join(',');
      setParams(
        held => {
          const next = new URLSearchParams(held);
          if (text === '') next.delete(name);
          else next.set(name, text);
          return next;
        },
        { replace: true },
      );
    },
    [setParams],
  );
  return {
    get: name => params.get(name) ?? undefined,
    list: name => (params.get(name) ?? '').split(',').filter(Boolean),
    set,
    all: Object.fromEntries(params),
  };
}

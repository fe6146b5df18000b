/** Who reads the page. */
import { type UseQueryResult, useQuery } from '@tanstack/react-query';
import { get } from './api.ts';

interface Caller {
  readonly name: string;
  readonly signed_in: boolean;
  /** Null for all. */
  readonly namespaces: readonly string[] | null;
}

export const useCaller = (): UseQueryResult<Caller> =>
  useQuery({
    queryKey: ['session'],
    queryFn: () => get<Caller>('/session'),
    staleTime: Number.POSITIVE_INFINITY,
  });

/** Whether the page shows some namespaces only: what is not there may be elsewhere. */
export const useIsLimited = (): boolean => (useCaller().data?.namespaces ?? null) !== null;

/** Whose events a page shows: those of the running program, or of a replay. The same pages and routes serve both. */
import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { createContext, type ReactNode, useCallback, useContext, useState } from 'react';
import { ApiError, get } from './api.ts';
import { needSignIn } from './sign-in.tsx';

/** Beginning of its paths in the API; '' for what is live. */
const CaseContext = createContext('');

interface Case {
  /** Nothing of it can be changed. */
  readonly isReplay: boolean;
  readonly get: <T>(path: string) => Promise<T>;
}

export function useCase(): Case {
  const base = useContext(CaseContext);
  const read = useCallback(<T,>(path: string) => get<T>(`${base}${path}`), [base]);
  return { isReplay: base !== '', get: read };
}

const onError = (error: Error): void => {
  if (error instanceof ApiError && error.status === 401) needSignIn(true);
};

/** With a memory of its own: a recording of what was live has the same ids. */
export function ReplayCase({ id, children }: { readonly id: string; readonly children: ReactNode }) {
  const [client] = useState(
    () =>
      new QueryClient({
        queryCache: new QueryCache({ onError }),
        mutationCache: new MutationCache({ onError }),
        defaultOptions: { queries: { staleTime: Number.POSITIVE_INFINITY, retry: false } },
      }),
  );
  return (
    <CaseContext value={`/replays/${id}`}>
      <QueryClientProvider client={client}>{children}</QueryClientProvider>
    </CaseContext>
  );
}

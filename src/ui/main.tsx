import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { ApiError } from './api.ts';
import { follow } from './live.ts';
import { Shell } from './shell.tsx';
import { needSignIn } from './sign-in.tsx';
import './styles.css';

const RETRIES_MAX = 2;

const onError = (error: Error): void => {
  if (error instanceof ApiError && error.status === 401) needSignIn(true);
};

const client = new QueryClient({
  queryCache: new QueryCache({ onError }),
  mutationCache: new MutationCache({ onError }),
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // What the caller did wrong does not become right by asking again.
      retry: (failures, error) =>
        failures < RETRIES_MAX && !(error instanceof ApiError && [400, 401, 403, 404].includes(error.status)),
      refetchOnWindowFocus: true,
    },
  },
});
follow(client);

const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no #root');
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={client}>
      <Shell />
    </QueryClientProvider>
  </StrictMode>,
);

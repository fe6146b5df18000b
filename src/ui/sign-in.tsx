/** Shown instead of the pages while the API asks for a token. */
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState, useSyncExternalStore } from 'react';
import { post } from './api.ts';

let needed = false;
const listeners = new Set<() => void>();

export function needSignIn(value: boolean): void {
  if (value === needed) return;
  needed = value;
  for (const listener of listeners) listener();
}

export const useSignInNeeded = (): boolean =>
  useSyncExternalStore(
    listener => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => needed,
  );

export function SignIn() {
  const client = useQueryClient();
  const [token, setToken] = useState('');
  const [failure, setFailure] = useState('');
  const [isBusy, setBusy] = useState(false);
  const signIn = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setFailure('');
    try {
      await post('/session', { token });
      needSignIn(false);
      await client.resetQueries();
    } catch (error) {
      setFailure((error as Error).message);
    } finally {
      setBusy(false);
    }
  };
  return (
    <main className="sign-in">
      <title>Sign in · Spoor</title>
      <h1>Spoor</h1>
      <form onSubmit={signIn}>
        <label>
          Token
          <input
            type="password"
            autoComplete="current-password"
            required
            maxLength={256}
            value={token}
            onChange={event => setToken(event.target.value)}
          />
        </label>
        <p>
          <button type="submit" disabled={isBusy}>
            Sign in
          </button>
        </p>
        {failure === '' ? null : (
          <p className="problem" role="alert">
            {failure}
          </p>
        )}
      </form>
      <p className="quiet">
        A token with the scope <code>read</code> shows everything; <code>write</code> also acknowledges and resolves.
        Administrators make them on the page <em>Tokens</em>.
      </p>
    </main>
  );
}

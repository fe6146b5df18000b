/** The recordings that ship: one click, and one of them opens as a replay. */
import { useMutation } from '@tanstack/react-query';
import { useLocation } from 'wouter';
import type { ReplayView } from '../../api/contract.ts';
import { post } from '../api.ts';

/** What `npm start` plays too. */
const BREAK_IN = 'lateral-movement';

export function PlayBreakIn() {
  const [, go] = useLocation();
  const play = useMutation({
    mutationFn: () => post<ReplayView>(`/recordings/${BREAK_IN}/replay`),
    onSuccess: ({ id }) => go(`/replays/${id}`),
  });
  return (
    <>
      <button type="button" disabled={play.isPending} onClick={() => play.mutate()}>
        Play the recorded break-in
      </button>
      {play.error === null ? null : <span role="alert"> {play.error.message}</span>}
    </>
  );
}

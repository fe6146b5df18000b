/** What people do with an incident. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { Incident } from '../../api/contract.ts';
import { post } from '../api.ts';

export interface Change {
  readonly id: string;
  readonly verb: 'acknowledge' | 'resolve' | 'reopen';
  readonly reason?: string;
}

export function useSetState() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, verb, reason = '' }: Change) => post<Incident>(`/incidents/${id}/${verb}`, { reason }),
    onSuccess: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: ['incidents'] }),
        client.invalidateQueries({ queryKey: ['incident'] }),
      ]),
  });
}

export function useComment() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, text }: { readonly id: string; readonly text: string }) =>
      post(`/incidents/${id}/comments`, { text }),
    onSuccess: (_answer, { id }) => client.invalidateQueries({ queryKey: ['incident', id] }),
  });
}

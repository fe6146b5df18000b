/** Everything that the page of an incident reads. */
import { keepPreviousData, useQueries, useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { Alert, Page, PictureView, TimelineEntry } from '../../api/contract.ts';
import { query } from '../api.ts';
import { useCase } from '../case.tsx';
import { showQuery, useShow } from '../picture/show.ts';

/** So many alerts are read with their evidence; what is behind further ones is on the list without. */
const DETAILED_MAX = 60;
const ALERTS_MAX = 500;

export function useIncident(id: string) {
  const path = `/incidents/${encodeURIComponent(id)}`;
  const { get } = useCase();
  const show = useShow();
  const picture = useQuery({
    queryKey: ['incident', id, 'picture', show.cursors],
    queryFn: () => get<PictureView>(`${path}/picture${showQuery(show.cursors)}`),
    placeholderData: keepPreviousData,
    meta: { live: true },
  });
  const timeline = useQuery({
    queryKey: ['incident', id, 'timeline'],
    queryFn: () => get<{ items: TimelineEntry[] }>(`${path}/timeline`),
    meta: { live: true },
  });
  const list = useQuery({
    queryKey: ['incident', id, 'alerts'],
    queryFn: () => get<Page<Alert>>(`/alerts${query({ incident: id, limit: ALERTS_MAX })}`),
    meta: { live: true },
  });
  const oldestFirst = useMemo(() => [...(list.data?.items ?? [])].reverse(), [list.data]);
  const detailed = useQueries({
    queries: oldestFirst.slice(0, DETAILED_MAX).map(({ id: alert, count }) => ({
      // What grows on an alert is its count; its evidence stays.
      queryKey: ['alert', alert, count],
      queryFn: () => get<Alert>(`/alerts/${alert}`),
      staleTime: Number.POSITIVE_INFINITY,
    })),
    combine: results => results.map(result => result.data),
  });
  const items = useMemo(() => oldestFirst.map((alert, at) => detailed[at] ?? alert), [oldestFirst, detailed]);
  return { picture, show, timeline, alerts: { items, error: list.data === undefined ? list.error : null } };
}

export type IncidentData = ReturnType<typeof useIncident>;

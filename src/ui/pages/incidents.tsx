/** All incidents, by what is asked for in the address, with keys for all that can be done. */
import { useInfiniteQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useRef, useState } from 'react';
import { Link, useLocation } from 'wouter';
import type { Incident, Page } from '../../api/contract.ts';
import { get, query } from '../api.ts';
import { count, visible } from '../text.ts';
import { Choices, LEVELS, Level, Read, State, Time } from '../widgets.tsx';
import { useFilters } from './filters.ts';
import { useSetState } from './incident-state.ts';

const STATES = ['open', 'acknowledged', 'resolved'] as const;
const PAGE = 100;

export default function Incidents() {
  const filters = useFilters();
  const [, navigate] = useLocation();
  const list = useInfiniteQuery({
    queryKey: ['incidents', filters.all],
    queryFn: ({ pageParam }) =>
      get<Page<Incident>>(`/incidents${query({ ...filters.all, limit: PAGE, cursor: pageParam })}`),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: page => page.next ?? undefined,
    placeholderData: held => held,
    meta: { live: true },
  });
  const items = useMemo(() => list.data?.pages.flatMap(page => page.items) ?? [], [list.data]);
  const [chosen, setChosen] = useState<string | null>(null);
  const setState = useSetState();
  const body = useRef<HTMLTableSectionElement>(null);

  const keys = useRef<(event: KeyboardEvent) => void>(() => {});
  keys.current = event => {
    const target = event.target as HTMLElement;
    if (target.closest('input, textarea, select, button, dialog') || event.ctrlKey || event.metaKey || event.altKey)
      return;
    const place = items.findIndex(({ id }) => id === chosen);
    const current = items[place];
    const step = event.key === 'j' ? 1 : event.key === 'k' ? -1 : 0;
    if (step !== 0) {
      const next = items[Math.min(Math.max(place + step, 0), items.length - 1)];
      if (next === undefined) return;
      setChosen(next.id);
      body.current?.querySelector(`[data-id="${CSS.escape(next.id)}"]`)?.scrollIntoView({ block: 'nearest' });
    } else if (current !== undefined && event.key === 'Enter') {
      if (!target.closest('a')) navigate(`/incidents/${current.id}`);
    } else if (current !== undefined && event.key === 'a') setState.mutate({ id: current.id, verb: 'acknowledge' });
    else if (current !== undefined && event.key === 'r') setState.mutate({ id: current.id, verb: 'resolve' });
  };
  useEffect(() => {
    const listener = (event: KeyboardEvent): void => keys.current(event);
    window.addEventListener('keydown', listener);
    return () => window.removeEventListener('keydown', listener);
  }, []);

  return (
    <>
      <title>Incidents · Spoor</title>
      <h1>Incidents</h1>
      <search className="filters">
        <Choices
          label="Level"
          values={LEVELS}
          chosen={filters.list('level')}
          onChange={value => filters.set('level', value)}
        />
        <Choices
          label="State"
          values={STATES}
          chosen={filters.list('state')}
          onChange={value => filters.set('state', value)}
        />
        <label>
          Namespace
          <input
            type="search"
            value={filters.get('namespace') ?? ''}
            onChange={event => filters.set('namespace', event.target.value.trim())}
          />
        </label>
        <label>
          Pod
          <input
            type="search"
            placeholder="namespace/name"
            value={filters.get('pod') ?? ''}
            onChange={event => filters.set('pod', event.target.value.trim())}
          />
        </label>
      </search>
      {setState.error === null ? null : (
        <p className="problem" role="alert">
          {setState.error.message}
        </p>
      )}
      <Read of={list} what="incidents">
        {() =>
          items.length === 0 ? (
            <p className="empty">
              {Object.keys(filters.all).length === 0 ? 'None yet: nothing has fired that needs you.' : 'None matches. '}
              {Object.keys(filters.all).length === 0 ? null : <Link href="/incidents">Show all</Link>}
            </p>
          ) : (
            <div className="scroll">
              <table className="wide">
                <thead>
                  <tr>
                    <th scope="col">Level</th>
                    <th scope="col">What happened</th>
                    <th scope="col">Workload</th>
                    <th scope="col" className="number">
                      Alerts
                    </th>
                    <th scope="col">Last activity</th>
                    <th scope="col">State</th>
                  </tr>
                </thead>
                <tbody ref={body}>
                  {items.map(incident => (
                    <tr key={incident.id} data-id={incident.id} className={incident.id === chosen ? 'chosen' : ''}>
                      <td>
                        <Level level={incident.level} />
                      </td>
                      <td className="main-cell">
                        <Link href={`/incidents/${incident.id}`}>{visible(incident.title)}</Link>
                      </td>
                      <td>
                        {visible(incident.namespace)}/{visible(incident.workload)}
                        {incident.pods.length > 1 ? (
                          <span className="quiet"> and {count(incident.pods.length - 1, 'more pod')}</span>
                        ) : null}
                      </td>
                      <td className="number">{incident.alert_count.toLocaleString('en')}</td>
                      <td>
                        <Time time={incident.last_seen} />
                      </td>
                      <td>
                        <State state={incident.state} />
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )
        }
      </Read>
      {list.hasNextPage ? (
        <button type="button" onClick={() => list.fetchNextPage()} disabled={list.isFetchingNextPage}>
          {list.isFetchingNextPage ? 'Reading …' : 'More'}
        </button>
      ) : null}
      <p className="quiet hint">
        <kbd>j</kbd> <kbd>k</kbd> move, <kbd>enter</kbd> opens, <kbd>a</kbd> acknowledges, <kbd>r</kbd> resolves,{' '}
        <kbd>?</kbd> shows all keys.
      </p>
    </>
  );
}

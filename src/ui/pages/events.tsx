/** The joined stream: what happened, as far back as it is recorded, and what happens now. */
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import type { EventsPage, FieldsView } from '../../api/contract.ts';
import { get } from '../api.ts';
import '../events/events.css';
import { EventDetails } from '../events/details.tsx';
import { FilterInput } from '../events/filter-input.tsx';
import { COLUMNS_STANDARD, type EventsQuery, useEventsQuery } from '../events/query.ts';
import { EventsTable, titleOf } from '../events/table.tsx';
import { type Tail, useTail } from '../events/tail.ts';
import { count, instant, visible } from '../text.ts';
import { Choices, Failure, Loading } from '../widgets.tsx';

const PAGE = 200;
const KINDS = [
  'process_exec',
  'process_exit',
  'process_kprobe',
  'process_lsm',
  'process_tracepoint',
  'flow',
  'lost_events',
] as const;

const TEXTS = [
  { name: 'namespace', label: 'Namespace', hint: 'name' },
  { name: 'pod', label: 'Pod', hint: 'namespace/name' },
  { name: 'since', label: 'From', hint: '2026-01-31T12:00:00Z' },
  { name: 'until', label: 'Until', hint: '2026-01-31T13:00:00Z' },
] as const;

export default function Events() {
  const asked = useEventsQuery();
  const [isPaused, setPaused] = useState(false);
  const [chosen, setChosen] = useState<string | null>(null);
  const fields = useQuery({
    queryKey: ['fields'],
    queryFn: () => get<FieldsView>('/fields'),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const text = asked.text(true);
  const history = useInfiniteQuery({
    queryKey: ['events', text],
    queryFn: ({ pageParam }) => get<EventsPage>(`/events${asked.text(true, { limit: PAGE, cursor: pageParam })}`),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: page => page.next ?? undefined,
    enabled: !asked.isLive,
    // It is read page after page: reading all of them again whenever the window is looked at would be work for nothing.
    refetchOnWindowFocus: false,
  });
  const tail = useTail(asked.isLive ? `/api/v1/events/tail${asked.text(false)}` : null, isPaused);
  const past = useMemo(() => history.data?.pages.flatMap(page => page.items) ?? [], [history.data]);
  const items = asked.isLive ? tail.items : past;
  const event = items.find(({ id }) => id === chosen);
  return (
    <>
      <title>Events · Spoor</title>
      <h1>Events</h1>
      <search className="filters">
        {TEXTS.map(({ name, label, hint }) => (
          <TextFilter
            key={name}
            label={label}
            hint={hint}
            value={asked.get(name)}
            onChange={value => asked.set(name, value)}
          />
        ))}
        <Choices
          label="Kind"
          values={KINDS}
          chosen={asked.get('kind').split(',').filter(Boolean)}
          onChange={kinds => asked.set('kind', kinds.join(','))}
        />
      </search>
      <FilterInput fields={fields.data} seen={items} onAdd={asked.addFilter} />
      <Chips asked={asked} />
      <div className="events-bar">
        <button type="button" aria-pressed={asked.isLive} onClick={() => asked.setLive(!asked.isLive)}>
          Follow what happens
        </button>
        {asked.isLive ? (
          <button type="button" aria-pressed={isPaused} onClick={() => setPaused(!isPaused)}>
            {isPaused ? 'Go on' : 'Pause'}
          </button>
        ) : (
          <button type="button" onClick={() => void history.refetch()} disabled={history.isFetching}>
            Read again
          </button>
        )}
        <span className="quiet" role="status">
          {asked.isLive ? tailText(tail, isPaused) : count(items.length, 'event')}
        </span>
        <span className="spring" />
        <Columns asked={asked} fields={fields.data} />
      </div>
      {!asked.isLive && history.error !== null && items.length === 0 ? (
        <Failure error={history.error} what="events" onRetry={() => void history.refetch()} />
      ) : null}
      {!asked.isLive && history.isPending ? <Loading what="events" /> : null}
      {items.length === 0 ? (
        <Nothing asked={asked} isRead={asked.isLive || history.isSuccess} hasMore={history.hasNextPage} />
      ) : (
        <div className="events-frame">
          <EventsTable
            items={items}
            columns={asked.columns}
            chosen={chosen}
            onChoose={id => setChosen(id === chosen ? null : id)}
          />
          {event === undefined ? null : (
            <EventDetails
              key={event.id}
              event={event}
              columns={asked.columns}
              onFilter={asked.addFilter}
              onColumn={field => asked.setColumns([...asked.columns, field])}
              onClose={() => setChosen(null)}
            />
          )}
        </div>
      )}
      {asked.isLive ? null : <Older history={history} />}
    </>
  );
}

function tailText({ items, waiting, dropped, state }: Tail, isPaused: boolean): string {
  const parts = [
    state === 'live' ? count(items.length, 'event') : state === 'lost' ? 'connection lost, trying again' : 'connecting',
    isPaused ? `paused, ${count(waiting, 'event')} ${waiting === 1 ? 'waits' : 'wait'}` : '',
    dropped > 0 ? `${count(dropped, 'event')} too many to show: narrow the filters, or look at the past` : '',
  ];
  return parts.filter(Boolean).join('; ');
}

interface TextFilterProps {
  readonly label: string;
  readonly hint: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
}

/** Takes effect when it is left or entered: half a name finds nothing. */
function TextFilter({ label, hint, value, onChange }: TextFilterProps) {
  return (
    <label>
      {label}
      <input
        key={value}
        type="search"
        placeholder={hint}
        defaultValue={value}
        onBlur={({ target }) => target.value.trim() !== value && onChange(target.value.trim())}
        onKeyDown={event => event.key === 'Enter' && onChange(event.currentTarget.value.trim())}
      />
    </label>
  );
}

function Chips({ asked }: { readonly asked: EventsQuery }) {
  const process = asked.get('exec_id');
  if (asked.filters.length === 0 && process === '') return null;
  return (
    <ul className="chips" aria-label="Filters">
      {process === '' ? null : (
        <li>
          <button
            type="button"
            onClick={() => asked.set('exec_id', '')}
            aria-label="Remove the filter one process only"
          >
            One process only ×
          </button>
        </li>
      )}
      {asked.filters.map(filter => (
        <li key={filter}>
          <button
            type="button"
            onClick={() => asked.removeFilter(filter)}
            aria-label={`Remove the filter ${visible(filter)}`}
          >
            <code>{visible(filter)}</code> ×
          </button>
        </li>
      ))}
    </ul>
  );
}

function Columns({ asked, fields }: { readonly asked: EventsQuery; readonly fields: FieldsView | undefined }) {
  const { columns } = asked;
  const others = [...COLUMNS_STANDARD, ...(fields?.items ?? []).map(({ name }) => name)].filter(
    name => !columns.includes(name) && !name.includes('<'),
  );
  return (
    <details className="columns-menu">
      <summary>Columns</summary>
      <div>
        <ul className="plain">
          {columns.map(column => (
            <li key={column}>
              <button
                type="button"
                className="link"
                aria-label={`Remove the column ${titleOf(column)}`}
                disabled={columns.length === 1}
                onClick={() => asked.setColumns(columns.filter(each => each !== column))}
              >
                ×
              </button>{' '}
              {visible(titleOf(column))}
            </li>
          ))}
        </ul>
        <label>
          Add
          <select value="" onChange={({ target }) => asked.setColumns([...columns, target.value])}>
            <option value="">a field …</option>
            {others.map(name => (
              <option key={name} value={name}>
                {titleOf(name)}
              </option>
            ))}
          </select>
        </label>
        <button type="button" onClick={() => asked.setColumns(COLUMNS_STANDARD)}>
          As at first
        </button>
      </div>
    </details>
  );
}

interface NothingProps {
  readonly asked: EventsQuery;
  readonly isRead: boolean;
  readonly hasMore: boolean;
}

function Nothing({ asked, isRead, hasMore }: NothingProps) {
  if (!isRead) return null;
  return (
    <p className="empty">
      {asked.isLive
        ? 'Nothing yet: events appear here as they happen.'
        : hasMore
          ? 'None so far.'
          : asked.isEmpty
            ? 'Nothing is recorded yet.'
            : 'None matches. '}
      {asked.isEmpty ? null : (
        <button type="button" className="link" onClick={asked.clear}>
          Without filters
        </button>
      )}
    </p>
  );
}

interface HistoryState {
  readonly data: { readonly pages: readonly EventsPage[] } | undefined;
  readonly error: Error | null;
  readonly hasNextPage: boolean;
  readonly isFetchingNextPage: boolean;
  fetchNextPage(): unknown;
}

/** How far back it was looked, and the way further. */
function Older({ history }: { readonly history: HistoryState }) {
  const last = history.data?.pages.at(-1);
  if (last === undefined) return null;
  if (!history.hasNextPage) return <p className="quiet hint">That is all that is recorded.</p>;
  return (
    <p className="hint">
      <button type="button" onClick={() => history.fetchNextPage()} disabled={history.isFetchingNextPage}>
        {history.isFetchingNextPage ? 'Reading …' : 'Older'}
      </button>{' '}
      {last.searched_until === null ? null : (
        <span className="quiet">Searched back to {instant(last.searched_until)}: it goes on from there.</span>
      )}
      {history.error === null ? null : (
        <span className="problem" role="alert">
          {history.error.message}
        </span>
      )}
    </p>
  );
}

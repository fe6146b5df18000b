/** What of the joined stream is asked for, as it stands in the address. */
import { useSearchParams } from 'wouter';

/** As the API takes them. */
const SINGLE = ['kind', 'namespace', 'pod', 'exec_id', 'since', 'until'] as const;
type Single = (typeof SINGLE)[number];

export const COLUMNS_STANDARD: readonly string[] = ['pod', 'process', 'what'];
const COLUMNS_MAX = 12;
const COLUMNS_KEY = 'spoor.events.columns';

export interface EventsQuery {
  get(name: Single): string;
  readonly filters: readonly string[];
  readonly isLive: boolean;
  /** Names of fields, or of the standard columns. */
  readonly columns: readonly string[];
  readonly isEmpty: boolean;
  set(name: Single, value: string): void;
  addFilter(filter: string): void;
  removeFilter(filter: string): void;
  setLive(isLive: boolean): void;
  setColumns(columns: readonly string[]): void;
  clear(): void;
  /** `?…` of what is asked for; the present has no times. */
  text(times: boolean, more?: Readonly<Record<string, string | number | undefined>>): string;
}

function remembered(): readonly string[] {
  const columns = localStorage.getItem(COLUMNS_KEY)?.split(' ').filter(Boolean) ?? [];
  return columns.length === 0 ? COLUMNS_STANDARD : columns.slice(0, COLUMNS_MAX);
}

export function useEventsQuery(): EventsQuery {
  const [params, setParams] = useSearchParams();
  const change = (how: (next: URLSearchParams) => void): void =>
    setParams(
      held => {
        const next = new URLSearchParams(held);
        how(next);
        return next;
      },
      { replace: true },
    );
  const put = (name: string, value: string) => (next: URLSearchParams) =>
    value === '' ? next.delete(name) : next.set(name, value);
  const filters = params.getAll('filter');
  const chosen = (params.get('columns') ?? '').split(' ').filter(Boolean).slice(0, COLUMNS_MAX);
  return {
    get: name => params.get(name) ?? '',
    filters,
    isLive: params.get('live') === '1',
    columns: chosen.length === 0 ? remembered() : chosen,
    isEmpty: filters.length === 0 && SINGLE.every(name => !params.has(name)),
    set: (name, value) => change(put(name, value)),
    addFilter: filter => change(next => filters.includes(filter) || next.append('filter', filter)),
    removeFilter: filter =>
      change(next => {
        next.delete('filter');
        for (const other of filters) if (other !== filter) next.append('filter', other);
      }),
    setLive: isLive => change(put('live', isLive ? '1' : '')),
    setColumns(columns) {
      const text = columns.join(' ');
      localStorage.setItem(COLUMNS_KEY, text);
      change(put('columns', text));
    },
    clear: () =>
      change(next => {
        for (const name of [...SINGLE, 'filter']) next.delete(name);
      }),
    text(times, more = {}) {
      const asked = new URLSearchParams();
      for (const name of SINGLE) {
        const value = params.get(name);
        if (value !== null && (times || (name !== 'since' && name !== 'until'))) asked.set(name, value);
      }
      for (const filter of filters) asked.append('filter', filter);
      for (const [name, value] of Object.entries(more)) if (value !== undefined) asked.set(name, String(value));
      const text = asked.toString();
      return text === '' ? '' : `?${text}`;
    },
  };
}

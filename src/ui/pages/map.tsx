/** Who talks to whom: the service map, live. */
import { useQuery } from '@tanstack/react-query';
import { useMemo, useRef, useState } from 'react';
import { Link } from 'wouter';
import type { MapView } from '../../api/contract.ts';
import { getUnlessSame, type Tagged } from '../api.ts';
import { MapDetails } from '../map/details.tsx';
import { Drawing } from '../map/drawing.tsx';
import { layOut, type MapLayout } from '../map/layout.ts';
import { MapTable } from '../map/table.tsx';
import { count } from '../text.ts';
import { Choices, Read } from '../widgets.tsx';
import { type Filters, useFilters } from './filters.ts';

const VERDICTS = ['FORWARDED', 'DROPPED', 'ERROR', 'AUDIT', 'REDIRECTED'] as const;
const EVERY_MS = 5_000;
const ZOOM_STEP = 1.25;

/** As the API takes them: what is unfolded is repeated, how it is shown is no filter. */
function asked(filters: Filters): string {
  const params = new URLSearchParams();
  for (const name of ['namespace', 'q', 'verdict']) {
    const value = filters.get(name);
    if (value !== undefined) params.set(name, value);
  }
  for (const id of filters.list('unfold')) params.append('unfold', id);
  return `${params}`;
}

export default function MapPage() {
  const filters = useFilters();
  const wanted = asked(filters);
  const map = useQuery({
    queryKey: ['map', wanted],
    queryFn: ({ client, queryKey }) => getUnlessSame(`/map?${wanted}`, client.getQueryData<Tagged<MapView>>(queryKey)),
    refetchInterval: EVERY_MS,
    placeholderData: held => held,
  });
  return (
    <>
      <title>Map · Spoor</title>
      <h1>Map</h1>
      <Filter filters={filters} namespaces={map.data?.data.namespaces ?? []} />
      <Read of={map} what="map">
        {({ data }) =>
          data.nodes.length === 0 ? (
            <p className="empty">
              {wanted === '' ? (
                'Nobody has talked to anybody yet: the map grows with the flows that Hubble reports.'
              ) : (
                <>
                  Nothing matches. <Link href="/map">Show all</Link>
                </>
              )}
            </p>
          ) : (
            <Shown key={`${wanted} ${map.isPlaceholderData}`} map={data} filters={filters} />
          )
        }
      </Read>
    </>
  );
}

function Filter({ filters, namespaces }: { readonly filters: Filters; readonly namespaces: readonly string[] }) {
  const isTable = filters.get('view') === 'table';
  return (
    <search className="filters">
      <label>
        Namespace
        <select value={filters.get('namespace') ?? ''} onChange={event => filters.set('namespace', event.target.value)}>
          <option value="">all</option>
          {[...new Set([...namespaces, ...filters.list('namespace')])].map(namespace => (
            <option key={namespace}>{namespace}</option>
          ))}
        </select>
      </label>
      <label>
        Text
        <input
          type="search"
          placeholder="name, process, :port"
          value={filters.get('q') ?? ''}
          onChange={event => filters.set('q', event.target.value)}
        />
      </label>
      <Choices
        label="Verdict"
        values={VERDICTS}
        chosen={filters.list('verdict')}
        onChange={value => filters.set('verdict', value)}
      />
      <button type="button" aria-pressed={isTable} onClick={() => filters.set('view', isTable ? '' : 'table')}>
        As a table
      </button>
      {filters.get('unfold') === undefined ? null : (
        <button type="button" onClick={() => filters.set('unfold', '')}>
          Fold all
        </button>
      )}
    </search>
  );
}

function Shown({ map, filters }: { readonly map: MapView; readonly filters: Filters }) {
  const { total, nodes, edges, omitted_edges } = map;
  return (
    <>
      <p className="quiet" role="status">
        {count(total.nodes, 'end')}, {count(total.edges, 'edge')}
        {nodes.length < total.nodes ? `; shown as ${nodes.length}, the rest folded` : ''}
        {omitted_edges > 0 ? `; the ${omitted_edges} least busy edges are left out: filter to see them` : ''}
      </p>
      {filters.get('view') === 'table' ? (
        <MapTable nodes={nodes} edges={edges} />
      ) : (
        <Picture map={map} filters={filters} />
      )}
    </>
  );
}

function Picture({ map, filters }: { readonly map: MapView; readonly filters: Filters }) {
  const [zoom, setZoom] = useState<number | null>(null);
  const [selected, setSelected] = useState('');
  const [arranged, setArranged] = useState(0);
  /** What is drawn now, so that the next drawing leaves everything where it is. */
  const held = useRef<{ layout: MapLayout | null; arranged: number }>({ layout: null, arranged });
  const layout = useMemo(() => {
    const before = held.current.arranged === arranged ? held.current.layout : null;
    const next = layOut(map, before);
    held.current = { layout: next, arranged };
    return next;
  }, [map, arranged]);
  const unfold = (id: string): void => filters.set('unfold', [...filters.list('unfold'), id]);
  return (
    <section className="picture-view" aria-label="Service map">
      <div className="toolbar">
        <Legend />
        <span className="spring" />
        <button type="button" onClick={() => setArranged(n => n + 1)}>
          Arrange
        </button>
        <button type="button" aria-label="Smaller" onClick={() => setZoom(z => (z ?? 1) / ZOOM_STEP)}>
          −
        </button>
        <button type="button" aria-pressed={zoom === null} onClick={() => setZoom(null)}>
          Fit
        </button>
        <button type="button" aria-label="Larger" onClick={() => setZoom(z => (z ?? 1) * ZOOM_STEP)}>
          +
        </button>
      </div>
      <div className="picture-frame">
        <Drawing layout={layout} selected={selected} zoom={zoom} label="Who talks to whom" onSelect={setSelected} />
        <MapDetails
          layout={layout}
          selected={selected}
          onSelect={setSelected}
          onUnfold={unfold}
          onNamespace={namespace => filters.set('namespace', namespace)}
        />
      </div>
    </section>
  );
}

function Legend() {
  return (
    <ul className="legend" aria-label="Lines">
      <li>
        <svg className="edge" width={34} height={12} aria-hidden="true">
          <path className="edge-line" d="M0 6h26" />
          <path className="edge-tip" d="M34 6l-8 -4v8z" />
        </svg>
        talks to, wider when busier
      </li>
      <li>
        <svg className="edge dropped" width={34} height={12} aria-hidden="true">
          <path className="edge-line" d="M0 6h26" />
          <path className="edge-cross" d="M22 1l10 10m0 -10l-10 10" />
        </svg>
        dropped in the last hour
      </li>
    </ul>
  );
}

/** The picture with what belongs around it: zoom, time, details, export. It folds nothing: it asks for what is to be open. */
import { useMemo, useRef, useState } from 'react';
import { flushSync } from 'react-dom';
import type { Alert, PictureView as Data } from '../../api/contract.ts';
import { count, visible } from '../text.ts';
import { Details } from './details.tsx';
import { savePng, saveSvg } from './export.ts';
import { layOut } from './layout.ts';
import { Picture } from './picture.tsx';
import { Scrubber } from './scrubber.tsx';
import type { Show } from './show.ts';

interface PictureViewProps {
  readonly picture: Data;
  /** What is open, and how that changes. */
  readonly show: Show;
  /** The next picture is being read. */
  readonly isBusy: boolean;
  /** Those that are at hand; others are read when somebody looks. */
  readonly alerts: readonly Alert[];
  readonly label: string;
  /** Of exported files, without extension. */
  readonly fileName: string;
  readonly playsFirst?: boolean;
}

const ZOOM_STEP = 1.25;

export function PictureView({ picture, show, isBusy, alerts, label, fileName, playsFirst = false }: PictureViewProps) {
  const [selected, setSelected] = useState<string | null>(null);
  const [at, setAt] = useState<string | null>(null);
  const [zoom, setZoom] = useState<number | null>(null);
  const [whole, setWhole] = useState(false);
  const [failure, setFailure] = useState('');
  const frame = useRef<HTMLDivElement>(null);
  const { groups, ends, links, gaps } = picture;
  const layout = useMemo(() => layOut({ groups, ends, links }), [groups, ends, links]);
  const holes = useMemo(() => gaps.map(({ from, to, reason }) => ({ from, to, reason: visible(reason) })), [gaps]);

  const withWhole = (use: (svg: SVGSVGElement) => void): void => {
    flushSync(() => setWhole(true));
    const svg = frame.current?.querySelector<SVGSVGElement>('.picture > svg');
    if (svg) use(svg);
    setWhole(false);
  };
  const png = (svg: SVGSVGElement): void => {
    setFailure('');
    savePng(svg, fileName).catch((error: Error) => setFailure(`No PNG: ${error.message}. SVG always works.`));
  };
  return (
    <section className="picture-view" aria-label={label}>
      <div className="toolbar">
        <Legend />
        <span className="spring" />
        {show.cursors.length === 0 ? null : (
          <button type="button" onClick={show.reset}>
            Fold all
          </button>
        )}
        <button type="button" aria-label="Smaller" onClick={() => setZoom(held => (held ?? 1) / ZOOM_STEP)}>
          −
        </button>
        <button type="button" onClick={() => setZoom(null)} aria-pressed={zoom === null}>
          Fit
        </button>
        <button type="button" aria-label="Larger" onClick={() => setZoom(held => (held ?? 1) * ZOOM_STEP)}>
          +
        </button>
        <button type="button" onClick={() => withWhole(svg => saveSvg(svg, fileName))}>
          SVG
        </button>
        <button type="button" onClick={() => withWhole(png)}>
          PNG
        </button>
      </div>
      {failure === '' ? null : <p role="alert">{failure}</p>}
      {groups.length === 0 ? (
        <p className="empty">No process of it is known any more: only what its alerts remember is below.</p>
      ) : (
        <div className="picture-frame" ref={frame}>
          <Picture
            layout={layout}
            at={at}
            selected={selected}
            label={label}
            onSelect={setSelected}
            onToggle={show.toggle}
            zoom={zoom}
            whole={whole}
            isBusy={isBusy}
          />
          {selected === null ? null : (
            <Details
              layout={layout}
              selected={selected}
              alerts={alerts}
              onSelect={setSelected}
              onToggle={show.toggle}
            />
          )}
        </div>
      )}
      <Shown picture={picture} />
      <Scrubber ticks={picture.ticks} holes={holes} at={at} onChange={setAt} playsFirst={playsFirst} />
    </section>
  );
}

/** How much of what there is has a place of its own. */
function Shown({ picture: { totals, groups } }: { readonly picture: Data }) {
  const { processes, shown, connections, flows, pods } = totals;
  if (groups.length === 0) return null;
  return (
    <p className="picture-totals quiet" role="status">
      Showing {shown.toLocaleString('en')} of {count(processes, 'process', 'processes')}
      {pods > groups.length ? ` and ${groups.length} of ${pods} trees` : ''}; {count(connections, 'connection')} with{' '}
      {count(flows, 'flow')}.
    </p>
  );
}

function Legend() {
  return (
    <ul className="legend" aria-label="Lines">
      <li>
        <Sample className="by-socket" /> seen at the socket
      </li>
      <li>
        <Sample className="by-inferred" /> inferred
      </li>
      <li>
        <Sample className="by-pod" /> process unknown
      </li>
      <li>
        <Sample className="dropped" /> dropped
      </li>
      <li>
        <span className="legend-step" aria-hidden="true">
          1
        </span>{' '}
        evidence, in its order
      </li>
    </ul>
  );
}

function Sample({ className }: { readonly className: string }) {
  return (
    <svg width="26" height="8" aria-hidden="true" className={`edge ${className}`}>
      <path className="edge-line" d={className === 'dropped' ? 'M1 4H20M17 1l6 6m0 -6l-6 6' : 'M1 4H25'} />
    </svg>
  );
}

/** The picture with what belongs around it: folds, zoom, time, details, export. */
import { useCallback, useMemo, useRef, useState } from 'react';
import { flushSync } from 'react-dom';
import type { Alert, TreeView } from '../../api/contract.ts';
import { count } from '../text.ts';
import { Details } from './details.tsx';
import { savePng, saveSvg } from './export.ts';
import { layOut } from './layout.ts';
import { marksOf } from './marks.ts';
import { Picture } from './picture.tsx';
import { type Hole, Scrubber, type Tick } from './scrubber.tsx';

interface PictureViewProps {
  /** The subject's trees first, then those of pods that it reached. */
  readonly trees: readonly TreeView[];
  /** With their evidence as far as it is loaded. */
  readonly alerts: readonly Alert[];
  readonly ticks: readonly Tick[];
  readonly holes: readonly Hole[];
  readonly label: string;
  /** Of exported files, without extension. */
  readonly fileName: string;
}

const ZOOM_STEP = 1.25;

export function PictureView({ trees, alerts, ticks, holes, label, fileName }: PictureViewProps) {
  const [toggled, setToggled] = useState<ReadonlySet<string>>(new Set());
  const [selected, setSelected] = useState<string | null>(null);
  const [at, setAt] = useState<string | null>(null);
  const [zoom, setZoom] = useState<number | null>(null);
  const [whole, setWhole] = useState(false);
  const [failure, setFailure] = useState('');
  const frame = useRef<HTMLDivElement>(null);
  const marks = useMemo(() => marksOf(alerts), [alerts]);
  const layout = useMemo(() => layOut({ trees, marks, toggled }), [trees, marks, toggled]);
  const toggle = useCallback((key: string) => {
    setToggled(held => {
      const next = new Set(held);
      if (!next.delete(key)) next.add(key);
      return next;
    });
  }, []);

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
  const quiet = layout.groups.length === 0;
  return (
    <section className="picture-view" aria-label={label}>
      <div className="toolbar">
        <Legend />
        <span className="spring" />
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
      {quiet ? (
        <p className="empty">No process of it is known any more: only what its alerts remember is below.</p>
      ) : (
        <div className="picture-frame" ref={frame}>
          <Picture
            layout={layout}
            at={at}
            selected={selected}
            label={label}
            onSelect={setSelected}
            onToggle={toggle}
            zoom={zoom}
            whole={whole}
          />
          {selected === null ? null : (
            <Details layout={layout} selected={selected} alerts={alerts} onSelect={setSelected} />
          )}
        </div>
      )}
      {layout.omitted > 0 ? (
        <p className="note">
          At least {count(layout.omitted, 'process', 'processes')} more than the picture holds are left out.
        </p>
      ) : null}
      <Scrubber ticks={ticks} holes={holes} at={at} onChange={setAt} />
    </section>
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
    </ul>
  );
}

function Sample({ className }: { readonly className: string }) {
  return (
    <svg width="26" height="8" aria-hidden="true" className={`edge ${className}`}>
      <path className="edge-line" d="M1 4H25" />
    </svg>
  );
}

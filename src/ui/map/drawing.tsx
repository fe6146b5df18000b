/** The service map drawn: boxes, lines, nodes. One stop of the tab key; arrows go from node to node, enter opens. */
import { type KeyboardEvent, memo, useRef, useState } from 'react';
import { cut } from '../text.ts';
import { reachOf } from './lanes.ts';
import { type Line, type MapLayout, neighbour, type PlacedNode, SIZE } from './layout.ts';
import { edgeTitle, nodeName, nodeSubtitle, nodeTitle, processesText, rate } from './words.ts';

const TITLE_CHARS = 24;
const SUBTITLE_CHARS = 27;
const PROCESSES_SHOWN_MAX = 3;
/** Widths of lines: below ten flows a minute, below a hundred … */
const BUSY_MAX = 3;

interface Route {
  readonly d: string;
  /** Where it arrives, and whether it comes from the left (1) or from the right (-1). */
  readonly x: number;
  readonly y: number;
  readonly way: 1 | -1;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/** @param short by how much it ends before its end, for the tip. */
function curve(from: Point, to: Point, short = 0): string {
  const reach = reachOf(from.x, to.x);
  return `C${from.x + reach} ${from.y} ${to.x - reach} ${to.y} ${to.x - short} ${to.y}`;
}

/** Out at the side that faces the other, in at the side that faces this one; in one column, and back to itself, around the right. */
function routeOf({ from, to, bends }: Line): Route {
  const y1 = from.y + from.height / 2;
  const y2 = to.y + to.height / 2;
  const right = from.x + from.width;
  if (from === to) return { d: `M${right} ${y1 - 8}c34 -26 34 42 7 18`, x: right, y: y1 + 10, way: -1 };
  if (to.x >= right || to.x + to.width <= from.x) {
    const way = to.x >= right ? 1 : -1;
    const x1 = way === 1 ? right : from.x;
    const x = way === 1 ? to.x : to.x + to.width;
    let d = `M${x1} ${y1}`;
    let at = { x: x1, y: y1 };
    for (const bend of bends) {
      d += `${curve(at, { x: bend.from, y: bend.y })}H${bend.to}`;
      at = { x: bend.to, y: bend.y };
    }
    return { d: `${d}${curve(at, { x, y: y2 }, 7 * way)}`, x, y: y2, way };
  }
  const x = to.x + to.width;
  const bulge = Math.max(right, x) + 34 + Math.abs(y2 - y1) / 8;
  return { d: `M${right} ${y1}C${bulge} ${y1} ${bulge} ${y2} ${x + 7} ${y2}`, x, y: y2, way: -1 };
}

/** `TCP 443 HTTP · 12 a minute · curl, wget`. */
function lineLabel({ edges, perMinute, dropped }: Line): string {
  const [first] = edges;
  const what = first === undefined ? '' : `${edgeTitle(first)}${edges.length > 1 ? ` +${edges.length - 1}` : ''}`;
  const processes = [...new Set(edges.flatMap(edge => edge.processes))];
  const by = processesText(processes.slice(0, PROCESSES_SHOWN_MAX), processes.length > PROCESSES_SHOWN_MAX);
  return [what, rate(perMinute), dropped ? 'dropped' : '', by].filter(Boolean).join(' · ');
}

interface LineProps {
  readonly line: Line;
  /** `lit` when selected, `near` at a selected node, `faint` where something else is. */
  readonly nearness: '' | 'lit' | 'near' | 'faint';
  readonly onSelect: (key: string) => void;
}

const LinePart = memo(function LinePart({ line, nearness, onSelect }: LineProps) {
  const { d, x, y, way } = routeOf(line);
  const { from, to } = line;
  const busy = Math.min(Math.floor(Math.log10(1 + line.perMinute)), BUSY_MAX);
  const classes = ['edge', `busy-${busy}`, line.dropped ? 'dropped' : '', nearness];
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: by keyboard it is reached from the details of its ends, and in the table.
    <g className={classes.filter(Boolean).join(' ')} onClick={() => onSelect(line.key)}>
      <path className="edge-hit" d={d} />
      <path className="edge-line" d={d} />
      {line.dropped ? (
        <path className="edge-cross" d={`M${x - 6 * way - 5} ${y - 5}l10 10m0 -10l-10 10`} />
      ) : (
        <path className="edge-tip" d={`M${x} ${y}l${-8 * way} -4v8z`} />
      )}
      <text
        className="edge-label"
        x={(from.x + to.x + SIZE.width) / 2}
        y={(from.y + to.y + SIZE.height) / 2 - 5}
        textAnchor="middle"
      >
        {lineLabel(line)}
      </text>
    </g>
  );
});

interface NodeProps {
  readonly placed: PlacedNode;
  readonly isFocused: boolean;
  readonly isSelected: boolean;
  readonly isFaint: boolean;
  readonly says: string;
  readonly onSelect: (id: string) => void;
}

const NodePart = memo(function NodePart({ placed, isFocused, isSelected, isFaint, says, onSelect }: NodeProps) {
  const { node, x, y, width, height } = placed;
  const classes = ['map-node', `map-${node.kind}`, isSelected ? 'selected' : '', isFaint ? 'faint' : ''];
  return (
    <g className={classes.filter(Boolean).join(' ')}>
      {/* biome-ignore lint/a11y/useSemanticElements: HTML has no place in SVG. */}
      <rect
        role="button"
        aria-label={`${nodeName(node)}, ${nodeSubtitle(node)}${says}`}
        aria-pressed={isSelected}
        tabIndex={isFocused ? 0 : -1}
        data-id={node.id}
        onClick={() => onSelect(node.id)}
        className="map-ground"
        x={x}
        y={y}
        width={width}
        height={height}
        rx={6}
      />
      {/* biome-ignore lint/a11y/noAriaHiddenOnFocusable: nothing in it takes the focus. */}
      <g aria-hidden="true" className="map-text">
        <text className="end-title" x={x + 12} y={y + 19}>
          {cut(nodeTitle(node), TITLE_CHARS)}
        </text>
        <text className="end-subtitle" x={x + 12} y={y + 35}>
          {cut(nodeSubtitle(node), SUBTITLE_CHARS)}
        </text>
      </g>
    </g>
  );
});

interface DrawingProps {
  readonly layout: MapLayout;
  /** Id of a node or key of a line, or ''. */
  readonly selected: string;
  readonly zoom: number | null;
  readonly label: string;
  readonly onSelect: (selected: string) => void;
}

export function Drawing({ layout, selected, zoom, label, onSelect }: DrawingProps) {
  const { nodes, boxes, lines, width, height } = layout;
  const drawing = useRef<SVGSVGElement>(null);
  const [focused, setFocused] = useState('');
  const stop = nodes.has(focused) ? focused : (nodes.keys().next().value ?? '');
  const isOf = ({ key, from, to }: Line): boolean =>
    key === selected || from.node.id === selected || to.node.id === selected;
  const lit = selected === '' ? [] : lines.filter(isOf);
  const near = new Set([selected, ...lit.flatMap(({ from, to }) => [from.node.id, to.node.id])]);
  const onKeyDown = (event: KeyboardEvent): void => {
    const from = nodes.get(stop);
    if (from === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'Enter' || event.key === ' ') onSelect(stop);
    else if (event.key === 'Escape') onSelect('');
    else {
      const next = neighbour(layout, from, event.key);
      if (!event.key.startsWith('Arrow')) return;
      if (next !== null) {
        setFocused(next.node.id);
        drawing.current?.querySelector<SVGElement>(`[data-id="${CSS.escape(next.node.id)}"]`)?.focus();
      }
    }
    event.preventDefault();
  };
  return (
    <div className="picture map-drawing">
      {/* biome-ignore lint/a11y/useSemanticElements: HTML has no place in SVG. */}
      <svg
        ref={drawing}
        role="group"
        aria-label={label}
        viewBox={`0 0 ${width} ${height}`}
        {...(zoom === null ? {} : { width: width * zoom, height: height * zoom })}
        className={zoom === null ? 'map-fit' : ''}
        onKeyDown={onKeyDown}
        onFocus={event => setFocused(event.target.getAttribute('data-id') ?? focused)}
      >
        {/* biome-ignore lint/a11y/noAriaHiddenOnFocusable: nothing in it takes the focus. */}
        <g aria-hidden="true">
          {boxes.map(box => (
            <g key={box.key}>
              <rect className="box" x={box.x} y={box.y} width={box.width} height={box.height} rx={10} />
              <text className="head-subtitle" x={box.x + SIZE.pad} y={box.y + 19}>
                {cut(box.title, Math.floor((box.width - 2 * SIZE.pad) / 6.6))}
              </text>
            </g>
          ))}
          {lines.map(line => (
            <LinePart
              key={line.key}
              line={line}
              nearness={selected === '' ? '' : line.key === selected ? 'lit' : isOf(line) ? 'near' : 'faint'}
              onSelect={onSelect}
            />
          ))}
        </g>
        {[...nodes.values()].map(placed => (
          <NodePart
            key={placed.node.id}
            placed={placed}
            isFocused={placed.node.id === stop}
            isSelected={placed.node.id === selected}
            isFaint={lit.length > 0 && !near.has(placed.node.id)}
            says={saying(placed, lines)}
            onSelect={onSelect}
          />
        ))}
      </svg>
    </div>
  );
}

/** `, talks to 3, asked by 2, some dropped`. */
function saying({ node }: PlacedNode, lines: readonly Line[]): string {
  const out = lines.filter(({ from }) => from.node.id === node.id);
  const into = lines.filter(({ to }) => to.node.id === node.id);
  return [
    out.length === 0 ? '' : `, talks to ${out.length}`,
    into.length === 0 ? '' : `, asked by ${into.length}`,
    [...out, ...into].some(({ dropped }) => dropped) ? ', some dropped' : '',
  ].join('');
}

/** The service map drawn: boxes, lines, nodes. One stop of the tab key; arrows go from node to node, enter opens. */
import { type KeyboardEvent, memo, useRef, useState } from 'react';
import { cut } from '../text.ts';
import { type Line, type MapLayout, neighbour, type PlacedNode, SIZE } from './layout.ts';
import { edgeTitle, nodeName, nodeSubtitle, nodeTitle, rate } from './words.ts';

const TITLE_CHARS = 24;
const SUBTITLE_CHARS = 27;

/** From the right of one to the left of the other; back to itself, or to the left, around. */
function curve({ from, to }: Line): string {
  const x1 = from.x + from.width;
  const y1 = from.y + from.height / 2;
  const y2 = to.y + to.height / 2;
  if (from === to) return `M${x1} ${y1 - 8}c34 -26 34 42 7 18`;
  const x2 = to.x - 7;
  const reach = Math.max(Math.abs(x2 - x1) / 2, 44);
  return `M${x1} ${y1}C${x1 + reach} ${y1} ${x2 - reach} ${y2} ${x2} ${y2}`;
}

function tip({ from, to }: Line): { x: number; y: number; way: number } {
  return from === to
    ? { x: from.x + from.width, y: from.y + from.height / 2 + 10, way: -1 }
    : { x: to.x, y: to.y + to.height / 2, way: 1 };
}

/** `TCP 443 HTTP · 12 a minute`. */
function lineLabel({ edges, perMinute, dropped }: Line): string {
  const [first] = edges;
  const what = first === undefined ? '' : `${edgeTitle(first)}${edges.length > 1 ? ` +${edges.length - 1}` : ''}`;
  return `${what} · ${rate(perMinute)}${dropped ? ' · dropped' : ''}`;
}

function middle(line: Line): { x: number; y: number } {
  const { from, to } = line;
  return { x: (from.x + from.width + to.x) / 2, y: (from.y + to.y + SIZE.height) / 2 };
}

interface LineProps {
  readonly line: Line;
  readonly isLit: boolean;
  readonly isFaint: boolean;
  readonly onSelect: (key: string) => void;
}

const LinePart = memo(function LinePart({ line, isLit, isFaint, onSelect }: LineProps) {
  const d = curve(line);
  const { x, y, way } = tip(line);
  const at = middle(line);
  const width = 1.2 + Math.min(Math.log10(1 + line.perMinute), 3);
  const classes = ['edge', line.dropped ? 'dropped' : '', isLit ? 'lit' : '', isFaint ? 'faint' : ''];
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: by keyboard it is reached from the details of its ends, and in the table.
    <g className={classes.filter(Boolean).join(' ')} onClick={() => onSelect(line.key)}>
      <path className="edge-hit" d={d} />
      <path className="edge-line" d={d} strokeWidth={width} />
      {line.dropped ? (
        <path className="edge-cross" d={`M${x - 11} ${y - 5}l10 10m0 -10l-10 10`} />
      ) : (
        <path className="edge-tip" d={`M${x} ${y}l${-8 * way} -4v8z`} />
      )}
      <text className="edge-label" x={at.x} y={at.y - 5} textAnchor="middle">
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
    // biome-ignore lint/a11y/useSemanticElements: HTML has no place in SVG.
    <g
      role="button"
      aria-label={`${nodeName(node)}, ${nodeSubtitle(node)}${says}`}
      aria-pressed={isSelected}
      tabIndex={isFocused ? 0 : -1}
      data-id={node.id}
      className={classes.filter(Boolean).join(' ')}
      onClick={() => onSelect(node.id)}
    >
      <rect className="map-ground" x={x} y={y} width={width} height={height} rx={6} />
      <text className="end-title" x={x + 12} y={y + 19}>
        {cut(nodeTitle(node), TITLE_CHARS)}
      </text>
      <text className="end-subtitle" x={x + 12} y={y + 35}>
        {cut(nodeSubtitle(node), SUBTITLE_CHARS)}
      </text>
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
        drawing.current?.querySelector<SVGGElement>(`[data-id="${CSS.escape(next.node.id)}"]`)?.focus();
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
              isLit={selected !== '' && isOf(line)}
              isFaint={selected !== '' && !isOf(line)}
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

/** The picture's pieces in SVG. Everything from pods is a text node. */
import { memo } from 'react';
import { cut, signed } from '../text.ts';
import { rowLabel, SIZE } from './layout.ts';
import type { Destination, Edge, Group, Mark, Row } from './types.ts';

/** Whether something has begun, or is over, at the time that is shown. */
export type Phase = 'future' | 'now' | 'past';

function Badge({ mark, x, y }: { readonly mark: Mark; readonly x: number; readonly y: number }) {
  const label = String(mark.step);
  const width = Math.max(18, label.length * 7 + 10);
  return (
    <g className={`badge level-${mark.level}`}>
      <title>{`${mark.step}. ${mark.rules.join(' · ')}`}</title>
      <rect x={x - width / 2} y={y - 9} width={width} height={18} rx={9} />
      <text x={x} y={y + 4} textAnchor="middle">
        {label}
      </text>
    </g>
  );
}

interface RowProps {
  readonly row: Row;
  readonly left: number;
  readonly width: number;
  readonly phase: Phase;
  readonly isFocused: boolean;
  readonly isSelected: boolean;
  readonly reaches: string;
}

export const RowPart = memo(function RowPart(props: RowProps) {
  const { row, left, width, phase, isFocused, isSelected, reaches } = props;
  const middle = row.y + SIZE.row / 2;
  const right = left + width;
  const [process] = row.members;
  const classes = ['row', `row-${row.kind}`, phase, isSelected ? 'selected' : ''];
  if (row.mark !== null) classes.push('marked', `level-${row.mark.level}`);
  const rest = row.chars - row.name.length - 1;
  // What is drawn may be cut; the label is whole.
  return (
    <g data-key={row.key} className={classes.filter(Boolean).join(' ')}>
      <rect
        role="treeitem"
        aria-level={row.depth + 2}
        aria-label={reaches === '' ? rowLabel(row) : `${rowLabel(row)}, ${reaches}`}
        aria-selected={isSelected}
        {...(row.expanded === null ? {} : { 'aria-expanded': row.expanded })}
        tabIndex={isFocused ? 0 : -1}
        className="row-ground"
        x={left + 4}
        y={row.y + 1}
        width={width - 8}
        height={SIZE.row - 2}
        rx={4}
      />
      {/* biome-ignore lint/a11y/noAriaHiddenOnFocusable: nothing in it takes the focus. */}
      <g aria-hidden="true">
        {row.mark === null ? null : <Badge mark={row.mark} x={left + 20} y={middle} />}
        {row.expanded === null ? null : (
          <g className="toggle" data-toggle={row.key}>
            <rect x={row.x - 16} y={row.y + 3} width={16} height={SIZE.row - 6} />
            <path
              d={row.expanded ? `M${row.x - 12} ${middle - 2}l4 4 4 -4` : `M${row.x - 10} ${middle - 4}l4 4 -4 4`}
            />
          </g>
        )}
        <text className="row-text" x={row.x} y={middle + 4}>
          <tspan className="row-name">{cut(row.name, row.chars)}</tspan>
          {row.text === '' || rest < 4 ? null : (
            <tspan className="row-args" dx={SIZE.char}>
              {cut(row.text, rest)}
            </tspan>
          )}
        </text>
        {row.kind === 'process' && process !== undefined ? (
          <g className="row-facts">
            <text x={right - 112} y={middle + 4} textAnchor="end">
              {process.pid}
            </text>
            <text x={right - 72} y={middle + 4} textAnchor="end">
              {process.uid === null ? '' : process.uid === 0 ? 'root' : process.uid}
            </text>
            {row.age === null ? null : (
              <text className={row.late ? 'late' : ''} x={right - 10} y={middle + 4} textAnchor="end">
                {signed(row.age)}
              </text>
            )}
          </g>
        ) : null}
        {row.kind !== 'process' && row.hidden > 0 ? (
          <text className="row-hidden" x={right - 10} y={middle + 4} textAnchor="end">
            {row.kind === 'host' ? 'on the host' : `${row.hidden} folded`}
          </text>
        ) : null}
        {isFocused ? (
          <rect className="focus" x={left + 4} y={row.y + 1} width={width - 8} height={SIZE.row - 2} rx={4} />
        ) : null}
      </g>
    </g>
  );
});

/** Lines from parents to children, in one path. */
export function Branches({ rows }: { readonly rows: readonly Row[] }) {
  const byKey = new Map(rows.map(row => [row.key, row]));
  const d = rows
    .map(row => {
      const parent = row.parent === null ? undefined : byKey.get(row.parent);
      if (parent === undefined) return '';
      const x = parent.x - 8;
      return `M${x} ${parent.y + SIZE.row - 5}V${row.y + SIZE.row / 2}H${row.x - (row.expanded === null ? 4 : 15)}`;
    })
    .join('');
  return d === '' ? null : <path className="branches" d={d} />;
}

interface GroupProps {
  readonly group: Group;
  readonly isFocused: boolean;
  readonly isSelected: boolean;
}

export function GroupHead({ group, isFocused, isSelected }: GroupProps) {
  const { x, y, width, title, subtitle } = group;
  const chars = Math.floor((width - 28) / SIZE.char);
  const right = x + width;
  return (
    <g data-key={`group ${group.key}`} className="head">
      <rect
        role="treeitem"
        aria-level={1}
        aria-label={`${group.isHost ? 'host' : 'pod'} ${title}${subtitle === '' ? '' : `, ${subtitle}`}`}
        aria-selected={isSelected}
        tabIndex={isFocused ? 0 : -1}
        className="head-ground"
        x={x + 4}
        y={y + 4}
        width={width - 8}
        height={SIZE.head - 8}
        rx={4}
      />
      {/* biome-ignore lint/a11y/noAriaHiddenOnFocusable: nothing in it takes the focus. */}
      <g aria-hidden="true">
        <text className="head-title" x={x + 14} y={y + 20}>
          <tspan className="head-kind">{group.isHost ? 'host' : 'pod'}</tspan>
          <tspan dx={8}>{cut(title, chars - 8)}</tspan>
        </text>
        <text className="head-subtitle" x={x + 14} y={y + 36}>
          {cut(subtitle, Math.floor((width - SIZE.trail) / 6.6))}
        </text>
        <g className="head-columns">
          <text x={right - 112} y={y + 36} textAnchor="end">
            pid
          </text>
          <text x={right - 72} y={y + 36} textAnchor="end">
            user
          </text>
          <text x={right - 10} y={y + 36} textAnchor="end">
            start
          </text>
        </g>
        {isFocused ? (
          <rect className="focus" x={x + 4} y={y + 4} width={width - 8} height={SIZE.head - 8} rx={4} />
        ) : null}
      </g>
    </g>
  );
}

/** Leaves to the right and arrives from the left, or bulges to the right inside a column. */
function curve({ x1, y1, x2, y2 }: Edge): string {
  if (x1 === x2) {
    const bulge = Math.min(40 + Math.abs(y2 - y1) / 4, SIZE.gutter - 20);
    return `M${x1} ${y1}C${x1 + bulge} ${y1} ${x2 + bulge} ${y2} ${x2 + 7} ${y2}`;
  }
  const end = x2 > x1 ? x2 - 7 : x2 + 7;
  const reach = Math.max(Math.abs(end - x1) / 2, 40) * Math.sign(end - x1);
  return `M${x1} ${y1}C${x1 + reach} ${y1} ${end - reach} ${y2} ${end} ${y2}`;
}

interface EdgeProps {
  readonly edge: Edge;
  readonly phase: Phase;
  readonly isLit: boolean;
  readonly isFaint: boolean;
}

export const EdgePart = memo(function EdgePart({ edge, phase, isLit, isFaint }: EdgeProps) {
  const { mark, attribution, isDropped, isInbound, flows, x1, y1, x2, y2 } = edge;
  const tip = isInbound ? { x: x1, y: y1, s: -1 } : { x: x2, y: y2, s: x2 > x1 ? 1 : -1 };
  const classes = ['edge', `by-${attribution}`, phase === 'future' ? 'future' : ''];
  if (isDropped) classes.push('dropped');
  else if (mark !== null) classes.push('marked', `level-${mark.level}`);
  if (isLit) classes.push('lit');
  if (isFaint) classes.push('faint');
  const middle = { x: (x1 + x2) / 2 + (x1 === x2 ? 40 : 0), y: (y1 + y2) / 2 };
  const label = `${flows.toLocaleString('en')}${isDropped ? ' dropped' : ''}`;
  return (
    <g className={classes.filter(Boolean).join(' ')} data-key={edge.key}>
      <title>{edgeTitle(edge)}</title>
      <path className="edge-hit" d={curve(edge)} />
      <path className="edge-line" d={curve(edge)} />
      {isDropped ? (
        <path className="edge-cross" d={`M${tip.x - 5} ${tip.y - 5}l10 10m0 -10l-10 10`} />
      ) : (
        <path className="edge-tip" d={`M${tip.x} ${tip.y}l${-8 * tip.s} -4v8z`} />
      )}
      {mark === null ? null : <Badge mark={mark} x={middle.x} y={middle.y} />}
      <text
        className="edge-label"
        x={middle.x + (mark === null ? 0 : 15)}
        y={middle.y + 4}
        textAnchor={mark === null ? 'middle' : 'start'}
      >
        {label}
      </text>
    </g>
  );
});

const ATTRIBUTIONS = {
  socket: 'seen at the socket',
  inferred: 'inferred: the only process that can be it',
  pod: 'process not known',
} as const;

export function edgeTitle(edge: Edge): string {
  const parts = [
    `${edge.flows.toLocaleString('en')} ${edge.flows === 1 ? 'flow' : 'flows'}`,
    ATTRIBUTIONS[edge.attribution],
    ...(edge.isDropped ? ['dropped'] : []),
    ...(edge.mark === null ? [] : [edge.mark.rules.join(' · ')]),
  ];
  return parts.join(', ');
}

interface DestinationProps {
  readonly end: Destination;
  readonly isInbound: boolean;
  readonly isLit: boolean;
  readonly isSelected: boolean;
}

export function DestinationPart({ end, isInbound, isLit, isSelected }: DestinationProps) {
  const { x, y, width, title, subtitle, kind } = end;
  const chars = Math.floor((width - 20) / SIZE.char);
  const flows = end.connections.reduce((sum, connection) => sum + connection.flows, 0);
  return (
    <g className={`end${isLit ? ' lit' : ''}${isSelected ? ' selected' : ''}`} data-key={end.key}>
      <title>{title}</title>
      <rect className="end-ground" x={x} y={y} width={width} height={SIZE.destination - 2} rx={6} />
      <text className="end-title" x={x + 10} y={y + 16}>
        {cut(title, chars)}
      </text>
      <text className="end-subtitle" x={x + 10} y={y + 31}>
        {cut(
          [
            isInbound ? 'from here' : subtitle,
            KINDS[kind] ?? '',
            `${flows.toLocaleString('en')} ${flows === 1 ? 'flow' : 'flows'}`,
          ]
            .filter(Boolean)
            .join(' · '),
          chars,
        )}
      </text>
    </g>
  );
}

const KINDS: Readonly<Record<string, string>> = {
  pod: 'pod',
  service: 'service',
  host: 'host',
  remote_node: 'node',
  kube_apiserver: 'API server',
  ingress: 'ingress',
  world: 'outside',
};

/** The picture's pieces in SVG. Everything from pods is a text node. */
import { memo } from 'react';
import { count, cut } from '../text.ts';
import { pathOf } from './routes.ts';
import { SIZE } from './size.ts';
import type { Mark, PlacedEnd, PlacedGroup, PlacedLink, PlacedRow } from './types.ts';
import { linkTitle, rowAge, rowLabel } from './words.ts';

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
  readonly row: PlacedRow;
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
  const { process } = row;
  const age = rowAge(row);
  const classes = ['row', `row-${row.kind}`, phase, isSelected ? 'selected' : ''];
  if (row.mark !== null) classes.push('marked', `level-${row.mark.level}`);
  const rest = row.chars - row.name.length - 1;
  // What is drawn may be cut; the label is whole.
  return (
    <g data-key={row.key} className={classes.filter(Boolean).join(' ')}>
      <rect
        role="treeitem"
        aria-level={row.depth + 2}
        aria-posinset={row.place}
        aria-setsize={row.siblings}
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
        <g className="row-facts">
          {row.kind === 'process' && process !== null ? (
            <>
              <text x={right - 112} y={middle + 4} textAnchor="end">
                {process.pid}
              </text>
              <text x={right - 72} y={middle + 4} textAnchor="end">
                {process.uid === null ? '' : process.uid === 0 ? 'root' : process.uid}
              </text>
            </>
          ) : null}
          {age === '' ? null : (
            <text className={row.late ? 'late' : ''} x={right - 10} y={middle + 4} textAnchor="end">
              {age}
            </text>
          )}
        </g>
        {row.kind === 'host' && row.hidden > 0 ? (
          <text className="row-hidden" x={right - 10} y={middle + 4} textAnchor="end">
            on the host
          </text>
        ) : null}
        {isFocused ? (
          <rect className="focus" x={left + 4} y={row.y + 1} width={width - 8} height={SIZE.row - 2} rx={4} />
        ) : null}
      </g>
    </g>
  );
});

interface BranchesProps {
  readonly rows: readonly PlacedRow[];
  readonly top: number;
  readonly bottom: number;
}

/** Lines from parents to children that are in view, in one path. */
export function Branches({ rows, top, bottom }: BranchesProps) {
  const byKey = new Map(rows.map(row => [row.key, row]));
  /** Parents whose line goes on below the view. */
  const leaving = new Set<string>();
  let d = '';
  for (const row of rows) {
    const parent = row.parent === null ? undefined : byKey.get(row.parent);
    if (parent === undefined || row.y < top || parent.y > bottom) continue;
    const x = parent.x - 8;
    const from = Math.max(parent.y + SIZE.row - 5, top);
    if (row.y <= bottom) d += `M${x} ${from}V${row.y + SIZE.row / 2}H${row.x - (row.expanded === null ? 4 : 15)}`;
    else if (!leaving.has(parent.key)) {
      leaving.add(parent.key);
      d += `M${x} ${from}V${bottom}`;
    }
  }
  return d === '' ? null : <path className="branches" d={d} />;
}

interface GroupProps {
  readonly group: PlacedGroup;
  readonly isFocused: boolean;
  readonly isSelected: boolean;
}

export function GroupHead({ group, isFocused, isSelected }: GroupProps) {
  const { x, y, width, name, subtitle, kind } = group;
  const chars = Math.floor((width - 28) / SIZE.char);
  const right = x + width;
  return (
    <g data-key={`group ${group.key}`} className="head">
      <rect
        role="treeitem"
        aria-level={1}
        aria-label={`${kind} ${name}${subtitle === '' ? '' : `, ${subtitle}`}`}
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
          <tspan className="head-kind">{kind}</tspan>
          <tspan dx={8}>{cut(name, chars - 8)}</tspan>
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

/** `4 flows`, `2 flows dropped`, `+88 more`. */
function linkLabel({ flows, dropped, toggle, targets }: PlacedLink): string {
  const text = toggle === null ? count(flows, 'flow') : `+${targets.toLocaleString('en')} more`;
  return dropped ? `${text} dropped` : text;
}

interface LinkProps {
  readonly link: PlacedLink;
  readonly phase: Phase;
  readonly isLit: boolean;
  readonly isFaint: boolean;
}

export const LinkPart = memo(function LinkPart({ link, phase, isLit, isFaint }: LinkProps) {
  const { mark, attribution, dropped, y1, tag } = link;
  const classes = ['edge', `by-${attribution}`, phase === 'future' ? 'future' : ''];
  if (dropped) classes.push('dropped');
  else if (mark !== null) classes.push('marked', `level-${mark.level}`);
  if (isLit) classes.push('lit');
  if (isFaint) classes.push('faint');
  const d = pathOf(link);
  return (
    <g className={classes.filter(Boolean).join(' ')} data-key={link.key}>
      <path className="edge-hit" d={d} />
      <path className="edge-line" d={d} />
      {mark === null ? null : <Badge mark={mark} x={tag} y={y1} />}
      {isLit ? <title>{linkTitle(link)}</title> : null}
    </g>
  );
});

/** At which end of a line its label stands: the one at which nobody points. */
export type LabelAt = 'from' | 'to';

/** Of a line that stands out, above all lines. */
export function LinkLabel({ link, at }: { readonly link: PlacedLink; readonly at: LabelAt }) {
  const { mark, x1, y1, x2, y2, lane, tag } = link;
  const isLeft = at === 'from' ? x2 < x1 : x2 > lane;
  const x = at === 'to' ? x2 + (isLeft ? -10 : 10) : mark === null ? tag : tag + (isLeft ? -13 : 13);
  return (
    <text className="edge-label" x={x} y={(at === 'from' ? y1 : y2) - 4} textAnchor={isLeft ? 'end' : 'start'}>
      {linkLabel(link)}
    </text>
  );
}

interface EndProps {
  readonly end: PlacedEnd;
  readonly isLit: boolean;
  readonly isSelected: boolean;
}

export const EndPart = memo(function EndPart({ end, isLit, isSelected }: EndProps) {
  const { x, y, width, name, subtitle, kind } = end;
  const chars = Math.floor((width - 20) / SIZE.char);
  return (
    <g
      className={`end end-${kind || 'unknown'}${isLit ? ' lit' : ''}${isSelected ? ' selected' : ''}`}
      data-key={end.key}
    >
      <title>{name}</title>
      <rect className="end-ground" x={x} y={y} width={width} height={SIZE.destination - 2} rx={6} />
      <text className="end-title" x={x + 10} y={y + 16}>
        {cut(name, chars)}
      </text>
      <text className="end-subtitle" x={x + 10} y={y + 31}>
        {cut(subtitle, chars)}
      </text>
    </g>
  );
});

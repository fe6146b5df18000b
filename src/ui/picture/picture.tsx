/** Processes and connections in one picture: what is in view of the layout, with a tree's keys. */
import {
  type KeyboardEvent,
  type MouseEvent,
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from 'react';
import { SIZE } from './layout.ts';
import { portsOf } from './links.ts';
import { Branches, DestinationPart, EdgePart, GroupHead, type Phase, RowPart } from './parts.tsx';
import type { Edge, Layout, Row } from './types.ts';

/** Drawn beyond the edge of the view, so that scrolling shows no holes. */
const OVERSCAN_PX = 300;
const SCALE_MIN = 0.55;

interface PictureProps {
  readonly layout: Layout;
  /** RFC 3339; null for everything. */
  readonly at: string | null;
  readonly selected: string | null;
  readonly label: string;
  readonly onSelect: (key: string | null) => void;
  readonly onToggle: (key: string) => void;
  /** 1 is the size of its type; null fits the width. */
  readonly zoom: number | null;
  /** Draws also what is out of view. */
  readonly whole: boolean;
}

interface View {
  readonly top: number;
  readonly bottom: number;
  readonly width: number;
}

function phaseOf(from: string | null, to: string | null, at: string | null): Phase {
  if (at === null) return 'now';
  if (from !== null && from > at) return 'future';
  return to !== null && to <= at ? 'past' : 'now';
}

const rowPhase = ({ members }: Row, at: string | null): Phase =>
  phaseOf(members[0]?.start_time ?? null, members.length === 1 ? (members[0]?.exit_time ?? null) : null, at);

export function Picture({ layout, at, selected, label, onSelect, onToggle, zoom, whole }: PictureProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const [view, setView] = useState<View>({ top: 0, bottom: 900, width: 0 });
  const [focused, setFocused] = useState<string | null>(null);
  const moveFocus = useRef(false);

  const scale = zoom ?? Math.max(SCALE_MIN, Math.min(1, view.width === 0 ? 1 : view.width / layout.width));
  const measure = useCallback(() => {
    const element = scroller.current;
    if (element === null) return;
    const { scrollTop, clientHeight } = element;
    // The details beside it do not make the picture smaller.
    const clientWidth = element.parentElement?.clientWidth ?? element.clientWidth;
    setView(held => {
      const next = { top: scrollTop, bottom: scrollTop + clientHeight, width: clientWidth };
      const same = held.width === next.width && held.bottom - held.top === next.bottom - next.top;
      return same && Math.abs(held.top - next.top) < OVERSCAN_PX / 3 ? held : next;
    });
  }, []);
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [measure]);

  const index = useMemo(() => indexOf(layout), [layout]);
  const current = focused !== null && index.places.has(focused) ? focused : (index.items[0]?.key ?? null);

  const focusOn = (key: string): void => {
    moveFocus.current = true;
    setFocused(key);
    const y = index.items[index.places.get(key) ?? 0]?.y ?? 0;
    const element = scroller.current;
    if (element === null) return;
    if (y * scale < element.scrollTop) element.scrollTop = y * scale - SIZE.head;
    const bottom = (y + SIZE.head) * scale;
    if (bottom > element.scrollTop + element.clientHeight) element.scrollTop = bottom - element.clientHeight;
    measure();
  };
  useEffect(() => {
    if (!moveFocus.current || current === null) return;
    moveFocus.current = false;
    scroller.current
      ?.querySelector<SVGElement>(`[data-key="${CSS.escape(current)}"] > [role="treeitem"]`)
      ?.focus({ preventScroll: true });
  });

  const onClick = (event: MouseEvent): void => {
    const target = event.target as Element;
    const toggled = target.closest('[data-toggle]')?.getAttribute('data-toggle');
    const key = toggled ?? target.closest('[data-key]')?.getAttribute('data-key');
    if (!key) return;
    if (index.places.has(key)) setFocused(key);
    if (toggled) onToggle(toggled);
    else onSelect(key);
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    if (current === null || event.ctrlKey || event.metaKey || event.altKey) return;
    const place = index.places.get(current) ?? 0;
    const item = index.items[place];
    if (event.key === 'Enter' || event.key === ' ') onSelect(current);
    else if (event.key === 'Escape') onSelect(null);
    else if (toggles(event.key, item)) onToggle(current);
    else {
      const target = index.items[Math.min(Math.max(placeAfter(event.key, place, index), 0), index.items.length - 1)];
      if (target === undefined || !TREE_KEYS.has(event.key)) return;
      focusOn(target.key);
    }
    event.preventDefault();
    event.stopPropagation();
  };

  const top = view.top / scale - OVERSCAN_PX;
  const bottom = view.bottom / scale + OVERSCAN_PX;
  const inView = (from: number, to: number): boolean => whole || (to >= top && from <= bottom);
  const lit = litBy(selected, layout);

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the tree inside has the keys.
    // biome-ignore lint/a11y/useKeyWithClickEvents: the tree inside has the keys.
    <div className="picture" ref={scroller} onScroll={measure} onClick={onClick}>
      {/* biome-ignore lint/a11y/noSvgWithoutTitle: a title would be a tooltip wherever the hand rests; the tree is labelled. */}
      <svg
        xmlns="http://www.w3.org/2000/svg"
        width={Math.ceil(layout.width * scale)}
        height={Math.ceil(layout.height * scale)}
        viewBox={`0 0 ${layout.width} ${layout.height}`}
      >
        <g>
          {layout.groups
            .filter(g => inView(g.y, g.y + g.height))
            .map(group => (
              <rect
                key={group.key}
                className={group.isHost ? 'box box-host' : 'box'}
                x={group.x}
                y={group.y}
                width={group.width}
                height={group.height}
                rx={8}
              />
            ))}
        </g>
        {/* biome-ignore lint/a11y/noAriaHiddenOnFocusable: nothing in it takes the focus; rows say what they connect to. */}
        <g aria-hidden="true">
          {layout.edges
            .filter(({ y1, y2 }) => inView(Math.min(y1, y2), Math.max(y1, y2)))
            .map(edge => (
              <EdgePart
                key={edge.key}
                edge={edge}
                phase={phaseOf(edge.firstSeen, null, at)}
                isLit={lit.edges.has(edge.key)}
                isFaint={lit.edges.size > 0 && !lit.edges.has(edge.key)}
              />
            ))}
          {layout.destinations
            .filter(({ y }) => inView(y, y + SIZE.destination))
            .map(end => (
              <DestinationPart
                key={end.key}
                end={end}
                isInbound={index.inbound.has(end.key)}
                isLit={lit.ends.has(end.key)}
                isSelected={selected === end.key}
              />
            ))}
        </g>
        <g role="tree" aria-label={label} onKeyDown={onKeyDown}>
          {layout.groups
            .filter(g => inView(g.y, g.y + g.height))
            .map(group => (
              <g key={group.key}>
                <Branches rows={group.rows.filter(row => inView(row.y, row.y + SIZE.row))} />
                <GroupHead
                  group={group}
                  isFocused={current === `group ${group.key}`}
                  isSelected={selected === `group ${group.key}`}
                />
                {group.rows
                  .filter(row => inView(row.y, row.y + SIZE.row))
                  .map(row => (
                    <RowPart
                      key={row.key}
                      row={row}
                      left={group.x}
                      width={group.width}
                      phase={rowPhase(row, at)}
                      isFocused={current === row.key}
                      isSelected={selected === row.key}
                      reaches={index.reaches.get(row.key) ?? ''}
                    />
                  ))}
              </g>
            ))}
        </g>
      </svg>
    </div>
  );
}

const TREE_KEYS = new Set(['ArrowDown', 'ArrowUp', 'ArrowLeft', 'ArrowRight', 'PageDown', 'PageUp', 'Home', 'End']);
const PAGE_ROWS = 15;

/** Right opens what is closed, left closes what is open. */
const toggles = (key: string, item: Item | undefined): boolean =>
  (key === 'ArrowRight' && item?.expanded === false) || (key === 'ArrowLeft' && item?.expanded === true);

function placeAfter(key: string, place: number, { items, places }: Index): number {
  switch (key) {
    case 'ArrowDown':
    case 'ArrowRight':
      return place + 1;
    case 'ArrowUp':
      return place - 1;
    case 'ArrowLeft':
      return places.get(items[place]?.parent ?? '') ?? place;
    case 'PageDown':
      return place + PAGE_ROWS;
    case 'PageUp':
      return place - PAGE_ROWS;
    case 'Home':
      return 0;
    case 'End':
      return items.length - 1;
    default:
      return place;
  }
}

interface Item {
  readonly key: string;
  readonly y: number;
  readonly expanded: boolean | null;
  readonly parent: string | null;
}

interface Index {
  readonly items: readonly Item[];
  readonly places: ReadonlyMap<string, number>;
  /** What a row connects to, in words. */
  readonly reaches: ReadonlyMap<string, string>;
  readonly inbound: ReadonlySet<string>;
}

const REACHES_MAX = 6;

function indexOf({ groups, edges, destinations }: Layout): Index {
  const items = groups.flatMap((group): Item[] => {
    const head = `group ${group.key}`;
    const rows = group.rows.map(({ key, y, expanded, parent }) => ({ key, y, expanded, parent: parent ?? head }));
    return [{ key: head, y: group.y, expanded: null, parent: null }, ...rows];
  });
  const titles = new Map<string, string>([
    ...destinations.map(end => [end.key, end.title] as const),
    ...groups.map(group => [`group ${group.key}`, group.title] as const),
    ...groups.flatMap(group => group.rows.map(row => [row.key, `${row.name} in ${group.title}`] as const)),
  ]);
  const lists = new Map<string, Edge[]>();
  for (const edge of edges) {
    const list = lists.get(edge.from);
    if (list === undefined) lists.set(edge.from, [edge]);
    else list.push(edge);
  }
  const reaches = new Map<string, string>();
  for (const [from, list] of lists) {
    const texts = list.slice(0, REACHES_MAX).map(edge => {
      const step = edge.mark === null ? '' : ` (step ${edge.mark.step}: ${edge.mark.rules.join(', ')})`;
      const verb = edge.isInbound ? 'is reached from' : edge.isDropped ? 'is kept from' : 'connects to';
      return `${verb} ${titles.get(edge.to) ?? ''} ${portsOf(edge.connections)}${step}`;
    });
    if (list.length > REACHES_MAX) texts.push(`and ${list.length - REACHES_MAX} more`);
    reaches.set(from, texts.join(', '));
  }
  return {
    items,
    places: new Map(items.map(({ key }, at) => [key, at])),
    reaches,
    inbound: new Set(edges.filter(edge => edge.isInbound).map(edge => edge.to)),
  };
}

/** What belongs to the selection stands out. */
function litBy(selected: string | null, { edges }: Layout) {
  const own = selected === null ? [] : edges.filter(({ key, from, to }) => [key, from, to].includes(selected));
  return { edges: new Set(own.map(edge => edge.key)), ends: new Set(own.map(edge => edge.to)) };
}

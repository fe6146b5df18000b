/** Processes and connections in one picture: what is in view of the layout, with a tree's keys. */
import {
  type FocusEvent,
  type KeyboardEvent,
  type MouseEvent,
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from 'react';
import { indexOf, step, typedAhead } from './keys.ts';
import { Branches, EndPart, GroupHead, type LabelAt, LinkLabel, LinkPart, type Phase, RowPart } from './parts.tsx';
import { SIZE } from './size.ts';
import type { Layout, PlacedLink, PlacedRow } from './types.ts';

/** Drawn beyond the edge of the view, so that scrolling shows no holes. */
const OVERSCAN_PX = 300;
const SCALE_MIN = 0.7;
/** Lines in the document at once: those of rows in view come before those that only cross it. */
const LINKS_DRAWN_MAX = 160;
/** From so many lines on, those that are no evidence step back. */
const LINKS_DENSE = 150;
/** Letters that come within this time are one word. */
const TYPED_MS = 600;

interface PictureProps {
  readonly layout: Layout;
  /** RFC 3339; null for everything. */
  readonly at: string | null;
  readonly selected: string | null;
  readonly label: string;
  readonly onSelect: (key: string | null) => void;
  /** Given a cursor. */
  readonly onToggle: (cursor: string) => void;
  /** 1 is the size of its type; null fits the width. */
  readonly zoom: number | null;
  /** Draws also what is out of view. */
  readonly whole: boolean;
  readonly isBusy: boolean;
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

const rowPhase = ({ kind, process }: PlacedRow, at: string | null): Phase =>
  phaseOf(process?.start_time ?? null, kind === 'process' ? (process?.exit_time ?? null) : null, at);

export function Picture(props: PictureProps) {
  const { layout, at, selected, label, onSelect, onToggle, zoom, whole, isBusy } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const [view, setView] = useState<View>({ top: 0, bottom: 900, width: 0 });
  const [focused, setFocused] = useState<string | null>(null);
  const [pointed, setPointed] = useState<string | null>(null);
  const moveFocus = useRef(false);
  const lastPlace = useRef(0);
  const typed = useRef({ text: '', ms: 0 });

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
  // What had the focus may be folded by now: whatever took its place has it then.
  const fallback = index.items[Math.min(lastPlace.current, index.items.length - 1)]?.key ?? null;
  const current = focused !== null && index.places.has(focused) ? focused : fallback;
  useEffect(() => {
    lastPlace.current = index.places.get(current ?? '') ?? 0;
  });

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
    if (!moveFocus.current || current === null || isBusy) return;
    moveFocus.current = false;
    scroller.current
      ?.querySelector<SVGElement>(`[data-key="${CSS.escape(current)}"] > [role="treeitem"]`)
      ?.focus({ preventScroll: true });
  });

  const toggle = (key: string): void => {
    const cursor = index.items[index.places.get(key) ?? -1]?.toggle ?? null;
    if (cursor === null) return;
    moveFocus.current = true;
    setFocused(key);
    onToggle(cursor);
  };

  const onClick = (event: MouseEvent): void => {
    const target = event.target as Element;
    const toggled = target.closest('[data-toggle]')?.getAttribute('data-toggle');
    const key = toggled ?? target.closest('[data-key]')?.getAttribute('data-key');
    if (!key) return;
    if (index.places.has(key)) setFocused(key);
    if (toggled) toggle(toggled);
    else onSelect(key);
  };

  const onPoint = ({ target }: MouseEvent): void => {
    setPointed((target as Element).closest('[data-key]')?.getAttribute('data-key') ?? null);
  };

  /** However it came there: by a key, a click, or an assistive program. */
  const onFocus = (event: FocusEvent): void => {
    const key = event.target.closest('[data-key]')?.getAttribute('data-key');
    if (key && index.places.has(key)) setFocused(key);
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    if (current === null || event.ctrlKey || event.metaKey || event.altKey) return;
    const place = index.places.get(current) ?? 0;
    const isMore = index.items[place]?.key.startsWith('more ') === true;
    if (event.key === 'Enter' || event.key === ' ') {
      if (isMore) toggle(current);
      else onSelect(current);
    } else if (event.key === 'Escape') onSelect(null);
    else {
      const next = step(event.key, place, index) ?? byLetter(event.key, event.timeStamp, place);
      if (next === null) return;
      if (next === 'toggle') toggle(current);
      else focusOn(index.items[next]?.key ?? current);
    }
    event.preventDefault();
    event.stopPropagation();
  };

  const byLetter = (key: string, ms: number, place: number): number | null => {
    if (key.length !== 1 || key === '?') return null;
    const held = typed.current;
    const text = ms - held.ms < TYPED_MS ? held.text + key : key;
    typed.current = { text, ms };
    return typedAhead(text, place, index) ?? place;
  };

  const top = view.top / scale - OVERSCAN_PX;
  const bottom = view.bottom / scale + OVERSCAN_PX;
  const inView = (from: number, to: number): boolean => whole || (to >= top && from <= bottom);
  const lit = useMemo(() => litBy(pointed ?? selected, layout), [pointed, selected, layout]);
  const links = useMemo(
    () => (whole ? layout.links : drawn(layout.links, lit.links, top, bottom)),
    [layout, lit, whole, top, bottom],
  );

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the tree inside has the keys.
    // biome-ignore lint/a11y/useKeyWithClickEvents: the tree inside has the keys.
    // biome-ignore lint/a11y/useKeyWithMouseEvents: what it shows is shown of a selection, too.
    <div
      className="picture"
      ref={scroller}
      onScroll={measure}
      onClick={onClick}
      onMouseOver={onPoint}
      onMouseLeave={() => setPointed(null)}
      aria-busy={isBusy}
    >
      {/* biome-ignore lint/a11y/noSvgWithoutTitle: a title would be a tooltip wherever the hand rests; the tree is labelled. */}
      <svg
        className={layout.links.length > LINKS_DENSE ? 'dense' : ''}
        xmlns="http://www.w3.org/2000/svg"
        width={Math.ceil(layout.width * scale)}
        height={Math.ceil(layout.height * scale)}
        viewBox={`0 0 ${layout.width} ${layout.height}`}
      >
        <g>
          {layout.groups
            .filter(g => inView(g.y, g.y + g.height))
            .map(({ key, kind, x, y, width, height }) => (
              <rect key={key} className={`box box-${kind}`} x={x} y={y} width={width} height={height} rx={8} />
            ))}
        </g>
        {/* biome-ignore lint/a11y/noAriaHiddenOnFocusable: nothing in it takes the focus; rows say what they connect to. */}
        <g aria-hidden="true">
          {links.map(link => (
            <LinkPart
              key={link.key}
              link={link}
              phase={phaseOf(link.first_seen, null, at)}
              isLit={lit.links.has(link.key)}
              isFaint={lit.links.size > 0 && !lit.links.has(link.key) && link.mark === null}
            />
          ))}
          {layout.ends
            .filter(({ y }) => inView(y, y + SIZE.destination))
            .map(end => (
              <EndPart key={end.key} end={end} isLit={lit.ends.has(end.key)} isSelected={selected === end.key} />
            ))}
          {links.map(link => {
            const label = lit.links.get(link.key);
            return label === undefined ? null : <LinkLabel key={link.key} link={link} at={label} />;
          })}
        </g>
        <g role="tree" aria-label={label} onKeyDown={onKeyDown} onFocus={onFocus}>
          {layout.groups
            .filter(g => inView(g.y, g.y + g.height))
            .map(group => (
              <g key={group.key}>
                <Branches rows={group.rows} top={whole ? 0 : top} bottom={whole ? layout.height : bottom} />
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

/**
 * Lines in view, or all. Of those of a bundle whose rows are out of view one stands for the others, that were under it; the one
 * that was there first, since the picture can be wound back.
 */
function drawn(
  links: readonly PlacedLink[],
  lit: ReadonlyMap<string, LabelAt>,
  top: number,
  bottom: number,
): readonly PlacedLink[] {
  const own: PlacedLink[] = [];
  const trunks = new Map<string, PlacedLink>();
  for (const link of links) {
    const { key, y1, y2, bundle, first_seen } = link;
    if (Math.max(y1, y2) < top || Math.min(y1, y2) > bottom) continue;
    const isAbove = y1 < top;
    if (lit.has(key) || !(isAbove || y1 > bottom)) {
      own.push(link);
      continue;
    }
    const trunk = `${isAbove ? 'above' : 'below'} ${bundle}`;
    const held = trunks.get(trunk);
    if (held === undefined || first_seen < held.first_seen) trunks.set(trunk, link);
  }
  // Evidence is last, and the last to be left out.
  const kept = new Set([...trunks.values(), ...own].slice(-LINKS_DRAWN_MAX));
  // In an order that scrolling does not change: moving elements is dear.
  return links.filter(link => kept.has(link));
}

/** What belongs to what is pointed at, or selected, stands out. */
function litBy(key: string | null, { links }: Layout) {
  const lit = new Map<string, LabelAt>();
  const ends = new Set<string>();
  for (const link of links) {
    if (key === null || ![link.key, link.from, link.to].includes(key)) continue;
    lit.set(link.key, link.from === key ? 'to' : 'from');
    ends.add(link.to);
  }
  return { links: lit, ends };
}

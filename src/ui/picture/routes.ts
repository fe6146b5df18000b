/**
 * How lines run: out of their row, down or up a lane between two columns, into their destination. Lines that look the same and
 * lead to one place share lane and arrival, as on the map of an underground, so that fifty of them read as one.
 */
import { SIZE } from './size.ts';
import type { Link, PlacedLink } from './types.ts';

/** Where lines touch a row, a head or a destination. */
export interface Anchor {
  readonly left: number;
  readonly right: number;
  readonly y: number;
  readonly column: number;
}

/** Between the rows' edge and the first lane: the numbers of evidence stand there. */
const TAGS_ROOM = 50;
/** Between the last lane and the destinations: the arrows. */
const TIPS_ROOM = 22;
const LANES_MAX = 14;
const LANE_GAP_MAX = 9;
/** Two lines in one lane are so far apart. */
const LANE_CLEAR = 10;
const LINE_GAP_MAX = 6;
const TAG_GAP = 21;
const CORNER = 9;

type Draft = Omit<PlacedLink, 'lane' | 'tag'> & { readonly gutter: number };

/**
 * @param edges the right edge of each column.
 * @returns evidence last, so that it is drawn above what is quiet.
 */
export function routed(
  links: readonly Link[],
  anchors: ReadonlyMap<string, Anchor>,
  edges: readonly number[],
): PlacedLink[] {
  const quietFirst = [...links].sort((a, b) => weight(a) - weight(b));
  const drafts = touching(quietFirst.map(link => draftOf(link, anchors)));
  const lanes = lanesOf(drafts, edges);
  const tags = tagsOf(drafts);
  return drafts.map(({ gutter: _, ...draft }, at) => ({
    ...draft,
    lane: lanes.get(draft.bundle) ?? draft.x1,
    tag: tags[at] ?? 0,
  }));
}

const weight = ({ mark, dropped }: Link): number => (mark === null ? 0 : 2) + (dropped ? 1 : 0);

/** What can be told of a line by looking at it. */
const lookOf = ({ mark, dropped, inbound, attribution }: Link): string =>
  `${attribution} ${dropped ? 'dropped' : (mark?.level ?? '')} ${inbound ? 'in' : ''}`;

function draftOf(link: Link, anchors: ReadonlyMap<string, Anchor>): Draft {
  const from = anchors.get(link.from);
  const to = anchors.get(link.to);
  if (from === undefined || to === undefined) throw new Error(`a line without an end: ${link.key}`);
  const forward = to.column > from.column;
  const backward = to.column < from.column;
  const gutter = forward ? to.column - 1 : to.column;
  // Inside one column a line leaves and comes back on the right.
  return {
    ...link,
    x1: backward ? from.left : from.right,
    y1: from.y,
    x2: forward ? to.left : to.right,
    y2: to.y,
    bundle: `${gutter} ${link.to} ${lookOf(link)}`,
    gutter,
  };
}

/** Lines of different looks leave and arrive side by side, in the order in which they come from elsewhere. */
function touching(drafts: readonly Draft[]): Draft[] {
  const starts = offsets(
    drafts,
    ({ from, x1 }) => `${from} ${x1}`,
    ({ y2 }) => y2,
    SIZE.row - 12,
  );
  const stops = offsets(
    drafts,
    ({ to, x2 }) => `${to} ${x2}`,
    ({ y1 }) => y1,
    SIZE.destination - 16,
  );
  return drafts.map((draft, at) => ({
    ...draft,
    y1: draft.y1 + (starts[at] ?? 0),
    y2: draft.y2 + (stops[at] ?? 0),
  }));
}

function offsets(
  drafts: readonly Draft[],
  placeOf: (draft: Draft) => string,
  other: (draft: Draft) => number,
  room: number,
): number[] {
  const places = new Map<string, Map<string, number[]>>();
  for (const [at, draft] of drafts.entries()) {
    const place = placeOf(draft);
    const looks = places.get(place) ?? new Map<string, number[]>();
    const look = lookOf(draft);
    places.set(place, looks.set(look, [...(looks.get(look) ?? []), at]));
  }
  const result: number[] = [];
  const middle = (members: readonly number[]): number =>
    members.reduce((sum, at) => sum + other(drafts[at] as Draft), 0) / members.length;
  for (const looks of places.values()) {
    const gap = Math.min(LINE_GAP_MAX, room / Math.max(looks.size - 1, 1));
    const sorted = [...looks.values()].sort((a, b) => middle(a) - middle(b));
    for (const [n, members] of sorted.entries()) {
      for (const at of members) result[at] = (n - (sorted.length - 1) / 2) * gap;
    }
  }
  return result;
}

interface Span {
  readonly bundle: string;
  top: number;
  bottom: number;
}

/** The x of every bundle's lane. What runs furthest takes the lane nearest to the rows: so the fewest cross. */
function lanesOf(drafts: readonly Draft[], edges: readonly number[]): Map<string, number> {
  const gutters = new Map<number, Map<string, Span>>();
  for (const { gutter, bundle, y1, y2 } of drafts) {
    const spans = gutters.get(gutter) ?? new Map<string, Span>();
    gutters.set(gutter, spans);
    const span = spans.get(bundle) ?? { bundle, top: y1, bottom: y1 };
    span.top = Math.min(span.top, y1, y2);
    span.bottom = Math.max(span.bottom, y1, y2);
    spans.set(bundle, span);
  }
  const lanes = new Map<string, number>();
  for (const [gutter, spans] of gutters) {
    const first = (edges[gutter] ?? 0) + SIZE.gutter - TIPS_ROOM;
    const indices = packed([...spans.values()]);
    const used = Math.max(1, ...indices.values());
    const gap = Math.min(LANE_GAP_MAX, (SIZE.gutter - TAGS_ROOM - TIPS_ROOM) / used);
    for (const [bundle, index] of indices) lanes.set(bundle, first - index * gap);
  }
  return lanes;
}

/** Lanes counted from the destinations. When all are taken, the ones furthest out are shared. */
function packed(spans: readonly Span[]): Map<string, number> {
  const taken: Span[][] = [];
  const indices = new Map<string, number>();
  const sorted = [...spans].sort((a, b) => a.bottom - a.top - (b.bottom - b.top) || a.top - b.top);
  for (const span of sorted) {
    const isFree = (lane: readonly Span[]): boolean =>
      lane.every(({ top, bottom }) => bottom + LANE_CLEAR < span.top || top - LANE_CLEAR > span.bottom);
    const found = taken.findIndex(isFree);
    const index = found >= 0 ? found : taken.length < LANES_MAX ? taken.length : span.bundle.length % LANES_MAX;
    const lane = taken[index];
    if (lane === undefined) taken.push([span]);
    else lane.push(span);
    indices.set(span.bundle, index);
  }
  return indices;
}

/** The x of every number, beside its row where those of other rows are not in its way, and of what is written behind them. */
function tagsOf(drafts: readonly Draft[]): number[] {
  const rows = new Map<string, number[]>();
  for (const [at, { from, x1 }] of drafts.entries()) {
    const row = `${from} ${x1}`;
    const held = rows.get(row);
    if (held === undefined) rows.set(row, [at]);
    else held.push(at);
  }
  const tags: number[] = [];
  const step = (at: number): number => drafts[at]?.mark?.step ?? Number.POSITIVE_INFINITY;
  for (const members of rows.values()) {
    let x = TAG_GAP - 3;
    for (const at of members.sort((a, b) => step(a) - step(b))) {
      const { x1, x2, mark } = drafts[at] as Draft;
      tags[at] = x1 + (x2 < x1 ? -1 : 1) * (mark === null ? x - 10 : x);
      if (mark !== null) x += TAG_GAP;
    }
  }
  return tags;
}

/** An SVG path, with the tip at whoever was reached: an arrow, or a cross where nothing came through. */
export function pathOf({ x1, y1, x2, y2, lane, inbound, dropped }: PlacedLink): string {
  const [out, into] = [Math.sign(lane - x1) || 1, Math.sign(x2 - lane) || 1];
  const down = Math.sign(y2 - y1);
  const r = Math.min(CORNER, Math.abs(y2 - y1) / 2, Math.abs(lane - x1), Math.abs(x2 - lane));
  const line =
    r < 0.5
      ? `M${x1} ${y1}L${x2} ${y2}`
      : `M${x1} ${y1}H${lane - out * r}Q${lane} ${y1} ${lane} ${y1 + down * r}V${y2 - down * r}Q${lane} ${y2} ${lane + into * r} ${y2}H${x2}`;
  const [x, y, way] = inbound ? [x1, y1, -out] : [x2, y2, into];
  if (dropped) return `${line}M${x - way * 5 - 5} ${y - 5}l10 10m0 -10l-10 10`;
  return `${line}M${x} ${y}l${-7 * way} -4M${x} ${y}l${-7 * way} 4`;
}

/**
 * Where everything of the picture stands. Columns are trees and destinations by how many hops they are from the subject, so that
 * what an attacker did reads from left to right; inside a column, things stand near what leads to them. Pure: the same input
 * gives the same picture.
 */
import type { PictureView } from '../../api/contract.ts';
import { visible } from '../text.ts';
import { type Anchor, routed } from './routes.ts';
import { SIZE } from './size.ts';
import type { End, Group, Layout, Link, PlacedEnd, PlacedGroup, PlacedRow, Row } from './types.ts';
import { endName, endText, identityOf, rowName, rowText } from './words.ts';

const ROW_CHARS_MIN = 26;
const ROW_CHARS_MAX = 62;
/** Trees that were reached are read after the one that reached them. */
const REACHED_CHARS_MAX = 40;
const TITLE_CHARS_MAX = 46;

interface NamedRow extends Row {
  readonly name: string;
  readonly text: string;
}

type Item =
  | { readonly kind: 'group'; readonly group: Group; readonly rows: readonly NamedRow[]; readonly height: number }
  | { readonly kind: 'end'; readonly end: End; readonly name: string; readonly text: string; readonly height: number };

export function layOut({ groups, ends, links }: Pick<PictureView, 'groups' | 'ends' | 'links'>): Layout {
  const groupOf = new Map(
    groups.flatMap(group => [
      [`group ${group.key}`, group.key] as const,
      ...group.rows.map(row => [row.key, group.key] as const),
    ]),
  );
  const columnOfGroup = columnsOf(groups, links, groupOf);
  const columnOfEnd = new Map<string, number>();
  for (const { from, to } of links) {
    const column = (columnOfGroup.get(groupOf.get(from) ?? '') ?? 0) + 1;
    columnOfEnd.set(to, Math.max(columnOfEnd.get(to) ?? 0, column));
  }
  const columns: Item[][] = [];
  const put = (column: number, item: Item): void => {
    while (columns.length <= column) columns.push([]);
    columns[column]?.push(item);
  };
  for (const group of groups) {
    const rows = group.rows.map(row => ({ ...row, name: rowName(row), text: rowText(row) }));
    const height = SIZE.head + rows.length * SIZE.row + 8;
    put(columnOfGroup.get(group.key) ?? 0, { kind: 'group', group, rows, height });
  }
  for (const end of ends) {
    const item = { kind: 'end', end, name: endName(end), text: endText(end), height: SIZE.destination } as const;
    put(columnOfEnd.get(end.key) ?? 1, item);
  }
  return place(columns, links);
}

/** Hops from the first tree; what leads back does not push anything further. */
function columnsOf(
  groups: readonly Group[],
  links: readonly Link[],
  groupOf: ReadonlyMap<string, string>,
): Map<string, number> {
  const columns = new Map(groups.map(group => [group.key, 0]));
  const rank = new Map(groups.map((group, at) => [group.key, at]));
  const between = new Map<string, Set<string>>();
  for (const { from, to } of links) {
    const source = groupOf.get(from) ?? '';
    const target = groupOf.get(to);
    if (target === undefined || (rank.get(target) ?? 0) <= (rank.get(source) ?? 0)) continue;
    between.set(source, (between.get(source) ?? new Set()).add(target));
  }
  for (const { key } of groups) {
    for (const target of between.get(key) ?? []) {
      columns.set(target, Math.max(columns.get(target) ?? 0, (columns.get(key) ?? 0) + 1));
    }
  }
  return columns;
}

function place(columns: readonly Item[][], links: readonly Link[]): Layout {
  const groups: PlacedGroup[] = [];
  const ends: PlacedEnd[] = [];
  const anchors = new Map<string, Anchor>();
  const sources = new Map<string, string[]>();
  for (const { from, to } of links) {
    const held = sources.get(to);
    if (held === undefined) sources.set(to, [from]);
    else held.push(from);
  }

  const edges: number[] = [];
  let x: number = SIZE.margin;
  let height = 0;
  for (const [column, items] of columns.entries()) {
    let width = 0;
    for (const item of items) width = Math.max(width, widthOf(item, column === 0 ? ROW_CHARS_MAX : REACHED_CHARS_MAX));
    let y: number = SIZE.margin;
    for (const { item, wanted } of inOrder(items, anchors, sources)) {
      y = Math.max(y, Math.round(wanted));
      if (item.kind === 'group') {
        const group = placeGroup(item, column, x, y, width);
        groups.push(group);
        anchors.set(`group ${group.key}`, { left: x, right: x + width, y: y + SIZE.head / 2, column });
        for (const row of group.rows) {
          anchors.set(row.key, { left: x, right: x + width, y: row.y + SIZE.row / 2, column });
        }
      } else {
        const own = widthOf(item, REACHED_CHARS_MAX);
        ends.push({ ...item.end, name: item.name, subtitle: item.text, column, x, y, width: own });
        anchors.set(item.end.key, { left: x, right: x + own, y: y + SIZE.destination / 2, column });
      }
      y += item.height + (item.kind === 'group' ? SIZE.gap : 8);
    }
    height = Math.max(height, y);
    edges.push(x + width);
    x += width + SIZE.gutter;
  }
  const drawn = routed(links, anchors, edges);
  // Lines inside the last column run at its right.
  const isLastFree = !drawn.some(({ lane }) => lane > x - SIZE.gutter);
  const right = isLastFree ? x - SIZE.gutter : x;
  return { width: right + SIZE.margin, height: height + SIZE.margin, groups, ends, links: drawn };
}

/** What leads to one place from further apart than this is read from its beginning. */
const NEAR_PX = 600;

/** The middle; of what is far apart, the first. */
function between(ys: readonly number[]): number {
  let [first, last, sum] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
  for (const y of ys) {
    first = Math.min(first, y);
    last = Math.max(last, y);
    sum += y;
  }
  return last - first > NEAR_PX ? first : sum / ys.length;
}

/** Near what leads there; what nothing leads to keeps its turn. */
function inOrder(
  items: readonly Item[],
  anchors: ReadonlyMap<string, Anchor>,
  sources: ReadonlyMap<string, readonly string[]>,
) {
  const placed = items.map((item, at) => {
    const keys = item.kind === 'end' ? [item.end.key] : [`group ${item.group.key}`, ...item.rows.map(row => row.key)];
    const ys = keys
      .flatMap(key => sources.get(key) ?? [])
      .map(key => anchors.get(key)?.y)
      .filter(y => y !== undefined);
    const middle = ys.length === 0 ? null : between(ys);
    const half = item.kind === 'end' ? SIZE.destination / 2 : SIZE.head / 2;
    return { item, at, wanted: middle === null ? 0 : middle - half, known: middle !== null };
  });
  return placed.sort((a, b) => Number(b.known) - Number(a.known) || a.wanted - b.wanted || a.at - b.at);
}

function widthOf(item: Item, charsMax: number): number {
  if (item.kind === 'end') {
    const chars = Math.max(item.name.length, item.text.length, 16);
    return Math.min(chars, TITLE_CHARS_MAX) * SIZE.char + 24;
  }
  let widest = Math.min(item.group.title.length, TITLE_CHARS_MAX) * SIZE.char + 40;
  for (const row of item.rows) {
    const wanted = row.name.length + (row.text === '' ? 0 : row.text.length + 1);
    const chars = Math.min(Math.max(wanted, ROW_CHARS_MIN), charsMax);
    widest = Math.max(widest, SIZE.lead + indentOf(row) + chars * SIZE.char + SIZE.trail);
  }
  return Math.ceil(widest);
}

/** Deep trees are not wider than the page: past some depth a level costs less. */
const indentOf = ({ depth }: Pick<Row, 'depth'>): number =>
  depth <= 12 ? depth * SIZE.indent : 12 * SIZE.indent + Math.min(depth - 12, 40) * 3;

function placeGroup(
  { group, rows, height }: Extract<Item, { kind: 'group' }>,
  column: number,
  x: number,
  y: number,
  width: number,
): PlacedGroup {
  const siblings = new Map<string | null, number>();
  const places = rows.map(({ parent }) => {
    const n = (siblings.get(parent) ?? 0) + 1;
    siblings.set(parent, n);
    return n;
  });
  const placed = rows.map((row, at): PlacedRow => {
    const left = x + SIZE.lead + indentOf(row);
    const chars = Math.floor((x + width - SIZE.trail - left) / SIZE.char);
    const own = { place: places[at] ?? 1, siblings: siblings.get(row.parent) ?? 1 };
    return { ...row, ...own, x: left, y: y + SIZE.head + at * SIZE.row, chars };
  });
  const head = { name: visible(group.title), subtitle: identityOf(group) };
  return { ...group, ...head, column, x, y, width, height, rows: placed };
}

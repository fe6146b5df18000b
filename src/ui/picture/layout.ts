/**
 * Where everything of the picture stands. Columns are trees and destinations by how many hops they are from the subject, so that
 * what an attacker did reads from left to right; inside a column, things stand near what leads to them. Pure: the same input
 * gives the same picture.
 */
import { duration } from '../text.ts';
import { type GroupDraft, groupsOf, type RowDraft } from './forest.ts';
import { type EdgeDraft, type EndDraft, linksOf, portsOf } from './links.ts';
import type { Destination, Edge, Group, Layout, Mark, PictureInput, Row } from './types.ts';

/** Sizes in CSS pixels. */
export const SIZE = {
  row: 24,
  head: 46,
  /** A character of the picture's 12 px monospaced type. */
  char: 7.23,
  indent: 18,
  /** Left of a row's text: badge and toggle. */
  lead: 44,
  /** Right of a row's text: pid, uid and age. */
  trail: 178,
  destination: 40,
  gap: 28,
  gutter: 140,
  margin: 16,
} as const;

const ROW_CHARS_MIN = 26;
const ROW_CHARS_MAX = 62;
/** Trees that were reached are read after the one that reached them. */
const REACHED_CHARS_MAX = 40;
const TITLE_CHARS_MAX = 46;

type Item =
  | { readonly kind: 'group'; readonly group: GroupDraft; readonly height: number }
  | { readonly kind: 'end'; readonly end: EndDraft; readonly height: number };

export function layOut({ trees, marks, toggled }: PictureInput): Layout {
  const drafts = groupsOf(trees, marks, toggled);
  const order = new Map(drafts.map((group, at) => [group.key, at]));
  // Stable: what fired first stands first, what did not fire keeps the order in which it came.
  const groups = [...drafts].sort(
    (a, b) => compare(a.firstStep, b.firstStep) || (order.get(a.key) ?? 0) - (order.get(b.key) ?? 0),
  );
  const { edges, ends } = linksOf(trees, groups, marks);
  const groupOfRow = new Map(
    groups.flatMap(group => [
      [`group ${group.key}`, group.key] as const,
      ...group.rows.map(row => [row.key, group.key] as const),
    ]),
  );
  const columnOfGroup = columnsOf(groups, edges, groupOfRow);
  const columnOfEnd = new Map<string, number>();
  for (const edge of edges) {
    if (!ends.has(edge.to)) continue;
    const column = (columnOfGroup.get(edge.fromGroup) ?? 0) + 1;
    columnOfEnd.set(edge.to, Math.max(columnOfEnd.get(edge.to) ?? 0, column));
  }

  const columns: Item[][] = [];
  const put = (column: number, item: Item): void => {
    while (columns.length <= column) columns.push([]);
    columns[column]?.push(item);
  };
  for (const group of groups) {
    put(columnOfGroup.get(group.key) ?? 0, {
      kind: 'group',
      group,
      height: SIZE.head + group.rows.length * SIZE.row + 8,
    });
  }
  for (const end of ends.values()) {
    put(columnOfEnd.get(end.key) ?? 1, { kind: 'end', end, height: SIZE.destination });
  }
  return place(
    columns,
    edges,
    trees.reduce((sum, tree) => sum + tree.omitted, 0),
  );
}

const compare = (a: number, b: number): number => (a < b ? -1 : a > b ? 1 : 0);

/** Hops from the first tree; what leads back does not push anything further. */
function columnsOf(
  groups: readonly GroupDraft[],
  edges: readonly EdgeDraft[],
  groupOfRow: ReadonlyMap<string, string>,
): Map<string, number> {
  const columns = new Map(groups.map(group => [group.key, 0]));
  const rank = new Map(groups.map((group, at) => [group.key, at]));
  const between = new Map<string, Set<string>>();
  for (const { fromGroup, to } of edges) {
    const target = groupOfRow.get(to);
    if (target === undefined || (rank.get(target) ?? 0) <= (rank.get(fromGroup) ?? 0)) continue;
    between.set(fromGroup, (between.get(fromGroup) ?? new Set()).add(target));
  }
  for (const { key } of groups) {
    for (const target of between.get(key) ?? []) {
      columns.set(target, Math.max(columns.get(target) ?? 0, (columns.get(key) ?? 0) + 1));
    }
  }
  return columns;
}

function place(columns: readonly Item[][], edges: readonly EdgeDraft[], omitted: number): Layout {
  const groups: Group[] = [];
  const destinations: Destination[] = [];
  /** Where lines arrive and leave: left, right, middle. */
  const anchors = new Map<string, { left: number; right: number; y: number; column: number }>();
  const sources = new Map<string, string[]>();
  for (const { from, to } of edges) {
    const held = sources.get(to);
    if (held === undefined) sources.set(to, [from]);
    else held.push(from);
  }

  let x: number = SIZE.margin;
  let height = 0;
  for (const [column, items] of columns.entries()) {
    const width = Math.max(0, ...items.map(item => widthOf(item, column === 0 ? ROW_CHARS_MAX : REACHED_CHARS_MAX)));
    let y: number = SIZE.margin;
    for (const { item, wanted } of inOrder(items, anchors, sources)) {
      y = Math.max(y, Math.round(wanted));
      if (item.kind === 'group') {
        const group = placeGroup(item.group, column, x, y, width, item.height);
        groups.push(group);
        anchors.set(`group ${group.key}`, { left: x, right: x + width, y: y + SIZE.head / 2, column });
        for (const row of group.rows) {
          anchors.set(row.key, { left: x, right: x + width, y: row.y + SIZE.row / 2, column });
        }
      } else {
        const own = widthOf(item, REACHED_CHARS_MAX);
        destinations.push(placeEnd(item.end, column, x, y, own));
        anchors.set(item.end.key, { left: x, right: x + own, y: y + SIZE.destination / 2, column });
      }
      y += item.height + (item.kind === 'group' ? SIZE.gap : 8);
    }
    height = Math.max(height, y);
    x += width + SIZE.gutter;
  }
  const drawn = renumber(groups, spread(edges.map(edge => placeEdge(edge, anchors))));
  return { width: x - SIZE.gutter + SIZE.margin, height: height + SIZE.margin, destinations, omitted, ...drawn };
}

type Anchors = ReadonlyMap<string, { left: number; right: number; y: number; column: number }>;

/** Near the middle of what leads there; what nothing leads to keeps its turn. */
function inOrder(items: readonly Item[], anchors: Anchors, sources: ReadonlyMap<string, readonly string[]>) {
  const placed = items.map((item, at) => {
    const keys =
      item.kind === 'end' ? [item.end.key] : [`group ${item.group.key}`, ...item.group.rows.map(row => row.key)];
    const ys = keys
      .flatMap(key => sources.get(key) ?? [])
      .map(key => anchors.get(key)?.y)
      .filter(y => y !== undefined);
    const middle = ys.length === 0 ? null : ys.reduce((sum, y) => sum + y, 0) / ys.length;
    const half = item.kind === 'end' ? SIZE.destination / 2 : SIZE.head / 2;
    return { item, at, wanted: middle === null ? 0 : middle - half, known: middle !== null };
  });
  return placed.sort((a, b) => Number(b.known) - Number(a.known) || a.wanted - b.wanted || a.at - b.at);
}

const rowChars = ({ name, text }: RowDraft): number => name.length + (text === '' ? 0 : text.length + 1);

function widthOf(item: Item, charsMax: number): number {
  if (item.kind === 'end') {
    const chars = Math.max(item.end.title.length, portsOf(item.end.connections).length + 22, 16);
    return Math.min(chars, TITLE_CHARS_MAX) * SIZE.char + 24;
  }
  const { rows, title } = item.group;
  let widest = Math.min(title.length, TITLE_CHARS_MAX) * SIZE.char + 40;
  for (const row of rows) {
    const chars = Math.min(Math.max(rowChars(row), ROW_CHARS_MIN), charsMax);
    widest = Math.max(widest, SIZE.lead + indentOf(row) + chars * SIZE.char + SIZE.trail);
  }
  return Math.ceil(widest);
}

/** Deep trees are not wider than the page: past some depth a level costs less. */
const indentOf = ({ depth }: Pick<RowDraft, 'depth'>): number =>
  depth <= 12 ? depth * SIZE.indent : 12 * SIZE.indent + Math.min(depth - 12, 40) * 3;

function placeGroup(draft: GroupDraft, column: number, x: number, y: number, width: number, height: number): Group {
  const { key, title, subtitle, isHost } = draft;
  const rows = draft.rows.map((row, at): Row => {
    const left = x + SIZE.lead + indentOf(row);
    const chars = Math.floor((x + width - SIZE.trail - left) / SIZE.char);
    return { ...row, x: left, y: y + SIZE.head + at * SIZE.row, chars };
  });
  return { key, title, subtitle, isHost, column, x, y, width, height, rows };
}

function placeEnd(
  { key, title, kind, connections }: EndDraft,
  column: number,
  x: number,
  y: number,
  width: number,
): Destination {
  return { key, title, kind, connections, subtitle: portsOf(connections), column, x, y, width };
}

function placeEdge({ fromGroup: _, ...edge }: EdgeDraft, anchors: Anchors): Edge {
  const from = anchors.get(edge.from);
  const to = anchors.get(edge.to);
  if (from === undefined || to === undefined) throw new Error(`a line without an end: ${edge.key}`);
  const forward = to.column > from.column;
  const backward = to.column < from.column;
  // Inside one column a line leaves and comes back on the right.
  return {
    ...edge,
    x1: backward ? from.left : from.right,
    y1: from.y,
    x2: forward ? to.left : to.right,
    y2: to.y,
  };
}

/** Lines that share an end leave it side by side, in the order in which they arrive. */
function spread(edges: readonly Edge[]): Edge[] {
  const starts = offsets(
    edges,
    edge => edge.from,
    edge => edge.y2,
    SIZE.row - 10,
  );
  const stops = offsets(
    edges,
    edge => edge.to,
    edge => edge.y1,
    SIZE.destination - 16,
  );
  return edges.map((edge, at) => ({ ...edge, y1: edge.y1 + (starts[at] ?? 0), y2: edge.y2 + (stops[at] ?? 0) }));
}

const LINE_GAP_MAX = 6;

function offsets(
  edges: readonly Edge[],
  end: (edge: Edge) => string,
  other: (edge: Edge) => number,
  room: number,
): number[] {
  const shared = new Map<string, number[]>();
  for (const [at, edge] of edges.entries()) {
    const members = shared.get(end(edge));
    if (members === undefined) shared.set(end(edge), [at]);
    else members.push(at);
  }
  const result: number[] = [];
  for (const members of shared.values()) {
    const gap = Math.min(LINE_GAP_MAX, room / Math.max(members.length - 1, 1));
    const sorted = members.sort((a, b) => other(edges[a] as Edge) - other(edges[b] as Edge));
    for (const [at, member] of sorted.entries()) result[member] = (at - (sorted.length - 1) / 2) * gap;
  }
  return result;
}

/** Numbers without holes: evidence that is not drawn takes none. */
function renumber(groups: readonly Group[], edges: readonly Edge[]): Pick<Layout, 'groups' | 'edges'> {
  const marks = [...groups.flatMap(group => group.rows), ...edges].map(each => each.mark).filter(mark => mark !== null);
  const numbers = new Map(
    [...new Set(marks.map(mark => mark.step))].sort((a, b) => a - b).map((step, at) => [step, at + 1]),
  );
  const again = (mark: Mark | null): Mark | null =>
    mark === null ? null : { ...mark, step: numbers.get(mark.step) ?? mark.step };
  return {
    groups: groups.map(group => ({ ...group, rows: group.rows.map(row => ({ ...row, mark: again(row.mark) })) })),
    edges: edges.map(edge => ({ ...edge, mark: again(edge.mark) })),
  };
}

/** What a row says to who cannot see it. */
export function rowLabel(row: Row): string {
  const [process] = row.members;
  const parts = [`${row.name} ${row.text}`.trim()];
  if (row.kind === 'process' && process !== undefined) {
    parts.push(`pid ${process.pid}`);
    if (process.uid !== null) parts.push(process.uid === 0 ? 'root' : `uid ${process.uid}`);
    if (row.age !== null) parts.push(`${duration(row.age)} after the container started${row.late ? ', late' : ''}`);
  }
  if (row.mark !== null) parts.push(`step ${row.mark.step}, ${row.mark.level}: ${row.mark.rules.join(', ')}`);
  if (row.hidden > 0) parts.push(`${row.hidden} not shown`);
  return parts.join(', ');
}

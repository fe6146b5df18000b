/** How a line of the map goes past what stands between its ends: behind a node it would seem to begin or end there. Pure. */

interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/** A stretch straight past a node, in the direction of the line. */
export interface Bend {
  readonly from: number;
  readonly to: number;
  readonly y: number;
}

const BENDS_MAX = 4;
const SAMPLES = 24;
/** A line is to be seen beside a node. */
const CLEAR = 3;
const REACH_MIN = 30;

/** How far both control points of a curve stand from its ends, with the sign of its direction. */
export const reachOf = (from: number, to: number): number => {
  const way = to >= from ? 1 : -1;
  return Math.max(Math.abs(to - from) / 2, REACH_MIN) * way;
};

/** Points of the curve that is drawn between two points, in order. */
function* along(from: Point, to: Point): Generator<Point> {
  const reach = reachOf(from.x, to.x);
  for (let n = 1; n < SAMPLES; n++) {
    const t = n / SAMPLES;
    const s = 1 - t;
    const [a, b, c, d] = [s ** 3, 3 * s * s * t, 3 * s * t * t, t ** 3];
    yield {
      x: a * from.x + b * (from.x + reach) + c * (to.x - reach) + d * to.x,
      y: (a + b) * from.y + (c + d) * to.y,
    };
  }
}

const covers = ({ x, y, width, height }: Rect, point: Point): boolean =>
  point.x >= x && point.x <= x + width && point.y >= y - CLEAR && point.y <= y + height + CLEAR;

/** @param gap between nodes of a column: the middle of it is free. */
export function bendsOf(from: Point, to: Point, nodes: Iterable<Rect>, gap: number): Bend[] {
  const way = to.x >= from.x ? 1 : -1;
  const [left, right] = way === 1 ? [from.x, to.x] : [to.x, from.x];
  const between = [...nodes].filter(({ x, width }) => x >= left && x + width <= right);
  const bends: Bend[] = [];
  let at = from;
  while (between.length > 0 && bends.length < BENDS_MAX) {
    const hit = first(at, to, between);
    if (hit === null) break;
    const { node, y } = hit;
    const above = node.y - gap / 2;
    const below = node.y + node.height + gap / 2;
    const lane = y - above < below - y ? above : below;
    const [enter, leave] = way === 1 ? [node.x, node.x + node.width] : [node.x + node.width, node.x];
    bends.push({ from: enter, to: leave, y: lane });
    at = { x: leave, y: lane };
    between.splice(between.indexOf(node), 1);
  }
  return bends;
}

function first(from: Point, to: Point, nodes: readonly Rect[]): { readonly node: Rect; readonly y: number } | null {
  for (const point of along(from, to)) {
    const node = nodes.find(each => covers(each, point));
    if (node !== undefined) return { node, y: point.y };
  }
  return null;
}

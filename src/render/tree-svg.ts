/** The picture: processes in tree order on the left, destinations on the right, a line for each connection between them. */
import type { RootTree } from '../context/views.ts';
import { shown } from './alert.ts';
import {
  ageText,
  type ConnectionGroup,
  commandText,
  destinationText,
  isDropped,
  layout,
  type TreeRow,
} from './tree-layout.ts';

const TOP = 56;
const ROW = 24;
const INDENT = 18;
const LEFT = 16;
/** Width of a monospace character at 11.5 px. */
const CHAR = 7;
const COMMAND_CHARS_MAX = 72;
const MARK_CHARS_MAX = 48;
/** Between the parts of a row. */
const SPACE = 8;
const GAP = 140;

const DASH = { socket: '', inferred: ' stroke-dasharray="6 4"', pod: ' stroke-dasharray="1.5 4"' } as const;

/** Text for an XML node or attribute; `shown` has already made controls visible. */
const xml = (text: string): string => text.replace(/[&<>"']/g, c => `&#${c.charCodeAt(0)};`);

interface PlacedRow {
  readonly row: TreeRow;
  readonly command: string;
  /** Behind the command: pid, age, how many were folded. */
  readonly facts: string;
  /** The rule that fired on it, or ''. */
  readonly mark: string;
  readonly x: number;
  readonly y: number;
  /** Right end of the text. */
  readonly end: number;
}

function placeRows(roots: readonly RootTree[], marks: ReadonlyMap<string, string>): PlacedRow[] {
  const origin = Math.min(...roots.map(root => root.tree.process.startTime));
  return roots
    .flatMap(root => layout(root))
    .map((row, index) => {
      const command = commandText(row.process, COMMAND_CHARS_MAX);
      const facts = `${row.process.pid} ${ageText(row.process, origin)}${row.folded > 0 ? ` ×${row.folded + 1}` : ''}`;
      const mark = shown(marks.get(row.process.execId) ?? '', MARK_CHARS_MAX);
      const x = LEFT + row.rails.length * INDENT;
      const chars = command.length + facts.length + mark.length;
      return { row, command, facts, mark, x, y: TOP + index * ROW, end: x + chars * CHAR + 3 * SPACE };
    });
}

/** Each destination stands once, as near as it can to the first row that speaks with it. Text → y. */
function placeDestinations(rows: readonly PlacedRow[]): Map<string, number> {
  const wanted = new Map<string, number>();
  for (const { row, y } of rows) {
    for (const group of row.connections) {
      const text = destinationText(group.destination);
      if (!wanted.has(text)) wanted.set(text, y);
    }
  }
  let free = TOP;
  for (const [text, y] of wanted) {
    const at = Math.max(y, free);
    wanted.set(text, at);
    free = at + ROW;
  }
  return wanted;
}

function branchPath(rows: readonly PlacedRow[], index: number): string {
  const { row, x, y } = rows[index] as PlacedRow;
  for (let above = index - 1; above >= 0; above--) {
    const parent = rows[above] as PlacedRow;
    if (parent.row.rails.length < row.rails.length) {
      return `<path class="tree" d="M${x - INDENT + 5} ${parent.y + 6}V${y - 4}H${x - 3}"/>`;
    }
  }
  return '';
}

/** Level with its row to the edge of the text, so that it crosses none, then over to the destination. */
function connectionPath(from: PlacedRow, edge: number, group: ConnectionGroup, x: number, y: number): string {
  const middle = Math.round((edge + x) / 2);
  const what = `${group.protocol} ${group.verdict} [${group.attribution}], ${group.connections} connections, ${group.flows} flows`;
  return `<path class="${isDropped(group.verdict) ? 'drop' : 'flow'}"${DASH[group.attribution]} d="M${from.end} ${from.y - 4}H${edge}C${middle} ${from.y - 4} ${middle} ${y - 4} ${x - 6} ${y - 4}"><title>${xml(what)}</title></path>`;
}

/** A whole SVG document, light or dark by the viewer's setting; no script, no reference to anything outside. */
export function treeSvg(
  title: string,
  roots: readonly RootTree[],
  marks: ReadonlyMap<string, string> = new Map(),
): string {
  const rows = placeRows(roots, marks);
  const destinations = placeDestinations(rows);
  const edge = Math.max(200, ...rows.map(row => row.end));
  const right = edge + GAP;
  const longest = Math.max(0, ...[...destinations.keys()].map(text => text.length));
  const width = right + (longest + 2) * CHAR;
  const height = Math.max(TOP + rows.length * ROW, ...[...destinations.values()].map(y => y + ROW));
  const paths = rows.flatMap((row, index) => [
    branchPath(rows, index),
    ...row.row.connections.map(group =>
      connectionPath(row, edge, group, right, destinations.get(destinationText(group.destination)) as number),
    ),
  ]);
  const texts = rows.map(({ row, command, facts, mark, x, y }) => {
    const full = shown(`${row.process.binary} ${row.process.arguments}`, 1_000);
    const badge = mark === '' ? '' : `<tspan dx="${SPACE}" class="mark">${xml(mark)}</tspan>`;
    return `<text x="${x}" y="${y}"${mark === '' ? '' : ' class="hit"'}>${xml(command)}<tspan dx="${SPACE}" class="dim">${xml(facts)}</tspan>${badge}<title>${xml(full)}</title></text>`;
  });
  const names = [...destinations].map(([text, y]) => `<text x="${right}" y="${y}" class="to">${xml(text)}</text>`);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">
<title>${xml(shown(title))}</title>
<style>
text { font: 11.5px ui-monospace, Menlo, Consolas, monospace; fill: #1f2328; white-space: pre }
.head { font-size: 14px; font-weight: 600 } .dim { fill: #7d8590 } .hit { fill: #cf222e; font-weight: 600 } .to { fill: #0a4f8f }
.dim, .mark { font-weight: 400 } .mark { fill: #9a6700 }
path { fill: none; stroke-width: 1.2 } .tree { stroke: #c4cad1 } .flow { stroke: #6f8fb5 } .drop { stroke: #cf222e }
.paper { fill: #ffffff }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .hit { fill: #ff7b72 } .mark { fill: #d29922 } .to { fill: #79c0ff }
.tree { stroke: #3d444d } .flow { stroke: #4d6b94 } .drop { stroke: #ff7b72 } .paper { fill: #0d1117 }
}
</style>
<rect class="paper" width="100%" height="100%"/>
<text class="head" x="${LEFT}" y="28">${xml(shown(title))}</text>
${paths.filter(path => path !== '').join('\n')}
${texts.join('\n')}
${names.join('\n')}
</svg>`;
}

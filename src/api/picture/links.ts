/** Connections of the visible rows: those that say the same in one line, and no row with more lines than can be read. */
import type { TreeView } from '../tree-builder.ts';
import type { ConnectionView } from '../views.ts';
import { cursorOf, type Shown } from './cursors.ts';
import { Ends, foldEnds, likeOf, nameOf, Ports, REST, REST_PLACE, type Target } from './ends.ts';
import type { PictureLimits } from './limits.ts';
import { joinMarks, type Marks } from './marks.ts';
import type { End, Link, Mark } from './schema.ts';
import type { Sliced } from './slices.ts';

const DROPPED = new Set(['DROPPED', 'ERROR']);

/** Where a process is to be found. */
export interface Place {
  /** Key of its pod or host. */
  readonly group: string;
  readonly row: string;
}

interface Found {
  readonly connection: ConnectionView;
  readonly from: string;
  readonly inbound: boolean;
  /** A row or group of the picture, or the key of a target. */
  readonly to: string;
  readonly isTarget: boolean;
  readonly mark: Mark | null;
}

export interface Links {
  readonly links: Link[];
  readonly ends: End[];
  readonly connections: number;
  readonly flows: number;
}

export function* linksOf(
  trees: readonly TreeView[],
  places: ReadonlyMap<string, Place>,
  groups: ReadonlySet<string>,
  marks: Marks,
  shown: Shown,
  limits: PictureLimits,
): Sliced<Links> {
  const targets = new Map<string, Target>();
  const found = findAll(trees, places, groups, marks, targets);
  yield;
  const nodes = foldEnds(targets, shown, limits);
  const drafts = new Map<string, Draft>();
  let flows = 0;
  for (const each of found) {
    flows += each.connection.flows;
    const node = each.isTarget ? nodes.get(each.to) : undefined;
    add(drafts, each, node?.key ?? each.to);
  }
  const asked = new Set([...nodes.values()].filter(({ isAsked }) => isAsked).map(({ key }) => key));
  const kept = limited([...drafts.values()], asked, shown, limits);
  yield;
  const ends = new Ends();
  for (const draft of kept) {
    for (const { to, isTarget, connection } of draft.found) {
      const target = isTarget ? targets.get(to) : undefined;
      const node = nodes.get(to);
      if (target === undefined || node === undefined) continue;
      ends.add(draft.to === node.key ? node : REST_PLACE, target, connection);
    }
  }
  yield;
  return {
    links: sampled(
      kept.map(draft => linkOf(draft, shown, limits)),
      limits,
    ),
    ends: ends.finish(shown, limits),
    connections: found.length,
    flows,
  };
}

/** Every connection once, with what stands at its ends. */
function findAll(
  trees: readonly TreeView[],
  places: ReadonlyMap<string, Place>,
  groups: ReadonlySet<string>,
  marks: Marks,
  targets: Map<string, Target>,
): Found[] {
  const placeOf = (id: string | null, { pod }: ConnectionView['source']): string | null => {
    const place = id === null ? undefined : places.get(id);
    // A name outranks a guess about who listened there: an end of another pod stays that end.
    if (place !== undefined && (pod === null || pod === place.group)) return place.row;
    return pod !== null && groups.has(pod) ? `group ${pod}` : null;
  };
  // By name: no text is made for every connection.
  const called = new Map<string, Target>();
  const callers = new Map<string, Target>();
  const seen = new Set<string>();
  const found: Found[] = [];
  for (const connection of allConnections(trees)) {
    if (seen.has(connection.id)) continue;
    seen.add(connection.id);
    const { source, destination, exec_id, server_exec_id, verdict, flows } = connection;
    const client = placeOf(exec_id, source);
    const server = placeOf(server_exec_id, destination);
    const from = client ?? server;
    if (from === null || client === server) continue;
    const inbound = client === null;
    const mark = marks.connections.of(connection);
    if (client !== null && server !== null) {
      found.push({ connection, from, inbound, to: server, isTarget: false, mark });
      continue;
    }
    const endpoint = inbound ? source : destination;
    const name = nameOf(endpoint);
    const named = inbound ? callers : called;
    let target = named.get(name);
    if (target === undefined) {
      target = {
        key: `end ${inbound ? 'from' : 'to'} ${name}`,
        name,
        kind: endpoint.kind,
        inbound,
        like: likeOf(endpoint),
        flows: 0,
        connections: 0,
        isMarked: false,
        isDropped: false,
      };
      named.set(name, target);
      targets.set(target.key, target);
    }
    target.flows += flows;
    target.connections++;
    target.isMarked ||= mark !== null;
    target.isDropped ||= DROPPED.has(verdict);
    found.push({ connection, from, inbound, to: target.key, isTarget: true, mark });
  }
  return found;
}

function* allConnections(trees: readonly TreeView[]): Generator<ConnectionView> {
  for (const tree of trees) {
    for (const process of tree.processes) yield* process.connections;
    yield* tree.pod_connections;
  }
}

interface Draft {
  readonly key: string;
  readonly from: string;
  readonly to: string;
  readonly inbound: boolean;
  readonly attribution: ConnectionView['attribution'];
  readonly dropped: boolean;
  readonly found: Found[];
  flows: number;
  mark: Mark | null;
}

function add(drafts: Map<string, Draft>, each: Found, to: string): void {
  const { from, inbound, mark } = each;
  const { attribution, verdict, flows } = each.connection;
  const dropped = DROPPED.has(verdict);
  const key = ['line', from, to, attribution, dropped ? 'dropped' : '', inbound ? 'in' : ''].join('\n');
  let draft = drafts.get(key);
  if (draft === undefined) {
    draft = { key, from, to, inbound, attribution, dropped, found: [], flows: 0, mark: null };
    drafts.set(key, draft);
  }
  draft.found.push(each);
  draft.flows += flows;
  draft.mark = joinMarks(draft.mark, mark);
}

/** Of each row the lines that matter most; the others lead to one node together, in one line of each kind. */
function limited(drafts: readonly Draft[], asked: ReadonlySet<string>, shown: Shown, limits: PictureLimits): Draft[] {
  const byRow = new Map<string, Draft[]>();
  for (const draft of drafts) {
    const held = byRow.get(draft.from);
    if (held === undefined) byRow.set(draft.from, [draft]);
    else held.push(draft);
  }
  const weight = ({ mark, dropped, to, flows }: Draft): number =>
    (mark === null ? 0 : 1e15) + (dropped ? 1e14 : 0) + (to.startsWith('end ') ? 0 : 1e13) + flows;
  const kept: Draft[] = [];
  const merged = new Map<string, Draft>();
  const share = Math.max(1, Math.min(limits.linesPerRowMax, Math.floor(limits.linesMax / byRow.size)));
  for (const [row, lines] of byRow) {
    lines.sort((a, b) => weight(b) - weight(a));
    const max = share + (shown.get(linesKey(row)) ?? 0);
    for (const [at, draft] of lines.entries()) {
      const isFixed = draft.mark !== null || draft.to === REST || asked.has(draft.to) || !draft.found[0]?.isTarget;
      if (at < max || isFixed) {
        kept.push(draft);
      } else for (const each of draft.found) add(merged, each, REST);
    }
  }
  // What the limits cut joins the line that leads to the same node already.
  for (const draft of kept) {
    const also = merged.get(draft.key);
    if (also === undefined) continue;
    draft.found.push(...also.found);
    draft.flows += also.flows;
    merged.delete(draft.key);
  }
  return [...kept, ...merged.values()];
}

/** Connections one by one, as far as they fit, where somebody will look first. */
function sampled(links: readonly Link[], { allSamplesMax }: PictureLimits): Link[] {
  let room = allSamplesMax;
  const take = (link: Link): readonly [string, Link['sample']] => {
    const sample = link.sample.slice(0, Math.max(room, 0));
    room -= sample.length;
    return [link.key, sample];
  };
  const first = links.filter(({ mark, dropped }) => mark !== null || dropped);
  const samples = new Map([
    ...first.map(take),
    ...links.filter(link => !(link.mark !== null || link.dropped)).map(take),
  ]);
  return links.map(link => ({ ...link, sample: samples.get(link.key) ?? [] }));
}

const linesKey = (row: string): string => `lines ${row}`;

function linkOf({ found, ...draft }: Draft, shown: Shown, { samplesMax, page }: PictureLimits): Link {
  const ports = new Ports();
  const targets = new Set<string>();
  let [first_seen, last_seen] = ['', ''];
  for (const { connection, to } of found) {
    ports.add(connection);
    targets.add(to);
    if (first_seen === '' || connection.first_seen < first_seen) first_seen = connection.first_seen;
    if (connection.last_seen > last_seen) last_seen = connection.last_seen;
  }
  const owner = linesKey(draft.from);
  return {
    ...draft,
    ports: ports.text(),
    count: found.length,
    targets: targets.size,
    first_seen,
    last_seen,
    sample: found.slice(0, samplesMax).map(({ connection }) => connection),
    toggle: draft.to === REST ? cursorOf((shown.get(owner) ?? 0) + page, owner) : null,
  };
}

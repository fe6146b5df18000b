/** Connections of the visible rows, those that say the same in one line, and the ends that are no tree. */
import type { ConnectionView, TreeView } from '../../api/contract.ts';
import { visible } from '../text.ts';
import type { GroupDraft } from './forest.ts';
import { joinMarks, keyOf } from './marks.ts';
import type { Edge, Marks } from './types.ts';

const DROPPED = new Set(['DROPPED', 'ERROR']);

export type EdgeDraft = Omit<Edge, 'x1' | 'y1' | 'x2' | 'y2'> & { readonly fromGroup: string };

export interface EndDraft {
  readonly key: string;
  readonly title: string;
  readonly kind: string;
  readonly connections: ConnectionView[];
}

export interface Links {
  readonly edges: readonly EdgeDraft[];
  readonly ends: ReadonlyMap<string, EndDraft>;
}

type Endpoint = ConnectionView['source'];

const nameOf = ({ pod, names, ip }: Endpoint): string => pod ?? names[0] ?? ip;

interface Place {
  readonly group: string;
  readonly row: string;
}

interface Draft {
  readonly from: Place;
  readonly to: string;
  readonly isInbound: boolean;
  readonly connections: ConnectionView[];
}

export function linksOf(trees: readonly TreeView[], groups: readonly GroupDraft[], marks: Marks): Links {
  const places = new Map<string, Place>();
  for (const group of groups) for (const [id, row] of group.rowOf) places.set(id, { group: group.key, row });
  const known = new Set(groups.map(group => group.key));
  const podPlace = ({ pod }: Endpoint): Place | null =>
    pod !== null && known.has(pod) ? { group: pod, row: `group ${pod}` } : null;
  const placeOf = (id: string | null, endpoint: Endpoint): Place | null => {
    const place = id === null ? undefined : places.get(id);
    // A name outranks a guess about who listened there: an end of another pod stays that end.
    if (place !== undefined && (endpoint.pod === null || endpoint.pod === place.group)) return place;
    return podPlace(endpoint);
  };
  const drafts = new Map<string, Draft>();
  const ends = new Map<string, EndDraft>();
  const endFor = (endpoint: Endpoint, connection: ConnectionView): string => {
    const name = nameOf(endpoint);
    const key = `end ${name}`;
    let end = ends.get(key);
    if (end === undefined) {
      end = { key, title: visible(name), kind: endpoint.kind, connections: [] };
      ends.set(key, end);
    }
    end.connections.push(connection);
    return key;
  };
  const seen = new Set<string>();
  for (const connection of allConnections(trees)) {
    if (seen.has(connection.id)) continue;
    seen.add(connection.id);
    const { source, destination, exec_id, server_exec_id, attribution, verdict } = connection;
    const client = placeOf(exec_id, source);
    const server = destination.kind === 'world' ? null : placeOf(server_exec_id, destination);
    const from = client ?? server;
    if (from === null) continue;
    const isInbound = client === null;
    const to = isInbound ? endFor(source, connection) : (server?.row ?? endFor(destination, connection));
    if (to === from.row) continue;
    const id = [from.row, to, attribution, DROPPED.has(verdict), isInbound].join('\n');
    const draft = drafts.get(id);
    if (draft === undefined) drafts.set(id, { from, to, isInbound, connections: [connection] });
    else draft.connections.push(connection);
  }
  return { edges: [...drafts].map(([key, draft]) => edgeOf(key, draft, marks)), ends };
}

function* allConnections(trees: readonly TreeView[]): Generator<ConnectionView> {
  for (const tree of trees) {
    for (const process of tree.processes) yield* process.connections;
    yield* tree.pod_connections;
  }
}

function edgeOf(key: string, { from, to, isInbound, connections }: Draft, marks: Marks): EdgeDraft {
  const [first] = connections as [ConnectionView, ...ConnectionView[]];
  let { first_seen: firstSeen, last_seen: lastSeen } = first;
  let flows = 0;
  let mark: Edge['mark'] = null;
  for (const connection of connections) {
    flows += connection.flows;
    if (connection.first_seen < firstSeen) firstSeen = connection.first_seen;
    if (connection.last_seen > lastSeen) lastSeen = connection.last_seen;
    mark = joinMarks(mark, marks.connections.get(keyOf(connection)) ?? null);
  }
  return {
    key,
    from: from.row,
    fromGroup: from.group,
    to,
    attribution: first.attribution,
    isDropped: DROPPED.has(first.verdict),
    isInbound,
    flows,
    firstSeen,
    lastSeen,
    mark,
    connections,
  };
}

/** `TCP 443, 80`, the most common first. */
export function portsOf(connections: readonly ConnectionView[]): string {
  const ports = new Map<string, Map<number, number>>();
  for (const { protocol, destination } of connections) {
    const counts = ports.get(protocol) ?? new Map<number, number>();
    ports.set(protocol, counts.set(destination.port, (counts.get(destination.port) ?? 0) + 1));
  }
  return [...ports]
    .map(([protocol, counts]) => {
      const sorted = [...counts].sort(([a, n], [b, m]) => m - n || a - b).map(([port]) => port);
      const shown = sorted.slice(0, 4).join(', ');
      return `${protocol} ${shown}${sorted.length > 4 ? ` and ${sorted.length - 4} more` : ''}`;
    })
    .join(' · ');
}

/** A pod's or process's tree as rows: the one walk that text, DOT and SVG drawings share. */
import type { ConnectionView, PeerView, ProcessTree, ProcessView, RootTree } from '../context/views.ts';
import { baseName } from '../model/process.ts';
import { shown } from './alert.ts';

export interface TreeRow {
  readonly process: ProcessView;
  /** One entry a level below the root: whether the ancestor at that level has later siblings (its line goes on). */
  readonly rails: readonly boolean[];
  readonly last: boolean;
  readonly connections: readonly ConnectionGroup[];
  /** More processes like this one beside it, not drawn. */
  readonly folded: number;
}

/** Connections of one process to the same place, told as one. */
export interface ConnectionGroup {
  readonly destination: PeerView;
  readonly protocol: string;
  readonly attribution: ConnectionView['attribution'];
  readonly verdict: string;
  readonly connections: number;
  readonly flows: number;
}

/** Siblings that say the same are folded from this many on. */
const FOLD_MIN = 4;

export function groupConnections(connections: readonly ConnectionView[]): ConnectionGroup[] {
  const groups = new Map<string, ConnectionGroup>();
  for (const connection of connections) {
    const { server } = connection;
    const key = [
      server.names[0] ?? server.ip,
      server.port,
      connection.protocol,
      connection.attribution,
      connection.verdict,
    ].join(' ');
    const known = groups.get(key);
    groups.set(key, {
      destination: server,
      protocol: connection.protocol,
      attribution: connection.attribution,
      verdict: connection.verdict,
      connections: (known?.connections ?? 0) + 1,
      flows: (known?.flows ?? 0) + connection.flows,
    });
  }
  return [...groups.values()];
}

const sameness = (tree: ProcessTree): string =>
  tree.children.length > 0 || tree.connections.length > 0
    ? JSON.stringify([
        tree.process.binary,
        tree.process.arguments,
        tree.children.map(sameness),
        groupConnections(tree.connections).map(group => [
          group.destination.names[0] ?? group.destination.ip,
          group.destination.port,
        ]),
      ])
    : JSON.stringify([tree.process.binary, tree.process.arguments]);

/** Rows in tree order, oldest first; siblings that say the same are folded behind the first of them. */
export function layout(root: RootTree): TreeRow[] {
  const rows: TreeRow[] = [];
  const walk = (tree: ProcessTree, rails: readonly boolean[], last: boolean, folded: number): void => {
    rows.push({ process: tree.process, rails, last, connections: groupConnections(tree.connections), folded });
    const alike = new Map<string, ProcessTree[]>();
    for (const child of tree.children) {
      const key = sameness(child);
      const others = alike.get(key);
      if (others === undefined) alike.set(key, [child]);
      else others.push(child);
    }
    const drawn = [...alike.values()].flatMap(same =>
      same.length >= FOLD_MIN
        ? [{ child: same[0] as ProcessTree, folded: same.length - 1 }]
        : same.map(child => ({ child, folded: 0 })),
    );
    drawn.sort((a, b) => tree.children.indexOf(a.child) - tree.children.indexOf(b.child));
    drawn.forEach(({ child, folded: more }, index) => {
      const isLast = index === drawn.length - 1;
      walk(child, [...rails, !isLast], isLast, more);
    });
  };
  walk(root.tree, [], true, 0);
  return rows;
}

/** `elasticsearch…:9200 (10.244.1.20)`: the best name first, the address behind it. */
export function destinationText(peer: PeerView): string {
  const port = peer.port === 0 ? '' : `:${peer.port}`;
  const name = peer.names[0] ?? (peer.pod !== '' ? peer.pod : peer.service);
  return shown(name === '' ? `${peer.ip}${port}` : `${name}${port} (${peer.ip})`, 120);
}

export function groupText(group: ConnectionGroup): string {
  const times = group.connections > 1 ? ` ×${group.connections}` : '';
  const verdict = group.verdict === '' ? 'no flow seen' : group.verdict;
  return `${destinationText(group.destination)} ${group.protocol}${times} ${verdict} [${group.attribution}]`;
}

export const isDropped = (verdict: string): boolean => verdict === 'DROPPED' || verdict === 'ERROR';

export const commandText = (process: ProcessView, charsMax = 140): string =>
  process.placeholder
    ? '(unknown process)'
    : shown(`${baseName(process.binary) || '?'}${process.arguments === '' ? '' : ` ${process.arguments}`}`, charsMax);

/** `+2.6s` since the container's first process; `+3d` for long ones. */
export function ageText(process: ProcessView, origin: number): string {
  const seconds = Math.max(0, (process.startTime - origin) / 1e6);
  if (seconds < 100) return `+${seconds.toFixed(1)}s`;
  if (seconds < 6_000) return `+${Math.round(seconds / 60)}m`;
  if (seconds < 172_800) return `+${Math.round(seconds / 3_600)}h`;
  return `+${Math.round(seconds / 86_400)}d`;
}

/** What started it outside the pod, oldest first. */
export const startedByText = (root: RootTree): string =>
  [...root.startedBy]
    .reverse()
    .filter(process => process.pid > 0)
    .map(process => shown(baseName(process.binary) || '?', 30))
    .join(' → ');

/** What is behind a node or a line of the service map, and the ways on from it. */
import { Link } from 'wouter';
import { query } from '../api.ts';
import { count, visible } from '../text.ts';
import { Time } from '../widgets.tsx';
import type { Line, MapLayout } from './layout.ts';
import {
  edgeTitle,
  isDropped,
  isFolded,
  type MapEdge,
  type MapNode,
  nodeName,
  nodeSubtitle,
  processesText,
  rate,
  verdictsText,
} from './words.ts';

/** The connections of an edge, as far as the filters of that page can name them. */
export function connectionsOf(from: MapNode, to: MapNode, edge: MapEdge): string {
  const only = ({ pods, more_pods }: MapNode): string | undefined =>
    more_pods === 0 && pods.length === 1 ? pods[0] : undefined;
  const server = to.kind === 'name' || to.kind === 'address' ? to.name : only(to);
  return `/connections${query({
    namespace: from.namespace === '' ? to.namespace : from.namespace,
    pod: only(from)?.split('/')[1],
    to: server,
    port: edge.port ?? undefined,
    verdict: isDropped(edge) ? 'DROPPED,ERROR' : undefined,
  })}`;
}

interface DetailsProps {
  readonly layout: MapLayout;
  readonly selected: string;
  readonly onSelect: (selected: string) => void;
  readonly onUnfold: (id: string) => void;
  readonly onNamespace: (namespace: string) => void;
}

export function MapDetails({ layout, selected, onSelect, onUnfold, onNamespace }: DetailsProps) {
  const placed = layout.nodes.get(selected);
  const line = layout.lines.find(({ key }) => key === selected);
  if (placed === undefined && line === undefined) return null;
  return (
    <aside className="details" aria-label="Details">
      <button type="button" className="close" aria-label="Close" onClick={() => onSelect('')}>
        ×
      </button>
      {placed === undefined ? null : (
        <OfNode
          node={placed.node}
          lines={layout.lines}
          onSelect={onSelect}
          onUnfold={onUnfold}
          onNamespace={onNamespace}
        />
      )}
      {line === undefined ? null : <OfLine line={line} onSelect={onSelect} />}
    </aside>
  );
}

interface OfNodeProps extends Omit<DetailsProps, 'layout' | 'selected'> {
  readonly node: MapNode;
  readonly lines: readonly Line[];
}

function OfNode({ node, lines, onSelect, onUnfold, onNamespace }: OfNodeProps) {
  const { id, namespace, pods, more_pods } = node;
  return (
    <>
      <h2>{nodeName(node)}</h2>
      <p className="quiet">{nodeSubtitle(node)}</p>
      <p className="actions">
        {isFolded(node) ? (
          <button type="button" onClick={() => onUnfold(id)}>
            Unfold
          </button>
        ) : null}
        {namespace === '' ? null : (
          <button type="button" onClick={() => onNamespace(namespace)}>
            Only {visible(namespace)}
          </button>
        )}
      </p>
      {pods.length === 0 ? null : (
        <>
          <h3>Pods</h3>
          <ul className="members">
            {pods.map(pod => (
              <li key={pod}>
                <Link href={`/pods/${pod.split('/').map(encodeURIComponent).join('/')}`}>{visible(pod)}</Link>
              </li>
            ))}
            {more_pods === 0 ? null : <li className="quiet">{count(more_pods, 'pod')} seen before these</li>}
          </ul>
        </>
      )}
      <Lines title="Talks to" lines={lines.filter(({ from }) => from.node.id === id)} end="to" onSelect={onSelect} />
      <Lines title="Asked by" lines={lines.filter(({ to }) => to.node.id === id)} end="from" onSelect={onSelect} />
    </>
  );
}

interface LinesProps {
  readonly title: string;
  readonly lines: readonly Line[];
  readonly end: 'from' | 'to';
  readonly onSelect: (key: string) => void;
}

function Lines({ title, lines, end, onSelect }: LinesProps) {
  if (lines.length === 0) return null;
  return (
    <>
      <h3>{title}</h3>
      <ul className="members connections">
        {lines.map(line => (
          <li key={line.key}>
            <button type="button" className="link" onClick={() => onSelect(line.key)}>
              {nodeName(line[end].node)}
            </button>
            <span className={line.dropped ? 'problem' : 'quiet'}>
              {line.edges.map(edgeTitle).join(', ')}, {rate(line.perMinute)}
              {line.dropped ? ', dropped' : ''}
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}

function OfLine({ line, onSelect }: { readonly line: Line; readonly onSelect: (id: string) => void }) {
  const { from, to, edges } = line;
  return (
    <>
      <h2>
        <button type="button" className="link" onClick={() => onSelect(from.node.id)}>
          {nodeName(from.node)}
        </button>{' '}
        →{' '}
        <button type="button" className="link" onClick={() => onSelect(to.node.id)}>
          {nodeName(to.node)}
        </button>
      </h2>
      {edges.map(edge => (
        <section key={edgeTitle(edge)}>
          <h3>{edgeTitle(edge)}</h3>
          <dl className="fields">
            <Facts edge={edge} />
          </dl>
          <p>
            <Link href={connectionsOf(from.node, to.node, edge)}>Its connections</Link>
          </p>
        </section>
      ))}
    </>
  );
}

function Facts({ edge }: { readonly edge: MapEdge }) {
  const { rates, connections, drop_reason, last_seen, first_seen, processes, server_processes, more_processes } = edge;
  const rows: readonly (readonly [string, React.ReactNode])[] = [
    [
      'flows',
      `${rate(rates['1m'].flows)}; over 5 min ${rate(rates['5m'].flows)}, over an hour ${rate(rates['60m'].flows)}`,
    ],
    [
      'verdicts',
      <span key="verdicts" className={isDropped(edge) ? 'problem' : ''}>
        {verdictsText(edge) || 'no flow seen'}
      </span>,
    ],
    ['dropped for', drop_reason.toLowerCase().replaceAll('_', ' ')],
    ['connections', connections.toLocaleString('en')],
    ['processes', <code key="processes">{processesText(processes, more_processes)}</code>],
    ['answered by', <code key="server">{processesText(server_processes, false)}</code>],
    ['first seen', <Time key="first" time={first_seen} />],
    ['last seen', <Time key="last" time={last_seen} />],
  ];
  const isEmpty: Readonly<Record<string, boolean>> = {
    'dropped for': drop_reason === '',
    processes: processes.length === 0,
    'answered by': server_processes.length === 0,
  };
  return rows
    .filter(([what]) => isEmpty[what] !== true)
    .map(([what, value]) => (
      <div key={what}>
        <dt>{what}</dt>
        <dd>{value}</dd>
      </div>
    ));
}

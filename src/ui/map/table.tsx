/** The service map as a table: the same edges, for who reads rather than looks. */
import { Link } from 'wouter';
import { Time } from '../widgets.tsx';
import { connectionsOf } from './details.tsx';
import {
  edgeTitle,
  isDropped,
  type MapEdge,
  type MapNode,
  nodeName,
  processesText,
  rate,
  verdictsText,
} from './words.ts';

interface TableProps {
  readonly nodes: readonly MapNode[];
  readonly edges: readonly MapEdge[];
}

export function MapTable({ nodes, edges }: TableProps) {
  const byId = new Map(nodes.map(node => [node.id, node]));
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard.
    <section className="scroll" aria-label="Edges of the map" tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col">From</th>
            <th scope="col">To</th>
            <th scope="col">Port</th>
            <th scope="col" className="number">
              Flows over 5 min
            </th>
            <th scope="col">Verdicts</th>
            <th scope="col">Processes</th>
            <th scope="col">Last seen</th>
          </tr>
        </thead>
        <tbody>
          {edges.map(edge => {
            const from = byId.get(edge.from);
            const to = byId.get(edge.to);
            if (from === undefined || to === undefined) return null;
            return (
              <tr key={`${edge.from} ${edge.to} ${edgeTitle(edge)}`} className={isDropped(edge) ? 'dropped-row' : ''}>
                <td>{nodeName(from)}</td>
                <td>{nodeName(to)}</td>
                <td>
                  <Link href={connectionsOf(from, to, edge)}>{edgeTitle(edge)}</Link>
                </td>
                <td className="number">{rate(edge.rates['5m'].flows)}</td>
                <td>{verdictsText(edge)}</td>
                <td>
                  <code>{processesText(edge.processes, edge.more_processes)}</code>
                </td>
                <td>
                  <Time time={edge.last_seen} />
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}

/** The joined stream's connections: who talked to whom, by which process, as far as the engine remembers. */
import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import type { NamedConnectionView } from '../../api/contract.ts';
import { get, query } from '../api.ts';
import { baseName, count, visible } from '../text.ts';
import { Choices, Read, Time } from '../widgets.tsx';
import { useFilters } from './filters.ts';

const VERDICTS = ['FORWARDED', 'DROPPED', 'REDIRECTED', 'ERROR', 'AUDIT'] as const;
const ATTRIBUTIONS = ['socket', 'inferred', 'pod'] as const;
const EVERY_MS = 5_000;
const SHOWN_MAX = 300;

const TEXTS = [
  { name: 'namespace', label: 'Namespace', hint: 'of either end' },
  { name: 'pod', label: 'Pod', hint: 'of either end' },
  { name: 'to', label: 'To', hint: 'address, name, pod' },
  { name: 'port', label: 'Port', hint: 'of the server' },
] as const;

export default function Connections() {
  const filters = useFilters();
  const list = useQuery({
    queryKey: ['flows', filters.all],
    queryFn: () =>
      get<{ items: NamedConnectionView[]; total: number }>(`/flows${query({ ...filters.all, limit: SHOWN_MAX })}`),
    refetchInterval: EVERY_MS,
    placeholderData: held => held,
  });
  const process = filters.get('exec_id');
  return (
    <>
      <title>Connections · Spoor</title>
      <h1>Connections</h1>
      <search className="filters">
        {TEXTS.map(({ name, label, hint }) => (
          <label key={name}>
            {label}
            <input
              type="search"
              placeholder={hint}
              value={filters.get(name) ?? ''}
              onChange={event => filters.set(name, event.target.value.trim())}
            />
          </label>
        ))}
        <Choices
          label="Verdict"
          values={VERDICTS}
          chosen={filters.list('verdict')}
          onChange={value => filters.set('verdict', value)}
        />
        <Choices
          label="Process known by"
          values={ATTRIBUTIONS}
          chosen={filters.list('attribution')}
          onChange={value => filters.set('attribution', value)}
        />
        {process === undefined ? null : (
          <button type="button" onClick={() => filters.set('exec_id', '')}>
            One process only ×
          </button>
        )}
      </search>
      <Read of={list} what="connections">
        {({ items, total }) =>
          items.length === 0 ? (
            <p className="empty">
              {Object.keys(filters.all).length === 0 ? 'None is known: no flow has come yet.' : 'None matches. '}
              {Object.keys(filters.all).length === 0 ? null : <Link href="/connections">Show all</Link>}
            </p>
          ) : (
            <>
              <p className="quiet">
                {count(total, 'connection')}
                {total > items.length ? `, the latest ${items.length} shown` : ''}
              </p>
              <Table items={items} />
            </>
          )
        }
      </Read>
    </>
  );
}

function Table({ items }: { readonly items: readonly NamedConnectionView[] }) {
  return (
    <div className="scroll">
      <table>
        <thead>
          <tr>
            <th scope="col">From</th>
            <th scope="col">Process</th>
            <th scope="col">To</th>
            <th scope="col">Port</th>
            <th scope="col">Verdict</th>
            <th scope="col">Known by</th>
            <th scope="col" className="number">
              Flows
            </th>
            <th scope="col">Last seen</th>
          </tr>
        </thead>
        <tbody>
          {items.map(({ id, source, destination, protocol, verdict, attribution, flows, last_seen, ...ends }) => (
            <tr key={id} className={verdict === 'DROPPED' ? 'dropped-row' : ''}>
              <td>
                <End end={source} />
              </td>
              <td>
                <ProcessName of={ends.process} execId={ends.exec_id} />
              </td>
              <td>
                <End end={destination} />
                {ends.server_process === null ? null : (
                  <>
                    {' '}
                    <ProcessName of={ends.server_process} execId={ends.server_exec_id} />
                  </>
                )}
              </td>
              <td>
                {protocol} {destination.port}
              </td>
              <td>{verdict.toLowerCase()}</td>
              <td>{attribution}</td>
              <td className="number">{flows.toLocaleString('en')}</td>
              <td>
                <Time time={last_seen} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface ProcessNameProps {
  readonly of: NamedConnectionView['process'];
  readonly execId: string | null;
}

function ProcessName({ of, execId }: ProcessNameProps) {
  if (of === null || execId === null) return <span className="quiet">unknown</span>;
  return (
    <>
      <Link href={`/events${query({ exec_id: execId })}`}>{visible(baseName(of.binary))}</Link>{' '}
      <span className="quiet">{of.pid}</span>
    </>
  );
}

function End({ end: { pod, names, ip } }: { readonly end: NamedConnectionView['source'] }) {
  if (pod !== null) return <Link href={`/pods/${pod}`}>{pod}</Link>;
  const [name] = names;
  return name === undefined ? (
    <code>{ip}</code>
  ) : (
    <>
      {visible(name)} <span className="quiet">{ip}</span>
    </>
  );
}

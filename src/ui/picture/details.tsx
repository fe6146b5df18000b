/** Everything about what is selected in the picture. */
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import type { Alert, ConnectionView, TreeProcess } from '../../api/contract.ts';
import { query } from '../api.ts';
import { count, instant, visible } from '../text.ts';
import { Level } from '../widgets.tsx';
import { edgeTitle } from './parts.tsx';
import type { Destination, Edge, Group, Layout, Mark, Row } from './types.ts';

const MEMBERS_MAX = 50;
const CONNECTIONS_MAX = 50;

interface DetailsProps {
  readonly layout: Layout;
  readonly selected: string;
  readonly alerts: readonly Alert[];
  readonly onSelect: (key: string | null) => void;
}

export function Details({ layout, selected, alerts, onSelect }: DetailsProps) {
  const row = layout.groups.flatMap(group => group.rows).find(({ key }) => key === selected);
  const group = layout.groups.find(({ key }) => `group ${key}` === selected);
  const end = layout.destinations.find(({ key }) => key === selected);
  const edge = layout.edges.find(({ key }) => key === selected);
  const edges = layout.edges.filter(({ from, to }) => from === selected || to === selected);
  return (
    <aside className="details" aria-label="Details">
      <button type="button" className="close" aria-label="Close details" onClick={() => onSelect(null)}>
        ×
      </button>
      {row !== undefined ? <RowDetails row={row} alerts={alerts} /> : null}
      {group !== undefined ? <GroupDetails group={group} /> : null}
      {end !== undefined ? <EndDetails end={end} /> : null}
      {edge !== undefined ? <EdgeDetails edge={edge} alerts={alerts} /> : null}
      {edges.length === 0 ? null : <Links edges={edges} layout={layout} selected={selected} onSelect={onSelect} />}
    </aside>
  );
}

function Field({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  if (children === '' || children === null || children === undefined) return null;
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}

function Fired({ mark, alerts }: { readonly mark: Mark | null; readonly alerts: readonly Alert[] }) {
  if (mark === null) return null;
  const fired = alerts.filter(({ id }) => mark.alertIds.includes(id));
  return (
    <section>
      <h3>
        Step {mark.step} of the incident, {instant(mark.time)}
      </h3>
      <ul className="plain">
        {fired.map(({ id, rule, message }) => (
          <li key={id}>
            <a href={`#alert-${id}`}>
              <Level level={rule.level} /> {rule.title}
            </a>
            <p className="quiet">{visible(message)}</p>
          </li>
        ))}
      </ul>
    </section>
  );
}

function RowDetails({ row, alerts }: { readonly row: Row; readonly alerts: readonly Alert[] }) {
  const [process] = row.members;
  if (process === undefined) return null;
  const several = row.members.length > 1;
  return (
    <>
      <h2>
        <code>{row.name}</code>
      </h2>
      <Fired mark={row.mark} alerts={alerts} />
      {several ? (
        <>
          <p>
            {row.kind === 'host'
              ? 'The host’s processes above the container, outermost first.'
              : 'Siblings that say the same.'}
          </p>
          <ol className="members">
            {row.members.slice(0, MEMBERS_MAX).map(member => (
              <li key={member.exec_id}>
                <code>
                  {visible(member.binary)} {visible(member.arguments)}
                </code>
                <span className="quiet"> pid {member.pid}</span>
              </li>
            ))}
          </ol>
          {row.members.length > MEMBERS_MAX ? (
            <p className="quiet">and {row.members.length - MEMBERS_MAX} more</p>
          ) : null}
        </>
      ) : (
        <ProcessDetails process={process} age={row.age} />
      )}
    </>
  );
}

const KNOWN = {
  live: 'The engine knows it.',
  stored: 'Known from the evidence of alerts; the engine has forgotten it.',
  named: 'Known only as somebody’s parent: its own start was not seen.',
} as const;

function ProcessDetails({ process, age }: { readonly process: TreeProcess; readonly age: number | null }) {
  const { exit_time, exit_signal, exit_status, container, pod } = process;
  const ended = exit_signal !== '' ? `killed by ${exit_signal}` : `status ${exit_status ?? 'unknown'}`;
  return (
    <>
      <dl className="fields">
        <Field name="Binary">
          <code>{visible(process.binary)}</code>
        </Field>
        <Field name="Arguments">{process.arguments === '' ? null : <code>{visible(process.arguments)}</code>}</Field>
        <Field name="Directory">{process.cwd === '' ? null : <code>{visible(process.cwd)}</code>}</Field>
        <Field name="Process">
          pid {process.pid}
          {process.uid === null ? '' : `, uid ${process.uid}`}
        </Field>
        <Field name="Started">
          {process.start_time === null ? 'not seen' : instant(process.start_time)}
          {age === null ? '' : `, ${Math.round(age * 1_000) / 1_000} s after its container`}
        </Field>
        <Field name="Ended">{exit_time === null ? null : `${instant(exit_time)}, ${ended}`}</Field>
        <Field name="Pod">
          {pod === null ? `none: it runs on the host ${process.node}` : <Link href={`/pods/${pod}`}>{pod}</Link>}
        </Field>
        <Field name="Container">{container === null ? null : `${container.name}, ${container.image}`}</Field>
        <Field name="Node">{process.node}</Field>
        <Field name="exec_id">
          <code className="id">{process.exec_id}</code>
        </Field>
      </dl>
      <p className="quiet">{KNOWN[process.known]}</p>
      <p>
        <Link href={`/connections${query({ exec_id: process.exec_id })}`}>All its connections</Link>
      </p>
      <details>
        <summary>As JSON</summary>
        <pre>{visible(JSON.stringify({ ...process, connections: undefined }, null, 2)).replaceAll('\\n', '\n')}</pre>
      </details>
    </>
  );
}

function GroupDetails({ group }: { readonly group: Group }) {
  return (
    <>
      <h2>{group.title}</h2>
      <dl className="fields">
        <Field name="Runs">{group.subtitle}</Field>
        <Field name="Shown">{count(group.rows.length, 'row')}</Field>
      </dl>
      {group.isHost ? null : (
        <p>
          <Link href={`/pods/${group.key}`}>Everything that this pod does</Link>
        </p>
      )}
    </>
  );
}

function EndDetails({ end }: { readonly end: Destination }) {
  const [first] = end.connections;
  const ips = [...new Set(end.connections.map(({ destination }) => destination.ip))];
  return (
    <>
      <h2>{end.title}</h2>
      <dl className="fields">
        <Field name="Ports">{end.subtitle}</Field>
        <Field name="Addresses">{ips.slice(0, 12).join(', ')}</Field>
        <Field name="Connections">{end.connections.length}</Field>
      </dl>
      {first === undefined ? null : (
        <p>
          <Link
            href={`/connections${query({ to: first.destination.pod ?? first.destination.names[0] ?? first.destination.ip })}`}
          >
            Who else talks to it
          </Link>
        </p>
      )}
    </>
  );
}

function EdgeDetails({ edge, alerts }: { readonly edge: Edge; readonly alerts: readonly Alert[] }) {
  return (
    <>
      <h2>Connection</h2>
      <p>{edgeTitle(edge)}</p>
      <Fired mark={edge.mark} alerts={alerts} />
      <Connections connections={edge.connections} />
    </>
  );
}

function Connections({ connections }: { readonly connections: readonly ConnectionView[] }) {
  return (
    <>
      <ul className="plain connections">
        {connections
          .slice(0, CONNECTIONS_MAX)
          .map(({ id, source, destination, protocol, verdict, flows, first_seen, last_seen }) => (
            <li key={id}>
              <code>
                {source.ip}:{source.port} → {destination.ip}:{destination.port}
              </code>
              <span className="quiet">
                {protocol}, {verdict.toLowerCase()}, {count(flows, 'flow')}, {instant(first_seen)} to{' '}
                {last_seen.slice(11, 19)}
              </span>
            </li>
          ))}
      </ul>
      {connections.length > CONNECTIONS_MAX ? (
        <p className="quiet">and {connections.length - CONNECTIONS_MAX} more</p>
      ) : null}
    </>
  );
}

interface LinksProps {
  readonly edges: readonly Edge[];
  readonly layout: Layout;
  readonly selected: string;
  readonly onSelect: (key: string) => void;
}

function Links({ edges, layout, selected, onSelect }: LinksProps) {
  const titleOf = (key: string): string =>
    layout.destinations.find(end => end.key === key)?.title ??
    layout.groups.find(group => `group ${group.key}` === key)?.title ??
    layout.groups.flatMap(group => group.rows).find(row => row.key === key)?.name ??
    '';
  return (
    <section>
      <h3>Connections</h3>
      <ul className="plain">
        {edges.slice(0, CONNECTIONS_MAX).map(edge => {
          const away = (edge.from === selected) !== edge.isInbound;
          return (
            <li key={edge.key}>
              <button type="button" className="link" onClick={() => onSelect(edge.key)}>
                {away ? 'to' : 'from'} {titleOf(edge.from === selected ? edge.to : edge.from)}
              </button>
              <span className="quiet"> {edgeTitle(edge)}</span>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

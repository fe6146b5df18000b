/** Everything about what is selected in the picture. */
import { useQueries } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import type { Alert, ConnectionView } from '../../api/contract.ts';
import { query } from '../api.ts';
import { useCase } from '../case.tsx';
import { count, instant, json, visible } from '../text.ts';
import { Level } from '../widgets.tsx';
import { recordsOf } from './records.ts';
import type { Layout, Mark, PlacedEnd, PlacedGroup, PlacedLink, PlacedRow } from './types.ts';
import { linkTitle } from './words.ts';

const LINKS_MAX = 50;
/** Alerts of one mark that are read. */
const ALERTS_MAX = 10;

interface DetailsProps {
  readonly layout: Layout;
  readonly selected: string;
  readonly alerts: readonly Alert[];
  readonly onSelect: (key: string | null) => void;
  readonly onToggle: (cursor: string) => void;
}

export function Details({ layout, selected, alerts, onSelect, onToggle }: DetailsProps) {
  const row = layout.groups.flatMap(group => group.rows).find(({ key }) => key === selected);
  const group = layout.groups.find(({ key }) => `group ${key}` === selected);
  const end = layout.ends.find(({ key }) => key === selected);
  const link = layout.links.find(({ key }) => key === selected);
  const links = layout.links.filter(({ from, to }) => from === selected || to === selected);
  const mark = row?.mark ?? link?.mark ?? null;
  const toggle = row?.toggle ?? end?.toggle ?? link?.toggle ?? null;
  const fired = useAlerts(mark, alerts);
  // What was selected may be folded, or opened, by now.
  if (row === undefined && group === undefined && end === undefined && link === undefined) return null;
  return (
    <aside className="details" aria-label="Details">
      <button type="button" className="close" aria-label="Close details" onClick={() => onSelect(null)}>
        ×
      </button>
      {row !== undefined ? <RowDetails row={row} fired={fired} /> : null}
      {group !== undefined ? <GroupDetails group={group} /> : null}
      {end !== undefined ? <EndDetails end={end} /> : null}
      {link !== undefined ? <LinkDetails link={link} fired={fired} /> : null}
      {toggle === null || row?.expanded === true ? null : (
        <p>
          <button type="button" onClick={() => onToggle(toggle)}>
            {row === undefined ? 'Show more of them one by one' : 'Show what is folded'}
          </button>
        </p>
      )}
      {links.length === 0 ? null : <Links links={links} layout={layout} selected={selected} onSelect={onSelect} />}
    </aside>
  );
}

/** With their evidence: at hand, or read now. */
function useAlerts(mark: Mark | null, atHand: readonly Alert[]): readonly Alert[] {
  const { get } = useCase();
  const wanted = (mark?.alert_ids ?? []).slice(0, ALERTS_MAX).map(id => atHand.find(alert => alert.id === id) ?? id);
  const missing = wanted.flatMap(alert => {
    if (typeof alert === 'string') return [alert];
    return alert.evidence.length === 0 ? [alert.id] : [];
  });
  const read = useQueries({
    queries: missing.map(id => ({
      queryKey: ['alert', id],
      queryFn: () => get<Alert>(`/alerts/${id}`),
      staleTime: 60_000,
    })),
    combine: results => results.flatMap(({ data }) => (data === undefined ? [] : [data])),
  });
  return wanted.flatMap(alert => {
    const id = typeof alert === 'string' ? alert : alert.id;
    const whole = read.find(each => each.id === id);
    return whole ?? (typeof alert === 'string' ? [] : [alert]);
  });
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

function Fired({ mark, fired }: { readonly mark: Mark | null; readonly fired: readonly Alert[] }) {
  if (mark === null) return null;
  return (
    <section>
      <h3>
        Step {mark.step} of the story, {instant(mark.time)}
      </h3>
      <ul className="plain">
        {fired.map(({ id, rule, message }) => (
          <li key={id}>
            <Link href={`/alerts/${id}`}>
              <Level level={rule.level} /> {rule.title}
            </Link>
            <p className="quiet">{visible(message)}</p>
          </li>
        ))}
        {fired.length > 0 ? null : <li>{mark.rules.join(' · ')}</li>}
      </ul>
      {mark.alert_ids.length > ALERTS_MAX ? (
        <p className="quiet">and {count(mark.alert_ids.length - ALERTS_MAX, 'alert')} more</p>
      ) : null}
    </section>
  );
}

function RowDetails({ row, fired }: { readonly row: PlacedRow; readonly fired: readonly Alert[] }) {
  const { kind, members, count: n } = row;
  return (
    <>
      <h2>
        <code>{row.name}</code>
      </h2>
      <Fired mark={row.mark} fired={fired} />
      {kind === 'process' ? <ProcessDetails row={row} fired={fired} /> : null}
      {kind === 'more' ? (
        <p>Processes that the picture has left out to stay readable. None of them is evidence.</p>
      ) : null}
      {members.length === 0 ? null : (
        <>
          <p>
            {kind === 'host'
              ? 'The host’s processes above the container, outermost first.'
              : 'Siblings that say the same but for numbers.'}
          </p>
          <ol className="members">
            {members.map(member => (
              <li key={member.exec_id}>
                <code>
                  {visible(member.binary)} {visible(member.arguments)}
                </code>
                <span className="quiet">
                  {' '}
                  pid {member.pid}
                  {member.start_time === null ? '' : `, ${instant(member.start_time)}`}
                </span>
              </li>
            ))}
          </ol>
          {n > members.length ? <p className="quiet">and {(n - members.length).toLocaleString('en')} more</p> : null}
        </>
      )}
    </>
  );
}

const KNOWN = {
  live: 'The engine knows it.',
  stored: 'Known from the evidence of alerts; the engine has forgotten it.',
  named: 'Known only as somebody’s parent: its own start was not seen.',
} as const;

function ProcessDetails({ row, fired }: { readonly row: PlacedRow; readonly fired: readonly Alert[] }) {
  const { process, age, late } = row;
  if (process === null) return null;
  const { exit_time, exit_signal, exit_status, container, pod, exec_id } = process;
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
          {late ? ': late, nothing that the image does by itself' : ''}
        </Field>
        <Field name="Ended">{exit_time === null ? null : `${instant(exit_time)}, ${ended}`}</Field>
        <Field name="Pod">
          {pod === null ? `none: it runs on the host ${process.node}` : <Link href={`/pods/${pod}`}>{pod}</Link>}
        </Field>
        <Field name="Container">{container === null ? null : visible(`${container.name}, ${container.image}`)}</Field>
        <Field name="Container id">{container === null ? null : <code className="id">{container.id}</code>}</Field>
        <Field name="Node">{visible(process.node)}</Field>
        <Field name="Parent">
          {process.parent_exec_id === null ? null : <code className="id">{process.parent_exec_id}</code>}
        </Field>
        <Field name="exec_id">
          <code className="id">{exec_id}</code>
        </Field>
      </dl>
      <p className="quiet">{KNOWN[process.known]}</p>
      <p className="details-links">
        <Link href={`/events${query({ exec_id })}`}>Hunt for this</Link>
        <Link href={`/connections${query({ exec_id })}`}>All its connections</Link>
        {fired[0] === undefined ? null : <Link href={`/alerts/${fired[0].id}`}>Make an exception</Link>}
      </p>
      <Records records={recordsOf(fired, { kind: 'process', execId: exec_id })} />
      <details>
        <summary>As JSON</summary>
        <pre>{json(process)}</pre>
      </details>
    </>
  );
}

/** What the sensors said, as they said it. */
function Records({ records }: { readonly records: ReturnType<typeof recordsOf> }) {
  return records.map(({ key, title, raw }) => (
    <details key={key}>
      <summary>{title}</summary>
      <pre>{json(raw)}</pre>
    </details>
  ));
}

function GroupDetails({ group }: { readonly group: PlacedGroup }) {
  const { kind, key, name, workload, containers, nodes, cluster, processes, rows } = group;
  return (
    <>
      <h2>{name}</h2>
      <dl className="fields">
        <Field name="Workload">{visible(workload)}</Field>
        <Field name="Containers">
          {containers.length === 0 ? null : visible(containers.map(each => `${each.name} · ${each.image}`).join(', '))}
        </Field>
        <Field name="Node">{visible(nodes.join(', '))}</Field>
        <Field name="Cluster">{visible(cluster)}</Field>
        <Field name="Shown">
          {count(rows.length, 'row')} of {count(processes, 'process', 'processes')}
        </Field>
      </dl>
      {kind === 'host' ? null : (
        <p className="details-links">
          <Link href={`/pods/${key}`}>Everything that this pod does</Link>
          <Link href={`/events${query({ pod: key })}`}>Hunt for this</Link>
        </p>
      )}
    </>
  );
}

function EndDetails({ end }: { readonly end: PlacedEnd }) {
  const { name, kind, title, ports, addresses, connections, flows, count: n } = end;
  const isFolded = kind === 'alike' || kind === 'rest';
  return (
    <>
      <h2>{name}</h2>
      <dl className="fields">
        <Field name="Ports">{ports}</Field>
        <Field name={isFolded ? 'Destinations' : 'Addresses'}>
          {visible(addresses.join(', '))}
          {isFolded && n > addresses.length ? ` and ${(n - addresses.length).toLocaleString('en')} more` : ''}
        </Field>
        <Field name="Connections">{connections.toLocaleString('en')}</Field>
        <Field name="Flows">{flows.toLocaleString('en')}</Field>
      </dl>
      {isFolded ? null : (
        <p className="details-links">
          <Link href={huntFor(addresses)}>Hunt for this</Link>
          <Link href={`/connections${query({ to: title })}`}>Who else talks to it</Link>
        </p>
      )}
    </>
  );
}

const HUNTED_MAX = 8;

/** Events to any of the addresses: filters of one field are alternatives. */
const huntFor = (addresses: readonly string[]): string =>
  `/events?${new URLSearchParams(addresses.slice(0, HUNTED_MAX).map(ip => ['filter', `network.destination.ip=${ip}`]))}`;

function LinkDetails({ link, fired }: { readonly link: PlacedLink; readonly fired: readonly Alert[] }) {
  const clients = new Set(link.sample.map(({ source }) => `${source.ip}:${source.port}`));
  return (
    <>
      <h2>{link.count === 1 ? 'Connection' : 'Connections'}</h2>
      <p>{linkTitle(link)}</p>
      <Fired mark={link.mark} fired={fired} />
      <Connections connections={link.sample} all={link.count} />
      <Records records={recordsOf(fired, { kind: 'connection', clients })} />
    </>
  );
}

function Connections({ connections, all }: { readonly connections: readonly ConnectionView[]; readonly all: number }) {
  return (
    <>
      <ul className="plain connections">
        {connections.map(({ id, source, destination, protocol, verdict, flows, first_seen, last_seen }) => (
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
      {all > connections.length ? (
        <p className="quiet">and {(all - connections.length).toLocaleString('en')} more</p>
      ) : null}
    </>
  );
}

interface LinksProps {
  readonly links: readonly PlacedLink[];
  readonly layout: Layout;
  readonly selected: string;
  readonly onSelect: (key: string) => void;
}

function Links({ links, layout, selected, onSelect }: LinksProps) {
  const titleOf = (key: string): string =>
    layout.ends.find(end => end.key === key)?.name ??
    layout.groups.find(group => `group ${group.key}` === key)?.name ??
    layout.groups.flatMap(group => group.rows).find(row => row.key === key)?.name ??
    '';
  return (
    <section>
      <h3>Connections</h3>
      <ul className="plain">
        {links.slice(0, LINKS_MAX).map(link => {
          const away = (link.from === selected) !== link.inbound;
          return (
            <li key={link.key}>
              <button type="button" className="link" onClick={() => onSelect(link.key)}>
                {away ? 'to' : 'from'} {titleOf(link.from === selected ? link.to : link.from)}
              </button>
              <span className="quiet"> {linkTitle(link)}</span>
            </li>
          );
        })}
      </ul>
      {links.length > LINKS_MAX ? <p className="quiet">and {links.length - LINKS_MAX} more</p> : null}
    </section>
  );
}

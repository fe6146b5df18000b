/** A recording that was dropped here, or a rule that was tried: how far it is, then its incidents, its picture and its losses. */
import { useQuery } from '@tanstack/react-query';
import { lazy, type ReactNode, useEffect, useState } from 'react';
import { Link, Route, Router, Switch, useLocation } from 'wouter';
import type { Alert, Incident, Page, ReplayView } from '../../api/contract.ts';
import { ApiError, get, query, remove } from '../api.ts';
import { ReplayCase, useCase } from '../case.tsx';
import { bytes, count, duration, instant, seconds, visible } from '../text.ts';
import { Failure, LEVELS, Level, Loading, Read } from '../widgets.tsx';
import { Alerts } from './alerts.tsx';
import PictureOf from './incident-picture.tsx';
import '../drop/drop.css';

const AlertPage = lazy(() => import('./alert.tsx'));
const IncidentPage = lazy(() => import('./incident.tsx'));
const PodPage = lazy(() => import('./pod.tsx'));

const INCIDENTS_MAX = 200;
const ALERTS_MAX = 200;

/** As it is now, until it is over. */
function useReplay(id: string): { view: ReplayView | null; error: Error | null } {
  const [view, setView] = useState<ReplayView | null>(null);
  const [error, setError] = useState<Error | null>(null);
  useEffect(() => {
    let source: EventSource | null = null;
    let isGone = false;
    const fail = (reason: unknown): void => {
      if (!isGone) setError(reason as Error);
    };
    get<ReplayView>(`/replays/${id}`).then(first => {
      if (isGone) return;
      setView(first);
      if (first.state === 'done' || first.state === 'failed') return;
      source = new EventSource(`/api/v1/replays/${id}/stream`);
      source.addEventListener('replay', event => setView(JSON.parse((event as MessageEvent<string>).data)));
      source.addEventListener('end', () => {
        source?.close();
        get<ReplayView>(`/replays/${id}`).then(last => isGone || setView(last), fail);
      });
    }, fail);
    return () => {
      isGone = true;
      source?.close();
    };
  }, [id]);
  return { view, error };
}

export default function ReplayPage({ id }: { readonly id: string }) {
  const { view, error } = useReplay(id);
  if (error !== null)
    return (
      <>
        <h1>Replay</h1>
        <Failure error={error} what="replay" />
      </>
    );
  if (view === null) return <Loading what="the replay" />;
  return (
    <ReplayCase id={id}>
      <Router base={`/replays/${id}`}>
        <p className="over quiet">
          <Link href="/">Replay of {visible(view.input)}</Link>
        </p>
        <Switch>
          <Route path="/">
            <Whole view={view} />
          </Route>
          <Route path="/incidents/:id">{({ id: incident }) => <IncidentPage key={incident} id={incident} />}</Route>
          <Route path="/alerts/:id">{({ id: alert }) => <AlertPage key={alert} id={alert} />}</Route>
          <Route path="/pods/:namespace/:name">
            {({ namespace, name }) => <PodPage namespace={namespace} name={name} />}
          </Route>
          <Route>
            <h1>Only of what is live</h1>
            <p>
              A replay has incidents, alerts and pods. <Link href="/">Back to it</Link>
            </p>
          </Route>
        </Switch>
      </Router>
    </ReplayCase>
  );
}

const TITLES: Readonly<Record<ReplayView['state'], string>> = {
  receiving: 'Being received',
  waiting: 'Waits for another replay to end',
  playing: 'Being played',
  done: 'Played',
  failed: 'Could not be played',
};

function Whole({ view }: { readonly view: ReplayView }) {
  const { state, input, result, error, files } = view;
  const isOver = state === 'done' || state === 'failed';
  return (
    <article>
      <title>{`${visible(input).slice(0, 80)} · Spoor`}</title>
      <h1>{visible(input) || 'Replay'}</h1>
      <p className="quiet" role="status">
        {TITLES[state]}
        {files.length === 0 ? '' : `, ${bytes(files.reduce((sum, file) => sum + file.bytes, 0))} as sent`}
        {isOver ? `. Deleted ${instant(view.expires)}.` : ' …'} <Delete id={view.id} isOver={isOver} />
      </p>
      <Counts view={view} />
      {state === 'failed' ? (
        <p className="problem" role="alert">
          {visible(error)}
        </p>
      ) : null}
      {result === null ? null : <Found view={view} result={result} />}
    </article>
  );
}

function Delete({ id, isOver }: { readonly id: string; readonly isOver: boolean }) {
  const [failure, setFailure] = useState('');
  const [, navigate] = useLocation();
  const end = (): void => {
    // Out of the replay's own addresses.
    remove(`/replays/${id}`).then(
      () => navigate('~/'),
      (error: Error) =>
        error instanceof ApiError && error.status === 404 ? navigate('~/') : setFailure(error.message),
    );
  };
  return (
    <>
      <button type="button" className="link" onClick={end}>
        {isOver ? 'Delete it now' : 'Cancel'}
      </button>
      {failure === '' ? null : <span role="alert"> {failure}</span>}
    </>
  );
}

function Counts({ view: { counts, result } }: { readonly view: ReplayView }) {
  if (counts === null) return null;
  const events = Object.values(counts.events).reduce((a, b) => a + b, 0);
  const rows: [string, ReactNode][] = [
    ['Events', events.toLocaleString('en')],
    ['Flows', (counts.events.flow ?? 0).toLocaleString('en')],
    ['Alerts', counts.alerts.toLocaleString('en')],
    ...(result === null
      ? []
      : ([
          ['Incidents', result.incidents],
          ['Rules', result.rules],
        ] as [string, ReactNode][])),
    ['Read', bytes(counts.bytes)],
    ['Malformed', counts.malformed.toLocaleString('en')],
    ['Known to be lost', counts.lost.toLocaleString('en')],
    ...(counts.late > 0 ? ([['Out of order', counts.late]] as [string, ReactNode][]) : []),
    ...(counts.from !== null && counts.to !== null
      ? ([['From', `${instant(counts.from)}, over ${duration(seconds(counts.to) - seconds(counts.from))}`]] as [
          string,
          ReactNode,
        ][])
      : []),
    ['Took', duration(counts.seconds)],
  ];
  return (
    <dl className="replay-counts">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

type Result = NonNullable<ReplayView['result']>;

function Found({ view, result }: { readonly view: ReplayView; readonly result: Result }) {
  const { get: read } = useCase();
  const incidents = useQuery({
    queryKey: ['incidents'],
    queryFn: () => read<Page<Incident>>(`/incidents${query({ limit: INCIDENTS_MAX })}`),
  });
  const alerts = useQuery({
    queryKey: ['alerts'],
    queryFn: () => read<Page<Alert>>(`/alerts${query({ limit: ALERTS_MAX })}`),
  });
  const nothing = Object.keys(view.counts?.events ?? {}).length === 0;
  return (
    <>
      {result.stopped === '' ? null : <p className="note">Not played to its end: {visible(result.stopped)}.</p>}
      {nothing ? (
        <p className="empty">
          No event was found: expected lines of JSON as Tetragon and Hubble export them, one event a line.
        </p>
      ) : null}
      <Quarantined result={result} malformed={view.counts?.malformed ?? 0} />
      <Read of={incidents} what="incidents">
        {({ items }) => <Incidents items={items} />}
      </Read>
      <Read of={alerts} what="alerts">
        {({ items }) =>
          items.length === 0 ? null : (
            <section aria-labelledby="replay-alerts">
              <h2 id="replay-alerts">What fired</h2>
              <Alerts alerts={items} more={(view.counts?.alerts ?? 0) - items.length} />
            </section>
          )
        }
      </Read>
      <Pods result={result} />
    </>
  );
}

function Incidents({ items }: { readonly items: readonly Incident[] }) {
  const worst = LEVELS.flatMap(level => items.filter(incident => incident.level === level));
  const [first] = worst;
  if (first === undefined) return <p className="empty">No incident: nothing in it fired that needs you.</p>;
  return (
    <section aria-labelledby="replay-incidents">
      <h2 id="replay-incidents">Incidents</h2>
      <ul className="incident-list">
        {worst.map(({ id, level, title, alert_count, pods }) => (
          <li key={id}>
            <Link href={`/incidents/${id}`}>
              <Level level={level} />
              <span className="incident-title">{visible(title)}</span>
              <span className="quiet">
                {count(alert_count, 'alert')}, {count(pods.length, 'pod')}
              </span>
            </Link>
          </li>
        ))}
      </ul>
      <PictureOf key={first.id} id={first.id} />
    </section>
  );
}

function Quarantined({ result: { quarantined }, malformed }: { readonly result: Result; readonly malformed: number }) {
  if (malformed === 0) return null;
  return (
    <details className="quarantine">
      <summary>{count(malformed, 'line')} could not be read</summary>
      <ul className="plain">
        {quarantined.map(({ place, reason, bytes: text }) => (
          <li key={`${place} ${reason}`}>
            <code>{visible(place)}</code> {visible(reason)} <code className="quiet">{visible(text).slice(0, 200)}</code>
          </li>
        ))}
      </ul>
      {malformed > quarantined.length ? <p className="quiet">and {malformed - quarantined.length} more</p> : null}
    </details>
  );
}

function Pods({ result: { pods, pods_total: total } }: { readonly result: Result }) {
  if (total === 0) return null;
  return (
    <section aria-labelledby="replay-pods">
      <h2 id="replay-pods">Pods</h2>
      <ul className="plain">
        {pods.map(({ pod, processes }) => (
          <li key={pod}>
            <Link href={`/pods/${pod}`}>{visible(pod)}</Link>{' '}
            <span className="quiet">{count(processes, 'process', 'processes')}</span>
          </li>
        ))}
      </ul>
      {total > pods.length ? <p className="quiet">and {count(total - pods.length, 'pod')} more</p> : null}
    </section>
  );
}

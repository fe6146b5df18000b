/** How things stand: what is open, what is watched, what is lost. */
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useEffect, useRef, useState } from 'react';
import { Link } from 'wouter';
import type { Gap, Incident, Page, SinkView, StatusView } from '../../api/contract.ts';
import { get, query } from '../api.ts';
import { useIsLimited } from '../caller.ts';
import { ChooseCapture } from '../drop/drop.tsx';
import { PlayBreakIn } from '../drop/recorded.tsx';
import { bytes, count, instant, visible } from '../text.ts';
import { Failure, LEVELS, Level, Loading, Read, SinkDot, Time } from '../widgets.tsx';

const PictureOf = lazy(() => import('./incident-picture.tsx'));

const STATUS_EVERY_MS = 5_000;
const SHOWN_MAX = 8;

export function Overview() {
  const open = useQuery({
    queryKey: ['incidents', 'open'],
    queryFn: () => get<Page<Incident>>(`/incidents${query({ state: 'open', limit: 500 })}`),
    meta: { live: true },
  });
  const status = useQuery({
    queryKey: ['status'],
    queryFn: () => get<StatusView>('/status'),
    refetchInterval: STATUS_EVERY_MS,
  });
  return (
    <>
      <title>Spoor</title>
      <h1 className="hidden">Overview</h1>
      <p className="lede">
        Spoor joins what processes do (Tetragon) with what they say on the network (Hubble), pod by pod, and shows what
        happened as one picture. <What status={status.data} /> <a href="#connect">How to connect a real cluster</a>
      </p>
      <section aria-labelledby="open">
        <h2 id="open">Open incidents</h2>
        <Read of={open} what="incidents">
          {({ items }) => <Open incidents={items} status={status.data} />}
        </Read>
      </section>
      <Read of={status} what="status">
        {data => (
          <>
            {data.events === undefined ? null : <Rates status={data} />}
            {data.ready === false ? <p className="problem">Not ready: {data.unready.join('; ')}</p> : null}
            <div className="columns">
              <Sources status={data} />
              <Sinks />
            </div>
            <Gaps />
          </>
        )}
      </Read>
      <Connect />
    </>
  );
}

/** What this very installation looks at, in a sentence. */
function What({ status }: { readonly status: StatusView | undefined }) {
  if (status === undefined) return null;
  const { sources } = status;
  const recordings = sources.filter(({ type }) => type === 'capture');
  if (sources.length === 0) return <strong>Nothing is watched yet: no source is configured.</strong>;
  if (recordings.length < sources.length)
    return <>It watches {count(sources.length - recordings.length, 'live source')}.</>;
  return (
    <strong>
      This is a recording ({recordings.map(({ name }) => name).join(', ')})
      {isPlayedOut(status) ? ', played to its end' : ', being played: what happens in it appears below by itself'}.
    </strong>
  );
}

/** A recording that has ended: nothing moves any more but what is played again. */
const isPlayedOut = (status: StatusView | undefined): boolean => {
  const sources = status?.sources ?? [];
  return sources.length > 0 && sources.every(({ type, state }) => type === 'capture' && state === 'ended');
};

function Open({
  incidents,
  status,
}: {
  readonly incidents: readonly Incident[];
  readonly status: StatusView | undefined;
}) {
  // Who comes when all is over sees it once more; who has seen it happen does not.
  const isLate = useRef<boolean | null>(null);
  if (status !== undefined) isLate.current ??= isPlayedOut(status);
  if (incidents.length === 0) {
    const watching = (status?.sources ?? []).some(({ state }) => !['ended', 'failed'].includes(state));
    const isPlaying = (status?.sources ?? []).some(({ type, state }) => type === 'capture' && state !== 'ended');
    if (isPlaying)
      return (
        <p className="empty">
          Nothing has fired yet: the recording plays, {count(sum(status?.events ?? {}), 'event')} so far. What fires
          appears here by itself.
        </p>
      );
    return (
      <p className="empty">
        {watching ? 'None: nothing has fired that needs you.' : 'None. '}
        {watching ? (
          ''
        ) : (
          <>
            Nothing is being watched right now; below stands how to connect a cluster. See what a break-in looks like:{' '}
            <PlayBreakIn /> A recording of yours that is dropped here opens in the same way: <ChooseCapture />
          </>
        )}
      </p>
    );
  }
  const worst = LEVELS.flatMap(level => incidents.filter(incident => incident.level === level)).slice(0, SHOWN_MAX);
  const [first] = worst;
  return (
    <>
      <ul className="levels">
        {LEVELS.map(level => {
          const n = incidents.filter(incident => incident.level === level).length;
          return (
            <li key={level} className={n === 0 ? 'none' : `some level-${level}`}>
              <Link href={`/incidents${query({ level, state: 'open' })}`}>
                <strong>{n}</strong> {level}
              </Link>
            </li>
          );
        })}
      </ul>
      <ul className="incident-list">
        {worst.map(({ id, level, title, last_seen, alert_count, pods }) => (
          <li key={id}>
            <Link href={`/incidents/${id}`}>
              <Level level={level} />
              <span className="incident-title">{visible(title)}</span>
              <span className="quiet">
                {count(alert_count, 'alert')}, {count(pods.length, 'pod')}, last activity <Time time={last_seen} />
              </span>
            </Link>
          </li>
        ))}
      </ul>
      {incidents.length > SHOWN_MAX ? (
        <p>
          <Link href="/incidents?state=open">All {incidents.length} open incidents</Link>
        </p>
      ) : null}
      {first === undefined ? null : (
        <Suspense fallback={<Loading what="the picture" />}>
          <PictureOf key={first.id} id={first.id} playsFirst={isLate.current === true} />
        </Suspense>
      )}
    </>
  );
}

const sum = (numbers: Readonly<Record<string, number>>): number => Object.values(numbers).reduce((a, b) => a + b, 0);

/** Counters are from the start: a rate is what two readings differ by. */
function useRate(value: number): number | null {
  const held = useRef<{ value: number; ms: number } | null>(null);
  const [rate, setRate] = useState<number | null>(null);
  useEffect(() => {
    const ms = performance.now();
    const last = held.current;
    if (last !== null && ms - last.ms < STATUS_EVERY_MS / 2) return;
    held.current = { value, ms };
    if (last !== null) setRate(((value - last.value) / (ms - last.ms)) * 60_000);
  });
  return rate;
}

function Rates({ status }: { readonly status: StatusView }) {
  const { flow: flows = 0 } = status.events ?? {};
  const events = sum(status.events ?? {});
  const lines = [
    { name: 'Process events', total: events - flows, rate: useRate(events - flows) },
    { name: 'Flows', total: flows, rate: useRate(flows) },
    { name: 'Alerts', total: sum(status.alerts ?? {}), rate: useRate(sum(status.alerts ?? {})) },
  ];
  return (
    <section aria-labelledby="rates">
      <h2 id="rates">Since the start</h2>
      <dl className="numbers">
        {lines.map(({ name, total, rate }) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <strong>{total.toLocaleString('en')}</strong>
              <span className="quiet">{rate === null ? '' : ` ${Math.round(rate).toLocaleString('en')} a minute`}</span>
            </dd>
          </div>
        ))}
        <div>
          <dt>Rules</dt>
          <dd>
            <strong>{status.rules?.loaded ?? 0}</strong>
            <span className="quiet">
              {(status.rules?.errors ?? 0) > 0
                ? ` ${count(status.rules.errors, 'error')} in files, last good set runs`
                : ''}
            </span>
          </dd>
        </div>
        <div>
          <dt>Processes known</dt>
          <dd>
            <strong>{(status.held?.processes ?? 0).toLocaleString('en')}</strong>
          </dd>
        </div>
      </dl>
    </section>
  );
}

/** Counters that say that something went missing, in words. */
const LOSSES: Readonly<Record<string, string>> = {
  lost: 'lost by the sensor',
  malformed: 'malformed',
  ahead: 'ahead of the clock',
  unknown_kinds: 'of unknown kinds',
  dropped: 'dropped',
  rate_limited: 'held back by a rate limit',
  throttled: 'throttled',
};

function lossesOf(counters: Readonly<Record<string, number>>): string[] {
  return Object.entries(LOSSES).flatMap(([key, words]) => {
    const n = counters[key] ?? 0;
    return n === 0 ? [] : [`${n.toLocaleString('en')} ${words}`];
  });
}

function Sources({ status }: { readonly status: StatusView }) {
  return (
    <section aria-labelledby="sources">
      <h2 id="sources">What is watched</h2>
      {(status.sources ?? []).length === 0 ? <p className="empty">No source is configured.</p> : null}
      <ul className="health">
        {(status.sources ?? []).map(({ name, type, state, detail, newest, counters }) => {
          const losses = lossesOf(counters ?? {});
          const isGood = ['running', 'connected', 'ok', 'ended', 'idle', 'following'].includes(state);
          return (
            <li key={name}>
              <span
                className={`dot ${isGood && losses.length === 0 ? 'good' : isGood ? 'fair' : 'bad'}`}
                aria-hidden="true"
              />
              <div>
                <strong>{name}</strong> <span className="quiet">{type}</span> {state}
                {counters === undefined ? null : (
                  <p className="quiet">
                    {count(counters.events ?? 0, 'event')}, {bytes(counters.bytes ?? 0)}
                    {newest === null ? '' : `, the newest of ${instant(newest)}`}.{' '}
                    {losses.length === 0 ? 'Nothing lost.' : <em>{losses.join(', ')}.</em>}
                  </p>
                )}
                {isGood || detail === '' ? null : <p className="problem">{detail}</p>}
              </div>
            </li>
          );
        })}
      </ul>
      {status.late > 0 ? (
        <p className="quiet">{count(status.late, 'event')} behind the others in time; used all the same.</p>
      ) : null}
      {status.store?.ok === false ? <p className="problem">The store: {status.store.detail}</p> : null}
    </section>
  );
}

function Sinks() {
  const isLimited = useIsLimited();
  const sinks = useQuery({
    queryKey: ['sinks'],
    queryFn: () => get<{ items: SinkView[] }>('/sinks'),
    refetchInterval: STATUS_EVERY_MS,
  });
  return (
    <section aria-labelledby="sinks">
      <h2 id="sinks">Who is told</h2>
      <Read of={sinks} what="sinks">
        {({ items }) =>
          items.length === 0 ? (
            <p className="empty">
              {isLimited ? (
                'You have no webhook of your own; who else is told is shown to tokens of all namespaces alone.'
              ) : (
                <>
                  Nobody: no sink is configured. Incidents stay here.{' '}
                  <Link href="/deliveries">How to send them on</Link>
                </>
              )}
            </p>
          ) : (
            <ul className="health">
              {items.map(sink => {
                const {
                  name,
                  state,
                  detail,
                  deliveries: { delivered, dead, pending },
                } = sink;
                return (
                  <li key={name}>
                    <SinkDot sink={sink} />
                    <div>
                      <strong>{name}</strong> {state}
                      <p className="quiet">
                        {delivered.toLocaleString('en')} delivered, {pending} waiting
                        {dead === 0 ? '.' : <em>, {count(dead, 'dead letter')}.</em>}
                      </p>
                      {state === 'failing' || state === 'disabled' ? (
                        <p className="problem">{visible(detail)}</p>
                      ) : null}
                    </div>
                  </li>
                );
              })}
            </ul>
          )
        }
      </Read>
    </section>
  );
}

function Gaps() {
  const gaps = useQuery({
    queryKey: ['gaps'],
    queryFn: () => get<Page<Gap>>(`/gaps${query({ limit: 5 })}`),
    refetchInterval: 30_000,
  });
  if (gaps.error !== null && gaps.data === undefined) return <Failure error={gaps.error} what="gaps" />;
  const items = gaps.data?.items ?? [];
  if (items.length === 0) return null;
  return (
    <section aria-labelledby="gaps">
      <h2 id="gaps">Went unseen</h2>
      <ul className="plain">
        {items.map(({ source, node, count: n, from, to, reason }) => (
          <li key={`${source} ${node} ${from} ${reason}`}>
            {n === 0 ? 'An unknown number of events' : count(n, 'event')} of {source}
            {node === '' ? '' : ` on ${node}`}: {visible(reason)}{' '}
            <span className="quiet">
              {instant(from)} to {to.slice(11, 19)}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

const CONFIGURATION = `sources:
  - {type: tetragon, address: 'unix:///var/run/tetragon/tetragon.sock'}
  - {type: hubble, address: 'hubble-relay.kube-system:80'}`;

function Connect() {
  const details = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    const open = (): void => {
      if (window.location.hash === '#connect' && details.current !== null) {
        details.current.open = true;
        details.current.scrollIntoView();
      }
    };
    open();
    window.addEventListener('hashchange', open);
    return () => window.removeEventListener('hashchange', open);
  }, []);
  return (
    <details ref={details} id="connect" className="connect">
      <summary>Connect a real cluster</summary>
      <p>
        Name Tetragon’s and Hubble Relay’s addresses in <code>spoor.yaml</code>, then start <code>spoor run</code>; this
        page shows it live.
      </p>
      <pre>{CONFIGURATION}</pre>
      <p>
        A recording does as well: drop it anywhere on this page, or <ChooseCapture />, or{' '}
        <code>spoor replay tetragon.log hubble.log</code>. What else can be set: <code>docs/config.md</code>; the API
        that this page is made of: <a href="/docs">/docs</a>.
      </p>
    </details>
  );
}

/** What stands around an incident: what went unseen, what came before, what else its pods did, who was told. */
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import type { DeliveryView, Gap, Incident, Page, ReplayView, StatusView } from '../../api/contract.ts';
import { get, query } from '../api.ts';
import { useIsLimited } from '../caller.ts';
import { useCase } from '../case.tsx';
import { clock, count, visible } from '../text.ts';
import type { IncidentData } from './incident-data.ts';
import './incident-around.css';

const PODS_SHOWN = 5;
const DELIVERIES_MAX = 500;
const BEFORE_MS = 1;

type Loss = Pick<Gap, 'reason' | 'source' | 'from' | 'to'>;

interface AroundProps {
  readonly incident: Incident;
  readonly data: IncidentData;
}

export function Around({ incident, data }: AroundProps) {
  const { isReplay } = useCase();
  return (
    <section aria-label="Around it">
      <dl className="fields around">
        <dt>Went unseen</dt>
        <dd>
          <Unseen data={data} />
        </dd>
        {isReplay ? <PodsOfReplay incident={incident} /> : <Pods incident={incident} />}
        {isReplay ? null : (
          <>
            <dt>Who was told</dt>
            <dd>
              <Told incident={incident.id} />
            </dd>
          </>
        )}
      </dl>
    </section>
  );
}

/** Of the picture's time and of the alerts, each once. */
function lossesOf({ picture, timeline }: IncidentData): Loss[] {
  const told = (timeline.data?.items ?? []).flatMap(entry =>
    entry.type === 'gap' ? [{ reason: entry.reason, source: entry.source, from: entry.time, to: entry.to }] : [],
  );
  const all: Loss[] = [...(picture.data?.gaps ?? []), ...told];
  return [...new Map(all.map(loss => [`${loss.source} ${loss.from} ${loss.reason}`, loss])).values()];
}

const LOST = ['lost', 'malformed', 'ahead', 'dropped', 'rate_limited', 'throttled'] as const;

/** Events that were lost or could not be read at any time, as far as the caller is told; null while that is being read. */
function useLostAnyTime(): number | null {
  const { isReplay, get: ofCase } = useCase();
  const replay = useQuery({ queryKey: ['replay'], queryFn: () => ofCase<ReplayView>(''), enabled: isReplay });
  const status = useQuery({
    queryKey: ['status'],
    queryFn: () => get<StatusView>('/status'),
    enabled: !isReplay,
    meta: { live: true },
  });
  if (isReplay) {
    const counts = replay.data?.counts;
    return counts == null ? null : counts.lost + counts.malformed;
  }
  if (status.data === undefined) return null;
  return status.data.sources.reduce(
    (sum, { counters }) => LOST.reduce((each, name) => each + (counters?.[name] ?? 0), sum),
    0,
  );
}

function Unseen({ data }: { readonly data: IncidentData }) {
  const { isReplay } = useCase();
  const lost = useLostAnyTime();
  if (data.picture.data === undefined || data.timeline.data === undefined) return <>Reading …</>;
  const losses = lossesOf(data);
  const isIncomplete = data.alerts.items.some(({ incomplete }) => incomplete);
  if (losses.length > 0 || isIncomplete) {
    const reasons = losses.map(
      ({ source, from, to, reason }) => `${visible(source)}, ${clock(from)} to ${clock(to)}: ${visible(reason)}`,
    );
    return (
      <span className="problem">
        Something went unseen while this happened: {reasons.join('; ') || 'events were lost'}. The picture may lack
        processes and connections.
      </span>
    );
  }
  if (lost === null) return <>Reading …</>;
  if (lost > 0)
    return (
      <span className="problem">
        {isReplay
          ? `${count(lost, 'event')} of this recording could not be read or were lost, at times that are not known.`
          : `No gap is known in the time that the picture shows, but ${count(lost, 'event')} could not be read or were lost since the start.`}{' '}
        <Link href="/">{isReplay ? 'The recording' : 'Overview'}</Link>
      </span>
    );
  return <>Nothing that is known: no source reported a loss in the time that the picture shows.</>;
}

function Pods({ incident: { pods, first_seen } }: { readonly incident: Incident }) {
  const before = new Date(Date.parse(first_seen) - BEFORE_MS).toISOString();
  return (
    <>
      <dt>What came before</dt>
      <dd>
        <EachPod pods={pods}>
          {pod => (
            <>
              <Link href={`/pods/${pod}${query({ at: before })}`}>{visible(pod)} just before</Link> ·{' '}
              <Link href={`/events${query({ pod, until: before })}`}>its events up to then</Link>
            </>
          )}
        </EachPod>
      </dd>
      <dt>What else it did</dt>
      <dd>
        <EachPod pods={pods}>
          {pod => (
            <>
              <Link href={`/pods/${pod}`}>everything of {visible(pod)}</Link> ·{' '}
              <Link href={`/events${query({ pod })}`}>its events</Link> ·{' '}
              <Link href={`/connections${query({ namespace: pod.split('/')[0], pod: pod.split('/')[1] })}`}>
                its connections
              </Link>
            </>
          )}
        </EachPod>
      </dd>
    </>
  );
}

/** A replay keeps no events to search: its pods are there as a whole. */
function PodsOfReplay({ incident: { pods } }: { readonly incident: Incident }) {
  return (
    <>
      <dt>Before and besides</dt>
      <dd>
        <EachPod pods={pods}>{pod => <Link href={`/pods/${pod}`}>everything of {visible(pod)}</Link>}</EachPod>
      </dd>
    </>
  );
}

function EachPod({
  pods,
  children,
}: {
  readonly pods: readonly string[];
  readonly children: (pod: string) => ReactNode;
}) {
  if (pods.length === 0) return <>It happened in no pod.</>;
  return (
    <ul>
      {pods.slice(0, PODS_SHOWN).map(pod => (
        <li key={pod}>{children(pod)}</li>
      ))}
      {pods.length > PODS_SHOWN ? <li className="quiet">and {count(pods.length - PODS_SHOWN, 'pod')} more</li> : null}
    </ul>
  );
}

/** By sink: what arrived, what waits, what was given up. */
function Told({ incident }: { readonly incident: string }) {
  const isLimited = useIsLimited();
  const list = useQuery({
    queryKey: ['incident', incident, 'deliveries'],
    queryFn: () => get<Page<DeliveryView>>(`/deliveries${query({ incident, limit: DELIVERIES_MAX })}`),
    meta: { live: true },
  });
  if (list.data === undefined) return <>{list.error === null ? 'Reading …' : list.error.message}</>;
  const { items, next } = list.data;
  if (items.length === 0)
    return (
      <>
        {isLimited ? 'No webhook of yours.' : 'Nobody: nothing of it was sent anywhere.'}{' '}
        <Link href="/deliveries">Deliveries</Link>
      </>
    );
  return (
    <ul>
      {[...new Set(items.map(({ sink }) => sink))].map(sink => {
        const sent = items.filter(delivery => delivery.sink === sink);
        const n = (...states: string[]): number => sent.filter(({ state }) => states.includes(state)).length;
        const [dead, waiting] = [n('dead'), n('pending', 'leased')];
        const problem = sent.find(({ state, error }) => state !== 'delivered' && error !== '')?.error;
        return (
          <li key={sink}>
            <strong>{sink}</strong> {n('delivered')} delivered
            {waiting === 0 ? '' : `, ${waiting} waiting`}
            {dead === 0 ? null : <em>, {count(dead, 'dead letter')}</em>}
            {problem === undefined ? '' : `: ${visible(problem)}`}{' '}
            <Link href={`/deliveries${query({ incident, sink })}`}>which</Link>
          </li>
        );
      })}
      {next === null ? null : <li className="quiet">the newest {items.length} deliveries; there are more</li>}
    </ul>
  );
}

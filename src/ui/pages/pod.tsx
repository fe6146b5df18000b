/** What a pod does, and with whom it talks, as far as the engine remembers. */
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import type { Alert, Incident, Page, PodPictureView } from '../../api/contract.ts';
import { query } from '../api.ts';
import { useCase } from '../case.tsx';
import { PictureView } from '../picture/picture-view.tsx';
import { showQuery, useShow } from '../picture/show.ts';
import { count, visible } from '../text.ts';
import { Level, Read, State, Time } from '../widgets.tsx';
import { useFilters } from './filters.ts';
import { PastNotice, PodTime } from './pod-time.tsx';

const ALERTS_MAX = 200;

/** `shown` is `?…` or ''. */
const pictureQuery = (at: string, shown: string): string =>
  at === '' ? shown : `${shown === '' ? '?' : `${shown}&`}at=${encodeURIComponent(at)}`;

export default function PodPage({ namespace, name }: { readonly namespace: string; readonly name: string }) {
  const pod = `${namespace}/${name}`;
  const { get, isReplay } = useCase();
  const show = useShow();
  const filters = useFilters();
  const at = filters.get('at') ?? '';
  const picture = useQuery({
    queryKey: ['pod', pod, 'picture', at, show.cursors],
    queryFn: () =>
      get<PodPictureView>(
        `/pods/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}/picture${pictureQuery(at, showQuery(show.cursors))}`,
      ),
    placeholderData: keepPreviousData,
    // The past does not change.
    meta: { live: at === '' },
  });
  const alerts = useQuery({
    queryKey: ['pod', pod, 'alerts'],
    queryFn: () => get<Page<Alert>>(`/alerts${query({ pod, limit: ALERTS_MAX })}`),
    meta: { live: true },
  });
  const incidents = useQuery({
    queryKey: ['pod', pod, 'incidents'],
    queryFn: () => get<Page<Incident>>(`/incidents${query({ pod, limit: 20 })}`),
    meta: { live: true },
  });
  return (
    <>
      <title>{`${pod} · Spoor`}</title>
      <p className="over quiet">Pod</p>
      <h1>{visible(pod)}</h1>
      <Read of={incidents} what="incidents">
        {({ items }) =>
          items.length === 0 ? (
            <p className="quiet">In no incident.</p>
          ) : (
            <ul className="incident-list">
              {items.map(({ id, level, title, state, last_seen, alert_count }) => (
                <li key={id}>
                  <Link href={`/incidents/${id}`}>
                    <Level level={level} />
                    <span className="incident-title">{visible(title)}</span>
                    <span className="quiet">
                      <State state={state} /> {count(alert_count, 'alert')}, last activity <Time time={last_seen} />
                    </span>
                  </Link>
                </li>
              ))}
            </ul>
          )
        }
      </Read>
      {isReplay ? null : <PodTime at={at} onChange={time => filters.set('at', time)} />}
      <Read of={picture} what="picture">
        {data => (
          <>
            <PastNotice at={at} past={data.past} gaps={data.gaps} />
            <PictureView
              picture={data}
              show={show}
              isBusy={picture.isPlaceholderData}
              alerts={alerts.data?.items ?? []}
              label={`Processes and connections of ${pod}`}
              fileName={`${namespace}-${name}`}
            />
          </>
        )}
      </Read>
      <p>
        <Link href={`/events${query({ pod, until: at })}`}>All its events</Link>{' '}
        <Link href={`/connections${query({ namespace, pod: name })}`}>All its connections</Link>
      </p>
    </>
  );
}

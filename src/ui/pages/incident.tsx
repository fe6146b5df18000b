/** What happened: the headline, the picture, the alerts with their evidence, and everything in the order of time. */
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { Link } from 'wouter';
import type { Incident, TimelineEntry } from '../../api/contract.ts';
import { query } from '../api.ts';
import { useCase } from '../case.tsx';
import { clock, count, duration, instant, seconds, visible } from '../text.ts';
import { Failure, Level, Read, State, Time } from '../widgets.tsx';
import { Alerts } from './alerts.tsx';
import { Around } from './incident-around.tsx';
import { type IncidentData, useIncident } from './incident-data.ts';
import { IncidentPicture } from './incident-picture.tsx';
import { useComment, useSetState } from './incident-state.ts';

export default function IncidentPage({ id }: { readonly id: string }) {
  const { get } = useCase();
  const incident = useQuery({
    queryKey: ['incident', id],
    queryFn: () => get<Incident>(`/incidents/${encodeURIComponent(id)}`),
    meta: { live: true },
  });
  return (
    <>
      {incident.data === undefined ? <h1 className="hidden">Incident</h1> : null}
      <Read of={incident} what="incident">
        {data => <Shown incident={data} />}
      </Read>
    </>
  );
}

function Shown({ incident }: { readonly incident: Incident }) {
  const { id, title, level, state, first_seen, last_seen, alert_count, pods, cluster, merged_into, continues } =
    incident;
  const { isReplay } = useCase();
  const data = useIncident(id);
  const lasted = seconds(last_seen) - seconds(first_seen);
  return (
    <article>
      <title>{`${visible(title).slice(0, 80)} · Spoor`}</title>
      <header className="incident-head">
        <p className="over">
          <Level level={level} /> <State state={state} /> <span className="quiet id">{id.slice(0, 12)}</span>
        </p>
        <h1>{visible(title)}</h1>
        <p className="quiet">
          {instant(first_seen)}, over {duration(lasted)} · last activity <Time time={last_seen} /> ·{' '}
          {count(alert_count, 'alert')}
          {cluster === '' ? '' : ` · cluster ${visible(cluster)}`} ·{' '}
          {pods.map((pod, at) => (
            <span key={pod}>
              {at > 0 ? ', ' : ''}
              <Link href={`/pods/${pod}`}>{visible(pod)}</Link>
            </span>
          ))}
        </p>
        {merged_into === '' ? null : (
          <p className="note">
            It turned out to be part of <Link href={`/incidents/${merged_into}`}>another incident</Link>, which has its
            alerts now.
          </p>
        )}
        {continues === '' ? null : (
          <p className="note">
            It goes on for <Link href={`/incidents/${continues}`}>an incident that is full</Link>.
          </p>
        )}
        {isReplay ? null : <Actions incident={incident} />}
      </header>
      <Story data={data} incident={incident} />
    </article>
  );
}

const VERBS = {
  open: ['acknowledge', 'resolve'],
  acknowledged: ['resolve', 'reopen'],
  resolved: ['reopen'],
  merged: [],
} as const;

const LABELS = { acknowledge: 'Acknowledge', resolve: 'Resolve', reopen: 'Reopen' } as const;

function Actions({ incident: { id, state, namespace, workload } }: { readonly incident: Incident }) {
  const setState = useSetState();
  const comment = useComment();
  const [reason, setReason] = useState('');
  const verbs = VERBS[state];
  return (
    <form className="actions" onSubmit={event => event.preventDefault()}>
      <label>
        <span className="hidden">Comment</span>
        <input
          value={reason}
          maxLength={1_000}
          placeholder="Comment"
          onChange={event => setReason(event.target.value)}
        />
      </label>
      {verbs.map(verb => (
        <button
          key={verb}
          type="button"
          disabled={setState.isPending}
          onClick={() => setState.mutate({ id, verb, reason }, { onSuccess: () => setReason('') })}
        >
          {LABELS[verb]}
        </button>
      ))}
      <button
        type="button"
        disabled={comment.isPending || reason.trim() === ''}
        onClick={() => comment.mutate({ id, text: reason }, { onSuccess: () => setReason('') })}
      >
        Comment
      </button>
      <span className="spring" />
      <Link className="button" href={`/silences${query({ namespace, workload })}`}>
        Silence
      </Link>
      <a className="button" href={`/api/v1/incidents/${id}/capture?format=jsonl.gz`} download>
        Download capture
      </a>
      {[setState.error, comment.error].map(error =>
        error === null ? null : (
          <p key={error.message} className="problem" role="alert">
            {error.message}
          </p>
        ),
      )}
    </form>
  );
}

function Story({ data, incident }: { readonly data: IncidentData; readonly incident: Incident }) {
  const { alerts, timeline } = data;
  return (
    <>
      <IncidentPicture id={incident.id} data={data} />
      <Around incident={incident} data={data} />
      <div className="columns story">
        <section aria-labelledby="alerts">
          <h2 id="alerts">What fired</h2>
          {alerts.error === null ? null : <Failure error={alerts.error} what="alerts" />}
          <Alerts alerts={alerts.items} more={incident.alert_count - alerts.items.length} />
        </section>
        <section aria-labelledby="timeline">
          <h2 id="timeline">In order</h2>
          <Read of={timeline} what="timeline">
            {({ items }) => <Timeline entries={items} />}
          </Read>
        </section>
      </div>
    </>
  );
}

const ENTRIES_FIRST = 200;

function Timeline({ entries }: { readonly entries: readonly TimelineEntry[] }) {
  const [shown, setShown] = useState(ENTRIES_FIRST);
  if (entries.length === 0) return <p className="empty">Nothing is kept of it any more.</p>;
  return (
    <>
      <ol className="timeline">
        {entries.slice(0, shown).map((entry, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: entries have no ids, and only grow.
          <li key={at} className={entry.type === 'alert' ? `entry-alert level-${entry.level}` : `entry-${entry.type}`}>
            <time dateTime={entry.time} title={instant(entry.time)}>
              {clock(entry.time)}
            </time>
            <span>{entryText(entry)}</span>
          </li>
        ))}
      </ol>
      {entries.length > shown ? (
        <button type="button" onClick={() => setShown(held => held + 1_000)}>
          {(entries.length - shown).toLocaleString('en')} more
        </button>
      ) : null}
    </>
  );
}

const DONE: Readonly<Record<string, string>> = {
  'incident.comment': 'said',
  'incident.acknowledge': 'acknowledged it',
  'incident.resolve': 'resolved it',
  'incident.reopen': 'reopened it',
};

function entryText(entry: TimelineEntry): ReactNode {
  switch (entry.type) {
    case 'event':
      return <code>{visible(entry.summary) || entry.kind}</code>;
    case 'alert':
      return <strong>{entry.rule}</strong>;
    case 'action':
      return (
        <>
          <strong>{visible(entry.actor)}</strong> {DONE[entry.action] ?? entry.action}
          {entry.reason === '' ? '' : `: ${visible(entry.reason)}`}
        </>
      );
    case 'gap':
      return `unseen until ${clock(entry.to)}: ${visible(entry.reason)}`;
  }
}

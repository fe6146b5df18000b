/** One alert: what it says, why it fired, what to do about it. */
import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import type { Alert } from '../../api/contract.ts';
import { query } from '../api.ts';
import { useCase } from '../case.tsx';
import { count, instant, visible } from '../text.ts';
import { Level, Read } from '../widgets.tsx';
import { AlertBody } from './alerts.tsx';

export default function AlertPage({ id }: { readonly id: string }) {
  const { get } = useCase();
  const alert = useQuery({
    queryKey: ['alert', id],
    queryFn: () => get<Alert>(`/alerts/${encodeURIComponent(id)}`),
    meta: { live: true },
  });
  return (
    <>
      {alert.data === undefined ? <h1 className="hidden">Alert</h1> : null}
      <Read of={alert} what="alert">
        {data => <Shown alert={data} />}
      </Read>
    </>
  );
}

/** Where a silence of what this is about begins. */
export function silenceLink({ rule, pod }: Pick<Alert, 'rule' | 'pod'>): string {
  return `/silences${query({ rule: rule.id, namespace: pod?.namespace, workload: pod?.workload })}`;
}

function Shown({ alert }: { readonly alert: Alert }) {
  const { rule, message, time, pod, node, incident_id, confidence, incomplete, count: n, silenced } = alert;
  return (
    <article>
      <title>{`${visible(rule.title)} · Spoor`}</title>
      <header className="incident-head">
        <p className="over">
          <Level level={rule.level} /> <span className="quiet id">{alert.id.slice(0, 12)}</span>
          {confidence === 'low' ? <span className="tag">low confidence</span> : null}
          {incomplete ? <span className="tag">something unseen</span> : null}
          {silenced === undefined ? null : <span className="tag">silenced</span>}
        </p>
        <h1>{visible(rule.title)}</h1>
        <p>{visible(message)}</p>
        <p className="quiet">
          {instant(time)}
          {n > 1 ? `, ${count(n, 'time')}` : ''} ·{' '}
          {pod === null ? (
            `on the host ${visible(node)}`
          ) : (
            <Link href={`/pods/${pod.namespace}/${pod.name}`}>{`${pod.namespace}/${pod.name}`}</Link>
          )}{' '}
          · {incident_id === '' ? 'no incident' : <Link href={`/incidents/${incident_id}`}>its incident</Link>} ·{' '}
          <Link href={`/rules${query({ rule: rule.id })}`}>its rule</Link> ·{' '}
          <Link href={silenceLink(alert)}>silence</Link>
        </p>
      </header>
      <h2 className="hidden">Why it fired, and what to do</h2>
      <AlertBody alert={alert} isWhyOpen />
    </article>
  );
}

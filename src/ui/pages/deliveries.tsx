/** Who was told, and who was not. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from 'wouter';
import type { DeliveryView, Page, SinkView } from '../../api/contract.ts';
import { get, post, query } from '../api.ts';
import { useIsLimited } from '../caller.ts';
import { count, visible } from '../text.ts';
import { Choices, Read, SinkDot, Time } from '../widgets.tsx';
import { useFilters } from './filters.ts';

const STATES = ['pending', 'leased', 'delivered', 'dead'] as const;
const EVERY_MS = 5_000;
const SHOWN_MAX = 200;

const EXAMPLE = `sinks:
  on-call: {type: slack, webhook_url_file: /run/secrets/slack}
  hook: {type: webhook, url: 'https://soar.example.org/spoor', secret_file: /run/secrets/hook}
routes:
  - {match: {level: [high, critical]}, to: [on-call, hook]}`;

export default function Deliveries() {
  const isLimited = useIsLimited();
  const sinks = useQuery({
    queryKey: ['sinks'],
    queryFn: () => get<{ items: SinkView[] }>('/sinks'),
    refetchInterval: EVERY_MS,
  });
  return (
    <>
      <title>Deliveries · Spoor</title>
      <h1>Deliveries</h1>
      <Read of={sinks} what="sinks">
        {({ items }) =>
          items.length === 0 && isLimited ? (
            <p className="empty">
              You have no webhook of your own; who else is told is shown to tokens of all namespaces alone.
            </p>
          ) : items.length === 0 ? (
            <div className="empty">
              <p>
                Nobody is told: no sink is configured. Name one in <code>spoor.yaml</code>; Slack, PagerDuty, webhooks,
                Alertmanager and others are described in <code>docs/config.md</code>.
              </p>
              <pre>{EXAMPLE}</pre>
            </div>
          ) : (
            <ul className="sinks">
              {items.map(sink => (
                <Sink key={sink.name} sink={sink} />
              ))}
            </ul>
          )
        }
      </Read>
      <List />
    </>
  );
}

function Sink({ sink }: { readonly sink: SinkView }) {
  const { name, type, state, detail, last_success_at, last_failure_at, deliveries } = sink;
  const client = useQueryClient();
  const test = useMutation({
    mutationFn: () => post<{ outcome: string; detail: string }>(`/sinks/${encodeURIComponent(name)}/test`),
    onSettled: () => client.invalidateQueries({ queryKey: ['sinks'] }),
  });
  const { dead, pending, leased, delivered, oldest_pending } = deliveries;
  return (
    <li>
      <h2>
        <SinkDot sink={sink} /> {name}{' '}
        <span className="quiet">
          {type}, {state}
        </span>
      </h2>
      <p>
        {delivered.toLocaleString('en')} delivered, {(pending + leased).toLocaleString('en')} waiting
        {oldest_pending === null ? null : (
          <>
            {' '}
            (the oldest since <Time time={oldest_pending} />)
          </>
        )}
        , {count(dead, 'dead letter')}.
      </p>
      {state === 'failing' || state === 'disabled' ? <p className="problem">Last error: {visible(detail)}</p> : null}
      <p className="quiet">
        {last_success_at === null ? (
          'Nothing has arrived yet'
        ) : (
          <>
            Last arrived <Time time={last_success_at} />
          </>
        )}
        {last_failure_at === null ? null : (
          <>
            , last failed <Time time={last_failure_at} />
          </>
        )}
        {state === 'ok' && detail !== '' ? `: ${visible(detail)}` : ''}
      </p>
      <button type="button" disabled={test.isPending} onClick={() => test.mutate()}>
        {test.isPending ? 'Sending …' : 'Send a test'}
      </button>
      <span role="status">
        {test.data === undefined
          ? ''
          : ` ${test.data.outcome}${test.data.detail === '' ? '' : `: ${visible(test.data.detail)}`}`}
        {test.error === null ? '' : ` ${test.error.message}`}
      </span>
    </li>
  );
}

function List() {
  const filters = useFilters();
  const client = useQueryClient();
  const list = useQuery({
    queryKey: ['deliveries', filters.all],
    queryFn: () => get<Page<DeliveryView>>(`/deliveries${query({ ...filters.all, limit: SHOWN_MAX })}`),
    refetchInterval: EVERY_MS,
    placeholderData: held => held,
  });
  const replay = useMutation({
    mutationFn: (id: number) => post(`/deliveries/${id}/replay`),
    onSettled: () => client.invalidateQueries({ queryKey: ['deliveries'] }),
  });
  return (
    <section aria-labelledby="list">
      <h2 id="list">What was sent</h2>
      <search className="filters">
        <Choices
          label="State"
          values={STATES}
          chosen={filters.list('state')}
          onChange={value => filters.set('state', value)}
        />
      </search>
      {replay.error === null ? null : (
        <p className="problem" role="alert">
          {replay.error.message}
        </p>
      )}
      <Read of={list} what="deliveries">
        {({ items }) =>
          items.length === 0 ? (
            <p className="empty">Nothing{filters.list('state').length === 0 ? ' yet' : ' in this state'}.</p>
          ) : (
            <div className="scroll">
              <table>
                <thead>
                  <tr>
                    <th scope="col">State</th>
                    <th scope="col">Sink</th>
                    <th scope="col">About</th>
                    <th scope="col" className="number">
                      Attempts
                    </th>
                    <th scope="col">Changed</th>
                    <th scope="col">Last answer</th>
                    <th scope="col">
                      <span className="hidden">Again</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {items.map(({ id, state, sink, incident_id, alert_id, signal, attempts, updated_at, error }) => (
                    <tr key={id}>
                      <td>{state}</td>
                      <td>{sink}</td>
                      <td>
                        {incident_id !== '' ? (
                          <Link href={`/incidents/${incident_id}`}>{signal} incident</Link>
                        ) : alert_id !== '' ? (
                          <Link href={`/alerts/${alert_id}`}>{signal}</Link>
                        ) : (
                          signal
                        )}
                      </td>
                      <td className="number">{attempts}</td>
                      <td>
                        <Time time={updated_at} />
                      </td>
                      <td className="main-cell">{visible(error)}</td>
                      <td>
                        {state === 'dead' || state === 'delivered' ? (
                          <button type="button" onClick={() => replay.mutate(id)} disabled={replay.isPending}>
                            Send again
                          </button>
                        ) : null}
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )
        }
      </Read>
    </section>
  );
}

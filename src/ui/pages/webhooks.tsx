/** Addresses that alerts are posted to, signed. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'wouter';
import type { DeliveryView, Page, WebhookView } from '../../api/contract.ts';
import { get, patch, post, query, remove } from '../api.ts';
import { Confirm, FormField, FormProblem, problemOf, Secret, words } from '../forms.tsx';
import { count, visible } from '../text.ts';
import { Choices, LEVELS, Read, Time } from '../widgets.tsx';

const KEY = ['webhooks'];
const DELIVERIES_SHOWN = 10;

export default function Webhooks() {
  const list = useQuery({ queryKey: KEY, queryFn: () => get<{ items: WebhookView[] }>('/webhooks') });
  return (
    <>
      <title>Webhooks · Spoor</title>
      <h1>Webhooks</h1>
      <p className="lede">
        Alerts that match are posted as JSON and signed as Standard Webhooks say, so that the receiver can prove who
        sent them. What is sent is described at <a href="/docs">/docs</a>.
      </p>
      <New />
      <Read of={list} what="webhooks">
        {({ items }) =>
          items.length === 0 ? (
            <p className="empty">None yet: add one above, or name a sink in the configuration.</p>
          ) : (
            <ul className="cards">
              {items.map(webhook => (
                <Webhook key={webhook.id} webhook={webhook} />
              ))}
            </ul>
          )
        }
      </Read>
    </>
  );
}

const FIELDS = ['url', 'description', 'levels', 'rules', 'namespaces'] as const;

function New() {
  const client = useQueryClient();
  const [url, setUrl] = useState('');
  const [description, setDescription] = useState('');
  const [levels, setLevels] = useState<string[]>([]);
  const [namespaces, setNamespaces] = useState('');
  const create = useMutation({
    mutationFn: () =>
      post<{ webhook: WebhookView; secret: string }>('/webhooks', {
        url: url.trim(),
        description,
        levels,
        ...(words(namespaces).length === 0 ? {} : { namespaces: words(namespaces) }),
      }),
    onSuccess: async () => {
      setUrl('');
      setDescription('');
      await client.invalidateQueries({ queryKey: KEY });
    },
  });
  if (create.data !== undefined)
    return (
      <Secret what="The signing secret" secret={create.data.secret} onDone={() => create.reset()}>
        <p className="quiet">
          The receiver at {visible(create.data.webhook.url)} checks the header <code>webhook-signature</code> with it.
        </p>
      </Secret>
    );
  return (
    <details className="form-frame">
      <summary>New webhook</summary>
      <form
        className="form"
        onSubmit={event => {
          event.preventDefault();
          create.mutate();
        }}
      >
        <FormField label="URL" hint="http or https, at a public address." problem={problemOf(create.error, 'url')}>
          {control => (
            <input
              {...control}
              required
              type="url"
              maxLength={2_048}
              placeholder="https://soar.example.org/spoor"
              value={url}
              onChange={event => setUrl(event.target.value)}
            />
          )}
        </FormField>
        <FormField label="Description" problem={problemOf(create.error, 'description')}>
          {control => (
            <input
              {...control}
              maxLength={1_000}
              value={description}
              onChange={event => setDescription(event.target.value)}
            />
          )}
        </FormField>
        <Choices label="Levels (none for all)" values={LEVELS} chosen={levels} onChange={setLevels} />
        <FormField
          label="Namespaces"
          hint="Empty for all that you may see."
          problem={problemOf(create.error, 'namespaces')}
        >
          {control => <input {...control} value={namespaces} onChange={event => setNamespaces(event.target.value)} />}
        </FormField>
        <FormProblem error={create.error} shown={FIELDS} />
        <p>
          <button type="submit" disabled={create.isPending}>
            {create.isPending ? 'Adding …' : 'Add it'}
          </button>
        </p>
      </form>
    </details>
  );
}

function Webhook({ webhook }: { readonly webhook: WebhookView }) {
  const { id, url, description, levels, rules, namespaces, enabled, disabled_reason, created_at } = webhook;
  const client = useQueryClient();
  const changed = (): Promise<void> => client.invalidateQueries({ queryKey: KEY });
  const test = useMutation({
    mutationFn: () => post<{ outcome: string; detail: string }>(`/sinks/${encodeURIComponent(`webhook:${id}`)}/test`),
  });
  const enable = useMutation({
    mutationFn: (value: boolean) => patch(`/webhooks/${id}`, { enabled: value }),
    onSettled: changed,
  });
  const rotate = useMutation({ mutationFn: () => post<{ secret: string }>(`/webhooks/${id}/rotate`) });
  const end = useMutation({ mutationFn: () => remove(`/webhooks/${id}`), onSettled: changed });
  return (
    <li>
      <h2>
        <span className={`dot ${enabled ? 'good' : 'bad'}`} aria-hidden="true" /> <code>{visible(url)}</code>
      </h2>
      <p className="quiet">
        {enabled ? '' : `Nothing is sent${disabled_reason === '' ? '' : `: ${visible(disabled_reason)}`}. `}
        {description === '' ? '' : `${visible(description)} · `}
        {levels.length === 0 ? 'all levels' : levels.join(', ')} ·{' '}
        {namespaces === null ? 'all namespaces' : namespaces.join(', ')}
        {rules.length === 0 ? '' : ` · ${count(rules.length, 'rule')}`} · added <Time time={created_at} />
      </p>
      {rotate.data === undefined ? null : (
        <Secret what="The new signing secret" secret={rotate.data.secret} onDone={() => rotate.reset()}>
          <p className="quiet">For a day both sign: change the receiver meanwhile.</p>
        </Secret>
      )}
      <p className="buttons">
        <button type="button" disabled={test.isPending} onClick={() => test.mutate()}>
          {test.isPending ? 'Sending …' : 'Send a test'}
        </button>
        <button type="button" disabled={enable.isPending} onClick={() => enable.mutate(!enabled)}>
          {enabled ? 'Pause' : 'Send again'}
        </button>
        <Confirm
          label="New secret"
          question="A new signing secret? The old one stays valid for a day."
          yes="Make a new one"
          disabled={rotate.isPending}
          onConfirm={() => rotate.mutate()}
        />
        <Confirm
          label="Delete"
          question="What it was not sent yet becomes dead letters."
          yes="Delete it"
          disabled={end.isPending}
          onConfirm={() => end.mutate()}
        />
        <span role="status">
          {test.data === undefined
            ? ''
            : `The test: ${test.data.outcome}${test.data.detail === '' ? '' : `, ${visible(test.data.detail)}`}`}
        </span>
      </p>
      {[test, enable, rotate, end].map(({ error }, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: always the same four.
        <FormProblem key={at} error={error} shown={[]} />
      ))}
      <Deliveries id={id} />
    </li>
  );
}

/** Read when they are asked for. */
function Deliveries({ id }: { readonly id: string }) {
  const [isOpen, setOpen] = useState(false);
  const sink = `webhook:${id}`;
  const list = useQuery({
    queryKey: ['deliveries', sink],
    queryFn: () => get<Page<DeliveryView>>(`/deliveries${query({ sink, limit: DELIVERIES_SHOWN })}`),
    enabled: isOpen,
  });
  return (
    <details onToggle={event => setOpen(event.currentTarget.open)}>
      <summary>Its last deliveries</summary>
      {!isOpen ? null : (
        <Read of={list} what="deliveries">
          {({ items }) =>
            items.length === 0 ? (
              <p className="empty">Nothing was sent to it yet.</p>
            ) : (
              <>
                <ul className="plain">
                  {items.map(({ id: delivery, state, signal, incident_id, attempts, updated_at, error }) => (
                    <li key={delivery}>
                      {state}:{' '}
                      {incident_id === '' ? signal : <Link href={`/incidents/${incident_id}`}>{signal} incident</Link>},{' '}
                      {count(attempts, 'attempt')}, <Time time={updated_at} />
                      {error === '' ? '' : `: ${visible(error)}`}
                    </li>
                  ))}
                </ul>
                <p>
                  <Link href={`/deliveries${query({ sink })}`}>All of them</Link>
                </p>
              </>
            )
          }
        </Read>
      )}
    </details>
  );
}

/** Who may use the API, and who did what with it. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { Page, TokenView } from '../../api/contract.ts';
import { get, post, query, remove } from '../api.ts';
import { Confirm, FormField, FormProblem, problemOf, Secret, words } from '../forms.tsx';
import { instant, visible } from '../text.ts';
import { Choices, Read, Time } from '../widgets.tsx';

const SCOPES = ['read', 'write', 'ingest', 'admin'] as const;
const DAY_MS = 24 * 3_600_000;
const SPANS = [
  ['30 days', 30],
  ['90 days', 90],
  ['1 year', 365],
  ['never', 0],
] as const;

const KEY = ['tokens'];
const AUDIT_SHOWN = 100;

interface AuditEntry {
  readonly id: number;
  readonly at: string;
  readonly actor: string;
  readonly action: string;
  readonly target: string;
  readonly detail: string;
}

export default function Tokens() {
  const list = useQuery({ queryKey: KEY, queryFn: () => get<{ items: TokenView[] }>('/tokens') });
  return (
    <>
      <title>Tokens · Spoor</title>
      <h1>Tokens</h1>
      <Read of={list} what="tokens">
        {({ items }) => (
          <>
            <New isFirst={items.length === 0} />
            {items.length === 0 ? (
              <p className="empty">
                None: everybody who reaches this address from this machine may do everything. The first token, an
                administrator’s, ends that.
              </p>
            ) : (
              <List items={items} />
            )}
            <Audit />
          </>
        )}
      </Read>
    </>
  );
}

function New({ isFirst }: { readonly isFirst: boolean }) {
  const client = useQueryClient();
  const [name, setName] = useState('');
  const [scopes, setScopes] = useState<string[]>(isFirst ? ['admin'] : ['read']);
  const [namespaces, setNamespaces] = useState('');
  const [days, setDays] = useState(90);
  const create = useMutation({
    mutationFn: async () => {
      const created = await post<{ token: TokenView; secret: string }>('/tokens', {
        name,
        scopes,
        namespaces: words(namespaces).length === 0 ? null : words(namespaces),
        expires_at: days === 0 ? null : new Date(Date.now() + days * DAY_MS).toISOString(),
      });
      // From the first token on this very page needs one, also to go on showing the secret.
      if (isFirst) await post('/session', { token: created.secret });
      return created;
    },
    onSuccess: () => setName(''),
  });
  if (create.data !== undefined)
    return (
      <Secret
        what={`The secret of ${create.data.token.name}`}
        secret={create.data.secret}
        onDone={() => {
          create.reset();
          void client.invalidateQueries();
        }}
      >
        <p className="quiet">
          Sent as <code>Authorization: Bearer …</code>, or typed at this page’s sign-in.
        </p>
      </Secret>
    );
  return (
    <details className="form-frame">
      <summary>New token</summary>
      <form
        className="form"
        onSubmit={event => {
          event.preventDefault();
          create.mutate();
        }}
      >
        {isFirst ? (
          <p className="note">
            From the first token on every request needs one. This page signs in with it; everybody else needs its
            secret.
          </p>
        ) : null}
        <FormField
          label="Name"
          hint="Who or what uses it; the audit log says it."
          problem={problemOf(create.error, 'name')}
        >
          {control => (
            <input {...control} required maxLength={64} value={name} onChange={event => setName(event.target.value)} />
          )}
        </FormField>
        <Choices label="May" values={SCOPES} chosen={scopes} onChange={setScopes} />
        {problemOf(create.error, 'scopes') === '' ? null : (
          <p className="problem">{problemOf(create.error, 'scopes')}</p>
        )}
        <FormField
          label="Namespaces"
          hint="Empty for all. Tokens that ingest or administer see all."
          problem={problemOf(create.error, 'namespaces')}
        >
          {control => <input {...control} value={namespaces} onChange={event => setNamespaces(event.target.value)} />}
        </FormField>
        <FormField label="Ends after" problem={problemOf(create.error, 'expires_at')}>
          {control => (
            <select {...control} value={days} onChange={event => setDays(Number(event.target.value))}>
              {SPANS.map(([text, n]) => (
                <option key={text} value={n}>
                  {text}
                </option>
              ))}
            </select>
          )}
        </FormField>
        <FormProblem error={create.error} shown={['name', 'scopes', 'namespaces', 'expires_at']} />
        <p>
          <button type="submit" disabled={create.isPending || scopes.length === 0}>
            {create.isPending ? 'Making …' : 'Make a token'}
          </button>
        </p>
      </form>
    </details>
  );
}

function List({ items }: { readonly items: readonly TokenView[] }) {
  const client = useQueryClient();
  const revoke = useMutation({
    mutationFn: (id: string) => remove(`/tokens/${id}`),
    onSettled: () => client.invalidateQueries({ queryKey: KEY }),
  });
  return (
    <section aria-labelledby="list">
      <h2 id="list">In use</h2>
      <FormProblem error={revoke.error} shown={[]} />
      <div className="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">May</th>
              <th scope="col">Namespaces</th>
              <th scope="col">Made</th>
              <th scope="col">Last used</th>
              <th scope="col">Ends</th>
              <th scope="col">
                <span className="hidden">Revoke</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {items.map(({ id, name, scopes, namespaces, created_at, last_used_at, expires_at }) => (
              <tr key={id}>
                <td>{visible(name)}</td>
                <td>{scopes.join(', ')}</td>
                <td>{namespaces === null ? 'all' : namespaces.join(', ')}</td>
                <td>
                  <Time time={created_at} />
                </td>
                <td>{last_used_at === null ? 'never' : <Time time={last_used_at} />}</td>
                <td>{expires_at === null ? 'never' : instant(expires_at)}</td>
                <td>
                  <Confirm
                    label="Revoke"
                    question={`Whoever uses ${visible(name)} is refused at once.`}
                    yes="Revoke it"
                    disabled={revoke.isPending}
                    onConfirm={() => revoke.mutate(id)}
                  />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Audit() {
  const log = useQuery({
    queryKey: ['audit'],
    queryFn: () => get<Page<AuditEntry>>(`/audit${query({ limit: AUDIT_SHOWN })}`),
  });
  return (
    <section aria-labelledby="audit">
      <h2 id="audit">Who did what</h2>
      <Read of={log} what="audit log">
        {({ items, next }) =>
          items.length === 0 ? (
            <p className="empty">Nobody has changed anything yet.</p>
          ) : (
            <div className="scroll">
              <table>
                <thead>
                  <tr>
                    <th scope="col">When</th>
                    <th scope="col">Who</th>
                    <th scope="col">What</th>
                    <th scope="col">Of</th>
                    <th scope="col">Detail</th>
                  </tr>
                </thead>
                <tbody>
                  {items.map(({ id, at, actor, action, target, detail }) => (
                    <tr key={id}>
                      <td>
                        <Time time={at} />
                      </td>
                      <td>{visible(actor)}</td>
                      <td>{action}</td>
                      <td className="id">{visible(target).slice(0, 24)}</td>
                      <td className="main-cell">{visible(detail)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
              {next === null ? null : <p className="quiet">The newest {AUDIT_SHOWN}; more at /api/v1/audit.</p>}
            </div>
          )
        }
      </Read>
    </section>
  );
}

/** Of what nobody is told, until when, and why. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { SilenceView } from '../../api/contract.ts';
import { get, post, remove } from '../api.ts';
import { Confirm, FormField, FormProblem, lines, problemOf } from '../forms.tsx';
import { count, instant, visible } from '../text.ts';
import { Choices, LEVELS, Read, Time } from '../widgets.tsx';
import { useFilters } from './filters.ts';

/** Of the conditions, those that are lists of patterns. */
const PATTERNS = ['rule', 'namespace', 'workload', 'pod', 'tag', 'cluster'] as const;
type Pattern = (typeof PATTERNS)[number];

const LABELS: Readonly<Record<Pattern, string>> = {
  rule: 'Rules (id or title)',
  namespace: 'Namespaces',
  workload: 'Workloads',
  pod: 'Pods (names)',
  tag: 'Tags',
  cluster: 'Clusters',
};

const HOUR_MS = 3_600_000;
const SPANS = [
  ['1 hour', HOUR_MS],
  ['4 hours', 4 * HOUR_MS],
  ['1 day', 24 * HOUR_MS],
  ['1 week', 7 * 24 * HOUR_MS],
  ['30 days', 30 * 24 * HOUR_MS],
] as const;

const KEY = ['silences'];

export default function Silences() {
  const list = useQuery({ queryKey: KEY, queryFn: () => get<{ items: SilenceView[] }>('/silences') });
  return (
    <>
      <title>Silences · Spoor</title>
      <h1>Silences</h1>
      <p className="lede">
        Alerts that match a silence are kept and shown like all others; nobody is told of them. To keep a rule from
        firing at all, make an exception from one of its alerts.
      </p>
      <New />
      <section aria-labelledby="list">
        <h2 id="list">In force and ended</h2>
        <Read of={list} what="silences">
          {({ items }) =>
            items.length === 0 ? (
              <p className="empty">None: everybody is told of everything that the routes send on.</p>
            ) : (
              <List items={items} />
            )
          }
        </Read>
      </section>
    </>
  );
}

/** Filled in by the address, so that an incident can lead here: `?rule=…&namespace=…`. */
function New() {
  const filters = useFilters();
  const client = useQueryClient();
  const given = (name: Pattern): string => filters.get(name) ?? '';
  const [levels, setLevels] = useState<string[]>(filters.list('level'));
  const [texts, setTexts] = useState(
    () => Object.fromEntries(PATTERNS.map(name => [name, given(name)])) as Record<Pattern, string>,
  );
  const [labels, setLabels] = useState('');
  const labelProblem = lines(labels).every(line => /^[^=]+=./.test(line)) ? '' : 'each line is a key=pattern';
  const [span, setSpan] = useState<number>(4 * HOUR_MS);
  const [reason, setReason] = useState('');
  const create = useMutation({
    mutationFn: () => {
      const match: Record<string, unknown> = levels.length === 0 ? {} : { level: levels };
      for (const name of PATTERNS) {
        const values = lines(texts[name]);
        if (values.length > 0) match[name] = values;
      }
      if (lines(labels).length > 0) match.label = labelPatterns(labels);
      return post<SilenceView>('/silences', { match, until: new Date(Date.now() + span).toISOString(), reason });
    },
    onSuccess: async () => {
      setTexts(held => Object.fromEntries(Object.keys(held).map(name => [name, ''])) as Record<Pattern, string>);
      setLevels([]);
      setLabels('');
      setReason('');
      await client.invalidateQueries({ queryKey: KEY });
    },
  });
  const isNarrow = [labels, ...Object.values(texts)].some(text => lines(text).length > 0) || levels.length > 0;
  const fields = [...PATTERNS, 'label'].map(name => `match.${name}`);
  return (
    <details className="form-frame" open={PATTERNS.some(name => given(name) !== '')}>
      <summary>New silence</summary>
      <form
        className="form"
        onSubmit={event => {
          event.preventDefault();
          create.mutate();
        }}
      >
        <p className="quiet">
          All that is given must hold; one pattern a line means any of them. <code>*</code> and <code>?</code> are
          wildcards.
        </p>
        <Choices label="Levels" values={LEVELS} chosen={levels} onChange={setLevels} />
        <div className="form-grid">
          {PATTERNS.map(name => (
            <FormField key={name} label={LABELS[name]} problem={problemOf(create.error, `match.${name}`)}>
              {control => (
                <textarea
                  {...control}
                  rows={2}
                  value={texts[name]}
                  onChange={event => setTexts(held => ({ ...held, [name]: event.target.value }))}
                />
              )}
            </FormField>
          ))}
          <FormField
            label="Pod labels"
            hint="a key=pattern a line; all keys must match"
            problem={labelProblem || problemOf(create.error, 'match.label')}
          >
            {control => (
              <textarea {...control} rows={2} value={labels} onChange={event => setLabels(event.target.value)} />
            )}
          </FormField>
        </div>
        <FormField label="For" problem={problemOf(create.error, 'until')}>
          {control => (
            <select {...control} value={span} onChange={event => setSpan(Number(event.target.value))}>
              {SPANS.map(([name, ms]) => (
                <option key={name} value={ms}>
                  {name}
                </option>
              ))}
            </select>
          )}
        </FormField>
        <FormField label="Why nobody is to be told" problem={problemOf(create.error, 'reason')}>
          {control => (
            <input
              {...control}
              required
              maxLength={1_000}
              value={reason}
              onChange={event => setReason(event.target.value)}
            />
          )}
        </FormField>
        <FormProblem error={create.error} shown={[...fields, 'until', 'reason']} />
        {isNarrow ? null : <p className="quiet">Give at least one condition: else everything would be silenced.</p>}
        <p>
          <button type="submit" disabled={create.isPending || !isNarrow || labelProblem !== ''}>
            {create.isPending ? 'Silencing …' : 'Silence'}
          </button>{' '}
          <span role="status">{create.data === undefined ? '' : `Silenced until ${instant(create.data.until)}.`}</span>
        </p>
      </form>
    </details>
  );
}

function List({ items }: { readonly items: readonly SilenceView[] }) {
  const client = useQueryClient();
  const end = useMutation({
    mutationFn: (id: string) => remove(`/silences/${id}`),
    onSettled: () => client.invalidateQueries({ queryKey: KEY }),
  });
  return (
    <>
      <FormProblem error={end.error} shown={[]} />
      <div className="scroll">
        <table className="wide">
          <thead>
            <tr>
              <th scope="col">What</th>
              <th scope="col">Until</th>
              <th scope="col">Why</th>
              <th scope="col">Who</th>
              <th scope="col" className="number">
                Alerts
              </th>
              <th scope="col">
                <span className="hidden">End it</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {items.map(({ id, match, until, active, reason, author, created_at, alerts }) => (
              <tr key={id} className={active ? '' : 'quiet'}>
                <td className="main-cell">
                  {Object.entries(match).map(([name, values]) => (
                    <div key={name}>
                      <span className="quiet">{name}</span> {conditionText(values)}
                    </div>
                  ))}
                </td>
                <td>
                  <time dateTime={until}>{instant(until)}</time>
                  {active ? '' : ', ended'}
                </td>
                <td className="main-cell">{visible(reason)}</td>
                <td>
                  {visible(author)}, <Time time={created_at} />
                </td>
                <td className="number">{alerts.toLocaleString('en')}</td>
                <td>
                  {active ? (
                    <Confirm
                      label="End"
                      question={`Tell people of it again? ${count(alerts, 'alert')} so far ${alerts === 1 ? 'stays' : 'stay'} untold.`}
                      yes="End the silence"
                      disabled={end.isPending}
                      onConfirm={() => end.mutate(id)}
                    />
                  ) : null}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

/** Lines `key=pattern` as the API takes them: several patterns of one key are any of them. */
function labelPatterns(text: string): Record<string, string[]> {
  const found = new Map<string, string[]>();
  for (const line of lines(text)) {
    const at = line.indexOf('=');
    const key = line.slice(0, at).trim();
    found.set(key, [...(found.get(key) ?? []), line.slice(at + 1).trim()]);
  }
  return Object.fromEntries(found);
}

function conditionText(values: unknown): string {
  if (Array.isArray(values)) return values.map(value => visible(String(value))).join(' or ');
  return Object.entries(values as Record<string, readonly string[]>)
    .map(([label, patterns]) => `${visible(label)}=${patterns.map(visible).join(' or ')}`)
    .join(', ');
}

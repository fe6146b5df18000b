/** What can be detected, what did fire, what it costs. */
import { useQuery } from '@tanstack/react-query';
import type { RuleRecord } from '../../api/contract.ts';
import { get } from '../api.ts';
import { count, visible } from '../text.ts';
import { Choices, LEVELS, Level, Read } from '../widgets.tsx';
import { useFilters } from './filters.ts';

const ORDERS = ['fires', 'cost', 'level', 'title'] as const;
type Order = (typeof ORDERS)[number];

const COMPARE: Readonly<Record<Order, (a: RuleRecord, b: RuleRecord) => number>> = {
  fires: (a, b) => (b.matches ?? 0) - (a.matches ?? 0),
  cost: (a, b) => (b.seconds ?? 0) - (a.seconds ?? 0),
  level: (a, b) => LEVELS.indexOf(a.level) - LEVELS.indexOf(b.level),
  title: () => 0,
};

export default function Rules() {
  const filters = useFilters();
  const rules = useQuery({
    queryKey: ['rules'],
    queryFn: () => get<{ items: RuleRecord[] }>('/rules'),
    refetchInterval: 15_000,
  });
  const words = (filters.get('search') ?? '').toLowerCase().split(/\s+/).filter(Boolean);
  const levels = filters.list('level');
  const order: Order = ORDERS.find(each => each === filters.get('order')) ?? 'fires';
  const select = (all: readonly RuleRecord[]): RuleRecord[] =>
    all
      .filter(({ level }) => levels.length === 0 || levels.includes(level))
      .filter(({ title, tags, file, description }) => {
        const text = `${title} ${tags.join(' ')} ${file} ${description}`.toLowerCase();
        return words.every(word => text.includes(word));
      })
      .sort((a, b) => COMPARE[order](a, b) || (a.title < b.title ? -1 : 1));
  return (
    <>
      <title>Rules · Spoor</title>
      <h1>Rules</h1>
      <search className="filters">
        <label>
          Search
          <input
            type="search"
            placeholder="title, technique, file"
            value={filters.get('search') ?? ''}
            onChange={event => filters.set('search', event.target.value)}
          />
        </label>
        <Choices label="Level" values={LEVELS} chosen={levels} onChange={value => filters.set('level', value)} />
        <label>
          Order by
          <select value={order} onChange={event => filters.set('order', event.target.value)}>
            {ORDERS.map(each => (
              <option key={each}>{each}</option>
            ))}
          </select>
        </label>
      </search>
      <Read of={rules} what="rules">
        {({ items }) => {
          const shown = select(items);
          return (
            <>
              <p className="quiet">
                {count(shown.length, 'rule')}
                {shown.length < items.length ? ` of ${items.length}` : ''}
              </p>
              {shown.length === 0 ? <p className="empty">None matches.</p> : null}
              <ul className="rules">
                {shown.map(rule => (
                  <Rule key={rule.id} rule={rule} />
                ))}
              </ul>
            </>
          );
        }}
      </Read>
    </>
  );
}

/** Time per evaluation, in microseconds; '' where nothing was evaluated. */
function cost({ seconds = 0, evaluated = 0 }: RuleRecord): string {
  return evaluated === 0 ? '' : `${((seconds / evaluated) * 1e6).toFixed(1)} µs`;
}

function Rule({ rule }: { readonly rule: RuleRecord }) {
  const {
    title,
    level,
    matches,
    tags,
    description,
    runbook,
    falsepositives,
    requires,
    file,
    line,
    kind,
    error,
    status,
    author,
  } = rule;
  return (
    <li>
      <details>
        <summary>
          <Level level={level} />
          <span className="rule-title">
            {title} {error === '' || error === undefined ? null : <span className="tag bad">switched off</span>}
            {status === 'stable' || status === '' ? null : <span className="tag">{status}</span>}
          </span>
          <span className="number">{matches > 0 ? <strong>{count(matches, 'match', 'matches')}</strong> : ''}</span>
          <span className="number quiet">{cost(rule)}</span>
        </summary>
        <div className="rule-body">
          {error === '' || error === undefined ? null : <p className="problem">{visible(error)}</p>}
          <p>{visible(description)}</p>
          {runbook === '' ? null : (
            <p>
              <strong>What to do:</strong> {visible(runbook)}
            </p>
          )}
          {falsepositives.length === 0 ? null : (
            <p>
              <strong>May be harmless:</strong> {visible(falsepositives.join(' '))}
            </p>
          )}
          {requires.length === 0 ? null : (
            <p>
              <strong>Needs of the sensors:</strong> {visible(requires.join(', '))}
            </p>
          )}
          <p className="quiet">
            {kind.replace('_', ' ')} · {tags.join(' · ')} · {visible(file)}:{line} · {visible(author)}
          </p>
        </div>
      </details>
    </li>
  );
}

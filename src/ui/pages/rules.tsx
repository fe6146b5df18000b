/** What can be detected, what did fire, what it costs, and what cannot fire here. */
import { lazy, Suspense } from 'react';
import { Link } from 'wouter';
import { query } from '../api.ts';
import { count, instant } from '../text.ts';
import { Choices, LEVELS, Level, Loading, Read, Time } from '../widgets.tsx';
import { type Filters, useFilters } from './filters.ts';
import { type RuleRow, useRules } from './rule-data.ts';
import '../forms.css';
import './rules.css';

const RuleDetail = lazy(() => import('./rule.tsx'));

const COLUMNS = ['level', 'title', 'alerts', 'last', 'cost', 'matches', 'missing'] as const;
type Column = (typeof COLUMNS)[number];

/** Time is sampled: of fewer evaluations it says nothing. */
const EVALUATED_MIN = 1_000;

/** Microseconds an evaluation; null where too little was evaluated, or nothing is told. */
const costOf = ({ rule: { seconds, evaluated } }: RuleRow): number | null =>
  seconds === undefined || !(evaluated >= EVALUATED_MIN) ? null : (seconds / evaluated) * 1e6;

const number = (value: number | null | undefined): number => value ?? -1;

/** The most, the newest, the worst first. */
const COMPARE: Readonly<Record<Column, (a: RuleRow, b: RuleRow) => number>> = {
  level: (a, b) => LEVELS.indexOf(a.rule.level) - LEVELS.indexOf(b.rule.level),
  title: () => 0,
  alerts: (a, b) => b.alerts - a.alerts,
  last: (a, b) => (a.last === b.last ? 0 : (a.last ?? '') < (b.last ?? '') ? 1 : -1),
  cost: (a, b) => number(costOf(b)) - number(costOf(a)),
  matches: (a, b) => number(b.rule.matches) - number(a.rule.matches),
  missing: (a, b) => (b.missing?.length ?? 0) - (a.missing?.length ?? 0),
};

const HEADS: Readonly<Record<Column, string>> = {
  level: 'Level',
  title: 'Rule',
  alerts: 'Alerts',
  last: 'Last fired',
  cost: 'Cost',
  matches: 'Matches of candidates',
  missing: 'Not seen here',
};

const SHOW = ['fired', 'cannot fire', 'switched off'] as const;
const IS: Readonly<Record<string, (row: RuleRow) => boolean>> = {
  fired: ({ alerts }) => alerts > 0,
  'cannot fire': ({ missing }) => (missing?.length ?? 0) > 0,
  'switched off': ({ rule }) => (rule.error ?? '') !== '',
};

export default function Rules() {
  const filters = useFilters();
  const { rows, problem, from } = useRules();
  const chosen = filters.get('rule');
  return (
    <>
      <title>Rules · Spoor</title>
      <h1>Rules</h1>
      <p className="buttons">
        <Link className="button" href="/editor">
          New rule
        </Link>
        <Link className="button" href="/attack">
          ATT&amp;CK matrix
        </Link>
      </p>
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
        <Choices
          label="Level"
          values={LEVELS}
          chosen={filters.list('level')}
          onChange={value => filters.set('level', value)}
        />
        <Choices
          label="Only"
          values={SHOW}
          chosen={filters.list('only')}
          onChange={value => filters.set('only', value)}
        />
      </search>
      {problem === null ? null : (
        <p className="note" role="status">
          Some numbers are missing: {problem.message}
        </p>
      )}
      <Read of={rows} what="rules">
        {items => (
          <>
            {chosen === undefined ? null : (
              <Suspense fallback={<Loading what="the rule" />}>
                <RuleDetail
                  id={chosen}
                  row={items.find(({ rule }) => rule.id === chosen)}
                  onClose={() => filters.set('rule', '')}
                />
              </Suspense>
            )}
            <Table items={items} filters={filters} from={from} />
          </>
        )}
      </Read>
    </>
  );
}

function select(items: readonly RuleRow[], filters: Filters): RuleRow[] {
  const words = (filters.get('search') ?? '').toLowerCase().split(/\s+/).filter(Boolean);
  const levels = filters.list('level');
  const only = filters.list('only');
  return items.filter(row => {
    const { title, level, tags, file, description, id } = row.rule;
    const text = `${title} ${tags.join(' ')} ${file} ${description} ${id}`.toLowerCase();
    return (
      (levels.length === 0 || levels.includes(level)) &&
      only.every(name => IS[name]?.(row) ?? true) &&
      words.every(word => text.includes(word))
    );
  });
}

interface TableProps {
  readonly items: readonly RuleRow[];
  readonly filters: Filters;
  readonly from: string | null;
}

function Table({ items, filters, from }: TableProps) {
  const order: Column = COLUMNS.find(each => each === filters.get('order')) ?? 'alerts';
  const isReversed = filters.get('reversed') === 'yes';
  const shown = select(items, filters).sort(
    (a, b) =>
      (isReversed ? -1 : 1) * (COMPARE[order](a, b) || (order === 'title' ? byTitle(a, b) : 0)) || byTitle(a, b),
  );
  const sortBy = (column: Column): void => {
    filters.set('reversed', column === order && !isReversed ? 'yes' : '');
    filters.set('order', column);
  };
  if (items.length === 0)
    return (
      <p className="empty">
        No rule is loaded: events are joined and shown, nothing is detected. Name folders in <code>rules.paths</code> of{' '}
        <code>spoor.yaml</code>, or leave <code>rules.defaults</code> on.
      </p>
    );
  return (
    <>
      <p className="quiet">
        {count(shown.length, 'rule')}
        {shown.length < items.length ? ` of ${items.length}` : ''}. Bars are alerts by hour
        {from === null ? '' : `, over 24 hours from ${instant(from)}`}.
      </p>
      {shown.length === 0 ? <p className="empty">None matches.</p> : null}
      <div className="scroll">
        <table className="wide rule-table">
          <thead>
            <tr>
              {COLUMNS.map(column => (
                <th
                  key={column}
                  scope="col"
                  aria-sort={column !== order ? 'none' : isReversed ? 'ascending' : 'descending'}
                  className={['alerts', 'cost', 'matches'].includes(column) ? 'number' : undefined}
                >
                  <button type="button" className="link" onClick={() => sortBy(column)}>
                    {HEADS[column]}
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map(row => (
              <Row key={row.rule.id} row={row} />
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

const byTitle = (a: RuleRow, b: RuleRow): number => (a.rule.title < b.rule.title ? -1 : 1);

function Row({ row }: { readonly row: RuleRow }) {
  const { rule, alerts, last, hours, missing } = row;
  const { id, title, level, status, error = '', matches, evaluated } = rule;
  const cost = costOf(row);
  return (
    <tr>
      <td>
        <Level level={level} />
      </td>
      <td className="main-cell">
        <Link href={`/rules${query({ rule: id })}`}>{title}</Link>
        {error === '' ? null : <span className="tag bad">switched off</span>}
        {status === 'stable' || status === '' ? null : <span className="tag">{status}</span>}
      </td>
      <td className="number">
        {alerts === 0 ? <span className="quiet">0</span> : <strong>{alerts.toLocaleString('en')}</strong>}
      </td>
      <td className="fired">
        {last === null ? <span className="quiet">never</span> : <Time time={last} />} <Sparkline hours={hours} />
      </td>
      <td className="number">{cost === null ? '' : `${cost.toFixed(1)} µs`}</td>
      <td className="number">
        {matches === undefined ? '' : `${matches.toLocaleString('en')} of ${(evaluated ?? 0).toLocaleString('en')}`}
      </td>
      <td className={(missing?.length ?? 0) > 0 ? 'problem' : 'quiet'}>
        {missing === null ? '' : missing.length === 0 ? 'all seen' : missing.join(', ')}
      </td>
    </tr>
  );
}

const BAR = 4;
const HEIGHT = 16;

/** Alerts by hour; the numbers beside it say the same. */
function Sparkline({ hours }: { readonly hours: readonly number[] }) {
  const most = Math.max(...hours, 0);
  if (most === 0) return null;
  return (
    <svg className="sparkline" viewBox={`0 0 ${hours.length * BAR} ${HEIGHT}`} aria-hidden="true">
      {hours.map((n, at) => {
        const height = n === 0 ? 0 : Math.max(2, (n / most) * HEIGHT);
        // biome-ignore lint/suspicious/noArrayIndexKey: the hour is its place.
        return <rect key={at} x={at * BAR} y={HEIGHT - height} width={BAR - 1} height={height} />;
      })}
    </svg>
  );
}

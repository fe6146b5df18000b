/** The ATT&CK matrix of Linux and containers: what rules cover, and what of it can fire with what the sensors report here. */
import { useMemo } from 'react';
import { Link } from 'wouter';
import type { CoverageView } from '../../api/contract.ts';
import { query } from '../api.ts';
import { count, instant, visible } from '../text.ts';
import { Choices, Level, Read } from '../widgets.tsx';
import { useFilters } from './filters.ts';
import { useCoverage } from './rule-data.ts';
import '../forms.css';
import './rules.css';

type CoveredRule = CoverageView['rules'][number];

interface Cell {
  readonly id: string;
  readonly name: string;
  readonly tactics: readonly string[];
  /** Rules of the technique and of its sub-techniques. */
  readonly rules: readonly CoveredRule[];
  readonly firing: number;
}

const SHOW = ['covered', 'can fire here', 'cannot fire here', 'not covered'] as const;
const IS: Readonly<Record<string, (cell: Cell) => boolean>> = {
  covered: ({ rules }) => rules.length > 0,
  'can fire here': ({ firing }) => firing > 0,
  'cannot fire here': ({ rules, firing }) => rules.length > 0 && firing === 0,
  'not covered': ({ rules }) => rules.length === 0,
};

const VIEWS = ['matrix', 'table'] as const;

/** Where nothing is told of the sensors, a rule is not said to be silent. */
const canFire = ({ missing }: CoveredRule): boolean => missing === null || missing.length === 0;

const titleOf = (tactic: string): string => {
  const words = tactic.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
};

function cellsOf({ techniques, rules }: CoverageView): Cell[] {
  return techniques
    .filter(({ id }) => !id.includes('.'))
    .map(({ id, name, tactics }) => {
      const own = rules.filter(rule => rule.techniques.some(each => each === id || each.startsWith(`${id}.`)));
      return { id, name, tactics, rules: own, firing: own.filter(canFire).length };
    });
}

export default function Attack() {
  const coverage = useCoverage();
  return (
    <>
      <title>ATT&amp;CK · Spoor</title>
      <h1>ATT&amp;CK matrix</h1>
      <p className="lede">
        What the rules cover of MITRE ATT&amp;CK on Linux and in containers, and what of it can fire with what the
        sensors report here.
      </p>
      <Read of={coverage} what="coverage">
        {data => <Shown coverage={data} />}
      </Read>
    </>
  );
}

function Shown({ coverage }: { readonly coverage: CoverageView }) {
  const filters = useFilters();
  const cells = useMemo(() => cellsOf(coverage), [coverage]);
  const only = filters.list('only');
  const shown = cells.filter(cell => only.length === 0 || only.some(name => IS[name]?.(cell) ?? true));
  const chosen = filters.get('technique');
  const isTable = filters.get('view') === 'table';
  const silent = coverage.rules.filter(rule => !canFire(rule)).length;
  const covered = cells.filter(({ rules }) => rules.length > 0).length;
  return (
    <>
      <p>
        {count(coverage.rules.length, 'rule')} for {covered} of {count(cells.length, 'technique')}.{' '}
        {coverage.since === null
          ? 'Which of them can fire here is told to tokens of all namespaces alone.'
          : `${silent} cannot fire with what the sensors reported since ${instant(coverage.since)}; a quiet hour looks the same as a missing setting.`}
      </p>
      <p className="buttons">
        <a className="button" href="/api/v1/coverage/navigator" download="spoor-attack-layer.json">
          Download the Navigator layer
        </a>
        <Link className="button" href={`/rules${query({ only: 'cannot fire', order: 'missing' })}`}>
          Rules that cannot fire
        </Link>
      </p>
      <search className="filters">
        <Choices label="Only" values={SHOW} chosen={only} onChange={value => filters.set('only', value)} />
        <Choices
          label="As"
          values={VIEWS}
          chosen={[isTable ? 'table' : 'matrix']}
          onChange={value => filters.set('view', value.at(-1) === 'table' ? 'table' : '')}
        />
      </search>
      {chosen === undefined ? null : (
        <Technique id={chosen} coverage={coverage} onClose={() => filters.set('technique', '')} />
      )}
      {shown.length === 0 ? <p className="empty">No technique is like that.</p> : null}
      {isTable ? (
        <Table cells={shown} tactics={coverage.tactics} />
      ) : (
        <Matrix cells={shown} tactics={coverage.tactics} />
      )}
    </>
  );
}

function stateOf({ rules, firing }: Cell): 'fires' | 'silent' | 'none' {
  if (rules.length === 0) return 'none';
  return firing > 0 ? 'fires' : 'silent';
}

function wordsOf(cell: Cell): string {
  const { rules, firing } = cell;
  if (rules.length === 0) return 'no rule';
  return firing === rules.length ? count(rules.length, 'rule') : `${count(rules.length, 'rule')}, ${firing} can fire`;
}

interface ViewProps {
  readonly cells: readonly Cell[];
  readonly tactics: readonly string[];
}

function Matrix({ cells, tactics }: ViewProps) {
  const filters = useFilters();
  const chosen = filters.get('technique')?.split('.')[0];
  return (
    // A region that scrolls sideways has to be reachable by keyboard.
    // biome-ignore lint/a11y/noNoninteractiveTabindex: see above.
    <section className="matrix" aria-label="Tactics and their techniques" tabIndex={0}>
      {tactics.map(tactic => {
        const own = cells.filter(cell => cell.tactics.includes(tactic));
        if (own.length === 0) return null;
        return (
          <div key={tactic}>
            <h2>{titleOf(tactic)}</h2>
            <ul>
              {own.map(cell => (
                <li key={cell.id}>
                  <Link
                    href={`/attack${query({ ...filters.all, technique: cell.id })}`}
                    className={`cell cell-${stateOf(cell)}`}
                    {...(chosen === cell.id ? { 'aria-current': 'true' as const } : {})}
                  >
                    {cell.name || cell.id}{' '}
                    <span className="quiet">
                      {cell.id}, {wordsOf(cell)}
                    </span>
                  </Link>
                </li>
              ))}
            </ul>
          </div>
        );
      })}
    </section>
  );
}

function Table({ cells, tactics }: ViewProps) {
  const filters = useFilters();
  return (
    <div className="scroll">
      <table className="wide">
        <thead>
          <tr>
            <th scope="col">Tactic</th>
            <th scope="col">Technique</th>
            <th scope="col" className="number">
              Rules
            </th>
            <th scope="col" className="number">
              Can fire here
            </th>
          </tr>
        </thead>
        <tbody>
          {tactics.flatMap(tactic =>
            cells
              .filter(cell => cell.tactics.includes(tactic))
              .map(cell => (
                <tr key={`${tactic} ${cell.id}`}>
                  <td>{titleOf(tactic)}</td>
                  <td className="main-cell">
                    <Link href={`/attack${query({ ...filters.all, technique: cell.id })}`}>
                      {cell.id} {cell.name}
                    </Link>
                  </td>
                  <td className="number">{cell.rules.length}</td>
                  <td className="number">{cell.rules.length === 0 ? '' : cell.firing}</td>
                </tr>
              )),
          )}
        </tbody>
      </table>
    </div>
  );
}

interface TechniqueProps {
  readonly id: string;
  readonly coverage: CoverageView;
  readonly onClose: () => void;
}

/** The rules of a technique, by its sub-techniques. */
function Technique({ id, coverage, onClose }: TechniqueProps) {
  const own = coverage.techniques.filter(each => each.id === id || each.id.startsWith(`${id}.`));
  return (
    // What scrolls has to be reachable by keyboard.
    // biome-ignore lint/a11y/noNoninteractiveTabindex: see above.
    <section className="rule-detail technique" aria-labelledby="technique" tabIndex={0}>
      <button type="button" className="close" aria-label="Close the technique" onClick={onClose}>
        ×
      </button>
      <h2 id="technique">
        {visible(id)} {own[0]?.name ?? 'is not in this matrix'}
      </h2>
      {own.map(({ id: each, name }) => {
        const rules = coverage.rules.filter(({ techniques }) => techniques.includes(each));
        return (
          <div key={each}>
            {own.length > 1 ? (
              <h3>
                {each} {name}
              </h3>
            ) : null}
            {rules.length === 0 ? <p className="quiet">No rule of its own.</p> : null}
            <ul className="plain">
              {rules.map(rule => (
                <li key={rule.id}>
                  <Level level={rule.level} /> <Link href={`/rules${query({ rule: rule.id })}`}>{rule.title}</Link>
                  {canFire(rule) ? null : (
                    <span className="problem"> cannot fire here: not seen: {(rule.missing ?? []).join(', ')}</span>
                  )}
                </li>
              ))}
            </ul>
          </div>
        );
      })}
      {own.length === 0 ? null : (
        <p>
          <a
            href={`https://attack.mitre.org/techniques/${id.replace('.', '/')}/`}
            rel="noreferrer noopener"
            target="_blank"
          >
            What it is, at MITRE
          </a>
        </p>
      )}
    </section>
  );
}
